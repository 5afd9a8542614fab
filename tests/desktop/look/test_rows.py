"""Many rows chosen at once."""

from __future__ import annotations

from PySide6.QtCore import QStringListModel
from pytestqt.qtbot import QtBot

from mien_desktop.look.rows import selection_of


def test_rows_are_chosen_in_the_pieces_that_they_lie_in(qtbot: QtBot) -> None:
    model = QStringListModel([str(n) for n in range(10)])
    for rows, pieces in (([], []), ([3], [(3, 3)]), ([0, 1, 2, 5, 8, 9], [(0, 2), (5, 5), (8, 9)])):
        made = selection_of(model, iter(rows))
        assert [(piece.top(), piece.bottom()) for piece in made] == pieces
        assert [index.row() for index in made.indexes()] == rows
