"""What is said at a moment, each word on a ground as strong as it drove the score; a click goes to the word."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from mien_desktop.explain.reasons import Word
from mien_desktop.look.palette import Palette


class Said(QWidget):
    """Signals:
    clicked(float): when the word that was clicked begins, s.
    """

    clicked = Signal(float)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._words: tuple[Word, ...] = ()
        self.setAccessibleName("What is said, by how much each word drove the score")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setVisible(False)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.update()

    def show_words(self, words: tuple[Word, ...]) -> None:
        """Show words, in the order of time."""
        self._words = tuple(sorted(words, key=lambda w: w.start))
        self.setAccessibleDescription(" ".join(f"{w.text} ({w.evidence:+.2f})" for w in self._words))
        self.setVisible(bool(words))
        self.setMinimumHeight(self.heightForWidth(self.width()))
        self.updateGeometry()
        self.update()

    def places(self, width: int) -> list[QRectF]:
        """Where each word stands."""
        metrics = self.fontMetrics()
        line, gap = round(metrics.height() * 1.5), 3
        x, y, places = 0.0, 0.0, []
        for word in self._words:
            wide = metrics.horizontalAdvance(word.text) + 8.0
            if x and x + wide > width:
                x, y = 0.0, y + line + 2
            places.append(QRectF(x, y, wide, line))
            x += wide + gap
        return places

    def heightForWidth(self, width: int) -> int:
        """As many lines as it takes."""
        places = self.places(width)
        return round(places[-1].bottom()) + 2 if places else 0

    def sizeHint(self) -> QSize:
        """At the width that it has."""
        return QSize(280, self.heightForWidth(max(120, self.width())))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Break the lines anew."""
        self.setMinimumHeight(self.heightForWidth(self.width()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Words on their grounds."""
        p = self._palette
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            largest = max((abs(w.evidence) for w in self._words), default=0.0) or 1.0
            for word, place in zip(self._words, self.places(self.width()), strict=True):
                ground = QColor(p.bad if word.evidence > 0 else p.good)
                ground.setAlphaF(0.55 * abs(word.evidence) / largest)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(ground)
                painter.drawRoundedRect(place, 4, 4)
                painter.setPen(QColor(p.text))
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, word.text)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Go to a word."""
        for word, place in zip(self._words, self.places(self.width()), strict=True):
            if place.contains(event.position()):
                self.clicked.emit(word.start)
