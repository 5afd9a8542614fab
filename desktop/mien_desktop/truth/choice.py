"""The row of choices: which labels against which reading, on what scale, of which media."""

from __future__ import annotations

import math
from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QGridLayout, QLabel, QWidget

from mien.truth.labels import LabelColumn, number
from mien.truth.match import Match
from mien.truth.readings import Reading
from mien.truth.score import Scored
from mien_desktop.look.parts import Chooser, explain, label
from mien_desktop.truth.session import Loaded

SCALES = ((1.0, 5.0), (1.0, 7.0), (1.0, 9.0), (0.0, 10.0), (0.0, 100.0), (-10.0, 10.0))
_AS_THEY_ARE = "as the reading"


class Choice(QWidget):
    """Combos that narrow each other.

    Signals:
        changed: another column, reading, scale or threshold is wanted.
        medium_changed(str): figures and dots of this medium, empty for all.
    """

    changed = Signal()
    medium_changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._loaded: Loaded | None = None
        self.column, self.reading, self.medium = Chooser(), Chooser(), Chooser()
        self.scale = QComboBox()
        self.threshold = QDoubleSpinBox()
        self.threshold.setSingleStep(0.05)
        self.threshold.setDecimals(2)
        self.threshold.setKeyboardTracking(False)
        self.threshold.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)  # as everywhere: up and down are keys
        self.scale.setEditable(True)
        self.scale.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        explain(self.column, "Labels", "Which column or tier of the labels is compared")
        explain(self.reading, "Reading", "Which reading the labels are compared with")
        explain(
            self.scale, "Scale of the labels", "The labels' own ends, such as 1 … 5; they are laid upon the reading's"
        )
        explain(self.threshold, "Threshold", "From here on a reading counts as yes")
        explain(self.medium, "Media", "Figures and dots of all media, or of one")
        for combo, least in ((self.column, 9), (self.reading, 14), (self.scale, 6), (self.medium, 9)):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(least)
        self._scale_label, self._threshold_label = label("Scale", "dim"), label("Threshold", "dim")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        parts: tuple[tuple[QLabel, QWidget, int, int], ...] = (
            (label("Labels", "dim"), self.column, 0, 0),
            (label("Reading", "dim"), self.reading, 0, 2),
            (label("Media", "dim"), self.medium, 1, 0),
            (self._scale_label, self.scale, 1, 2),
            (self._threshold_label, self.threshold, 1, 2),
        )
        for title, widget, row, place in parts:
            title.setBuddy(widget)
            grid.addWidget(title, row, place)
            grid.addWidget(widget, row, place + 1)
        grid.setColumnStretch(1, 2)
        grid.setColumnStretch(3, 3)
        self._show_rule(threshold=False, scale=False)
        self.column.activated.connect(lambda _: self._column_chosen())
        self.reading.activated.connect(lambda _: self._reading_chosen())
        self.scale.activated.connect(lambda _: self.changed.emit())
        edit = self.scale.lineEdit()
        assert edit is not None
        edit.editingFinished.connect(self._scale_typed)
        self.threshold.valueChanged.connect(lambda _: self.changed.emit())
        self.medium.activated.connect(lambda _: self.medium_changed.emit(self.chosen_medium))
        self._typed = ""

    # -- what is chosen -----------------------------------------------------------------------------------------

    @property
    def chosen_column(self) -> LabelColumn | None:
        """The column."""
        found: LabelColumn | None = self.column.currentData()
        return found

    @property
    def chosen_reading(self) -> Reading | None:
        """The reading."""
        found: Reading | None = self.reading.currentData()
        return found

    @property
    def chosen_scale(self) -> tuple[float, float] | None:
        """The labels' own ends; None where they are the reading's or what is typed is no scale."""
        text = self.scale.currentText().replace("...", "…").replace("..", "…").replace(":", "…").replace(" to ", "…")
        low, dots, high = text.partition("…")
        ends = number(low), number(high)
        if not dots or ends[0] is None or ends[1] is None:
            return None
        return ends[0], ends[1]

    @property
    def chosen_medium(self) -> str:
        """Id of the medium that is looked at, empty for all."""
        return str(self.medium.currentData() or "")

    # -- what there is ------------------------------------------------------------------------------------------

    def show_loaded(self, loaded: Loaded) -> None:
        """Offer the columns of these labels; what was chosen stays chosen where it is still there."""
        before, scale = (self.column.currentText(), self.reading.currentText()), self.scale.currentText()
        self._loaded = loaded
        self.column.clear()
        for column in loaded.columns:
            self.column.addItem(column.name, column)
        self.column.setCurrentIndex(max(0, self.column.findText(before[0])))
        same = self.column.currentText() == before[0]
        self._offer_readings(before[1] if same else "", scale if same else "")

    def show_match(self, match: Match) -> None:
        """Show the scale or the threshold, whichever counts."""
        self._show_rule(threshold=match.task == "binary", scale=match.task == "scale")
        low, high = match.reading.low, match.reading.high
        if low < high:
            self.threshold.blockSignals(True)
            self.threshold.setRange(low, high)
            self.threshold.setValue(match.threshold)
            self.threshold.blockSignals(False)

    def show_media(self, scored: Scored) -> None:
        """Offer the media that were scored."""
        before = self.chosen_medium
        self.medium.clear()
        self.medium.addItem(f"All ({len(scored.media)})", "")
        for group in scored.media:
            self.medium.addItem(group.path.name if group.path else group.medium, group.medium)
        self.medium.setCurrentIndex(max(0, self.medium.findData(before)))

    def choose(self, column: str, reading: str = "") -> None:
        """Choose by name, as a user does."""
        self.column.setCurrentIndex(self.column.findText(column))
        self._offer_readings(reading)
        self.changed.emit()

    def _column_chosen(self) -> None:
        self._offer_readings("")
        self.changed.emit()

    def _reading_chosen(self) -> None:
        self._offer_scales(self.scale.currentText())  # the labels' own, whatever they are compared with
        self.changed.emit()

    def _offer_readings(self, wanted: str, scale: str = "") -> None:
        column = self.chosen_column
        self.reading.clear()
        if column is None or self._loaded is None:
            return
        for reading in self._loaded.readings_for(column):
            self.reading.addItem(reading.name, reading)
        self.reading.setCurrentIndex(max(0, self.reading.findText(wanted)))
        self._offer_scales(scale)

    def _offer_scales(self, wanted: str) -> None:
        """The reading's own extent, then those that ratings are made on and that hold all labels; `wanted` is chosen."""
        column, reading = self.chosen_column, self.chosen_reading
        self.scale.clear()
        self.scale.addItem(_AS_THEY_ARE)
        if column is not None and reading is not None and column.kind == "number":
            low, high = column.extent
            for ends in _scales_around(low, high):
                self.scale.addItem(f"{ends[0]:g} … {ends[1]:g}".replace("-", "−"))
            place = self.scale.findText(wanted) if math.isfinite(reading.high - reading.low) else 0
            self.scale.setCurrentIndex(max(0, place))
            if wanted and place < 0 and math.isfinite(reading.high - reading.low):
                self.scale.setEditText(wanted)  # one that was typed
        self._typed = self.scale.currentText()

    def _scale_typed(self) -> None:
        text = self.scale.currentText()
        if text != self._typed:
            if self.chosen_scale is None:
                self.scale.setCurrentIndex(0)
            self._typed = self.scale.currentText()
            self.changed.emit()

    def _show_rule(self, *, threshold: bool, scale: bool) -> None:
        self._threshold_label.setVisible(threshold)
        self.threshold.setVisible(threshold)
        self._scale_label.setVisible(scale)
        self.scale.setVisible(scale)


def _scales_around(low: float, high: float) -> Iterable[tuple[float, float]]:
    return [ends for ends in SCALES if ends[0] <= low and high <= ends[1]]
