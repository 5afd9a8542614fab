"""A form made from a plugin's parameter model: bounds, units and words are the model's own, and so are refusals."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from mien.engine.choice import fill
from mien.errors import ParameterError
from mien.sdk.params import Params
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import IconButton, button, explain, label, text_scale
from mien_desktop.plugins.about import About, about
from mien_desktop.plugins.checks import Mark
from mien_desktop.plugins.fields import field_for

_EDITOR = 210
"""Width of the editors' column at 100 %, px."""
_SHARE = 0.4
"""Of the form that it takes at most where text is larger."""


class ParamsForm(QWidget):
    """One row per parameter. What the model refuses stays entered, is told beside it, and counts for nothing.

    Args:
        owner: the plugin's id, as error messages name it.
        model: its parameters.
        values: what differs from the defaults.

    Signals:
        changed: the accepted values are others now.
        refused(str): something was entered that cannot be; the sentence.
    """

    changed = Signal()
    refused = Signal(str)

    def __init__(
        self, owner: str, model: type[Params], palette: Palette, values: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self._owner, self._model = owner, model
        self._rows = [_Row(a) for a in about(model)]
        self._params: Params | None = None
        self._problem = ""
        self._summary = label(kind="small", wrap=True)
        self._reset = button("Reset all", "Take every parameter back to its default", kind="flat")
        self._reset.clicked.connect(self.reset)
        self._whole = label(kind="bad", wrap=True)
        head = QHBoxLayout()
        head.addWidget(label("Settings", "heading"))
        head.addWidget(self._summary, 1)
        head.addWidget(self._reset)
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(1, 1)
        for number, row in enumerate(self._rows):
            row.put(grid, number)
            row.field.edited.connect(self._edited)
            row.reset_asked.connect(lambda row=row: self._reset_one(row))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addLayout(head)
        if not self._rows:
            outer.addWidget(label("It has nothing to set.", "dim"))
        outer.addLayout(grid)
        outer.addWidget(self._whole)
        self._reset.setVisible(bool(self._rows))
        self.setAccessibleName(f"Settings of {owner}")
        self._fit()
        self.wear(palette)
        self.take(values or {})

    @property
    def problem(self) -> str:
        """What is refused of what is entered, as a sentence; empty when all is accepted."""
        return self._problem

    def params(self) -> Params | None:
        """The values that were accepted last; None while a parameter without a default lacks its value."""
        return self._params

    def values(self) -> dict[str, Any]:
        """The accepted values that differ from the defaults, JSON-ready, as `Choice.settings` takes them."""
        return {} if self._params is None else differing(self._params)

    def take(self, values: Mapping[str, Any]) -> None:
        """Show these values, with the defaults of all others.

        Raises:
            ParameterError: the model refuses them; the form stays as it was.
        """
        try:
            params = fill(self._owner, self._model, values)
        except ParameterError:
            if self._params is not None or not any(r.about.required for r in self._rows):
                raise
            params = None
        for row in self._rows:
            row.field.show_value(row.about.default if params is None else getattr(params, row.about.name))
        self._params = params
        self._edited(quiet=True)

    def reset(self) -> None:
        """Every parameter back to its default."""
        for row in self._rows:
            row.field.show_value(row.about.default)
        self._edited()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        for row in self._rows:
            row.wear(palette)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other room for the editors."""
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Another size of text, another room for it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        """Editors as wide as their text asks for, as long as the words beside them keep more than half of the room."""
        wide = max(_EDITOR, min(round(_EDITOR * text_scale(self)), round(_SHARE * self.width())))
        for row in self._rows:
            row.set_width(wide)

    def _reset_one(self, row: _Row) -> None:
        row.field.show_value(row.about.default)
        row.field.setFocus()
        self._edited()

    def _edited(self, quiet: bool = False) -> None:
        """Ask the model about what is entered, and say in place what it refuses."""
        entered = {row.about.name: row.field.value() for row in self._rows if row.entered()}
        before, problem, whole = self._params, "", ""
        for row in self._rows:
            alone = {row.about.name: entered[row.about.name]} if row.about.name in entered else {}
            said = self._refusal(row.about.name, alone)
            row.say(said)
            problem = problem or said
        try:
            self._params = fill(self._owner, self._model, entered)
        except ParameterError as error:
            if not problem:
                problem = whole = _spoken(str(error), self._owner)
        self._problem = problem
        self._whole.setText(whole)
        self._whole.setVisible(bool(whole))
        self._show_differences()
        if quiet:
            return
        if problem:
            self.refused.emit(problem)
        elif before != self._params:
            self.changed.emit()

    def _refusal(self, name: str, values: Mapping[str, Any]) -> str:
        """What the model says of one parameter alone."""
        try:
            fill(self._owner, self._model, values)
        except ParameterError as error:
            if str(error).startswith(f"{self._owner}.{name}: "):
                return _spoken(str(error), f"{self._owner}.{name}")
        return ""

    def _show_differences(self) -> None:
        count = sum(row.differs() for row in self._rows)
        for row in self._rows:
            row.show_difference()
        self._summary.setText(f"{count} changed" if count else "all at their defaults" if self._rows else "")
        self._reset.setEnabled(bool(count))


class _Row(QObject):
    """The widgets of one parameter: a mark when it differs, its words, its editor, and the way back."""

    reset_asked = Signal()

    def __init__(self, about_it: About) -> None:
        super().__init__()
        self.about = about_it
        self.field = field_for(about_it)
        self._mark = Mark()
        self._name = label(about_it.title, wrap=True)
        self._name.setBuddy(self.field)
        self._words = label(about_it.description[:1].upper() + about_it.description[1:], "small", wrap=True)
        self._extent = label(kind="small", wrap=True)
        self._error = label(kind="bad", wrap=True)
        self._error.hide()
        self._back = IconButton(
            "undo", f"Reset {about_it.title}", f"Back to the default: {about_it.told(about_it.default)}"
        )
        policy = self._back.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self._back.setSizePolicy(policy)
        self._back.clicked.connect(self.reset_asked)

    def put(self, grid: QGridLayout, number: int) -> None:
        """Lay it out as that row of the form."""
        words, edit, back = QVBoxLayout(), QVBoxLayout(), QVBoxLayout()
        for box, inside in (
            (words, (self._name, self._words, self._error)),
            (edit, (self.field, self._extent)),
            (back, (self._back,)),
        ):
            box.setContentsMargins(0, 8, 0, 8)
            box.setSpacing(2)
            for widget in inside:
                box.addWidget(widget)
            box.addStretch(1)
        self._words.setVisible(bool(self.about.description))
        grid.addWidget(self._mark, number, 0)
        for column, place in enumerate((words, edit, back), 1):
            grid.addLayout(place, number, column)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._back.wear(palette)

    def set_width(self, width: int) -> None:
        """Width of the editor, in px."""
        self.field.setFixedWidth(width)
        self._extent.setFixedWidth(width)

    def entered(self) -> bool:
        """Whether there is a value: a parameter without default is absent while its editor is empty."""
        return not (self.about.required and self.field.value() in ("", None))

    def differs(self) -> bool:
        """Whether what is entered is not the default."""
        return self.entered() and plain(self.field.value()) != plain(self.about.default)

    def show_difference(self) -> None:
        """Mark it, and name the default."""
        differs = self.differs()
        self._mark.set_on(differs)
        self._back.setVisible(differs)
        default = "" if self.about.required else f"default {self.about.told(self.about.default)}"
        told = f"changed, {default}" if differs and default else "changed" if differs else default
        extent = self.about.extent if self.about.low is not None or self.about.high is not None else ""
        self._extent.setText(" · ".join(t for t in (extent, told) if t))

    def say(self, problem: str) -> None:
        """What is wrong with what is entered, or empty."""
        self._error.setText(problem)
        self._error.setVisible(bool(problem))
        self.field.mark(bool(problem))
        explain_error = f"{self.field.tip} – {problem}" if problem else self.field.tip
        editor = self.field.focusProxy()
        if editor is not None:
            explain(editor, self.about.title, explain_error)


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(entry) for entry in value]
    return str(value) if isinstance(value, Path) else value


def differing(params: Params) -> dict[str, Any]:
    """The values that differ from the defaults, JSON-ready."""
    dumped = params.model_dump(mode="json")
    defaults = {a.name: a for a in about(type(params))}
    return {
        name: dumped.get(name, plain(getattr(params, name)))
        for name, a in defaults.items()
        if a.required or getattr(params, name) != a.default
    }


def _spoken(sentence: str, prefix: str) -> str:
    """The model's sentence without the plugin's and the parameter's name, which stand above it."""
    for start in (f"{prefix}: ", f"{prefix}.the parameters: "):
        if sentence.startswith(start):
            rest = sentence.removeprefix(start).replace("input should", "it should", 1)
            return rest[:1].upper() + rest[1:]
    return sentence
