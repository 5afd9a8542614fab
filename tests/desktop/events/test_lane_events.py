"""Events on their lane: states, picking, edges that are dragged."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from mien_desktop.document import Document
from mien_desktop.events.panel import EventsPanel
from mien_desktop.timeline.lanes import EventsLane
from mien_desktop.timeline.view import TimelineView

from .conftest import Settle, on_disk, shown


def test_the_lane_gets_events_and_their_states(panel: EventsPanel, settle: Settle) -> None:
    panel.change([panel.events[1]], {"state": "rejected"})
    panel.change([panel.events[3]], {"state": "accepted", "label": "insult", "note": "loud"})
    panel.add(31.5, 33.0)
    settle()
    track, states = panel.track()
    assert [(s, e) for s, e, *_ in track.rows()] == [(e.start, e.end) for e in panel.events]
    assert {track.start[row] for row in states} == {panel.events[1].start, 31.5, panel.events[4].start}
    row = next(row for row, state in states.items() if track.label[row] == "insult")
    assert (states[row], track.text[row]) == ("accepted", "loud")
    lane = EventsLane("events", "Events")
    lane.set_track(track)
    lane.set_states(states)
    assert [lane.state(row) for row in range(len(track))] == [e.state for e in panel.events]


def test_an_edge_dragged_on_the_lane_is_a_correction(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path
) -> None:
    view = TimelineView()
    qtbot.addWidget(view)
    view.resize(1000, 120)
    lane = view.add_lane(EventsLane("events", "Events", height=40))
    assert isinstance(lane, EventsLane)

    def show() -> None:
        track, states = panel.track()
        lane.set_track(track)
        lane.set_states(states)

    panel.events_changed.connect(show)
    view.event_moved.connect(lambda _, row, start, end: panel.set_extent(row, start, end))
    view.event_picked.connect(lambda _, row: panel.pick(row))
    view.set_duration(120.0)
    view.show()
    show()
    before = shown(panel)
    event = panel.events[2]
    y = view.plot.top() + 20
    start = QPoint(round(view.plot.left() + view.offset(event.end)), y)
    goal = QPoint(round(view.plot.left() + view.offset(58.0)), y)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view, goal - QPoint(20, 0))
    qtbot.mouseMove(view, goal)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=goal)
    settle()
    moved = panel.events[2]
    assert (moved.state, moved.start) == ("corrected", pytest.approx(event.start, abs=1e-3))
    assert moved.end == pytest.approx(58.0, abs=0.2)
    assert moved.predicted == event.predicted
    assert on_disk(place)[0]["end"] == moved.end
    assert lane.held is None
    assert lane.stretches.end[2] == moved.end
    assert panel.history.stack.undoText().startswith("Move edge of event at")
    panel.act("undo")
    settle()
    assert shown(panel) == before
    assert on_disk(place) == []
    assert lane.stretches.end[2] == event.end
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(view.plot.left() + view.offset(70.0)), y))
    current = panel.current()
    assert current is not None
    assert current.start < 70.0 < current.end


def test_an_edge_that_cannot_be_written_goes_back(panel: EventsPanel, document: Document, settle: Settle) -> None:
    told: list[None] = []
    panel.events_changed.connect(lambda: told.append(None))
    event = panel.events[0]
    panel.history.open("")  # not in the library yet
    settle()
    told.clear()
    panel.set_extent(0, event.start, event.end + 2)
    assert told  # the lane is told to show what is
    assert panel.problem.isVisible()
    panel.set_extent(99, 1.0, 2.0)
    panel.set_extent(0, 5.0, 5.0)
