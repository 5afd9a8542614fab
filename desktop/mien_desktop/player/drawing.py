"""Draws readings over a picture: face boxes with their labels, what is said, a strip of levels. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QTextLayout, QTextOption

from mien_desktop.look.palette import Palette
from mien_desktop.player.overlay import Level, Mark, Overlay
from mien_desktop.timeline.readings import figure

# Grounds of what is written: nearly opaque, so that it can be read over any picture.
_CHIP = 0.84
_PAD = 6.0
_RADIUS = 4.0
# Distance from the rim of the picture and of the canvas.
_MARGIN = 10.0
# Strip of levels: width of the bars on a canvas so wide, and the smallest canvas that it is drawn on.
_BARS = ((640.0, 64.0), (440.0, 40.0))
_SMALLEST = (260.0, 150.0)
# Share of the canvas that the strip may take, wide and high, and the smallest text that it is written in for that, px.
_STRIP, _SMALL = (0.4, 0.55), 11
# Share of the picture's width that what is said may take, and lines of it.
_CAPTION_WIDTH, _CAPTION_LINES = 0.92, 2


@dataclass(frozen=True)
class Ground:
    """Where is drawn, in device-independent pixels.

    Args:
        canvas: all of it; picture: the part that the picture takes.
        size: (width, height) of the upright picture in its own pixels; (0, 0) without one.
    """

    canvas: QRectF
    picture: QRectF
    size: tuple[int, int] = (0, 0)

    def placed(self, box: tuple[float, float, float, float]) -> QRectF:
        """A box in the picture's own pixels as it lies on the canvas."""
        x, y, width, height = box
        sx, sy = self.picture.width() / max(1, self.size[0]), self.picture.height() / max(1, self.size[1])
        return QRectF(self.picture.x() + x * sx, self.picture.y() + y * sy, width * sx, height * sy)


def person_colour(palette: Palette, person: int) -> QColor:
    """Colour of a person by number, from 1."""
    return QColor(palette.people[(person - 1) % len(palette.people)])


def signed(level: Level) -> str:
    """Its value as it is written: `−0.42` and `+0.62` where it can be negative, else `0.78`; `–` for none."""
    return "–" if level.value is None else figure(level.value, signed=level.low < 0)


def draw(painter: QPainter, ground: Ground, overlay: Overlay, palette: Palette, font: QFont) -> None:
    """Draw all of an overlay.

    Args:
        palette: gives the colours.
        font: of all that is written, smaller where it would cover the picture.
    """
    font = fitted(ground, overlay.levels, font)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    if ground.size[0] > 0:
        painter.save()
        painter.setClipRect(ground.picture)
        for mark in overlay.marks:
            _frame(painter, ground.placed(mark.box), person_colour(palette, mark.person), palette)
        painter.restore()
    strip = strip_rect(ground, overlay.levels, font)
    said = _caption(painter, ground, overlay, palette, font) if overlay.caption else None
    taken = [rect for rect in (strip, said) if rect is not None]
    if ground.size[0] > 0:
        for mark in sorted(overlay.marks, key=lambda m: m.box[1]):
            taken.append(_name(painter, ground, mark, palette, font, taken))
    if strip is not None:
        _strip(painter, strip, overlay.levels, palette, font)
    painter.restore()


def _frame(painter: QPainter, rect: QRectF, colour: QColor, palette: Palette) -> None:
    """A box that is seen on bright and on dark pictures: dark rims on both sides of the coloured line."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    rim = QColor(palette.window)
    rim.setAlphaF(0.55)
    painter.setPen(QPen(rim, 4.0))
    painter.drawRoundedRect(rect, _RADIUS, _RADIUS)
    painter.setPen(QPen(colour, 2.0))
    painter.drawRoundedRect(rect, _RADIUS, _RADIUS)


def _chip(painter: QPainter, rect: QRectF, palette: Palette) -> None:
    ground = QColor(palette.window)
    ground.setAlphaF(_CHIP)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(rect, _RADIUS, _RADIUS)


def _name(painter: QPainter, ground: Ground, mark: Mark, palette: Palette, font: QFont, taken: list[QRectF]) -> QRectF:
    """Write who it is and what the face shows: above the box, or below or in it where there is no room.

    Returns:
        Where it was written.
    """
    bold = QFont(font)
    bold.setWeight(QFont.Weight.DemiBold)
    metrics, heavy = QFontMetricsF(font), QFontMetricsF(bold)
    box, room = ground.placed(mark.box), ground.picture
    gap = metrics.horizontalAdvance(" ")
    first = heavy.horizontalAdvance(mark.name)
    told = mark.label
    if first + gap + metrics.horizontalAdvance(told) + 2 * _PAD > max(box.width(), 0.6 * room.width()):
        told = told.split(" · ")[0]  # in a crowd the expression is what counts
    height = metrics.height() + 4.0
    width = min(first + (gap + metrics.horizontalAdvance(told) if told else 0.0) + 2 * _PAD, room.width())
    x = min(max(box.x() - 1.0, room.left()), room.right() - width)
    above, below, inside = box.top() - height - 3.0, box.bottom() + 3.0, box.top() + 3.0
    for y in (above, below, inside):
        chip = QRectF(x, min(max(y, room.top()), room.bottom() - height), width, height)
        if y == chip.y() and not any(chip.intersects(other) for other in taken):
            break
    else:
        chip = QRectF(x, max(room.top(), above), width, height)
        covered = [other.left() for other in taken if chip.intersects(other)]
        if covered:  # beside what lies there, as far as the picture goes
            chip.moveLeft(max(room.left(), min(covered) - width - 3.0))
    _chip(painter, chip, palette)
    line = QRectF(chip.x() + _PAD, chip.y(), chip.width() - 2 * _PAD, chip.height())
    colour = person_colour(palette, mark.person)
    painter.setPen(colour)
    painter.setFont(bold)
    painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, mark.name)
    painter.setFont(font)
    line.setLeft(line.left() + first + gap)
    if told and line.width() > 0:
        told = metrics.elidedText(told, Qt.TextElideMode.ElideRight, line.width() + 1.0)
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, told)
    return chip


def _columns(levels: tuple[Level, ...], font: QFont) -> tuple[float, float, float]:
    """Widths of the titles and of the values, and the height of a row."""
    metrics = QFontMetricsF(font)
    titles = max(metrics.horizontalAdvance(level.title) for level in levels)
    return titles, metrics.horizontalAdvance("−0.00"), metrics.height() + 3.0


def _strip_size(ground: Ground, levels: tuple[Level, ...], font: QFont) -> tuple[float, float]:
    titles, values, row = _columns(levels, font)
    bars = next((bar + 10.0 for wide, bar in _BARS if ground.canvas.width() >= wide), 0.0)
    return titles + 10.0 + bars + values + 2 * 9.0, row * len(levels) + 2 * 6.0


def fitted(ground: Ground, levels: tuple[Level, ...], font: QFont) -> QFont:
    """A font for what is written over the picture: as large as given, or as the picture bears. It is there to be seen."""
    made = QFont(font)
    size = round(QFontMetricsF(font).height() / 1.2) if font.pixelSize() < 0 else font.pixelSize()
    room = ground.canvas.width() * _STRIP[0], ground.canvas.height() * _STRIP[1]
    while levels and size > _SMALL:
        wide, high = _strip_size(ground, levels, made)
        if wide <= room[0] and high <= room[1]:
            break
        size -= 1
        made.setPixelSize(size)
    return made


def strip_rect(ground: Ground, levels: tuple[Level, ...], font: QFont) -> QRectF | None:
    """Where the levels are drawn: the upper right corner of the picture, or that of the canvas where the picture leaves
    so much of it free that less is covered; None where there is no room for them."""
    if not levels or ground.canvas.width() < _SMALLEST[0] or ground.canvas.height() < _SMALLEST[1]:
        return None
    width, height = _strip_size(ground, levels, font)
    if height > ground.canvas.height() - 2 * _MARGIN:
        return None
    free = ground.canvas.right() - ground.picture.right()
    right = (ground.canvas if free > width / 4 else ground.picture).right()
    return QRectF(right - _MARGIN - width, ground.picture.top() + _MARGIN, width, height)


def _strip(painter: QPainter, rect: QRectF, levels: tuple[Level, ...], palette: Palette, font: QFont) -> None:
    _chip(painter, rect, palette)
    painter.setPen(QPen(QColor(palette.line), 1.0))  # half of it may lie over the picture, half beside it
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
    titles, values, row = _columns(levels, font)
    left, right = rect.left() + 9.0, rect.right() - 9.0
    right_side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
    for n, level in enumerate(levels):
        line = QRectF(left, rect.top() + 6.0 + n * row, right - left, row)
        painter.setPen(QColor(palette.dim))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, level.title)
        told = palette.bad if level.over else palette.text if level.value is not None else palette.faint
        painter.setPen(QColor(told))
        painter.drawText(line, right_side, signed(level))
        bar = QRectF(left + titles + 10.0, line.center().y() - 2.0, right - values - 10.0 - left - titles - 10.0, 4.0)
        if bar.width() > 20.0:
            _bar(painter, bar, level, palette)


def _bar(painter: QPainter, rect: QRectF, level: Level, palette: Palette) -> None:
    """The value from zero on, over the whole extent; a tick stands at the threshold."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(palette.line))
    painter.drawRoundedRect(rect, 2.0, 2.0)

    def at(value: float) -> float:
        share = (value - level.low) / (level.high - level.low or 1.0)
        return rect.left() + rect.width() * min(max(share, 0.0), 1.0)

    if level.value is not None:
        zero = at(max(level.low, min(0.0, level.high)))
        end = at(level.value)
        painter.setBrush(QColor(palette.bad) if level.over else QColor(palette.quantity(level.quantity)))
        painter.drawRoundedRect(QRectF(min(zero, end), rect.top(), max(2.0, abs(end - zero)), rect.height()), 2, 2)
    if level.low < 0.0 < level.high:
        painter.fillRect(QRectF(at(0.0) - 0.5, rect.top() - 2.0, 1.0, rect.height() + 4.0), QColor(palette.faint))
    if level.threshold is not None:
        painter.fillRect(
            QRectF(at(level.threshold) - 0.75, rect.top() - 3.0, 1.5, rect.height() + 6.0), QColor(palette.text)
        )


def _caption(painter: QPainter, ground: Ground, overlay: Overlay, palette: Palette, font: QFont) -> QRectF | None:
    """What is said, at the foot of the picture, in at most two lines; returns where, None without room for it."""
    room = ground.picture
    large = QFont(font)
    large.setPixelSize(max(11, min(round(room.height() * 0.04), round(QFontMetricsF(font).height() * 1.5))))
    metrics = QFontMetricsF(large)
    text = f"“{overlay.caption}”"
    if overlay.speaker:
        text = f"{overlay.speaker}  {text}"
    width = room.width() * _CAPTION_WIDTH - 2 * (_PAD + 2.0)
    if width < 60.0 or room.height() < 4 * metrics.height():
        return None
    lines = _lines(text, large, width)
    wide = max(metrics.horizontalAdvance(line) for line in lines)
    height = metrics.height() * len(lines) + 8.0
    left = room.left() + (1.0 - _CAPTION_WIDTH) / 2 * room.width()
    chip = QRectF(left, room.bottom() - _MARGIN - height, wide + 2 * (_PAD + 2.0), height)
    _chip(painter, chip, palette)
    painter.setFont(large)
    painter.setPen(QColor(palette.text))
    for n, line in enumerate(lines):
        painter.drawText(
            QPointF(chip.left() + _PAD + 2.0, chip.top() + 4.0 + n * metrics.height() + metrics.ascent()), line
        )
    painter.setFont(font)
    return chip


def _lines(text: str, font: QFont, width: float) -> list[str]:
    """The text broken into lines of a width; the last is cut short if there are too many."""
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    starts = []
    while True:
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(width)
        starts.append(line.textStart())
    layout.endLayout()
    lines = [text[a:b].strip() for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
    if len(lines) > _CAPTION_LINES:
        rest = text[starts[_CAPTION_LINES - 1] :]
        lines[_CAPTION_LINES - 1 :] = [QFontMetricsF(font).elidedText(rest, Qt.TextElideMode.ElideRight, width)]
    return lines
