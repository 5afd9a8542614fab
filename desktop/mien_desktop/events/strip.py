"""The strip under the table: what is read at the chosen event, what can be done about it, and the form to correct it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from mien_desktop.events.ledger import Key
from mien_desktop.events.model import Event
from mien_desktop.events.sources import Reading
from mien_desktop.events.table import number, told
from mien_desktop.look.flow import Flow
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label
from mien_desktop.transcript.script import stamp

_SHOWN = ("fused", "conflict", "offence", "hate", "voice arousal", "face")
_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d+)?)")


class EventStrip(QStackedWidget):
    """Shows one event, or how many are chosen.

    Signals:
        acted(str): accept, reject, correct or explain.
        corrected(object, object): event, and the changes (field → value) that a person typed.
        unsaved(str): one sentence on what was typed for an event that was left and cannot be saved; the form keeps it.
    """

    acted = Signal(str)
    corrected = Signal(object, object)
    unsaved = Signal(str)

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._event: Event | None = None
        self.line = label("", wrap=True)
        self.line.setAccessibleName("The chosen event")
        self.detail = label("", "small", wrap=True)
        self.buttons: dict[str, QPushButton] = {}
        for name, key, tip in (
            ("accept", "A", "The chosen events are right"),
            ("reject", "R", "The chosen events are no events"),
            ("correct", "C", "Set extent, label and score of the chosen event"),
            ("explain", "E", "Which modality, words, seconds and part of the face made the event"),
        ):
            made = button(f"{name.capitalize()}  {key}", f"{tip} ({key} in the table)")
            made.clicked.connect(lambda _=False, name=name: self.acted.emit(name))
            self.buttons[name] = made
        self.form = CorrectForm()
        self.form.saved.connect(self._save)
        self.form.left.connect(lambda: self.setCurrentIndex(0))
        self._arrange()
        self.wear(palette)
        self.show_event(None, [], 0.0, 0)

    def show_event(
        self,
        event: Event | None,
        told_there: Sequence[Reading],
        threshold: float,
        chosen: int,
        *,
        any_there: bool = False,
    ) -> None:
        """Show an event with the readings at its peak; `chosen` is how many rows are, of any that are there."""
        if self._event is not None and (event is None or event.key != self._event.key):
            self.settle()
        self._event = event
        if event is None:
            self.line.setText("No event chosen" if any_there else "No event yet")
            self.detail.setText("Choose one in the table; N and P step through them." if any_there else "")
        elif chosen > 1:
            self.line.setText(f"{chosen} events chosen")
            self.detail.setText("Accept, Reject, Label, Note and Delete act on all of them, as one step to undo.")
        else:
            self.line.setText(summary(event, told_there, threshold))
            note = f" · {event.note}" if event.note else ""
            self.detail.setText(f"{event.label} · {told(event)}{note}")
        for name, made in self.buttons.items():
            made.setEnabled(event is not None and (chosen == 1 or name in ("accept", "reject")))

    def correct(self, extent: tuple[float, float]) -> None:
        """Open the form on the event that is shown; `extent` is that of its score."""
        if self._event is not None:
            self.form.fill(self._event, extent)
            self.setCurrentIndex(1)

    def settle(self) -> None:
        """Save what has been typed into the form, and leave it, as whoever turns to something else does."""
        if self.currentIndex() == 0 or self._event is None:
            return
        told = self.form.leave()
        self.setCurrentIndex(0)
        if told:
            self.unsaved.emit(f"The event at {stamp(self._event.start)} was not corrected; C goes on with it. {told}")

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        colours = {"accept": _deep(palette.good, palette), "reject": _deep(palette.bad, palette)}
        pictures = {"accept": "accept", "reject": "reject", "correct": "edit", "explain": "explain"}
        for name, made in self.buttons.items():
            ground = colours.get(name)
            made.setIcon(icon(pictures[name], palette, palette.on_accent if ground else ""))
            if ground:
                made.setStyleSheet(
                    f"QPushButton:enabled {{ background: {ground}; color: {palette.on_accent}; border-color: {ground}; }}"
                    f"QPushButton:enabled:hover {{ background: {QColor(ground).lighter(112).name()}; }}"
                    f"QPushButton:enabled:focus {{ border: 2px solid {palette.focus}; }}"
                )
        self.line.setStyleSheet(f"color: {palette.warn};")

    def _arrange(self) -> None:
        page = QWidget()
        buttons = QWidget()
        row = Flow(buttons, 8, 6)
        for made in self.buttons.values():
            made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            row.addWidget(made)
        box = QVBoxLayout(page)
        box.setContentsMargins(12, 8, 12, 10)
        box.setSpacing(4)
        box.addWidget(self.line)
        box.addWidget(self.detail)
        box.addSpacing(4)
        box.addWidget(buttons)
        self.addWidget(page)
        self.addWidget(self.form)

    def _save(self, changes: dict[str, Any]) -> None:
        event = self._event
        self.setCurrentIndex(0)
        if event is not None:
            self.corrected.emit(event, changes)


class CorrectForm(QWidget):
    """Fields for extent, label and score. What was typed for an event and cannot be saved stands there again for that event.

    `medium` is the open medium's id: what was typed beside another one stays there.

    Signals:
        saved(object): field → value of what was changed.
        left: nothing is to be changed.
    """

    saved = Signal(object)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.begin, self.end, self.name = QLineEdit(), QLineEdit(), QLineEdit()
        self.score = QDoubleSpinBox()
        self.score.setDecimals(2)
        self.score.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.score.setSingleStep(0.05)
        explain(self.begin, "Start", "Start of the event, as mm:ss.s or seconds")
        explain(self.end, "End", "End of the event, as mm:ss.s or seconds")
        explain(self.name, "Label", "What the event is called")
        explain(self.score, "Score", "The score that the event should have")
        self.wrong = label("", "bad")
        self.save = button("Save", "Keep this beside the prediction (Return)", kind="primary")
        self.cancel = button("Cancel", "Change nothing (Esc)")
        self.medium = ""
        self._event: Event | None = None
        self._drafts: dict[tuple[str, Key], tuple[str, str, str, float]] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(12, 8, 12, 10)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        fields = (("Start", self.begin), ("End", self.end), ("Label", self.name), ("Score", self.score))
        for column, (text, field) in enumerate(fields):
            head = label(text, "small")
            head.setBuddy(field)
            grid.addWidget(head, 0, column)
            grid.addWidget(field, 1, column)
            field.installEventFilter(self)
        for column, share in enumerate((2, 2, 3)):  # or a label in large letters would have what the times leave
            grid.setColumnStretch(column, share)
        grid.setRowStretch(3, 1)  # it has as much room as the buttons, which may need more than it does
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.wrong, 1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.save)
        grid.addLayout(foot, 2, 0, 1, 4)
        self.save.clicked.connect(self._save)
        self.cancel.clicked.connect(self._cancel)

    def fill(self, event: Event, extent: tuple[float, float]) -> None:
        """Show an event's values; its score can be any of the extent."""
        self._event = event
        self.begin.setText(stamp(event.start))
        self.end.setText(stamp(event.end))
        self.name.setText(event.label)
        known = math.isfinite(event.score)
        self.score.setRange(*extent)
        self.score.setEnabled(known)
        self.score.setValue(event.score if known else 0.0)
        self.wrong.clear()
        if (draft := self._drafts.get((self.medium, event.key))) is not None:
            for field, text in zip((self.begin, self.end, self.name), draft[:3], strict=True):
                field.setText(text)
            self.score.setValue(draft[3])
            self.wrong.setText(self._read()[1])
        self.begin.setFocus(Qt.FocusReason.OtherFocusReason)
        self.begin.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._save()
                return True
            if event.key() == Qt.Key.Key_Escape:
                self._cancel()
                return True
        return super().eventFilter(watched, event)

    def leave(self) -> str:
        """Save what was typed; where it cannot be, keep it for the next time and give a sentence on what is wrong."""
        changes, wrong = self._read()
        if wrong and self._event is not None:
            typed = self.begin.text(), self.end.text(), self.name.text(), self.score.value()
            self._drafts[self.medium, self._event.key] = typed
        elif changes:
            self._done(changes)
        return wrong

    def _save(self) -> None:
        changes, wrong = self._read()
        if wrong:
            self.wrong.setText(wrong)
        elif changes:
            self._done(changes)
        else:
            self._cancel()

    def _done(self, changes: dict[str, Any]) -> None:
        self._forget()
        self.saved.emit(changes)

    def _cancel(self) -> None:
        self._forget()
        self.left.emit()

    def _forget(self) -> None:
        if self._event is not None:
            self._drafts.pop((self.medium, self._event.key), None)

    def _read(self) -> tuple[dict[str, Any], str]:
        """What was changed (field → value), and a sentence on what is wrong with it, empty where nothing is."""
        event = self._event
        if event is None:
            return {}, ""
        self.score.interpretText()
        changes: dict[str, Any] = {}
        for name, field, before in (("start", self.begin, event.start), ("end", self.end, event.end)):
            # What is shown is rounded; a field that nobody touched keeps the exact time.
            if field.text().strip() == stamp(before):
                continue
            time = seconds(field.text())
            if time is None:
                return {}, f"The {name} is no time; write it as 01:21.9 or in seconds."
            changes[name] = time
        if not changes.get("end", event.end) > changes.get("start", event.start):
            return {}, "The event must end after it starts."
        if self.name.text().strip() != event.label:
            changes["label"] = self.name.text().strip()
        if self.score.isEnabled() and abs(self.score.value() - event.score) > 0.005 + 1e-9:
            changes["score"] = round(self.score.value(), 2)
        return changes, ""


def summary(event: Event, told_there: Sequence[Reading], threshold: float) -> str:
    """`Event 01:21.9–01:26.4 · fused 0.78 (threshold 0.70) · conflict 0.61`."""
    parts = [f"Event {stamp(event.start)}–{stamp(event.end)}"]
    if event.score == event.score:
        over = "" if event.added else f" (threshold {number(threshold)})"
        parts.append(f"{event.source_title} {number(event.score)}{over}")
    for reading in told_there:
        if reading.name.startswith(_SHOWN) and reading.name != event.source.title and len(parts) < 7:
            parts.append(f"{reading.name} {number(reading.value)}")
    return " · ".join(parts)


def seconds(text: str) -> float | None:
    """A time as a person writes it (`1:02:03.4`, `01:12.4`, `72.4`) in seconds, or None when it is none."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, secs = (float((part or "0").replace(",", ".")) for part in found.groups())
    time = hours * 3600 + minutes * 60 + secs
    return time if math.isfinite(time) else None


def _deep(colour: str, palette: Palette) -> str:
    """A ground on which the palette's white stands out by 4.5 : 1."""
    ground = QColor(colour)
    while _contrast(ground, QColor(palette.on_accent)) < 4.5:
        ground = ground.darker(108)
    return str(ground.name())


def _contrast(a: QColor, b: QColor) -> float:
    """Contrast ratio of WCAG 2.2."""

    def luminance(colour: QColor) -> float:
        parts = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (colour.redF(), colour.greenF(), colour.blueF())
        ]
        return float(0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2])

    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
