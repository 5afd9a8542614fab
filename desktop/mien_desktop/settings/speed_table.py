"""The self-test's results: a row for each device and precision that was asked for, a column for each model, the fastest of each
column bold. Under a figure stands in what the model really computed, where that is something else."""

from __future__ import annotations

import textwrap
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem

from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, literal

_SPEED, _COMPUTED = (int(Qt.ItemDataRole.UserRole) + n for n in range(2))


class SpeedTable(QTableWidget):
    """Fills while the self-test runs."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._names: dict[str, str] = {}
        self._rows: dict[tuple[str, str], int] = {}
        self._columns: dict[str, int] = {}
        explain(self, "Speed of each device", "How fast each model computes; higher is faster")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom)
        self.clear_results()

    def clear_results(self) -> None:
        """Nothing has been measured."""
        self._rows, self._columns = {}, {}
        self.clear()
        self.setRowCount(0)
        self.setColumnCount(2)
        self.setHorizontalHeaderLabels(["Device", "Precision"])
        self._fit()

    def take(self, answer: dict[str, Any]) -> None:
        """Follow a line of `speed.py`."""
        kind = answer.get("kind")
        if kind == "device":
            self._names[str(answer["device"])] = str(answer["name"])
        elif kind in ("measuring", "result"):
            item = self._cell(answer)
            if kind == "measuring":
                item.setText("…")
            elif "speed" in answer:
                speed = float(answer["speed"])
                asked = str(answer["device"]), str(answer["precision"])
                device, precision = map(str, answer.get("computed_on", asked))
                item.setText("\n".join([told(speed), *_otherwise((device, precision), asked)]))
                self.resizeRowToContents(item.row())
                title = "\n".join([*textwrap.wrap(str(answer["title"]), 14), str(answer["unit"])])
                if (head := self.horizontalHeaderItem(item.column())) is not None:
                    head.setText(title)
                item.setData(_SPEED, speed)
                item.setToolTip(literal(f"{answer['title']}: computed on {device} in {precision}"))
                item.setData(_COMPUTED, (device, precision))
            else:
                item.setText("–")
                item.setToolTip(literal(str(answer.get("problem", ""))))
            self._emphasise(item.column())
            self._fit()

    def results(self) -> dict[tuple[str, str, str], float]:
        """(device, precision, plugin) → speed, of what has been measured."""
        found = {}
        for (device, precision), row in self._rows.items():
            for plugin, column in self._columns.items():
                item = self.item(row, column)
                if item is not None and item.data(_SPEED) is not None:
                    found[device, precision, plugin] = float(item.data(_SPEED))
        return found

    def computed(self, device: str, precision: str, plugin: str) -> tuple[str, str]:
        """The device and precision that a model really ran in, empty for what has not been measured."""
        item = self.item(self._rows[device, precision], self._columns[plugin])
        return (item.data(_COMPUTED) if item is not None else None) or ("", "")

    def stopped(self) -> None:
        """What was being measured was not finished."""
        for row in range(self.rowCount()):
            for column in range(2, self.columnCount()):
                item = self.item(row, column)
                if item is not None and item.text() == "…":
                    item.setText("–")

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        for column in range(2, self.columnCount()):
            self._emphasise(column)

    def _cell(self, answer: dict[str, Any]) -> QTableWidgetItem:
        key, plugin = (str(answer["device"]), str(answer["precision"])), str(answer["plugin"])
        if key not in self._rows:
            row = self._rows[key] = self.rowCount()
            self.insertRow(row)
            self.setItem(row, 0, QTableWidgetItem(self._names.get(key[0], key[0])))
            self.setItem(row, 1, QTableWidgetItem(key[1]))
        if plugin not in self._columns:
            column = self._columns[plugin] = self.columnCount()
            self.insertColumn(column)
            self.setHorizontalHeaderItem(
                column, QTableWidgetItem("\n".join([*textwrap.wrap(str(answer["title"]), 14), " "]))
            )
        row, column = self._rows[key], self._columns[plugin]
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        return item

    def _emphasise(self, column: int) -> None:
        items = [i for row in range(self.rowCount()) if (i := self.item(row, column)) is not None]
        best = max((i.data(_SPEED) for i in items if i.data(_SPEED) is not None), default=None)
        for item in items:
            fastest = best is not None and item.data(_SPEED) == best and self.rowCount() > 1
            font = item.font()
            font.setBold(fastest)
            item.setFont(font)
            item.setForeground(QColor(self._palette.good if fastest else self._palette.text))

    def _fit(self) -> None:
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)
        # The spare room is the first column's; without any, it keeps its names and the table scrolls.
        spare = self.viewport().width() - sum(header.sectionSize(c) for c in range(1, self.columnCount()))
        if self.columnCount() > 2 and spare > self.sizeHintForColumn(0):
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        rows = sum(self.rowHeight(row) for row in range(max(self.rowCount(), 1)))
        self.setFixedHeight(header.sizeHint().height() + max(rows, 34) + 18)


def _otherwise(on: tuple[str, str], asked: tuple[str, str]) -> list[str]:
    """What to say of a model that ran in something else than its row says."""
    if on[0] != asked[0]:
        return [f"{on[0]}, {on[1]}"]
    return [on[1]] if on != asked else []


def told(speed: float) -> str:
    """A speed in words: `2,004`, `48`, `9.9`."""
    return f"{speed:,.0f}" if speed >= 20 else f"{speed:.1f}"
