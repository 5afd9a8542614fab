"""The spectrogram: log-frequency, in perceptual colours. Its columns are computed elsewhere (`timeline.spectrum`)."""

from __future__ import annotations

import numpy as np

from mien_desktop.timeline.colours import heat
from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.pyramid import Array, Growing
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading
from mien_desktop.timeline.spectrum import BANDS, FLOOR, frequencies
from mien_desktop.timeline.window import Window


class SpectrogramLane(Lane):
    """Levels of frequency bands over time."""

    waiting = "The spectrogram appears here when the medium has sound"

    def __init__(
        self, lane_id: str = "spectrogram", title: str = "Spectrogram", *, height: int = 72, about: str = ""
    ) -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self.clear()

    @property
    def empty(self) -> bool:
        return not self._count

    def clear(self) -> None:
        """Forget the sound."""
        # Halves, quarters … of the columns' number, by maximum; each level is flat, BANDS values a column.
        self._levels = [Growing(np.uint8)]
        self._start, self._hop = 0.0, 0.0
        self.touch()

    @property
    def _count(self) -> int:
        return self._levels[0].size // BANDS

    def begin(self, start: float, hop: float) -> None:
        """Columns follow, the middle of the first at `start` s, `hop` s apart."""
        self.clear()
        self._start, self._hop = start, hop

    def append(self, columns: Array) -> None:
        """Add columns (n, BANDS) of uint8, as `spectrum.Spectrum` makes them.

        Raises:
            ValueError: `begin` was not called, or they have another number of bands.
        """
        if not self._hop:
            raise ValueError("the time between columns is not known yet")
        if columns.ndim != 2 or columns.shape[1] != BANDS:
            raise ValueError(f"columns have {BANDS} bands")
        changed = self._count
        self._levels[0].put(self._levels[0].size, columns.reshape(-1))
        level = 0
        while self._levels[level].size > 2 * BANDS:
            if level + 1 == len(self._levels):
                self._levels.append(Growing(np.uint8))
                changed = 0
            changed //= 2
            fine = self._levels[level].view.reshape(-1, BANDS)[2 * changed :]
            whole = fine[: len(fine) // 2 * 2].reshape(-1, 2, BANDS).max(1)
            coarse = np.concatenate([whole, fine[len(fine) // 2 * 2 :]])
            self._levels[level + 1].put(changed * BANDS, coarse.reshape(-1))
            level += 1
        self.touch()

    def draw(self, raster: Raster, window: Window) -> None:
        if not self._count:
            return
        per_column = window.step / self._hop
        level = min(max(0, int(np.floor(np.log2(max(per_column, 1))))), len(self._levels) - 1)
        bands = self._levels[level].view.reshape(-1, BANDS)
        # Where a column's middle lies, in columns of the level.
        at = (window.centres - self._start) / self._hop + 0.5
        there = (at >= 0) & (at < self._count)
        index = np.clip((at / 2**level).astype(np.int64), 0, len(bands) - 1)
        if not there.any():
            return
        rows = (BANDS - 0.5) - (np.arange(raster.height) + 0.5) * BANDS / raster.height
        below = np.clip(np.floor(rows).astype(np.int64), 0, BANDS - 1)
        above = np.minimum(below + 1, BANDS - 1)
        share = np.clip((rows - below) * 256, 0, 256).astype(np.uint16)[:, None]
        turned = np.ascontiguousarray(bands[index].T)
        mixed = turned[below]
        if raster.height > BANDS:
            parts = mixed * (np.uint16(256) - share) + turned[above] * share
            mixed = np.asarray(parts >> np.uint16(8), np.uint8)
        np.copyto(raster.pixels, heat(self.palette)[mixed], where=there[None])

    def values_at(self, time: float) -> list[Reading]:
        if not self._count:
            return []
        index = round((time - self._start) / self._hop)
        if not 0 <= index < self._count:
            return []
        bands = self._levels[0].view[index * BANDS : (index + 1) * BANDS]
        loudest = int(bands.argmax())
        level = FLOOR + float(bands[loudest]) / 255 * -FLOOR
        if not bands[loudest]:
            return []
        colour = self.palette.series[1]
        return [
            Reading("loudest", float(frequencies()[loudest]), "Hz", "", colour),
            Reading("level", level, "dBFS", f"−{-FLOOR:g} … 0", colour),
        ]
