"""The ways to begin: drop zone, demo clip, recent media, the file dialog; a page without a medium shows them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from mien.engine.registry import Registry
from mien.models import store
from mien_desktop.shell.offers import offers
from mien_desktop.shell.window import MainWindow
from mien_desktop.welcome.page import DropZone

from .conftest import DEMO, PATIENCE, MakeWindow

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(make_window: MakeWindow, tmp_path: Path) -> MainWindow:
    """Over an empty library: nothing has to be analysed to begin."""
    return make_window(tmp_path / "empty.db")


def drop(widget: DropZone, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(widget.rect().center()), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier
    )
    widget.dropEvent(event)


def recent(window: MainWindow) -> dict[str, QPushButton]:
    page = window.welcome
    rows = [row for row in page.findChildren(QPushButton) if row not in (page.demo, page.models)]
    return {row.accessibleName(): row for row in rows if row.property("kind") == "row" and row.isVisible()}


def test_the_welcome_page_opens_what_is_dropped_the_demo_and_what_was_open_before(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    copy = tmp_path / "a copy.mp4"
    copy.write_bytes(DEMO.read_bytes())
    assert recent(window) == {}
    drop(window.welcome.drop, copy)
    assert window.document.path == copy
    window.close_medium()
    assert window.pages.currentWidget() is window.welcome
    qtbot.mouseClick(window.welcome.demo, LEFT)
    assert window.document.path is not None
    assert window.document.path.name == "demo.mp4"
    qtbot.waitUntil(lambda: window.workspace.player.frame is not None, timeout=PATIENCE)
    window.close_medium()
    qtbot.waitUntil(lambda: list(recent(window)) == ["Open demo.mp4", "Open a copy.mp4"], timeout=PATIENCE)
    qtbot.mouseClick(recent(window)["Open a copy.mp4"], LEFT)
    assert window.document.path == copy
    window.close_medium()
    copy.unlink()
    window.welcome.show_recent(window.state.recent)
    qtbot.waitUntil(lambda: [row.isEnabled() for row in recent(window).values()] == [False, True], timeout=PATIENCE)
    assert list(recent(window)) == ["Open a copy.mp4", "Open demo.mp4"]


def test_all_ways_to_begin_are_seen_without_scrolling(window: MainWindow, qtbot: QtBot) -> None:
    """In the smallest window of the promise: the buttons, what is recent, what is installed and what could be."""
    page, told = window.welcome, ("Recent", "What reads", "What is said")

    def titles() -> list[QLabel]:
        could = "could be trained", "could be installed"
        seen = (label for label in page.findChildren(QLabel) if label.isVisible())
        return [label for label in seen if label.text() in told or label.text().endswith(could)]

    qtbot.waitUntil(lambda: len(titles()) == len(told) + 2, timeout=PATIENCE)
    for part in (page.drop, page.demo, page.library, page.models, *titles()):
        assert part.visibleRegion().boundingRect() == part.rect(), part.accessibleName()
    (page_of,) = page.findChildren(QScrollArea)
    assert page_of.verticalScrollBar().maximum() == 0


def test_a_file_is_chosen_in_a_dialog(window: MainWindow, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    asked: list[str] = []

    def choose(_: QWidget, title: str, *__: object) -> tuple[str, str]:
        asked.append(title)
        return (str(DEMO) if len(asked) > 1 else ""), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)  # the system's own, which no test can press
    qtbot.mouseClick(window.welcome.drop._open, LEFT)
    assert window.document.path is None, "nothing was chosen"
    window.tools._opener.click()
    assert window.document.path == DEMO
    assert asked == ["Open a video or a sound file"] * 2


def test_what_lacks_its_weights_is_no_reader_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry.load()
    vote = registry.analyzers["classical.vote"]
    there = set(vote.models)
    is_installed = store.is_installed
    monkeypatch.setattr(store, "is_installed", lambda model: model not in there and is_installed(model))
    (could,) = (o for o in offers(registry) if o.title.endswith("could be trained"))
    assert not could.there
    assert vote.title not in " ".join(o.detail for o in offers(registry) if o.there)
    more = int(could.title.split()[0])
    monkeypatch.setattr(store, "is_installed", lambda model: model in there or is_installed(model))
    (could,) = (o for o in offers(registry) if o.title.endswith("could be trained"))
    assert int(could.title.split()[0]) == more - 1  # its model is there now
    assert vote.title in " ".join(o.detail for o in offers(registry) if o.there)
