"""The figures beside the scatter are seen whole, and what is set above them looks as it does elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QAbstractSpinBox
from pytestqt.qtbot import QtBot

from .conftest import compare, figures

Load = Callable[..., None]
Desk = Any  # the class of the same name in conftest.py


def test_no_column_is_cut_where_readings_are_missing(qtbot: QtBot, desk: Desk, loaded: Load, table: str) -> None:
    desk.panel.resize(723, 622)  # as in a window of 1600 × 1000
    loaded(table + "\nanna.mp4,300,302,0.5,sad,no,never\n")
    for column in ("valence", "emotion", "offensive"):
        compare(qtbot, desk, column)
        assert figures(desk)["No reading"] == "1"
        qtbot.waitUntil(lambda: desk.panel.results.figure_view.horizontalScrollBar().maximum() == 0, timeout=5_000)


def test_fields_of_numbers_have_no_arrows_of_their_own(desk: Desk) -> None:
    boxes = desk.panel.findChildren(QAbstractSpinBox)
    assert boxes
    assert {box.buttonSymbols() for box in boxes} == {QAbstractSpinBox.ButtonSymbols.NoButtons}
