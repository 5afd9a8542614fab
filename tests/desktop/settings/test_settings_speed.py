"""The self-test: real models on the CPU in a process of its own, cancelled at any moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from mien import config
from mien.engine.backend import Backend
from mien.engine.registry import Registry
from mien_desktop.settings import speed
from mien_desktop.settings.dialog import SettingsDialog

Make = Callable[..., SettingsDialog]
LONG = 120_000  # ms; loading torch on a crowded machine takes tens of seconds


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_it_shows_a_figure_for_the_cpu_and_is_cancelled(settings: Make, qtbot: QtBot) -> None:
    config.save({"threads": 1})  # threads that wait for each other take forever on a crowded machine
    dialog = settings()
    dialog.open_page("device")
    page = dialog.device
    page.start.click()
    assert page.testing
    pid = page.test_pid
    qtbot.waitUntil(lambda: bool(page.table.results()), timeout=LONG)
    (device, precision, plugin), rate = next(iter(page.table.results().items()))
    assert (device, precision) == ("cpu", "float32")
    assert plugin in dialog.plugins.chooser._items
    assert rate > 0
    page.cancel.click()
    assert not page.testing
    assert _gone(pid)
    assert page.start.isVisible()
    assert page.table.results()


def test_what_a_model_really_ran_in_is_shown(
    settings: Make, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the row of bfloat16: the voice's nets know float32 alone on the CPU, the text's computes as it is asked to."""
    monkeypatch.setattr(speed, "BUDGET", 0.01)
    registry = Registry.load()
    for plugin in ("emotion", "text"):
        speed.measure(registry.analyzer(plugin), Backend("cpu", "bfloat16", "CPU", 1))
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    dialog = settings()
    dialog.open_page("device")
    table = dialog.device.table
    table.clear_results()
    for answer in answers:
        table.take(answer)
    assert table.computed("cpu", "bfloat16", "emotion") == ("cpu", "float32")
    assert table.computed("cpu", "bfloat16", "text") == ("cpu", "bfloat16")
    texts = {plugin: table.item(0, column).text() for plugin, column in table._columns.items()}  # type: ignore[union-attr]
    assert texts["emotion"].splitlines()[1:] == ["float32"]
    assert texts["text"].splitlines()[1:] == []


def test_leaving_the_dialog_ends_it(settings: Make, qtbot: QtBot) -> None:
    dialog = settings()
    dialog.open_page("device")
    dialog.device.test()
    qtbot.waitUntil(lambda: dialog.device.test_pid != 0, timeout=LONG)
    pid = dialog.device.test_pid
    dialog.hide()
    assert not dialog.device.testing
    assert _gone(pid)


def test_the_process_ends_with_the_window() -> None:
    """Even a window that is killed leaves no measuring process behind: its standard input ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mien_desktop.settings.speed", "--devices"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.close()
    assert process.stdout is not None
    lines = [json.loads(line) for line in process.stdout]
    process.wait(timeout=60)
    process.stdout.close()
    assert process.returncode == 0
    assert all(line["kind"] == "device" for line in lines)
