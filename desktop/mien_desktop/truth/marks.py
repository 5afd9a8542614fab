"""Colour and shape of each kind of agreement; they differ in both, so that no colour has to be told from another."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPolygonF

from mien_desktop.look.palette import Palette


def kind_colour(palette: Palette, kind: int, name: str = "") -> QColor:
    """The colour of a kind of agreement; they differ in light and dark too, and each kind has its own shape."""
    if name == "Correct rejection":
        return QColor(palette.series[7])
    return QColor(palette.series[(0, 1, 2, 4)[kind % 4]])


def draw_mark(painter: QPainter, kind: int, x: float, y: float, radius: float) -> None:
    """The shape of a kind: disc, triangle down (read too low), triangle up (read too high), diamond."""
    if kind == 0:
        painter.drawEllipse(QPointF(x, y), radius, radius)
        return
    r = radius * 1.2
    shapes = {
        1: ((-r, -0.75 * r), (r, -0.75 * r), (0, r)),
        2: ((-r, 0.75 * r), (r, 0.75 * r), (0, -r)),
    }
    corners = shapes.get(kind, ((0, -r), (r, 0), (0, r), (-r, 0)))
    painter.drawPolygon(QPolygonF([QPointF(x + dx, y + dy) for dx, dy in corners]))
