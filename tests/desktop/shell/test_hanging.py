"""A worker that hangs or dies over an explanation or a comparison is told with a button, too, and that does it again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from mien.sdk.protocols import Explanation, FaceExplanation
from mien_desktop.shell.window import MainWindow

from .conftest import PATIENCE

Asked = Callable[[MainWindow], None]
Answered = Callable[[MainWindow], bool]


def ask_seconds(window: MainWindow) -> None:
    window.workspace.explain.explain_seconds("conflict")


def ask_face(window: MainWindow) -> None:
    window.workspace.explain.explain_face()


def compare(window: MainWindow) -> None:
    window.choosing.compare_with("fusion.majority")


def seconds_shown(window: MainWindow) -> bool:
    return bool(window.workspace.explain.seconds.parts)


def face_shown(window: MainWindow) -> bool:
    return window.workspace.explain.face.found is not None


def compared(window: MainWindow) -> bool:
    return window.workspace.lanes.fused.compares


STOP, KILL = signal.SIGSTOP, signal.SIGKILL


@pytest.fixture
def worker(opened: MainWindow, qtbot: QtBot) -> int:
    """The worker's process; a moment is chosen to be explained."""
    opened.workspace.player.seek(5.0)
    opened.workspace.explain_here()
    opened.conductor.analyst.warm_up()
    qtbot.waitUntil(lambda: opened.conductor.analyst.pid is not None, timeout=PATIENCE)
    pid = opened.conductor.analyst.pid
    assert pid is not None
    return pid


@pytest.mark.parametrize(
    ("ask", "answered", "number"),
    [
        (ask_seconds, seconds_shown, KILL),
        (ask_face, face_shown, STOP),
        (compare, compared, STOP),
        (compare, compared, KILL),
    ],
)
def test_it_is_told_and_the_button_does_it_again(
    opened: MainWindow, worker: int, qtbot: QtBot, ask: Asked, answered: Answered, number: signal.Signals
) -> None:
    os.kill(worker, STOP)
    begun: list[object] = []
    opened.conductor.analyst.began.connect(begun.append)
    opened.conductor.patience.set_interval(300)
    ask(opened)
    qtbot.waitUntil(lambda: bool(begun), timeout=PATIENCE)
    if number == KILL:
        opened.conductor.patience.set_interval(10 * PATIENCE)
        os.kill(worker, number)
    qtbot.waitUntil(lambda: bool(opened.message.text), timeout=PATIENCE)
    assert ("may hang" if number == STOP else "died") in opened.message.text
    assert opened.message.action == "Restart"
    assert not opened.document.analysing
    opened.conductor.patience.set_interval(10 * PATIENCE)
    opened.message.act()
    qtbot.waitUntil(lambda: answered(opened), timeout=PATIENCE)
    assert not opened.document.analysing  # nothing was lost of that
    assert opened.conductor.analyst.pid != worker


def test_what_answers_is_left_alone(opened: MainWindow, worker: int, qtbot: QtBot) -> None:
    """Also when it takes longer than all patience: it is heard of meanwhile, and after its end nobody waits for it."""
    silent: list[bool] = []
    opened.conductor.silent.connect(lambda: silent.append(True))
    found: list[Explanation | FaceExplanation] = []
    opened.conductor.explained.connect(lambda _, answer: found.append(answer))
    opened.workspace.explain.explain_face()
    qtbot.waitUntil(lambda: bool(found), timeout=PATIENCE)
    qtbot.waitUntil(lambda: opened.conductor._explaining is None, timeout=PATIENCE)
    opened.conductor.patience.set_interval(1)
    qtbot.wait(100)
    assert silent == []
