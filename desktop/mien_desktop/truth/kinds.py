"""The kinds of agreement as switches: mark, name and count; each shows or hides its dots."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QPushButton, QWidget

from mien.truth.score import Scored
from mien_desktop.look.flow import Flow
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button
from mien_desktop.truth.marks import draw_mark, kind_colour

_MARK = 14  # px

_MEANS = {
    "Agree": "Truth and reading on the same side of the middle and near each other",
    "Missed": "Truth high, reading low",
    "False alarm": "Truth low, reading high",
    "Far off": "On the same side of the middle, but more than a quarter of the extent apart",
    "Hit": "Truth yes, reading yes",
    "Correct rejection": "Truth no, reading no",
    "Right": "Read as the class that it is",
    "Wrong": "Read as another class",
    "Word for word": "Every word heard as it was said",
    "With errors": "Some words substituted, left out or added",
}


class Kinds(QWidget):
    """A row of switches.

    Signals:
        toggled: others than before are shown.
    """

    toggled = Signal()

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self.switches: list[QPushButton] = []
        self._names: tuple[str, ...] = ()
        self._row = Flow(self, 2, 2)
        self.setAccessibleName("Kinds of agreement")

    @property
    def shown(self) -> list[int]:
        """Numbers of the kinds that are switched on."""
        return [n for n, switch in enumerate(self.switches) if switch.isChecked()]

    def show_kinds(self, scored: Scored) -> None:
        """A switch for each kind; those of the same names stay as they were set."""
        names = scored.kind_names
        if names != self._names:
            self._names = names
            for old in self.switches:
                self._row.removeWidget(old)
                old.deleteLater()
            self.switches = [self._switch(name) for name in names]
            for switch in self.switches:
                self._row.addWidget(switch)
            self.wear(self._palette)
        for kind, switch in enumerate(self.switches):
            switch.setText(f"{names[kind]} {scored.count(kind)}")
            switch.setAccessibleName(switch.text())

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        for kind, switch in enumerate(self.switches):
            switch.setIcon(_icon(palette, kind, self._names[kind]))

    def _switch(self, name: str) -> QPushButton:
        made = button(name, f"{_MEANS[name]}; click to hide or show these dots", kind="flat")
        made.setCheckable(True)
        made.setChecked(True)
        made.setIconSize(QSize(_MARK, _MARK))
        made.toggled.connect(lambda _: self.toggled.emit())
        return made


def _icon(palette: Palette, kind: int, name: str) -> QIcon:
    """The mark, filled where its dots are shown and empty where they are not; sharp up to 200 %."""
    made = QIcon()
    for ratio in (1, 2):
        for filled in (True, False):
            picture = QPixmap(_MARK * ratio, _MARK * ratio)
            picture.fill(Qt.GlobalColor.transparent)
            picture.setDevicePixelRatio(ratio)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            colour = kind_colour(palette, kind, name)
            painter.setPen(QPen(colour, 1.4))
            painter.setBrush(colour if filled else Qt.BrushStyle.NoBrush)
            draw_mark(painter, kind, _MARK / 2, _MARK / 2, 4.4)
            painter.end()
            made.addPixmap(picture, QIcon.Mode.Normal, QIcon.State.On if filled else QIcon.State.Off)
    return made
