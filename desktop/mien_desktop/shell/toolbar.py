"""The head of the window: open, analyse, choose the fusion, what to compare with and the device."""

from __future__ import annotations

from collections.abc import Collection

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QSizePolicy, QWidget

from mien.engine.registry import Registry
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import Chooser, IconButton, button, explain, label, literal, panel
from mien_desktop.plugins.facts import untrained
from mien_desktop.shell.conduct import RUN
from mien_desktop.work.earlier import Earlier

NONE = ""
_CHARACTERS = {"Fusion": 20, "Compare with": 12, "Device": 12}
_LONGEST = 56
"""Characters of what is chosen that are told in full before the words before the lists are."""
_NOTHING, _COMPARE = "nothing", "Compare …"
"""What is compared with where nothing is: behind the words "Compare with", and where there is no room for these."""
_ANALYSE = "Read this medium with the chosen plugins"


class ToolBar(QWidget):
    """Signals say what was asked for; the window does it.

    Signals:
        fusion_chosen(str), compare_chosen(str), device_chosen(str): ids; to compare with, empty for nothing and `RUN`
            with an id for an earlier run.
        search_asked(str): a text for the library's search.
    """

    open_asked = Signal()
    analyse_asked = Signal()
    cancel_asked = Signal()
    fusion_chosen = Signal(str)
    compare_chosen = Signal(str)
    device_chosen = Signal(str)
    export_asked = Signal()
    settings_asked = Signal()
    library_asked = Signal()
    search_asked = Signal(str)

    def __init__(self, registry: Registry, palette: Palette) -> None:
        super().__init__()
        self._analysing = self._stopping = False
        self._words: list[QLabel] = []
        ground = panel("bar")
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ground)
        row = self._row = QHBoxLayout(ground)
        row.setContentsMargins(10, 7, 10, 7)
        row.setSpacing(8)
        self._opener = button("Open…", "Open a video or a sound file", shortcut="Ctrl+O", command="open")
        self._opener.clicked.connect(self.open_asked)
        self.analyse = button("Analyse", _ANALYSE, kind="primary", shortcut="Ctrl+Return", command="analyse")
        self.analyse.clicked.connect(lambda: (self.cancel_asked if self._analysing else self.analyse_asked).emit())
        self._boxes = self.fusion, self.compare, self.device = Chooser(), Chooser(), Chooser()
        for box, name, tip in (
            (self.fusion, "Fusion", "How the readings are fused into one; only the fusion runs again"),
            (
                self.compare,
                "Compare with",
                "Another fusion, or an earlier run with other settings, drawn dashed on the same lanes",
            ),
            (self.device, "Device", "What the models compute on"),
        ):
            explain(box, name, tip)
            # As wide as its own entries usually are: a long one is told in full by the list, which is as wide as it needs.
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(_CHARACTERS[name])
            box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            box.view().setTextElideMode(Qt.TextElideMode.ElideMiddle)
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # who chooses by the mouse goes on with the keys of the views
        # A device has one short name that is never cut while there is room.
        self.device.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.set_fusions(registry)
        self.fusion.activated.connect(lambda _: self.fusion_chosen.emit(self.fusion.currentData()))
        self.compare.activated.connect(lambda _: self.compare_chosen.emit(self.compare.currentData()))
        self.device.activated.connect(lambda _: self.device_chosen.emit(self.device.currentData()))
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search the library")
        self.search.setClearButtonEnabled(True)
        explain(self.search, "Search the library", "Words in any transcript of the library", "Ctrl+Shift+F", "search")
        self.search.returnPressed.connect(lambda: self.search_asked.emit(self.search.text().strip()))
        self._export = IconButton(
            "export", "Export", "Write the readings to files", shortcut="Ctrl+E", command="export"
        )
        self._export.clicked.connect(self.export_asked)
        self._library = IconButton(
            "library", "Library", "All media that were analysed", shortcut="Ctrl+L", command="library"
        )
        self._library.clicked.connect(self.library_asked)
        self._settings = IconButton(
            "settings", "Settings", "Plugins, models, device, appearance", shortcut="Ctrl+,", command="settings"
        )
        self._settings.clicked.connect(self.settings_asked)
        row.addWidget(self._opener)
        row.addWidget(self.analyse)
        row.addSpacing(8)
        for text, chooser in (("Fusion", self.fusion), ("Compare with", self.compare), ("Device", self.device)):
            self._words.append(label(text, "dim"))
            row.addWidget(self._words[-1])
            row.addWidget(chooser)
        row.addStretch(1)
        row.addWidget(self.search)
        for widget in (self._export, self._library, self._settings):
            row.addWidget(widget)
        self.setAccessibleName("Tool bar")
        self.wear(palette)
        self.set_medium(False)
        self._fit()
        for box in self._boxes:
            box.currentIndexChanged.connect(self._make_room)
        for analysing in (True, False):  # so that it knows the keys of both from the start
            self.set_analysing(analysing)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._opener.setIcon(icon("open", palette))
        for widget in (self._export, self._library, self._settings):
            widget.wear(palette)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Other room for the words."""
        super().resizeEvent(event)
        self._make_room()

    def event(self, event: QEvent) -> bool:
        """Something in it needs other room."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._make_room()
        return super().event(event)

    def minimumSizeHint(self) -> QSize:
        """All that can give way has: what is chosen keeps a word or two."""
        return QSize(self._least(), super().minimumSizeHint().height())

    def _make_room(self) -> None:
        """What is chosen is told in full before the words before the lists are, which the tooltips say as well."""
        words, spare = self._width_of_words(), self.width() - self._least()
        more = self._more_for(_NOTHING)
        shown = more + words <= spare
        if not shown:
            more = self._more_for(_COMPARE)
        for word in self._words:
            word.setVisible(shown)
        self.compare.setItemText(0, _NOTHING if shown else _COMPARE)
        for box in self._boxes:
            box.setMinimumWidth(_wanted(box, box.currentText()) if more <= spare else 0)

    def _least(self) -> int:
        """How narrow it goes."""
        given = sum(max(0, box.minimumWidth() - box.minimumSizeHint().width()) for box in self._boxes)
        return self._row.minimumSize().width() - given - (0 if self._words[0].isHidden() else self._width_of_words())

    def _width_of_words(self) -> int:
        return sum(word.sizeHint().width() + self._row.spacing() for word in self._words)

    def _more_for(self, nothing: str) -> int:
        """By how much it is wider where all that is chosen is told in full, with that for no comparison."""
        told = [nothing if box is self.compare and not box.currentIndex() else box.currentText() for box in self._boxes]
        wanted = (_wanted(box, text) for box, text in zip(self._boxes, told, strict=True))
        return sum(max(0, wide - box.minimumSizeHint().width()) for box, wide in zip(self._boxes, wanted, strict=True))

    def changeEvent(self, event: QEvent) -> None:
        """Another size of text, another room for it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        for box in (self.fusion, self.compare, self.device):
            _fit(box)
        wide = self.search.fontMetrics().horizontalAdvance(self.search.placeholderText())
        self.search.setMinimumWidth(wide // 2 + 32)
        self.search.setMaximumWidth(2 * wide)
        self.device.setMaximumWidth(_LONGEST * self.device.fontMetrics().averageCharWidth())

    def set_medium(self, there: bool) -> None:
        """Whether a medium is open."""
        self.analyse.setEnabled(there)
        self._export.setEnabled(there)

    def set_analysing(self, analysing: bool) -> None:
        """The button cancels while an analysis runs."""
        if self._stopping:
            self._stopping = False
            self.analyse.setEnabled(True)
        self._analysing = analysing
        self.analyse.setText("Cancel" if analysing else "Analyse")
        if analysing:
            explain(self.analyse, "Cancel", "Stop the analysis; what is complete is kept", "Ctrl+.", "cancel")
        else:
            explain(self.analyse, "Analyse", _ANALYSE, "Ctrl+Return", "analyse")

    def set_cancelling(self) -> None:
        """An analysis is being stopped: that is shown at once, though the worker may need a moment."""
        self._stopping = True
        self.analyse.setText("Stopping …")
        self.analyse.setEnabled(False)

    def set_fusions(self, registry: Registry, off: Collection[str] = ()) -> None:
        """Offer the fusions that there are; those without weights are greyed out and say how they are trained.

        Args:
            off: ids of what is switched off; it is not offered. What was chosen stays chosen where it is still there.
        """
        chosen, compared = self.fusion.currentData(), self.compare.currentData()
        earlier = [(self.compare.itemText(n), self.compare.itemData(n)) for n in range(self.compare.count())]
        self.fusion.clear()
        self.compare.clear()
        self.compare.addItem(_NOTHING, NONE)
        there = [(info, untrained(info)) for info in registry.fusions.values() if info.id not in off]
        for info, command in sorted(there, key=lambda one: (bool(one[1]), one[0].title)):
            for box in (self.fusion, self.compare):
                box.addItem(f"{info.title} – needs training" if command else info.title, info.id)
                place = box.count() - 1
                told = f"It has no weights yet. Train it with: {command}" if command else info.description
                box.setItemData(place, literal(told), Qt.ItemDataRole.ToolTipRole)
                if command:
                    box.model().item(place).setEnabled(False)  # type: ignore[attr-defined]
        self._fusions = self.compare.count()
        _fit(self.compare)
        self.set_earlier([Earlier(i.removeprefix(RUN), t) for t, i in earlier if i and i.startswith(RUN)])
        self.set_fusion(chosen or "")
        self.compare.setCurrentIndex(max(0, self.compare.findData(compared)))

    def set_earlier(self, runs: list[Earlier]) -> None:
        """Offer earlier runs of the medium below the fusions."""
        chosen = self.compare.currentData()
        while self.compare.count() > self._fusions:
            self.compare.removeItem(self.compare.count() - 1)
        if runs:
            self.compare.insertSeparator(self.compare.count())
        for run in runs:
            self.compare.addItem(run.label, RUN + run.id)
        self.compare.setCurrentIndex(max(0, self.compare.findData(chosen)))
        _fit(self.compare)

    def set_compared(self, other: str) -> None:
        """Show what is compared with, by its id; empty for nothing."""
        self.compare.setCurrentIndex(max(0, self.compare.findData(other)))

    def set_device(self, device: str) -> None:
        """Show which device is chosen."""
        self.device.setCurrentIndex(max(0, self.device.findData(device)))

    def set_fusion(self, fusion: str) -> None:
        """Show which fusion is chosen; it is not offered for a comparison, in which nothing would be seen."""
        self.fusion.setCurrentIndex(self.fusion.findData(fusion))
        for place in range(1, self._fusions):
            other = self.compare.itemData(place)
            usable = self.fusion.model().item(self.fusion.findData(other)).isEnabled()  # type: ignore[attr-defined]
            self.compare.model().item(place).setEnabled(usable and other != fusion)  # type: ignore[attr-defined]
        if fusion and self.compare.currentData() == fusion:
            self.set_compared(NONE)
        _fit(self.fusion)

    def offers(self, fusion: str) -> bool:
        """Whether a fusion, by its id, is in the list and can be chosen."""
        place = self.fusion.findData(fusion)
        return place >= 0 and self.fusion.model().item(place).isEnabled()  # type: ignore[attr-defined]

    def set_devices(self, devices: list[tuple[str, str]], chosen: str) -> None:
        """(id, name) of the devices that there are, `chosen` among them."""
        self.device.clear()
        for device, name in devices:
            self.device.addItem(name, device)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))
        _fit(self.device)


def _wanted(box: Chooser, text: str) -> int:
    """How wide a list wants to be that says so: an earlier run or a card may have a name of any length."""
    return min(box.width_for(text), _LONGEST * box.fontMetrics().averageCharWidth())


def _fit(box: QComboBox) -> None:
    """The list is as wide as its longest entry, up to a limit, whatever the box has room for; the rest is in tooltips."""
    metrics = box.view().fontMetrics()
    widest = max((metrics.horizontalAdvance(box.itemText(n)) for n in range(box.count())), default=0)
    box.view().setMinimumWidth(min(widest + 40, 560))
    for place in range(box.count()):
        if not box.itemData(place, Qt.ItemDataRole.ToolTipRole):
            box.setItemData(place, literal(box.itemText(place)), Qt.ItemDataRole.ToolTipRole)
