"""Looks whether all that is seen of a window has its place: nothing cut off, nothing out of reach, nothing upon another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from PySide6.QtCore import QRect
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QScrollArea,
    QScrollBar,
    QSizeGrip,
    QSizePolicy,
    QSlider,
    QSplitter,
    QTabBar,
    QTabWidget,
    QWidget,
)

SPEAKS = QAbstractButton | QComboBox | QLineEdit | QAbstractSpinBox | QLabel | QSlider
"""Controls that say or take something: below their smallest size a part of it is lost."""
WHOLE = QComboBox | QLineEdit | QAbstractSpinBox | QTabBar | QHeaderView | QScrollBar
"""Controls whose parts Qt lays out itself."""


def misplaced(root: QWidget) -> list[str]:
    """What is wrong with the places of all that is seen of a window, one line for each; empty when all is well."""
    found = []
    for widget in _seen(root):
        found += [f"{_name(widget)} {why}" for why in (*_outside(widget), *_cut(widget))]
        found += _overlaps(widget)
    return found


def _seen(root: QWidget) -> Iterator[QWidget]:
    """The root and all within it that is visible, but what Qt lays out itself and other windows."""
    yield root
    if isinstance(root, WHOLE):
        return
    for child in root.children():
        if not isinstance(child, QWidget) or isinstance(child, QScrollBar | QSizeGrip):
            continue
        if child.isVisible() and not child.isWindow():
            yield from _seen(child)


def _outside(widget: QWidget) -> Iterator[str]:
    """Past an edge of what it lies in. Forms may scroll up and down, never sideways; lists and tables both ways."""
    parent = widget.parentWidget()
    if parent is None or widget.isWindow():
        return
    place, room = widget.geometry(), parent.rect()
    area = parent.parentWidget()
    if isinstance(area, QAbstractScrollArea) and parent is area.viewport():
        if isinstance(area, QAbstractItemView) or not isinstance(area, QScrollArea):
            return
        room = QRect(room.left(), place.top(), room.width(), place.height())
    if not room.contains(place):
        yield f"at {_told(place)} lies past {_name(parent)} of {_told(room)}"


def _cut(widget: QWidget) -> Iterator[str]:
    """Smaller than what it says."""
    if not isinstance(widget, SPEAKS):
        return
    if isinstance(widget, QLabel) and not widget.text():
        return
    if isinstance(widget, QLabel) and widget.wordWrap():
        needs = widget.heightForWidth(widget.width())
        if widget.height() < needs:
            yield f"is {widget.height()} px high and needs {needs}"
        return
    least, policy = widget.minimumSizeHint(), widget.sizePolicy()
    shortens = policy.horizontalPolicy() == QSizePolicy.Policy.Ignored
    if widget.width() < least.width() and not shortens and widget.minimumWidth() < least.width():
        yield f"is {widget.width()} px wide and needs {least.width()}"
    if widget.height() < least.height():
        yield f"is {widget.height()} px high and needs {least.height()}"


def _overlaps(parent: QWidget) -> Iterator[str]:
    """Two of its children upon each other."""
    if isinstance(parent, WHOLE | QAbstractScrollArea | QTabWidget | QSplitter):
        return
    children = [c for c in parent.children() if isinstance(c, QWidget) and c.isVisible() and not c.isWindow()]
    for one, other in combinations(children, 2):
        shared = one.geometry() & other.geometry()
        if not shared.isEmpty():
            yield f"{_name(one)} and {_name(other)} share {_told(shared)}"


def _name(widget: QWidget) -> str:
    text = getattr(widget, "text", str)
    said = widget.accessibleName() or (text() if callable(text) else "")
    within = widget.parentWidget()
    room = "" if within is None else f" in {type(within).__name__} {within.accessibleName()!r}"
    return f"{type(widget).__name__} {str(said)[:40]!r}{room}"


def _told(rect: QRect) -> str:
    return f"{rect.x()},{rect.y()} {rect.width()}×{rect.height()}"
