"""Light, dark or as the system; size of text. Seen at once."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QSlider

from mien_desktop.look.palette import DARK, LIGHT, Palette
from mien_desktop.look.parts import button, explain, label
from mien_desktop.settings.page import Page, section

THEMES: Final = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
SMALLEST, LARGEST = 75, 200


class AppearancePage(Page):
    """Signals:
    theme_chosen(str): "system", "light" or "dark".
    text_scale_chosen(float): 1.0 is the usual size.
    """

    theme_chosen = Signal(str)
    text_scale_chosen = Signal(float)

    def __init__(self, palette: Palette, theme: str = "system", text_scale: float = 1.0) -> None:
        super().__init__("appearance", palette)
        ground, box = section("Theme")
        self.themes: dict[str, ThemeTile] = {}
        group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(14)
        for name, title in THEMES:
            tile = self.themes[name] = ThemeTile(name, title)
            tile.setChecked(name == theme)
            tile.clicked.connect(lambda _=False, name=name: self.theme_chosen.emit(name))
            group.addButton(tile)
            row.addWidget(tile)
        row.addStretch(1)
        box.addLayout(row)
        self.body.addWidget(ground)

        ground, box = section("Text size")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(SMALLEST, LARGEST)
        self.slider.setSingleStep(5)
        self.slider.setPageStep(25)
        self.slider.setFixedWidth(280)
        self.slider.setTracking(False)  # a style sheet for every pixel of a drag would stutter
        explain(self.slider, "Text size", "From 75 to 200 % (arrow keys)")
        self._percent = label()
        self._percent.setMinimumWidth(56)
        self.usual = button("Usual size", "Back to 100 %")
        self.usual.clicked.connect(lambda: self.slider.setValue(100))
        row = QHBoxLayout()
        row.addWidget(self.slider)
        row.addWidget(self._percent)
        row.addWidget(self.usual)
        row.addStretch(1)
        box.addLayout(row)
        box.addWidget(label("“You never let me finish – that is exactly the problem.”"))
        box.addWidget(label("01:22.1 · speaker A · offence 0.34 · arousal +0.62", "small"))
        self.body.addWidget(ground)
        self.body.addStretch(1)
        self.show_now(theme, text_scale)
        self.slider.valueChanged.connect(self._sized)
        self.slider.sliderMoved.connect(lambda value: self._percent.setText(f"{_stepped(value)} %"))
        self.wear(palette)

    def show_now(self, theme: str, text_scale: float) -> None:
        """Show what is in force; emits nothing."""
        self.themes.get(theme, self.themes["system"]).setChecked(True)
        blocked = self.slider.blockSignals(True)
        self.slider.setValue(round(100 * text_scale))
        self.slider.blockSignals(blocked)
        self._percent.setText(f"{self.slider.value()} %")

    def _sized(self, value: int) -> None:
        value = _stepped(value)
        self._percent.setText(f"{value} %")
        self.text_scale_chosen.emit(value / 100)


def _stepped(value: int) -> int:
    return 5 * round(value / 5)


class ThemeTile(QAbstractButton):
    """A small picture of the window in a theme; "system" is half of each."""

    def __init__(self, theme: str, title: str) -> None:
        super().__init__()
        self._theme = theme
        self.setText(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        explain(self, title, {"system": "Light or dark, as the system is"}.get(theme, f"{title} colours"))

    def sizeHint(self) -> QSize:
        """A picture and a line of text."""
        return QSize(172, 112 + self.fontMetrics().height() + 10)

    def minimumSizeHint(self) -> QSize:
        """It is not squeezed."""
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, a frame when it is chosen or has the focus, and its name."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            picture = QRectF(3, 3, self.width() - 6, 106)
            clip = QPainterPath()
            clip.addRoundedRect(picture, 7, 7)
            painter.save()
            painter.setClipPath(clip)
            if self._theme == "system":
                _window(painter, picture, LIGHT)
                painter.setClipRect(
                    QRectF(picture.center().x(), 0, picture.width(), self.height()), Qt.ClipOperation.IntersectClip
                )
                _window(painter, picture, DARK)
            else:
                _window(painter, picture, LIGHT if self._theme == "light" else DARK)
            painter.restore()
            colours = self.palette()
            on = self.isChecked()
            painter.setPen(QPen((colours.highlight() if on else colours.placeholderText()).color(), 3.0 if on else 1.0))
            painter.drawRoundedRect(picture, 7, 7)
            if self.hasFocus():
                painter.setPen(QPen(colours.link().color(), 1.0))
                painter.drawRoundedRect(picture.adjusted(-2.5, -2.5, 2.5, 2.5), 9, 9)
            painter.setPen(colours.windowText().color())
            font = painter.font()
            font.setBold(self.isChecked())
            painter.setFont(font)
            line = QRectF(0, 112, self.width(), self.height() - 112)
            painter.drawText(line, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, self.text())


def _window(painter: QPainter, place: QRectF, p: Palette) -> None:
    """The main window, very small: bar, picture, lanes."""
    x, y, w = place.x(), place.y(), place.width()
    painter.fillRect(place, QColor(p.window))
    painter.fillRect(QRectF(x, y, w, 15), QColor(p.panel))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(p.accent))
    painter.drawRoundedRect(QRectF(x + 8, y + 4, 26, 7), 2, 2)
    painter.setBrush(QColor(p.raised))
    painter.drawRoundedRect(QRectF(x + 40, y + 4, 34, 7), 2, 2)
    painter.setBrush(QColor(p.panel))
    painter.drawRoundedRect(QRectF(x + 6, y + 20, w * 0.55, 38), 3, 3)
    painter.drawRoundedRect(QRectF(x + 12 + w * 0.55, y + 20, w * 0.45 - 18, 38), 3, 3)
    painter.drawRoundedRect(QRectF(x + 6, y + 63, w - 12, 37), 3, 3)
    painter.setBrush(QColor(p.text))
    for number in range(3):
        painter.drawRoundedRect(QRectF(x + 20 + w * 0.55, y + 27 + 9 * number, w * (0.28 - 0.06 * number), 3), 1.5, 1.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for number, colour in enumerate(p.series[:3]):
        line = QPainterPath()
        middle = y + 72 + 10 * number
        line.moveTo(x + 10, middle)
        for step in range(1, 9):
            at = x + 10 + (w - 20) * step / 8
            line.quadTo(at - (w - 20) / 16, middle + (5 if step % 2 else -5), at, middle)
        painter.setPen(QPen(QColor(colour), 1.5))
        painter.drawPath(line)
