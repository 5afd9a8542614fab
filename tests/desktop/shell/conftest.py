"""The real window over a real library: one analysis of the demo clip for all tests, a copy of it for each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mien_desktop.shell.window import MainWindow

DEMO = Path(str(files("mien_resources") / "demo" / "demo.mp4"))
PATIENCE = 180_000
"""ms to wait for the worker at most; it takes seconds on a quiet machine."""

STOPPED = 2.0
"""s from a cancel until the work has ended."""

MakeWindow = Callable[..., MainWindow]


def worked(pid: int) -> float:
    """s of processor time that a process has used, the same on a crowded machine; 0 where the system does not say, or when it
    has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def work_until(qtbot: QtBot, pid: int, ended: Callable[[], bool]) -> float:
    """Wait for that; s of processor time that a process used meanwhile, for each core."""
    seen = [worked(pid)]

    def looked() -> bool:
        seen.append(max(seen[-1], worked(pid)))
        return ended()

    qtbot.waitUntil(looked, timeout=PATIENCE)
    return (seen[-1] - seen[0]) / (os.cpu_count() or 1)


@pytest.fixture(scope="session")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that holds the demo clip, analysed by the command line."""
    folder = tmp_path_factory.mktemp("analysed")
    command = [
        sys.executable,
        "-c",
        "from mien.cli.app import main; main()",
        "analyze",
        str(DEMO),
        "--library",
        str(folder / "library.db"),
        "--quiet",
    ]
    environment = {**os.environ, "MIEN_HOME": str(folder / "home"), "MIEN_OFFLINE": "1"}
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=300)
    return folder / "library.db"


@pytest.fixture
def place(analysed: Path, tmp_path: Path) -> Path:
    """A copy of that library for one test."""
    for file in analysed.parent.glob("library.db*"):
        if file.is_file():
            shutil.copyfile(file, tmp_path / file.name)
    return tmp_path / "library.db"


@pytest.fixture
def make_window(qtbot: QtBot) -> Iterator[MakeWindow]:
    """Opens windows, and ends each with everything that it started."""
    made: list[MainWindow] = []

    def make(library: Path) -> MainWindow:
        window = MainWindow(library=str(library))
        made.append(window)
        window.conductor.patience.set_interval(
            10 * PATIENCE
        )  # on a crowded machine a worker may be silent for a minute
        window.resize(1280, 720)
        window.show()
        qtbot.waitExposed(window)
        return window

    yield make
    for window in made:
        window.close()
        window.deleteLater()


@pytest.fixture
def window(make_window: MakeWindow, place: Path) -> MainWindow:
    """A window over the library that knows the demo clip."""
    return make_window(place)


@pytest.fixture
def opened(window: MainWindow, qtbot: QtBot) -> MainWindow:
    """The same with the demo clip open, its readings loaded, its first picture on show."""
    window.open(DEMO)
    player = window.workspace.player
    qtbot.waitUntil(lambda: bool(window.document.readings.parts) and player.frame is not None, timeout=PATIENCE)
    return window


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """Another medium: the end of the demo clip."""
    import av

    path = tmp_path / "other.mp4"
    with av.open(str(DEMO)) as source, av.open(str(path), "w") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams if s.type in ("video", "audio")}
        for packet in source.demux():
            if packet.dts is not None and packet.stream.index in streams and float(packet.pts * packet.time_base) < 6.0:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return path
