"""Parts are dressed one by one, those that are seen first and as one picture, the others before they are seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QMenuBar, QPushButton, QTabWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from mien_desktop.look.palette import DARK, LIGHT, Palette
from mien_desktop.look.wardrobe import Wardrobe


@pytest.fixture
def wardrobe(qapp: QApplication) -> Iterator[Wardrobe]:
    made = Wardrobe(qapp, DARK)
    yield made
    made.shutdown()


class Page(QWidget):
    """Keeps what it was handed."""

    def __init__(self) -> None:
        super().__init__()
        self.worn: list[Palette] = []
        self.title = QLabel("Title")
        self.title.setProperty("kind", "title")
        self.button = QPushButton("Go")
        box = QVBoxLayout(self)
        box.addWidget(self.title)
        box.addWidget(self.button)


@pytest.fixture
def tabs(qtbot: QtBot, wardrobe: Wardrobe) -> QTabWidget:
    """Two pages, of which the first is seen."""
    made = QTabWidget()
    qtbot.addWidget(made)
    for name in ("one", "two"):
        page = Page()
        made.addTab(page, name)
        wardrobe.add(page, page.worn.append)
    made.show()
    qtbot.waitExposed(made)
    return made


def of(tabs: QTabWidget, number: int) -> Page:
    page = tabs.widget(number)
    assert isinstance(page, Page)
    return page


def ground(page: Page) -> str:
    """The colour in the middle of its button's left edge."""
    picture = page.button.grab().toImage()
    return picture.pixelColor(8, picture.height() // 2).name()


def test_what_is_seen_changes_first_and_the_rest_before_it_is_seen(
    tabs: QTabWidget, wardrobe: Wardrobe, qtbot: QtBot
) -> None:
    first, second = of(tabs, 0), of(tabs, 1)
    assert ground(first) == DARK.raised
    wardrobe.change(LIGHT, 1.5)
    assert not tabs.updatesEnabled(), "nothing half changed is painted"
    wardrobe._next()
    assert ground(first) == LIGHT.raised
    assert first.button.font().pixelSize() == 20
    assert (first.worn, second.worn) == ([LIGHT], [])
    assert not wardrobe.settled
    wardrobe.add(QMenuBar(tabs))  # something new meanwhile
    tabs.setCurrentIndex(1)  # before any other event
    assert (first.worn, second.worn) == ([LIGHT], [LIGHT])
    assert second.title.font().pixelSize() == 33
    assert ground(second) == LIGHT.raised
    qtbot.waitUntil(lambda: wardrobe.settled)
    assert tabs.updatesEnabled()


def test_hidden_parts_follow_by_themselves_and_only_once(tabs: QTabWidget, wardrobe: Wardrobe, qtbot: QtBot) -> None:
    wardrobe.change(LIGHT, 1.0)
    wardrobe.change(DARK, 1.25)
    qtbot.waitUntil(lambda: wardrobe.settled)
    assert of(tabs, 0).worn == of(tabs, 1).worn == [DARK]
    tabs.setCurrentIndex(1)
    assert of(tabs, 1).worn == [DARK]


def test_a_part_that_is_gone_is_forgotten(tabs: QTabWidget, wardrobe: Wardrobe, qtbot: QtBot) -> None:
    gone = of(tabs, 1)
    gone.deleteLater()
    qtbot.waitUntil(lambda: not shiboken6.isValid(gone))
    wardrobe.change(LIGHT, 1.0)
    qtbot.waitUntil(lambda: wardrobe.settled)


def test_what_pops_up_over_a_part_looks_like_it(tabs: QTabWidget, wardrobe: Wardrobe, qtbot: QtBot) -> None:
    menu = QMenu(of(tabs, 0))
    menu.addAction("Cut")
    wardrobe.change(LIGHT, 1.0)
    qtbot.waitUntil(lambda: wardrobe.settled)
    menu.popup(tabs.pos())
    qtbot.waitExposed(menu)
    assert menu.grab().toImage().pixelColor(3, 3).name() == LIGHT.raised
    menu.close()
