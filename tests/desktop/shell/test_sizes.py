"""Sizes: what is looked at moves nothing else, and everything has its place in a small window."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from mien_desktop.shell.window import MainWindow

from .conftest import MakeWindow

Sizes = tuple[list[int], list[int]]


def at_rest(window: MainWindow, qtbot: QtBot) -> Sizes:
    """The splitters' sizes when nothing moves any more: the same after many turns of the event loop."""
    space = window.workspace
    last: Sizes = ([], [])
    same = 0
    while same < 8:
        qtbot.wait(10)
        now = space.upper.sizes(), space.all.sizes()
        same, last = (same + 1 if now == last else 0), now
    return last


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900)])
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_turning_to_another_panel_moves_no_splitter(
    make_window: MakeWindow, tmp_path: Path, qtbot: QtBot, size: tuple[int, int], scale: float
) -> None:
    window: MainWindow = make_window(tmp_path / "new.db")
    window.resize(*size)
    window.set_text_scale(scale)
    window.open_demo()
    space = window.workspace
    qtbot.waitUntil(lambda: space.isVisible() and window.wardrobe.settled, timeout=20_000)
    before = at_rest(window, qtbot)
    for place in (1, 2, 3, 0):
        space.tabs.setCurrentIndex(place)
        assert at_rest(window, qtbot) == before, space.tabs.tabText(place)
    assert (window.width(), window.height()) == size


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_what_is_chosen_is_told_in_full_before_the_words_beside_it(
    make_window: MakeWindow, tmp_path: Path, qtbot: QtBot, scale: float
) -> None:
    window: MainWindow = make_window(tmp_path / "new.db")
    window.resize(1280, 720)
    window.set_text_scale(scale)
    window.open_demo()
    tools = window.tools
    qtbot.waitUntil(lambda: window.wardrobe.settled and tools.device.count() > 1, timeout=20_000)
    at_rest(window, qtbot)

    def in_full() -> bool:
        return all(
            box.width() >= box.width_for(box.currentText()) for box in (tools.fusion, tools.compare, tools.device)
        )

    qtbot.waitUntil(in_full, timeout=5_000)
    word = next(word for word in tools.findChildren(QLabel) if word.text() == "Compare with")
    assert word.isVisible() == (scale == 1.0)
    assert tools.compare.currentText() == ("nothing" if scale == 1.0 else "Compare …")
    # Where a longer one is chosen the words give way, and they come back.
    window.set_text_scale(1.0)
    tools.fusion.setCurrentIndex(tools.fusion.findText("Cross-modal hierarchical", Qt.MatchFlag.MatchStartsWith))
    qtbot.waitUntil(lambda: tools.fusion.width() >= tools.fusion.width_for(tools.fusion.currentText()), timeout=5_000)
    tools.set_fusion("fusion.late")
    qtbot.waitUntil(word.isVisible, timeout=5_000)
    window.set_text_scale(2.0)
    assert window.minimumSizeHint().width() <= 1280
