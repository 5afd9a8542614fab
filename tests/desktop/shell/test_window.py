"""The window as a reviewer uses it: open, look, analyse, switch the fusion, edit, undo, lose the worker, close, reopen."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from mien.library.library import Library
from mien.tracks.track import Spans
from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, PATIENCE, STOPPED, MakeWindow, work_until


def settle(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until the analysis that was asked for has ended and the library's answer is shown."""
    qtbot.waitUntil(lambda: not window.document.analysing and window.conductor._job is None, timeout=PATIENCE)


def analysing_window(make_window: MakeWindow, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """A window over an empty library in the middle of analysing the demo clip: some track has come, others are to."""
    window = make_window(tmp_path / "new.db")
    window.open(DEMO)
    window.conductor.analyse()
    qtbot.waitUntil(lambda: bool(window.document.readings.parts), timeout=PATIENCE)
    return window


def test_begins_with_what_is_installed_and_what_could_be(window: MainWindow, qtbot: QtBot) -> None:
    assert window.pages.currentWidget() is window.welcome
    qtbot.waitUntil(lambda: "Voice activity" in _texts(window.welcome), timeout=PATIENCE)
    assert "larger models could be installed" in _texts(window.welcome)
    assert not window.tools.analyse.isEnabled()


def test_a_saved_analysis_opens_with_all_its_readings(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.workspace
    assert opened.pages.currentWidget() is space
    assert opened.windowTitle().startswith("demo.mp4")
    assert {"speech.words", "emotion.attributes", "face.boxes", "fusion.score"} <= set(opened.document.readings.names())
    for lane in ("words", "emotion.attributes", "expressions", "text", "conflict", "fused", "weights"):
        assert not space.timeline.lane(lane).empty, lane
    assert opened.state.recent[0] == str(DEMO)


def test_picture_playhead_overlay_and_transcript_agree(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.workspace
    words = opened.document.readings.get("speech.transcript")
    assert isinstance(words, Spans)
    for at in (3.9, 12.32, 0.5, 18.0):
        space.timeline.seek(at)
        qtbot.waitUntil(lambda at=at: space.player.frame_time is not None and abs(space.player.frame_time - at) < 0.041,
                        timeout=PATIENCE)  # fmt: skip
        assert space.timeline.playhead == pytest.approx(space.player.position)
        frame = space.player.frame
        assert frame is not None
        assert space.canvas.frame is frame
        assert space.canvas.overlay is not None
        assert space.canvas.overlay.time == pytest.approx(frame.time)
        assert space.transcript.view._position == pytest.approx(space.player.position)


def test_an_edit_is_on_disk_at_once_undone_and_there_after_reopening(
    opened: MainWindow, qtbot: QtBot, place: Path, make_window: MakeWindow
) -> None:
    events = opened.workspace.events
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(0.4)
    qtbot.waitUntil(lambda: len(events.events) > 0, timeout=PATIENCE)
    first = events.events[0]
    events.choose(first)
    events.act("accept")
    qtbot.waitUntil(lambda: events.events[0].state == "accepted", timeout=PATIENCE)
    assert len(_corrections(place)) == 1
    opened.workspace.undo()
    qtbot.waitUntil(lambda: events.events[0].state == "open", timeout=PATIENCE)
    opened.workspace.redo()
    qtbot.waitUntil(lambda: events.events[0].state == "accepted", timeout=PATIENCE)
    score = opened.document.readings.get("fusion.score")
    assert score is not None
    opened.close()
    again = make_window(place)
    again.open(DEMO)
    later = again.workspace.events
    qtbot.waitUntil(lambda: later.ready and later.threshold == 0.4, timeout=PATIENCE)  # that too is as it was left
    assert again.workspace.lanes.fused.threshold == 0.4
    qtbot.waitUntil(lambda: any(e.state == "accepted" for e in later.events), timeout=PATIENCE)
    stored = again.document.readings.get("fusion.score")
    assert stored is not None
    assert (stored.values == score.values).all()  # type: ignore[union-attr]


def test_readings_appear_while_it_runs_and_cancel_is_quick(
    make_window: MakeWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window = analysing_window(make_window, tmp_path, qtbot)
    assert window.document.analysing
    assert window.tools.analyse.text() == "Cancel"
    # Each plugin says how far it is and how long it will take; meanwhile the window is worked in.
    seen: dict[str, list[tuple[float, float]]] = {}

    def note() -> None:
        for plugin, standing in window.document.standings.items():
            if standing.state == "running" and standing.left is not None:
                seen.setdefault(plugin, []).append((standing.fraction, standing.left))

    window.document.progressed.connect(note)
    qtbot.waitUntil(lambda: sum(0 < told[-1][0] < 1 for told in seen.values()) > 1, timeout=PATIENCE)
    assert all(0.0 <= fraction <= 1.0 and 0.0 <= left < 600.0 for told in seen.values() for fraction, left in told)
    assert "% · " in window.foot.line
    assert " left" in window.foot.line
    space = window.workspace
    space.timeline.seek(7.0)
    qtbot.waitUntil(lambda: abs((space.player.frame_time or 0.0) - 7.0) < 0.05, timeout=PATIENCE)
    lanes = [lane for lane in space.lanes.lanes if not lane.empty]
    assert len(lanes) > 0
    assert window.document.analysing
    pid = window.conductor.analyst.pid
    assert pid is not None
    begun = time.monotonic()
    qtbot.mouseClick(window.tools.analyse, Qt.MouseButton.LeftButton)
    assert work_until(qtbot, pid, lambda: window.conductor._job is None) < STOPPED
    settle(window, qtbot)
    assert time.monotonic() - begun < 10.0
    assert window.tools.analyse.text() == "Analyse"
    assert window.message.text == ""


def test_a_killed_worker_is_told_with_a_button_that_starts_again(
    make_window: MakeWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window = analysing_window(make_window, tmp_path, qtbot)
    pid = window.conductor.analyst.pid
    assert pid is not None
    read = {name: len(window.document.readings.get(name) or ()) for name in window.document.readings.names()}
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: bool(window.message.text), timeout=PATIENCE)
    assert "died" in window.message.text
    assert "\n" not in window.message.text
    assert window.message.action == "Restart"
    assert window.isVisible()
    settle(window, qtbot)
    kept = {name: len(window.document.readings.get(name) or ()) for name in read}
    assert all(kept[name] >= rows for name, rows in read.items())
    assert {standing.state for standing in window.document.standings.values()} <= {
        "done",
        "cached",
        "skipped",
        "failed",
    }
    window.workspace.player.seek(3.0)  # all else goes on
    qtbot.waitUntil(lambda: window.workspace.player.frame is not None, timeout=PATIENCE)
    window.message.act()
    qtbot.waitUntil(lambda: window.document.analysing, timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.conductor.analyst.pid not in (None, pid), timeout=PATIENCE)
    window.conductor.cancel()
    settle(window, qtbot)


def test_a_worker_that_hangs_is_told_and_replaced(make_window: MakeWindow, tmp_path: Path, qtbot: QtBot) -> None:
    window = analysing_window(make_window, tmp_path, qtbot)
    pid = window.conductor.analyst.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    window.conductor.patience.set_interval(200)
    qtbot.waitUntil(lambda: "may hang" in window.message.text, timeout=PATIENCE)
    window.message.act()
    qtbot.waitUntil(lambda: not _alive(pid) and window.document.analysing, timeout=PATIENCE)
    window.conductor.cancel()
    settle(window, qtbot)
    assert window.isVisible()


@pytest.mark.parametrize("content", [b"", b"no video at all", b"\x00\x00\x00\x18ftypmp42" + bytes(64)])
def test_what_is_no_medium_is_said_in_one_sentence(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, content: bytes
) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(content)
    window.open(bad)
    qtbot.waitUntil(lambda: bool(window.message.text), timeout=PATIENCE)
    assert QApplication.activeModalWidget() is None  # a line in the window, no dialog
    assert [w for w in QApplication.topLevelWidgets() if w.isVisible()] == [window]
    assert window.message.text.count("\n") == 0
    assert "Traceback" not in window.message.text
    window.open(DEMO)
    qtbot.waitUntil(lambda: window.workspace.player.frame is not None, timeout=PATIENCE)


def test_a_file_that_is_gone_leaves_everything_as_it_is(opened: MainWindow, tmp_path: Path) -> None:
    opened.open(tmp_path / "gone.mp4")
    assert "gone.mp4" in opened.message.text
    assert opened.document.path == DEMO


def test_closing_in_the_middle_leaves_no_process(make_window: MakeWindow, tmp_path: Path, qtbot: QtBot) -> None:
    window = make_window(tmp_path / "new.db")
    window.open(DEMO)
    window.conductor.analyse()
    qtbot.waitUntil(lambda: bool(window.document.standings), timeout=PATIENCE)
    pid = window.conductor.analyst.pid
    assert pid is not None
    window.close()
    qtbot.waitUntil(lambda: not _alive(pid), timeout=PATIENCE)


def test_library_and_back(opened: MainWindow, qtbot: QtBot) -> None:
    opened.show_library()
    library = opened.rooms.library
    assert library is not None
    assert opened.pages.currentWidget() is library
    qtbot.waitUntil(lambda: library.model.rowCount() == 1, timeout=PATIENCE)
    library.open_asked.emit(DEMO, 12.0)
    assert opened.pages.currentWidget() is opened.workspace
    qtbot.waitUntil(lambda: abs(opened.workspace.player.position - 12.0) < 0.05, timeout=PATIENCE)


def test_a_folder_goes_to_the_queue_whose_workers_are_not_the_windows(
    opened: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copyfile(DEMO, folder / "copy.mp4")  # the same content: the library knows it, only the name is new
    (folder / "bad.mp4").write_bytes(b"no video")
    opened.open(folder)
    assert opened.document.path == DEMO
    assert opened.rooms.queue is not None
    queue = opened.rooms.queue.queue
    qtbot.waitUntil(lambda: {i.state for i in queue.items} == {"done", "failed"}, timeout=PATIENCE)
    assert next(i.reason for i in queue.items if i.state == "failed")
    assert queue._work.scanner.pids
    assert opened.conductor.analyst.pid not in queue._work.scanner.pids


def test_the_selection_is_exported(opened: MainWindow, tmp_path: Path, qtbot: QtBot) -> None:
    opened.workspace.timeline.select(4.0, 9.0)
    opened.show_export()
    dialog = opened.rooms.export
    assert dialog is not None
    assert dialog.span == (4.0, 9.0)
    dialog.formats.want("json", "csv")
    dialog.folder.setText(str(tmp_path / "out"))
    with qtbot.waitSignal(dialog.written, timeout=PATIENCE) as done:
        dialog.begin()
    written: list[Path] = done.args[0]  # type: ignore[index]
    assert written
    assert all(path.exists() for path in written)
    stored = json.loads(next(path for path in written if path.suffix == ".json").read_text(encoding="utf-8"))
    assert stored["span"] == [4.0, 9.0]
    spoken = next(track for track in stored["tracks"] if track["name"] == "speech.words")
    first, last = ([column["name"] for column in spoken["columns"]].index(name) for name in ("start", "end"))
    assert spoken["rows"]
    assert all(row[first] <= 9.0 and row[last] >= 4.0 for row in spoken["rows"])  # of 21 s that are spoken


def test_a_moment_is_explained_to_the_face(opened: MainWindow, qtbot: QtBot) -> None:
    space = opened.workspace
    space.player.seek(5.0)
    space.explain_here()
    assert space.tabs.currentWidget() is space.explain
    with qtbot.waitSignal(opened.conductor.explained, timeout=PATIENCE):
        space.explain.ask_face.click()
    assert not space.explain.face.map.image.isNull()
    assert not space.explain.asking_face.computing
    # Another question, given up: what was asked for last is what is told.
    space.explain.explain_seconds("conflict")
    with qtbot.waitSignal(opened.conductor.unexplained, timeout=PATIENCE):
        opened.conductor.cancel_explanation()
    assert not space.explain.asking_seconds.computing


def test_a_sample_is_played_once_to_its_end(opened: MainWindow, qtbot: QtBot) -> None:
    player = opened.workspace.player
    opened.workspace.truth.play_asked.emit(DEMO, 3.0, 3.4)
    qtbot.waitUntil(lambda: player.playing, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not player.playing, timeout=PATIENCE)
    assert 3.4 <= player.position < 5.0
    assert opened.workspace.selection == (3.0, 3.4)


def test_nothing_to_export_is_said(window: MainWindow) -> None:
    window.show_export()
    assert "nothing to export" in window.message.text


def test_settings_change_the_choice_and_the_look_at_once(opened: MainWindow, qtbot: QtBot) -> None:
    settings = opened.rooms.show_settings("appearance")
    dark = opened.palette_.dark
    settings.theme_chosen.emit("light" if dark else "dark")
    assert opened.palette_.dark is not dark
    settings.plugins.chooser.use_fusion("fusion.majority")
    settings.plugins.tell()
    qtbot.waitUntil(lambda: opened.conductor.choice.fusion == "fusion.majority", timeout=PATIENCE)
    assert opened.tools.fusion.currentData() == "fusion.majority"
    settings.hide()


def _texts(widget: QWidget) -> str:
    from PySide6.QtWidgets import QLabel

    return "\n".join(label.text() for label in widget.findChildren(QLabel))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _corrections(place: Path) -> list[object]:
    with Library(place) as library:
        (medium,) = library.media()
        return list(library.corrections(medium))
