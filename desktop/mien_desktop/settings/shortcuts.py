"""All keys in one searchable table; each can be changed, and two actions never share one by accident."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QColor, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
)

from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label, panel
from mien_desktop.settings.keys import Actions, Shortcut, clash, listed, native, portable
from mien_desktop.settings.page import Page, show


class ShortcutsPage(Page):
    """Signals:
    changed(dict): the shortcuts that differ from the defaults, id → keys.
    """

    changed = Signal(dict)

    def __init__(self, actions: Actions, mapping: Mapping[str, str], palette: Palette) -> None:
        super().__init__("shortcuts", palette, scrolls=False)
        self._defaults = listed(actions)
        known = {a.id for a in self._defaults}
        # What the shell does not name today (another version, a plugin that is gone) is kept, and not shown.
        self._foreign = {i: k for i, k in mapping.items() if i not in known}
        self._mapping = {i: portable(k) for i, k in mapping.items() if i in known}
        self._conflict: Shortcut | None = None

        self.search = QLineEdit()
        self.search.setPlaceholderText("Search actions or keys")
        self.search.setClearButtonEnabled(True)
        explain(self.search, "Search the shortcuts", "Words of the action, its area or its keys")
        self.search.textChanged.connect(self._filter)
        self.table = QTableWidget(0, 3)
        self.table.setHorizontalHeaderLabels(["Where", "Action", "Keys"])
        self.table.verticalHeader().hide()
        self.table.setShowGrid(False)
        self.table.setTabKeyNavigation(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.table.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        explain(self.table, "Shortcuts", "All actions and their keys")
        self.table.currentCellChanged.connect(lambda *_: self._show())

        self._named = label("", "heading")
        self.keys = QKeySequenceEdit()
        self.keys.setMaximumSequenceLength(1)
        self.keys.setClearButtonEnabled(True)
        self.keys.setMinimumWidth(170)
        explain(self.keys, "New keys", "Press the keys that the action is to have")
        self.keys.keySequenceChanged.connect(lambda _: self._check())
        self.set_ = button("Set", "Give the action these keys", kind="primary")
        self.set_.clicked.connect(self._set)
        self.clear = button("No keys", "Take the action's keys away")
        self.clear.clicked.connect(self._clear)
        self.reset = button("Reset", "Back to the keys that the action came with")
        self.reset.clicked.connect(self._reset)
        self.reset_all = button("Reset all", "Back to the keys that all actions came with")
        self.reset_all.clicked.connect(self.reset_everything)
        self._problem = label(wrap=True)
        ground = panel()
        row = QHBoxLayout(ground)
        row.setContentsMargins(14, 10, 14, 10)
        row.addWidget(self._named, 1)
        for widget in (self.keys, self.set_, self.clear, self.reset):
            row.addWidget(widget)
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.reset_all)
        self.body.addLayout(top)
        framed = panel()
        inside = QVBoxLayout(framed)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.table)
        self.body.addWidget(framed, 1)
        self.body.addWidget(self._problem)
        self.body.addWidget(ground)
        self.wear(palette)
        self._fill()
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Another size of text, another room for it."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        self.ensurePolished()  # its own size of text, though nobody has seen it yet
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 12)

    # -- what is in force --------------------------------------------------------------------------------------------

    def mapping(self) -> dict[str, str]:
        """The shortcuts that differ from the defaults."""
        return {**self._foreign, **self._mapping}

    def keys_of(self, action: Shortcut) -> str:
        """The keys of an action as portable text, empty for none."""
        return self._mapping.get(action.id, portable(action.keys))

    def change(self, action: Shortcut, keys: str) -> str:
        """Give an action other keys. Returns a sentence and changes nothing when another action has them."""
        keys = portable(keys)
        other = self.holder(keys, action)
        if other is not None:
            return self._told(other, keys)
        self._put(action, keys)
        return ""

    def holder(self, keys: str, but: Shortcut) -> Shortcut | None:
        """The action that has these keys, other than one."""
        return next((a for a in self._defaults if a.id != but.id and clash(self.keys_of(a), keys)), None)

    def reset_everything(self) -> None:
        """All actions back to the keys they came with."""
        self._mapping = {}
        self._after()

    def select(self, area: str, action: str) -> None:
        """Choose an action."""
        for row, known in enumerate(self._defaults):
            if (known.area, known.action) == (area, action):
                self.table.setCurrentCell(row, 1)

    @property
    def problem(self) -> str:
        """What stands against the keys that were pressed."""
        return self._problem.text()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        super().wear(palette)
        self._refresh()

    # ----------------------------------------------------------------------------------------------------------------

    @property
    def _current(self) -> Shortcut | None:
        row = self.table.currentRow()
        return self._defaults[row] if 0 <= row < len(self._defaults) else None

    def _fill(self) -> None:
        self.table.setRowCount(len(self._defaults))
        for row, action in enumerate(self._defaults):
            for column, text in enumerate((action.area, action.action, "")):
                self.table.setItem(row, column, QTableWidgetItem(text))
        self._refresh()
        if self._defaults:
            self.table.setCurrentCell(0, 1)
        self._show()

    def _refresh(self) -> None:
        for row, action in enumerate(self._defaults):
            area, keys = self.table.item(row, 0), self.table.item(row, 2)
            if area is None or keys is None:
                continue
            area.setForeground(QColor(self.palette_now.dim))
            keys.setText(native(self.keys_of(action)) or "–")
            changed = action.id in self._mapping
            font = keys.font()
            font.setBold(changed)
            keys.setFont(font)
            keys.setForeground(QColor(self.palette_now.focus if changed else self.palette_now.text))
            keys.setToolTip(f"Changed; it came with {native(action.keys) or 'none'}" if changed else "")

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        for row, action in enumerate(self._defaults):
            whole = f"{action.area} {action.action} {native(self.keys_of(action))}".lower()
            self.table.setRowHidden(row, not all(word in whole for word in words))

    def _show(self) -> None:
        """The chosen action, with its keys in the field."""
        action = self._current
        self._named.setText(f"{action.action}" if action is not None else "")
        blocked = self.keys.blockSignals(True)
        known = QKeySequence.listFromString(self.keys_of(action)) if action is not None and self.keys_of(action) else []
        self.keys.setKeySequence(known[0] if known else QKeySequence())
        self.keys.blockSignals(blocked)
        for widget in (self.keys, self.clear):
            widget.setEnabled(action is not None)
        self.reset.setEnabled(action is not None and action.id in self._mapping)
        self.reset_all.setEnabled(bool(self._mapping))
        self._check()

    def _check(self) -> None:
        """What stands against the keys in the field."""
        action = self._current
        keys = self._pressed()
        self._conflict = self.holder(keys, action) if action is not None else None
        self.set_.setEnabled(action is not None and bool(keys) and keys not in self.keys_of(action).split("; "))
        text, tip = "Set", "Give the action these keys"
        if self._conflict is not None:
            text, tip = "Set all the same", f"Take the keys away from {self._conflict.action}"
            show(self._problem, self._told(self._conflict, keys), bad=True)
        else:
            show(self._problem, "")
        self.set_.setText(text)
        explain(self.set_, text, tip)

    def _set(self) -> None:
        action, keys = self._current, self._pressed()
        if action is None or not keys:
            return
        if self._conflict is not None:
            self._remember(self._conflict, "")
        self._put(action, keys)

    def _clear(self) -> None:
        if (action := self._current) is not None:
            self._put(action, "")

    def _reset(self) -> None:
        action = self._current
        if action is None:
            return
        other = self.holder(action.keys, action)
        if other is not None:
            show(self._problem, self._told(other, action.keys), bad=True)
            return
        self._mapping.pop(action.id, None)
        self._after()

    def _put(self, action: Shortcut, keys: str) -> None:
        self._remember(action, keys)
        self._after()

    def _remember(self, action: Shortcut, keys: str) -> None:
        if keys == portable(action.keys):
            self._mapping.pop(action.id, None)
        else:
            self._mapping[action.id] = keys

    def _after(self) -> None:
        self._refresh()
        self._show()
        self._filter(self.search.text())
        self.changed.emit(self.mapping())

    def _pressed(self) -> str:
        return self.keys.keySequence().toString(QKeySequence.SequenceFormat.PortableText)

    @staticmethod
    def _told(other: Shortcut, keys: str) -> str:
        return f"{native(keys)} already belongs to “{other.action}” ({other.area})."
