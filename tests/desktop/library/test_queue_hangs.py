"""A worker of the queue that hangs is told in the row of its medium, and another takes its place."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mien.engine.registry import Registry
from mien_desktop.library import queue_work
from mien_desktop.library.queue import Queue
from mien_desktop.library.queue_view import QueueWindow
from mien_desktop.work.scanner import Scanner

from .conftest import WAIT, MakeQueue, running, settled, states, stop


@pytest.mark.parametrize("by", ["restart", "pause"])
def test_it_is_told_and_replaced(
    by: str, qtbot: QtBot, registry: Registry, make_queue: MakeQueue, show: Callable[[Queue], QueueWindow], folder: Path,
    make_clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    worker = Scanner(str(tmp_path / "other.db"), lambda: registry)
    queue = make_queue(nap=0.3, worker=worker)
    window = show(queue)
    window.add([make_clip(folder / "long.m4a", 3.0, video=False)])
    qtbot.waitUntil(lambda: running(queue), timeout=WAIT)
    assert queue.items[0].reason == ""
    stopped = list(worker.pids)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(queue_work, "QUIET", 0.5)
    qtbot.waitUntil(lambda: queue.items[0].reason == queue_work.SILENT, timeout=WAIT)
    monkeypatch.setattr(queue_work, "QUIET", 600.0)
    assert states(queue) == {"long.m4a": "running"}
    assert queue_work.SILENT in window.model.index(0, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    qtbot.waitUntil(window.head.restart.isVisible, timeout=WAIT)
    if by == "restart":
        QTest.mouseClick(window.head.restart, Qt.MouseButton.LeftButton)
    else:
        QTest.mouseClick(window.head.go, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(partial(stop, queue), timeout=WAIT)
        assert queue.items[0].reason == ""
        QTest.mouseClick(window.head.go, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(partial(settled, queue, 1), timeout=WAIT)
    assert states(queue) == {"long.m4a": "done"}
    assert not set(stopped) & set(worker.pids)
    qtbot.waitUntil(window.head.restart.isHidden, timeout=WAIT)
    queue.shutdown()
    worker.close()
