"""Another fusion, and two results beside each other on the same lanes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from mien.config import log_dir
from mien_desktop.shell.conduct import RUN
from mien_desktop.shell.window import MainWindow

from .conftest import PATIENCE, MakeWindow


def settle(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until the analysis that was asked for has ended and the library's answer is shown."""
    qtbot.waitUntil(lambda: not window.document.analysing and window.conductor._job is None, timeout=PATIENCE)


def test_only_the_fusion_runs_again(opened: MainWindow, qtbot: QtBot) -> None:
    before = opened.document.readings.get("fusion.score")
    box = opened.tools.fusion
    box.setCurrentIndex(box.findData("fusion.majority"))
    box.activated.emit(box.currentIndex())
    qtbot.waitUntil(lambda: opened.document.readings.get("fusion.score") is not before, timeout=PATIENCE)
    settle(opened, qtbot)
    states = {plugin: standing.state for plugin, standing in opened.document.standings.items()}
    assert states.pop("fusion.majority") == "done"
    assert set(states.values()) == {"cached"}
    # And back, with the worker warm: within a second, of which a crowded machine is granted more.
    begun = time.monotonic()
    box.setCurrentIndex(box.findData("fusion.late"))
    box.activated.emit(box.currentIndex())
    majority = opened.document.readings.get("fusion.score")
    qtbot.waitUntil(lambda: opened.document.readings.get("fusion.score") is not majority, timeout=PATIENCE)
    assert time.monotonic() - begun < 5.0
    settle(opened, qtbot)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into the worker in /proc")
@pytest.mark.parametrize("fusion", ["fusion.majority", "fusion.hierarchical"])
def test_the_first_fusion_after_opening_finds_everything_loaded(opened: MainWindow, qtbot: QtBot, fusion: str) -> None:
    """Nobody asks for it: opening a saved analysis is enough. A trained fusion's net finds its libraries there as well."""
    analyst = opened.conductor.analyst
    qtbot.waitUntil(lambda: analyst.pid is not None, timeout=PATIENCE)
    pid = analyst.pid
    assert pid is not None
    log = log_dir() / "desktop.log"
    told = f" {pid} INFO mien.engine.ahead: loaded ahead: what fusions need"
    qtbot.waitUntil(lambda: log.exists() and told in log.read_text(encoding="utf-8"), timeout=PATIENCE)
    assert opened.conductor._job is None
    before = libraries(pid)
    assert {"libtorch_cpu", "_safetensors_rust"} <= before
    fused = opened.document.readings.get("fusion.score")
    opened.conductor.choose_fusion(fusion)
    qtbot.waitUntil(lambda: opened.document.readings.get("fusion.score") is not fused, timeout=PATIENCE)
    settle(opened, qtbot)
    assert opened.document.standings[fusion].state == "done"
    assert analyst.pid == pid
    assert libraries(pid) - before == set()


def test_the_worker_is_there_before_anything_is_opened(make_window: MakeWindow, tmp_path: Path, qtbot: QtBot) -> None:
    """Whoever looks at the welcome page for a moment finds it loaded, too; a window that is closed leaves none."""
    window = make_window(tmp_path / "new.db")
    qtbot.waitUntil(lambda: window.conductor.analyst.pid is not None, timeout=PATIENCE)
    pid = window.conductor.analyst.pid
    window.open_demo()
    qtbot.waitUntil(lambda: window.document.path is not None, timeout=PATIENCE)
    assert window.conductor.analyst.pid == pid
    window.close()
    qtbot.waitUntil(lambda: not Path(f"/proc/{pid}").exists(), timeout=PATIENCE)


def libraries(pid: int) -> set[str]:
    """Names of the compiled libraries that a process has loaded."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {Path(line.split()[-1]).name.split(".")[0] for line in lines if ".so" in line}


def test_another_fusion_and_an_earlier_run_are_drawn_on_the_same_lane(opened: MainWindow, qtbot: QtBot) -> None:
    fused = opened.workspace.lanes.fused
    with qtbot.waitSignal(opened.conductor.compared, timeout=PATIENCE, check_params_cb=bool):
        opened.conductor.choose_comparison("fusion.majority")
    assert fused.compares
    own = opened.document.readings.get("fusion.score")
    assert own is not None
    assert own.provenance is not None
    assert own.provenance.analyzer == "fusion.late"
    opened.conductor.choose_comparison("")
    assert not fused.compares
    # With the majority's vote in use, the weighted one is an earlier run.
    opened.conductor.choose_fusion("fusion.majority")
    with qtbot.waitSignal(opened.conductor.earlier_found, timeout=PATIENCE, check_params_cb=lambda _: True):
        settle(opened, qtbot)


def test_another_parameter_is_compared_with_the_run_before(opened: MainWindow, qtbot: QtBot) -> None:
    """Set in the form that is made of the plugin's parameters."""
    conductor = opened.conductor
    settings = opened.rooms.show_settings("plugins")
    chooser = settings.plugins.chooser
    chooser.select("fusion.late")
    line = next(e for e in chooser.form("fusion.late").findChildren(QLineEdit) if e.accessibleName() == "Text")
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, "0.9")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: conductor.choice.settings == {"fusion.late": {"text": 0.9}}, timeout=PATIENCE)
    settings.hide()
    found: list[list[object]] = []
    conductor.earlier_found.connect(found.append)
    conductor.analyse()
    settle(opened, qtbot)
    qtbot.waitUntil(lambda: bool(found and found[-1]), timeout=PATIENCE)
    (run,) = found[-1]
    assert run.label == "Weighted late fusion: text 0.4"  # type: ignore[attr-defined]
    place = opened.tools.compare.findData(RUN + run.id)  # type: ignore[attr-defined]
    assert place > 0
    opened.tools.compare.setCurrentIndex(place)
    opened.tools.compare.activated.emit(place)
    qtbot.waitUntil(lambda: opened.workspace.lanes.fused.compares, timeout=PATIENCE)
