"""The player's own signs on a grid of 24: what moves is filled, what is set is drawn in lines as in `look.icons`."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from mien_desktop.look.palette import Palette

FILLED: dict[str, str] = {
    "play": "M7.5 5.2v13.6L18.8 12z",
    "pause": "M7 5.2h3.4v13.6H7zM13.6 5.2H17v13.6h-3.4z",
    "frame-back": "M16.6 6v12L8.6 12zM5.4 6h2v12h-2z",
    "frame-on": "M7.4 6v12l8-6zM16.6 6h2v12h-2z",
    "event-back": "M12.4 6v12L4.4 12zM20.4 6v12l-8-6z",
    "event-on": "M3.6 6v12l8-6zM11.6 6v12l8-6z",
}
LINES: dict[str, str] = {
    "loop": "M17 3.5 20 6.5 17 9.5M4 12V9.5a3 3 0 0 1 3-3h13M7 20.5 4 17.5l3-3M20 12v2.5a3 3 0 0 1-3 3H4",
    "sound": "M4 9.5v5h3.2l4.3 3.7V5.8L7.2 9.5zM14.8 9.2a4 4 0 0 1 0 5.6M17.3 6.8a7.4 7.4 0 0 1 0 10.4",
    "muted": "M4 9.5v5h3.2l4.3 3.7V5.8L7.2 9.5zM15 9.5l5 5M20 9.5l-5 5",
    "overlay": "M4 8V4.5h3.5M16.5 4.5H20V8M20 16v3.5h-3.5M7.5 19.5H4V16M8.5 10.2v.01M15.5 10.2v.01M8.5 14.2c1.9 1.7 5.1 1.7 "
    "7 0",
    "full-screen": "M9 4.5H4.5V9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15",
    "film": "M3.5 5.5h17v13h-17zM8 5.5v13M16 5.5v13M3.5 10H8M3.5 14H8M16 10h4.5M16 14h4.5",
    "warning": "M12 4 21.5 20h-19zM12 10v4.5M12 17.3v.01",
    "note": "M9 17.5V5.5l10-2v12M9 17.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zM19 15.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0z",
}


def svg(name: str, colour: str, weight: float = 1.7) -> bytes:
    """The sign as SVG; raises KeyError for a name that is none."""
    if name in FILLED:
        style, path = f'fill="{colour}" stroke="{colour}" stroke-width="1"', FILLED[name]
    else:
        style, path = f'fill="none" stroke="{colour}" stroke-width="{weight}"', LINES[name]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" {style} stroke-linecap="round" '
        f'stroke-linejoin="round"><path d="{path}"/></svg>'
    ).encode()


def paint_glyph(painter: QPainter, name: str, rect: QRectF, colour: str) -> None:
    """Paint a large sign, in thin lines."""
    QSvgRenderer(QByteArray(svg(name, colour, 1.2))).render(painter, rect)


def icon(name: str, palette: Palette, size: int = 18) -> QIcon:
    """The sign in the text's colour, in that of the focus where a button is on, faint where it is disabled; sharp up
    to 200 %."""
    made = QIcon()
    modes, states = QIcon.Mode, QIcon.State
    for ratio in (1.0, 2.0):
        made.addPixmap(_pixmap(name, palette.text, size, ratio), modes.Normal, states.Off)
        made.addPixmap(_pixmap(name, palette.focus, size, ratio), modes.Normal, states.On)
        made.addPixmap(_pixmap(name, palette.faint, size, ratio), modes.Disabled, states.Off)
        made.addPixmap(_pixmap(name, palette.faint, size, ratio), modes.Disabled, states.On)
    return made


def _pixmap(name: str, colour: str, size: int, ratio: float) -> QPixmap:
    side = round(size * ratio)
    image = QImage(QSize(side, side), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(svg(name, colour))).render(painter, QRectF(0, 0, side, side))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return QPixmap.fromImage(image)
