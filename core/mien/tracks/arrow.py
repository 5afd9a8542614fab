"""Tracks as Arrow tables, and back. Loaded on first use: pyarrow is slow to import."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa

from mien.tracks.quantity import Quantity
from mien.tracks.track import AnyTrack, Boxes, Curve, Features, Provenance, Spans, Track

_META = b"mien"
_FORMAT = 1


def to_table(track: Track) -> pa.Table:
    """One Arrow table: plain columns, so that any other reader can use it.

    Curve → time, [person], one column per channel · Spans → start, end, label, text, score, speaker ·
    Boxes → time, person, x, y, w, h, score, [landmarks] · Features → time, [person], vector.
    """
    columns: dict[str, Any]
    extra: dict[str, Any] = {}
    if isinstance(track, Curve):
        columns = {"time": track.times, **_person(track)}
        columns |= {q.name: track.values[:, i] for i, q in enumerate(track.quantities)}
        extra["quantities"] = [q.to_dict() for q in track.quantities]
    elif isinstance(track, Spans):
        columns = {
            "start": track.start,
            "end": track.end,
            "label": pa.array(track.label, pa.string()),
            "text": pa.array(track.text, pa.string()),
            "score": track.score,
            "speaker": pa.array(track.speaker, pa.string()),
        }
    elif isinstance(track, Boxes):
        columns = {"time": track.times, "person": track.person}
        columns |= {key: track.xywh[:, i] for i, key in enumerate("xywh")}
        columns["score"] = track.score
        if track.landmarks is not None:
            points = track.landmarks.shape[1] * 2
            flat = pa.array(np.ascontiguousarray(track.landmarks).reshape(-1))
            columns["landmarks"] = pa.FixedSizeListArray.from_arrays(flat, points) if points else None
    elif isinstance(track, Features):
        width = track.vectors.shape[1]
        flat = pa.array(np.ascontiguousarray(track.vectors).reshape(-1))
        columns = {"time": track.times, **_person(track)}
        columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, width) if width else None
        extra["width"] = width
    else:
        raise TypeError(f"not a track: {type(track).__name__}")
    meta = {"format": _FORMAT, "kind": track.kind, "name": track.name, **extra}
    if track.provenance is not None:
        meta["provenance"] = track.provenance.to_dict()
    table = pa.table({key: value for key, value in columns.items() if value is not None})
    return table.replace_schema_metadata({_META: json.dumps(meta).encode()})


def from_table(table: pa.Table) -> AnyTrack:
    """The inverse of `to_table`.

    Raises:
        ValueError: the table was not written by `to_table`.
    """
    raw = (table.schema.metadata or {}).get(_META)
    if raw is None:
        raise ValueError("this table holds no track")
    meta = json.loads(raw)
    name, kind = meta["name"], meta["kind"]
    provenance = Provenance.from_dict(meta["provenance"]) if meta.get("provenance") else None

    def column(key: str) -> Any:
        return table.column(key).combine_chunks().to_numpy(zero_copy_only=False)

    person: Any = column("person") if "person" in table.column_names else None
    rows = table.num_rows
    values: Any
    if kind == "curve":
        quantities = tuple(Quantity.from_dict(q) for q in meta["quantities"])
        values = np.stack([column(q.name) for q in quantities], 1) if quantities else np.empty((rows, 0))
        return Curve(name, column("time"), values, quantities, person, provenance)
    if kind == "spans":
        texts = {key: tuple(table.column(key).to_pylist()) for key in ("label", "text", "speaker")}
        return Spans(
            name,
            column("start"),
            column("end"),
            texts["label"],
            texts["text"],
            column("score"),
            texts["speaker"],
            provenance,
        )
    if kind == "boxes":
        xywh = np.stack([column(key) for key in "xywh"], 1)
        landmarks = None
        if "landmarks" in table.column_names:
            landmarks = _lists(table.column("landmarks")).reshape(
                rows, table.schema.field("landmarks").type.list_size // 2, 2
            )
        return Boxes(name, column("time"), person, xywh, column("score"), landmarks, provenance)
    if kind == "features":
        vectors = _lists(table.column("vector")).reshape(rows, meta["width"]) if meta["width"] else np.empty((rows, 0))
        return Features(name, column("time"), vectors, person, provenance)
    raise ValueError(f"this version does not know tracks of kind {kind!r}")


def _person(track: Curve | Features) -> dict[str, Any]:
    return {} if track.person is None else {"person": track.person}


def _lists(column: pa.ChunkedArray) -> Any:
    chunk = column.combine_chunks()
    if isinstance(chunk, pa.ChunkedArray):
        chunk = pa.concat_arrays(chunk.chunks)
    return chunk.flatten().to_numpy(zero_copy_only=False)
