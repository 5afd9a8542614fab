"""The window answers: no step of a session keeps its thread for long. Exact figures are the benchmark's."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt, QTimer
from pytestqt.qtbot import QtBot

from mien_desktop.settings.page import TITLES
from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, PATIENCE

LONGEST = 0.5
"""s of work without a break: a guard against a step that computes, reads or waits in the window's thread. It takes no
measure: the 0.1 s that are promised are held by `make bench`, on a machine that has nothing else to do."""


class Watchdog:
    """For how long the thread of the windows worked without a break, s of its own processor time: other processes do not
    count, however crowded the machine is."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._last = time.thread_time()
        self.timer = QTimer(interval=5, timerType=Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.beat)
        self.timer.start()

    def beat(self) -> None:
        now = time.thread_time()
        self.worst, self._last = max(self.worst, now - self._last), now


@pytest.fixture
def watchdog(qtbot: QtBot) -> Iterator[Watchdog]:
    made = Watchdog()
    yield made
    made.timer.stop()


def test_no_step_of_a_session_keeps_the_window(window: MainWindow, qtbot: QtBot, watchdog: Watchdog) -> None:
    space, player = window.workspace, window.workspace.player

    def kill() -> None:
        window.conductor.analyst.warm_up()
        qtbot.waitUntil(lambda: window.conductor.analyst.pid is not None, timeout=PATIENCE)
        pid = window.conductor.analyst.pid
        assert pid is not None
        window.conductor.analyse()
        os.kill(pid, signal.SIGKILL)
        qtbot.waitUntil(lambda: window.conductor._job is None, timeout=PATIENCE)

    def fuse() -> None:
        window.conductor.choose_fusion("fusion.majority")
        qtbot.waitUntil(lambda: window.conductor._job is None, timeout=PATIENCE)

    def begin() -> None:
        window.open(DEMO)
        qtbot.waitUntil(lambda: bool(window.document.readings.parts) and player.frame is not None, timeout=PATIENCE)

    def dress(**look: object) -> None:
        if "theme" in look:
            window.set_theme(str(look["theme"]))
        else:
            window.set_text_scale(float(str(look["scale"])))
        assert not window.wardrobe.settled
        qtbot.waitUntil(lambda: window.wardrobe.settled, timeout=PATIENCE)

    def turn_all_pages() -> None:
        for page in TITLES:
            window.show_settings(page)
            qtbot.wait(20)
        window.show_queue()
        qtbot.wait(20)
        window.show_export()

    steps = {
        "open": begin,
        "seek": lambda: player.seek(7.0),
        "zoom": lambda: [qtbot.keyClick(space.timeline, Qt.Key.Key_Plus) for _ in range(5)],
        "find": window.workspace.find_words,
        "events": lambda: space.events.set_threshold(0.3),
        "explain": space.explain_here,
        "settings": window.show_settings,
        "plugins": lambda: window.show_settings("plugins"),
        "theme": lambda: dress(theme="light"),
        "text size": lambda: dress(scale=1.25),
        "library": window.show_library,
        "search": lambda: window.show_library("you"),
        "all pages": turn_all_pages,
        "theme of all": lambda: dress(theme="dark"),
        "text size of all": lambda: dress(scale=1.0),
        "workspace": window.show_workspace,
        "play": player.play,
        "pause": player.pause,
        "fusion": fuse,
        "worker killed": kill,
        "close": window.close_medium,
        "open again": begin,
    }
    kept = {}
    for name, step in steps.items():
        watchdog.beat()
        watchdog.worst = 0.0
        step()
        qtbot.wait(100)
        kept[name] = watchdog.worst
    print({name: f"{1e3 * worst:.0f} ms" for name, worst in kept.items()})
    assert {name: worst for name, worst in kept.items() if worst > LONGEST} == {}
