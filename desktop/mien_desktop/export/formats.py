"""The formats: which are wanted, and the options of the one that is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QHBoxLayout,
    QStackedWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mien.sdk.descriptors import ExporterInfo
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import label, literal
from mien_desktop.plugins.checks import Rule, scrolling
from mien_desktop.plugins.form import ParamsForm
from mien_desktop.plugins.lists import beside, framed, item_list

_ID = int(Qt.ItemDataRole.UserRole)


class Formats(QWidget):
    """Signals:
    changed: other formats are wanted, or other options hold.
    """

    changed = Signal()

    def __init__(self, exporters: Mapping[str, ExporterInfo], palette: Palette) -> None:
        super().__init__()
        self._exporters, self._palette = dict(exporters), palette
        self._forms: dict[str, ParamsForm] = {}
        self._pages: dict[str, QWidget] = {}
        self._items: dict[str, QTreeWidgetItem] = {}
        self._list = item_list("Formats", "Which files are written; Space chooses one or leaves it out")
        self._stack = QStackedWidget()
        for info in self._exporters.values():
            item = QTreeWidgetItem(self._list, [info.title, info.suffix or "folder"])
            item.setData(0, _ID, info.id)
            item.setCheckState(0, Qt.CheckState.Unchecked)
            item.setToolTip(0, literal(info.description))
            self._items[info.id] = item
        self._list.itemChanged.connect(lambda *_: self.changed.emit())
        self._list.currentItemChanged.connect(lambda item, _: self._show(item))
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(beside(framed(self._list), framed(self._stack), (260, 520)))
        if self._items:
            self._list.setCurrentItem(next(iter(self._items.values())))
        self.wear(palette)

    @property
    def wanted(self) -> list[str]:
        """Ids of the formats that are chosen, in their order."""
        return [name for name, item in self._items.items() if item.checkState(0) == Qt.CheckState.Checked]

    def want(self, *names: str) -> None:
        """Choose exactly these."""
        for name, item in self._items.items():
            item.setCheckState(0, Qt.CheckState.Checked if name in names else Qt.CheckState.Unchecked)

    def options(self) -> dict[str, dict[str, Any]]:
        """Id → parameters that differ from the defaults."""
        return {name: values for name, form in self._forms.items() if (values := form.values())}

    @property
    def problem(self) -> str:
        """What is refused of the options of a format that is wanted, or empty."""
        for name in self.wanted:
            if name in self._forms and self._forms[name].problem:
                return f"{self._exporters[name].title}: {self._forms[name].problem}"
        return ""

    def form(self, name: str) -> ParamsForm:
        """The options of a format; raises KeyError for a name that is none."""
        if name not in self._forms:
            info = self._exporters[name]
            form = self._forms[name] = ParamsForm(info.id, info.params, self._palette)
            form.changed.connect(self.changed)
            form.refused.connect(lambda _: self.changed.emit())
            body = QWidget()
            column = QVBoxLayout(body)
            column.setContentsMargins(16, 14, 16, 14)
            column.setSpacing(6)
            column.addWidget(label(info.title, "heading"))
            column.addWidget(label(info.description, "dim", wrap=True))
            column.addSpacing(4)
            column.addWidget(Rule())
            column.addSpacing(4)
            column.addWidget(form)
            column.addStretch(1)
            self._pages[name] = scrolling(body)
            self._stack.addWidget(self._pages[name])
        return self._forms[name]

    def select(self, name: str) -> None:
        """Show the options of a format."""
        if name in self._items:
            self._list.setCurrentItem(self._items[name])

    def forbid(self, reasons: Mapping[str, str]) -> None:
        """Formats that cannot be written now: id → why."""
        blocked = self._list.blockSignals(True)
        for name, item in self._items.items():
            why = reasons.get(name, "")
            item.setDisabled(bool(why))
            item.setToolTip(0, literal(why or self._exporters[name].description))
            if why:
                item.setCheckState(0, Qt.CheckState.Unchecked)
        self._list.blockSignals(blocked)
        self.changed.emit()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        blocked = self._list.blockSignals(True)
        for item in self._items.values():
            item.setForeground(1, QColor(palette.dim))
        self._list.blockSignals(blocked)
        for form in self._forms.values():
            form.wear(palette)

    def _show(self, item: QTreeWidgetItem | None) -> None:
        if item is not None:
            name = str(item.data(0, _ID))
            self.form(name)
            self._stack.setCurrentWidget(self._pages[name])
