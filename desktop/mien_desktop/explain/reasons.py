"""What the stored readings already say about why: no widgets, no computing of readings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.tracks.track import Curve, Spans
from mien_desktop.document import Readings

NEAR = 1.0  # s; a row farther off says nothing about a moment
SIGNS = {"hostility": "fused", "intensity": "conflict"}


@dataclass(frozen=True)
class Share:
    """A modality's weight at a moment, 0 to 1."""

    modality: str
    weight: float


@dataclass(frozen=True)
class Word:
    """A word of the utterance and what it speaks for, -1 to 1."""

    text: str
    start: float
    end: float
    evidence: float


@dataclass(frozen=True)
class Reasons:
    """Why, as far as it was stored with the readings.

    Args:
        at: the moment, s; fused: the fused score there, None where there is none.
        shares: modalities by weight, the heaviest first. readings: (name, value) of every curve at the moment.
        utterance: what is said then; words: those that drove its score, the strongest first; offence: its score.
    """

    at: float
    fused: float | None
    shares: tuple[Share, ...]
    readings: tuple[tuple[str, float], ...]
    utterance: str
    words: tuple[Word, ...]
    offence: float | None


def reasons(readings: Readings, at: float) -> Reasons:
    """Look up why the readings at a moment are what they are."""
    fused = _at(readings.get("fusion.score"), at)
    weights = readings.get("fusion.weights")
    shares: list[Share] = []
    row = _row(weights, at)
    if row is not None and isinstance(weights, Curve):
        shares = [Share(q.name, float(v)) for q, v in zip(weights.quantities, weights.values[row], strict=True)]
    values = []
    for name in readings.names():
        curve = readings.get(name)
        if isinstance(curve, Curve) and not name.startswith("fusion.") and (found := _row(curve, at)) is not None:
            values += [(q.name, float(v)) for q, v in zip(curve.quantities, curve.values[found], strict=True)]
    utterance, start, end = _utterance(readings.get("speech.transcript"), at)
    offence = _span(readings.get("text.offence"), at)
    return Reasons(
        at,
        fused,
        tuple(sorted(shares, key=lambda s: -s.weight)),
        tuple(values),
        utterance,
        tuple(_words(readings.get("text.words"), start, end)),
        offence,
    )


def _row(track: object, at: float) -> int | None:
    if not isinstance(track, Curve) or not len(track):
        return None
    row = int(np.searchsorted(track.times, at))
    near = min((r for r in (row - 1, row) if 0 <= r < len(track.times)), key=lambda r: abs(track.times[r] - at))
    reach = NEAR
    if len(track.times) > 1:
        reach = max(NEAR, 0.75 * float(np.median(np.diff(track.times))))
    return near if abs(float(track.times[near]) - at) <= reach else None


def _at(track: object, at: float) -> float | None:
    row = _row(track, at)
    return float(track.values[row, 0]) if row is not None and isinstance(track, Curve) else None


def _utterance(track: object, at: float) -> tuple[str, float, float]:
    if isinstance(track, Spans):
        inside = np.flatnonzero((track.start <= at) & (at <= track.end))
        if inside.size:
            row = int(inside[-1])
            return str(track.text[row]), float(track.start[row]), float(track.end[row])
    return "", 0.0, 0.0


def _span(track: object, at: float) -> float | None:
    if isinstance(track, Spans):
        inside = np.flatnonzero((track.start <= at) & (at <= track.end))
        if inside.size:
            return float(track.score[int(inside[-1])])
    return None


def _words(track: object, start: float, end: float) -> list[Word]:
    if not isinstance(track, Spans) or end <= start:
        return []
    rows = np.flatnonzero((track.start >= start - 0.05) & (track.end <= end + 0.05))
    words = [
        Word(str(track.text[r]), float(track.start[r]), float(track.end[r]), float(track.score[r]))
        for r in rows.tolist()
        if not np.isnan(track.score[r])
    ]
    return sorted(words, key=lambda w: -abs(w.evidence))
