"""Decisions with a real library: every one lies on the disk, undo and redo go to both ends and back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from mien.engine.results import analysis_of
from mien.library import Library
from mien.tracks import Curve, Provenance, Quantity
from mien_desktop.document import Document
from mien_desktop.events.panel import EventsPanel
from mien_desktop.events.table import LABEL
from mien_desktop.look.palette import LIGHT
from mien_desktop.transcript.script import stamp
from mien_desktop.work.background import Background

from .conftest import Settle, keys, on_disk, shown


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


def typing(panel: EventsPanel, qtbot: QtBot, row: int, end: str, name: str = "interruption") -> None:
    """Open the form on an event and type into it, without saving."""
    panel.choose(panel.events[row])
    keys(panel, qtbot, Qt.Key.Key_C)
    assert panel.strip.currentWidget() is panel.strip.form
    panel.strip.form.end.setText(end)
    panel.strip.form.name.setText(name)


@pytest.mark.parametrize("how", ["another event", "another source", "threshold", "several", "the end"])
def test_what_is_typed_into_the_form_is_saved_when_it_is_left(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path, how: str
) -> None:
    before = panel.events[2]
    typing(panel, qtbot, 2, "00:53.5")
    if how == "another event":
        panel.view.go_to(4)
    elif how == "another source":
        panel.head.choice.setCurrentText("conflict")
        panel.head.choice.activated.emit(panel.head.choice.currentIndex())
    elif how == "threshold":
        panel.head.level.setValue(0.99)
    elif how == "several":
        panel.view.selectAll()
        panel.view.go_to(0)
    else:
        panel.settle()
    assert panel.strip.currentIndex() == 0
    settle()
    (row,) = on_disk(place)
    assert (row["label"], row["end"], row["state"]) == ("interruption", 53.5, "corrected")
    with Library(place) as again:
        (stored,) = again.corrections("clip-id")
    assert (stored.track, stored.start, stored.end) == ("fusion.score", before.start, before.end)
    assert stored.old["event"]["threshold"] == 0.7


def test_what_is_typed_for_one_medium_is_never_written_to_another(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, document: Document, tmp_path: Path, place: Path
) -> None:
    typing(panel, qtbot, 2, "00:53.5")
    document.open(tmp_path / "another.mp4")
    settle()
    with Library(place) as again:
        assert [c.new["label"] for c in again.corrections("clip-id")] == ["interruption"]
        assert [m.id for m in again.media() if m.id != "clip-id" and again.corrections(m.id)] == []


def test_what_cannot_be_saved_stands_in_the_form_again(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, place: Path
) -> None:
    typing(panel, qtbot, 2, "soon")
    panel.view.go_to(4)
    settle()
    assert on_disk(place) == []
    assert panel.problem.isVisible()
    assert "was not corrected" in panel.problem.text()
    assert "no time" in panel.problem.text()
    panel.choose(panel.events[1])
    keys(panel, qtbot, Qt.Key.Key_C)
    assert panel.strip.form.name.text() == panel.events[1].label
    qtbot.keyClick(panel.strip.form.name, Qt.Key.Key_Escape)
    panel.choose(panel.events[2])
    keys(panel, qtbot, Qt.Key.Key_C)
    form = panel.strip.form
    assert (form.end.text(), form.name.text()) == ("soon", "interruption")
    assert "no time" in form.wrong.text()
    form.end.setText("00:53.5")
    qtbot.keyClick(form.end, Qt.Key.Key_Return)
    settle()
    assert on_disk(place)[0]["end"] == 53.5
    # Who says Cancel wants none of it.
    typing(panel, qtbot, 2, "later")
    form.cancel.click()
    keys(panel, qtbot, Qt.Key.Key_C)
    assert form.end.text() == stamp(53.5)


def test_decisions_that_the_threshold_hides_are_counted(panel: EventsPanel, settle: Settle) -> None:
    panel.change(panel.events[:2], {"state": "accepted"})
    panel.add(31.0, 33.0)
    settle()
    assert "hidden" not in panel.count.text()
    assert panel.count.toolTip() == ""
    panel.set_threshold(0.99)
    settle()
    assert panel.count.text().endswith("2 decided, hidden by the threshold")
    assert "is kept, is exported" in panel.count.toolTip()
    panel.history.undo()
    settle()
    assert "hidden" not in panel.count.text()


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
    panel: EventsPanel, qtbot: QtBot, settle: Settle, document: Document, place: Path
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
    # Its steps can still be taken back, and done again.
    panel.act("undo")
    panel.act("undo")
    settle()
    assert {e.state for e in panel.events} == {"open"}
    assert on_disk(place) == []
    assert not panel.history.stack.canUndo()
    panel.act("redo")
    panel.act("redo")
    settle()
    assert shown(panel) == before


def test_each_medium_has_its_own_steps(panel: EventsPanel, settle: Settle, place: Path) -> None:
    panel.change([panel.events[0]], {"state": "accepted"})
    settle()
    panel.history.open("another-id")
    assert not panel.history.stack.canUndo()
    panel.act("undo")
    settle()
    assert len(on_disk(place)) == 1
    panel.history.open("clip-id")
    assert panel.history.stack.undoText() == "Change event at " + stamp(panel.events[0].start)
    panel.act("undo")
    settle()
    assert on_disk(place) == []


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


def test_a_score_is_corrected_in_its_own_unit(
    panel: EventsPanel, qtbot: QtBot, settle: Settle, document: Document, place: Path
) -> None:
    times = np.arange(0.5, 120.0, 1.0)
    mood = np.where(times % 40 < 10, 4.6, 2.0)[:, None].astype(np.float32)
    document.load({"words.mood": Curve("words.mood", times, mood, (Quantity("mood", "points", 1.0, 5.0),))})
    choice = panel.head.choice
    choice.setCurrentText("mood")
    choice.activated.emit(choice.currentIndex())
    qtbot.waitUntil(lambda: {e.source.track for e in panel.events} == {"words.mood"}, timeout=20_000)
    panel.choose(panel.events[0])
    keys(panel, qtbot, Qt.Key.Key_C)
    form = panel.strip.form
    assert (form.score.minimum(), form.score.maximum(), form.score.value()) == (1.0, 5.0, 4.6)
    form.name.setText("cheer")
    form.save.click()
    settle()
    (row,) = on_disk(place)
    assert (row["label"], row.get("score")) == ("cheer", None)  # nobody touched the score
    assert panel.events[0].score == pytest.approx(4.6)


def test_another_run_brings_its_own_threshold_unless_a_person_set_one(
    panel: EventsPanel, qtbot: QtBot, document: Document
) -> None:
    told: list[float] = []
    panel.threshold_changed.connect(told.append)

    def fuse(threshold: float, key: str) -> None:
        score = document.readings.get("fusion.score")
        assert isinstance(score, Curve)
        made = Provenance("fusion.early", "1.0.0", {}, {"threshold": threshold}, key)
        document.load({"fusion.score": replace(score, provenance=made)})
        qtbot.waitUntil(lambda: panel.model.prepared is not None and panel.model.prepared.run == key, timeout=20_000)

    fuse(0.85, "early-key")
    assert (panel.threshold, panel.head.level.value(), len(panel.events), told) == (0.85, 0.85, 2, [0.85])
    panel.set_threshold(0.75)
    fuse(0.9, "another-key")
    assert panel.threshold == 0.75
