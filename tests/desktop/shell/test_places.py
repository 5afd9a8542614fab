"""Every control of every room has its place in a window of 1280 × 720, whatever the size of text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from mien_desktop.settings.page import TITLES
from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, PATIENCE
from .places import misplaced

SCALES = (1.0, 1.5, 2.0)
Look = Callable[..., None]


@pytest.fixture(params=SCALES)
def scale(request: pytest.FixtureRequest) -> float:
    """Size of the text."""
    return float(request.param)


@pytest.fixture
def small(opened: MainWindow, qtbot: QtBot, scale: float) -> MainWindow:
    """The window as small as it is meant to be used."""
    opened.set_text_scale(scale)
    opened.resize(1280, 720)
    return opened


@pytest.fixture
def look(small: MainWindow, qtbot: QtBot, scale: float) -> Look:
    """Looks at a window as it is when nothing moves any more; a dialog is as large as it opens on a screen of 1280 × 720."""

    def at(window: QWidget, what: str, size: tuple[int, int] | None = None) -> None:
        if size is not None:
            width, height = (
                max(one, min(round(one * scale), most)) for one, most in zip(size, (1240, 660), strict=True)
            )
            window.resize(width, height)
        qtbot.waitUntil(lambda: small.wardrobe.settled, timeout=PATIENCE)
        last, same = [""], 0
        while same < 3:  # layouts within layouts come to rest one after the other
            qtbot.wait(20)
            now = misplaced(window)
            same, last = (same + 1 if now == last else 0), now
        assert not last, f"{what}: {last}"
        assert window.width() <= 1280, what
        assert window.height() <= 720, what

    return at


def test_in_the_main_window(small: MainWindow, look: Look, qtbot: QtBot, tmp_path: Path) -> None:
    space, events = small.workspace, small.workspace.events
    look(small, "transcript")
    small.message.tell("The worker has said nothing for a minute: it may hang. What is complete is kept.", "Restart")
    space.find_words()
    space.transcript.search.setText("you")
    look(small, "search, and a message")
    small.message.dismiss()
    space.tabs.setCurrentWidget(events)
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(0.4)
    qtbot.waitUntil(lambda: len(events.events) > 0, timeout=PATIENCE)
    events.choose(events.events[0])
    space.timeline.select(3.0, 5.0)
    look(small, "events")
    space.explain_here()
    look(small, "explain")
    space.explain.explain(5.0)
    space.explain.ask_face.click()
    qtbot.waitUntil(lambda: not space.explain.asking_face.computing, timeout=PATIENCE)
    assert space.explain.face.isVisible()
    look(small, "a face explained")
    space.tabs.setCurrentWidget(space.truth)
    look(small, "truth, empty")
    labels = [f"{DEMO.name},{n},{n + 2},{n % 5 / 5 - 0.4},happy,yes,you" for n in range(0, 20, 2)]
    table = tmp_path / "labels.csv"
    table.write_text("medium,start,end,arousal,emotion,offensive,text\n" + "\n".join(labels) + "\n")
    with qtbot.waitSignal(space.truth.scored, timeout=PATIENCE):
        space.truth.load([table])
    look(small, "truth")
    for name in ("emotion", "offensive", "text"):
        with qtbot.waitSignal(space.truth.scored, timeout=PATIENCE):
            space.truth.choice.choose(name, "")
        look(small, f"truth of {name}")
    library = small.rooms.show_library()
    qtbot.waitUntil(lambda: library.loaded and library.model.rowCount() == 1, timeout=PATIENCE)
    look(small, "library")
    library.search("you")
    look(small, "library, searched")
    small.close_medium()
    look(small, "welcome")


def test_in_the_settings(small: MainWindow, look: Look) -> None:
    settings = small.rooms.settings_made()
    for page in TITLES:
        small.rooms.show_settings(page)
        look(settings, page, (1040, 680))
    small.rooms.show_settings("plugins")
    for tab in (1, 0):
        settings.plugins.tabs.setCurrentIndex(tab)
        look(settings, settings.plugins.tabs.tabText(tab), (1040, 680))
    for plugin in (*small.registry.analyzers, *small.registry.fusions):
        settings.plugins.chooser.select(plugin)
        look(settings, plugin, (1040, 680))
    settings.hide()


def test_in_the_dialogs(small: MainWindow, look: Look) -> None:
    queue = small.rooms.show_queue()
    look(queue, "queue", (920, 560))
    queue.hide()
    export = small.rooms.show_export()
    for name in small.registry.exporters:
        export.formats.select(name)
        look(export, name, (880, 620))
    export.hide()
