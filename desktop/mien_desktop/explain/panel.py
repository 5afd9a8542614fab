"""The Explain tab: for the moment of the playhead or of an event, what made the readings."""

from __future__ import annotations

import math

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from mien.exchange.text import clock
from mien.sdk.protocols import Explanation
from mien_desktop.document import Document
from mien_desktop.explain.bars import Bar, Bars
from mien_desktop.explain.reasons import Reasons, reasons
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, label

STRONGEST = 8
"""Words that are listed."""


class ExplainPanel(QWidget):
    """Follows a document.

    Args:
        explainers: (plugin id, title) of the analyzers that can say which seconds made a reading.

    Signals:
        seek_requested(float): a moment in s.
        seconds_asked(str, float): plugin id and moment; `show_seconds` or `show_failure` answers.
    """

    seek_requested = Signal(float)
    seconds_asked = Signal(str, float)

    def __init__(self, palette: Palette, explainers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__()
        self._palette = palette
        self._document: Document | None = None
        self._reasons: Reasons | None = None
        self._position = 0.0
        self.title = label("", "heading")
        self.here = button("Explain here", "Explain the moment of the playhead", shortcut="Ctrl+I")
        self.here.clicked.connect(lambda: self.explain(self._position))
        self.modalities = Bars(palette, "Weight of each modality")
        self.words = Bars(palette, "Words that drove the score")
        self.seconds = Bars(palette, "Seconds that made the reading")
        for bars in (self.words, self.seconds):
            bars.clicked.connect(self.seek_requested)
        self._said = label("", wrap=True)
        self._found = label("", "small", wrap=True)
        self._asks: dict[str, QPushButton] = {}
        row = QHBoxLayout()
        for plugin, title in explainers:
            ask = button(f"Which seconds: {title}", "Leaves parts of the sound out and reads again; takes some seconds")
            ask.clicked.connect(lambda _=False, plugin=plugin: self._ask(plugin))
            self._asks[plugin] = ask
            row.addWidget(ask)
        row.addStretch(1)

        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.here)
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(8)
        box.addLayout(head)
        for heading, parts in (
            ("Which modality", (self.modalities,)),
            ("Which words", (self._said, self.words)),
            ("Which seconds", (row, self.seconds, self._found)),
        ):
            box.addSpacing(6)
            box.addWidget(label(heading, "dim"))
            for part in parts:
                box.addLayout(part) if isinstance(part, QHBoxLayout) else box.addWidget(part)
        box.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setWidget(content)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        self.setAccessibleName("Explain")
        self._clear()

    def bind(self, document: Document) -> None:
        """Follow this document."""
        self._document = document
        document.opened.connect(self._clear)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        for bars in (self.modalities, self.words, self.seconds):
            bars.wear(palette)
        if self._reasons is not None:
            self.explain(self._reasons.at)

    def set_position(self, position: float) -> None:
        """Where the playhead is."""
        self._position = position

    def explain(self, at: float) -> None:
        """Show what the stored readings say about a moment."""
        if self._document is None or not self._document.readings.parts:
            self._clear()
            return
        found = self._reasons = reasons(self._document.readings, at)
        fused = f" · fused {found.fused:.2f}" if found.fused is not None else " · nothing was fused here"
        self.title.setText(f"{clock(at)}{fused}")
        self.modalities.show_bars(
            tuple(
                Bar(s.modality, s.weight, f"{s.weight:.0%}", self._palette.quantity(s.modality, i))
                for i, s in enumerate(found.shares)
            )
        )
        score = f" · offence {found.offence:.2f}" if found.offence is not None else ""
        self._said.setText(f"“{found.utterance}”{score}" if found.utterance else "Nothing is said here.")
        good, bad = self._palette.good, self._palette.bad
        self.words.show_bars(
            tuple(
                Bar(w.text, w.evidence, f"{w.evidence:+.2f}", bad if w.evidence > 0 else good, w.start)
                for w in found.words[:STRONGEST]
            )
        )
        self.seconds.show_bars(())
        self._found.setText("")
        for ask in self._asks.values():
            ask.setEnabled(True)

    def show_seconds(self, title: str, found: Explanation) -> None:
        """What each stretch of the window contributed."""
        strong = self._palette.quantity("conflict")
        bars = [
            Bar(f"{clock(s)} – {clock(e)}", score, "left out" if math.isnan(score) else f"{score:+.2f}", strong, s)
            for s, e, _, _, score, _ in found.parts.rows()
        ]
        self.seconds.show_bars(tuple(bars))
        unit = f" {found.unit}" if found.unit else ""
        self._found.setText(
            f"{title} reads {found.reading:+.2f}; without all of these it would read {found.intercept:+.2f}{unit}. "
            f"The explanation fits with R² {found.fit:.2f}."
        )
        for ask in self._asks.values():
            ask.setEnabled(True)

    def show_failure(self, reason: str) -> None:
        """Why there is no explanation."""
        self._found.setText(reason)
        for ask in self._asks.values():
            ask.setEnabled(True)

    def _ask(self, plugin: str) -> None:
        if self._reasons is None:
            self.explain(self._position)
        if self._reasons is None:
            return
        self._found.setText("Reading the sound again with parts left out …")
        self.seconds.show_bars(())
        for ask in self._asks.values():
            ask.setEnabled(False)
        self.seconds_asked.emit(plugin, self._reasons.at)

    def _clear(self) -> None:
        self._reasons = None
        self.title.setText("Choose an event, or explain the moment of the playhead.")
        for bars in (self.modalities, self.words, self.seconds):
            bars.show_bars(())
        self._said.setText("")
        self._found.setText("")
        for ask in self._asks.values():
            ask.setEnabled(False)
