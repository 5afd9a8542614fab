"""The panel with a real library: every decision lies on the disk, undo and redo go to both ends and back."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from mien.engine.results import analysis_of
from mien.library import Library
from mien.tracks import HOSTILITY, Curve
from mien_desktop.document import Document
from mien_desktop.events.ledger import decisions
from mien_desktop.events.model import Event
from mien_desktop.events.panel import EventsPanel
from mien_desktop.events.sources import Source
from mien_desktop.events.table import LABEL, ORDER, TIME
from mien_desktop.look.palette import LIGHT
from mien_desktop.timeline.lanes import EventsLane
from mien_desktop.timeline.view import TimelineView
from mien_desktop.work.background import Background

Settle = Callable[[], None]


def on_disk(place: Path) -> list[dict]:
    """What a program that opens the library now would read: each decision, without ids and times."""
    with Library(place) as again:
        rows = again.corrections("clip-id")
    found = decisions(rows).values()
    return [{"key": d.key, **d.values, "author": d.author} for d in sorted(found, key=lambda d: d.key.start)]


def shown(panel: EventsPanel) -> list[tuple]:
    return [(e.start, e.end, e.state, e.label, e.note, e.added, e.author) for e in panel.events]


def keys(panel: EventsPanel, qtbot: QtBot, *pressed: Qt.Key) -> None:
    for one in pressed:
        qtbot.keyClick(panel.view, one)


def test_the_fused_score_gives_the_first_events(panel: EventsPanel) -> None:
    assert panel.source == Source("fusion.score", "hostility")
    assert [e.state for e in panel.events] == ["open"] * 6
    assert panel.threshold == 0.7
    assert panel.count.text() == "6 events · 6 open"


def test_keys_step_seek_and_choose(panel: EventsPanel, qtbot: QtBot) -> None:
    sought: list[float] = []
    chosen: list[Event] = []
    panel.seek_requested.connect(sought.append)
    panel.event_chosen.connect(chosen.append)
    keys(panel, qtbot, Qt.Key.Key_N, Qt.Key.Key_N, Qt.Key.Key_P)
    first, second = panel.events[:2]
    assert sought == [first.start, second.start, first.start]
    assert [e.key for e in chosen] == [first.key, second.key, first.key]
    with qtbot.waitSignal(panel.explain_requested) as asked:
        keys(panel, qtbot, Qt.Key.Key_E)
    assert asked.args[0].key == first.key
    assert "fused 0.72 (threshold 0.70)" in panel.strip.line.text()
    assert "conflict" in panel.strip.line.text()


def test_each_decision_is_on_the_disk_at_once(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path, library: Library
) -> None:
    keys(panel, qtbot, Qt.Key.Key_N, Qt.Key.Key_A)
    settle()
    (row,) = on_disk(place)
    assert (row["state"], row["author"]) == ("accepted", "Ada")
    keys(panel, qtbot, Qt.Key.Key_N, Qt.Key.Key_R)
    settle()
    assert [row["state"] for row in on_disk(place)] == ["accepted", "rejected"]
    assert [e.state for e in panel.events[:3]] == ["accepted", "rejected", "open"]
    # The prediction stays as it was, and the rows name the run that made it.
    run = library.find_run("clip-id", "fused-key")
    assert run is not None
    assert {c.run_id for c in library.corrections("clip-id")} == {run.id}
    assert isinstance(library.tracks("clip-id")["fusion.score"], Curve)


def test_correcting_keeps_the_prediction_beside(panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path) -> None:
    before = panel.events[2]
    panel.choose(before)
    keys(panel, qtbot, Qt.Key.Key_C)
    form = panel.strip.form
    assert panel.strip.currentWidget() is form
    form.end.setText("00:53.5")
    form.name.setText("interruption")
    form.score.setValue(0.4)
    qtbot.keyClick(form.name, Qt.Key.Key_Return)
    settle()
    event = panel.events[2]
    assert (event.state, event.end, event.label, event.score) == ("corrected", 53.5, "interruption", 0.4)
    assert event.start == before.start
    assert event.predicted == before.predicted
    (row,) = on_disk(place)
    assert row["label"] == "interruption"
    with Library(place) as again:
        (stored,) = again.corrections("clip-id")
    assert (stored.start, stored.end) == (before.start, before.end)
    assert stored.old["end"] == before.end
    assert stored.old["event"]["label"] == "hostility"


def test_the_form_says_what_is_wrong_and_changes_nothing(panel: EventsPanel, qtbot: QtBot, settle: Settle) -> None:
    panel.choose(panel.events[0])
    keys(panel, qtbot, Qt.Key.Key_C)
    form = panel.strip.form
    form.begin.setText("soon")
    form.save.click()
    assert "no time" in form.wrong.text()
    form.begin.setText("59:00")
    form.save.click()
    assert "end after" in form.wrong.text()
    qtbot.keyClick(form.begin, Qt.Key.Key_Escape)
    settle()
    assert panel.strip.currentIndex() == 0
    assert panel.events[0].state == "open"


def test_label_is_edited_in_its_cell(panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path) -> None:
    panel.choose(panel.events[1])
    keys(panel, qtbot, Qt.Key.Key_L)
    editor = panel.view.findChild(QLineEdit)
    assert editor is not None
    editor.setText("insult")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    settle()
    assert panel.events[1].label == "insult"
    assert on_disk(place)[0]["label"] == "insult"
    assert panel.rows.index(1, LABEL).data() == "insult"


def test_undo_and_redo_to_the_ends_and_back(panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path) -> None:
    states, stored = [shown(panel)], [on_disk(place)]

    def done() -> None:
        settle()
        states.append(shown(panel))
        stored.append(on_disk(place))

    keys(panel, qtbot, Qt.Key.Key_N, Qt.Key.Key_A)
    done()
    keys(panel, qtbot, Qt.Key.Key_R)
    done()
    panel.add(31.0, 33.0)
    done()
    panel.view.selectAll()
    panel.change(panel.chosen(), {"note": "second look"}, "Note")
    done()
    panel.choose(next(e for e in panel.events if e.added))
    keys(panel, qtbot, Qt.Key.Key_Delete)
    done()
    assert len({str(s) for s in states}) == len(states)
    for n in range(len(states) - 2, -1, -1):
        panel.act("undo")
        settle()
        assert shown(panel) == states[n]
        assert on_disk(place) == stored[n]
    assert stored[0] == []
    assert not panel.head.undo.isEnabled()
    for n in range(1, len(states)):
        panel.act("redo")
        settle()
        assert shown(panel) == states[n]
        assert on_disk(place) == stored[n]
    # All at once, without waiting for any of them.
    for _ in states:
        panel.act("undo")
    settle()
    assert (shown(panel), on_disk(place)) == (states[0], stored[0])
    for _ in states:
        panel.act("redo")
    settle()
    assert (shown(panel), on_disk(place)) == (states[-1], stored[-1])


def test_several_rows_are_one_step(panel: EventsPanel, qtbot: QtBot, settle: Settle) -> None:
    panel.view.selectAll()
    keys(panel, qtbot, Qt.Key.Key_A)
    settle()
    assert {e.state for e in panel.events} == {"accepted"}
    panel.act("undo")
    settle()
    assert {e.state for e in panel.events} == {"open"}
    assert len(panel.chosen()) == 6


def test_a_decision_survives_the_threshold(panel: EventsPanel, settle: Settle) -> None:
    panel.choose(panel.events[4])
    panel.act("accept")
    settle()
    panel.set_threshold(0.65)
    assert [e.state for e in panel.events][4] == "accepted"
    # So high that little of it is left: another event, still open; the decision comes back with its stretch.
    panel.set_threshold(0.87)
    assert {e.state for e in panel.events} == {"open"}
    panel.set_threshold(0.7)
    assert [e.state for e in panel.events][4] == "accepted"


def test_the_threshold_is_told_once(panel: EventsPanel, qtbot: QtBot) -> None:
    told: list[float] = []
    drawn: list[int] = []
    panel.threshold_changed.connect(told.append)
    panel.events_changed.connect(lambda: drawn.append(len(panel.events)))
    panel.set_threshold(0.85)
    panel.set_threshold(0.85)
    assert told == [0.85]
    assert drawn == [2]
    panel.head.level.setValue(0.75)
    assert told == [0.85, 0.75]
    assert panel.threshold == 0.75


def test_a_failed_write_is_one_sentence_and_leaves_all_as_it_was(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, library: Library, place: Path
) -> None:
    panel.choose(panel.events[0])
    panel.act("accept")
    settle()
    before, said = shown(panel), []
    panel.failed.connect(said.append)
    library.remove("clip-id")  # another program took the medium out: nothing can hang on it any more
    panel.choose(panel.events[1])
    panel.act("reject")
    settle()
    assert len(said) == 1
    assert "\n" not in said[0]
    assert panel.problem.isVisible()
    # What is shown is what is on the disk: its rows are gone as well.
    assert {e.state for e in panel.events} == {"open"} != {s[2] for s in before}
    assert on_disk(place) == []
    assert panel.history.stack.count() == 1


def test_failures_upon_each_other_clear_the_steps(
    panel: EventsPanel, settle: Settle, library: Library, place: Path
) -> None:
    library.remove("clip-id")
    for event in panel.events[:3]:
        panel.change([event], {"state": "accepted"})
    settle()
    assert {e.state for e in panel.events} == {"open"}
    assert not panel.history.stack.canUndo()


def test_decisions_are_there_when_the_medium_is_opened_again(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, document: Document
) -> None:
    panel.choose(panel.events[3])
    panel.act("reject")
    panel.add(31.0, 33.0)
    settle()
    before, tracks, media = shown(panel), dict(document.readings.parts), document.media
    document.open(document.path)
    assert panel.events == ()
    assert media is not None
    document.describe(media, "clip-id")
    document.load({name: parts[0] for name, parts in tracks.items()})
    qtbot.waitUntil(lambda: shown(panel) == before, timeout=20_000)
    assert not panel.history.stack.canUndo()


def test_another_source_has_other_events(panel: EventsPanel, qtbot: QtBot) -> None:
    choice = panel.head.choice
    choice.setCurrentText("conflict")
    choice.activated.emit(choice.currentIndex())
    qtbot.waitUntil(lambda: {e.source.track for e in panel.events} == {"conflict.intensity"}, timeout=20_000)
    assert panel.threshold == pytest.approx(0.4)
    choice.setCurrentText("face angry")
    choice.activated.emit(choice.currentIndex())
    qtbot.waitUntil(lambda: [e.person for e in panel.events] == [1], timeout=20_000)


def test_events_come_while_the_analysis_runs(panel: EventsPanel, qtbot: QtBot, document: Document) -> None:
    whole = document.readings.get("fusion.score")
    assert isinstance(whole, Curve)
    document.readings.parts["fusion.score"] = [whole.slice(0.0, 46.0)]
    document.replaced.emit("fusion.score")
    qtbot.waitUntil(lambda: len(panel.events) == 2, timeout=20_000)
    document.readings.add(whole.slice(46.0, 120.0))
    document.grew.emit(whole.slice(46.0, 120.0))
    qtbot.waitUntil(lambda: len(panel.events) == 6, timeout=20_000)


def test_rows_are_sorted_and_filtered(panel: EventsPanel, qtbot: QtBot, settle: Settle) -> None:
    panel.change(panel.events[:2], {"label": "insult"})
    panel.change([panel.events[0]], {"state": "accepted"})
    settle()
    panel.head.words.setText("insu")
    assert panel.rows.rowCount() == 2
    panel.head.state.setCurrentText("Accepted")
    assert panel.rows.rowCount() == 1
    assert "1 shown" in panel.count.text()
    panel.head.words.clear()
    panel.head.state.setCurrentText("All")
    panel.view.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    scores = [float(panel.rows.index(row, 4).data()) for row in range(6)]
    assert scores == sorted(scores, reverse=True)


def test_a_threshold_that_makes_a_thousand_events_does_not_hold_the_window_up(
    panel: EventsPanel, qtbot: QtBot, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = np.arange(0.125, 7200.0, 0.25)
    wave = (0.5 + 0.45 * np.sin(times * 2 * np.pi / 4.5)).astype(np.float32)
    document.load({"fusion.score": Curve("fusion.score", times, wave[:, None], (HOSTILITY,))})
    panel.set_threshold(1.0)
    qtbot.waitUntil(lambda: panel.ready and panel.model.prepared is not None and panel.model.prepared.duration > 7000)
    compared: list[int] = []
    data = panel.table.data

    def counted(index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        compared.append(role)
        return data(index, role)

    monkeypatch.setattr(type(panel.table), "data", lambda _, *args: counted(*args))
    began = time.thread_time()
    panel.set_threshold(0.7)
    took = time.thread_time() - began
    assert len(panel.events) == panel.rows.rowCount() == 1600
    assert compared.count(ORDER) < 10  # they are in order of time already
    assert took < 0.35  # 0.07 on a quiet core; sorted in the table it was five times as much
    starts = [event.start for event in panel.view.events()]
    assert starts == sorted(starts)
    panel.view.sortByColumn(TIME, Qt.SortOrder.DescendingOrder)
    assert [event.start for event in panel.view.events()] == starts[::-1]
    panel.view.sortByColumn(TIME, Qt.SortOrder.AscendingOrder)
    assert [event.start for event in panel.view.events()] == starts


def test_an_empty_table_says_why(panel: EventsPanel) -> None:
    panel.head.words.setText("nowhere")
    assert "another filter" in panel.view._said
    panel.head.words.clear()
    panel.set_threshold(1.0)
    assert panel.events == ()
    assert panel.view._said.startswith("Fused does not reach 1.00 for 0.5 s anywhere")
    assert panel.strip.line.text() == "No event yet"
    panel.set_threshold(0.7)
    assert panel.strip.line.text() == "No event chosen"


def test_what_was_found_is_not_deleted(panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path) -> None:
    panel.choose(panel.events[0])
    keys(panel, qtbot, Qt.Key.Key_Delete)
    settle()
    assert len(panel.events) == 6
    assert "reject it instead" in panel.problem.text()
    assert on_disk(place) == []


def test_the_selected_stretch_can_be_added(panel: EventsPanel, settle: Settle) -> None:
    assert not panel.head.add.isEnabled()
    panel.set_selection(31.0, 34.0)
    panel.head.add.click()
    settle()
    (added,) = [e for e in panel.events if e.added]
    assert (added.start, added.end, added.state) == (31.0, 34.0, "accepted")
    panel.head.add.click()
    assert "already" in panel.problem.text()
    panel.set_selection(0.0, 0.0)
    assert not panel.head.add.isEnabled()


def test_every_control_says_what_it_is(panel: EventsPanel) -> None:
    panel.wear(LIGHT)
    for widget in panel.findChildren(QWidget):
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget.isVisible() and widget.objectName()[:3] != "qt_":
            assert widget.accessibleName() or widget.toolTip(), widget


def test_a_click_seeks(panel: EventsPanel, qtbot: QtBot) -> None:
    box = panel.view.visualRect(panel.rows.index(2, 1))
    with qtbot.waitSignal(panel.seek_requested) as sought:
        qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=box.center() + QPoint(0, 0))
    assert sought.args == [panel.events[2].start]


def test_next_and_previous_are_about_the_playhead(panel: EventsPanel, settle: Settle) -> None:
    sought: list[float] = []
    panel.seek_requested.connect(sought.append)
    starts = [e.start for e in panel.events]
    panel.go(1, 0.0)
    panel.go(1, sought[-1] - 0.03)  # the picture at an event's start begins a little before it
    panel.go(-1, 55.0)
    panel.go(-1, starts[0] + 0.05)
    panel.go(1, 119.9)
    assert sought == [starts[0], starts[1], starts[2]]
    current = panel.current()
    assert current is not None
    assert current.key == panel.events[2].key
    panel.change([panel.events[1]], {"state": "rejected"})
    settle()
    panel.head.state.setCurrentText("Open")
    panel.go(1, starts[0])
    assert sought[-1] == starts[2]  # what the filter hides is passed over
    panel.view.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    panel.go(1, 0.0)
    assert sought[-1] == starts[0]  # time decides, however the table is sorted


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


def test_decisions_outlive_the_program(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path, document: Document
) -> None:
    panel.choose(panel.events[1])
    panel.act("accept")
    panel.act("reject")
    panel.act("undo")
    panel.set_extent(3, panel.events[3].start, panel.events[3].end + 1.0)
    panel.change([panel.events[4]], {"note": "ask Bo"})
    settle()
    before = shown(panel)
    again = Background()
    with Library(place) as library:
        other = EventsPanel(LIGHT, again, lambda: library, "Bo")
        qtbot.addWidget(other)
        other.bind(document)
        qtbot.waitUntil(lambda: shown(other) == before, timeout=20_000)
        assert not other.history.stack.canUndo()
        other.change([other.events[1]], {"state": "rejected"})
        qtbot.waitUntil(lambda: other.events[1].author == "Bo", timeout=20_000)
        assert [e.author for e in other.events if e.author] == ["Bo", "Ada", "Ada"]
        again.close()
    with Library(place) as library:
        said = analysis_of(library, "clip-id").corrections
    assert [(c.author, c.field, c.analyzer) for c in said if c.start < 40] == [
        ("Ada", "state", "fusion.late 1.0.0"),
        ("Bo", "state", "fusion.late 1.0.0"),
    ]
