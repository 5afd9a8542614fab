"""Editors of single parameters. Each shows any value, also one that cannot be: the form says what is wrong with it."""

from __future__ import annotations

import enum
import json
import math
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QWidget,
)

from mien.engine.choice import value_of
from mien_desktop.look.parts import button, explain, label
from mien_desktop.plugins.about import About, shown
from mien_desktop.plugins.checks import CheckBox, Combo, Line

_STEPS = 200
"""Places of a slider."""


class Field(QWidget):
    """An editor.

    Signals:
        edited: the user has changed the value.
    """

    edited = Signal()

    def __init__(self, about: About) -> None:
        super().__init__()
        self.about = about
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(0, 0, 0, 0)
        self.row.setSpacing(6)
        tip = " · ".join(t for t in (about.description, about.extent) if t) or about.title
        self.tip = tip

    def value(self) -> Any:
        """What is entered, as a parameter model takes it."""
        raise NotImplementedError

    def show_value(self, value: Any) -> None:
        """Show a value; emits nothing."""
        raise NotImplementedError

    def mark(self, wrong: bool) -> None:
        """Show whether what is entered is refused."""
        editor = self.focusProxy()
        if isinstance(editor, Line | Combo) and editor.wrong != wrong:
            editor.wrong = wrong
            editor.update()


class SwitchField(Field):
    """On or off."""

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._box = CheckBox("On")
        explain(self._box, about.title, self.tip)
        self._box.clicked.connect(self.edited)
        self._box.toggled.connect(lambda on: self._box.setText("On" if on else "Off"))
        self.row.addWidget(self._box)
        self.row.addStretch(1)
        self.setFocusProxy(self._box)

    def value(self) -> bool:
        return self._box.isChecked()

    def show_value(self, value: Any) -> None:
        self._box.setChecked(bool(value))
        self._box.setText("On" if value else "Off")


class ChoiceField(Field):
    """One of several."""

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._box = Combo()
        self._box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._box.setMinimumContentsLength(10)
        explain(self._box, about.title, self.tip)
        self._values: list[Any] = [*([None] if about.optional else []), *about.choices]
        for value in self._values:
            self._box.addItem(shown(value).replace("_", " "))
        self._box.activated.connect(lambda _: self.edited.emit())
        self.row.addWidget(self._box, 1)
        self.setFocusProxy(self._box)

    def value(self) -> Any:
        index = self._box.currentIndex()
        value = self._values[index] if index >= 0 else None
        return value.value if isinstance(value, enum.Enum) else value

    def show_value(self, value: Any) -> None:
        plain = [v.value if isinstance(v, enum.Enum) else v for v in self._values]
        value = value.value if isinstance(value, enum.Enum) else value
        self._box.setCurrentIndex(plain.index(value) if value in plain else -1)


class NumberField(Field):
    """A number as text: what is out of range can be entered, and is then refused in words. Arrow keys step."""

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._line = _NumberLine(self)
        self._line.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._line.setFixedWidth(84)
        self._line.setPlaceholderText("none" if about.optional else "")
        explain(self._line, about.title, f"{self.tip} (Up and Down step)")
        self._said = ""
        self._line.editingFinished.connect(self._finished)
        self._slider = self._make_slider()
        if self._slider is not None:
            self.row.addWidget(self._slider, 1)
        self.row.addWidget(self._line)
        if about.unit:
            self.row.addWidget(label(about.unit, "dim"))
        if self._slider is None:
            self.row.addStretch(1)
        self.setFocusProxy(self._line)

    def value(self) -> Any:
        text = self._line.text().strip().replace(",", ".")
        if not text and self.about.optional:
            return None
        # What is no number in JSON ('.5', 'two') stays text: the model reads it, or says what is wrong with it.
        value = value_of(text)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else text

    def show_value(self, value: Any) -> None:
        self._line.setText("" if value is None else shown(value))
        self._said = self._line.text()
        self._slide(value)

    def step(self, times: float) -> None:
        """Go up or down by so many steps, inside the bounds."""
        about, value = self.about, _finite(self.value())
        if value is None:
            value = about.default if isinstance(about.default, int | float) else about.low or 0
        stride = self._stride()
        value = value + times * stride
        if about.low is not None:
            value = max(value, about.low + (stride if about.low_open else 0))
        if about.high is not None:
            value = min(value, about.high - (stride if about.high_open else 0))
        self.show_value(round(value) if about.kind == "int" else round(value, 10))
        self.edited.emit()

    def _stride(self) -> float:
        about = self.about
        if about.kind == "int":
            return 1
        if about.low is None or about.high is None:
            return 0.1
        return float(10.0 ** math.floor(math.log10((about.high - about.low) / 20)))

    def _finished(self) -> None:
        if self._line.text() != self._said:
            self._said = self._line.text()
            self._slide(self.value())
            self.edited.emit()

    def _make_slider(self) -> QSlider | None:
        about = self.about
        if about.kind != "float" or about.low is None or about.high is None or about.high - about.low > 2:
            return None
        slider = _QuietSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, _STEPS)
        slider.setPageStep(_STEPS // 10)
        explain(slider, f"{about.title}, slider", self.tip)
        slider.valueChanged.connect(self._slid)
        return slider

    def _slide(self, value: Any) -> None:
        if self._slider is None or self.about.low is None or self.about.high is None:
            return
        known = _finite(value)
        known = self.about.low if known is None else known
        place = (known - self.about.low) / (self.about.high - self.about.low)
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(round(_STEPS * min(max(place, 0.0), 1.0)))
        self._slider.blockSignals(blocked)

    def _slid(self, place: int) -> None:
        assert self.about.low is not None
        assert self.about.high is not None
        value = self.about.low + (self.about.high - self.about.low) * place / _STEPS
        self._line.setText(shown(round(value, 10)))
        self._said = self._line.text()
        self.edited.emit()


def _finite(value: Any) -> float | None:
    """The number, unless it is none or one beyond all scales, which a person may type."""
    try:
        return value if isinstance(value, int | float) and math.isfinite(value) else None
    except OverflowError:
        return None


class TextField(Field):
    """A line of text; for types that have no editor of their own, of JSON."""

    def __init__(self, about: About) -> None:
        super().__init__(about)
        self._line = Line()
        self._line.setPlaceholderText("none" if about.optional else "")
        explain(self._line, about.title, self.tip)
        self._said = ""
        self._line.editingFinished.connect(self._finished)
        self.row.addWidget(self._line, 1)
        self.setFocusProxy(self._line)
        if about.kind == "path":
            choose = button("Choose…", f"Choose a file or folder: {about.title}")
            choose.setAccessibleName(f"Choose: {about.title}")
            choose.clicked.connect(self._choose)
            self.row.addWidget(choose)

    def value(self) -> Any:
        text = self._line.text()
        if not text.strip() and self.about.optional:
            return None
        return value_of(text) if self.about.kind == "other" else text

    def show_value(self, value: Any) -> None:
        if self.about.kind == "other" and value is not None:
            value = json.dumps(value, ensure_ascii=False, default=str)
        self._line.setText("" if value is None else shown(value))
        self._line.setCursorPosition(0)
        self._said = self._line.text()

    def _finished(self) -> None:
        if self._line.text() != self._said:
            self._said = self._line.text()
            self.edited.emit()

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, self.about.title, str(Path(self._line.text() or ".")))
        if folder:
            self._line.setText(folder)
            self._finished()


def field_for(about: About) -> Field:
    """The editor that a parameter wants."""
    if about.kind == "choice" or (about.kind == "bool" and about.optional):
        if about.kind == "bool":
            from dataclasses import replace

            about = replace(about, choices=(True, False))
        return ChoiceField(about)
    if about.kind == "bool":
        return SwitchField(about)
    if about.kind in ("int", "float"):
        return NumberField(about)
    return TextField(about)


class _NumberLine(Line):
    """Steps by the arrow keys, and by the wheel while it has the focus (a form must scroll on)."""

    def __init__(self, field: NumberField) -> None:
        super().__init__()
        self._field = field
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down by one step, with the page keys by ten."""
        times = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}.get(
            Qt.Key(event.key())
        )
        if times is None:
            super().keyPressEvent(event)
        else:
            self._field.step(times)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only where the keyboard is."""
        if self.hasFocus() and event.angleDelta().y():
            self._field.step(1 if event.angleDelta().y() > 0 else -1)
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """All of it is selected, so that typing replaces it."""
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.selectAll()


class _QuietSlider(QSlider):
    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only where the keyboard is."""
        super().wheelEvent(event) if self.hasFocus() else event.ignore()
