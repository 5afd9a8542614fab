"""Two fingers on a trackpad: sideways they pan, up and down they go through the lanes, parting they zoom."""

from __future__ import annotations

import math

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QNativeGestureEvent, QPointingDevice, QWheelEvent
from PySide6.QtWidgets import QApplication

from mien_desktop.timeline.view import TimelineView

from .conftest import place


def shown(view: TimelineView) -> tuple[float, float]:
    """The stretch on show, s."""
    return view.time_at(view.plot.left()), view.time_at(view.plot.left() + view.plot.width())


def swipe(view: TimelineView, at: QPoint, pixels: QPoint, keys: Qt.KeyboardModifier) -> None:
    """What a trackpad sends while two fingers move by so many pixels."""
    event = QWheelEvent(
        QPointF(at),
        QPointF(view.mapToGlobal(at)),
        pixels,
        pixels * 8,
        Qt.MouseButton.NoButton,
        keys,
        Qt.ScrollPhase.ScrollUpdate,
        False,
    )
    QApplication.sendEvent(view, event)


def pinch(view: TimelineView, at: QPoint, by: float) -> None:
    """What a trackpad sends while two fingers part by that share of their distance."""
    local = QPointF(at)
    event = QNativeGestureEvent(
        Qt.NativeGestureType.ZoomNativeGesture,
        QPointingDevice.primaryPointingDevice(),
        2,
        local,
        local,
        QPointF(view.mapToGlobal(at)),
        by,
        QPointF(),
    )
    QApplication.sendEvent(view, event)


def test_sideways_pans(view: TimelineView) -> None:
    view.set_range(20.0, 40.0)
    at = place(view, 30.0, "vad")
    before = view.offset(30.0)
    swipe(view, at, QPoint(-50, 0), Qt.KeyboardModifier.NoModifier)
    start, end = shown(view)
    assert end - start == pytest.approx(20.0)
    assert view.offset(30.0) == pytest.approx(before - 50, abs=1.0), "what lies there follows the fingers"


def test_up_and_down_leaves_the_time_alone_and_zooms_with_ctrl(view: TimelineView) -> None:
    view.set_range(20.0, 40.0)
    at = place(view, 30.0, "vad")
    swipe(view, at, QPoint(0, -30), Qt.KeyboardModifier.NoModifier)
    assert shown(view) == pytest.approx((20.0, 40.0))
    swipe(view, at, QPoint(0, 30), Qt.KeyboardModifier.ControlModifier)
    start, end = shown(view)
    assert end - start < 20.0


@pytest.mark.parametrize("by", [0.4, -0.3])
def test_fingers_that_part_zoom_about_the_pointer(view: TimelineView, by: float) -> None:
    view.set_range(20.0, 40.0)
    at = place(view, 33.0, "vad")
    before = view.time_at(at.x())
    pinch(view, at, by)
    start, end = shown(view)
    assert end - start == pytest.approx(20.0 * math.exp(-by), rel=0.01)
    assert view.time_at(at.x()) == pytest.approx(before, abs=0.05)
