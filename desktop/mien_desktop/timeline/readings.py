"""Pieces of a Curve gathered into a Series: of one person, with gaps where rows are missing."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien.tracks import Curve, Quantity
from mien_desktop.timeline.clocks import Times
from mien_desktop.timeline.pyramid import FloatArray
from mien_desktop.timeline.series import Columns, Series
from mien_desktop.timeline.window import Window

GAP = 2.5
"""Rows further apart than this many usual distances have a gap between them."""
ENOUGH = 8
"""Distances after which the usual one is believed."""


class Reading(NamedTuple):
    """A value read off a lane.

    Args:
        name: of the quantity, the speaker, …
        value: a number, or words.
        unit: physical unit, or empty.
        extent: in words, such as `−1 calm … +1 excited`; empty where there is none.
        colour: in which it is drawn, `#rrggbb`.
    """

    name: str
    value: float | str
    unit: str
    extent: str
    colour: str


def figure(value: float | str, unit: str = "", *, signed: bool = False) -> str:
    """A value as it is written: `−0.42`, `+0.62`, `−12.3 dBFS`; what rounds to nothing has no sign."""
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "–"
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0
    sign = "+" if signed and round(value, digits) else ""
    text = f"{value:{sign}z.{digits}f}".replace("-", "−")
    return f"{text} {unit}" if unit else text


def extent_text(quantity: Quantity) -> str:
    """The ends of a quantity and what they mean: `−1 calm … +1 excited`."""
    if quantity.low is None or quantity.high is None:
        return ""

    def end(value: float, means: str) -> str:
        sign = "+" if value > 0 and (quantity.low or 0) < 0 else ""
        return f"{sign}{value:g}".replace("-", "−") + (f" {means}" if means else "")

    return f"{end(quantity.low, quantity.low_means)} … {end(quantity.high, quantity.high_means)}"


class Readings:
    """One Curve, or the rows of one person of it, gathered as its pieces arrive.

    A missing reading is an absent row (`mien.tracks.Curve`), so where rows lie much further apart than usual a gap is
    put between them; a line is never drawn over time that nothing was read from.

    A reading holds for half the usual distance to either side. The first and the last reach outwards as far as the window
    did that they were computed on, and so does a single one (`mien.engine.align`).

    Args:
        person: whose rows are taken; None takes all.
    """

    def __init__(self, person: int | None = None) -> None:
        self.person = person
        self.outwards = 0.0  # s that the first and the last row reach: half a window
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.quantities: tuple[Quantity, ...] = ()
        self.series = Series(1)
        self.rows = 0
        self.hop = math.nan  # usual distance between rows, s; NaN until it is known
        self._pieces: list[tuple[Times, FloatArray]] = []  # kept until then
        self._last: float | None = None

    def __bool__(self) -> bool:
        return self.rows > 0

    @property
    def reach(self) -> float:
        """How far from a row its values still hold, in s."""
        if self.hop > 0:
            return self.hop * 0.51
        steps = np.diff(np.concatenate([times for times, _ in self._pieces])) if self._pieces else np.empty(0)
        steps = steps[steps > 0]
        if not steps.size:
            return max(self.outwards, 0.5)
        return float(np.median(steps)) * 0.51

    def lines(self, window: Window) -> list[Columns]:
        """What each channel does in each column, held where a reading speaks although no row lies there."""
        drawn = self.series.lines(window)
        ends = self._ends(window)
        if not ends:
            return drawn
        return [self._held(columns, channel, ends) for channel, columns in enumerate(drawn)]

    def held(self, window: Window) -> list[FloatArray]:
        """(W,) of each channel: the largest value in a column, or the one that holds there."""
        found = self.series.held(window, self.reach)
        for at, row in self._ends(window):
            for channel, values in enumerate(found):
                free = at & np.isnan(values)
                values[free] = self.series.pyramids[channel].values(np.array([row]))[0]
        return found

    def _ends(self, window: Window) -> list[tuple[npt.NDArray[np.bool_], int]]:
        """Columns before the first row and behind the last in which they hold, and the numbers of these rows."""
        if not len(self.series):
            return []
        first, last = self.series.extent
        if first <= window.start and window.end <= last:
            return []
        reach = max(self.reach if self.hop > 0 else 0.0, self.outwards)
        centres = window.centres
        before, after = (centres < first) & (centres >= first - reach), (centres > last) & (centres <= last + reach)
        return [(at, row) for at, row in ((before, 0), (after, len(self.series) - 1)) if at.any()]

    def _held(self, columns: Columns, channel: int, ends: list[tuple[npt.NDArray[np.bool_], int]]) -> Columns:
        low, high = columns.low.copy(), columns.high.copy()
        sides = [None if side is None else side.copy() for side in (columns.left, columns.right)]
        for at, row in ends:
            value = self.series.pyramids[channel].values(np.array([row]))[0]
            # The row's own column as well, which the line would only touch.
            near = np.zeros_like(at)
            near[:-1] |= at[1:]
            near[1:] |= at[:-1]
            near &= ~at
            low[at] = high[at] = value
            low[near], high[near] = np.fmin(low[near], value), np.fmax(high[near], value)
            for side in sides:
                if side is not None:
                    side[at] = value
                    side[near] = np.where(np.isnan(side[near]), value, side[near])
        return Columns(low, high, sides[0], sides[1])

    def append(self, piece: Curve) -> bool:
        """Add a piece that comes behind those before; True if it had rows for us.

        Raises:
            ValueError: the piece has other quantities, or lies before what is there.
        """
        times, values = piece.times, piece.values
        if self.person is not None and piece.person is not None:
            mine = piece.person == self.person
            times, values = times[mine], values[mine]
        if not self.quantities:
            self.quantities = piece.quantities
            self.series = Series(len(piece.quantities))
        elif self.quantities != piece.quantities:
            raise ValueError(f"this lane shows {', '.join(q.name for q in self.quantities)}, not {piece.name}")
        if not times.size:
            return False
        if self._last is not None and times[0] < self._last:
            raise ValueError(f"a piece of {piece.name} lies before what was shown already")
        if math.isnan(self.hop):
            self._pieces.append((times, values))
            self._learn()
        self._add(times, values)
        return True

    def _learn(self) -> None:
        """Find the usual distance between rows; what was added before it was known is added anew."""
        steps = np.diff(np.concatenate([times for times, _ in self._pieces]))
        steps = steps[steps > 0]
        if steps.size < ENOUGH:
            return
        self.hop = float(np.median(steps))
        earlier, self._pieces = self._pieces[:-1], []
        self.series, self.rows, self._last = Series(len(self.quantities)), 0, None
        for times, values in earlier:
            self._add(times, values)

    def _add(self, times: Times, values: FloatArray) -> None:
        self.rows += times.size
        joined = times if self._last is None else np.concatenate([[self._last], times])
        self._last = float(times[-1])
        steps = np.diff(joined)
        limit = GAP * self.hop
        holes = np.flatnonzero(steps > limit) if limit > 0 else np.empty(0, np.int64)
        if holes.size:
            # Two rows of NaN, a hop from either side: the values at the rim hold for half a hop into the gap.
            before = np.repeat(holes + joined.size - steps.size - 1, 2)
            edge = np.column_stack([joined[before[::2]] + self.hop, joined[before[::2] + 1] - self.hop]).ravel()
            at = before + 1 - (joined.size - times.size)
            times = np.insert(times, at, edge)
            values = np.insert(values, at, np.nan, axis=0)
        self.series.append(values, times)

    def at(self, time: float) -> FloatArray:
        """(C,) the row that holds at a time, NaN in a gap."""
        first, last = self.series.extent
        outside = not first <= time <= last
        return self.series.at(time, max(self.reach, self.outwards) if outside else self.reach)
