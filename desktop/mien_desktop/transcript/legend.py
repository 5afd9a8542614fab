"""What the lines over words are, beside the transcript's search."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain
from mien_desktop.transcript.paint import Look, paint_attention

_WORD = "attention"
_STEPS = 6
_TIP = (
    "The line over a word: how much of its attention the network that read the text paid it, beside the word of the "
    "utterance that got most. It has no sign: it says what was looked at, not what spoke for or against."
)


class Legend(QWidget):
    """The word “attention” under a line that grows as those over words do; hidden until some are drawn."""

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = palette
        explain(self, "Attention to words", _TIP)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setVisible(False)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """The word and some room."""
        metrics = QFontMetricsF(self._look().small)
        return QSize(round(metrics.horizontalAdvance(_WORD)) + 16, round(metrics.height()) + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = self._look()
        width = QFontMetricsF(look.small).horizontalAdvance(_WORD)
        with QPainter(self) as painter:
            painter.setFont(look.small)
            painter.setPen(look.dim)
            painter.drawText(QRectF(QPointF(0.0, 4.0), self.size()), Qt.AlignmentFlag.AlignHCenter, _WORD)
            left = (self.width() - width) / 2
            for step in range(_STEPS):
                place = QRectF(left + step * width / _STEPS, 1.0, width / _STEPS, 0.0)
                paint_attention(painter, look, place, (step + 1) / _STEPS)

    def _look(self) -> Look:
        return Look.of(self._palette, self.font())
