"""What keys and buttons do to the chosen events: accept, reject, correct, name, add, delete. Each is one step of the history."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QInputDialog

from mien_desktop.events.history import History
from mien_desktop.events.model import Event, EventModel
from mien_desktop.events.strip import EventStrip
from mien_desktop.events.table import LABEL, NOTE
from mien_desktop.events.view import EventView
from mien_desktop.transcript.script import stamp


class Judge(QObject):
    """Acts on what is chosen in a table.

    Signals:
        seek_requested(float): go to this time, s.
        explain_requested(object): explain this `Event`.
        refused(str): one sentence on why nothing was written.

    Args:
        model: gives the present model, which makes the rows that are written.
    """

    seek_requested = Signal(float)
    explain_requested = Signal(object)
    refused = Signal(str)

    def __init__(
        self, view: EventView, strip: EventStrip, history: History, model: Callable[[], EventModel], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._view, self._strip, self._history, self._model = view, strip, history, model

    def act(self, action: str) -> None:
        """Do what a key or a button says: see `EventView.acted`."""
        if action in ("next", "previous"):
            self._view.step(1 if action == "next" else -1)
        elif action == "undo":
            self._history.undo()
        elif action == "redo":
            self._history.redo()
        elif action in ("accept", "reject"):
            self.change(self._view.chosen(), {"state": f"{action}ed"}, action.capitalize())
        elif action == "delete":
            self._delete()
        elif (event := self._view.current()) is not None:
            self._act_on(action, event)

    def change(self, events: Iterable[Event], changes: dict[str, Any], what: str = "Change") -> bool:
        """Write the same changes (field → value) for several events as one step; False if there is nothing to write."""
        chosen, model = list(events), self._model()
        entries = [entry for event in chosen if (entry := model.entry(event, changes)) is not None]
        place = f"event at {stamp(chosen[0].start)}" if len(chosen) == 1 else f"{len(chosen)} events"
        return self._history.do(f"{what} {place}", entries)

    def add(self, start: float, end: float) -> None:
        """Add an event by hand; s."""
        try:
            entry = self._model().addition(start, end)
        except ValueError as error:
            self.refused.emit(str(error))
            return
        self._history.do(f"Add event at {stamp(start)}", [entry])

    def move(self, event: Event, start: float, end: float) -> bool:
        """Give an event another extent, s; False if there is nothing to write."""
        # An event that was added by hand has no prediction that could be wrong.
        state = event.state if event.added else "corrected"
        return self.change([event], {"start": round(start, 3), "end": round(end, 3), "state": state}, "Move edge of")

    def name(self, event: Event, field: str, text: str) -> None:
        """Give an event a label or a note."""
        self._name([event], field, text)

    def correct(self, event: Event, changes: dict[str, Any]) -> None:
        """Set what was typed over the prediction; the keyboard goes back to the table."""
        self.change([event], {**changes, "state": "corrected"}, "Correct")
        self._view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _act_on(self, action: str, event: Event) -> None:
        if action == "explain":
            self.explain_requested.emit(event)
        elif action == "seek":
            self.seek_requested.emit(event.start)
        elif action == "correct":
            self._strip.correct(self._model().extent(event))
        elif action in ("label", "note"):
            self._ask(action, event)

    def _ask(self, field: str, event: Event) -> None:
        """Edit one event's cell in place; ask for a text when several are chosen."""
        chosen = self._view.chosen()
        if len(chosen) < 2:
            self._view.edit(self._view.currentIndex().siblingAtColumn(LABEL if field == "label" else NOTE))
            return
        text, given = QInputDialog.getText(
            self._view, field.capitalize(), f"{field.capitalize()} of {len(chosen)} events:", text=getattr(event, field)
        )
        if given:
            self._name(chosen, field, text.strip())

    def _name(self, events: list[Event], field: str, text: str) -> None:
        self.change(events, {field: text}, field.capitalize())

    def _delete(self) -> None:
        chosen = self._view.chosen()
        added = [event for event in chosen if event.added]
        if added:
            self.change(added, {"deleted": True}, "Delete")
        elif chosen:
            self.refused.emit("What was found is not deleted; reject it instead (R).")
