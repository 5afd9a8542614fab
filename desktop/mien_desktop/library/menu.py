"""The menu of the library's page: what can be done with the media that are selected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from mien_desktop.library.catalogue import Card

if TYPE_CHECKING:
    from mien_desktop.library.view import LibraryView


def build(page: LibraryView, cards: Sequence[Card], opened: Callable[[], object]) -> QMenu:
    """The menu; it deletes itself when it closes.

    Args:
        cards: the media that are selected, at least one.
        opened: called by “Open”.
    """
    first = cards[0]
    menu = QMenu(page)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.addAction("Open", opened).setEnabled(not first.missing)
    folder = menu.addAction("Show in folder", lambda: page.show_in_folder(first))
    folder.setEnabled(len(cards) == 1)
    if first.missing:
        menu.addAction("Locate the file…", lambda: page.moved.choose(first))
    again = menu.addAction("Analyse again", page.analyse_chosen)
    again.setEnabled(any(not card.missing for card in cards))
    menu.addSeparator()
    menu.addAction("Remove from the library", QKeySequence(Qt.Key.Key_Delete), page.remove_chosen)
    return menu
