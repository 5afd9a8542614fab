"""What a comparison says: scatter, switches of its kinds, and the tables beside it, all about the same samples."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from mien.truth.match import Sample
from mien.truth.score import Scored
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import label
from mien_desktop.truth.choice import Choice
from mien_desktop.truth.kinds import Kinds
from mien_desktop.truth.plot import Dots
from mien_desktop.truth.scatter import Scatter
from mien_desktop.truth.session import span_to_play
from mien_desktop.truth.tables import (
    WORST_COLUMNS,
    Table,
    TableView,
    figure_rows,
    medium_columns,
    medium_rows,
    worst_rows,
)

_TABLES = 240
"""px, the least width of the tables beside the scatter."""


class Results(QWidget):
    """Signals:
    play_asked(object, float, float): Path of a medium, start and end in s of the sample to play.

    Args:
        choice: what is compared; it stands over the scatter, and names the medium that is shown.
    """

    play_asked = Signal(object, float, float)

    def __init__(self, palette: Palette, choice: Choice) -> None:
        super().__init__()
        self.choice = choice
        self.result: Scored | None = None
        self.dots: Dots | None = None
        self._worst: list[Sample] = []  # all, the worst first
        self.scatter = Scatter(palette)
        self.kinds = Kinds(palette)
        self.figures = Table(("Figure", "Value", "95 % interval"), ("Figure",))
        self.media = Table((), ("Medium",))
        self.worst = Table(WORST_COLUMNS, ("Medium",))
        self.figure_view = TableView(self.figures, "Figures", "How well reading and truth agree")
        self.medium_view = TableView(self.media, "Media", "Figures of each medium; Return shows its samples alone")
        self.worst_view = TableView(self.worst, "Worst errors", "Samples that are most wrong; Return plays one")
        self._notes = label("", "small", wrap=True)
        self._arrange()
        choice.medium_changed.connect(self._show_medium)
        self.kinds.toggled.connect(self._narrow)
        self.scatter.played.connect(lambda number: self._play(self._sample(number)))
        self.scatter.chosen.connect(self._find_row)
        self.worst_view.acted.connect(self._play)
        self.worst_view.selectionModel().currentRowChanged.connect(lambda index, _: self._mark(index.row()))
        self.medium_view.acted.connect(self._medium_acted)

    def show_scored(self, scored: Scored, dots: Dots, worst: list[Sample]) -> None:
        """Other figures; `worst` are all samples, the worst first."""
        self.result, self.dots, self._worst = scored, dots, worst
        self.choice.show_media(scored)
        self.scatter.show_dots(dots)
        self.kinds.show_kinds(scored)
        self.kinds.show()
        self.media.show_rows(medium_rows(scored), medium_columns(scored))
        self.tables.setTabText(1, f"Media {len(scored.media)}")
        self._notes.setText("\n".join(scored.notes))
        self._notes.setVisible(bool(scored.notes))
        self._show_medium()

    def clear(self) -> None:
        """Nothing is compared; what to compare can be chosen."""
        self.result = self.dots = None
        self._worst = []
        self.scatter.show_dots(None)
        self.kinds.hide()
        for table in (self.figures, self.media, self.worst):
            table.show_rows([])
        self._notes.hide()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self.scatter.wear(palette)
        self.kinds.wear(palette)

    def _arrange(self) -> None:
        figures = QWidget()
        beside = QVBoxLayout(figures)
        beside.setContentsMargins(0, 4, 0, 0)
        beside.addWidget(self.figure_view, 1)
        beside.addWidget(self._notes)
        self.tables = QTabWidget()
        self.tables.setDocumentMode(True)
        self.tables.setMinimumWidth(_TABLES)  # they scroll sideways where text is large
        self.tables.setAccessibleName("Tables")
        self.tables.addTab(figures, "Figures")
        self.tables.addTab(self.medium_view, "Media")
        self.tables.addTab(self.worst_view, "Worst")
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(8)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.scatter)
        self.split.addWidget(self.tables)
        self.split.setStretchFactor(0, 1)
        self.split.setSizes([420, 260])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(self.choice)
        whole.addWidget(self.split, 1)
        whole.addWidget(self.kinds)

    # -- one medium, some kinds ---------------------------------------------------------------------------------

    @Slot()
    def _show_medium(self) -> None:
        if self.result is not None:
            self.figures.show_rows(figure_rows(self.result, self.choice.chosen_medium))
            self.worst.show_rows(worst_rows(self.result, self._worst, self.choice.chosen_medium))
            self._narrow()

    @Slot()
    def _narrow(self) -> None:
        """Show the dots of the chosen medium and kinds."""
        if self.result is None or self.dots is None:
            return
        shown = np.isin(self.dots.kinds, self.kinds.shown)
        medium = self.choice.chosen_medium
        if medium:
            shown &= np.array([sample.medium == medium for sample in self.result.samples], bool)
        self.scatter.show_only(shown)

    def _medium_acted(self, medium: object) -> None:
        place = self.choice.medium.findData(medium)
        if place >= 0:
            self.choice.medium.setCurrentIndex(place)
            self._show_medium()

    # -- samples ------------------------------------------------------------------------------------------------

    def _sample(self, number: int) -> Sample | None:
        return self.result.samples[number] if self.result is not None else None

    def _play(self, sample: object) -> None:
        if isinstance(sample, Sample):
            self.play_asked.emit(sample.path, *span_to_play(sample))

    def _mark(self, row: int) -> None:
        """The dot of a row of the worst."""
        if self.result is not None and 0 <= row < len(self.worst.rows):
            thing = self.worst.rows[row].thing
            number = next((n for n, sample in enumerate(self.result.samples) if sample is thing), -1)
            self.scatter.choose(number)

    def _find_row(self, number: int) -> None:
        """The row of a dot, where it is among the worst."""
        sample = self._sample(number)
        row = next((n for n, one in enumerate(self.worst.rows) if one.thing is sample), -1)
        if row >= 0 and row != self.worst_view.currentIndex().row():
            self.worst_view.selectRow(row)
