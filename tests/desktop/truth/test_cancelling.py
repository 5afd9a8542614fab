"""What takes long on the Truth tab is cancelled, closed, and holds nothing else up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

from .conftest import compare, figures, labels

Load = Callable[..., None]
Desk = Any  # the class of the same name in conftest.py


def test_reading_is_cancelled_and_the_figures_before_stay(qtbot: QtBot, desk: Desk, loaded: Load, table: str) -> None:
    loaded()
    panel, before = desk.panel, figures(desk)
    large = desk.folder / "large.csv"
    large.write_text("medium,start,end,arousal\n" + "anna.mp4,0,1,0.5\n" * 200_000)
    panel.load([large])
    assert panel.cancel_button.isVisible()
    panel.cancel_button.click()
    qtbot.waitUntil(lambda: not panel.working, timeout=20_000)
    assert panel._progress.text() == "Stopped."
    assert panel.problem == ""
    assert figures(desk) == before
    with qtbot.waitSignal(panel.scored, timeout=20_000):
        panel.look_again()  # the labels before are those that count
    assert figures(desk) == before


def test_decisions_do_not_wait_for_labels_that_are_read(qtbot: QtBot, desk: Desk, tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    head, *rows = labels().splitlines(keepends=True)
    large.write_text(head + "".join(rows) + "elsewhere.mp4,0,1,0.5\n" * 100_000)  # takes a second
    desk.panel.load([large])
    done: list[int] = []
    desk.panel._background.run(lambda: 1, done.append)
    qtbot.waitUntil(lambda: done == [1], timeout=20_000)
    assert desk.panel.working
    qtbot.waitUntil(lambda: not desk.panel.working, timeout=60_000)
    assert "elsewhere.mp4" in desk.panel.problem  # it was read to its end


def test_comparing_is_cancelled(qtbot: QtBot, desk: Desk, loaded: Load) -> None:
    loaded()
    panel = desk.panel
    gate = threading.Event()
    panel._background.run(lambda: gate.wait(20.0))  # the library is busy
    panel.choice.choose("emotion")
    assert panel.working
    panel.cancel_button.click()
    gate.set()
    assert not panel.working
    with qtbot.assertNotEmitted(panel.scored, wait=200):
        pass
    assert panel.result is None  # figures of the column before would mislead
    assert figures(desk) == {}
    assert not panel.export_button.isEnabled()
    panel.grab()
    compare(qtbot, desk, "emotion")
    assert "UAR" in figures(desk)


def test_closing_does_not_wait_for_labels_that_are_read(qtbot: QtBot, desk: Desk) -> None:
    large = desk.folder / "large.csv"
    large.write_text("medium,start,end,arousal\n" + "anna.mp4,0,1,0.5\n" * 500_000)
    desk.panel.load([large])
    began = time.monotonic()
    desk.panel.shutdown()
    assert not desk.panel.reading.runs
    assert time.monotonic() - began < 2.0  # the whole takes several
