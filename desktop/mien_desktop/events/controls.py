"""The head of the events' panel: source, threshold, filter, and the buttons for adding and undoing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QDoubleSpinBox, QLineEdit, QVBoxLayout, QWidget

from mien_desktop.events.ledger import STATES
from mien_desktop.events.sources import Prepared, Rule, Source
from mien_desktop.look.flow import Flow
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import Chooser, IconButton, explain


class EventControls(QWidget):
    """Signals:
    source_chosen: a person chose another source.
    threshold_set(float), least_set(float): a person set the threshold, or the shortest event in s.
    narrowed: the filter is another one.
    """

    source_chosen = Signal()
    threshold_set = Signal(float)
    least_set = Signal(float)
    narrowed = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._picked = False
        self.choice = Chooser()
        self.choice.setMinimumContentsLength(7)
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        explain(self.choice, "Source of events", "The reading whose stretches over the threshold are events")
        self.level = _spin("≥ ", "", 0.01, 2)
        explain(self.level, "Threshold", "An event begins where the reading reaches this")
        self.least = _spin("for ", " s", 0.5, 1)
        self.least.setRange(0.0, 60.0)
        explain(self.least, "Shortest event", "Events that are shorter are left out")
        self.state = Chooser()
        self.state.setMinimumContentsLength(5)
        self.state.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.state.addItem("All", "")
        for state in STATES:
            self.state.addItem(state.capitalize(), state)
        explain(self.state, "State", "Show only events of this state")
        self.words = _Words()
        self.words.setPlaceholderText("Filter")
        self.words.setClearButtonEnabled(True)
        explain(self.words, "Filter events", "Show only events whose label, note, source or author holds these words")
        self.add = IconButton("add", "Add event", "Add an event over the selected stretch of time")
        self.undo = IconButton("undo", "Undo", "Take the last decision back", shortcut="Ctrl+Z", command="undo")
        self.redo = IconButton("redo", "Redo", "Do again what was taken back", shortcut="Ctrl+Shift+Z", command="redo")
        inside = QWidget()
        row = Flow(inside, 5, 5)
        for made in (self.add, self.undo, self.redo):
            made.setEnabled(False)
        parts = (self.choice, self.level, self.least, self.state, self.words, self.add, self.undo, self.redo)
        for widget in parts:
            row.addWidget(widget)
        box = QVBoxLayout(self)
        box.setContentsMargins(10, 6, 10, 4)
        box.addWidget(inside)
        self.choice.activated.connect(self._pick)
        self.level.valueChanged.connect(self.threshold_set)
        self.least.valueChanged.connect(self.least_set)
        self.state.currentIndexChanged.connect(self.narrowed)
        self.words.textChanged.connect(self.narrowed)
        self.show_rule(Rule(), None)
        self.wear(palette)

    def changeEvent(self, event: QEvent) -> None:
        """Another size of text, another room for it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            for box in (self.level, self.least):
                _fit(box)

    @property
    def source(self) -> Source | None:
        """The chosen source, or None while there is none."""
        found = self.choice.currentData()
        return found if isinstance(found, Source) else None

    @property
    def filter(self) -> tuple[str, str]:
        """State (empty for all) and words."""
        return str(self.state.currentData()), self.words.text()

    def show_sources(self, found: Sequence[Source]) -> None:
        """List sources; the first is chosen until a person picks one, which then stays while it is there."""
        before = self.source
        if not found:
            self._picked = False
        if [self.choice.itemData(i) for i in range(self.choice.count())] == list(found):
            return
        self.choice.clear()
        for source in found:
            self.choice.addItem(source.title, source)
        keep = found.index(before) if self._picked and before in found else 0
        self.choice.setCurrentIndex(keep if found else -1)

    def pick(self, track: str, channel: str | None = None) -> bool:
        """Choose a track's first source, or that of a channel, as a person does; False where it is chosen or not there."""
        now = self.source
        if now is not None and now.track == track and channel in (None, now.channel):
            return False
        for place in range(self.choice.count()):
            source = self.choice.itemData(place)
            if source.track == track and channel in (None, source.channel):
                self.choice.setCurrentIndex(place)
                self._picked = True
                return True
        return False

    def show_rule(self, rule: Rule, prepared: Prepared | None) -> None:
        """Show a threshold and a least length without telling of it."""
        for box, value in ((self.level, rule.threshold), (self.least, rule.min_length)):
            box.blockSignals(True)
            if box is self.level:
                box.setRange(*((prepared.low, prepared.high) if prepared is not None else (0.0, 1.0)))
            box.setValue(value)
            box.blockSignals(False)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        for made in (self.add, self.undo, self.redo):
            made.wear(palette)

    def _pick(self) -> None:
        self._picked = True
        self.source_chosen.emit()


class _Words(QLineEdit):
    def sizeHint(self) -> QSize:
        """A short word; it takes what is left of its line."""
        hint = super().sizeHint()
        return QSize(max(56, super().minimumSizeHint().width()), hint.height())


def _spin(prefix: str, suffix: str, step: float, decimals: int) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
    box.setPrefix(prefix)
    box.setSuffix(suffix)
    box.setSingleStep(step)
    box.setDecimals(decimals)
    _fit(box)
    return box


def _fit(box: QDoubleSpinBox) -> None:
    box.setMinimumWidth(box.fontMetrics().horizontalAdvance("for 00.0 s") + 20)
