"""The timeline: lanes under each other over one axis of time, with the playhead, a selection and values at the pointer."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import literal
from mien_desktop.timeline import keys, menu
from mien_desktop.timeline.column import LaneColumn
from mien_desktop.timeline.gestures import Doing, Gestures
from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.painting import Painter
from mien_desktop.timeline.readout import Readout
from mien_desktop.timeline.viewport import RULER


class TimelineView(LaneColumn):
    """Lanes of readings over time. Give it a duration, lanes (`add_lane`), and the playhead as it moves."""

    seek_requested = Signal(float)
    """s; the user wants to be there."""
    selection_changed = Signal(object)
    """(start, end) in s, or None."""
    event_moved = Signal(str, int, float, float)
    """Id of the lane, row of the event, and the start and end (s) that its edge was dragged to."""
    event_picked = Signal(str, int)
    """Id of the lane and row of the event that was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.selection: tuple[float, float] | None = None
        self.hovered: QPointF | None = None
        self.ringed = False
        self.title_hovered: Lane | None = None
        self.readout: Readout | None = None
        self.readout_rect = QRectF()
        self.drop_at: int | None = None
        self._painter, self._gestures = Painter(self), Gestures(self)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(320, RULER + 60)
        self.setAccessibleName("Timeline")
        self.setToolTip(f"Timeline: click seeks, drag selects, the wheel zooms. {keys.HELP}")
        self._tell()

    def sizeHint(self) -> QSize:
        return QSize(1200, 420)

    def lane_gone(self, lane: Lane) -> None:
        if self.title_hovered is lane:
            self.title_hovered = None
        self._gestures.cancel()
        self._forget_hover()

    def lane_touched(self) -> None:
        if self.hovered is not None:
            self._say_values(self.hovered)

    def current_told(self) -> None:
        self._tell()

    # ---------------------------------------------------------------- selection and seeking

    def seek(self, time: float) -> None:
        """Ask for another place in the medium."""
        self.seek_requested.emit(time)

    def select(self, start: float, end: float) -> None:
        """Select a span of time, in s."""
        chosen = (start, end) if end > start else None
        if chosen != self.selection:
            self.selection = chosen
            self.update()
            self.selection_changed.emit(chosen)

    @Slot()
    def clear_selection(self) -> None:
        """Select nothing."""
        self.select(0.0, 0.0)

    @Slot()
    def zoom_to_selection(self) -> None:
        """Show the selection and a little around it."""
        if self.selection is not None:
            start, end = self.selection
            more = (end - start) * 0.04
            self.set_range(start - more, end + more)
            self._follow_if_seen()

    def mark(self, *, begin: bool) -> None:
        """Let the selection begin, or end, at the playhead."""
        if self.range is None:
            return
        start, end = self.selection or (0.0, self.range.duration)
        here = self.playhead
        if begin:
            self.select(here, end if end > here else self.range.duration)
        else:
            self.select(start if start < here else 0.0, here)

    # ---------------------------------------------------------------- the pointer

    def pointer(self) -> QPointF | None:
        return self.hovered

    def hover(self, at: QPointF | None, title: Lane | None) -> None:
        """The pointer is over the lanes at a point, over a lane's title, or elsewhere."""
        if title is not self.title_hovered:
            self.title_hovered = title
            self.update(QRect(0, RULER, self.plot.left(), self.height()))
        if at is None:
            self._forget_hover()
        else:
            self._say_values(at)

    def _forget_hover(self) -> None:
        if self.hovered is not None:
            self._update_hover()
            self.hovered, self.readout = None, None

    def _say_values(self, at: QPointF) -> None:
        self._update_hover()
        self.hovered = QPointF(int(at.x()), int(at.y()))
        slot = self.slot_at(at.y())
        self.readout = None
        if slot is not None and self.range is not None and not slot.lane.empty:
            hours = self.range.duration >= 3600
            self.readout = Readout(slot.lane, self.time_at(at.x()), self.small_font, hours=hours)
            self.readout_rect = self.readout.rect(at, QRectF(self.plot))
        self._update_hover()

    def _update_hover(self) -> None:
        if self.hovered is not None:
            self.update(QRect(int(self.hovered.x()) - 1, RULER, 3, self.height()))
            if self.readout is not None:
                self.update(self.readout_rect.toAlignedRect())

    def set_drop(self, at: int | None) -> None:
        """Where the lane that is dragged would go."""
        if at != self.drop_at:
            self.drop_at = at
            self.update()

    # ---------------------------------------------------------------- look and telling

    @Slot(object)
    def wear(self, palette: Palette) -> None:
        """Take colours from this palette from now on."""
        self.palette_worn = palette
        for lane in self.lanes:
            lane.wear(palette)
        self._painter.clear()
        self.update()

    def told(self) -> str:
        """The current lane (else every lane) and its values at the playhead, for screen readers."""
        lanes = [self.current] if self.current is not None else [slot.lane for slot in self.slots]
        return ". ".join(lane.told_at(self.playhead) for lane in lanes if not lane.empty)

    def _tell(self) -> None:
        said = self.told() if not self._playing else ""
        self.setAccessibleDescription(f"{said}. {keys.HELP}" if said else keys.HELP)

    @Slot(float)
    def set_playhead(self, time: float) -> None:
        super().set_playhead(time)
        if not self._playing:
            self._tell()

    # ---------------------------------------------------------------- events

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.window_shown is not None and self._stale():
            self._measure()
        with QPainter(self) as painter:
            if self._bar.isVisible():  # it is see-through, and nothing else paints its ground
                beside = self.rect().adjusted(self._bar.x(), 0, 0, 0)
                painter.fillRect(beside, QColor(self.palette_worn.panel))
            for rect in event.region():  # type: ignore[attr-defined]  # the stubs forget that regions are sequences
                painter.save()
                self._painter.paint(painter, rect)
                painter.restore()

    def _stale(self) -> bool:
        """Whether the window moved to a screen of another scale."""
        assert self.window_shown is not None
        return self.window_shown.width != max(1, round(self.plot.width() * self.devicePixelRatioF()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._forget_hover()
        self._arranging = False
        quiet = self.blockSignals(True)  # a size is no new layout
        self._arrange()
        self.blockSignals(quiet)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.pictures.clear()
            self._painter.clear()
            self._arrange()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._gestures.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._gestures.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._gestures.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._gestures.press(event)
        self._gestures.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._gestures.wheel(event)

    def leaveEvent(self, event: QEvent) -> None:
        if self._gestures.doing is Doing.NOTHING:
            self.hover(None, None)
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        # A ring round everything is for those who came by the keyboard.
        self.ringed = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.ringed = False
        self.update()
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._gestures.doing is Doing.EDGE:
            self._gestures.cancel()
        elif not keys.pressed(self, event):
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        slot = None if keyboard else self.slot_at(event.pos().y())
        lane = self.current if keyboard else slot.lane if slot is not None else None
        at = self.mapToGlobal(self.plot.topLeft()) if keyboard else event.globalPos()
        menu.build(self, lane).popup(at)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            # Over the lanes the values are told; the tooltip would lie upon them.
            slot = self.slot_at(event.y()) if event.x() < self.plot.left() else None
            text = f"{slot.lane.title}. {slot.lane.about}" if slot is not None and slot.lane.about else ""
            if slot is None and not self.plot.contains(event.pos()):
                text = self.toolTip()
            elif slot is not None:
                text = (
                    f"{text or slot.lane.title}\nDrag to reorder, drag the lower edge to resize; the eye hides it (H)."
                )
            QToolTip.showText(event.globalPos(), literal(text), self) if text else QToolTip.hideText()
            return True
        if isinstance(event, QNativeGestureEvent) and self._gestures.native(event):
            return True
        return super().event(event)
