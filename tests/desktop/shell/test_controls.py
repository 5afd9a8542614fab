"""Every control: it has its place, says what it is, and no key has two meanings."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QMenuBar,
    QSlider,
    QTabBar,
    QTabWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot

from mien_desktop.settings.page import TITLES
from mien_desktop.shell.window import MainWindow


@pytest.mark.parametrize(("width", "height", "scale"), [(1280, 720, 1.0), (1280, 720, 1.25), (2560, 1440, 2.0)])
def test_everything_fits(opened: MainWindow, qtbot: QtBot, width: int, height: int, scale: float) -> None:
    opened.set_text_scale(scale)
    opened.resize(width, height)
    qtbot.wait(50)
    assert (opened.width(), opened.height()) == (width, height)  # no minimum size pushed it open
    for page in range(opened.workspace.tabs.count()):
        opened.workspace.tabs.setCurrentIndex(page)
        qtbot.wait(10)
        assert (opened.width(), opened.height()) == (width, height)
    ground = opened.centralWidget().rect()
    for widget in (opened.tools, opened.foot, opened.workspace.transport, opened.workspace.timeline):
        place = widget.rect().translated(widget.mapTo(opened.centralWidget(), widget.rect().topLeft()))
        assert ground.contains(place), widget.accessibleName()


def test_everything_that_can_be_reached_says_what_it_is(opened: MainWindow, qtbot: QtBot) -> None:
    """In every room, page and tab: pages are made when they are first seen."""
    opened.rooms.show_library()
    opened.rooms.show_queue()
    opened.rooms.show_export()
    settings = opened.rooms.show_settings()
    for page in TITLES:
        opened.rooms.show_settings(page)
        qtbot.wait(20)
    # What is made when it is first looked at: forms of every plugin and of every format, the menus.
    settings.plugins.tabs.setCurrentIndex(0)
    for plugin in (*opened.registry.analyzers, *opened.registry.fusions):
        settings.plugins.chooser.select(plugin)
    export = opened.rooms.show_export()
    for format_ in opened.registry.exporters:
        export.formats.select(format_)
    for menu in (opened.actions_.lanes, opened.actions_.recent):
        menu.aboutToShow.emit()
        assert all(entry.text() for entry in menu.actions() if not entry.isSeparator())
    for tabs in opened.findChildren(QTabWidget):
        for n in range(tabs.count()):
            tabs.setCurrentIndex(n)
    controls = QAbstractButton | QComboBox | QLineEdit | QSlider | QAbstractSpinBox | QAbstractItemView
    met = [w for w in opened.findChildren(QWidget) if isinstance(w, controls) and not _inner(w)]
    assert len(met) > 250
    told = {
        w: f"{type(w).__name__} {getattr(w, 'text', str)()!r} in {type(w.parent()).__name__} in {type(w.window()).__name__}"
        for w in met
    }
    assert not [told[w] for w in met if not w.accessibleName()]
    assert not [told[w] for w in met if not (w.toolTip() or w.accessibleDescription())]
    buttons = [w for w in met if not isinstance(w, QAbstractItemView)]
    assert not [told[w] for w in buttons if not w.toolTip()]
    assert not [told[w] for w in met if not w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.focusProxy() is None]
    for room in (opened.rooms.show_queue(), opened.rooms.show_export(), settings):
        room.hide()


def test_no_two_commands_have_the_same_keys(window: MainWindow) -> None:
    keys = [k.toString() for action in window.actions_.actions.values() for k in action.shortcuts()]
    assert len(keys) == len(set(keys))


def _inner(widget: QWidget) -> bool:
    """Whether Qt made it inside of another control, which speaks for it, or nobody can see it."""
    outer = QComboBox | QLineEdit | QAbstractSpinBox | QKeySequenceEdit | QTabBar | QMenuBar
    hidden = isinstance(widget, QAbstractButton) and not widget.text() and widget.icon().isNull()
    popup = isinstance(widget, QAbstractItemView) and isinstance(widget.parent().parent(), QComboBox)
    return isinstance(widget.parent(), outer) or hidden or popup or isinstance(widget, QHeaderView)
