"""Mouse, wheel and trackpad: what a press begins, a move goes on with and a release ends."""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from mien_desktop.timeline import titles
from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.lanes.events import EventsLane
from mien_desktop.timeline.lanes.thresholds import Threshold
from mien_desktop.timeline.order import Slot

if TYPE_CHECKING:
    from mien_desktop.timeline.view import TimelineView

NEAR = 4
"""Logical pixels from a line or an edge that still count as upon it."""
SHORTEST = 0.05
"""s that an event keeps while its edge is dragged."""
NOTCH = 1.3
"""How much closer one notch of the wheel brings."""


class Doing(Enum):
    """What the pressed mouse is about."""

    NOTHING = auto()
    PRESSED = auto()  # on the lanes: a click or the beginning of a selection
    SELECTING = auto()
    SCRUBBING = auto()
    PANNING = auto()
    THRESHOLD = auto()
    EDGE = auto()  # of an event
    TITLE = auto()  # on a title: a click or the beginning of moving the lane
    MOVING = auto()
    RESIZING = auto()


class Gestures:
    """Turns events of the mouse into what the view can do."""

    def __init__(self, view: TimelineView) -> None:
        self._view = view
        self._doing = Doing.NOTHING
        self._from = QPointF()
        self._anchor = 0.0  # s; where the selection holds on
        self._lane: Lane | None = None
        self._height = 0
        self._channel = ""  # whose threshold it is
        self._edge = (0, 0)  # row of the event, and which of its edges
        self._moved = False
        self._grip = 0.0  # s from the pointer to the edge when it was taken

    @property
    def doing(self) -> Doing:
        """What the pressed mouse is about."""
        return self._doing

    def cancel(self) -> None:
        """Forget what was begun."""
        if self._doing is Doing.EDGE and isinstance(self._lane, EventsLane):
            self._lane.let_go()
        self._doing, self._lane = Doing.NOTHING, None
        self._view.set_drop(None)

    # ---------------------------------------------------------------- press, move, release

    def press(self, event: QMouseEvent) -> None:
        """A button goes down."""
        view, at = self._view, event.position()
        self._from = at
        if view.range is None:
            return
        if event.button() == Qt.MouseButton.MiddleButton and view.plot.contains(at.toPoint()):
            self._doing = Doing.PANNING
            view.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif event.button() != Qt.MouseButton.LeftButton:
            return
        elif view.ruler.contains(at.toPoint()):
            self._doing = Doing.SCRUBBING
            view.seek(view.time_at(at.x()))
        elif at.x() < view.plot.left():
            self._press_title(at)
        else:
            self._press_plot(at)

    def _press_title(self, at: QPointF) -> None:
        view = self._view
        edge = self._edge_at(at)
        if edge is not None:
            self._doing, self._lane, self._height = Doing.RESIZING, edge.lane, edge.lane.height
            return
        slot = view.slot_at(at.y())
        if slot is None:
            return
        view.choose(slot.lane)
        if titles.eye_rect(self._row(slot)).adjusted(-3, -3, 3, 3).contains(at):
            slot.lane.visible = False
            return
        self._doing, self._lane = Doing.TITLE, slot.lane

    def _press_plot(self, at: QPointF) -> None:
        view = self._view
        slot = view.slot_at(at.y())
        if slot is not None:
            view.choose(slot.lane)
        line = self._threshold_at(at)
        if line is not None and slot is not None:
            self._doing, self._lane, self._channel = Doing.THRESHOLD, slot.lane, line.channel
            return
        taken = self._event_edge(at)
        if taken is not None:
            lane, row, which = taken
            self._doing, self._lane, self._edge, self._moved = Doing.EDGE, lane, (row, which), False
            self._grip = (lane.stretches.start, lane.stretches.end)[which][row] - view.time_at(at.x())
            return
        edge = self._selection_edge(at)
        if edge is not None and view.selection is not None:
            self._doing = Doing.SELECTING
            self._anchor = view.selection[1 - edge]
            return
        self._doing, self._anchor = Doing.PRESSED, view.time_at(at.x())

    def move(self, event: QMouseEvent) -> None:
        """The pointer moves, pressed or not."""
        view, at = self._view, event.position()
        if view.range is None:
            return
        far = (at - self._from).manhattanLength() >= QApplication.startDragDistance()
        if self._doing is Doing.NOTHING:
            self._hover(at)
        elif self._doing is Doing.SCRUBBING:
            view.seek(view.time_at(at.x()))
        elif self._doing is Doing.PANNING:
            view.pan_columns(self._from.x() - at.x())
            self._from = at
        elif self._doing is Doing.THRESHOLD and self._lane is not None:
            self._drag_threshold(self._lane, at)
        elif self._doing is Doing.EDGE and isinstance(self._lane, EventsLane):
            self._drag_event(self._lane, at)
        elif self._doing is Doing.RESIZING and self._lane is not None:
            self._lane.height = round(self._height + at.y() - self._from.y())
        elif self._doing is Doing.TITLE and far:
            self._doing = Doing.MOVING
            view.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._doing is Doing.PRESSED and abs(at.x() - self._from.x()) >= QApplication.startDragDistance():
            self._doing = Doing.SELECTING
        if self._doing is Doing.SELECTING:
            self._select(at)
        elif self._doing is Doing.MOVING:
            view.set_drop(self._target(at)[0])

    def release(self, event: QMouseEvent) -> None:
        """The button goes up."""
        view, at = self._view, event.position()
        doing, lane = self._doing, self._lane
        if doing is Doing.EDGE:
            self._doing = Doing.NOTHING  # so that what is held stays in sight until the correction has been written
        self.cancel()
        if doing is Doing.PRESSED:
            view.seek(view.time_at(at.x()))
            self._tell_event(at)
        elif doing is Doing.EDGE and isinstance(lane, EventsLane):
            self._let_event_go(lane)
        elif doing is Doing.MOVING and lane is not None:
            view.move_lane(lane, self._target(at)[1])
        view.unsetCursor()
        if view.range is not None:
            self._hover(at)

    def double_click(self, event: QMouseEvent) -> None:
        """Select the word, turn or event that was hit; on a title: show the lane at twice its height or back."""
        view, at = self._view, event.position()
        slot = view.slot_at(at.y())
        if slot is None or event.button() != Qt.MouseButton.LeftButton or at.y() < view.plot.top():
            return
        if at.x() >= view.plot.left():
            stretch = slot.lane.stretch_at(view.time_at(at.x()))
            if stretch is not None:
                self._doing = Doing.NOTHING
                view.select(*stretch)

    # ---------------------------------------------------------------- wheel and trackpad

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom about the pointer; pan with Shift, a wheel that goes sideways, or a trackpad."""
        view, at = self._view, event.position()
        if view.range is None:
            return
        pixels, angle = event.pixelDelta(), event.angleDelta()
        zooming = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        sideways = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        trackpad = event.phase() != Qt.ScrollPhase.NoScrollPhase or (not pixels.isNull() and pixels.x() != 0)
        step = pixels if not pixels.isNull() else QPoint(angle.x() * 80 // 120, angle.y() * 80 // 120)
        if at.x() < view.plot.left() and not zooming:
            view.scroll_by(-step.y())
        elif zooming or (not trackpad and not sideways and abs(angle.y()) > abs(angle.x())):
            amount = angle.y() / 120 if angle.y() else step.y() / 80
            view.zoom(NOTCH**-amount, view.time_at(at.x()))
        elif sideways and not step.x():
            view.pan_columns(-step.y())
        else:
            if step.x():
                view.pan_columns(-step.x())
            if trackpad and step.y():
                view.scroll_by(-step.y())
        event.accept()
        self._hover(at)

    def native(self, event: QNativeGestureEvent) -> bool:
        """Two fingers on a trackpad that part or meet zoom; True if that was it."""
        view = self._view
        if view.range is None or event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        view.zoom(math.exp(-event.value()), view.time_at(event.position().x()))
        return True

    # ---------------------------------------------------------------- what lies where

    def _hover(self, at: QPointF) -> None:
        view = self._view
        if at.x() < view.plot.left() and at.y() >= view.plot.top():
            slot = view.slot_at(at.y())
            view.hover(None, None if slot is None else slot.lane)
            shape = Qt.CursorShape.SizeVerCursor if self._edge_at(at) is not None else Qt.CursorShape.ArrowCursor
        elif view.plot.contains(at.toPoint()):
            view.hover(at, None)
            upon = self._threshold_at(at) is not None
            edge = self._event_edge(at) is not None or self._selection_edge(at) is not None
            shape = (
                Qt.CursorShape.SizeVerCursor
                if upon
                else Qt.CursorShape.SizeHorCursor
                if edge
                else Qt.CursorShape.ArrowCursor
            )
        else:
            view.hover(None, None)
            shape = Qt.CursorShape.ArrowCursor
        if view.cursor().shape() != shape:
            view.setCursor(shape)

    def _row(self, slot: Slot) -> QRectF:
        view = self._view
        return QRectF(0, view.plot.top() + slot.top - view.scrolled, view.plot.left() - 1, slot.height)

    def _edge_at(self, at: QPointF) -> Slot | None:
        """The lane whose lower edge is under the pointer."""
        view = self._view
        if at.y() < view.plot.top():
            return None
        y = at.y() - view.plot.top() + view.scrolled
        return next((slot for slot in view.slots if abs(y - slot.bottom) <= NEAR), None)

    def _threshold_at(self, at: QPointF) -> Threshold | None:
        """The threshold under the pointer; where several lie there, the nearest, and of those at one place the first."""
        slot = self._view.slot_at(at.y())
        if slot is None:
            return None
        y = at.y() - self._row(slot).top()
        off = {line: abs(y - line.share() * slot.height) for line in slot.lane.thresholds(slot.height)}
        nearest = min(off, key=lambda line: off[line], default=None)
        return nearest if nearest is not None and off[nearest] <= NEAR else None

    def _selection_edge(self, at: QPointF) -> int | None:
        """0 or 1: the edge of the selection under the pointer."""
        view = self._view
        if view.selection is None:
            return None
        off = [abs(view.plot.left() + view.offset(t) - at.x()) for t in view.selection]
        edge = off.index(min(off))
        return edge if off[edge] <= NEAR else None

    def _drag_threshold(self, lane: Lane, at: QPointF) -> None:
        view = self._view
        slot = next((s for s in view.slots if s.lane is lane), None)
        lines = lane.thresholds(slot.height) if slot is not None else ()
        line = next((one for one in lines if one.channel == self._channel), None)
        if slot is not None and line is not None:
            share = (at.y() - self._row(slot).top()) / slot.height
            view.set_threshold(lane, round(line.at(share), 2), line.channel)

    def _event_edge(self, at: QPointF) -> tuple[EventsLane, int, int] | None:
        """Lane, row and edge (0 start, 1 end) of the event whose edge is under the pointer."""
        view = self._view
        slot = view.slot_at(at.y())
        if slot is None or not isinstance(slot.lane, EventsLane) or view.window_shown is None:
            return None
        reach = NEAR * view.devicePixelRatioF() * view.window_shown.step
        found = slot.lane.edge_near(view.time_at(at.x()), reach)
        return None if found is None else (slot.lane, *found)

    def _event_extent(self, lane: EventsLane, at: QPointF) -> tuple[float, float]:
        """Where the event whose edge is dragged begins and ends now; its edge keeps to the playhead when near it."""
        view, (row, which) = self._view, self._edge
        start, end = float(lane.stretches.start[row]), float(lane.stretches.end[row])
        here = view.time_at(min(max(at.x(), view.plot.left()), view.plot.right() + 1)) + self._grip
        if view.range is not None:
            here = min(max(here, 0.0), view.range.duration)
        if abs(view.offset(here) - view.offset(view.playhead)) <= NEAR:
            here = view.playhead
        if which:
            return start, max(here, start + SHORTEST)
        return min(here, end - SHORTEST), end

    def _drag_event(self, lane: EventsLane, at: QPointF) -> None:
        row = self._edge[0]
        if row >= len(lane.stretches) or (lane.held is None and self._moved):
            self.cancel()  # other events came while this one was dragged
        elif self._moved or abs(at.x() - self._from.x()) >= 2:
            self._moved = True
            lane.hold(row, *self._event_extent(lane, at))

    def _let_event_go(self, lane: EventsLane) -> None:
        """The edge was let go: ask for the correction, or seek where it was no more than a click."""
        view = self._view
        if lane.held is None:
            view.seek(view.time_at(self._from.x()))
            self._tell_event(self._from)
            return
        row, start, end = lane.held
        if (start, end) == (float(lane.stretches.start[row]), float(lane.stretches.end[row])):
            lane.let_go()
        else:
            view.event_moved.emit(lane.id, row, start, end)

    def _tell_event(self, at: QPointF) -> None:
        """An event that was clicked is the chosen one."""
        view = self._view
        slot = view.slot_at(at.y())
        if slot is not None and isinstance(slot.lane, EventsLane):
            rows = slot.lane.stretches.at(view.time_at(at.x()))
            if rows.size:
                view.event_picked.emit(slot.lane.id, int(rows[-1]))

    def _select(self, at: QPointF) -> None:
        view = self._view
        here = view.time_at(min(max(at.x(), view.plot.left()), view.plot.right() + 1))
        view.select(min(self._anchor, here), max(self._anchor, here))

    def _target(self, at: QPointF) -> tuple[int, Lane | None]:
        """Where a lane that is let go here goes: the height of the line drawn there, and the lane that comes next."""
        view = self._view
        y = at.y() - view.plot.top() + view.scrolled
        for slot in view.slots:
            if y < slot.top + slot.height / 2:
                return slot.top, slot.lane
        return (view.slots[-1].bottom if view.slots else 0), None
