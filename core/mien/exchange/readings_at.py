"""What the tracks say at one moment, for drawing on pictures: values, faces, and the words being spoken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.exchange.tiers import spacing
from mien.sdk.protocols import Analysis
from mien.tracks.quantity import Quantity
from mien.tracks.track import Boxes, Curve, FloatArray, TimeArray

_SHORT_GAP = 1.0
"""s: a person's boxes that are nearer than this are joined by a straight way; others are two sightings."""


_PLAIN = ("fusion", "conflict", "emotion")
"""Whose readings go by the quantity's name alone."""
_FIRST = ("fusion.score", "conflict.", "emotion.", "face.")
"""Whose reading a bar shows when several curves have a channel of that name."""


class Gauge:
    """One channel as a bar: its value at any moment, the mean over persons where it is read per person."""

    def __init__(self, track: Curve, channel: int) -> None:
        self.quantity: Quantity = track.quantities[channel]
        self.source = track.name.split(".", 1)[0]
        known = np.isfinite(track.values[:, channel])
        times, values = track.times[known], track.values[known, channel].astype(np.float64)
        self._times, inverse = np.unique(times, return_inverse=True)
        self._values = np.bincount(inverse, values) / np.maximum(np.bincount(inverse), 1) if times.size else values
        self._reach = max(0.75 * spacing(self._times), 0.25)
        self._range = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)

    @property
    def title(self) -> str:
        """The channel's name, with its source where one would not think of it."""
        name = self.quantity.name
        return name if self.source in _PLAIN else f"{name} ({self.source})"

    @property
    def low(self) -> float:
        """Lower end of the bar."""
        return self.quantity.low if self.quantity.low is not None else self._range[0]

    @property
    def high(self) -> float:
        """Upper end of the bar."""
        return self.quantity.high if self.quantity.high is not None else max(self._range[1], self.low + 1e-6)

    def at(self, time: float) -> float | None:
        """The reading nearest to a time, or None where there is none near enough."""
        row = _nearest(self._times, time)
        if row is None or abs(float(self._times[row]) - time) > self._reach:
            return None
        return float(self._values[row])


def gauges(analysis: Analysis, names: Sequence[str]) -> list[Gauge]:
    """A gauge for each named channel that a curve has."""
    curves = [track for track in analysis.tracks.values() if isinstance(track, Curve) and len(track)]
    curves.sort(key=lambda track: next((n for n, s in enumerate(_FIRST) if track.name.startswith(s)), len(_FIRST)))
    found = []
    for name in names:
        track = next((t for t in curves if name in t.channels and t.name != "fusion.weights"), None)
        if track is not None:
            found.append(Gauge(track, track.channels.index(name)))
    return found


@dataclass(frozen=True, slots=True)
class Face:
    """One face at a moment: person, box (x, y, w, h) in pixels of the upright picture, and what it shows."""

    person: int
    box: tuple[float, float, float, float]
    shows: str = ""


class Faces:
    """The faces at any moment, their boxes moved evenly between detections."""

    def __init__(self, analysis: Analysis) -> None:
        boxes, expression = analysis.tracks.get("face.boxes"), analysis.tracks.get("face.expression")
        self._boxes: dict[int, tuple[TimeArray, FloatArray]] = {}
        self._shows: dict[int, tuple[TimeArray, npt.NDArray[np.intp], FloatArray]] = {}
        self._names: tuple[str, ...] = ()
        if not isinstance(boxes, Boxes):
            return
        self._hold = max(1.5 * spacing(boxes.times), 0.1)
        for person in np.unique(boxes.person):
            rows = boxes.person == person
            self._boxes[int(person)] = (boxes.times[rows], boxes.xywh[rows])
        if isinstance(expression, Curve) and expression.person is not None and len(expression):
            self._names = expression.channels
            values = np.nan_to_num(expression.values, nan=-1.0)
            for person in np.unique(expression.person):
                rows = expression.person == person
                best = values[rows].argmax(1)
                self._shows[int(person)] = (expression.times[rows], best, values[rows].max(1))

    def at(self, time: float) -> list[Face]:
        """Every face that is there."""
        found = []
        for person, (times, boxes) in self._boxes.items():
            box = self._box(times, boxes, time)
            if box is not None:
                found.append(Face(person, box, self._expression(person, time)))
        return found

    def _box(self, times: TimeArray, boxes: FloatArray, time: float) -> tuple[float, float, float, float] | None:
        after = int(np.searchsorted(times, time, side="right"))
        before = after - 1
        if before >= 0 and after < times.size and times[after] - times[before] <= max(_SHORT_GAP, self._hold):
            share = (time - times[before]) / max(float(times[after] - times[before]), 1e-9)
            x, y, w, h = (float(v) for v in boxes[before] + (boxes[after] - boxes[before]) * share)
        elif before >= 0 and time - times[before] <= self._hold:
            x, y, w, h = (float(v) for v in boxes[before])
        else:
            return None
        return (x, y, w, h)

    def _expression(self, person: int, time: float) -> str:
        if person not in self._shows:
            return ""
        times, best, values = self._shows[person]
        row = _nearest(times, time)
        if row is None or abs(float(times[row]) - time) > _SHORT_GAP or values[row] < 0:
            return ""
        return f"{self._names[best[row]]} {values[row]:.2f}"


def _nearest(times: TimeArray, time: float) -> int | None:
    if not times.size:
        return None
    right = int(np.searchsorted(times, time))
    if right == 0:
        return 0
    if right == times.size:
        return right - 1
    return right if times[right] - time < time - times[right - 1] else right - 1
