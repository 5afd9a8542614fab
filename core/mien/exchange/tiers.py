"""Tracks as annotation tiers, for ELAN and Praat: whole ticks, no overlaps inside a tier."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.exchange.text import one_line
from mien.tracks.quantity import Quantity
from mien.tracks.track import AnyTrack, Boxes, Curve, FloatArray, Spans, TimeArray

_PRESENCE_GAP = 1.0
"""s: a face that is away for less than this counts as there."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One annotation: start and end in ticks, end > start, and its text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Tier:
    """One tier. `participant`: who it is about, or empty; `analyzer`: who wrote it."""

    name: str
    marks: tuple[Mark, ...]
    participant: str = ""
    analyzer: str = ""


@dataclass(frozen=True)
class Layout:
    """How curves become annotations.

    Args:
        ticks: a second has.
        step: s that a curve is averaged over.
        levels: that the extent of a quantity is cut into.
        scores: write scores behind labels.
        curves: write curves at all.
    """

    ticks: int
    step: float = 0.5
    levels: int = 5
    scores: bool = True
    curves: bool = True


def tiers(tracks: Mapping[str, AnyTrack], layout: Layout) -> list[Tier]:
    """All tiers of the tracks, in order; a track without rows gives an empty tier, features none."""
    found: list[Tier] = []
    for track in tracks.values():
        analyzer = track.provenance.analyzer if track.provenance is not None else ""
        if isinstance(track, Spans):
            rows: Iterable[tuple[str, str, list[Mark]]] = _span_rows(track, layout)
        elif isinstance(track, Curve):
            rows = _curve_rows(track, layout) if layout.curves else []
        elif isinstance(track, Boxes):
            rows = _box_rows(track, layout)
        else:
            continue
        for name, participant, marks in rows:
            for n, lane in enumerate(disjoint(marks)):
                suffix = f" ({n + 1})" if n else ""
                found.append(Tier(one_line(name) + suffix, lane, one_line(participant), analyzer))
    return renamed(found)


def binned(curve: Curve, step: float, person: int | None = None) -> tuple[TimeArray, FloatArray, npt.NDArray[np.int64]]:
    """Means over cells of `step` seconds: times of the cells' starts (B,), values (B, C), and each cell's
    number (B,).

    Cells without a reading are left out. `step` should not be less than the curve's own `spacing`.
    """
    rows = np.ones(len(curve), bool) if person is None or curve.person is None else curve.person == person
    times, values = curve.times[rows], curve.values[rows]
    if not times.size:
        return np.empty(0), np.empty((0, values.shape[1]), np.float32), np.empty(0, np.int64)
    cell = np.floor(times / step + 1e-9).astype(np.int64)
    numbers, inverse = np.unique(cell, return_inverse=True)
    sums, counts = np.zeros((numbers.size, values.shape[1])), np.zeros((numbers.size, values.shape[1]))
    known = np.isfinite(values)
    np.add.at(sums, inverse, np.where(known, values, 0.0))
    np.add.at(counts, inverse, known)
    with np.errstate(invalid="ignore"):
        means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return numbers * step, means.astype(np.float32), numbers


def spacing(times: TimeArray) -> float:
    """Median distance between distinct times in seconds, 0 when there is no second one."""
    distinct = np.unique(times)
    return float(np.median(np.diff(distinct))) if distinct.size > 1 else 0.0


def is_distribution(quantities: Sequence[Quantity]) -> bool:
    """Whether the channels are shares of one whole (expressions, weights): the largest one says it best."""
    return len(quantities) >= 3 and all(q.low == 0.0 and q.high == 1.0 for q in quantities)


def persons(track: Curve | Boxes) -> list[int | None]:
    """The persons of a track, or [None] when it belongs to the medium."""
    return [None] if track.person is None else [int(p) for p in np.unique(track.person)]


def dominant(curve: Curve, step: float, person: int | None) -> Iterator[tuple[float, float, int, float]]:
    """Stretches over which one channel is the largest: start, end in s, channel number, its mean."""
    step = max(step, spacing(curve.times if person is None else curve.times[curve.person == person]))
    starts, values, numbers = binned(curve, step, person)
    known = np.isfinite(values).all(1) if values.size else np.zeros(0, bool)
    starts, values, numbers = starts[known], values[known], numbers[known]
    top = values.argmax(1) if values.size else np.empty(0, np.int64)
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, 0, dtype=np.float64)])
    for first, last in _runs(top, numbers):
        channel = int(top[first])
        mean = (sums[last + 1, channel] - sums[first, channel]) / (last + 1 - first)
        yield float(starts[first]), float(starts[last] + step), channel, float(mean)


def _span_rows(track: Spans, layout: Layout) -> Iterator[tuple[str, str, list[Mark]]]:
    speakers = list(dict.fromkeys(track.speaker)) or [""]
    for speaker in speakers:
        marks = [
            Mark(*_ticks(start, end, layout.ticks), _span_text(track, label, text, score, layout.scores))
            for start, end, label, text, score, who in track.rows()
            if who == speaker
        ]
        yield (f"{track.name} {speaker}" if speaker else track.name), speaker, marks


def _span_text(track: Spans, label: str, text: str, score: float, scores: bool) -> str:
    """Words stand for themselves; a judgement is its label, its score, and the reason it gives."""
    text, label = one_line(text), one_line(label)
    if text and track.name.startswith("speech."):
        return text
    if track.name in ("text.words", "text.attention"):
        label, text = text, ""
    shown = f"{label} {score:.2f}" if scores and np.isfinite(score) else label
    if text and not track.name.startswith("text."):
        shown = f"{shown}: {text}" if shown else text
    return shown.strip() or text


def _curve_rows(track: Curve, layout: Layout) -> Iterator[tuple[str, str, list[Mark]]]:
    for person in persons(track):
        who = "" if person is None else f"person {person}"
        if is_distribution(track.quantities):
            marks = [
                Mark(*_ticks(start, end, layout.ticks), f"{one_line(track.channels[c])} {mean:.2f}")
                for start, end, c, mean in dominant(track, layout.step, person)
            ]
            yield f"{track.name} {who}".strip(), who, marks
            continue
        own = track.times if person is None else track.times[track.person == person]
        step = max(layout.step, spacing(own))
        starts, values, numbers = binned(track, step, person)
        for c, quantity in enumerate(track.quantities):
            name = quantity.name if quantity.name == track.name.split(".")[-1] else f"{track.name} {quantity.name}"
            name = track.name if name == quantity.name else name
            known = np.isfinite(values[:, c])
            marks = list(_levels(starts[known], values[known, c], numbers[known], quantity, step, layout))
            yield f"{name} {who}".strip(), who, marks


def _levels(
    starts: TimeArray,
    values: FloatArray,
    numbers: npt.NDArray[np.int64],
    quantity: Quantity,
    step: float,
    layout: Layout,
) -> Iterator[Mark]:
    if not values.size:
        return
    low = quantity.low if quantity.low is not None else float(values.min())
    high = quantity.high if quantity.high is not None else float(values.max())
    level = np.clip(((values - low) / max(high - low, 1e-9) * layout.levels).astype(int), 0, layout.levels - 1)
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    for first, last in _runs(level, numbers):
        mean = (sums[last + 1] - sums[first]) / (last + 1 - first)
        yield Mark(*_ticks(float(starts[first]), float(starts[last]) + step, layout.ticks), f"{mean:.2f}")


def _box_rows(track: Boxes, layout: Layout) -> Iterator[tuple[str, str, list[Mark]]]:
    for person in persons(track):
        times = np.unique(track.times[track.person == person])
        cuts = np.flatnonzero(np.diff(times) > _PRESENCE_GAP)
        firsts, lasts = [0, *(cuts + 1)], [*cuts, times.size - 1]
        step = spacing(times)
        marks = [
            Mark(*_ticks(float(times[a]), float(times[b]) + step, layout.ticks), f"person {person}")
            for a, b in zip(firsts, lasts, strict=True)
        ]
        yield f"{track.name} person {person}", f"person {person}", marks


def _runs(values: npt.NDArray[np.integer], numbers: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """First and last index of each run of equal values in neighbouring cells."""
    if not values.size:
        return
    cuts = np.flatnonzero((np.diff(values) != 0) | (np.diff(numbers) != 1))
    yield from zip([0, *(int(c) + 1 for c in cuts)], [*(int(c) for c in cuts), values.size - 1], strict=True)


def _ticks(start: float, end: float, ticks: int) -> tuple[int, int]:
    first = max(round(start * ticks), 0)
    return first, max(round(end * ticks), first + max(ticks // 1000, 1))


def disjoint(marks: Iterable[Mark]) -> list[tuple[Mark, ...]]:
    """Marks sorted into as few lanes as need be so that none overlap within one (greedy interval
    partitioning).
    """
    lanes: list[list[Mark]] = [[]]
    for mark in sorted(marks, key=lambda m: (m.start, m.end)):
        free = next((lane for lane in lanes if not lane or lane[-1].end <= mark.start), None)
        if free is None:
            lanes.append(free := [])
        free.append(mark)
    return [tuple(lane) for lane in lanes]


def renamed(found: list[Tier]) -> list[Tier]:
    """Names all different: ELAN refuses two tiers of one name."""
    taken: set[str] = set()
    renamed = []
    for tier in found:
        name, n = tier.name, 1
        while name in taken:
            n += 1
            name = f"{tier.name} #{n}"
        taken.add(name)
        renamed.append(Tier(name, tier.marks, tier.participant, tier.analyzer))
    return renamed
