"""What the folder exports say of themselves: a manifest for machines, a README for people."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.exchange.text import clean, one_line, safe_name
from mien.sdk.protocols import Analysis
from mien.tracks.quantity import Quantity
from mien.tracks.track import AnyTrack, Boxes, Curve, Features

MANIFEST = "provenance.json"
README = "README.txt"

_POINTS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
_EXPLAINED = {
    "time": "presentation time from the medium's beginning",
    "start": "begin",
    "end": "end",
    "person": "identity over time",
    "label": "what kind of stretch it is",
    "text": "the words",
    "score": "confidence or probability, of a verdict the mean of the fused score; empty where none was given",
    "speaker": "who; empty where unknown",
    "x": "left edge of the box, in the upright picture",
    "y": "top edge of the box",
    "w": "width of the box",
    "h": "height of the box",
}


@dataclass(frozen=True)
class Column:
    """One column of a table. `type`: number, integer or string."""

    name: str
    type: str
    unit: str = ""
    quantity: Quantity | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the extent and the meaning of its ends only where there is one."""
        fields: dict[str, Any] = {"name": self.name, "type": self.type}
        if self.unit:
            fields["unit"] = self.unit
        if self.quantity is not None:
            fields |= {k: v for k, v in self.quantity.to_dict().items() if v not in (None, "") and k != "name"}
        return fields

    def describe(self) -> str:
        """One line for people."""
        parts = [_EXPLAINED.get(self.name, "")] if self.quantity is None else []
        if self.unit:
            parts.append(f"in {self.unit}")
        q = self.quantity
        if q is not None and q.low is not None and q.high is not None:
            low = f" ({q.low_means})" if q.low_means else ""
            high = f" ({q.high_means})" if q.high_means else ""
            parts.append(f"from {q.low:g}{low} to {q.high:g}{high}")
        if q is not None and q.about:
            parts.append(one_line(q.about).rstrip("."))
        return ", ".join(part for part in parts if part) or self.type


@dataclass
class Table:
    """One file of a folder export."""

    file: str
    track: AnyTrack
    columns: Sequence[Column] = field(default_factory=tuple)


def columns_of(track: AnyTrack) -> tuple[Column, ...]:
    """The columns of a track as a table, in the order that `values_of` gives them."""
    time, person = Column("time", "number", "s"), Column("person", "integer")
    who = (person,) if getattr(track, "person", None) is not None else ()
    if isinstance(track, Curve):
        return (time, *who, *(Column(q.name, "number", q.unit, q) for q in track.quantities))
    if isinstance(track, Features):
        return (time, *who, *(Column(f"v{i}", "number") for i in range(track.vectors.shape[1])))
    if isinstance(track, Boxes):
        marks: tuple[Column, ...] = ()
        if track.landmarks is not None:
            count = track.landmarks.shape[1]
            names = _POINTS if count == len(_POINTS) else tuple(f"point{i}" for i in range(count))
            marks = tuple(Column(f"{name}_{axis}", "number", "px") for name in names for axis in "xy")
        return (time, person, *(Column(k, "number", "px") for k in "xywh"), Column("score", "number"), *marks)
    times = (Column("start", "number", "s"), Column("end", "number", "s"))
    return (
        *times,
        *(Column(k, "string") for k in ("label", "text")),
        Column("score", "number"),
        Column("speaker", "string"),
    )


def values_of(track: AnyTrack) -> list[Any]:
    """The columns of a track: arrays, or tuples of str."""
    who = [track.person] if getattr(track, "person", None) is not None else []  # type: ignore[union-attr]
    if isinstance(track, Curve):
        return [track.times, *who, *track.values.T]
    if isinstance(track, Features):
        return [track.times, *who, *track.vectors.T]
    if isinstance(track, Boxes):
        marks = (
            [] if track.landmarks is None else list(track.landmarks.reshape(len(track), track.landmarks.shape[1] * 2).T)
        )
        return [track.times, track.person, *track.xywh.T, track.score, *marks]
    return [track.start, track.end, track.label, track.text, track.score, track.speaker]


def describe_medium(analysis: Analysis) -> dict[str, Any]:
    """The medium as JSON-ready values. Its name only, not its folder: exports are mailed."""
    media = analysis.media
    return {
        "file": clean(media.path.name),
        "duration": media.duration,
        "has_audio": media.has_audio,
        "has_video": media.has_video,
        "width": media.width,
        "height": media.height,
        "frame_rate": media.frame_rate,
        "sample_rate": media.sample_rate,
        "channels": media.channels,
        "language": clean(media.language),
        "cue_source": clean(media.cue_source),
    }


def describe_notes(analysis: Analysis) -> dict[str, list[str]]:
    """Plugin id → what its run recorded."""
    return {clean(k): [clean(note) for note in v] for k, v in (analysis.notes or {}).items()}


def provenance_of(track: AnyTrack) -> dict[str, Any] | None:
    """Where a track comes from, JSON-ready whatever the plugin put into its details."""
    if track.provenance is None:
        return None
    ready: dict[str, Any] = json.loads(json.dumps(finite(track.provenance.to_dict()), default=str))
    return ready


def finite(value: Any) -> Any:
    """The value with NaN and infinities, which JSON does not know, as None."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, Mapping):
        return {clean(str(key)): finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    return clean(value) if isinstance(value, str) else value


def file_names(tracks: Mapping[str, AnyTrack], suffix: str) -> dict[str, str]:
    """Track name → file name, safe and all different."""
    names: dict[str, str] = {}
    taken = {"corrections.csv"}
    for name in tracks:
        base, n = safe_name(name, "track"), 1
        candidate = base
        while f"{candidate}{suffix}".casefold() in taken:
            n += 1
            candidate = f"{base}-{n}"
        names[name] = f"{candidate}{suffix}"
        taken.add(names[name].casefold())
    return names


def write_manifest(
    folder: Path, analysis: Analysis, tables: Sequence[Table], how_to_read: str, more: Sequence[str] = ()
) -> list[Path]:
    """Write `provenance.json` and `README.txt` for the tables of a folder; `more` names its other files."""
    import mien

    entries = [
        {
            "file": table.file,
            "track": clean(table.track.name),
            "kind": table.track.kind,
            "rows": len(table.track),
            "columns": [column.to_dict() for column in table.columns],
            "provenance": provenance_of(table.track),
        }
        for table in tables
    ]
    manifest = {
        "generator": f"Mien {mien.__version__}",
        "medium": describe_medium(analysis),
        "title": clean(analysis.title),
        "partial": clean(analysis.partial),
        "span": analysis.span,
        "notes": describe_notes(analysis),
        "tracks": entries,
        "files": [*(table.file for table in tables), *more, MANIFEST, README],
    }
    (folder / MANIFEST).write_text(
        json.dumps(finite(manifest), indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
    (folder / README).write_text(_readme(analysis, tables, how_to_read), encoding="utf-8")
    return [folder / MANIFEST, folder / README]


def _readme(analysis: Analysis, tables: Sequence[Table], how_to_read: str) -> str:
    name = clean(analysis.title or analysis.media.path.name)
    lines = [f"Readings of {name}", "", how_to_read, f"Where each reading comes from is in {MANIFEST}.", ""]
    if analysis.partial:
        lines += [f"PARTIAL: {clean(analysis.partial)}", ""]
    for table in tables:
        lines.append(f"{table.file}  ({len(table.track)} rows)")
        shown = list(table.columns)
        if isinstance(table.track, Features) and len(shown) > 3:
            who = len(shown) - table.track.vectors.shape[1]
            lines += [f"  {column.name}: {column.describe()}" for column in shown[:who]]
            lines += [f"  v0 … v{table.track.vectors.shape[1] - 1}: the vector", ""]
            continue
        lines += [f"  {clean(column.name)}: {clean(column.describe())}" for column in shown]
        lines.append("")
    if not tables:
        lines += ["There is no track to write.", ""]
    return "\n".join(lines)
