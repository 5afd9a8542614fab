"""The tables beside the scatter: figures, media, and the samples that are most wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from mien.evaluation.metrics import Interval
from mien.exchange.text import clock
from mien.truth.match import Sample
from mien.truth.score import Scored, error
from mien_desktop.look.parts import literal
from mien_desktop.truth.plot import value

_Index = QModelIndex | QPersistentModelIndex

MEANS = {
    "CCC": "Concordance correlation (Lin 1989): 1 where reading and truth are the same, 0 where they have nothing in common",
    "Pearson": "Correlation: whether they rise and fall together, whatever their level",
    "RMSE": "Root mean square error, in the unit of the reading; 0 is best",
    "UAR": "Unweighted average recall: mean over the classes (or sides) of the share that was found; 0.5 is chance for two",
    "WAR": "Weighted average recall: the share that is right (accuracy)",
    "F1": "Harmonic mean of precision and recall of yes",
    "F1 macro": "Mean of the classes' F1",
    "WER": "Word error rate: words substituted, deleted and inserted, as a share of the words said; 0 is best",
}
"""What the figures say, for their tooltips."""


@dataclass(frozen=True)
class Row:
    """One row: what its cells show, what is said of it under the pointer, and what it stands for."""

    cells: tuple[str, ...]
    tip: str = ""
    thing: object = None


class Table(QAbstractTableModel):
    """Rows of text; the columns named in `left` are aligned there, numbers to the right."""

    def __init__(self, columns: Sequence[str] = (), left: Sequence[str] = ()) -> None:
        super().__init__()
        self.columns: tuple[str, ...] = tuple(columns)
        self._left = frozenset(left)
        self.rows: tuple[Row, ...] = ()

    def show_rows(self, rows: Sequence[Row], columns: Sequence[str] | None = None) -> None:
        """Other rows, and other columns where they are given."""
        self.beginResetModel()
        self.rows = tuple(rows)
        if columns is not None:
            self.columns = tuple(columns)
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or section >= len(self.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return MEANS.get(self.columns[section])
        return self._side(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.cells[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return literal(row.tip or row.cells[index.column()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._side(index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self.columns[index.column()]} {row.cells[index.column()]}"
        return None

    def _side(self, column: int) -> Qt.AlignmentFlag:
        left = self.columns[column] in self._left
        return Qt.AlignmentFlag.AlignVCenter | (Qt.AlignmentFlag.AlignLeft if left else Qt.AlignmentFlag.AlignRight)


class TableView(QTableView):
    """Whole rows are chosen.

    Signals:
        acted(object): Return, Space or a double click on what a row stands for.
    """

    acted = Signal(object)

    def __init__(self, table: Table, name: str, told: str) -> None:
        super().__init__()
        self._table = table
        self.setModel(table)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.verticalHeader().hide()
        self.horizontalHeader().setHighlightSections(False)
        self.setAccessibleName(name)
        self.setAccessibleDescription(told)
        self.doubleClicked.connect(lambda index: self.acted.emit(self._table.rows[index.row()].thing))
        table.modelReset.connect(self.fit)

    def fit(self) -> None:
        """Columns as wide as their text; the medium's takes what is left where it is last, and not too much elsewhere."""
        header = self.horizontalHeader()
        last = len(self._table.columns) - 1
        for column, name in enumerate(self._table.columns):
            fixed = name == "Medium" and column != last
            mode = QHeaderView.ResizeMode.Interactive if fixed else QHeaderView.ResizeMode.ResizeToContents
            header.setSectionResizeMode(column, mode)
            if fixed:
                wanted = max(
                    (self.fontMetrics().horizontalAdvance(row.cells[column]) for row in self._table.rows), default=0
                )
                self.setColumnWidth(column, min(max(wanted + 16, 70), 120))
        header.setStretchLastSection(True)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 10)

    def minimumSizeHint(self) -> QSize:
        """All columns where they are few; a part of them where they are many, which then scroll."""
        wide = min(self.horizontalHeader().length(), 30 * self.fontMetrics().averageCharWidth() + 20)
        return QSize(wide + self.verticalScrollBar().sizeHint().width() + 4, super().minimumSizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        """Another size of text, another room for it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return or Space acts on the row."""
        row = self.currentIndex().row()
        keys = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space)
        if event.key() in keys and row >= 0:
            self.acted.emit(self._table.rows[row].thing)
        else:
            super().keyPressEvent(event)


def figure_rows(scored: Scored, medium: str) -> list[Row]:
    """Metric, value and interval of one medium, or of all (empty)."""
    group = next((g for g in scored.media if g.medium == medium), scored.whole) if medium else scored.whole
    rows = [Row((f.name, *_told(f.interval)), MEANS.get(f.name, "")) for f in group.figures]
    rows.append(Row(("Samples", str(group.n), ""), "Labelled stretches with a reading"))
    if group.missing:
        rows.append(Row(("No reading", str(group.missing), ""), "Labelled stretches where nothing was read"))
    return rows


def medium_columns(scored: Scored) -> list[str]:
    """Columns of the table of media."""
    return ["Medium", "n", *(figure.name for figure in scored.whole.figures)]


def medium_rows(scored: Scored) -> list[Row]:
    """One row a medium, the figures without their intervals (these are in the tooltip)."""
    rows = []
    names = [figure.name for figure in scored.whole.figures]
    for group in scored.media:
        found = [group.figure(name) for name in names]
        cells = ["–" if one is None else f"{one.value:z.2f}".replace("-", "−") for one in found]
        told = [f"{n} {' '.join(_told(one))}" for n, one in zip(names, found, strict=True) if one is not None]
        tip = "\n".join([str(group.path), *told, *([f"{group.missing} without a reading"] if group.missing else [])])
        rows.append(Row((group.path.name if group.path else "", str(group.n), *cells), tip, group.medium))
    return rows


WORST_COLUMNS = ("Error", "Truth", "Read", "At", "Medium")


def worst_rows(scored: Scored, worst: Sequence[Sample], medium: str, most: int = 200) -> list[Row]:
    """The first of the samples that are most wrong.

    Args:
        worst: all that are wrong, the worst first; to sort many takes longer than a window may.
        medium: only of this one; empty for all.
    """
    rows = []
    for sample in (s for s in worst if not medium or s.medium == medium):
        truth, read = value(scored, sample.truth, True), value(scored, sample.prediction)
        cells = (_error(scored, sample), _short(truth), _short(read), clock(sample.start), sample.path.name)
        rows.append(Row(cells, f"{sample.path}\ntruth {truth}\nread {read}\nPlay with Return", sample))
        if len(rows) == most:
            break
    return rows


def _error(scored: Scored, sample: Sample) -> str:
    wrong = error(scored.match, sample)
    return f"{wrong:.0f}" if scored.match.task == "words" else f"{wrong:.0%}"


def _short(text: str) -> str:
    return text if len(text) <= 12 else f"{text[:11]}…"


def _told(interval: Interval) -> tuple[str, str]:
    value_ = f"{interval.value:z.3f}".replace("-", "−")
    if interval.low != interval.low:
        return value_, ""
    return value_, f"{interval.low:z.2f} to {interval.high:z.2f}".replace("-", "−")
