"""What hands do on the timelines of the real window: loop, move a threshold and an edge, go from event to event, explain."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mien.library.library import Library
from mien_desktop.events.panel import EventsPanel
from mien_desktop.shell.window import MainWindow
from mien_desktop.timeline.lanes import FusedLane
from mien_desktop.timeline.view import TimelineView

from .conftest import PATIENCE

LEFT, CONTROL, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def spot(view: TimelineView, time: float, lane: str, share: float = 0.5) -> QPoint:
    """Where a time is in a lane, at a share of its height from the top."""
    slot = next(s for s in view.slots if s.lane.id == lane)
    y = view.plot.top() + slot.top - view.scrolled + share * slot.height
    return QPoint(round(view.plot.left() + view.offset(time)), round(y))


def drag(view: TimelineView, start: QPoint, end: QPoint) -> None:
    """Press, move in steps, and let go."""
    QTest.mousePress(view, LEFT, Qt.KeyboardModifier.NoModifier, start)
    for share in np.linspace(0.2, 1.0, 5):
        QTest.mouseMove(view, (QPointF(start) + (QPointF(end) - QPointF(start)) * float(share)).toPoint())
        QApplication.processEvents()
    QTest.mouseRelease(view, LEFT, Qt.KeyboardModifier.NoModifier, end)


@pytest.fixture
def tall(opened: MainWindow, qtbot: QtBot) -> MainWindow:
    """The window with the clip open, high enough for all lanes."""
    opened.resize(1600, 1400)
    events = opened.workspace.events
    qtbot.waitUntil(lambda: events.ready and opened.workspace.timeline.range is not None, timeout=PATIENCE)
    return opened


def settled(events: EventsPanel) -> bool:
    return events.ready and not events.history._waiting


def test_what_is_selected_on_the_lanes_is_looped(tall: MainWindow, qtbot: QtBot) -> None:
    view, player, transport = tall.workspace.timeline, tall.workspace.player, tall.workspace.transport
    drag(view, spot(view, 3.0, "conflict"), spot(view, 3.6, "conflict"))
    assert tall.workspace.selection == pytest.approx((3.0, 3.6), abs=0.05)
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_L, SHIFT)
    assert transport.loop.isChecked()
    assert player.loop == tall.workspace.selection
    transport.speed.choices.actions()[-1].trigger()
    assert player.rate == 4.0
    moves: list[float] = []
    player.moved.connect(moves.append)
    player.play()
    qtbot.waitUntil(lambda: sum(b < a - 0.2 for a, b in itertools.pairwise(moves)) >= 2, timeout=PATIENCE)
    assert all(2.9 < at < 3.7 for at in moves)
    drag(view, spot(view, 8.0, "conflict"), spot(view, 8.5, "conflict"))  # while it plays, another one
    qtbot.waitUntil(lambda: 7.9 < player.position < 8.6, timeout=PATIENCE)
    QTest.keyClick(view, Qt.Key.Key_L, SHIFT)
    assert player.loop is None
    qtbot.waitUntil(lambda: player.position > 9.0, timeout=PATIENCE)
    player.pause()


def in_picture(window: MainWindow) -> float | None:
    """The threshold that is marked over the picture."""
    shown = window.workspace.canvas.overlay
    assert shown is not None
    (fused,) = (level for level in shown.levels if level.title == "fused")
    return fused.threshold


def test_the_threshold_and_an_edge_are_dragged_and_taken_back(tall: MainWindow, place: Path, qtbot: QtBot) -> None:
    space = tall.workspace
    view, events, lane = space.timeline, space.events, space.lanes.fused
    assert isinstance(lane, FusedLane)

    def line(threshold: float) -> QPoint:
        height = next(s for s in view.slots if s.lane is lane).height
        return spot(view, 10.0, "fused", lane.share_of(threshold, height))

    assert events.events == ()
    before = events.threshold
    drag(view, line(before), line(0.4))
    qtbot.waitUntil(lambda: settled(events) and len(events.events) > 0, timeout=PATIENCE)
    assert events.threshold == lane.threshold == pytest.approx(0.4, abs=0.03)
    assert in_picture(tall) == events.threshold
    assert len(space.lanes.events.stretches.start) == len(events.events)
    assert space.tabs.tabText(1) == f"Events {len(events.events)}"
    event = events.events[0]
    end = event.end - 0.3 * event.length
    drag(view, spot(view, event.end, "events"), spot(view, end, "events"))
    qtbot.waitUntil(lambda: settled(events) and any(e.state == "corrected" for e in events.events), timeout=PATIENCE)
    moved = next(e for e in events.events if e.state == "corrected")
    assert (moved.start, moved.end) == (pytest.approx(event.start, abs=1e-3), pytest.approx(end, abs=0.1))
    assert moved.predicted == event.predicted
    with Library(place) as library:
        (medium,) = library.media()
        assert [row.new["end"] for row in library.corrections(medium)] == [moved.end]  # on the disk, at once
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Z, CONTROL)
    qtbot.waitUntil(
        lambda: settled(events) and not any(e.state == "corrected" for e in events.events), timeout=PATIENCE
    )
    assert next(e for e in events.events if e.key == event.key).end == event.end
    QTest.keyClick(view, Qt.Key.Key_Z, CONTROL)
    assert (events.threshold, lane.threshold, events.events) == (before, before, ())
    assert in_picture(tall) == before
    QTest.keyClick(view, Qt.Key.Key_Y, CONTROL)
    QTest.keyClick(view, Qt.Key.Key_Y, CONTROL)
    qtbot.waitUntil(lambda: settled(events) and any(e.state == "corrected" for e in events.events), timeout=PATIENCE)
    with Library(place) as library:
        assert len(library.corrections(medium)) == 1


def test_the_playhead_goes_from_event_to_event(tall: MainWindow, qtbot: QtBot) -> None:
    space = tall.workspace
    events, player = space.events, space.player
    for start in (2.0, 5.0, 9.0):
        events.add(start, start + 1.0)
    qtbot.waitUntil(lambda: settled(events) and len(events.events) == 3, timeout=PATIENCE)
    space.timeline.setFocus()
    player.seek(3.0)
    for key, at in ((Qt.Key.Key_Right, 5.0), (Qt.Key.Key_Right, 9.0), (Qt.Key.Key_Left, 5.0), (Qt.Key.Key_Left, 2.0)):
        QTest.keyClick(space.timeline, key, CONTROL)
        assert player.position == at
        current = events.current()
        assert current is not None
        assert current.start == at
    qtbot.mouseClick(space.transport.event_on, LEFT)
    assert player.position == 5.0
    qtbot.waitUntil(
        lambda: space.canvas.frame is not None and abs(space.canvas.frame.time - 5.0) < 0.05, timeout=PATIENCE
    )


def test_which_seconds_made_a_reading_is_computed_in_the_worker(tall: MainWindow, qtbot: QtBot) -> None:
    space = tall.workspace
    panel, conductor = space.explain, tall.conductor
    space.player.seek(11.0)
    space.timeline.setFocus()
    QTest.keyClick(space.timeline, Qt.Key.Key_I, CONTROL)
    assert space.tabs.currentWidget() is panel
    for button, (plugin, of) in zip(
        panel.asking_seconds.buttons, (("emotion", "arousal"), ("conflict", "conflict")), strict=True
    ):
        heard: list[float] = []
        conductor.explaining.connect(heard.append)
        with qtbot.waitSignal(conductor.explained, timeout=PATIENCE) as told:
            button.click()
            assert panel.asking_seconds.computing
        asked, found = told.args
        assert (asked, found.of) == (plugin, of)
        assert conductor.analyst.pid is not None  # not in this process
        assert len(panel.seconds.parts) == len(found.parts) > 3
        assert np.isfinite(found.parts.score).all()
        assert np.abs(found.parts.score).max() > 0
        assert f"R² {found.fit:.2f}" in panel.asking_seconds.text
        assert heard == sorted(heard)
        conductor.explaining.disconnect(heard.append)
        with qtbot.waitSignal(panel.seek_requested) as sought:
            qtbot.mouseClick(panel.seconds, LEFT, pos=panel.seconds.bar(1).center().toPoint())
        assert space.player.position == sought.args[0] == pytest.approx(float(found.parts.start[1]))
