"""What the stored readings already say about why: no widgets, no computing of readings."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mien.tracks.track import Boxes, Curve, Spans
from mien_desktop.document import Readings
from mien_desktop.player.overlay import person_name
from mien_desktop.timeline.readings import figure

NEAR = 1.0  # s; a row farther off says nothing about a moment
SEEN = 0.5  # s; so far from a moment a face is still the face of the moment
MODALITIES = {"emotion": "voice"}
TOLD = ("emotion", "conflict", "face")
SCORED = ("text.offence", "text.hate")
MANY = 4  # a curve of more channels is told by its largest one


@dataclass(frozen=True)
class Share:
    """A modality's weight at a moment, 0 to 1, and what it read then, in words."""

    modality: str
    weight: float
    reads: str = ""


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
        shares: modalities by weight, the heaviest first.
        utterance: what is said then; words: those that drove its score, the strongest first; offence: its score.
        people: numbers of those whose faces are seen then, the largest face first.
    """

    at: float
    fused: float | None
    shares: tuple[Share, ...]
    utterance: str
    words: tuple[Word, ...]
    offence: float | None
    people: tuple[int, ...] = ()


def reasons(readings: Readings, at: float) -> Reasons:
    """Look up why the readings at a moment are what they are."""
    fused = _at(readings.get("fusion.score"), at)
    weights = readings.get("fusion.weights")
    shares: list[Share] = []
    row = _row(weights, at)
    if row is not None and isinstance(weights, Curve):
        said = _said(readings, at)
        # What counts though nothing is near was read from a long window: its nearest reading is what counted.
        far = _said(readings, at, math.inf)
        shares = [
            Share(q.name, float(v), said.get(q.name) or (far.get(q.name, "") if v > 0 else ""))
            for q, v in zip(weights.quantities, weights.values[row], strict=True)
            if not math.isnan(v)
        ]
    utterance, start, end, offence = _utterance(readings.get("text.offence"), readings.get("speech.transcript"), at)
    return Reasons(
        at,
        fused,
        tuple(sorted(shares, key=lambda s: -s.weight)),
        utterance,
        tuple(_words(readings.get("text.words"), utterance, start, end)),
        offence,
        _people(readings.get("face.boxes"), at),
    )


def _said(readings: Readings, at: float, reach: float = 0.0) -> dict[str, str]:
    """What each modality reads at a moment, in words."""
    said: dict[str, list[str]] = {}
    people = _people(readings.get("face.boxes"), at)
    for name in readings.names():
        room = name.split(".")[0]
        modality = MODALITIES.get(room, room)
        track = readings.get(name)
        if name in SCORED and (score := _span(track, at)) is not None:
            said.setdefault(modality, []).append(f"{name.split('.')[1]} {score:.2f}")
        elif isinstance(track, Curve) and room in TOLD:
            one, who = _of_one(track, people, at)
            if (row := _row(one, at, reach)) is None:
                continue
            read = [(q.name, float(v)) for q, v in zip(one.quantities, one.values[row], strict=True) if v == v]
            if read and len(one.quantities) > MANY:  # of many shares only the largest says something
                best, value = max(read, key=lambda one: one[1])
                said.setdefault(modality, []).insert(0, f"{who}{best} {value:.2f}")
            else:
                said.setdefault(modality, []).extend(f"{of} {figure(value, signed=True)}" for of, value in read)
    return {modality: " · ".join(words) for modality, words in said.items()}


def _of_one(track: Curve, people: tuple[int, ...], at: float) -> tuple[Curve, str]:
    """The rows of one person, that of the largest face, else of who is read nearest; and whose where there are several."""
    nearest = _row(track, at, math.inf)
    if track.person is None or nearest is None:
        return track, ""
    there = np.unique(track.person).tolist()
    person = next((one for one in people if one in there), int(track.person[nearest]))
    return track.take(track.person == person), f"{person_name(person)}: " if len(there) > 1 else ""


def _people(track: object, at: float) -> tuple[int, ...]:
    """Whose faces are seen within half a second."""
    if not isinstance(track, Boxes):
        return ()
    rows = np.flatnonzero(np.abs(track.times - at) <= SEEN)
    size = track.xywh[rows, 2] * track.xywh[rows, 3]
    return tuple(dict.fromkeys(int(p) for p in track.person[rows[np.argsort(-size, kind="stable")]] if p >= 0))


def _row(track: object, at: float, reach: float = 0.0) -> int | None:
    if not isinstance(track, Curve) or not len(track):
        return None
    row = int(np.searchsorted(track.times, at))
    near = min((r for r in (row - 1, row) if 0 <= r < len(track.times)), key=lambda r: abs(track.times[r] - at))
    reach = max(reach, NEAR)
    if len(track.times) > 1:
        reach = max(reach, 0.75 * float(np.median(np.diff(track.times))))
    return near if abs(float(track.times[near]) - at) <= reach else None


def _at(track: object, at: float) -> float | None:
    row = _row(track, at)
    return _known(track.values[row, 0]) if row is not None and isinstance(track, Curve) else None


def _known(value: float) -> float | None:
    """A gap is nothing that was read."""
    return None if math.isnan(value) else float(value)


def _utterance(scored: object, heard: object, at: float) -> tuple[str, float, float, float | None]:
    """What is said at a moment, from when to when, and its score; where several speak, what scores highest."""
    for track in (scored, heard):
        if not isinstance(track, Spans):
            continue
        inside = np.flatnonzero((track.start <= at) & (at <= track.end))
        if inside.size:
            heights = np.nan_to_num(track.score[inside], nan=-1.0)
            row = int(inside[np.argmax(heights)] if track is scored else inside[-1])
            score = _known(track.score[row]) if track is scored else None
            return str(track.text[row]), float(track.start[row]), float(track.end[row]), score
    return "", 0.0, 0.0, None


def _span(track: object, at: float) -> float | None:
    if isinstance(track, Spans):
        inside = np.flatnonzero((track.start <= at) & (at <= track.end))
        if inside.size:
            return _known(track.score[int(inside[-1])])
    return None


def _words(track: object, utterance: str, start: float, end: float) -> list[Word]:
    """The words of an utterance that were weighed, the strongest first; others may speak at the same time."""
    if not isinstance(track, Spans) or end <= start:
        return []
    rows = np.flatnonzero((track.start >= start - 0.05) & (track.end <= end + 0.05) & ~np.isnan(track.score))
    left, own = utterance.split(), []
    for row in rows[np.argsort(track.start[rows], kind="stable")].tolist():
        if str(track.text[row]) in left:
            left = left[left.index(str(track.text[row])) + 1 :]
            own.append(row)
    words = [
        Word(str(track.text[r]), float(track.start[r]), float(track.end[r]), float(track.score[r]))
        for r in own or rows.tolist()
    ]
    return sorted(words, key=lambda w: -abs(w.evidence))
