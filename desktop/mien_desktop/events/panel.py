"""The events' panel: where they come from, the table, and the strip with the chosen one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import QModelIndex, Signal, Slot
from PySide6.QtGui import QFocusEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from mien.library.library import Library
from mien.tracks.track import AnyTrack, Spans
from mien_desktop.document import Document
from mien_desktop.events import words
from mien_desktop.events.controls import EventControls
from mien_desktop.events.finding import Finder
from mien_desktop.events.history import History
from mien_desktop.events.judging import Judge
from mien_desktop.events.model import Event, EventModel, State, beside
from mien_desktop.events.rules import Rules
from mien_desktop.events.sources import Source
from mien_desktop.events.strip import EventStrip
from mien_desktop.events.table import EventFilter, EventTable
from mien_desktop.events.view import EventView
from mien_desktop.look.frames import Rolling
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import label, literal
from mien_desktop.work.background import Background


class EventsPanel(QWidget):
    """Finds, shows and judges the events of a document.

    Signals:
        seek_requested(float): go to this time, s.
        event_chosen(object): another `Event` is the chosen one, or None.
        explain_requested(object): explain this `Event`.
        events_changed: `events` are others.
        threshold_changed(float): in the unit of the source.
        thresholds_changed: those of other sources, or which source is chosen; `finder.thresholds` has them.
        failed(str): one sentence; the same is shown in the panel.
    """

    seek_requested = Signal(float)
    event_chosen = Signal(object)
    explain_requested = Signal(object)
    events_changed = Signal()
    threshold_changed = Signal(float)
    thresholds_changed = Signal()
    failed = Signal(str)

    def __init__(
        self,
        palette: Palette,
        background: Background,
        library: Callable[[], Library],
        author: str = "",
        parent: QWidget | None = None,
        reach: Callable[[AnyTrack], float] = lambda _: 0.0,
    ) -> None:
        """Args:
        library: gives the open library; called in the background's thread only.
        author: who decides; by default the name of the account.
        reach: s that a track's first and last reading reach outwards (`mien.engine.reach`).
        """
        super().__init__(parent)
        self.history = History(background, library, author, self)
        self._document: Document | None = None
        self._bonds: list[tuple[Any, Any]] = []
        self._medium = ""
        self._restoring = False
        self._selection: tuple[float, float] | None = None
        self.rules = Rules(background, self.history.steps, parent=self)
        self.table = EventTable(palette)
        self.rows = EventFilter(self.table)
        self.view = EventView(self.rows)
        self.strip = EventStrip(palette)
        self.judge = Judge(self.view, self.strip, self.history, lambda: self.model, self)
        self.head = EventControls(palette)
        for signal in (self.head.source_chosen, self.head.threshold_set, self.head.least_set):
            signal.connect(
                lambda *_: self.strip.settle()
            )  # before the finder hears of it: it is about what was found so far
        self.finder = Finder(self.head, self.rules, background, reach, self)
        self.count = label("", "small")
        self.problem = label("", "bad", wrap=True)
        self.problem.hide()
        self._arrange()
        self._connect()
        self._show_counts()

    # For the window
    # ------------------------------------------------------------------------------------------------------

    def bind(self, document: Document) -> None:
        """Follow this document from now on."""
        for signal, slot in self._bonds:
            signal.disconnect(slot)
        self._document = document
        self._bonds = [
            (document.opened, self._opened),
            (document.described, self._described),
        ]
        for signal, slot in self._bonds:
            signal.connect(slot)
        self.finder.follow(document)
        self._opened()
        self._described()

    @property
    def model(self) -> EventModel:
        """What was found, and decided."""
        return self.finder.model

    @property
    def events(self) -> tuple[Event, ...]:
        """All events in order of time, whatever the table's filter."""
        return self.model.events

    def track(self) -> tuple[Spans, dict[int, State]]:
        """The events as a track for the timeline's lane, and what was decided on each row (not named: open)."""
        return self.model.track()

    @property
    def threshold(self) -> float:
        """In the unit of the source."""
        return self.model.rule.threshold

    @property
    def source(self) -> Source | None:
        """What events are found in."""
        return self.finder.source

    @property
    def ready(self) -> bool:
        """Whether the events shown are those of the source that is chosen, as far as it has been read."""
        return self.finder.ready

    @Slot(float)
    def set_threshold(self, threshold: float) -> None:
        """Move the threshold, as a step that can be undone."""
        self.strip.settle()
        self.finder.set_threshold(threshold)

    def set_threshold_of(self, track: str, threshold: float, channel: str | None = None) -> None:
        """Move the threshold of a track's events, as when its line is dragged on the lane; those are shown from then on."""
        self.strip.settle()
        self.finder.set_threshold_of(track, threshold, channel)

    @Slot(float, float)
    def set_selection(self, start: float, end: float) -> None:
        """The stretch of time that is selected, for Add; an empty one for none."""
        self._selection = (start, end) if end > start else None
        self.head.add.setEnabled(self._selection is not None)

    def add(self, start: float, end: float) -> None:
        """Add an event by hand."""
        self.judge.add(start, end)

    def choose(self, event: Event, *, seek: bool = False) -> None:
        """Make an event the chosen one, as when it is clicked on the lane."""
        for row in range(self.rows.rowCount()):
            if self.view.event_at(row).key == event.key:
                self._restoring = not seek
                self.view.go_to(row)
                self._restoring = False
                self._show_chosen()
                if not seek:
                    self.event_chosen.emit(event)
                return

    def step(self, by: int) -> None:
        """Choose the next event of the table (1) or the one before (−1), and seek to it."""
        self.view.step(by)

    @property
    def shown(self) -> list[Event]:
        """The events that the table's filter lets through."""
        return self.view.events()

    def go(self, step: int, position: float) -> bool:
        """Choose the first event that begins after a time (step 1), or the last before it (−1), and seek to it; False if there
        is none.

        Args:
            position: s; events that the table's filter hides are passed over.
        """
        found = beside(self.shown, step, position)
        if found is None:
            return False
        self.choose(found)
        self.seek_requested.emit(found.start)
        return True

    @Slot(int, float, float)
    def set_extent(self, row: int, start: float, end: float) -> None:
        """Give an event another extent (s), as when its edge is dragged on the lane; `row` is that of `track`."""
        event = self.events[row] if 0 <= row < len(self.events) else None
        if event is None or not end > start:
            return
        self.choose(event)
        if not self.judge.move(event, start, end):
            self.events_changed.emit()  # nothing was written: the lane shows what is

    @Slot(int)
    def pick(self, row: int) -> None:
        """Choose the event of a row of `track`, as when it is clicked on the lane."""
        if 0 <= row < len(self.events):
            self.choose(self.events[row])

    def chosen(self) -> list[Event]:
        """The events that actions are about, in the table's order."""
        return self.view.chosen()

    def current(self) -> Event | None:
        """The event that the keyboard is on."""
        return self.view.current()

    def act(self, action: str) -> None:
        """Do what a key or a button says: see `EventView.acted`."""
        self.judge.act(action)

    def change(self, events: Iterable[Event], changes: dict[str, Any], what: str = "Change") -> bool:
        """Write the same changes (field → value) for several events as one step; False if there is nothing to write."""
        return self.judge.change(events, changes, what)

    def settle(self) -> None:
        """Save what is being typed, in a cell or in the form, as whoever turns to something else does."""
        self.view.stop_typing()
        self.strip.settle()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self.table.wear(palette)
        self.strip.wear(palette)
        self.head.wear(palette)
        self.view.fit()

    # Within
    # ------------------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        inside = QWidget()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._room = Rolling(inside)
        outer.addWidget(self._room)
        box = QVBoxLayout(inside)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.head)
        box.addWidget(self.view, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 2, 12, 0)
        foot.setSpacing(12)
        foot.addWidget(self.count)
        foot.addWidget(self.problem, 1)
        box.addLayout(foot)
        box.addWidget(self.strip)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard belongs to the table. A focus proxy would take what is above it out of the order of Tab."""
        self.view.setFocus(event.reason())

    def _connect(self) -> None:
        self.head.narrowed.connect(self._narrow)
        self.head.add.clicked.connect(lambda: self.add(*self._selection) if self._selection is not None else None)
        self.head.undo.clicked.connect(self.history.undo)
        self.head.redo.clicked.connect(self.history.redo)
        self.history.steps.canUndoChanged.connect(self.head.undo.setEnabled)
        self.history.steps.canRedoChanged.connect(self.head.redo.setEnabled)
        self.history.loaded.connect(self._loaded)
        self.history.changed.connect(self._written)
        self.history.failed.connect(self._tell)
        self.finder.found.connect(self._changed)
        self.finder.threshold_changed.connect(self.threshold_changed)
        self.finder.thresholds_changed.connect(self.thresholds_changed)
        self.finder.failed.connect(self._tell)
        self.rules.failed.connect(self._tell)
        self.judge.seek_requested.connect(self.seek_requested)
        self.judge.explain_requested.connect(self.explain_requested)
        self.judge.refused.connect(self._tell)
        self.table.edited.connect(self.judge.name)
        self.view.acted.connect(self.act)
        self.view.typed.connect(self._typed)
        self.view.doubleClicked.connect(lambda: self.act("seek"))
        self.view.selectionModel().currentRowChanged.connect(self._moved)
        self.view.selectionModel().selectionChanged.connect(self._show_chosen)
        self.strip.acted.connect(self.act)
        self.strip.currentChanged.connect(
            lambda form: self._room.ensureWidgetVisible(self.strip if form else self.view)
        )
        self.strip.corrected.connect(self.judge.correct)
        self.strip.unsaved.connect(self._tell)

    @Slot()
    def _opened(self) -> None:
        self.settle()  # it is about the medium before
        self._medium = self.strip.form.medium = ""
        self.rules.open("")
        self.finder.begin()
        self.history.open("")
        self.problem.hide()
        self.finder.go_on()

    @Slot()
    def _described(self) -> None:
        if self._document is not None and self._document.medium != self._medium:
            self._medium = self.strip.form.medium = self._document.medium
            self.history.open(self._medium)
            self.rules.open(self._medium)

    def _loaded(self, rows: list[Any]) -> None:
        self.model.set_rows(rows)
        self._changed()

    def _written(self, added: list[Any], withdrawn: list[Any]) -> None:
        self.problem.hide()
        self.model.change_rows(added, withdrawn)
        self._changed()

    def _changed(self) -> None:
        """Show the events as they are now; what was chosen stays chosen."""
        if not self.view.typing:
            self._show_rows()
        self._show_chosen()
        self._show_counts()
        self.events_changed.emit()

    @Slot()
    def _show_rows(self) -> None:
        """The table follows; while a cell is edited it waits for the end of that."""
        chosen, current = {event.key for event in self.chosen()}, self.current()
        self._restoring = True
        if self.table.show_events(self.model.events):
            self.view.choose_again(chosen, current)
        self._restoring = False

    @Slot()
    def _typed(self) -> None:
        if self.table.events != self.model.events:
            self._changed()

    @Slot(QModelIndex, QModelIndex)
    def _moved(self, index: QModelIndex, _before: QModelIndex) -> None:
        if not self._restoring and index.isValid():
            event = self.view.event_at(index.row())
            self.event_chosen.emit(event)
            self.seek_requested.emit(event.start)

    @Slot()
    def _show_chosen(self) -> None:
        if self._restoring:
            return
        chosen, event = self.chosen(), self.current()
        if not chosen or event is None:
            event = chosen[0] if chosen else None
        told = self.model.readings(event) if event is not None and len(chosen) == 1 else []
        self.strip.show_event(event, told, self.model.rule.threshold, len(chosen), any_there=bool(self.events))

    @Slot()
    def _narrow(self) -> None:
        self.view.stop_typing()
        self._restoring = True  # the keyboard's row may go: nobody has chosen the one that Qt then stands at
        self.rows.narrow(*self.head.filter)
        self._restoring = False
        self._show_chosen()
        self._show_counts()

    def _show_counts(self) -> None:
        self.view.say(words.why_none(self.model))
        self.count.setText(words.counted(self.model, self.rows.rowCount()))
        self.count.setToolTip(literal(words.about_hidden(self.model)))

    @Slot(str)
    def _tell(self, sentence: str) -> None:
        self.problem.setText(sentence)
        self.problem.show()
        self.failed.emit(sentence)
