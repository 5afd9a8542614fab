"""What every lane is: an id, a title, a height, data that may grow, a picture of a window of time, values at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QPainter

from mien.tracks import Provenance
from mien_desktop.look.palette import DARK, Palette
from mien_desktop.timeline.lanes.thresholds import Threshold
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.readings import Reading, figure
from mien_desktop.timeline.window import Window

LEAST, MOST = 18, 400
"""Heights of a lane, logical pixels."""


@dataclass(frozen=True)
class Badge:
    """A figure beside the lane's title, at the height of the line it belongs to.

    Args:
        share: of the lane's height, from the top.
        text, colour: what it says and on which ground.
    """

    share: float
    text: str
    colour: str


class Lane(QObject):
    """A row of the timeline.

    Args:
        lane_id: by which layouts and signals name it.
        title: what the user calls it.
        height: logical pixels.
        about: one sentence on what it shows, for the tooltip and for screen readers.
    """

    changed = Signal()
    """Its picture is out of date."""
    reshaped = Signal()
    """Its height, visibility or title is another."""

    lettered: ClassVar[bool] = False
    """Whether it writes into its picture with `letter`."""
    waiting: str = "Nothing here yet"
    """What stands in it while it is empty."""
    second: ClassVar[str] = "2nd run dashed"
    """How it draws a second run, told under its title while there is one."""

    def __init__(self, lane_id: str, title: str, *, height: int = 48, about: str = "") -> None:
        super().__init__()
        self.id, self.about = lane_id, about
        self._title, self._height, self._visible = title, height, True
        self.palette: Palette = DARK
        self.revision = 0
        self.source = ""  # who wrote what it shows, told beside the values
        self.note = ""  # what it leaves out, told there as well

    @property
    def title(self) -> str:
        """What the user calls it."""
        return self._title

    @title.setter
    def title(self, title: str) -> None:
        if title != self._title:
            self._title = title
            self.reshaped.emit()

    @property
    def height(self) -> int:
        """Logical pixels."""
        return self._height

    @height.setter
    def height(self, height: int) -> None:
        height = min(max(int(height), LEAST), MOST)
        if height != self._height:
            self._height = height
            self.reshaped.emit()

    @property
    def extra(self) -> int:
        """Logical pixels that it takes below its height, for a second run."""
        return 0

    @property
    def visible(self) -> bool:
        """Whether it is shown."""
        return self._visible

    @visible.setter
    def visible(self, visible: bool) -> None:
        if visible != self._visible:
            self._visible = visible
            self.reshaped.emit()

    def wear(self, palette: Palette) -> None:
        """Take colours from this palette from now on."""
        if palette is not self.palette:
            self.palette = palette
            self.touch()

    def touch(self) -> None:
        """Say that the picture is out of date."""
        self.revision += 1
        self.changed.emit()

    def credit(self, provenance: Provenance | None) -> None:
        """Remember who wrote the track that is shown."""
        if provenance is not None:
            self.source = f"{provenance.analyzer} {provenance.version}"

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw yet."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget the data."""
        raise NotImplementedError

    def draw(self, raster: Raster, window: Window) -> None:
        """Paint the window of time into a picture of its width."""
        raise NotImplementedError

    def letter(self, painter: QPainter, window: Window, width: float, height: float) -> None:
        """Write over the picture; logical pixels, the painter has the font."""

    def values_at(self, time: float) -> list[Reading]:
        """What the lane says at a time, in s."""
        raise NotImplementedError

    def stretch_at(self, time: float) -> tuple[float, float] | None:
        """Start and end (s) of what lies at a time, if the lane has anything with an extent there."""
        return None

    def legend(self) -> Sequence[tuple[str, str]]:
        """Names and colours of its channels; empty where the title says enough."""
        return ()

    def dot(self) -> str:
        """Colour of whom it is about, before the title; empty where it is about nobody in particular."""
        return ""

    def badges(self) -> Sequence[Badge]:
        """Figures to be shown beside the title."""
        return ()

    # -- a second run ---------------------------------------------------------------------------------------------

    @property
    def compares(self) -> bool:
        """Whether a second run is drawn."""
        return False

    def compare_nothing(self) -> None:
        """Take the second run away."""

    # -- thresholds -----------------------------------------------------------------------------------------------

    def thresholds(self, height: float) -> Sequence[Threshold]:
        """The thresholds that are drawn, that of the chosen reading first; height of the lane in logical pixels."""
        return ()

    def show_thresholds(self, levels: Mapping[str, float]) -> None:
        """Draw these thresholds and no others, by `Threshold.channel`."""

    def move_threshold(self, value: float, channel: str = "") -> bool:
        """Move a threshold, within its limits; True if that is another place."""
        return False

    def draw_thresholds(self, raster: Raster, window: Window) -> None:
        """Draw them dashed across a picture."""
        for one in self.thresholds(raster.height / raster.scale):
            raster.level(one.share() * raster.height, raster.tint(one.colour, 0.9), dash=5, first=window.first)

    def told_at(self, time: float) -> str:
        """The lane and its values at a time in one line, for screen readers."""
        found = self.values_at(time)
        if not found:
            return f"{self.title}: no reading"
        said = ", ".join(f"{r.name} {figure(r.value, r.unit)}".strip() for r in found)
        return f"{self.title}: {said}"
