"""Every plugin of the analysis with its bar and the time it takes yet, in a list that the window's foot opens."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from mien_desktop.document import Document, Standing
from mien_desktop.look.parts import label, literal, panel

FEW = 5
"""s."""
_STATES = {
    "waiting": "waits",
    "cached": "from the library",
    "skipped": "skipped",
    "done": "done",
    "failed": "failed",
}


class ProgressList(QFrame):
    """A popup that follows a document; it closes as menus do."""

    def __init__(self, document: Document, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._document = document
        self._rows: dict[str, tuple[QLabel, QProgressBar, QLabel]] = {}
        ground = panel()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ground)
        box = QVBoxLayout(ground)
        box.setContentsMargins(14, 10, 14, 12)
        box.addWidget(label("Progress of every plugin", "heading"))
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(5)
        self._grid.setColumnMinimumWidth(2, 150)
        box.addLayout(self._grid)
        self.setAccessibleName("Progress of every plugin")
        document.progressed.connect(self._follow)
        document.opened.connect(self._follow)

    def showEvent(self, event: object) -> None:
        """Only what is seen is kept up to date."""
        super().showEvent(event)  # type: ignore[arg-type]
        self._follow()
        self.adjustSize()

    @property
    def told(self) -> dict[str, str]:
        """What stands behind each plugin, by its id."""
        return {plugin: said.text() for plugin, (_, _, said) in self._rows.items()}

    def _follow(self) -> None:
        if not self.isVisible():
            return
        standings = self._document.standings
        if list(standings) != list(self._rows):
            self._build(standings)
        for plugin, standing in standings.items():
            _, bar, said = self._rows[plugin]
            waits = standing.state in ("skipped", "failed")
            bar.setValue(0 if waits else round(1000 * standing.fraction))
            bar.setEnabled(not waits)
            told = far(standing)
            if said.text() != told:
                said.setText(told)
                said.setToolTip(literal(standing.reason))
                bar.setAccessibleName(f"{standing.title}: {told}")

    def _build(self, standings: dict[str, Standing]) -> None:
        for row in self._rows.values():
            for old in row:
                old.deleteLater()
        self._rows = {}
        for place, standing in enumerate(standings.values()):
            title, bar, said = label(standing.title), QProgressBar(), label(kind="small")
            bar.setRange(0, 1000)
            bar.setTextVisible(False)
            bar.setFixedWidth(140)
            self._grid.addWidget(title, place, 0)
            self._grid.addWidget(bar, place, 1)
            self._grid.addWidget(said, place, 2)
            self._rows[standing.plugin] = title, bar, said
        self.adjustSize()


def far(standing: Standing) -> str:
    """How far a plugin is: `45 % · 0:12 left`, or its state with the reason for it."""
    if standing.state == "running":
        left = f" · {remaining(standing.left)} left" if standing.left is not None else ""
        return f"{standing.fraction:.0%}{' · longer than expected' if standing.late else left}"
    told = _STATES.get(standing.state, standing.state)
    reason = standing.reason if len(standing.reason) <= 60 else f"{standing.reason[:59]}…"
    return f"{told}: {reason}" if reason else told


def remaining(seconds: float) -> str:
    """`1:05`; what is nearly over is not counted, for it would be over and go on."""
    return clock(seconds) if round(seconds) >= FEW else "a few seconds"


def clock(seconds: float) -> str:
    """`1:05`."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"
