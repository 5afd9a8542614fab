"""A timeline of 100 s with lanes of several kinds, filled with tracks as the analyzers write them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mien.tracks import AROUSAL, DOMINANCE, HOSTILITY, VALENCE, Curve, Provenance, Quantity, Spans
from mien_desktop.timeline.lanes import CurvesLane, EventsLane, FusedLane, Lane, StripsLane
from mien_desktop.timeline.view import TimelineView

DURATION = 100.0
WEIGHTS = tuple(Quantity(name, "", 0.0, 1.0) for name in ("voice", "text", "face"))
EVENTS = ((20.0, 30.0), (50.0, 52.0), (70.0, 90.0))


def attributes() -> Curve:
    """Valence −0.42, arousal 0.62 and dominance 0.31 all along, but nothing from 40 to 60 s."""
    times = np.concatenate([np.arange(0.0, 40.0, 0.25), np.arange(60.0, DURATION, 0.25)])
    values = np.tile(np.array([-0.42, 0.62, 0.31], np.float32), (times.size, 1))
    made = Provenance("emotion", "1.2.0", {}, {}, "key")
    return Curve("emotion.attributes", times, values, (VALENCE, AROUSAL, DOMINANCE), None, made)


def score() -> Curve:
    """A ramp from 0 to 1."""
    times = np.arange(0.25, DURATION, 0.5)
    return Curve("fusion.score", times, (times / DURATION)[:, None].astype(np.float32), (HOSTILITY,))


def weights() -> Curve:
    """The voice alone in the first half, text and face alike in the second."""
    times = np.arange(0.25, DURATION, 0.5)
    early = times < 50
    values = np.stack([early, ~early / 2, ~early / 2], 1).astype(np.float32)
    return Curve("fusion.weights", times, values, WEIGHTS)


@pytest.fixture
def view(qtbot: QtBot) -> TimelineView:
    """Lanes `vad`, `fused`, `weights` and `events`, from the top down."""
    made = TimelineView()
    qtbot.addWidget(made)
    made.resize(1000, 420)
    vad = CurvesLane("vad", "Val · Aro · Dom", height=80, about="Of the voice")
    fused = FusedLane("fused", "Fused reading", height=100)
    strips = StripsLane("weights", "Modality weights", height=60)
    events = EventsLane("events", "Events", height=40)
    for lane in (vad, fused, strips, events):
        made.add_lane(lane)
    vad.set_track(attributes())
    fused.set_track(score())
    strips.set_track(weights())
    events.set_track(Spans.of("events", [(start, end, "hostility", "", 0.8) for start, end in EVENTS]))
    made.set_duration(DURATION)
    made.show()
    qtbot.waitExposed(made)
    return made


def middle(view: TimelineView, lane: Lane) -> int:
    """The height of a lane's middle in the widget."""
    slot = next(s for s in view.slots if s.lane is lane)
    return view.plot.top() + slot.top - view.scrolled + slot.height // 2


def place(view: TimelineView, time: float, lane: str | int) -> QPoint:
    """Where a time is in a lane; or at a height of the widget."""
    y = lane if isinstance(lane, int) else middle(view, view.lane(lane))
    return QPoint(round(view.plot.left() + view.offset(time)), y)


def drag(view: TimelineView, start: QPoint, end: QPoint, *, release: bool = True) -> None:
    """Press, move in steps, and let go, as a hand does."""
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for share in np.linspace(0.2, 1.0, 5):
        at = QPointF(start) + (QPointF(end) - QPointF(start)) * float(share)
        QTest.mouseMove(view, at.toPoint())
        QApplication.processEvents()
    if release:
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, end)


def colours(image: QImage, x: int, top: int, bottom: int) -> list[str]:
    """The pixels of a column between two heights, as `#rrggbb`."""
    return [image.pixelColor(x, y).name() for y in range(top, bottom)]


@pytest.fixture
def wheel(view: TimelineView) -> Callable[..., None]:
    """Turns the wheel over a point by notches."""
    from PySide6.QtGui import QWheelEvent

    def turn(at: QPoint, notches: float, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        event = QWheelEvent(
            QPointF(at),
            QPointF(view.mapToGlobal(at)),
            QPoint(),
            QPoint(0, round(120 * notches)),
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(view, event)

    return turn
