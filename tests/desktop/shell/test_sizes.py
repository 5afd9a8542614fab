"""Sizes: what is looked at moves nothing else, and everything has its place in a small window."""

from __future__ import annotations

from pathlib import Path

import pytest
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
