"""What is drawn over a frame: looked up by its true time among the readings, never guessed where nothing was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from mien.tracks.track import AnyTrack, Boxes, Curve, Spans, TimeArray

BOXES, EXPRESSION, AFFECT, TRANSCRIPT = "face.boxes", "face.expression", "face.affect", "speech.transcript"
OFFENCE, HATE, FUSED = "text.offence", "text.hate", "fusion.score"
CURVES = ("emotion.attributes", "conflict.intensity", FUSED)
NEEDED = (BOXES, EXPRESSION, AFFECT, TRANSCRIPT, OFFENCE, HATE, *CURVES)
"""Names of the tracks that are looked at."""
ORDER = ("emotion.attributes", OFFENCE, HATE, "conflict.intensity", FUSED)
"""Tracks whose readings stand in the strip, from above."""

# Two analysed frames of a person further apart than so many intervals are not neighbours.
_NEIGHBOURS = 1.6
_USUAL_INTERVAL = 0.2
_EPS = 1e-6
# A reading holds for so much of the usual distance between rows before and behind its row; the lanes do the same.
_HOLDS = 0.51
# Distance between rows while there are too few to tell, s.
_USUAL_HOP = 1.0
# The usual distance is looked for among so many rows, and believed from so many distances on.
_ENOUGH, _SURE = 4000, 8
# So many spans that began before a moment are looked at for one that still lasts.
_OVERLAPPING = 8


@dataclass(frozen=True)
class Level:
    """A reading of the medium as a whole at one moment.

    Args:
        title: as it is shown; quantity: the name its colour goes by.
        value: None where nothing was read of that moment.
        low, high: ends of its extent.
        threshold: from which it counts as an event, if it does.
    """

    title: str
    quantity: str
    value: float | None
    low: float = 0.0
    high: float = 1.0
    threshold: float | None = None

    @property
    def over(self) -> bool:
        """Whether it is at the threshold or above, as exactly as tracks hold values (float32)."""
        return self.value is not None and self.threshold is not None and self.value >= self.threshold - 1e-6


@dataclass(frozen=True)
class Mark:
    """One person in the picture.

    Args:
        person: number, from 1.
        box: left, top, width, height in pixels of the upright picture.
        label: the readings in short, empty where nothing was read of the face.
        landmarks: points in the same pixels.
    """

    person: int
    box: tuple[float, float, float, float]
    label: str = ""
    landmarks: tuple[tuple[float, float], ...] = ()

    @property
    def name(self) -> str:
        """A, B, … and from the 27th on P27."""
        return person_name(self.person)


@dataclass(frozen=True)
class Overlay:
    """All that is drawn over the frame of one time.

    Args:
        time: s.
        marks: the persons.
        caption: what is said then.
        speaker: who says it, empty where that is not known.
        levels: readings of the medium as a whole, in the order in which they are shown.
    """

    time: float
    marks: tuple[Mark, ...] = ()
    caption: str = ""
    speaker: str = ""
    levels: tuple[Level, ...] = ()


def person_name(person: int) -> str:
    """Letter of a person's number: 1 is A; beyond Z `P27`."""
    return chr(ord("A") + person - 1) if 1 <= person <= 26 else f"P{person}"


def short(value: float) -> str:
    """A reading in [−1, 1] with two digits and no leading zero: `.71`, `−.12`, `1.0`."""
    told = "1.0" if abs(value) >= 0.995 else f"{abs(value):.2f}"[1:]
    return f"−{told}" if value < -0.004 else told


@dataclass
class Readings:
    """Tracks as far as they have arrived, looked up by time. For the thread of the windows only.

    Args:
        tracks: whole tracks by name.
        threshold: of the fused reading; None takes that of the run which made it.
        outwards: s that a track's first and last reading reach outwards (`mien.engine.reach`), as in the lanes.
    """

    tracks: dict[str, AnyTrack] = field(default_factory=dict)
    threshold: float | None = None
    outwards: Callable[[AnyTrack], float] = lambda _: 0.0

    def __post_init__(self) -> None:
        self._pieces: dict[str, list[AnyTrack]] = {name: [track] for name, track in self.tracks.items()}
        self._interval = 0.0  # 0 until it is known
        self._hops: dict[str, float] = {}
        self._reaches: dict[str, float] = {}

    @staticmethod
    def reads(name: str) -> bool:
        """Whether a track of that name changes what is drawn; others need not be handed over."""
        return name in NEEDED

    def clear(self) -> None:
        """Forget all tracks: another medium."""
        for name in list(self._pieces):
            self.drop(name)

    def put(self, track: AnyTrack) -> None:
        """Take a whole track, in place of the one of that name."""
        self.drop(track.name)
        self._pieces[track.name] = [track]

    def add(self, piece: AnyTrack) -> None:
        """Append a piece of a track."""
        self._pieces.setdefault(piece.name, []).append(piece)

    def drop(self, name: str) -> None:
        """A track is there no more."""
        self._pieces.pop(name, None)
        self._hops.pop(name, None)
        self._reaches.pop(name, None)
        if name == BOXES:
            self._interval = 0.0

    def get(self, name: str) -> AnyTrack | None:
        """A track as far as it is there."""
        pieces = self._pieces.get(name)
        if not pieces:
            return None
        if len(pieces) > 1:
            pieces[:] = [type(pieces[0]).concat(pieces)]  # type: ignore[arg-type]
        return pieces[0]

    @property
    def interval(self) -> float:
        """Time between two analysed frames, s."""
        boxes = self.get(BOXES)
        if self._interval == 0.0 and isinstance(boxes, Boxes):
            rate = (boxes.provenance.params.get("rate") if boxes.provenance else None) or 0.0
            gaps = np.diff(np.unique(boxes.times[:_ENOUGH]))
            seen = float(np.median(gaps)) if gaps.size else 0.0
            known = max(1.0 / rate if rate else 0.0, seen)
            if gaps.size < _SURE:
                return known or _USUAL_INTERVAL
            self._interval = known
        return self._interval or _USUAL_INTERVAL

    def at(self, time: float) -> Overlay:
        """What was read of the frame at `time` (s)."""
        caption, speaker = self._said(time)
        return Overlay(time, tuple(self._marks(time)), caption, speaker, tuple(self._levels(time)))

    def _near(self, name: str, time: float, reach: float) -> dict[int, tuple[int | None, int | None]]:
        """By person: the last row until a time (s) and the first behind it, both within `reach` s of it."""
        track = self.get(name)
        if not isinstance(track, Boxes | Curve) or track.person is None:
            return {}
        first = int(np.searchsorted(track.times, time - reach - _EPS))
        last = int(np.searchsorted(track.times, time + reach + _EPS, side="right"))
        middle = int(np.searchsorted(track.times, time + _EPS, side="right"))
        before = {int(track.person[row]): row for row in range(first, middle)}
        after = {int(track.person[row]): row for row in range(last - 1, middle - 1, -1)}
        return {person: (before.get(person), after.get(person)) for person in sorted({*before, *after})}

    def _marks(self, time: float) -> list[Mark]:
        boxes = self.get(BOXES)
        if not isinstance(boxes, Boxes):
            return []
        interval, marks = self.interval, []
        reach = interval / 2 + _EPS
        for person, (before, after) in self._near(BOXES, time, _NEIGHBOURS * interval).items():
            if before is not None and after is not None:
                t0, t1 = float(boxes.times[before]), float(boxes.times[after])
                if t1 - t0 <= _NEIGHBOURS * interval:
                    marks.append(self._mark(boxes, person, before, after, (time - t0) / (t1 - t0), time))
                    continue
            row = _nearest(boxes.times, time, before, after)
            if abs(float(boxes.times[row]) - time) <= reach:
                marks.append(self._mark(boxes, person, row, row, 0.0, time))
        return marks

    def _mark(self, boxes: Boxes, person: int, a: int, b: int, share: float, time: float) -> Mark:
        share = max(0.0, share)
        x, y, width, height = (float(v) for v in boxes.xywh[a] + share * (boxes.xywh[b] - boxes.xywh[a]))
        points: tuple[tuple[float, float], ...] = ()
        if boxes.landmarks is not None:
            between = boxes.landmarks[a] + share * (boxes.landmarks[b] - boxes.landmarks[a])
            points = tuple((float(px), float(py)) for px, py in between if np.isfinite((px, py)).all())
        return Mark(person, (x, y, width, height), self._label(person, time), points)

    def _label(self, person: int, time: float) -> str:
        told = []
        shows = self._values(EXPRESSION, person, time)
        if shows:
            name = max(shows, key=lambda key: shows[key])
            told.append(f"{name} {short(shows[name])}")
        feels = self._values(AFFECT, person, time)
        if "arousal" in feels:
            told.append(f"arousal {short(feels['arousal'])}")
        return " · ".join(told)

    def _values(self, name: str, person: int, time: float) -> dict[str, float]:
        """The readings of the analysed frame nearest in time, by channel."""
        track = self.get(name)
        before, after = self._near(name, time, self.interval / 2).get(person, (None, None))
        if not isinstance(track, Curve) or before is after is None:
            return {}
        values = track.values[_nearest(track.times, time, before, after)]
        named = zip(track.channels, values, strict=True)
        return {channel: float(value) for channel, value in named if np.isfinite(value)}

    def _said(self, time: float) -> tuple[str, str]:
        spans = self.get(TRANSCRIPT)
        row = _lasting(spans, time) if isinstance(spans, Spans) else None
        if row is None or not isinstance(spans, Spans):
            return "", ""
        return spans.text[row] or spans.label[row], spans.speaker[row]

    def _levels(self, time: float) -> Iterator[Level]:
        """Rows stay where they are while nothing is read, so that the strip does not jump."""
        for name in ORDER:
            track = self.get(name)
            if isinstance(track, Spans) and len(track):
                row = _lasting(track, time)
                score = float(track.score[row]) if row is not None else float("nan")
                title = name.removeprefix("text.")
                yield Level(title, title, score if np.isfinite(score) else None)
            elif isinstance(track, Curve) and len(track):
                yield from self._curve(track, time)

    def _curve(self, track: Curve, time: float) -> Iterator[Level]:
        right = int(np.searchsorted(track.times, time))
        near = [n for n in (right - 1, right) if 0 <= n < track.times.size]
        row = min(near, key=lambda n: abs(float(track.times[n]) - time))
        holds = _HOLDS * self._hop(track)
        if not track.times[0] <= time <= track.times[-1]:
            holds = max(holds, self._reach(track))
        there = abs(float(track.times[row]) - time) <= holds + _EPS
        for n, quantity in enumerate(track.quantities):
            value = float(track.values[row, n])
            fused = track.name == FUSED
            yield Level(
                "fused" if fused else quantity.name,
                quantity.name,
                value if there and np.isfinite(value) else None,
                0.0 if quantity.low is None else quantity.low,
                1.0 if quantity.high is None else quantity.high,
                self._threshold(track) if fused else None,
            )

    def _threshold(self, track: Curve) -> float | None:
        if self.threshold is not None:
            return self.threshold
        told = track.provenance.params.get("threshold") if track.provenance else None
        return float(told) if told is not None else None

    def _reach(self, track: Curve) -> float:
        """How far the window of the first and the last reading reaches, s; looked up once for each track."""
        if track.name not in self._reaches:
            self._reaches[track.name] = self.outwards(track)
        return self._reaches[track.name]

    def _hop(self, track: Curve) -> float:
        """Usual distance between rows, s."""
        if track.name in self._hops:
            return self._hops[track.name]
        gaps = np.diff(np.unique(track.times[:_ENOUGH]))
        told = track.provenance.params.get("hop") if track.provenance else None
        hop = float(np.median(gaps)) if gaps.size else float(told or _USUAL_HOP)
        if gaps.size >= _SURE:
            self._hops[track.name] = hop
        return hop


def _nearest(times: TimeArray, time: float, *rows: int | None) -> int:
    """The row nearest in time, of those that are any."""
    return min((row for row in rows if row is not None), key=lambda row: abs(float(times[row]) - time))


def _lasting(spans: Spans, time: float) -> int | None:
    """The span that began last of those which last at a time, s."""
    behind = int(np.searchsorted(spans.start, time + _EPS, side="right"))
    for n in range(behind - 1, max(-1, behind - 1 - _OVERLAPPING), -1):
        if spans.start[n] <= time + _EPS and time < spans.end[n]:
            return n
    return None
