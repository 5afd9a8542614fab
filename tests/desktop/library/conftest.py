"""A real library file with media whose readings and words are known, and the page over it."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.library import Library
from mien.media.probe import probe
from mien.tracks import AROUSAL, CONFLICT, HOSTILITY, VALENCE, Curve, Spans
from mien.tracks.track import AnyTrack
from mien_desktop.library.queue import Queue
from mien_desktop.library.queue_view import QueueWindow
from mien_desktop.library.view import LibraryView
from mien_desktop.look.palette import DARK
from mien_desktop.work.background import Background
from mien_desktop.work.scanner import Scanner

WAIT = 20_000
HERE = Path(__file__).resolve().parent
MakeQueue = Callable[..., Queue]


def conflict(*values: float, step: float = 0.3) -> Curve:
    """Conflict every `step` seconds."""
    times = np.arange(len(values)) * step + step / 2
    return Curve("conflict.intensity", times, np.array(values, np.float32)[:, None], (CONFLICT,))


def affect(valence: float, arousal: float) -> Curve:
    """Both at one level for 3 s."""
    times = (np.arange(30) + 0.5) / 10
    values = np.tile(np.array([valence, arousal], np.float32), (30, 1))
    return Curve("emotion.attributes", times, values, (VALENCE, AROUSAL))


def fused(peak: float) -> Curve:
    """A fused score that reaches its peak once."""
    values = np.full((30, 1), 0.1, np.float32)
    values[20] = peak
    return Curve("fusion.score", (np.arange(30) + 0.5) / 10, values, (HOSTILITY,))


def said(*rows: tuple[float, float, str]) -> Spans:
    """A transcript."""
    return Spans.of("speech.transcript", [(start, end, "whisper", text, 0.9) for start, end, text in rows])


def put(library: Library, path: Path, *tracks: AnyTrack, medium: str | None = None) -> str:
    """Enter a file as the engine does, each track in a complete run; returns the medium's id."""
    probed = probe(path)
    entered = library.add_medium(probed, medium or probed.content_id())
    for track in tracks:
        run = library.begin_run(entered, key=f"key-{track.name}", analyzer=track.name, version="1.0.0")
        run.write(track)
        run.complete()
    return entered.id


def stock(place: Path, folder: Path, make_clip: Any) -> None:
    """Make four clips of different lengths, and a library with readings of them."""
    with Library(place) as library:
        put(
            library,
            make_clip(folder / "quarrel.mp4", 2.1),
            conflict(-0.9, 0.6, 0.8, 0.7, 0.9, 0.6, -0.9),
            affect(-0.6, 0.7),
            fused(0.92),
            said((0.2, 1.0, "you never let me finish"), (1.2, 1.9, "that is exactly the problem")),
        )
        put(
            library,
            make_clip(folder / "interview.mp4", 1.5),
            conflict(-0.9, 0.6, -0.9, -0.9),
            affect(0.4, -0.2),
            fused(0.31),
            said((0.25, 0.75, "we never agreed on the numbers"), (1.0, 1.4, "let me explain")),
        )
        put(library, make_clip(folder / "garden.mp4", 1.0), affect(0.5, 0.1), said((0.5, 1.0, "what a fine day")))
        put(library, make_clip(folder / "hum.m4a", 3.0, video=False), conflict(-0.9, -0.8))


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory, make_clip: Any) -> Path:
    """A folder with the clips and their library, made once."""
    made = tmp_path_factory.mktemp("stocked")
    stock(made / "library.db", made, make_clip)
    return made


@pytest.fixture
def clips(template: Path) -> Path:
    """Where the clips of `stocked` lie; they are to be left alone."""
    return template


@pytest.fixture
def stocked(template: Path, place: Path) -> Path:
    """A library of its own for the test, over clips that all share."""
    shutil.copy(template / "library.db", place)
    return place


@pytest.fixture
def movable(place: Path, folder: Path, make_clip: Any) -> Path:
    """The same with clips of its own."""
    stock(place, folder, make_clip)
    return place


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the test's library lies."""
    return tmp_path / "library.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the clips lie."""
    made = tmp_path / "clips"
    made.mkdir()
    return made


@pytest.fixture
def new_page(qtbot: QtBot, background: Background) -> Iterator[Callable[[Path], LibraryView]]:
    """Makes and shows the page over a library, which it then reads."""
    pages: list[LibraryView] = []

    def make(place: Path) -> LibraryView:
        page = LibraryView(place, background, DARK)
        pages.append(page)
        qtbot.addWidget(page)
        page.resize(1000, 640)
        page.show()
        page.refresh()
        return page

    yield make
    for page in pages:
        page.shutdown()


@pytest.fixture
def open_page(qtbot: QtBot, new_page: Callable[[Path], LibraryView]) -> Callable[[Path], LibraryView]:
    """The same, waiting until everything is read."""

    def ready(page: LibraryView) -> bool:
        return page.loaded and all(card.complete for card in page.model.cards.values())

    def open_it(place: Path) -> LibraryView:
        page = new_page(place)
        qtbot.waitUntil(partial(ready, page), timeout=WAIT)
        return page

    return open_it


@pytest.fixture
def page(open_page: Callable[[Path], LibraryView], stocked: Path) -> LibraryView:
    """The page over the four clips."""
    return open_page(stocked)


def choice(nap: float = 0.0) -> Choice:
    return Choice(analyzers=("slow",), fusion="", settings={"slow": {"nap": nap}}, device="cpu", threads=1)


@pytest.fixture(scope="module")
def plugins() -> Iterator[None]:
    """`slow_plugins` is listed in worker processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("MIEN_PLUGINS", "slow_plugins")
        patch.setenv("MIEN_ISOLATE", "0")  # it is the worker that is slow here
        patch.syspath_prepend(str(HERE))
        yield
    sys.modules.pop("slow_plugins", None)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's library lies."""
    return tmp_path_factory.mktemp("shelf") / "library.db"


@pytest.fixture(scope="module")
def registry(plugins: None) -> Registry:
    """What is installed, and `slow_plugins`."""
    return Registry.load()


@pytest.fixture(scope="module")
def scanner(registry: Registry, shelf: Path, qapp: QApplication) -> Iterator[Scanner]:
    """One worker for all tests that do not end it."""
    made = Scanner(str(shelf), lambda: registry)
    made.go([], choice(), 1)
    rest(made)
    yield made
    made.close()
    assert multiprocessing.active_children() == []


@pytest.fixture
def make_queue(scanner: Scanner, tmp_path: Path) -> Iterator[MakeQueue]:
    """Makes queues that are ended with the test."""
    made: list[Queue] = []

    def make(nap: float = 0.0, worker: Scanner = scanner, every: float = 5.0) -> Queue:
        made.append(Queue(worker, lambda: choice(nap), tmp_path / "queue.json", every=every))
        return made[-1]

    yield make
    for queue in made:
        queue.shutdown()
    rest(scanner)


def rest(scanner: Scanner) -> None:
    """Wait until what was held is through, so that the next test does not hear of it."""
    until = time.monotonic() + WAIT / 1000
    while scanner.busy and time.monotonic() < until:
        QApplication.processEvents()
        time.sleep(0.01)


@pytest.fixture
def show(qtbot: QtBot) -> Iterator[Callable[[Queue], QueueWindow]]:
    """Shows the window over a queue."""
    windows: list[QueueWindow] = []

    def make(queue: Queue) -> QueueWindow:
        window = QueueWindow(queue, DARK)
        windows.append(window)
        window.show()
        window.activateWindow()  # shortcuts belong to the active window
        qtbot.waitUntil(window.isActiveWindow, timeout=WAIT)
        return window

    yield make
    for window in windows:
        window.shutdown()


def states(queue: Queue) -> dict[str, str]:
    return {item.path.name: item.state for item in queue.items}


def settled(queue: Queue, count: int) -> bool:
    return len(queue.items) == count and not queue.busy and all(i.state in ("done", "failed") for i in queue.items)


def running(queue: Queue) -> bool:
    return any(item.state == "running" and item.progress > 0.0 for item in queue.items)


def stop(queue: Queue) -> bool:
    return not queue.busy
