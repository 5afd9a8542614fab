"""Folders in the queue's window with real workers: patterns, watching, several media at once, and the end at any moment."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mien.engine.registry import Registry
from mien_desktop.library.candidates import Watched
from mien_desktop.library.queue import Queue
from mien_desktop.library.queue_view import QueueWindow
from mien_desktop.work.scanner import Scanner

from .conftest import WAIT, MakeQueue, settled, states

Show = Callable[[Queue], QueueWindow]
EVERY = 0.6


def at_work(queue: Queue) -> list[str]:
    return [item.path.name for item in queue.items if item.state == "running" and item.progress > 0.0]


def test_patterns_say_what_of_a_folder_is_taken(qtbot: QtBot, make_queue: MakeQueue, show: Show, folder: Path) -> None:
    for name in ("a.m4a", "b.wav", "raw/c.m4a", "2024/05/d.MKV", "2024/raw/e.mkv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"none")
    queue = make_queue()
    queue.pause()
    window = show(queue)
    window.terms.include.setFocus()
    QTest.keyClicks(window.terms.include, "*.m4a, 2024/**/*.mkv")
    QTest.keyClick(window.terms.include, Qt.Key.Key_Tab)
    assert window.terms.exclude.hasFocus()
    QTest.keyClicks(window.terms.exclude, "raw, [z-a]")
    assert window.terms.exclude.wrong
    window.add([folder])
    assert "[z-a]" in window.error
    QTest.qWait(50)
    assert queue.items == ()
    window.terms.exclude.setText("raw")
    assert not window.terms.exclude.wrong
    window.add([folder, folder / "b.wav"])  # what is named itself is taken in any case
    qtbot.waitUntil(lambda: len(queue.items) == 3, timeout=WAIT)
    assert [item.path.name for item in queue.items] == ["a.m4a", "d.MKV", "b.wav"]
    assert window.error == ""


def test_a_watched_folder_gives_what_has_settled_and_nothing_before(
    qtbot: QtBot, make_queue: MakeQueue, show: Show, folder: Path, make_clip: Any, tmp_path: Path, scanner: Scanner
) -> None:
    first = make_clip(folder / "first.m4a", 0.9, video=False)
    os.utime(first, (1e9, 1e9))  # it has been there for long
    content = make_clip(tmp_path / "second.m4a", 1.3, video=False).read_bytes()
    queue = make_queue(every=EVERY)
    window = show(queue)
    begun: list[Path] = []
    scanner.began.connect(begun.append)
    QTest.keyClick(window.terms.watch, Qt.Key.Key_Space)
    window.terms.include.setText("*.m4a")
    window.add([folder])
    qtbot.waitUntil(partial(settled, queue, 1), timeout=WAIT)
    assert states(queue) == {"first.m4a": "done"}
    assert [one.text() for one in window.watch.buttons] == [folder.name]

    (folder / "third.wav").write_bytes(content)  # not by that pattern
    until = time.monotonic() + 3 * EVERY
    with (folder / "second.m4a").open("wb", buffering=0) as file:
        step = len(content) // 40
        for at in range(0, len(content), step):
            file.write(content[at : at + step])
            QTest.qWait(round(1000 * 3 * EVERY / 41))
            assert len(queue.items) == 1  # it still grows
    assert time.monotonic() > until
    qtbot.waitUntil(lambda: window.watch.state != "", timeout=WAIT)
    assert len(queue.items) == 1
    qtbot.waitUntil(partial(settled, queue, 2), timeout=WAIT)
    assert states(queue) == {"first.m4a": "done", "second.m4a": "done"}
    qtbot.waitUntil(lambda: window.watch.state == "", timeout=WAIT)

    make_clip(folder / "first.m4a", 1.7, video=False)
    qtbot.waitUntil(lambda: settled(queue, 2) and queue.items[0].seconds == pytest.approx(1.7, abs=0.1), timeout=WAIT)
    assert [path.name for path in begun] == ["first.m4a", "second.m4a", "first.m4a"]

    queue.shutdown()
    again = make_queue(every=EVERY)
    assert again.watched == (Watched(folder, ("*.m4a",)),)
    assert again.paused
    other = show(again)
    (folder / "fourth.m4a").write_bytes(content)
    qtbot.waitUntil(lambda: len(again.items) == 3, timeout=WAIT)
    assert states(again) == {"first.m4a": "done", "second.m4a": "done", "fourth.m4a": "waiting"}
    other.watch.buttons[0].setFocus()
    QTest.keyClick(other.watch.buttons[0], Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not other.watch.isVisible(), timeout=WAIT)
    assert again.watched == ()


def _linked(folder: Path, tmp_path: Path) -> Path:
    """A folder with a link to another one, and links that lead back into it; returns the other one."""
    other = tmp_path / "elsewhere"
    other.mkdir()
    for path in (folder / "x.m4a", other / "y.m4a"):
        path.write_bytes(b"none")
        os.utime(path, (1e9, 1e9))
    for link, target in ((folder / "there", other), (folder / "up", folder), (other / "back", folder)):
        link.symlink_to(target)
    (folder / "round").symlink_to("round")
    return other


def test_links_to_folders_are_followed_where_that_is_chosen_and_never_in_circles(
    qtbot: QtBot, make_queue: MakeQueue, show: Show, folder: Path, tmp_path: Path
) -> None:
    other = _linked(folder, tmp_path)
    only = tmp_path / "only"
    only.mkdir()
    (only / "there").symlink_to(other)
    queue = make_queue()
    queue.pause()
    window = show(queue)
    window.add([only])
    qtbot.waitUntil(lambda: "links to folders are not followed" in window.error, timeout=WAIT)
    window.add([folder])
    qtbot.waitUntil(lambda: len(queue.items) == 1, timeout=WAIT)
    assert queue.items[0].path == folder / "x.m4a"
    QTest.keyClick(window.terms.follow, Qt.Key.Key_Space)
    window.add([folder, other])  # each real folder once, however it is reached
    qtbot.waitUntil(lambda: len(queue.items) == 2, timeout=WAIT)
    QTest.qWait(100)
    assert [item.path for item in queue.items] == [folder / "x.m4a", folder / "there" / "y.m4a"]
    assert queue.items[1].found.inside.as_posix() == "there/y.m4a"
    assert window.error == ""


def test_a_watched_folder_is_followed_as_it_was_added_and_so_after_a_start(
    qtbot: QtBot, make_queue: MakeQueue, show: Show, folder: Path, tmp_path: Path
) -> None:
    other = _linked(folder, tmp_path)
    queue = make_queue(every=0.1)
    queue.pause()
    window = show(queue)
    for term in (window.terms.watch, window.terms.follow):
        QTest.keyClick(term, Qt.Key.Key_Space)
    window.add([folder])
    qtbot.waitUntil(lambda: states(queue).keys() == {"x.m4a", "y.m4a"}, timeout=WAIT)
    assert queue.watched == (Watched(folder, follow=True),)
    assert "links followed" in window.watch.buttons[0].toolTip()
    queue.shutdown()
    again = make_queue(every=0.1)
    assert again.watched == (Watched(folder, follow=True),)
    (other / "z.m4a").write_bytes(b"none")
    qtbot.waitUntil(lambda: states(again).keys() == {"x.m4a", "y.m4a", "z.m4a"}, timeout=WAIT)
    assert again.items[2].path == folder / "there" / "z.m4a"


def test_a_watched_folder_that_is_gone_is_told_once_and_taken_up_again(
    qtbot: QtBot, make_queue: MakeQueue, show: Show, folder: Path, tmp_path: Path
) -> None:
    queue = make_queue(every=0.1)
    queue.pause()
    window = show(queue)
    window.terms.watch.setChecked(True)
    told: list[str] = []
    queue.trouble.connect(told.append)
    window.add([folder])
    qtbot.waitUntil(lambda: queue.watched != (), timeout=WAIT)
    folder.rename(tmp_path / "away")
    qtbot.waitUntil(lambda: folder.name in window.error, timeout=WAIT)
    QTest.qWait(500)
    assert len(told) == 1
    (tmp_path / "away").rename(folder)
    (folder / "x.m4a").write_bytes(b"none")
    qtbot.waitUntil(lambda: states(queue) == {"x.m4a": "failed"}, timeout=WAIT)


def test_several_workers_and_another_number_while_they_work(
    qtbot: QtBot, registry: Registry, make_queue: MakeQueue, show: Show, folder: Path, make_clip: Any, tmp_path: Path
) -> None:
    worker = Scanner(str(tmp_path / "other.db"), lambda: registry, idle=0.3)
    queue = make_queue(nap=0.3, worker=worker)
    window = show(queue)
    window.terms.workers.setValue(2)
    queue.add([make_clip(folder / f"{n}.m4a", 3.5 + n / 4, video=False) for n in range(4)])
    qtbot.waitUntil(lambda: len(at_work(queue)) == 2, timeout=WAIT)
    assert at_work(queue) == ["0.m4a", "1.m4a"]
    assert len(worker.pids) == 2
    qtbot.waitUntil(lambda: "2 at work" in window._count.text(), timeout=WAIT)
    window.terms.workers.setValue(1)
    qtbot.waitUntil(lambda: list(states(queue).values())[:2] == ["done", "done"], timeout=WAIT)
    qtbot.waitUntil(lambda: at_work(queue) == ["2.m4a"], timeout=WAIT)
    assert states(queue)["3.m4a"] == "waiting"
    assert len(worker.pids) == 1
    qtbot.waitUntil(partial(settled, queue, 4), timeout=WAIT)
    assert set(states(queue).values()) == {"done"}
    assert queue.progress == pytest.approx(1.0)
    qtbot.waitUntil(lambda: worker.pids == [], timeout=WAIT)  # idle workers hold no models
    worker.close()
    assert make_queue().workers == 1  # it is kept


def test_workers_of_before_plugins_were_loaded_anew_are_ended(
    qtbot: QtBot, registry: Registry, make_queue: MakeQueue, folder: Path, make_clip: Any, tmp_path: Path
) -> None:
    known = [registry]
    worker = Scanner(str(tmp_path / "other.db"), lambda: known[-1])
    queue = make_queue(worker=worker)
    pids = []
    for n in range(3):
        queue.add([make_clip(folder / f"{n}.m4a", 1.0 + n / 4, video=False)])
        qtbot.waitUntil(partial(settled, queue, n + 1), timeout=WAIT)
        qtbot.waitUntil(lambda: not worker.busy, timeout=WAIT)
        pids.append(worker.pids)
        if n == 1:
            known.append(Registry.load())
    assert set(states(queue).values()) == {"done"}
    assert pids[0] == pids[1] != pids[2]
    assert not Path(f"/proc/{pids[0][0]}").exists()
    worker.close()


@pytest.mark.parametrize("after", [0.0, 0.3, 1.2, 3.0])
def test_the_end_at_any_moment_leaves_nothing(
    qtbot: QtBot, registry: Registry, make_queue: MakeQueue, show: Show, folder: Path, make_clip: Any, tmp_path: Path,
    after: float,
) -> None:  # fmt: skip
    """What is left of threads, timers and windows fails every test here; of processes, this one."""
    before = set(multiprocessing.active_children())
    worker = Scanner(str(tmp_path / "other.db"), lambda: registry)
    queue = make_queue(nap=1.0, worker=worker, every=0.1)
    window = show(queue)
    window.terms.workers.setValue(3)
    window.terms.watch.setChecked(True)
    for n in range(3):
        make_clip(folder / f"{n}.m4a", 3.0 + n / 4, video=False)
    window.add([folder])
    QTest.qWait(round(1000 * after))
    pids = worker.pids
    begun = time.monotonic()
    window.shutdown()
    queue.shutdown()
    worker.close()
    assert time.monotonic() - begun < 6.0  # 2 s for a worker to stop, and the machine may be crowded
    assert set(multiprocessing.active_children()) == before
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
