"""Tracks as Arrow tables, and back. Loaded on first use: pyarrow is slow to import.

Columns are made from buffers: pyarrow's own conversions import pandas, half a second of processor time in each process.
"""

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
        columns |= {_name(q.name): track.values[:, i] for i, q in enumerate(track.quantities)}
        extra["quantities"] = [q.to_dict() for q in track.quantities]
    elif isinstance(track, Spans):
        columns = {
            "start": track.start,
            "end": track.end,
            "label": _strings(track.label),
            "text": _strings(track.text),
            "score": track.score,
            "speaker": _strings(track.speaker),
        }
    elif isinstance(track, Boxes):
        columns = {"time": track.times, "person": track.person}
        columns |= {key: track.xywh[:, i] for i, key in enumerate("xywh")}
        columns["score"] = track.score
        if track.landmarks is not None:
            points = track.landmarks.shape[1] * 2
            columns["landmarks"] = (
                pa.FixedSizeListArray.from_arrays(_numbers(track.landmarks), points) if points else None
            )
    elif isinstance(track, Features):
        width = track.vectors.shape[1]
        columns = {"time": track.times, **_person(track)}
        columns["vector"] = pa.FixedSizeListArray.from_arrays(_numbers(track.vectors), width) if width else None
        extra["width"] = width
    else:
        raise TypeError(f"not a track: {type(track).__name__}")
    meta = {"format": _FORMAT, "kind": track.kind, "name": track.name, **extra}
    if track.provenance is not None:
        meta["provenance"] = track.provenance.to_dict()
    arrays = {key: _numbers(c) if isinstance(c, np.ndarray) else c for key, c in columns.items() if c is not None}
    table = pa.Table.from_arrays(list(arrays.values()), names=list(arrays))
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
        return _values(table.column(key))

    person: Any = column("person") if "person" in table.column_names else None
    rows = table.num_rows
    values: Any
    if kind == "curve":
        quantities = tuple(Quantity.from_dict(q) for q in meta["quantities"])
        values = np.stack([column(_name(q.name)) for q in quantities], 1) if quantities else np.empty((rows, 0))
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


def _name(name: str) -> str:
    """The name of a column: half of a surrogate pair has no UTF-8."""
    return name.encode("utf-8", "replace").decode("utf-8")


def _numbers(values: Any) -> pa.Array:
    """Numbers of any shape, one after the other."""
    flat = np.ascontiguousarray(values).reshape(-1)
    return pa.Array.from_buffers(pa.from_numpy_dtype(flat.dtype), flat.size, [None, pa.py_buffer(flat)])


def _strings(texts: tuple[str, ...]) -> pa.Array:
    # A lone surrogate, from a name of a file say, has no UTF-8.
    encoded = [text.encode("utf-8", "replace") for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def _one(column: pa.ChunkedArray) -> pa.Array:
    chunk = column.combine_chunks()
    return pa.concat_arrays(chunk.chunks) if isinstance(chunk, pa.ChunkedArray) else chunk


def _values(column: pa.ChunkedArray) -> Any:
    return _read(_one(column))


def _lists(column: pa.ChunkedArray) -> Any:
    return _read(_one(column).flatten())


def _read(array: pa.Array) -> Any:
    """A column of numbers as NumPy array; read-only, it shares the table's memory."""
    if array.null_count:
        raise ValueError("a column of numbers has gaps, so this table holds no track")
    return np.from_dlpack(array) if len(array) else np.empty(0, array.type.to_pandas_dtype())
