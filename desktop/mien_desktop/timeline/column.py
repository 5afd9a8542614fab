"""The lanes' side of the timeline: which there are, in what order, how high, which the keyboard acts on, and scrolling them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QRect, Qt, Signal, Slot
from PySide6.QtGui import QFontMetricsF
from PySide6.QtWidgets import QScrollBar, QWidget

from mien_desktop.look.palette import DARK, Palette
from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.order import Order
from mien_desktop.timeline.order import Slot as Row
from mien_desktop.timeline.pictures import Pictures
from mien_desktop.timeline.viewport import RULER, Viewport


class LaneColumn(Viewport):
    """A viewport with lanes under each other."""

    threshold_changed = Signal(str, float, str)
    """Id of the lane whose threshold the user moved, where to, and of which channel (`Threshold.channel`)."""
    lanes_changed = Signal()
    """Order, visibility or heights are others; `layout` has them."""
    current_changed = Signal(str)
    """Id of the lane that the keyboard acts on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.palette_worn: Palette = DARK
        self.pictures = Pictures()
        self.scrolled = 0
        self.current: Lane | None = None
        self.slots: list[Row] = []
        self._order = Order()
        self._arranging = False
        self._bar = QScrollBar(Qt.Orientation.Vertical, self)
        self._bar.setAccessibleName("Scroll the lanes")
        self._bar.setToolTip("Scroll the lanes (wheel over their titles)")
        self._bar.valueChanged.connect(self._scrolled)
        self._bar.hide()

    def lane_gone(self, lane: Lane) -> None:
        """A lane is about to be let go of."""

    def lane_touched(self) -> None:
        """What some lane shows is another."""

    def current_told(self) -> None:
        """The keyboard acts on another lane."""

    @property
    def lanes(self) -> list[Lane]:
        """From the top down, hidden ones included."""
        return list(self._order.lanes)

    def lane(self, lane_id: str) -> Lane:
        """The lane of that id.

        Raises:
            KeyError: there is none.
        """
        return self._order.lane(lane_id)

    def has_lane(self, lane_id: str) -> bool:
        """Whether there is a lane of that id."""
        return lane_id in self._order

    def add_lane(self, lane: Lane, index: int | None = None) -> Lane:
        """Add a lane, last or at an index; a layout that names it decides instead.

        Raises:
            ValueError: there is a lane of that id.
        """
        self._order.add(lane, index)
        lane.setParent(self)
        lane.wear(self.palette_worn)
        lane.changed.connect(lambda lane=lane: self._redraw(lane))
        lane.reshaped.connect(self._arrange)
        self._arrange()
        return lane

    def remove_lane(self, lane_id: str) -> None:
        """Take a lane out and let go of it."""
        lane = self._order.lane(lane_id)
        self._order.remove(lane)
        self.pictures.forget(lane)
        if self.current is lane:
            self.current = None
        self.lane_gone(lane)
        lane.changed.disconnect()
        lane.reshaped.disconnect()
        lane.deleteLater()
        self._arrange()

    def clear_lanes(self) -> None:
        """Take all lanes out."""
        for lane in self.lanes:
            self.remove_lane(lane.id)

    def layout(self) -> dict[str, Any]:  # type: ignore[override]  # no QLayout: this widget has no children to lay out
        """Order, heights and visibility of the lanes, ready for JSON."""
        return self._order.layout()

    def set_layout(self, layout: Mapping[str, Any]) -> None:
        """The inverse of `layout`; it holds for lanes that come later, too."""
        with self._at_once():
            self._order.set_layout(layout)

    def rearrange(self, shapes: Mapping[str, tuple[int, bool]], order: Sequence[str] = ()) -> None:
        """Give lanes of these ids a height (logical pixels) and visibility, and put all in an order (ids; empty: as it is)."""
        with self._at_once():
            self._order.rearrange(shapes, order)

    def move_lane(self, lane: Lane, before: Lane | None) -> None:
        """Put a lane before another, or last."""
        if self._order.move(lane, before):
            self._arrange()

    def step_lane(self, lane: Lane, by: int) -> None:
        """Move a lane up (negative) or down past its neighbours."""
        if self._order.step(lane, by):
            self._arrange()

    def show_all(self) -> None:
        """Show hidden lanes again."""
        with self._at_once():
            for lane in self.lanes:
                lane.visible = True

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Several changes, laid out once."""
        self._arranging = True
        try:
            yield
        finally:
            self._arranging = False
        self._arrange()

    def set_threshold(self, lane: Lane, threshold: float, channel: str = "") -> None:
        """Move a threshold as the user does, and say so."""
        if lane.move_threshold(threshold, channel):
            moved = next(line for line in lane.thresholds(lane.height) if line.channel == channel)
            self.threshold_changed.emit(lane.id, moved.value, channel)

    def choose(self, lane: Lane) -> None:
        """Let the keyboard act on this lane."""
        if lane is not self.current:
            self.current = lane
            self.update()
            self.current_told()
            self.current_changed.emit(lane.id)

    def choose_next(self, by: int) -> None:
        """Let the keyboard act on the next lane down, or up (negative)."""
        shown = [slot.lane for slot in self.slots]
        if shown:
            at = shown.index(self.current) + by if self.current in shown else 0
            self.choose(shown[min(max(at, 0), len(shown) - 1)])
            self._bring_in(self.current)

    def _bring_in(self, lane: Lane | None) -> None:
        slot = next((s for s in self.slots if s.lane is lane), None)
        if slot is not None:
            self._bar.setValue(min(max(self.scrolled, slot.bottom - self.plot.height()), slot.top))

    def _arrange(self) -> None:
        """Lay the lanes out anew."""
        if self._arranging:
            return
        self.slots = self._order.slots(round(QFontMetricsF(self.font()).height()) + 2)
        if self.current is not None and not self.current.visible:
            self.current = None
        content = self.slots[-1].bottom if self.slots else 0
        room = self.height() - RULER
        wide = self._bar.sizeHint().width() if content > room else 0
        self.margin_right = wide
        self._bar.setGeometry(self.width() - wide, RULER, max(1, wide), max(1, room))
        self._bar.setRange(0, max(0, content - room))
        self._bar.setPageStep(max(1, room))
        self._bar.setSingleStep(24)
        self._measure()
        self.update()
        self.lanes_changed.emit()

    def _measure(self) -> None:
        super()._measure()
        self._bar.setVisible(
            self.margin_right > 0 and self.range is not None
        )  # there are no lanes to see without a time

    @Slot(int)
    def _scrolled(self, value: int) -> None:
        self.scrolled = value
        self.update()

    def scroll_by(self, pixels: int) -> None:
        """Scroll the lanes, if they do not all fit."""
        self._bar.setValue(self._bar.value() + pixels)

    def _redraw(self, lane: Lane) -> None:
        slot = next((s for s in self.slots if s.lane is lane), None)
        if slot is not None:
            top = self.plot.top() + slot.top - self.scrolled
            self.update(QRect(0, top, self.width(), slot.height))
        self.lane_touched()

    def slot_at(self, y: float) -> Row | None:
        """The lane at a height of the widget."""
        inside = y - self.plot.top() + self.scrolled
        if y < self.plot.top():
            return None
        return next((slot for slot in self.slots if slot.top <= inside < slot.bottom), None)
