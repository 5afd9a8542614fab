"""A switch that is on looks other than one that is off, in both palettes."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from mien_desktop.look.palette import DARK, LIGHT, Palette
from mien_desktop.look.style import sheet


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize("kind", [QPushButton, QToolButton])
def test_what_is_on_shows(qtbot: QtBot, palette: Palette, kind: type[QPushButton | QToolButton]) -> None:
    switch = kind()
    switch.setText("Grid")
    switch.setCheckable(True)
    switch.setStyleSheet(sheet(palette))
    qtbot.addWidget(switch)
    off = switch.grab().toImage()
    switch.setChecked(True)
    assert switch.grab().toImage() != off
