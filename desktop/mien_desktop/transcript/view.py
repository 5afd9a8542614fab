"""The painted transcript: only the rows in sight are drawn, whatever the length of the medium."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFontMetricsF,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QMenu, QToolTip, QWidget

from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import literal
from mien_desktop.transcript import keys
from mien_desktop.transcript.layout import Layout, lay_out
from mien_desktop.transcript.paint import Look, Marks, paint_row
from mien_desktop.transcript.script import Script, script

_NONE = -1
_MARGIN, _GAP = 10.0, 12.0
_EMPTY = "What is said appears here, word by word, while the medium is analysed."


class TranscriptView(QAbstractScrollArea):
    """A list of utterances with a word that the keyboard is on, a selection, search hits and the playhead.

    Signals:
        seek_requested(float): go to this time, s.
        follow_changed(bool): whether the view keeps the playhead in sight.
    """

    seek_requested = Signal(float)
    follow_changed = Signal(bool)

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.script: Script = script({})
        self.hits: list[tuple[int, int]] = []
        self.hit = _NONE
        self.cursor_word, self.row, self.word = _NONE, _NONE, _NONE
        self.follow = True
        self._position = 0.0
        self._anchor = _NONE
        self._dragged = False
        self._widths: dict[str, float] = {}
        self._layout: Layout | None = None
        self._stale = False
        self._palette = palette
        self._look = Look.of(palette, self.font())
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.IBeamCursor)
        self.verticalScrollBar().actionTriggered.connect(self._user_scrolled)
        self.setAccessibleName("Transcript")
        self.setAccessibleDescription(_EMPTY)
        self.setToolTip("")

    # What is shown
    # ------------------------------------------------------------------------------------------------------

    def show_script(self, shown: Script) -> None:
        """Show another transcript, or one that has grown; what is in sight stays there."""
        grown = len(shown) >= len(self.script) > 0 and shown.start[0] == self.script.start[0]
        if not grown:
            self.cursor_word = self._anchor = _NONE
            self.verticalScrollBar().setValue(0)
        self.cursor_word = min(self.cursor_word, len(shown.words) - 1)
        self._anchor = min(self._anchor, len(shown.words) - 1)
        self.script, self.hits, self.hit = shown, [], _NONE
        self._lay_out()
        self._place()
        self._tell()

    def set_position(self, time: float) -> None:
        """The playhead is at `time`, s."""
        self._position = time
        self._place()

    def set_follow(self, follow: bool) -> None:
        """Keep the playhead in sight, or not."""
        if follow != self.follow:
            self.follow = follow
            self.follow_changed.emit(follow)
        if follow and self.row != _NONE:
            self.reveal(self.row)

    def set_hits(self, hits: list[tuple[int, int]], hit: int = _NONE, *, go: bool = True) -> None:
        """Mark what a search has found, one of them as the present one, to which the view goes unless told otherwise."""
        self.hits, self.hit = hits, hit
        if go and 0 <= hit < len(hits):
            self._user_scrolled()
            self.cursor_word = self._anchor = hits[hit][0]
            self.reveal(self.script.row_of(hits[hit][0]), hits[hit][0])
            self._tell()
        self.viewport().update()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self._look = Look.of(palette, self.font())
        self.viewport().update()

    def selection(self) -> tuple[int, int] | None:
        """First and last selected word, or None."""
        if self._anchor == _NONE or self.cursor_word == _NONE or self._anchor == self.cursor_word:
            return None
        return min(self._anchor, self.cursor_word), max(self._anchor, self.cursor_word)

    def copy(self) -> None:
        """Put the selected words, or else the utterance that the keyboard is on, on the clipboard, with times."""
        chosen = self.selection()
        if chosen is None and self.cursor_word != _NONE:
            row = self.script.row_of(self.cursor_word)
            chosen = int(self.script.first[row]), int(self.script.first[row + 1]) - 1
        if chosen is not None:
            QGuiApplication.clipboard().setText(self.script.copied(*chosen))

    def select_all(self) -> None:
        """Select every word."""
        if self.script.words:
            self._anchor, self.cursor_word = 0, len(self.script.words) - 1
            self.viewport().update()

    def reveal(self, row: int, word: int = _NONE) -> None:
        """Scroll so that a row (or the line of a word) can be seen; nothing moves when it is in sight already."""
        self._settle()
        if self._layout is None or not 0 <= row < len(self.script):
            return
        top, bottom = float(self._layout.top[row]), float(self._layout.top[row + 1])
        if word != _NONE:
            rect = self.word_rect(word)
            top, bottom = rect.top(), rect.bottom()
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if top < bar.value() or bottom > bar.value() + height:
            bar.setValue(round(top - max(0.0, height - (bottom - top)) / 3))

    def word_rect(self, word: int) -> QRectF:
        """Where a word stands, in the coordinates of the whole transcript."""
        self._settle()
        assert self._layout is not None
        row, line = self.script.row_of(word), self._layout.line_of(word)
        y = float(self._layout.top[row]) + self._look.pad
        y += (line - int(self._layout.first_line[row])) * self._look.line
        return QRectF(self._column() + float(self._layout.x[word]), y, float(self._layout.width[word]), self._look.line)

    def word_under(self, point: QPoint, *, nearest: bool = False) -> int:
        """The word at a place in the viewport, or −1; with `nearest`, the closest one of that row."""
        self._settle()
        if self._layout is None or not len(self.script):
            return _NONE
        y = point.y() + self.verticalScrollBar().value()
        if not nearest and y >= self._layout.height:
            return _NONE
        row = self._layout.row_at(y)
        lines = int(self._layout.first_line[row + 1] - self._layout.first_line[row])
        line = int((y - self._layout.top[row] - self._look.pad) // self._look.line)
        line = int(self._layout.first_line[row]) + min(max(line, 0), lines - 1)
        first, last = int(self._layout.line_start[line]), int(self._layout.line_start[line + 1])
        last = min(last, int(self.script.first[row + 1]))
        if first >= last:
            return _NONE
        x = point.x() - self._column()
        at = first + int(np.searchsorted(self._layout.x[first:last], x + 3, side="right")) - 1
        if nearest:
            return max(at, first)
        return at if at >= first and x <= self._layout.x[at] + self._layout.width[at] + 3 else _NONE

    # Events
    # ------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        self._settle()
        with QPainter(self.viewport()) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(event.rect(), self._look.ground)
            if not len(self.script) or self._layout is None:
                painter.setPen(self._look.dim)
                area = self.viewport().rect().adjusted(24, 24, -24, -24)
                painter.drawText(area, Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap, _EMPTY)
                return
            offset = self.verticalScrollBar().value()
            chosen = self.selection() or (0, -1)
            marks = Marks(
                self.row, self.word, self.cursor_word if self.hasFocus() else _NONE, chosen, self.hits, self.hit,
                self._time_width(),
            )  # fmt: skip
            row = self._layout.row_at(event.rect().top() + offset)
            while row < len(self.script) and self._layout.top[row] - offset < event.rect().bottom() + 1:
                box = QRectF(
                    0, float(self._layout.top[row]) - offset, self.viewport().width(),
                    float(self._layout.top[row + 1] - self._layout.top[row]),
                )  # fmt: skip
                paint_row(painter, self.script, self._layout, self._look, marks, row, box, self._column())
                row += 1

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out_soon()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._widths.clear()
            self._look = Look.of(self._palette, self.font())
            self._lay_out_soon()

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._user_scrolled()
        super().wheelEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            word = self.word_under(event.position().toPoint(), nearest=True)
            if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._anchor = word
            self.cursor_word, self._dragged = word, False
            self.viewport().update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        if event.buttons() & Qt.MouseButton.LeftButton and self._anchor != _NONE:
            word = self.word_under(point, nearest=True)
            if word not in (_NONE, self.cursor_word):
                self.cursor_word, self._dragged = word, True
                self.viewport().update()
            return
        over = self.word_under(point) != _NONE
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._dragged:
            return
        point = event.position().toPoint()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            return
        if (word := self.word_under(point)) != _NONE:
            self.seek_requested.emit(float(self.script.word_start[word]))
        elif point.x() < self._column() and (word := self.word_under(point, nearest=True)) != _NONE:
            self.seek_requested.emit(float(self.script.start[self.script.row_of(word)]))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.cursor_word != _NONE:
            self.seek_requested.emit(float(self.script.word_start[self.cursor_word]))
        elif (
            target := keys.target(self.script, max(self.cursor_word, 0), event.key(), self._page())
        ) is not None and self.script.words:
            self._user_scrolled()
            self.cursor_word = min(max(target, 0), len(self.script.words) - 1)
            if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._anchor = self.cursor_word
            self.reveal(self.script.row_of(self.cursor_word), self.cursor_word)
            self._tell()
            self.viewport().update()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if self.cursor_word == _NONE and self.script.words:
            self.cursor_word = self._anchor = int(self.script.first[max(self.row, 0)])
        self._tell()
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        copy = menu.addAction("Copy with times")
        every = menu.addAction("Select all")
        chosen = menu.exec(event.globalPos())
        menu.deleteLater()
        if chosen is copy:
            self.copy()
        elif chosen is every:
            self.select_all()

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            word = self.word_under(event.pos())
            QToolTip.showText(
                event.globalPos(), literal(self.script.about(word)) if word != _NONE else "", self.viewport()
            )
            return True
        return super().viewportEvent(event)

    # Within
    # ------------------------------------------------------------------------------------------------------

    def _page(self) -> int:
        """Rows that a page has."""
        return max(1, self.viewport().height() // round(self._look.line + 2 * self._look.pad) - 1)

    def _place(self) -> None:
        """Find the row and word at the playhead and repaint what has changed."""
        row, word = self.script.row_at(self._position), self.script.word_at(self._position)
        if (row, word) == (self.row, self.word):
            return
        for changed in {self.row, row} - {_NONE}:
            self._repaint(changed)
        moved, self.row, self.word = row != self.row, row, word
        if moved and self.follow:
            self.reveal(row)
        if self.follow and word != _NONE:
            self.reveal(row, word)  # an utterance may be longer than there is room for

    def _repaint(self, row: int) -> None:
        if not self._stale and self._layout is not None and row < self._layout.top.size - 1:
            top, bottom = self._layout.top[row] - self.verticalScrollBar().value(), self._layout.top[row + 1]
            bottom -= self.verticalScrollBar().value()
            self.viewport().update(0, int(top) - 1, self.viewport().width(), int(bottom - top) + 3)

    def _lay_out_soon(self) -> None:
        """Lay out once, however many events ask for it: another look sends dozens."""
        if not self._stale:
            self._stale = True
            QTimer.singleShot(0, self, self._settle)

    def _settle(self) -> None:
        """Lay out now, if that is still to be done."""
        if self._stale:
            self._lay_out()

    def _lay_out(self) -> None:
        self._stale = False
        look, metrics = self._look, QFontMetricsF(self.font())
        widths, known = self._widths, self._widths.get
        for word in set(self.script.words).difference(widths):
            widths[word] = metrics.horizontalAdvance(word)
        width = np.fromiter(map(known, self.script.words), np.float64, len(self.script.words))
        column = self.viewport().width() - self._column() - _MARGIN
        old, bar = self._layout, self.verticalScrollBar()
        seen = old.row_at(bar.value()) if old is not None and old.top.size > 1 else _NONE
        self._layout = lay_out(self.script.first, width, column=column, space=look.space, line=look.line, pad=look.pad)
        bar.setRange(0, max(0, round(self._layout.height) + 8 - self.viewport().height()))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(round(look.line + 2 * look.pad))
        if old is not None and 0 <= seen < len(self.script) and bar.value() > 0:
            # What stood at the top stays at the top when the lines break elsewhere.
            bar.setValue(round(bar.value() + self._layout.top[seen] - old.top[seen]))
        self.viewport().update()

    def _time_width(self) -> float:
        longest = "0:00:00.0" if len(self.script) and self.script.end[-1] >= 3600 else "00:00.0"
        return QFontMetricsF(self._look.small).horizontalAdvance(longest)

    def _column(self) -> float:
        """Left edge of the words, px."""
        who = QFontMetricsF(self._look.bold).horizontalAdvance("M") + _GAP if self.script.speakers else 0.0
        return _MARGIN + self._time_width() + _GAP + who

    def _user_scrolled(self, _action: int = 0) -> None:
        if self.follow:
            self.set_follow(False)

    def _tell(self) -> None:
        """Let screen readers know the utterance that the keyboard is on."""
        if self.cursor_word == _NONE or not len(self.script):
            self.setAccessibleDescription(_EMPTY if not len(self.script) else f"{len(self.script)} utterances")
            return
        self.setAccessibleDescription(self.script.spoken(self.script.row_of(self.cursor_word)))
