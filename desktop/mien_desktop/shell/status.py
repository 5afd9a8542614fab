"""The foot of the window: how far each plugin is, and whether the worker lives."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from mien_desktop.document import Document, Standing
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import label, panel

_MARKS = {"done": "✓", "cached": "✓", "failed": "✗", "skipped": "–"}


class StatusBar(QWidget):
    """Follows a document."""

    def __init__(self, document: Document, palette: Palette) -> None:
        super().__init__()
        self._document = document
        ground = panel("foot")
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ground)
        row = QHBoxLayout(ground)
        row.setContentsMargins(12, 5, 12, 5)
        row.setSpacing(14)
        self._ended, self._running, self._left = label(kind="small"), label(kind="small"), label(kind="small")
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setFixedWidth(180)
        self._bar.setAccessibleName("Progress of the analysis")
        self._worker = label(kind="small")
        for widget in (self._ended, self._running, self._bar, self._left):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self._worker)
        document.progressed.connect(self._follow)
        document.opened.connect(self._follow)
        self.setAccessibleName("Progress")
        self.wear(palette)
        self._follow()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours (all in the style sheet)."""

    def say(self, text: str) -> None:
        """What the worker and the library do."""
        self._worker.setText(text)

    def _follow(self) -> None:
        standings = list(self._document.standings.values())
        ended = [s for s in standings if s.state in _MARKS]
        self._ended.setText("   ".join(f"{_short(s)} {_MARKS[s.state]}" for s in ended))
        self._ended.setToolTip("\n".join(_told(s) for s in standings))
        running = [s for s in standings if s.state == "running"]
        busy = self._document.analysing
        self._bar.setVisible(busy)
        self._running.setVisible(busy)
        self._left.setVisible(busy)
        if not busy:
            return
        slowest = min(running, key=lambda s: s.fraction, default=None)
        if slowest is None:
            self._bar.setRange(0, 0)
            self._running.setText("Starting" if not ended else "Finishing")
            self._left.setText("")
            return
        self._bar.setRange(0, 1000)
        self._bar.setValue(round(1000 * slowest.fraction))
        self._running.setText(_short(slowest))
        left = max((s.left for s in running if s.left is not None), default=None)
        self._left.setText(f"{slowest.fraction:.0%}" + (f" · {_clock(left)} left" if left is not None else ""))


def _short(standing: Standing) -> str:
    return (
        standing.plugin.split(".")[-1]
        if standing.plugin.startswith(("speech", "face"))
        else standing.plugin.split(".")[0]
    )


def _told(standing: Standing) -> str:
    told = f"{standing.title}: {standing.state}"
    if standing.state == "running":
        told += f", {standing.fraction:.0%}" + (f", {_clock(standing.left)} left" if standing.left is not None else "")
    return told + (f" – {standing.reason}" if standing.reason else "")


def _clock(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"
