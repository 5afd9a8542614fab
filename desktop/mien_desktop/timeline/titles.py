"""The column of titles at the left: names, legends, the threshold's figure, the eye that hides a lane."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from mien_desktop.look.palette import Palette
from mien_desktop.timeline.lanes.base import Badge
from mien_desktop.timeline.lanes.strips import StripsLane
from mien_desktop.timeline.order import Slot

EYE, INSET = 16.0, 14.0


def eye_rect(row: QRectF) -> QRectF:
    """Where the eye of a lane is, given its row in the column."""
    return QRectF(row.right() - EYE - 8, row.top() + max(1.0, min(6.0, (row.height() - EYE) / 2)), EYE, EYE)


class Titles:
    """Keeps the titles' pictures: while one pans or zooms they stay as they are, and text takes long to draw."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, QImage]] = {}

    def clear(self) -> None:
        """Draw all anew."""
        self._kept.clear()

    def draw(self, painter: QPainter, row: QRect, slot: Slot, palette: Palette, font: QFont, **state: bool) -> None:
        """Draw one lane's title; arguments as of `paint`."""
        scale = painter.device().devicePixelRatioF()
        if scale != round(scale):  # rows then begin between two pixels, where a picture would be blurred
            paint(painter, QRectF(row), slot, palette, font, **state)
            return
        lane = slot.lane
        told = type(lane), lane.title, tuple(lane.legend()), tuple(lane.badges()), lane.compares, lane.dot()
        key = told, row.size(), scale, palette, font.key(), tuple(state.items())
        kept = self._kept.get(lane.id)
        if kept is None or kept[0] != key:
            image = QImage(row.size() * scale, QImage.Format.Format_RGB32)
            image.setDevicePixelRatio(scale)
            drawn = QPainter(image)
            paint(drawn, QRectF(0, 0, row.width(), row.height()), slot, palette, font, **state)
            drawn.end()
            kept = self._kept[lane.id] = key, image
        painter.drawImage(row.topLeft(), kept[1])


def paint(
    painter: QPainter,
    row: QRectF,
    slot: Slot,
    palette: Palette,
    font: QFont,
    *,
    current: bool = False,
    hovered: bool = False,
    focused: bool = False,
) -> None:
    """Draw one lane's title.

    Args:
        row: where, in logical pixels.
        slot: the lane.
        current: it is the one the keyboard acts on.
        hovered: the pointer is over it.
        focused: the keyboard is on the timeline.
    """
    lane = slot.lane
    painter.save()
    painter.setClipRect(row, Qt.ClipOperation.IntersectClip)
    painter.fillRect(row, QColor(palette.hover if hovered else palette.panel))
    painter.fillRect(QRectF(row.left(), row.bottom() - 1, row.width(), 1), QColor(palette.line))
    if current:
        painter.fillRect(
            QRectF(row.left(), row.top(), 3, row.height() - 1), QColor(palette.focus if focused else palette.faint)
        )
    metrics = QFontMetricsF(font)
    small = QFont(font)
    small.setPixelSize(max(9, round(metrics.height() * 0.62)))
    legend = list(lane.legend())
    if isinstance(lane, StripsLane):
        beside_names, legend = legend, []
    else:
        beside_names = []
    if lane.compares:
        legend.append((lane.second, ""))
    below = bool(legend) and row.height() >= metrics.height() * 2.3
    if below and beside_names:
        # A name that has to be broken takes both lines; the dashes and the values at the pointer tell of a second run, too.
        widest = max(QFontMetricsF(small).horizontalAdvance(name) for name, _ in beside_names)
        below = metrics.horizontalAdvance(lane.title) <= row.width() - INSET - widest - 16
    base = row.top() + (row.height() - 1 + metrics.ascent() - metrics.descent()) / 2
    if below:
        base -= metrics.height() * 0.5
    badges = [] if hovered else [(badge, _badge_rect(row, badge, metrics)) for badge in lane.badges()]

    def free(y: float) -> float:
        """Where a line of text on this base has to end."""
        near = [r.left() - 6 for _, r in badges if abs(r.center().y() - y + metrics.capHeight() / 2) < metrics.height()]
        return min([row.right() - (EYE + 12 if hovered else 8), *near])

    right = free(base)
    beside = _strip_names(painter, row, beside_names, small) if beside_names and not hovered else 0.0
    painter.setFont(font)
    painter.setPen(QColor(palette.text if current or hovered else palette.dim))
    left = row.left() + INSET
    if lane.dot():
        _spot(painter, QPointF(left + 3.5, base - metrics.capHeight() / 2), 3.5, lane.dot())
        left += 12
    room = right - beside - left
    lines = _broken(lane.title, metrics, room) if row.height() >= 1.9 * metrics.height() and not below else [lane.title]
    for number, line in enumerate(lines):
        y = base + (number - (len(lines) - 1) / 2) * metrics.height() * 0.95
        painter.drawText(QPointF(left, y), metrics.elidedText(line, Qt.TextElideMode.ElideRight, max(0.0, room)))
    if below:
        at = QPointF(row.left() + INSET, base + metrics.height())
        _legend(painter, at, free(at.y()) - beside, legend, palette, small)
    for told, badge in badges:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(told.colour))
        painter.drawRoundedRect(badge, 3, 3)
        painter.setFont(font)
        painter.setPen(QColor(palette.window if palette.dark else palette.on_accent))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, told.text)
    if hovered:
        _eye(painter, eye_rect(row), QColor(palette.text))
    painter.restore()


def _broken(title: str, metrics: QFontMetricsF, room: float) -> list[str]:
    """A title in one line where it fits, else in two, broken between words."""
    words = title.split(" ")
    if metrics.horizontalAdvance(title) <= room or len(words) < 2:
        return [title]
    fits = [n for n in range(1, len(words)) if metrics.horizontalAdvance(" ".join(words[:n])) <= room]
    at = max(fits, default=1)
    return [" ".join(words[:at]), " ".join(words[at:])]


def _badge_rect(row: QRectF, badge: Badge, metrics: QFontMetricsF) -> QRectF:
    """Where a figure stands: at the height of its line, within the row."""
    tall = metrics.height() + 1
    wide = metrics.horizontalAdvance(badge.text) + 10
    y = min(max(row.top() + badge.share * row.height() - tall / 2, row.top() + 1), row.bottom() - tall - 1)
    return QRectF(row.right() - wide - 3, y, wide, tall)


def _legend(
    painter: QPainter, at: QPointF, right: float, legend: list[tuple[str, str]], palette: Palette, font: QFont
) -> None:
    """Dots of colour with the first letters that fit; what has no colour is a word on its own."""
    metrics = QFontMetricsF(font)
    full = sum(metrics.horizontalAdvance(name) + 14 for name, _ in legend) <= right - at.x()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    x = at.x()
    for name, colour in legend:
        text = name if full or not colour else name[:3]
        if colour:
            _spot(painter, QPointF(x + 3, at.y() - metrics.capHeight() / 2), 3, colour)
        else:
            x -= 9
            text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(0.0, right - x - 9))
        painter.setPen(QColor(palette.faint))
        painter.drawText(QPointF(x + 9, at.y()), text)
        x += metrics.horizontalAdvance(text) + 15
        if x > right:
            return


def _spot(painter: QPainter, at: QPointF, radius: float, colour: str) -> None:
    """A dot; the pen stays as it was."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawEllipse(at, radius, radius)
    painter.restore()


def _strip_names(painter: QPainter, row: QRectF, legend: list[tuple[str, str]], font: QFont) -> float:
    """The channels of a strip, each beside its own row, if the rows are high enough; how much room that took."""
    each = (row.height() - 4) / len(legend)
    tight = QFont(font)
    tight.setPixelSize(max(1, min(font.pixelSize(), int(each))))
    if tight.pixelSize() < 8:
        return 0.0
    metrics = QFontMetricsF(tight)
    painter.setFont(tight)
    widest = max(metrics.horizontalAdvance(name) for name, _ in legend)
    for number, (name, colour) in enumerate(legend):
        middle = row.top() + 2 + (number + 0.5) * each
        painter.setPen(QColor(colour))
        x = row.right() - 8 - metrics.horizontalAdvance(name)
        painter.drawText(QPointF(x, middle + metrics.capHeight() / 2), name)
    return widest + 8


def _eye(painter: QPainter, rect: QRectF, colour: QColor) -> None:
    """An open eye: click it, and the lane is hidden."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    middle = rect.center()
    path = QPainterPath(QPointF(rect.left() + 1, middle.y()))
    path.quadTo(QPointF(middle.x(), rect.top() + 0.5), QPointF(rect.right() - 1, middle.y()))
    path.quadTo(QPointF(middle.x(), rect.bottom() - 0.5), QPointF(rect.left() + 1, middle.y()))
    painter.drawPath(path)
    painter.setBrush(colour)
    painter.drawEllipse(middle, 2.2, 2.2)
