"""Many rows of a list chosen in one step: chosen one by one, every view follows each of them."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QAbstractItemModel, QItemSelection


def selection_of(model: QAbstractItemModel, rows: Iterable[int], columns: int = 1) -> QItemSelection:
    """Whole rows, in ascending order, as a selection of as few pieces as they lie in; a list's model has one column."""
    made, last = QItemSelection(), columns - 1
    first = before = -1
    for row in rows:
        if first >= 0 and row != before + 1:
            made.select(model.index(first, 0), model.index(before, last))
            first = -1
        first, before = row if first < 0 else first, row
    if first >= 0:
        made.select(model.index(first, 0), model.index(before, last))
    return made
