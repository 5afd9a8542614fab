"""A column of labels beside the reading that it is compared with, and the samples that come of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.errors import UsageError
from mien.library.library import Library
from mien.library.medium import Medium
from mien.truth.labels import Label, LabelColumn, Labels
from mien.truth.media import Key
from mien.truth.predict import predict, tracks_needed
from mien.truth.readings import Reading, Task, canonical, find_reading, fits, readings_of, suggest, yes_or_no


@dataclass(frozen=True)
class Match:
    """A column of labels and a reading.

    Args:
        task: how they are compared.
        scale: the labels' own ends, which are mapped linearly onto the reading's extent; None takes them as they are.
        threshold: from which a reading counts as high, in its own unit.
    """

    column: LabelColumn
    reading: Reading
    task: Task
    scale: tuple[float, float] | None = None
    threshold: float = 0.5

    @property
    def name(self) -> str:
        """The column's name and the reading's."""
        return f"{self.column.name} ↔ {self.reading.name}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled stretch with what was read there.

    Args:
        medium: id; path: where the medium was seen last.
        start, end: s; no longer than the medium where its length is known.
        truth: number on the reading's scale, 0 or 1, a class, or what was said.
        prediction: the same of the reading; None where there is none.
        mass: share of the predicted class.
    """

    medium: str
    path: Path
    start: float
    end: float
    truth: float | str
    prediction: float | str | None
    mass: float = 1.0
    person: int | None = None


def match(
    column: LabelColumn,
    reading: Reading,
    scale: tuple[float, float] | None = None,
    threshold: float | None = None,
) -> Match:
    """Put a column beside a reading.

    Raises:
        UsageError: labels of that kind cannot be compared with it, or the scale is empty.
    """
    if not fits(column, reading):
        raise UsageError(f"{_kind(column)} cannot be compared with {reading.name}, which {_TELLS[reading.task]}.")
    if scale is not None and not (math.isfinite(scale[0]) and math.isfinite(scale[1]) and scale[0] != scale[1]):
        raise UsageError(
            f"The scale of “{column.name}” needs two different numbers, not {scale[0]:g} and {scale[1]:g}."
        )
    if scale is not None and not (math.isfinite(reading.low) and math.isfinite(reading.high)):
        raise UsageError(f"{reading.name} has no extent that a scale could be mapped onto.")
    task: Task = reading.task
    if column.kind == "number":
        yes_no = {one.value for one in column.labels} <= {0.0, 1.0}
        task = "binary" if reading.task == "binary" and yes_no and scale is None else "scale"
    elif reading.task == "scale":
        task = "binary"
    return Match(column, reading, task, scale, reading.threshold if threshold is None else threshold)


_TELLS = {
    "scale": "is a number on a scale",
    "binary": "lies between no and yes; its labels are numbers or yes and no",
    "class": "tells classes apart",
    "words": "is what is said",
}


def _kind(column: LabelColumn) -> str:
    if column.kind == "number":
        return f"The numbers of “{column.name}”"
    few = ", ".join(column.classes[:3])
    return f"“{column.name}” ({few}{', …' if len(column.classes) > 3 else ''})"


def readings_in(library: Library, media: Iterable[Medium]) -> tuple[Reading, ...]:
    """The readings that these media have."""
    return readings_of(info for medium in media for info in library.tracks(medium).infos())


def matches(
    labels: Labels,
    readings: Sequence[Reading],
    chosen: Mapping[str, str] | None = None,
    scales: Mapping[str, tuple[float, float]] | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> list[Match]:
    """Every column that a reading answers to, by its name or as chosen.

    Args:
        chosen: name of the column → of the reading; an empty one leaves the column out.
        scales, thresholds: by name of the column.

    Raises:
        UsageError: a column or reading that was named is not there, or they cannot be compared.
    """
    names = {column.name for column in labels.columns}
    for wanted in (*(chosen or ()), *(scales or ()), *(thresholds or ())):
        if wanted not in names:
            raise UsageError(f"The labels have no column “{wanted}”; they have {', '.join(sorted(names))}.")
    made = []
    for column in labels.columns:
        asked = (chosen or {}).get(column.name)
        if asked == "":
            continue
        reading = suggest(column, readings) if asked is None else find_reading(readings, asked)
        if reading is None and asked is not None:
            there = ", ".join(r.name for r in readings) or "none"
            raise UsageError(f"The media have no reading “{asked}”; they have {there}.")
        if reading is not None:
            own = (scales or {}).get(column.name), (thresholds or {}).get(column.name)
            made.append(match(column, reading, *own))
    return made


def by_medium(labels: Iterable[Label], media: Mapping[Key, Medium]) -> dict[str, tuple[Medium, list[Label]]]:
    """Labels by the id of the medium that they are about; those about none that was found are left out."""
    sorted_: dict[str, tuple[Medium, list[Label]]] = {}
    for label in labels:
        medium = media.get((label.medium, label.path))
        if medium is not None:
            sorted_.setdefault(medium.id, (medium, []))[1].append(label)
    return sorted_


def samples_of(library: Library, medium: Medium, labels: Sequence[Label], match: Match) -> list[Sample]:
    """What was read of each labelled stretch of one medium."""
    stored = library.tracks(medium)
    tracks = {name: stored[name] for name in tracks_needed(match.reading) if name in stored}
    duration = math.inf if medium.duration is None else medium.duration
    said = predict(tracks, match.reading, labels, duration)
    truths = _truths(match)
    return [
        Sample(
            medium.id,
            medium.path,
            label.start,
            max(label.start, min(label.end, duration)),
            truths(label.value),
            canonical(one.value) if isinstance(one.value, str) and match.task == "class" else one.value,
            one.mass,
            label.person,
        )
        for label, one in zip(labels, said, strict=True)
    ]


def _truths(match: Match):  # type: ignore[no-untyped-def]
    """How a label's value becomes the truth of a sample."""
    reading = match.reading
    if match.task == "binary" and match.column.kind != "number":
        meant = yes_or_no(match.column.classes, reading) or {}
        return lambda value: float(meant[value])
    if match.column.kind == "number":
        if match.scale is None:
            return float
        low, high = match.scale
        return lambda value: reading.low + (value - low) / (high - low) * (reading.high - reading.low)
    return canonical if match.task == "class" else str
