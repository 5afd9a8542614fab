"""The queue and its window with a real worker: order, failures, pausing, going on, and the end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from mien.batch.find import Unread
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import UsageError
from mien.library import Library
from mien_desktop.library import item as kept
from mien_desktop.library.candidates import Watched
from mien_desktop.library.item import Kept, Known, QueueItem
from mien_desktop.library.queue import Queue
from mien_desktop.library.queue_view import QueueWindow
from mien_desktop.look.palette import LIGHT
from mien_desktop.work.scanner import Scanner

from .conftest import WAIT, MakeQueue, choice, running, settled, states, stop


def test_a_folder_with_a_bad_file(
    qtbot: QtBot, make_queue: MakeQueue, show: Callable[[Queue], QueueWindow], folder: Path, make_clip: Any, shelf: Path
) -> None:
    (folder / "deep" / ".hidden").mkdir(parents=True)
    make_clip(folder / "a.mp4", 1.5)
    (folder / "b.mp4").write_text("no medium")
    make_clip(folder / "deep" / "c.m4a", 2.0, video=False)
    make_clip(folder / "deep" / ".hidden" / "d.m4a", 1.0, video=False)
    (folder / "notes.txt").write_text("no medium either")
    queue = make_queue()
    window = show(queue)
    finished: list[Path] = []
    queue.finished.connect(finished.append)
    window.add([folder])
    qtbot.waitUntil(partial(settled, queue, 3), timeout=WAIT)
    assert states(queue) == {"a.mp4": "done", "b.mp4": "failed", "c.m4a": "done"}
    reason = queue.items[1].reason
    assert reason.count("\n") == 0
    assert "b.mp4" in reason
    assert "Traceback" not in reason
    assert [path.name for path in finished] == ["a.mp4", "c.m4a"]
    with Library(shelf) as library:
        assert all(library.find_medium(path) is not None for path in finished)
    qtbot.waitUntil(window.head.retry.isEnabled, timeout=WAIT)
    assert "b.mp4" in window.model.index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert queue.progress == pytest.approx(1.0)

    make_clip(folder / "b.mp4", 1.0)
    QTest.mouseClick(window.head.retry, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(partial(settled, queue, 3), timeout=WAIT)
    assert set(states(queue).values()) == {"done"}
    assert queue.items[1].reason == ""


def test_pause_stops_and_resume_goes_on(
    qtbot: QtBot,
    scanner: Scanner,
    make_queue: MakeQueue,
    show: Callable[[Queue], QueueWindow],
    folder: Path,
    make_clip: Any,
) -> None:
    queue = make_queue(nap=0.25)
    window = show(queue)
    files = [make_clip(folder / f"{n}.m4a", 3.0 + n / 2, video=False) for n in range(2)]
    queue.add(files)
    qtbot.waitUntil(lambda: running(queue) and window.head.go.isEnabled(), timeout=WAIT)
    begun = time.monotonic()
    QTest.keyClick(window, Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: states(queue)["0.m4a"] == "paused", timeout=WAIT)  # Qt shows a button pressed for 100 ms
    qtbot.waitUntil(partial(stop, queue), timeout=WAIT)
    assert time.monotonic() - begun < 3.0  # 2 s are promised; the machine may be crowded
    assert states(queue) == {"0.m4a": "paused", "1.m4a": "waiting"}
    assert window.head.go.text() == "Resume"
    QTest.mouseClick(window.head.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(partial(settled, queue, 2), timeout=WAIT)
    assert set(states(queue).values()) == {"done"}

    # What is in the library already is taken from there, by no worker.
    begun_again: list[Path] = []
    scanner.began.connect(begun_again.append)
    queue.retry(files)
    assert set(states(queue).values()) == {"waiting"}
    qtbot.waitUntil(partial(settled, queue, 2), timeout=WAIT)
    assert set(states(queue).values()) == {"done"}
    assert begun_again == []


def test_progress_and_time_left(qtbot: QtBot, make_queue: MakeQueue, folder: Path, make_clip: Any) -> None:
    queue = make_queue(nap=0.2)
    seen: list[tuple[float, float | None]] = []
    queue.changed.connect(lambda _, item: seen.append((item.progress, item.left)))
    queue.add([make_clip(folder / "long.m4a", 5.0, video=False)])
    qtbot.waitUntil(partial(settled, queue, 1), timeout=WAIT)
    done = [progress for progress, _ in seen]
    assert done == sorted(done)
    assert any(0.2 < progress < 0.8 for progress in done)
    assert any(left is not None and 0.0 < left < 20.0 for _, left in seen)


def test_the_queue_outlives_the_window(
    qtbot: QtBot, make_queue: MakeQueue, folder: Path, make_clip: Any, tmp_path: Path
) -> None:
    queue = make_queue(nap=0.25)
    (folder / "bad.mp4").touch()
    files = [make_clip(folder / "x.m4a", 4.0, video=False), make_clip(folder / "y.m4a", 1.0, video=False)]
    queue.add([*files, folder / "bad.mp4"])
    qtbot.waitUntil(lambda: running(queue) and states(queue)["bad.mp4"] == "failed", timeout=WAIT)
    queue.shutdown()
    again = make_queue()
    assert states(again) == {"x.m4a": "paused", "y.m4a": "waiting", "bad.mp4": "failed"}
    assert again.paused
    assert again.items[2].reason
    again.resume()
    qtbot.waitUntil(partial(settled, again, 3), timeout=WAIT)
    assert states(again) == {"x.m4a": "done", "y.m4a": "done", "bad.mp4": "failed"}


def test_closing_in_the_middle_leaves_no_process(
    qtbot: QtBot, registry: Registry, make_queue: MakeQueue, show: Callable[[Queue], QueueWindow], folder: Path,
    make_clip: Any, tmp_path: Path,
) -> None:  # fmt: skip
    worker = Scanner(str(tmp_path / "other.db"), lambda: registry)
    queue = make_queue(nap=1.0, worker=worker)
    window = show(queue)
    queue.add([make_clip(folder / "z.m4a", 6.0, video=False)])
    qtbot.waitUntil(lambda: queue.items[:1] != () and queue.items[0].state == "running", timeout=WAIT)
    qtbot.waitUntil(lambda: bool(worker.pids), timeout=WAIT)
    (pid,) = worker.pids
    window.close()
    assert queue.busy  # the queue goes on behind a closed window
    window.shutdown()
    queue.shutdown()
    worker.close()
    assert worker.pids == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_removing_what_runs_goes_on_with_the_next(
    qtbot: QtBot, make_queue: MakeQueue, show: Callable[[Queue], QueueWindow], folder: Path, make_clip: Any
) -> None:
    queue = make_queue(nap=0.4)
    window = show(queue)
    queue.add([make_clip(folder / "r.m4a", 7.0, video=False), make_clip(folder / "s.m4a", 0.8, video=False)])
    qtbot.waitUntil(partial(running, queue), timeout=WAIT)
    window.table.selectRow(0)
    QTest.keyClick(window.table, Qt.Key.Key_Delete)
    assert states(queue).keys() == {"s.m4a"}
    qtbot.waitUntil(partial(settled, queue, 1), timeout=WAIT)
    assert states(queue) == {"s.m4a": "done"}


def test_thousands_are_removed_at_once(
    make_queue: MakeQueue, show: Callable[[Queue], QueueWindow], tmp_path: Path
) -> None:
    rows = [QueueItem(tmp_path / f"{n}.mp4", "done" if n % 2 else "failed", seconds=9.0) for n in range(1000)]
    kept.save(Kept(tuple(rows)), tmp_path / "queue.json")
    queue = make_queue()
    window = show(queue)
    window.table.selectAll()
    heard: list[str] = []
    window.model.rowsRemoved.connect(lambda *_: heard.append("rows"))
    window.model.modelReset.connect(lambda: heard.append("all"))
    began = time.process_time()
    queue.remove([item.path for item in queue.items if item.state == "done"])
    assert time.process_time() - began < 2.0  # 0.01 on a quiet core; row by row it was 40
    assert heard == ["all"]
    assert [window.model.item(n) for n in range(window.model.rowCount())] == rows[::2] == list(queue.items)
    queue.remove([item.path for item in queue.items[100:200]])
    assert heard == ["all", "rows"]
    assert [window.model.item(n) for n in range(window.model.rowCount())] == rows[:200:2] + rows[400::2]


def test_what_every_medium_would_meet_pauses_the_queue(
    qtbot: QtBot, scanner: Scanner, show: Callable[[Queue], QueueWindow], folder: Path, make_clip: Any, tmp_path: Path
) -> None:
    wanted = [Choice(analyzers=("nobody",), fusion="", device="cpu")]
    queue = Queue(scanner, lambda: wanted[0], tmp_path / "queue.json")
    window = show(queue)
    window.add([make_clip(folder / "t.m4a", 1.2, video=False)])
    qtbot.waitUntil(lambda: "nobody" in window.error and not queue.busy, timeout=WAIT)
    assert queue.paused
    assert states(queue) == {"t.m4a": "waiting"}  # it was not begun
    wanted[0] = choice()
    window.toggle()
    assert window.error == ""
    qtbot.waitUntil(partial(settled, queue, 1), timeout=WAIT)

    def broken() -> Choice:
        raise UsageError("There is no choice.")

    other = Queue(scanner, broken, tmp_path / "other.json")
    with qtbot.waitSignal(other.trouble, timeout=WAIT) as told:
        other.add([folder])
    assert told.args == ["There is no choice."]
    other.shutdown()
    queue.shutdown()


def test_what_the_library_says_of_one_medium_does_not_stop_the_others(
    qtbot: QtBot, make_queue: MakeQueue, folder: Path, make_clip: Any
) -> None:
    """No chosen plugin applies to a silent clip, and the library holds nothing of it."""
    queue = make_queue()
    queue.add([make_clip(folder / "silent.mp4", 1.0, audio=False), make_clip(folder / "w.m4a", 0.9, video=False)])
    qtbot.waitUntil(partial(settled, queue, 2), timeout=WAIT)
    assert states(queue) == {"silent.mp4": "failed", "w.m4a": "done"}


def test_dropping_files_choosing_a_folder_and_opening(
    qtbot: QtBot, make_queue: MakeQueue, show: Callable[[Queue], QueueWindow], folder: Path, make_clip: Any,
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    queue = make_queue()
    queue.pause()
    window = show(queue)
    clip = make_clip(folder / "u.m4a", 1.1, video=False)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(clip))])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 50), copy, mime, left, none)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(50, 50), copy, mime, left, none))
    qtbot.waitUntil(lambda: states(queue) == {"u.m4a": "waiting"}, timeout=WAIT)
    make_clip(folder / "v.m4a", 1.0, video=False)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    QTest.mouseClick(window.head.add_folder, left)
    qtbot.waitUntil(lambda: len(queue.items) == 2, timeout=WAIT)
    window.table.selectRow(1)
    with qtbot.waitSignal(window.open_asked, timeout=WAIT) as asked:
        QTest.keyClick(window.table, Qt.Key.Key_Return)
    assert asked.args == [folder / "v.m4a"]
    (tmp_path / "none").mkdir()
    window.add([tmp_path / "none"])
    qtbot.waitUntil(lambda: "no video or sound file" in window.error, timeout=WAIT)


def test_the_window_speaks_and_wears_both_palettes(make_queue: MakeQueue, show: Callable[[Queue], QueueWindow]) -> None:
    window = show(make_queue())
    for button in window.findChildren(QPushButton):
        assert button.accessibleName()
        assert button.toolTip()
        assert button.focusPolicy() != Qt.FocusPolicy.NoFocus
    window.wear(LIGHT)
    assert not window.grab().isNull()
    assert not window.isModal()


def test_a_broken_file_of_the_queue_costs_only_itself(tmp_path: Path) -> None:
    place = tmp_path / "queue.json"
    for text in (
        "",
        "[]",
        "[" * 100_000,
        '{"items": 3}',
        '{"items": [3, {"path": 1}, {"path": "/a", "state": "odd"}]}',
    ):
        place.write_text(text)
        assert kept.load(place) == Kept()
    for length in ("1" + "0" * 400, "NaN", "Infinity", "-3", '"long"'):
        place.write_text(f'{{"items": [{{"path": "/a", "state": "waiting", "seconds": {length}}}]}}')
        assert kept.load(place) == Kept((QueueItem(Path("/a")),))
    odd = Path(os.fsdecode(b"/media/\xff name.mp4"))
    watched = (Watched(Path("/media/in"), ("*.mp4",), ("raw",), follow=True),)
    known = Known("hash", "a.srt", {"slow": "key"}, {"fussy": "it is too odd"}, "broken off")
    done = QueueItem(Path("/media/in/a.mp4"), "done", "odd", 1.0, mark="m", root=Path("/media"), known=known)
    unread = {Path("/media"): (Unread(Path("/media/shut"), "No."), Unread(Path("/media/closed"), "Neither."))}
    more = unread, "highest level", "/media/out"
    kept.save(Kept((QueueItem(odd, "running", seconds=3.0), done), watched, 2, *more), place)
    assert kept.load(place) == Kept((QueueItem(odd, "paused", seconds=3.0), done), watched, 2, *more)
    for text in (
        '{"watched": [{"folder": "/a", "include": ["[z-a]"]}, {"folder": 1}], "workers": true}',
        '{"unread": [1, {"root": "/a"}, {"root": "/a", "path": "/a/b", "reason": 3}], "rank": 1, "out": []}',
    ):
        place.write_text(text)
        assert kept.load(place) == Kept()


def test_a_queue_that_was_kept_before_there_were_summaries_is_read(tmp_path: Path) -> None:
    place = tmp_path / "queue.json"
    place.write_text(
        """{"items": [{"path": "/in/a.mp4", "state": "done", "reason": "", "seconds": 2.5, "mark": "1:2"},
          {"path": "/in/b.mp4", "state": "failed", "reason": "No.", "root": "/other", "runs": {"a": 1}, "failed": 2}],
        "watched": [{"folder": "/in", "include": ["*.mp4"], "exclude": []}], "workers": null}"""
    )
    assert kept.load(place) == Kept(
        (
            QueueItem(Path("/in/a.mp4"), "done", "", 1.0, seconds=2.5, mark="1:2"),
            QueueItem(Path("/in/b.mp4"), "failed", "No."),
        ),
        (Watched(Path("/in"), ("*.mp4",)),),
    )
