"""A clean exit at any moment: no process, thread, timer or temporary file is left, and it does not take long."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, MakeWindow

PATIENCE = 180_000
SECONDS = 20.0
"""An exit may take no longer, on whatever machine; two on a free one."""

RUN = """
import sys, time
from PySide6.QtCore import QTimer
from mien_desktop.app import application, run
app = application()
moment = float(sys.argv[1])
from pathlib import Path
def begin():
    window = next(w for w in app.topLevelWidgets() if type(w).__name__ == "MainWindow")
    window.open(Path(sys.argv[2]))
    window.conductor.analyse()
    QTimer.singleShot(int(moment * 1000), end)
def end():
    print("closing", flush=True)
    next(w for w in app.topLevelWidgets() if type(w).__name__ == "MainWindow").close()
QTimer.singleShot(0, begin)
print("running", flush=True)
sys.exit(run(library=sys.argv[3]))
"""


def starting(window: MainWindow, qtbot: QtBot) -> None:
    """Nothing has been done yet."""


def opening(window: MainWindow, qtbot: QtBot) -> None:
    window.open(DEMO)
    qtbot.wait(random.Random(1).randrange(30))


def playing(window: MainWindow, qtbot: QtBot) -> None:
    window.open(DEMO)
    window.workspace.player.play()
    qtbot.waitUntil(lambda: window.workspace.player.position > 0.1, timeout=PATIENCE)


def analysing_begins(window: MainWindow, qtbot: QtBot) -> None:
    window.open(DEMO)
    window.conductor.choose_fusion("fusion.majority")
    window.conductor.analyse()
    qtbot.wait(random.Random(2).randrange(200))


def explaining(window: MainWindow, qtbot: QtBot) -> None:
    window.open(DEMO)
    qtbot.waitUntil(lambda: bool(window.document.readings.parts), timeout=PATIENCE)
    window.conductor.explain("conflict", 5.0)
    qtbot.waitUntil(lambda: window.conductor.analyst.pid is not None, timeout=PATIENCE)


def loading_ahead(window: MainWindow, qtbot: QtBot) -> None:
    """The worker, for a fusion that nobody has chosen yet."""
    window.open(DEMO)
    qtbot.waitUntil(lambda: window.conductor.analyst.pid is not None, timeout=PATIENCE)
    qtbot.wait(random.Random(3).randrange(1000))


def exporting(window: MainWindow, qtbot: QtBot) -> None:
    window.open(DEMO)
    qtbot.waitUntil(lambda: bool(window.document.readings.parts), timeout=PATIENCE)
    window.show_export()
    dialog = window.rooms.export
    assert dialog is not None
    dialog.formats.want("video")
    dialog.folder.setText(str(Path(tempfile.gettempdir()).parent / "out"))
    dialog.begin()
    qtbot.waitUntil(lambda: dialog.job.runs and bool(_files(Path(dialog.folder.text()))), timeout=PATIENCE)


def checking(window: MainWindow, qtbot: QtBot) -> None:
    """The library, one that takes as long as one likes."""
    page = window.rooms.show_settings("data").data
    page.check()
    os.kill(page.care_pid, signal.SIGSTOP)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, here and in processes that are started."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(
    "moment", [starting, opening, playing, analysing_begins, explaining, loading_ahead, exporting, checking]
)
def test_nothing_is_left_behind(
    moment: Callable[[MainWindow, QtBot], None],
    place: Path,
    temporary: Path,
    tmp_path: Path,
    make_window: MakeWindow,
    qtbot: QtBot,
) -> None:
    before = _children()
    window = make_window(place)
    moment(window, qtbot)
    begun = time.monotonic()
    window.close()
    assert time.monotonic() - begun < SECONDS
    assert not window.isVisible()
    qtbot.waitUntil(lambda: _children() <= before, timeout=10_000)
    assert _files(temporary) == []
    assert _files(tmp_path / "out") == []  # a film that was not finished is none
    left = [name for name in _files(tmp_path / "mien-home") if Path(name).name.startswith(".")]
    assert left == []


def test_a_window_that_goes_at_once_takes_what_it_meant_to_do_later_along(
    tmp_path: Path, make_window: MakeWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch over every test finds a timer that is still there."""
    monkeypatch.setattr("mien_desktop.shell.window.LATER", 60_000)
    make_window(tmp_path / "none.db").close()


def test_the_application_ends(tmp_path: Path, temporary: Path) -> None:
    """A process of its own: the interpreter has to come to its end too, and nobody complains on the way."""
    command = [sys.executable, "-c", RUN, "0.7", str(DEMO), str(tmp_path / "library.db")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "running\nclosing\n"
    for word in ("Traceback", "QThread", "QObject", "terminate"):
        assert word not in done.stderr
    assert _files(temporary) == []


@pytest.mark.parametrize(
    ("number", "early"),
    [(signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, True), (signal.SIGHUP, False)],
)
def test_the_terminal_may_end_it(tmp_path: Path, temporary: Path, number: signal.Signals, early: bool) -> None:
    """In the middle of being made, and later; so may the system."""
    command = [sys.executable, "-c", RUN, "3600", str(DEMO), str(tmp_path / "library.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        deadline = time.monotonic() + (0.3 if early else 120)
        while not list(tmp_path.glob("library.db*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert _files(temporary) == []


def _files(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*") if path.is_file() and ".sock" not in path.name)


def _children() -> set[int]:
    """Processes below this one but for the one that Python keeps to tidy up after all others."""
    if not Path("/proc/self/stat").exists():
        return set()
    parents, told = {}, {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:  # bytes: others' processes are listed too, and a file's name is no text
                parents[int(folder.name)] = int((folder / "stat").read_bytes().rsplit(b")", 1)[1].split()[1])
                told[int(folder.name)] = (folder / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
    found, more = set(), {os.getpid()}
    while more:
        more = {pid for pid, parent in parents.items() if parent in more}
        found |= more
    return {pid for pid in found if b"resource_tracker" not in told[pid]}
