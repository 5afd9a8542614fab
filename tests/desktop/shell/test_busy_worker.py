"""While the worker is busy or hangs, the window is not: cancel is at once, what is small is done beside what is long."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, STOPPED, MakeWindow, work_until

PATIENCE = 180_000
"""ms; two workers are started in one test, on a machine that may be crowded."""
FREE = 2.0
"""s from a cancel until the window is free again; a crowded machine is granted more."""


def idle(window: MainWindow) -> bool:
    return not window.document.analysing and window.conductor._job is None


def fused_by(window: MainWindow) -> str:
    track = window.document.readings.get("fusion.score")
    return track.provenance.analyzer if track is not None and track.provenance is not None else ""


def test_another_fusion_does_not_wait_for_an_explanation(opened: MainWindow, qtbot: QtBot) -> None:
    conductor = opened.conductor
    answers: list[str] = []
    conductor.unexplained.connect(answers.append)
    conductor.analyst.warm_up()
    qtbot.waitUntil(lambda: conductor.analyst.pid is not None, timeout=PATIENCE)
    pid = conductor.analyst.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # an explanation that takes as long as one likes
    conductor.explain("conflict", 12.0)
    assert fused_by(opened) == "fusion.late"
    conductor.choose_fusion("fusion.majority")
    qtbot.waitUntil(lambda: fused_by(opened) == "fusion.majority" and idle(opened), timeout=PATIENCE)
    assert not answers
    aside = conductor.analyst.pid_aside
    assert aside not in (None, pid)
    conductor.cancel_explanation()
    qtbot.waitUntil(lambda: bool(answers), timeout=PATIENCE)
    opened.close()
    assert aside is not None
    qtbot.waitUntil(lambda: not _alive(pid) and not _alive(aside), timeout=PATIENCE)


def test_the_death_of_a_given_up_explanation_is_not_the_end_of_the_next(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    conductor, panel = opened.conductor, opened.workspace.explain
    dead: list[int] = []
    begun: list[int] = []
    conductor.analyst.died.connect(lambda job, _: dead.append(job.number))
    conductor.analyst.began.connect(lambda job: begun.append(job.number))
    conductor.analyst.warm_up()
    qtbot.waitUntil(lambda: conductor.analyst.pid is not None, timeout=PATIENCE)
    pid = conductor.analyst.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # it does not come to answer before it dies
    with monkeypatch.context() as patient:
        patient.setattr("mien.engine.worker.GRACE", PATIENCE)  # s; nor is it ended by force
        panel.explain(5.0)
        panel.asking_seconds.buttons[1].click()
        first = conductor._explaining
        assert first is not None
        qtbot.waitUntil(lambda: first.number in begun, timeout=PATIENCE)  # one that waits is dropped, and nothing dies
        panel.explain(12.0)  # the first is given up for this one
        panel.asking_seconds.buttons[1].click()
        second = conductor._explaining
        assert second is not None
        os.kill(pid, signal.SIGKILL)
        qtbot.waitUntil(lambda: bool(dead), timeout=PATIENCE)
    assert dead == [first.number]
    assert conductor._explaining is second
    assert panel.asking_seconds.computing
    assert panel.asking_seconds.text.startswith("Reading the sound again")
    conductor.cancel_explanation()
    qtbot.waitUntil(lambda: conductor._explaining is None, timeout=PATIENCE)


def test_a_fusion_chosen_meanwhile_follows_the_analysis(opened: MainWindow, qtbot: QtBot) -> None:
    said: list[str] = []
    opened.conductor.noted.connect(said.append)
    opened.conductor.analyse()
    opened.conductor.choose_fusion("fusion.majority")
    assert said == ["worker: analysing, then: Hard majority vote"]
    qtbot.waitUntil(lambda: fused_by(opened) == "fusion.majority" and idle(opened), timeout=PATIENCE)
    states = {plugin: standing.state for plugin, standing in opened.document.standings.items()}
    assert states.pop("fusion.majority") == "done"
    assert set(states.values()) == {"cached"}


@pytest.mark.parametrize("moment", ["starting", "reading"])
def test_a_cancel_is_shown_at_once_and_carried_out_soon(
    make_window: MakeWindow, tmp_path: Path, qtbot: QtBot, moment: str
) -> None:
    window = make_window(tmp_path / "new.db")
    window.open(DEMO)
    window.conductor.analyse()
    if moment == "reading":
        qtbot.waitUntil(lambda: bool(window.document.readings.parts), timeout=PATIENCE)
    qtbot.waitUntil(lambda: window.conductor.analyst.pid is not None, timeout=PATIENCE)
    pid = window.conductor.analyst.pid
    assert pid is not None
    begun = time.monotonic()
    qtbot.mouseClick(window.tools.analyse, Qt.MouseButton.LeftButton)
    assert window.tools.analyse.text() == "Stopping …"
    assert not window.tools.analyse.isEnabled()
    assert work_until(qtbot, pid, lambda: idle(window)) < STOPPED
    assert time.monotonic() - begun < 5 * FREE
    assert window.tools.analyse.text() == "Analyse"
    assert window.tools.analyse.isEnabled()
    assert window.message.text == ""


def test_a_cancel_gets_rid_of_a_worker_that_hangs(make_window: MakeWindow, tmp_path: Path, qtbot: QtBot) -> None:
    window = make_window(tmp_path / "new.db")
    window.open(DEMO)
    window.conductor.analyse()
    qtbot.waitUntil(lambda: bool(window.document.standings), timeout=PATIENCE)
    pid = window.conductor.analyst.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    begun = time.monotonic()
    window.conductor.cancel()
    qtbot.waitUntil(lambda: idle(window), timeout=PATIENCE)
    assert time.monotonic() - begun < 5 * FREE
    assert not _alive(pid)
    # The next analysis has a new worker.
    window.conductor.analyse()
    qtbot.waitUntil(lambda: bool(window.document.readings.parts), timeout=PATIENCE)
    window.conductor.cancel()
    qtbot.waitUntil(lambda: idle(window), timeout=PATIENCE)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
