"""The figures and the samples as tables and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mien.errors import ExportError, shown
from mien.exchange.csv import table
from mien.exchange.whole import write_whole
from mien.truth.match import Sample
from mien.truth.score import Group, Scored, error

FIGURES = ("label", "reading", "compared", "medium", "n", "without_reading", "metric", "value", "low", "high")
SAMPLES = ("label", "reading", "medium", "start", "end", "person", "truth", "prediction", "kind", "error")


WHAT = "figures"
"""Named where they cannot be written."""


def figure_rows(results: Iterable[Scored]) -> list[tuple[Any, ...]]:
    """One row for each metric of each medium and of all together, the columns as in `FIGURES`."""
    rows: list[tuple[Any, ...]] = []
    for scored in results:
        match = scored.match
        for group in (scored.whole, *scored.media):
            about = (match.column.name, match.reading.name, match.task, str(group.path or ""), group.n, group.missing)
            rows += [(*about, f.name, f.interval.value, f.interval.low, f.interval.high) for f in group.figures]
    return rows


def sample_rows(results: Iterable[Scored]) -> list[tuple[Any, ...]]:
    """One row for each labelled stretch, the columns as in `SAMPLES`; kind and error are empty without a reading."""
    rows: list[tuple[Any, ...]] = []
    for scored in results:
        match = scored.match
        judged = [(s, scored.kind_names[k], error(match, s)) for s, k in zip(scored.samples, scored.kinds, strict=True)]
        left: list[tuple[Sample, str, Any]] = [(s, "", None) for s in (*scored.missing, *scored.apart)]
        for s, kind, wrong in (*judged, *left):
            where = (str(s.path), s.start, s.end if math.isfinite(s.end) else None, s.person)
            rows.append((match.column.name, match.reading.name, *where, s.truth, s.prediction, kind, wrong))
    return rows


def as_json(results: Sequence[Scored], problems: Sequence[str] = ()) -> dict[str, Any]:
    """Everything but the samples, JSON-ready; what is not a number is null."""
    return {
        "format": "mien-check",
        "version": 1,
        "problems": list(problems),
        "matches": [
            {
                "label": one.match.column.name,
                "reading": one.match.reading.name,
                "compared": one.match.task,
                "scale": None if one.match.scale is None else list(one.match.scale),
                "threshold": one.match.threshold if one.match.task == "binary" else None,
                "kinds": {name: one.count(n) for n, name in enumerate(one.kind_names)},
                "confusion": None
                if one.confusion is None
                else {"classes": list(one.confusion.classes), "counts": one.confusion.counts.tolist()},
                "notes": list(one.notes),
                "all": _group(one.whole),
                "media": [_group(group) for group in one.media],
            }
            for one in results
        ],
    }


def write_check(results: Sequence[Scored], target: Path, problems: Sequence[str] = ()) -> Path:
    """Write the figures to one file: JSON where its name ends so, else CSV.

    Raises:
        ExportError: it cannot be written.
    """
    if target.suffix.lower() == ".json":
        return write_whole(target, json.dumps(as_json(results, problems), ensure_ascii=False, indent=1) + "\n", WHAT)
    return write_whole(target, table(FIGURES, figure_rows(results)), WHAT)


def write_samples(results: Sequence[Scored], target: Path) -> Path:
    """Write every labelled stretch with its truth and what was read there, as CSV.

    Raises:
        ExportError: it cannot be written.
    """
    return write_whole(target, table(SAMPLES, sample_rows(results)), WHAT)


def write_all(results: Sequence[Scored], folder: Path, problems: Sequence[str] = ()) -> list[Path]:
    """Write `check.csv`, `check.json` and, with every stretch, `check-samples.csv` into a folder.

    Raises:
        ExportError: a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error_:
        raise ExportError(f"The folder cannot be made ({error_.strerror}): {shown(folder)}") from error_
    return [
        write_check(results, folder / "check.csv"),
        write_check(results, folder / "check.json", problems),
        write_samples(results, folder / "check-samples.csv"),
    ]


def _group(group: Group) -> dict[str, Any]:
    return {
        "medium": None if group.path is None else str(group.path),
        "n": group.n,
        "without_reading": group.missing,
        "figures": {
            f.name: {"value": f.interval.value, "low": _finite(f.interval.low), "high": _finite(f.interval.high)}
            for f in group.figures
        },
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
