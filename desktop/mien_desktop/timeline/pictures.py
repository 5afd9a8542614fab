"""Pictures of lanes, kept until what they show changes: another window, another size, other data or colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtGui import QFont, QImage, QPainter

from mien_desktop.look.palette import Palette
from mien_desktop.timeline.axis import Ticks
from mien_desktop.timeline.colours import Pixels, pixel
from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.window import Window


@dataclass
class Picture:
    """One lane over one window; `image` shows `pixels` without a copy."""

    window: Window
    height: int
    scale: float
    revision: int
    palette: Palette
    pixels: Pixels
    image: QImage


class Pictures:
    """The cache: one picture a lane, those of what was looked at last."""

    def __init__(self) -> None:
        self._kept: dict[str, Picture] = {}
        self._grids: dict[int, Pixels] = {}
        self._grids_of: tuple[Window, Ticks, Palette] | None = None

    def clear(self) -> None:
        """Draw everything anew."""
        self._kept.clear()
        self._grids_of = None

    def forget(self, lane: Lane) -> None:
        """The lane is gone."""
        self._kept.pop(lane.id, None)

    def of(
        self, lane: Lane, window: Window, height: int, scale: float, palette: Palette, shown: Ticks, font: QFont
    ) -> QImage:
        """The lane's picture, drawn if what is kept is out of date.

        Args:
            lane: which.
            window: of device pixels.
            height: device pixels.
            scale: device pixels per logical pixel.
            palette: what the ground is coloured by.
            shown: ticks, drawn as a grid behind the readings.
            font: for lanes that write.
        """
        kept = self._kept.get(lane.id)
        known = (
            kept is not None
            and (kept.window, kept.height, kept.scale) == (window, height, scale)
            and kept.revision == lane.revision
            and kept.palette is palette
        )
        if kept is None or not known:
            behind = self._grid(window, height, shown, palette)
            old = self._kept.pop(lane.id, None)  # its memory serves again: it is at hand, and new memory is not
            pixels = np.empty_like(behind) if old is None or old.pixels.shape != behind.shape else old.pixels
            np.copyto(pixels, behind)
            kept = self._draw(lane, window, Raster(window.width, height, palette.panel, scale, pixels), palette, font)
            self._kept[lane.id] = kept
        return kept.image

    @staticmethod
    def _draw(lane: Lane, window: Window, raster: Raster, palette: Palette, font: QFont) -> Picture:
        height, scale = raster.height, raster.scale
        lane.draw(raster, window)
        # The last row parts the lane from the next.
        raster.pixels[-max(1, round(scale)) :] = pixel(palette.line)
        image = QImage(raster.pixels.data, window.width, height, window.width * 4, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(scale)
        if lane.lettered:
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            painter.setFont(font)
            lane.letter(painter, window, window.width / scale, height / scale)
            painter.end()
        return Picture(window, height, scale, lane.revision, palette, raster.pixels, image)

    def _grid(self, window: Window, height: int, shown: Ticks, palette: Palette) -> Pixels:
        """What lies behind the readings, the same in all lanes of a height."""
        if self._grids_of != (window, shown, palette):
            self._grids.clear()
            self._grids_of = window, shown, palette
        if height not in self._grids:
            raster = Raster(window.width, height, palette.panel)
            at = np.floor(np.array(shown.major) / window.step + 1e-6).astype(np.int64) - window.first
            raster.pixels[:, at[(at >= 0) & (at < window.width)]] = pixel(palette.grid)
            self._grids[height] = raster.pixels
        return self._grids[height]
