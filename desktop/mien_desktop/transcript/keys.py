"""Which word of a transcript a key leads to."""

from __future__ import annotations

from PySide6.QtCore import Qt

from mien_desktop.transcript.script import Script


def target(script: Script, at: int, key: int, page: int) -> int | None:
    """The word that a key leads to, which may lie beyond either end; None where the key leads nowhere.

    Args:
        at: the present word; page: rows that a page has.
    """
    row = script.row_of(at) if script.words else 0
    steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -page, Qt.Key.Key_PageDown: page}
    if key == Qt.Key.Key_Left:
        return at - 1
    if key == Qt.Key.Key_Right:
        return at + 1
    if key == Qt.Key.Key_Home:
        return 0
    if key == Qt.Key.Key_End:
        return len(script.words) - 1
    if key in steps:
        other = min(max(row + steps[Qt.Key(key)], 0), len(script) - 1)
        column = at - int(script.first[row])
        return min(int(script.first[other]) + column, int(script.first[other + 1]) - 1)
    return None
