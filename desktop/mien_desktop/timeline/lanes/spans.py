"""What lanes of spans share: data, cells with softened corners, and who is at a time."""

from __future__ import annotations

import math

import numpy as np

from mien.tracks import Spans
from mien_desktop.timeline.colours import Pixels, pixel
from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.lanes.stretches import Stretches
from mien_desktop.timeline.pyramid import IntArray
from mien_desktop.timeline.raster import Raster, blend, spread
from mien_desktop.timeline.window import Window

SECOND_ROW = 20
"""Logical pixels that a second run's row takes."""


class SpansLane(Lane):
    """A lane that shows one track of spans."""

    second = "2nd run below"

    def __init__(self, lane_id: str, title: str, *, height: int = 32, about: str = "") -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self.stretches = Stretches()
        self.others = Stretches()
        """Of a second run, which has a row of its own below."""

    @property
    def empty(self) -> bool:
        return not len(self.stretches) and not len(self.others)

    @property
    def extra(self) -> int:
        return SECOND_ROW if self.compares else 0

    @property
    def compares(self) -> bool:
        return len(self.others) > 0

    def compare_nothing(self) -> None:
        if self.compares:
            self.others = Stretches()
            self.reshaped.emit()
            self.touch()

    def set_comparison(self, track: Spans) -> None:
        """Show a second run's track in a row below."""
        self.others = Stretches()
        self.others.append(track)
        self.reshaped.emit()
        self.touch()

    def first_row(self, height: float) -> float:
        """How much of a picture the first run has, if it is so high."""
        return height * self.height / (self.height + self.extra)

    def clear(self) -> None:
        """Forget the tracks."""
        self.compare_nothing()
        self.stretches = Stretches()
        self.touch()

    def set_track(self, track: Spans | None) -> None:
        """Show this track and no other."""
        self.stretches = Stretches()
        if track is not None:
            self.stretches.append(track)
            self.credit(track.provenance)
        self.touch()

    def append(self, piece: Spans) -> None:
        """Add a piece behind what is there.

        Raises:
            ValueError: it lies before what is there.
        """
        if self.stretches.append(piece):
            self.credit(piece.provenance)
            self.touch()

    def stretch_at(self, time: float) -> tuple[float, float] | None:
        rows = self.stretches.at(time)
        return (float(self.stretches.start[rows[-1]]), float(self.stretches.end[rows[-1]])) if rows.size else None


def owners(stretches: Stretches, rows: slice, window: Window, apart: int, order: IntArray | None = None) -> IntArray:
    """Which row lies foremost in each column, counted from `rows.start`; −1 where none does."""
    first, last = stretches.columns(rows, window, apart)
    order = np.arange(first.size) if order is None else order
    return spread(first, last, order, window.width)


def blocks(raster: Raster, top: float, bottom: float, owner: IntArray, colours: Pixels) -> None:
    """Paint cells between two heights: colours[owner], corners taken off where a cell is large enough to have them."""
    there = owner >= 0
    if not there.any():
        return
    rows = raster.rows(top, bottom)
    raster.cells(rows, colours[np.maximum(owner, 0)], there)
    _round(raster, rows, owner)


def _round(raster: Raster, rows: slice, owner: IntArray) -> None:
    """Take the corners off cells, with soft edges; not off those that are narrower than two corners."""
    radius = round(2 * raster.scale)
    if rows.stop - rows.start < 3 * radius:
        return
    bounds = np.flatnonzero(np.diff(owner, prepend=-2, append=-2))
    first, last = bounds[:-1], bounds[1:] - 1
    wide = (owner[first] >= 0) & (last - first >= 2 * radius)
    first, last = first[wide], last[wide]
    if not 0 < first.size <= raster.width // (3 * radius):
        return
    ground = pixel(raster.ground)
    for down in range(radius):
        for across in range(radius):
            away = math.hypot(radius - down - 0.5, radius - across - 0.5)
            outside = min(max(away - radius + 0.5, 0.0), 1.0)
            if outside > 0:
                share = np.uint8(round(outside * 255))
                for row in (rows.start + down, rows.stop - 1 - down):
                    for at in (first + across, last - across):
                        raster.pixels[row, at] = blend(raster.pixels[row, at], ground, share)
