"""What a reading says of a stretch of time: means weighted by overlap, the class of largest mass, the words heard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.tracks.track import AnyTrack, Curve, Spans
from mien.truth.labels import Label
from mien.truth.readings import SCORE, TRANSCRIPT, VERDICTS, WORDS, Reading

Floats = npt.NDArray[np.float64]

_ALONE = 0.5  # s to each side that a curve's only reading speaks for
_GAP = 1.5  # times the usual spacing: readings farther apart leave a gap
_INSTANT = 5e-4  # s to each side of a label without a length
_LEAST = 1e-6  # s of overlap that count


@dataclass(frozen=True, slots=True)
class Said:
    """What a reading says of one stretch.

    Args:
        value: a number, a class or words; None where there is no reading.
        mass: share of the class from 0 to 1; 1 for numbers and words.
    """

    value: float | str | None
    mass: float = 1.0


NOTHING = Said(None)


def tracks_needed(reading: Reading) -> tuple[str, ...]:
    """Names of the tracks that `predict` looks at, those that a medium may lack included."""
    more = {TRANSCRIPT: (WORDS,), VERDICTS: (SCORE,)}
    return (reading.track, *more.get(reading.track, ()))


def predict(tracks: Mapping[str, AnyTrack], reading: Reading, labels: Sequence[Label], duration: float) -> list[Said]:
    """What a medium's readings say of each labelled stretch.

    Numbers are means of the readings weighted by how long each one's cell overlaps the stretch; a cell reaches half way
    to the neighbouring readings, NaN and gaps count for nothing. A probability of spans is weighted the same way. The
    class is the one of largest mass. For verdicts it is the share of the stretch that is flagged.

    Args:
        tracks: of the medium, `tracks_needed` as far as they are there.
        duration: of the medium in s, infinite when unknown.
    """
    track = tracks.get(reading.track)
    starts = np.array([one.start for one in labels], np.float64)
    ends = np.minimum(np.array([one.end for one in labels], np.float64), duration)
    if isinstance(track, Curve):
        means = curve_means(track, starts, ends, [one.person for one in labels])
        if reading.task == "class":
            return [_largest(row, reading.classes) for row in means]
        if reading.channel not in track.channels:
            return [NOTHING] * len(labels)
        column = means[:, track.channels.index(reading.channel)]
        return [Said(float(v)) if math.isfinite(v) else NOTHING for v in column]
    if not isinstance(track, Spans):
        return [NOTHING] * len(labels)
    if reading.task == "words":
        return _words(tracks, starts, ends)
    if reading.track == VERDICTS:
        return _flagged(track, tracks.get(SCORE), starts, ends)
    said = []
    for start, end in zip(starts, ends, strict=True):
        rows, overlap = _overlaps(track, start, end)
        said.append(_by_label(track, rows, overlap) if reading.task == "class" else _by_score(track, rows, overlap))
    return said


def curve_means(curve: Curve, starts: Floats, ends: Floats, persons: Sequence[int | None]) -> Floats:
    """(N, C) overlap-weighted means of a curve over stretches; NaN where it says nothing.

    Args:
        starts, ends: (N,) s.
        persons: whose readings count for each stretch, None for everybody's.
    """
    starts, ends = _lengthened(starts, ends)
    shape = (starts.size, len(curve.quantities))
    sums, weights = np.zeros(shape), np.zeros(shape)
    wanted = np.array([-1 if p is None else p for p in persons])
    who: list[int | None] = [None] if curve.person is None else [int(p) for p in np.unique(curve.person)]
    for person in who:
        rows = slice(None) if person is None else curve.person == person
        chosen = np.ones(starts.size, bool) if person is None else (wanted == -1) | (wanted == person)
        edges, total, known = _integrals(curve.times[rows], curve.values[rows].astype(np.float64))
        if not edges.size or not chosen.any():
            continue
        for c in range(shape[1]):
            for into, integral in ((sums, total[:, c]), (weights, known[:, c])):
                into[chosen, c] += np.interp(ends[chosen], edges, integral) - np.interp(starts[chosen], edges, integral)
    means = np.full(shape, np.nan)
    np.divide(sums, weights, out=means, where=weights > _LEAST)
    return means


def _integrals(times: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Edges (2T,) of the readings' cells, and there the integrals (2T, C) of the values and of being known."""
    if times.size > 1 and (np.diff(times) == 0).any():
        times, where = np.unique(times, return_inverse=True)
        filled = np.isfinite(values)
        sums, counts = np.zeros((times.size, values.shape[1])), np.zeros((times.size, values.shape[1]))
        np.add.at(sums, where, np.where(filled, values, 0.0))
        np.add.at(counts, where, filled)
        values = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    if not times.size:
        return np.empty(0), np.empty((0, values.shape[1])), np.empty((0, values.shape[1]))
    gaps = np.diff(times)
    usual = float(np.median(gaps)) if gaps.size else 2 * _ALONE
    reach = np.where(gaps <= _GAP * usual, gaps, usual) / 2
    edges = np.empty(2 * times.size)
    edges[0::2] = times - np.concatenate([[usual / 2], reach])
    edges[1::2] = times + np.concatenate([reach, [usual / 2]])
    width = (edges[1::2] - edges[0::2])[:, None]
    known = np.isfinite(values)
    steps = np.where(known, values, 0.0) * width
    return edges, _stairs(steps), _stairs(known * width)


def _stairs(steps: Floats) -> Floats:
    """Cumulated sums at the left and right edge of each cell."""
    after = np.cumsum(steps, axis=0)
    both = np.empty((2 * steps.shape[0], steps.shape[1]))
    both[0::2], both[1::2] = after - steps, after
    return both


def _lengthened(starts: Floats, ends: Floats) -> tuple[Floats, Floats]:
    instant = ends <= starts
    return np.where(instant, starts - _INSTANT, starts), np.where(instant, starts + _INSTANT, ends)


def _largest(row: Floats, classes: tuple[str, ...]) -> Said:
    if not np.isfinite(row).all():
        return NOTHING
    top = int(row.argmax())
    whole = float(row.sum())
    return Said(classes[top], float(row[top]) / whole if whole > 0 else 0.0)


def _overlaps(track: Spans, start: float, end: float) -> tuple[npt.NDArray[np.int64], Floats]:
    """Rows that overlap a stretch, and for how many seconds."""
    if end <= start:
        start, end = start - _INSTANT, start + _INSTANT
    overlap = np.minimum(track.end, end) - np.maximum(track.start, start)
    rows = np.flatnonzero(overlap > _LEAST)
    return rows, overlap[rows]


def _by_score(track: Spans, rows: npt.NDArray[np.int64], overlap: Floats) -> Said:
    scores = track.score[rows].astype(np.float64)
    known = np.isfinite(scores)
    if not known.any():
        return NOTHING
    return Said(float((scores[known] * overlap[known]).sum() / overlap[known].sum()))


def _by_label(track: Spans, rows: npt.NDArray[np.int64], overlap: Floats) -> Said:
    masses: dict[str, float] = {}
    for row, length in zip(rows.tolist(), overlap.tolist(), strict=True):
        masses[track.label[row]] = masses.get(track.label[row], 0.0) + length
    if not masses:
        return NOTHING
    top = max(masses, key=lambda name: masses[name])
    return Said(top, masses[top] / sum(masses.values()))


def _flagged(verdicts: Spans, score: AnyTrack | None, starts: Floats, ends: Floats) -> list[Said]:
    """Share of each stretch that lies in a verdict; nothing where nothing was fused."""
    fused = np.ones(starts.size, bool)
    if isinstance(score, Curve):
        fused = np.isfinite(curve_means(score, starts, ends, [None] * starts.size)[:, 0])
        # An open end is the end of what was fused, where the medium's own is not known.
        ends = np.minimum(ends, score.extent[1]) if len(score) else ends
    said = []
    for start, end, known in zip(starts, ends, fused, strict=True):
        _, overlap = _overlaps(verdicts, start, end)
        length = max(float(end - start), 2 * _INSTANT)
        said.append(Said(min(1.0, float(overlap.sum()) / length)) if known and math.isfinite(length) else NOTHING)
    return said


def _words(tracks: Mapping[str, AnyTrack], starts: Floats, ends: Floats) -> list[Said]:
    """What was heard: words whose middle lies in the stretch; utterances that lie in it by half, where no words are kept."""
    words, utterances = tracks.get(WORDS), tracks[TRANSCRIPT]
    heard = words if isinstance(words, Spans) and len(words) else utterances
    assert isinstance(heard, Spans)
    middle = (heard.start + heard.end) / 2
    said = []
    for start, end in zip(starts, ends, strict=True):
        rows = np.flatnonzero((middle >= start) & (middle < end))
        said.append(Said(" ".join(heard.text[r] for r in rows.tolist())))
    return said
