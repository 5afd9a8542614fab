"""One plugin in full: what it does, reads, writes and needs, and the form of its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from mien.engine.registry import Registry
from mien.sdk.descriptors import FusionInfo
from mien_desktop.look.icons import pixmap
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label, literal
from mien_desktop.plugins.checks import Rule, scrolling
from mien_desktop.plugins.facts import Need, Plugin, distribution, needs, reads, untrained, writes
from mien_desktop.plugins.form import ParamsForm

_TOP = Qt.AlignmentFlag.AlignTop


class PluginDetail(QWidget):
    """Signals:
    changed: other parameters are accepted now.
    use_asked: this fusion is to be the one that is used.
    model_asked(str): that model is to be shown in the settings.
    """

    changed = Signal()
    use_asked = Signal()
    model_asked = Signal(str)

    def __init__(self, info: Plugin, registry: Registry, values: Mapping[str, Any], palette: Palette) -> None:
        super().__init__()
        self._info, self._registry, self._palette = info, registry, palette
        self._used = self._under = False
        self.form = ParamsForm(info.id, info.params, palette, values)
        self.form.changed.connect(self._edited)
        self._reads = label(kind="small", wrap=True)
        self._needs = QVBoxLayout()
        self._needs.setSpacing(4)
        self._use = button("Use this fusion", f"Fuse the readings with: {info.title}")
        self._use.clicked.connect(self.use_asked)

        self._title, self._version = label(info.title, "heading", wrap=True), label(info.version, "dim")
        self._title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._head = QGridLayout()
        self._head.setColumnStretch(0, 1)
        self._head.addWidget(self._title, 0, 0)
        self._head.addWidget(self._version, 0, 1)
        self._use.setVisible(isinstance(info, FusionInfo))
        self._head.addWidget(self._use, 0, 2)
        # A grid, not a form: that is as high as its lines are when they are as wide as they like.
        facts = QGridLayout()
        facts.setContentsMargins(0, 6, 0, 2)
        facts.setHorizontalSpacing(14)
        facts.setVerticalSpacing(4)
        facts.setColumnStretch(1, 1)
        facts.addWidget(_head("Reads"), 0, 0, _TOP)
        facts.addWidget(self._reads, 0, 1)
        facts.addWidget(_head("Writes"), 1, 0, _TOP)
        facts.addWidget(label("\n".join(writes(info)) or "–", "small", wrap=True), 1, 1)
        if info.models or getattr(info, "optional_models", ()):
            facts.addWidget(_head("Models"), 2, 0, _TOP)
            facts.addLayout(self._needs, 2, 1)
        origin = ", ".join(t for t in (info.id, distribution(info.id, registry), info.licence) if t)
        facts.addWidget(_head("Known as"), 3, 0, _TOP)
        facts.addWidget(label(origin, "small", wrap=True), 3, 1)
        body = QWidget()
        self._column = column = QVBoxLayout(body)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(6)
        column.addLayout(self._head)
        if info.description:
            column.addWidget(label(info.description, "dim", wrap=True))
        self._untrained = label(kind="bad", wrap=True)
        self._untrained.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(self._untrained)
        column.addLayout(facts)
        line = Rule()
        column.addSpacing(4)
        column.addWidget(line)
        column.addSpacing(4)
        column.addWidget(self.form)
        column.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._area = scrolling(body)
        outer.addWidget(self._area)
        body.installEventFilter(self)
        self.setAccessibleName(info.title)
        self._show_reads()
        self.wear(palette)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.form.wear(palette)
        self.look_again()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Another width, or another size of text."""
        if event.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._fit()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        """The button lies under the title where there is no room beside it."""
        margins = self._column.contentsMargins()
        room = self._area.viewport().width() - margins.left() - margins.right() - 2 * self._head.horizontalSpacing()
        words = self._title.minimumSizeHint().width() + self._version.sizeHint().width()
        under = words + self._use.sizeHint().width() > room
        if under != self._under:
            self._under = under
            self._head.removeWidget(self._use)
            if under:
                self._head.addWidget(self._use, 1, 0, 1, 3, Qt.AlignmentFlag.AlignLeft)
            else:
                self._head.addWidget(self._use, 0, 2)

    def set_used(self, used: bool) -> None:
        """Whether this fusion is the one in use."""
        self._used = used
        self._use.setText("In use" if used else "Use this fusion")
        self._use.setAccessibleName(self._use.text())
        self._use.setEnabled(isinstance(self._info, FusionInfo) and not used and not untrained(self._info))

    def look_again(self) -> None:
        """Which models are there may have changed."""
        command = untrained(self._info)
        self._untrained.setText(f"It has no weights yet; train it with: {command}" if command else "")
        self._untrained.setVisible(bool(command))
        self.set_used(self._used)
        while (item := self._needs.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for need in needs(self._info, self._registry):
            self._needs.addWidget(self._line(need))

    def _line(self, need: Need) -> QWidget:
        row = QWidget()
        box = QHBoxLayout(row)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        mark = label()
        colour = self._palette.good if need.there else self._palette.dim if need.optional else self._palette.bad
        name = "accept" if need.there else "add" if need.optional else "warning"
        mark.setPixmap(pixmap(name, colour, 14, self.devicePixelRatioF()))
        state = "installed" if need.there else "optional, not installed" if need.optional else "not installed"
        words = label(f"{need.model} – {state}", "small", wrap=True)
        box.addWidget(mark)
        box.addWidget(words, 1)
        if not need.there:
            words.setToolTip(literal(need.help))
            if not need.optional:
                words.setText(f"{need.model} – {state}. {need.help}")
            get = button("Get…", need.help)
            explain(get, f"Get {need.model}", need.help)
            get.clicked.connect(lambda: self.model_asked.emit(need.model))
            box.addWidget(get)
        return row

    def _edited(self) -> None:
        self._show_reads()
        self.changed.emit()

    def _show_reads(self) -> None:
        self._reads.setText("\n".join(reads(self._info, self.form.params())) or "–")


def _head(text: str) -> QLabel:
    made = label(text, "small")
    made.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
    return made
