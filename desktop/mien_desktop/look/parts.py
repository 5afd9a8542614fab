"""Small widgets that all rooms use, so that they look and speak alike."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QWidget,
)

from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette

_TIP, _KEYS = "mien_tip", "mien_keys"  # properties of a widget: its tip as it was given, and keys by command
_LINE = 16.0  # px, height of a line of the usual size
_COMMAND = re.compile(r"\{([\w-]+)\}")


def literal(text: str) -> str:
    """A text for a tooltip, to be shown as it stands: Qt takes what looks like markup there for markup, and whose words they
    are, a transcript's, a file's or a plugin's, may say what it likes.
    """
    return f'<span style="white-space: pre-wrap">{html.escape(text)}</span>' if set(text) & set("<&") else text


def label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """A line of text. kind: "", "dim", "small", "heading", "title" or "bad"."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("kind", kind)
    made.setWordWrap(wrap)
    return made


class Shortened(QLabel):
    """A line of text that takes what room there is, and is shortened with dots where that is too little. kind: as of `label`."""

    def __init__(self, kind: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)

    def minimumSizeHint(self) -> QSize:
        """A word of it stays."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), 10 * self.fontMetrics().averageCharWidth()), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """As much of it as there is room for."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        told = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        painter.drawText(self.rect(), self.alignment(), told)
        painter.end()


class Chooser(QComboBox):
    """A combo box that shortens what it has no room for, with dots, where a style sheet would cut it off."""

    def sizeHint(self) -> QSize:
        """Where it goes by its contents, room for the longest as it is drawn; Qt forgets what a style sheet adds around it."""
        hint = super().sizeHint()
        if self.sizeAdjustPolicy() != QComboBox.SizeAdjustPolicy.AdjustToContents:
            return hint
        longest = max((self.width_for(self.itemText(n)) for n in range(self.count())), default=0)
        return QSize(max(hint.width(), longest), hint.height())

    def width_for(self, text: str) -> int:
        """How wide it has to be to say that in full, logical pixels."""
        hint = super().sizeHint()
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.rect = QRect(QPoint(0, 0), hint)
        return hint.width() + self.fontMetrics().horizontalAdvance(text) + 5 - self._room(option)

    def _room(self, option: QStyleOptionComboBox) -> int:
        """Width of what it says, logical pixels."""
        place = QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField
        return self.style().subControlRect(*place, self).width()

    def minimumSizeHint(self) -> QSize:
        """It gives way where it is narrow: a word of it stays."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), 8 * self.fontMetrics().averageCharWidth() + 40), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        dots = Qt.TextElideMode.ElideRight
        option.currentText = self.fontMetrics().elidedText(option.currentText, dots, self._room(option) - 4)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class PushButton(QPushButton):
    """A button whose words keep off its icon; Qt sets them against each other. A row of a list gives way where it is narrow,
    its lines shortened with dots."""

    def initStyleOption(self, option: QStyleOptionButton) -> None:
        """Every line begins with a space."""
        super().initStyleOption(option)
        if not option.icon.isNull() and option.text:
            option.text = "\n".join(f" {line}" for line in option.text.split("\n"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Qt's own, but for lines that there is no room for."""
        lack = self.sizeHint().width() - self.width()
        if lack <= 0 or not self._gives_way():
            super().paintEvent(event)
            return
        painter, option = QStylePainter(self), QStyleOptionButton()
        self.initStyleOption(option)
        metrics, lines = self.fontMetrics(), option.text.split("\n")
        room = max(map(metrics.horizontalAdvance, lines)) - lack
        option.text = "\n".join(metrics.elidedText(line, Qt.TextElideMode.ElideMiddle, room) for line in lines)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()

    def _gives_way(self) -> bool:
        return bool(self.property("kind") == "row")

    def sizeHint(self) -> QSize:
        """With room for it."""
        hint = super().sizeHint()
        return hint if self.icon().isNull() else hint + QSize(self.fontMetrics().horizontalAdvance(" "), 0)

    def minimumSizeHint(self) -> QSize:
        hint = self.sizeHint()
        least = 12 * self.fontMetrics().averageCharWidth()
        return QSize(min(hint.width(), least), hint.height()) if self._gives_way() else hint


def panel(kind: str = "panel") -> QFrame:
    """A framed ground. kind: "panel", "bar", "foot" or "message"."""
    made = QFrame()
    made.setProperty("kind", kind)
    return made


def button(text: str, tip: str, *, kind: str = "", shortcut: str = "", command: str = "") -> QPushButton:
    """A button with words. kind: "", "primary", "flat" or "row"; shortcut, command: as of `explain`."""
    made = PushButton(text)
    made.setProperty("kind", kind)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    # Who clicks goes on using the keys of the view that has the focus.
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    explain(made, text, tip, shortcut, command)
    return made


class IconButton(QToolButton):
    """A button with an icon, which follows the palette."""

    def __init__(
        self,
        name: str,
        title: str,
        tip: str = "",
        *,
        shortcut: str = "",
        command: str = "",
        checkable: bool = False,
    ) -> None:
        super().__init__()
        self._name = name
        self.setProperty("kind", "flat")
        self.setCheckable(checkable)
        explain(self, title, tip or title, shortcut, command)

    def show_icon(self, name: str, palette: Palette) -> None:
        """Another icon."""
        self._name = name
        self.wear(palette)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self.setIcon(icon(self._name, palette))


def text_scale(widget: QWidget) -> float:
    """How large its text is, 1 where it is of the usual size."""
    widget.ensurePolished()
    return max(1.0, widget.fontMetrics().height() / _LINE)


def open_at(window: QWidget, width: int, height: int) -> None:
    """Size a window: `width` × `height`, larger where its text is larger, as far as the screen has room."""
    scale, room = text_scale(window), window.screen().availableSize()
    window.resize(
        max(width, min(round(width * scale), room.width() - 40)),
        max(height, min(round(height * scale), room.height() - 60)),
    )


def explain(widget: QWidget, name: str, tip: str, shortcut: str = "", command: str = "") -> None:
    """Give a widget its accessible name and description, and a tooltip that names its shortcut.

    The shortcut itself belongs to an action of the window (`shell.actions`): keys that two things listen to do nothing.

    Args:
        shortcut: the keys, in Qt's portable spelling.
        command: id of the action that they belong to: the tooltip follows when it gets other keys (`name_keys`). A tip that
            names several commands has each in braces (`Plays{play}`), where its keys are put; `command` lists them.
    """
    widget.setAccessibleName(name)
    known = dict(widget.property(_KEYS) or {})
    for one in command.split():
        known.setdefault(one, shortcut)
        tip = tip if f"{{{one}}}" in tip else f"{tip}{{{one}}}"
    keys = "" if command else native(shortcut)
    widget.setProperty(_TIP, f"{tip} ({keys})" if keys else tip)
    widget.setProperty(_KEYS, known or None)
    _show(widget)


def name_keys(root: QWidget, keys: Mapping[str, str]) -> None:
    """Name other keys in the tooltips of a widget and of all within it: command → keys, empty for none."""
    for widget in (root, *root.findChildren(QWidget)):
        known = widget.property(_KEYS)
        if known and not known.keys().isdisjoint(keys):
            widget.setProperty(_KEYS, {command: keys.get(command, before) for command, before in known.items()})
            _show(widget)


def native(keys: str) -> str:
    """The first of some keys as people here spell them, or empty."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""


def _show(widget: QWidget) -> None:
    """Put the keys into the tip."""
    known = widget.property(_KEYS) or {}

    def named(found: re.Match[str]) -> str:
        if found[1] not in known:
            return found[0]  # a name with braces in it
        keys = native(known[found[1]])
        return f" ({keys})" if keys else ""

    told = _COMMAND.sub(named, widget.property(_TIP))
    widget.setToolTip(literal(told))
    widget.setAccessibleDescription(told)
