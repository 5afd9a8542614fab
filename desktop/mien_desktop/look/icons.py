"""Line icons on a grid of 24, drawn in the colours of a palette. One weight, round ends."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from mien_desktop.look.palette import Palette

PATHS: dict[str, str] = {
    "open": "M3 7.5h6l2 2.2h10v9.3H3z",
    "analyse": "M3 12h3.5l2.5-6 4.5 12 3-8 1.5 2H21",
    "stop": "M6.5 6.5h11v11h-11z",
    "search": "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.4 15.4 20.5 20.5",
    "settings": "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4zM9 14.8a2.2 2.2 0 1 1 0 4.4 "
    "2.2 2.2 0 0 1 0-4.4z",
    "library": "M4 5h4v14H4zM10 5h4v14h-4zM16.2 5.6l3.7-.9 3.1 13.5-3.7.9z",
    "film": "M3.5 5.5h17v13h-17zM8 5.5v13M16 5.5v13M3.5 10H8M3.5 14H8M16 10h4.5M16 14h4.5",
    "wave": "M3 12v.01M6 9v6M9 5.5v13M12 8v8M15 4.5v15M18 8.5v7M21 11.5v1",
    "export": "M12 15V4M8 7.5 12 3.8l4 3.7M4.5 14v5.5h15V14",
    "plugins": "M9 4.5v4M15 4.5v4M6.5 8.5h11v4a5.5 5.5 0 0 1-11 0zM12 18v3",
    "close": "M6 6l12 12M18 6 6 18",
    "accept": "M5 12.5 10 17.5 19.5 7",
    "reject": "M6.5 6.5l11 11M17.5 6.5l-11 11",
    "edit": "M5 19l.9-4L15.5 5.4a1.8 1.8 0 0 1 2.6 0l.5.5a1.8 1.8 0 0 1 0 2.6L9 18.1z",
    "explain": "M9 9.2a3.1 3.1 0 1 1 4.6 2.7c-1 .6-1.6 1.2-1.6 2.4M12 18.2v.01M12 2.8a9.2 9.2 0 1 1 0 18.4 9.2 9.2 0 0 1 0-18.4z",
    "warning": "M12 4 21.5 20h-19zM12 10v4.5M12 17.3v.01",
    "fit": "M4 12h16M4 12l3.5-3.5M4 12l3.5 3.5M20 12l-3.5-3.5M20 12l-3.5 3.5M2.5 5v14M21.5 5v14",
    "zoom-in": "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.4 15.4 20.5 20.5M7.8 10.5h5.4M10.5 7.8v5.4",
    "zoom-out": "M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13zM15.4 15.4 20.5 20.5M7.8 10.5h5.4",
    "undo": "M8.5 5 4 9.5 8.5 14M4.5 9.5h9a5.5 5.5 0 0 1 0 11H9",
    "redo": "M15.5 5 20 9.5 15.5 14M19.5 9.5h-9a5.5 5.5 0 0 0 0 11H15",
    "restart": "M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.8 3.5v4.2h-4.2",
    "add": "M12 5v14M5 12h14",
    "pause": "M8 5.5v13M16 5.5v13",
    "ranked": "M4 6h16M4 12h11M4 18h6",
    "person": "M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
}


def svg(name: str, colour: str) -> bytes:
    """The icon as SVG; raises KeyError for a name that is none."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{colour}" stroke-width="1.7" '
        f'stroke-linecap="round" stroke-linejoin="round"><path d="{PATHS[name]}"/></svg>'
    ).encode()


def pixmap(name: str, colour: str, size: int = 18, ratio: float = 1.0) -> QPixmap:
    """The icon in one colour; `size` in device-independent pixels."""
    image = QImage(QSize(round(size * ratio), round(size * ratio)), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(svg(name, colour))).render(painter, QRectF(0, 0, image.width(), image.height()))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return QPixmap.fromImage(image)


def icon(name: str, palette: Palette, colour: str = "") -> QIcon:
    """The icon in the palette's text colour (or another), and faint where it is disabled; sharp up to 200 % of text on a screen
    of 200 %."""
    made = QIcon()
    for size in (18, 36):  # Qt makes smaller ones of these, never larger ones
        for ratio in (1.0, 2.0):
            made.addPixmap(pixmap(name, colour or palette.text, size, ratio))
            made.addPixmap(pixmap(name, palette.faint, size, ratio), QIcon.Mode.Disabled)
    return made
