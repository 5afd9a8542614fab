"""Widgets in a row that wraps."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from mien_desktop.look.flow import Flow


class Block(QWidget):
    """Wants to be of one size, and no other."""

    def __init__(self, width: int, height: int = 20) -> None:
        super().__init__()
        self.setFixedSize(QSize(width, height))


def shown(qtbot: QtBot, width: int, *parts: QWidget) -> QWidget:
    """A widget of that width with those in a flow."""
    made = QWidget()
    qtbot.addWidget(made)
    flow = Flow(made, across=10, down=5)
    for part in parts:
        flow.addWidget(part)
    made.resize(width, 200)
    made.show()
    return made


def test_it_wraps_where_the_line_is_full(qtbot: QtBot) -> None:
    parts = [Block(100), Block(90), Block(100), Block(300)]
    made = shown(qtbot, 200, *parts)
    assert [(part.x(), part.y()) for part in parts] == [(0, 0), (110, 0), (0, 25), (0, 50)]
    assert made.layout().heightForWidth(200) == 70
    assert made.layout().heightForWidth(199) == 95
    assert made.layout().heightForWidth(1000) == 20
    assert made.minimumSizeHint() == QSize(300, 20)


def test_what_grows_fills_its_line_and_what_is_low_lies_in_the_middle(qtbot: QtBot) -> None:
    first, second, tall, low = QLineEdit(), QLineEdit(), Block(50, 60), Block(40)
    hint = first.sizeHint().width()
    made = shown(qtbot, 2 * hint + 121, first, tall, second, low)
    assert first.width() + second.width() == 2 * hint + 121 - 50 - 40 - 30
    assert abs(first.width() - second.width()) <= 1
    assert low.x() + low.width() == made.width()
    assert low.y() == 20
    alone = QLineEdit()
    other = shown(qtbot, 400, alone)
    assert alone.width() == other.width() == 400
