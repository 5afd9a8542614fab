"""The library's page: every analysed medium, the search over all of them, and what can be done with each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QModelIndex, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QVBoxLayout, QWidget

from mien.errors import UsageError
from mien.library.medium import Medium, damage
from mien.library.readings import suggestions
from mien.tracks import Quantity
from mien_desktop.library import menu
from mien_desktop.library.catalogue import Answer, Card, Catalogue, Line
from mien_desktop.library.delegate import MediaDelegate
from mien_desktop.library.field import EXAMPLES, Chips, SearchField
from mien_desktop.library.leaving import Leaving
from mien_desktop.library.list import MediaList
from mien_desktop.library.locating import Locating
from mien_desktop.library.model import ORDERS, ROW, MediaModel, More, duration
from mien_desktop.library.moved import Moved
from mien_desktop.library.nothing import Nothing
from mien_desktop.library.relocate import Found
from mien_desktop.library.thumbs import Thumbnails
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label
from mien_desktop.work.background import Background
from mien_desktop.work.files import within

T = TypeVar("T")
_AT_ONCE = 25  # media whose peaks are read before a search gets its turn


class LibraryView(QWidget):
    """The page. Call `refresh` to show it and whenever an analysis has ended, `shutdown` before the background closes.

    Signals:
        open_asked(Path, float): a medium is to be opened at that second.
        analyse_asked(list): paths that are to be analysed again.
        scan_asked: files or folders are to be chosen for the queue.
        removed(list): ids of media that the library no longer holds.
        trouble(str): one sentence on what went wrong.

    Args:
        place: the library's path or URL, None for the one that the settings name.
        background: where the database is asked.
    """

    open_asked = Signal(object, float)
    analyse_asked = Signal(object)
    scan_asked = Signal()
    removed = Signal(object)
    trouble = Signal(str)

    def __init__(self, place: str | Path | None, background: Background, palette: Palette) -> None:
        super().__init__()
        self._background, self._palette = background, palette
        self._catalogue = Catalogue(place)
        self.locating = Locating(self)
        self._asked = 0  # number of the search that is wanted; older ones end when they see that it has changed
        self.loaded = self._loading = self._again = self._closed = False
        self._incomplete: list[str] = []
        self._damage = ""
        self.thumbnails = Thumbnails(lambda medium: self._catalogue.analysis(medium), self)
        self.model = MediaModel(self)
        self._delegate = MediaDelegate(self.thumbnails, palette, self)
        self.list = MediaList(self.model, self._delegate)
        self.field = SearchField(palette)
        self.chips = Chips()
        self.order = QComboBox()
        self.grid = button("Grid", "Show cards in a grid while nothing is searched for")
        self._scan = button("Scan…", "Choose files and folders to be analysed", kind="primary")
        self._error, self._count = label(kind="bad", wrap=True), label(kind="small")
        self.nothing = Nothing()
        self.leaving = Leaving(self.model.hide, self._remove_now)
        self.moved = Moved(self.locate, self.locating.cancel)
        self._build()
        self._connect()
        self.wear(palette)
        self._follow()

    def _build(self) -> None:
        self.grid.setCheckable(True)
        explain(self.order, "Sort by", "What the media are sorted by")
        for order, (title, _) in ORDERS.items():
            self.order.addItem(title, order)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.field, 1)
        for part in (label("Sort by", "dim"), self.order, self.grid, self._scan):
            head.addWidget(part)
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 8)
        box.setSpacing(8)
        box.addLayout(head)
        box.addWidget(self.chips)
        box.addWidget(self._error)
        box.addWidget(self.moved)
        box.addWidget(self.leaving)
        box.addWidget(self.list, 1)
        box.addWidget(self.nothing, 1)
        box.addWidget(self._count)
        self._error.hide()
        self.setAccessibleName("Library")

    def _connect(self) -> None:
        self.field.asked.connect(self._search)
        self.field.left.connect(self._into_the_list)
        self.chips.chosen.connect(self.field.add)
        self.order.activated.connect(lambda _: self.model.set_order(self.order.currentData()))
        self.grid.toggled.connect(lambda _: self._follow())
        self._scan.clicked.connect(self.scan_asked)
        self.nothing.scan_asked.connect(self.scan_asked)
        self.nothing.clear_asked.connect(self.field.clear)
        self.list.opened.connect(self._open)
        self.list.removed.connect(self.remove_chosen)
        self.list.customContextMenuRequested.connect(self._menu)
        self.model.modelReset.connect(self._follow)
        self.thumbnails.made.connect(self.model.touch)
        self.locating.progressed.connect(self.moved.show_progress)
        self.locating.found.connect(self._join)
        self.locating.failed.connect(self._not_located)
        self.locating.stopped.connect(lambda: self.moved.ask(None))
        for keys, act in (
            (QKeySequence.StandardKey.Undo, self.leaving.undo),
            (QKeySequence.StandardKey.Find, self.field.setFocus),
        ):
            QShortcut(QKeySequence(keys), self, act, context=Qt.ShortcutContext.WidgetWithChildrenShortcut)

    @property
    def error(self) -> str:
        """What is told to have gone wrong, or empty."""
        return self._error.text()

    # -- for the window -----------------------------------------------------------------------------------------

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self._delegate.wear(palette)
        self.field.wear(palette)
        self.chips.wear(palette)
        self._scan.setIcon(icon("add", palette, palette.on_accent))
        self.nothing.wear(palette)
        self.list.viewport().update()

    def set_library(self, place: str | Path | None) -> None:
        """The library is another one: the present one is closed, its media go, those of the other come."""
        self.leaving.finish()
        self.locating.close()
        self.moved.ask(None)
        self._asked += 1
        before, self._catalogue = self._catalogue, Catalogue(place)
        self._background.run(before.close)
        self.loaded = self._loading = False
        self._incomplete = []
        self.model.set_answer(None)
        self.model.set_cards([])
        self.refresh()

    def refresh(self) -> None:
        """Read the library anew: something was analysed or removed."""
        if self._closed or self._loading:
            self._again = True
            return
        self._loading, self._again = True, False
        self._ask(self._catalogue.load, self._take)

    def _ask(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """Ask the catalogue in the background; what one answers that is no longer in use is not heard."""
        catalogue = self._catalogue

        def of_this(then: Callable[[Any], None]) -> Callable[[Any], None]:
            return lambda answer: then(answer) if catalogue is self._catalogue else None

        self._background.run(work, of_this(done), of_this(self._fail))

    def search(self, typed: str) -> None:
        """Show what these words or readings find."""
        self.field.setText(typed)
        self.field.returnPressed.emit()

    def shutdown(self) -> None:
        """Carry out what is pending and let go of threads and files. The background may be closed afterwards."""
        if self._closed:
            return
        self.leaving.finish()
        self._closed = True
        self._asked += 1
        self.field.stop()
        self.locating.close()
        self.thumbnails.close()
        self._background.run(self._catalogue.close)

    # -- reading ------------------------------------------------------------------------------------------------

    def _take(self, loaded: tuple[list[Card], dict[str, Quantity]]) -> None:
        self._loading = False
        if self._closed:
            return
        cards, readings = loaded
        self.loaded = True
        if (told := damage(cards)) != self._damage:  # once, not whenever the library is read anew
            self._damage = told
            self._tell_error(told)
        self.thumbnails.forget_missing()
        self.field.set_readings(suggestions(readings))
        self.chips.show_texts([e for e in EXAMPLES if e.startswith('"') or e.split()[0] in readings] if cards else [])
        hand = self.list.at_hand()
        self.model.set_cards(cards)
        self.list.take_up(hand)
        self._incomplete = [card.id for card in cards if not card.complete]
        self._fill()
        if self.field.text().strip():
            self._search(self.field.text().strip())
        if self._again:
            self.refresh()

    def _fill(self) -> None:
        """Read the peaks that are not known, a few media at a time so that searches come between."""
        if self._incomplete and not self._closed:
            now, self._incomplete = self._incomplete[:_AT_ONCE], self._incomplete[_AT_ONCE:]
            catalogue = self._catalogue
            self._ask(lambda: catalogue.fill(now), self._take_peaks)

    def _take_peaks(self, cards: list[Card]) -> None:
        hand = self.list.at_hand()
        self.model.update_cards(cards)
        self.list.take_up(hand)
        self._fill()

    def _search(self, typed: str) -> None:
        self._asked += 1
        self._tell_error("")
        try:
            query = self._catalogue.parse(typed)
        except UsageError as error:
            self._tell_error(str(error))
            return
        if not query:
            self.model.set_answer(None)
            return
        asked = self._asked

        def outdated() -> bool:
            return asked != self._asked

        def find() -> Answer:
            return Answer(query, {}) if outdated() else self._catalogue.find(query, outdated)

        self._background.run(find, lambda answer: None if outdated() else self._show(answer), self._fail)

    def _show(self, answer: Answer) -> None:
        """The same words or readings asked again, because the library holds more by now, move nobody from where they are."""
        before, hand = self.model.answer, self.list.at_hand()
        self.model.set_answer(answer)
        if before is not None and before.query == answer.query:
            self.list.take_up(hand)
        else:
            self.list.scrollToTop()

    def _fail(self, sentence: str) -> None:
        self._loading = False
        self._tell_error(sentence)
        self.trouble.emit(sentence)

    def _tell_error(self, sentence: str) -> None:
        self._error.setText(sentence)
        self._error.setAccessibleName(sentence)
        self._error.setVisible(bool(sentence))

    # -- showing ------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Grid or rows, the count and the empty page, after the rows have changed."""
        shown, every = self.model.shown, len(self.model.cards) - len(self.leaving.media)
        searching = self.model.answer is not None
        # Places need rows; a grid is for looking around.
        grid = self.grid.isChecked() and not searching
        if grid != self._delegate.grid:
            self.list.set_grid(grid)
        if not shown and self.list.hasFocus():
            self.field.setFocus()  # else Qt hands it to whatever comes next
        self.list.setVisible(bool(shown))
        self.nothing.setVisible(not shown)
        if not shown:
            self.nothing.say(self.loaded, self.field.text().strip() if searching else "")
        total = duration(sum(card.seconds or 0.0 for card in shown))
        media = f"{len(shown)} of {every} media" if searching else f"{every} {'medium' if every == 1 else 'media'}"
        found = self.model.found
        places = f"  ·  {found} place{'' if found == 1 else 's'}" if searching and found else ""
        self._count.setText(f"{media}  ·  {total}{places}" if shown else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Rows follow the width."""
        super().resizeEvent(event)
        self.list.scheduleDelayedItemsLayout()

    def _into_the_list(self) -> None:
        if self.model.rowCount():
            self.list.setFocus()
            if not self.list.currentIndex().isValid():
                self.list.setCurrentIndex(self.model.index(0))

    # -- doing --------------------------------------------------------------------------------------------------

    def _open(self, index: QModelIndex) -> None:
        row = index.data(ROW)
        if isinstance(row, More):
            at, hand = index.row(), self.list.at_hand()
            self.model.expand(row.medium)
            self.list.take_up(hand)
            self.list.setCurrentIndex(self.model.index(at))  # the first that was folded away
            return
        card = row if isinstance(row, Card) else self.model.cards.get(row.medium)
        if card is not None and card.missing:
            self.moved.ask(card)
        elif isinstance(row, Line):
            self.open_asked.emit(row.path, row.start)
        elif isinstance(row, Card):
            lines = self.model.answer.lines.get(row.id, ()) if self.model.answer is not None else ()
            self.open_asked.emit(row.path, lines[0].start if lines else 0.0)

    def remove_chosen(self) -> None:
        """Take the selected media out of the library, with a moment to undo it."""
        self.leaving.remove(self.list.chosen())

    def analyse_chosen(self) -> None:
        """Ask for the selected media to be analysed again."""
        paths = [card.path for card in self.list.chosen() if not card.missing]
        if paths:
            self.analyse_asked.emit(paths)

    def locate(self, card: Card, path: Path) -> None:
        """Take a file as the one of a medium that is missing, and look for the other missing ones beside it."""
        self._tell_error("")
        self.moved.ask(None)
        catalogue = self._catalogue
        self._ask(lambda: catalogue.missing(card.id), lambda known: self._look_through(known, path))

    def _look_through(self, known: tuple[Medium, list[Medium]], path: Path) -> None:
        """All of the file is read: elsewhere than where corrections wait to be written."""
        if not self._closed:
            self.moved.show_progress(path.name, 0.0)
            self.locating.start(known[0], path, known[1])

    def _join(self, found: list[Found]) -> None:
        self.moved.ask(None)
        catalogue = self._catalogue
        self._ask(lambda: catalogue.join(found), self._located)

    def _not_located(self, sentence: str) -> None:
        self.moved.ask(None)
        self._tell_error(sentence)

    def _located(self, found: int) -> None:
        if found > 1:
            self.moved.tell(f"{found} files that had been moved together were found.")
        self.refresh()

    def show_in_folder(self, card: Card) -> None:
        """Open the folder that the file lies in."""
        if not within(card.path.parent.is_dir, otherwise=True):
            self._tell_error(f"The folder is not there any more: {card.path.parent}")
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(card.path.parent)))

    def menu(self) -> QMenu | None:
        """What can be done with the selected media; None when none is."""
        cards, index = self.list.chosen(), self.list.currentIndex()
        return menu.build(self, cards, lambda: self._open(index)) if cards else None

    def _menu(self, at: QPoint) -> None:
        made = self.menu()
        if made is not None:
            made.popup(self.list.viewport().mapToGlobal(at))

    def _remove_now(self, media: Sequence[str]) -> None:
        """One after the other, so that what else is asked of the library gets its turn between them."""
        catalogue = self._catalogue
        for medium in media[:-1]:
            self._background.run(partial(catalogue.remove, [medium]), None, self._unremoved)
        self._background.run(partial(catalogue.remove, media[-1:]), lambda _: self._removed(media), self._unremoved)

    def _removed(self, media: Sequence[str]) -> None:
        hand = self.list.at_hand()
        self.model.drop(media)  # before they are hidden no more
        self.model.hide(self.leaving.media)
        self.list.take_up(hand)
        self.refresh()
        self.removed.emit(list(media))

    def _unremoved(self, sentence: str) -> None:
        self.model.hide(self.leaving.media)
        self._fail(sentence)
