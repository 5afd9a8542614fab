"""A face under the heat of what spoke for its expression, with a legend and the strength of the overlay to set."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from mien.exchange.heat import STRENGTH, colours, overlaid
from mien.exchange.text import clock
from mien.sdk.protocols import FaceExplanation
from mien_desktop.explain.bars import Bar, Bars
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label
from mien_desktop.player.overlay import person_name

SIDE = 220
"""Of the face, in device-independent pixels at 100 % text."""


class FaceMap(QWidget):
    """The picture alone."""

    def __init__(self) -> None:
        super().__init__()
        self._found: FaceExplanation | None = None
        self._strength = STRENGTH
        self._image = QImage()
        self.setFixedSize(QSize(SIDE, SIDE))
        self.setAccessibleName("Face and attention")

    def show_face(self, found: FaceExplanation | None) -> None:
        """Show a face, or none."""
        self._found = found
        if found is not None:
            self.setAccessibleDescription(_told(found))
        self._draw()

    def set_strength(self, strength: float) -> None:
        """How strongly the heat covers the face, from 0 to 1."""
        self._strength = strength
        self._draw()

    @property
    def image(self) -> QImage:
        """What is painted, in the resolution of the crop."""
        return self._image

    def _draw(self) -> None:
        self._image = QImage() if self._found is None else _image(overlaid(self._found, self._strength))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture with smooth pixels."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            if not self._image.isNull():
                painter.drawImage(QRectF(self.rect()), self._image)


class Legend(QWidget):
    """Which colour means how much, as a strip."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._image = _image(colours(np.linspace(0.0, 1.0, 256))[None])
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Legend: from dark for what spoke little for it to bright for what spoke most")

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.update()

    def sizeHint(self) -> QSize:
        """A strip and a line of text."""
        return QSize(SIDE, 12 + round(1.3 * self.fontMetrics().height()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Colours, and what their ends mean."""
        with QPainter(self) as painter:
            painter.drawImage(QRectF(0, 0, self.width(), 8), self._image)
            painter.setPen(QColor(self._palette.dim))
            below = QRectF(0, 10, self.width(), self.height() - 10)
            painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "little")
            painter.drawText(below, Qt.AlignmentFlag.AlignRight, "most")


class FaceView(QWidget):
    """Face, legend, overlay strength, and what was read from the face."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._found: FaceExplanation | None = None
        self.map = FaceMap()
        self.legend = Legend(palette)
        self.strength = QSlider(Qt.Orientation.Horizontal)
        self.strength.setRange(0, 100)
        self.strength.setValue(round(100 * STRENGTH))
        explain(
            self.strength, "Strength of the overlay", "How strongly the heat covers the face: 0 shows the face alone"
        )
        self.strength.valueChanged.connect(lambda value: self.map.set_strength(value / 100))
        self.save = button("Save picture…", "Write the face, and beside it the face under its heat, as a picture")
        self.read = Bars(palette, "What was read from the face")
        self.said = label("", "small", wrap=True)
        left = QVBoxLayout()
        left.setSpacing(6)
        overlay = QHBoxLayout()
        overlay.addWidget(label("Overlay", "small"))
        overlay.addWidget(self.strength, 1)
        left.addWidget(self.map)
        left.addWidget(self.legend)
        left.addLayout(overlay)
        left.addStretch(1)
        right = QVBoxLayout()
        right.addWidget(self.read)
        right.addWidget(self.said)
        right.addWidget(self.save, 0, Qt.AlignmentFlag.AlignLeft)
        right.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(14)
        row.addLayout(left)
        row.addLayout(right, 1)
        self.legend.setFixedWidth(SIDE)
        self.setVisible(False)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.legend.wear(palette)
        self.read.wear(palette)
        self._list()

    def show_face(self, found: FaceExplanation | None) -> None:
        """Show an explanation, or none."""
        self._found = found
        self.map.show_face(found)
        self.setVisible(found is not None)
        self._list()

    @property
    def found(self) -> FaceExplanation | None:
        """What is shown."""
        return self._found

    def _list(self) -> None:
        found = self._found
        if found is None:
            self.read.show_bars(())
            return
        order = np.argsort(-found.posterior)
        self.read.show_bars(
            tuple(
                Bar(found.labels[n], float(found.posterior[n]), f"{found.posterior[n]:.2f}", self._colour(n))
                for n in order
            )
        )
        who = f"Person {person_name(found.person)}" if found.person >= 0 else "The face"
        self.said.setText(f"{who} at {clock(found.time, 2)}. {_told(found)}.")

    def _colour(self, n: int) -> str:
        assert self._found is not None
        return self._palette.quantity(self._found.labels[n], n)


def _told(found: FaceExplanation) -> str:
    """Where on the face the expression was read from, in words: the third of it that spoke for it most."""
    where = ("the forehead and brows", "the middle, with eyes and nose", "the mouth and chin")
    sums = [float(part.sum()) for part in np.array_split(found.heat, 3)]
    return f"What spoke most for “{found.labels[int(np.argmax(found.posterior))]}”: {where[int(np.argmax(sums))]}"


def _image(rgb: Any) -> QImage:
    """(H, W, 3) uint8 as an image that owns its pixels."""
    pixels = np.ascontiguousarray(rgb, np.uint8)
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
