"""What a person types or goes through is not disturbed by what arrives meanwhile."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from mien.tracks import Curve
from mien_desktop.document import Document
from mien_desktop.events.panel import EventsPanel

from .conftest import Settle, keys, on_disk


def typing(panel: EventsPanel, qtbot: QtBot, text: str) -> QLineEdit:
    """The note of the chosen event, half typed."""
    keys(panel, qtbot, Qt.Key.Key_M)
    editor = panel.view.findChild(QLineEdit)
    assert editor is not None
    qtbot.keyClicks(editor, text)
    return editor


def test_a_note_is_typed_on_while_the_last_decision_is_written(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path
) -> None:
    panel.choose(panel.events[0])
    keys(panel, qtbot, Qt.Key.Key_A)
    editor = typing(panel, qtbot, "both sh")
    settle()  # the acceptance is on the disk now, and the table shows it
    assert panel.events[0].state == "accepted"
    assert editor.text() == "both sh"
    qtbot.keyClicks(editor, "out")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    settle()
    assert [(row["state"], row["note"]) for row in on_disk(place)] == [("accepted", "both shout")]


def test_a_note_is_typed_on_while_readings_arrive(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, document: Document, place: Path
) -> None:
    whole = document.readings.get("fusion.score")
    assert isinstance(whole, Curve)
    document.readings.parts["fusion.score"] = [whole.slice(0.0, 46.0)]
    document.replaced.emit("fusion.score")
    qtbot.waitUntil(lambda: panel.ready and len(panel.events) == 2, timeout=20_000)
    panel.choose(panel.events[1])
    editor = typing(panel, qtbot, "he left")
    document.readings.add(whole.slice(46.0, 120.0))
    document.grew.emit(whole.slice(46.0, 120.0))
    qtbot.waitUntil(lambda: len(panel.events) == 6, timeout=20_000)
    assert editor.text() == "he left"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    settle()
    assert panel.events[1].note == "he left"
    assert panel.rows.rowCount() == 6  # what waited for the end of typing is shown now
    assert [row["note"] for row in on_disk(place)] == ["he left"]


def test_what_was_typed_belongs_to_the_medium_it_was_typed_at(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, document: Document, place: Path, tmp_path: Path
) -> None:
    panel.choose(panel.events[0])
    typing(panel, qtbot, "first")
    document.open(tmp_path / "other.mp4")
    settle()
    assert panel.rows.rowCount() == 0
    assert [row["note"] for row in on_disk(place)] == ["first"]


def test_next_leaves_none_out_where_decided_ones_are_hidden(panel: EventsPanel, qtbot: QtBot, settle: Settle) -> None:
    panel.head.state.setCurrentText("Open")
    sought: list[float] = []
    panel.seek_requested.connect(sought.append)
    events = panel.events
    for _ in range(3):
        keys(panel, qtbot, Qt.Key.Key_N, Qt.Key.Key_A)
        settle()
    assert [event.state for event in panel.events] == ["accepted"] * 3 + ["open"] * 3
    assert sought == [event.start for event in events[:3]]
    keys(panel, qtbot, Qt.Key.Key_N)
    assert sought[3:] == [events[3].start]


def test_a_filter_moves_no_playhead(panel: EventsPanel, qtbot: QtBot, settle: Settle) -> None:
    panel.change([panel.events[4]], {"note": "shouting"})
    settle()
    panel.choose(panel.events[1])
    sought: list[float] = []
    panel.seek_requested.connect(sought.append)
    qtbot.keyClicks(panel.head.words, "shou")
    assert panel.rows.rowCount() == 1
    assert sought == []
    assert panel.chosen() == []
    assert "No event chosen" in panel.strip.line.text()
    panel.head.words.clear()
    assert sought == []
