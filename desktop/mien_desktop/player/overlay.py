"""What is drawn over a frame: looked up by its true time among the readings, never guessed where nothing was read."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mien.tracks.track import AnyTrack, Boxes, Curve, Spans

BOXES, EXPRESSION, AFFECT, TRANSCRIPT = "face.boxes", "face.expression", "face.affect", "speech.transcript"
NEEDED = (BOXES, EXPRESSION, AFFECT, TRANSCRIPT)
"""Names of the tracks that are looked at."""

# Two analysed frames of a person further apart than so many intervals are not neighbours.
_NEIGHBOURS = 1.6
_USUAL_INTERVAL = 0.2
_EPS = 1e-6


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
    """

    time: float
    marks: tuple[Mark, ...] = ()
    caption: str = ""
    speaker: str = ""


def person_name(person: int) -> str:
    """Letter of a person's number: 1 is A; beyond Z `P27`."""
    return chr(ord("A") + person - 1) if 1 <= person <= 26 else f"P{person}"


def short(value: float) -> str:
    """A reading in [−1, 1] with two digits and no leading zero: `.71`, `−.12`, `1.0`."""
    told = "1.0" if abs(value) >= 0.995 else f"{abs(value):.2f}"[1:]
    return f"−{told}" if value < -0.004 else told


@dataclass(frozen=True)
class _Person:
    """A person's rows, in order of time."""

    times: npt.NDArray[np.float64]
    rows: npt.NDArray[np.intp]

    def around(self, time: float) -> tuple[int | None, int | None]:
        """Places in `rows` of the last one until `time` and of the first behind it."""
        n = int(np.searchsorted(self.times, time + _EPS))
        return (n - 1 if n > 0 else None, n if n < self.times.size else None)


@dataclass
class Readings:
    """Tracks as far as they have arrived, looked up by time.

    Args:
        tracks: whole tracks by name.
    """

    tracks: dict[str, AnyTrack] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pieces: dict[str, list[AnyTrack]] = {name: [track] for name, track in self.tracks.items()}
        self._people: dict[str, dict[int, _Person]] = {}
        self._interval = 0.0

    def put(self, track: AnyTrack) -> None:
        """Take a whole track, in place of the one of that name."""
        self._pieces[track.name] = [track]
        self._forget(track.name)

    def add(self, piece: AnyTrack) -> None:
        """Append a piece of a track."""
        self._pieces.setdefault(piece.name, []).append(piece)
        self._forget(piece.name)

    def drop(self, name: str) -> None:
        """A track is there no more."""
        self._pieces.pop(name, None)
        self._forget(name)

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
            gaps = np.diff(np.unique(boxes.times))
            seen = float(np.median(gaps)) if gaps.size else 0.0
            self._interval = max(1.0 / rate if rate else 0.0, seen) or _USUAL_INTERVAL
        return self._interval or _USUAL_INTERVAL

    def at(self, time: float) -> Overlay:
        """What was read of the frame at `time` (s)."""
        caption, speaker = self._said(time)
        return Overlay(time, tuple(self._marks(time)), caption, speaker)

    def _forget(self, name: str) -> None:
        self._people.pop(name, None)
        if name == BOXES:
            self._interval = 0.0

    def _persons(self, name: str) -> dict[int, _Person]:
        if name not in self._people:
            found: dict[int, _Person] = {}
            track = self.get(name)
            if isinstance(track, Boxes | Curve) and track.person is not None and len(track):
                order = np.argsort(track.person, kind="stable")
                people, starts = np.unique(track.person[order], return_index=True)
                for person, rows in zip(people, np.split(order, starts[1:]), strict=True):
                    found[int(person)] = _Person(track.times[rows], rows)
            self._people[name] = found
        return self._people[name]

    def _marks(self, time: float) -> list[Mark]:
        boxes = self.get(BOXES)
        if not isinstance(boxes, Boxes):
            return []
        interval, marks = self.interval, []
        for number, person in self._persons(BOXES).items():
            before, after = person.around(time)
            if before is not None and after is not None:
                t0, t1 = float(person.times[before]), float(person.times[after])
                if t1 - t0 <= _NEIGHBOURS * interval:
                    share = (time - t0) / (t1 - t0) if t1 > t0 else 0.0
                    marks.append(
                        self._mark(boxes, number, person.rows[before], person.rows[after], share, time, interval)
                    )
                    continue
            near = [n for n in (before, after) if n is not None]
            nearest = min(near, key=lambda n: abs(float(person.times[n]) - time))
            if abs(float(person.times[nearest]) - time) <= interval / 2 + _EPS:
                row = person.rows[nearest]
                marks.append(self._mark(boxes, number, row, row, 0.0, time, interval))
        return marks

    def _mark(
        self, boxes: Boxes, number: int, a: np.intp, b: np.intp, share: float, time: float, interval: float
    ) -> Mark:
        x, y, width, height = (float(v) for v in boxes.xywh[a] + share * (boxes.xywh[b] - boxes.xywh[a]))
        points: tuple[tuple[float, float], ...] = ()
        if boxes.landmarks is not None:
            between = boxes.landmarks[a] + share * (boxes.landmarks[b] - boxes.landmarks[a])
            points = tuple((float(px), float(py)) for px, py in between if np.isfinite((px, py)).all())
        return Mark(number, (x, y, width, height), self._label(number, time, interval), points)

    def _label(self, person: int, time: float, interval: float) -> str:
        told = []
        shows = self._values(EXPRESSION, person, time, interval)
        if shows:
            name = max(shows, key=lambda key: shows[key])
            told.append(f"{name} {short(shows[name])}")
        feels = self._values(AFFECT, person, time, interval)
        if "arousal" in feels:
            told.append(f"arousal {short(feels['arousal'])}")
        return " · ".join(told)

    def _values(self, name: str, person: int, time: float, interval: float) -> dict[str, float]:
        """The readings of the analysed frame nearest in time, by channel."""
        track, rows = self.get(name), self._persons(name).get(person)
        if not isinstance(track, Curve) or rows is None:
            return {}
        near = [n for n in rows.around(time) if n is not None]
        nearest = min(near, key=lambda n: abs(float(rows.times[n]) - time))
        if abs(float(rows.times[nearest]) - time) > interval / 2 + _EPS:
            return {}
        values = track.values[rows.rows[nearest]]
        named = zip(track.channels, values, strict=True)
        return {channel: float(value) for channel, value in named if np.isfinite(value)}

    def _said(self, time: float) -> tuple[str, str]:
        spans = self.get(TRANSCRIPT)
        if not isinstance(spans, Spans) or not len(spans):
            return "", ""
        last = int(np.searchsorted(spans.start, time + _EPS))
        for n in range(last - 1, max(-1, last - 9), -1):
            if spans.start[n] <= time + _EPS and time < spans.end[n]:
                return spans.text[n] or spans.label[n], spans.speaker[n]
        return "", ""
