"""The transcript's panel: what heard it, search, the Follow switch, and the words."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from mien.tracks.track import AnyTrack
from mien_desktop.document import Document
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import Shortened, button, explain, label
from mien_desktop.transcript.legend import Legend
from mien_desktop.transcript.script import TRACKS, Script, script
from mien_desktop.transcript.view import TranscriptView

_SOON = 60
_SHARE_OF_TIME = 10


class TranscriptPanel(QWidget):
    """Follows a document's transcript.

    Signals:
        seek_requested(float): go to this time, s.
    """

    seek_requested = Signal(float)

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document: Document | None = None
        self._bonds: list[tuple[Any, Any]] = []
        self.view = TranscriptView(palette)
        self.about = Shortened("small")
        explain(self.about, "Transcript", "Who heard the words · language · its own mean confidence (not calibrated)")
        self.about.setMinimumWidth(1)  # it gives way before anything else
        self.legend = Legend(palette)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find words")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(120)
        self.search.setMaximumWidth(260)
        searches = "Words that follow each other; Return goes on, Esc ends"
        explain(self.search, "Search the transcript", searches, "Ctrl+F", "find")
        self.count = label("", "small")
        self.count.setAccessibleName("Search hits")
        self.before = button("‹", "The hit before", kind="flat", shortcut="Shift+F3", command="find-previous")
        self.after = button("›", "The next hit", kind="flat", shortcut="F3", command="find-next")
        self.before.setAccessibleName("Previous hit")
        self.after.setAccessibleName("Next hit")
        self.follow = QToolButton()
        self.follow.setText("Follow")
        self.follow.setCheckable(True)
        explain(self.follow, "Follow", "Keep the words that are spoken in sight; scrolling ends it")
        self.follow.setChecked(True)
        self._soon = QTimer(self, singleShot=True, interval=_SOON)
        self._soon.timeout.connect(self.refresh)
        self._arrange()
        self._connect()
        self._show_count()

    def bind(self, document: Document) -> None:
        """Follow this document from now on."""
        for signal, slot in self._bonds:
            signal.disconnect(slot)
        self._document = document
        self._bonds = [
            (document.opened, self.refresh),
            (document.described, self._later),
            (document.replaced, self._replaced),
            (document.grew, self._grew),
        ]
        for signal, slot in self._bonds:
            signal.connect(slot)
        self.refresh()

    def set_position(self, seconds: float) -> None:
        """The playhead is at this time."""
        self.view.set_position(seconds)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self.view.wear(palette)
        self.legend.wear(palette)

    @property
    def script(self) -> Script:
        """What is shown."""
        return self.view.script

    @Slot()
    def refresh(self) -> None:
        """Put the transcript together anew from what the document has by now."""
        self._soon.stop()
        began = time.perf_counter()
        tracks: dict[str, AnyTrack | None] = {}
        language = ""
        if self._document is not None:
            tracks = {name: self._document.readings.get(name) for name in TRACKS}
            language = self._document.media.language if self._document.media is not None else ""
        searched, present = self.search.text(), self._present()
        self.view.show_script(script(tracks, language))
        self.about.setText(_about(self.script))
        self.legend.setVisible(bool(self.script.attention.any()))
        if searched:
            hits, starts = self.script.find(searched), self.script.word_start
            same = (n for n, hit in enumerate(hits) if present is not None and abs(starts[hit[0]] - present) < 1e-6)
            self.view.set_hits(hits, next(same, -1), go=False)
            self._show_count()
        # A long transcript is put together less often while it grows, so that the window stays free.
        spent = 1000 * (time.perf_counter() - began)
        self._soon.setInterval(max(_SOON, round(_SHARE_OF_TIME * spent)))

    @Slot()
    def start_search(self) -> None:
        """Bring the keyboard to the search field."""
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    @Slot()
    def next_hit(self) -> None:
        """Go to the next place found, after the last to the first."""
        self._step(1)

    @Slot()
    def previous_hit(self) -> None:
        """Go to the place found before."""
        self._step(-1)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.search.clear()
                self.view.setFocus(Qt.FocusReason.OtherFocusReason)
                return True
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """More room for the line on who heard the words, or less."""
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        """Something above the words says more, or in larger text."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return super().event(event)

    def _fit(self) -> None:
        """Who heard the words is said where most of it has room; what room lacks, it and the search field lose evenly."""
        taken = self._head.minimumSize().width() - (0 if self.about.isHidden() else 1 + self._head.spacing())
        room = self.width() - taken - self._head.spacing()
        asked, field = self.about.sizeHint().width(), self.search
        spare = min(field.sizeHint().width(), field.maximumWidth()) - field.minimumWidth()
        gets = asked - max(0, spare + asked - room) // 2
        self.about.setVisible(gets >= max(round(0.8 * asked), self.about.minimumSizeHint().width()))

    def _arrange(self) -> None:
        self._head = head = QHBoxLayout()
        head.setContentsMargins(10, 6, 10, 4)
        head.setSpacing(4)
        for widget in (self.search, self.before, self.after, self.count):
            head.addWidget(widget)
        head.addStretch(1)
        head.addWidget(self.legend)
        head.addWidget(self.about)
        head.addSpacing(8)
        head.addWidget(self.follow)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(head)
        box.addWidget(self.view, 1)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard belongs to the words. A focus proxy would take what is above them out of the order of Tab."""
        self.view.setFocus(event.reason())

    def _connect(self) -> None:
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._search)
        self.before.clicked.connect(self.previous_hit)
        self.after.clicked.connect(self.next_hit)
        self.follow.toggled.connect(self.view.set_follow)
        self.view.follow_changed.connect(self.follow.setChecked)
        self.view.seek_requested.connect(self.seek_requested)

    @Slot(str)
    def _search(self, phrase: str) -> None:
        hits = self.script.find(phrase)
        here = max(self.view.cursor_word, 0)
        nearest = next((i for i, hit in enumerate(hits) if hit[0] >= here), 0) if hits else -1
        self.view.set_hits(hits, nearest)
        self._show_count()

    def _step(self, by: int) -> None:
        hits = self.view.hits
        if hits:
            at = self.view.hit + by if self.view.hit >= 0 else 0
            self.view.set_hits(hits, at % len(hits))
            self._show_count()

    def _present(self) -> float | None:
        """When the present hit begins, s; None where there is none."""
        hits, hit = self.view.hits, self.view.hit
        return float(self.script.word_start[hits[hit][0]]) if 0 <= hit < len(hits) else None

    def _show_count(self) -> None:
        hits, searched = len(self.view.hits), bool(self.search.text().strip())
        place = f"{self.view.hit + 1} of {hits}" if self.view.hit >= 0 else f"{hits}"
        self.count.setText(place if hits else "none" if searched else "")
        for step in (self.before, self.after):
            step.setEnabled(hits > 0)

    @Slot(str)
    def _replaced(self, name: str) -> None:
        if name in TRACKS:
            self._later()

    @Slot(object)
    def _grew(self, piece: AnyTrack) -> None:
        if piece.name in TRACKS:
            self._later()

    @Slot()
    def _later(self) -> None:
        if not self._soon.isActive():
            self._soon.start()


def _about(shown: Script) -> str:
    """`pocketsphinx · en · 0.81`."""
    sure = f"{shown.sure:.2f}" if np.isfinite(shown.sure) else ""
    return " · ".join(part for part in (shown.backend, shown.language, sure) if part)
