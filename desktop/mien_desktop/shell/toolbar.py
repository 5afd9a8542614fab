"""The head of the window: open, analyse, choose the fusion, what to compare with and the device."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from mien.engine.registry import Registry
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import IconButton, button, explain, label, panel
from mien_desktop.shell.conduct import RUN
from mien_desktop.work.earlier import Earlier

NONE = ""


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
        self._analysing = False
        ground = panel("bar")
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(ground)
        row = QHBoxLayout(ground)
        row.setContentsMargins(10, 7, 10, 7)
        row.setSpacing(8)
        self._opener = button("Open…", "Open a video or a sound file", shortcut="Ctrl+O")
        self._opener.clicked.connect(self.open_asked)
        self.analyse = button(
            "Analyse", "Read this medium with the chosen plugins", kind="primary", shortcut="Ctrl+Return"
        )
        self.analyse.clicked.connect(lambda: (self.cancel_asked if self._analysing else self.analyse_asked).emit())
        self.fusion, self.compare, self.device = QComboBox(), QComboBox(), QComboBox()
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
            box.setMinimumWidth(96)
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # who chooses by the mouse goes on with the keys of the views
        self.set_fusions(registry)
        self.fusion.activated.connect(lambda _: self.fusion_chosen.emit(self.fusion.currentData()))
        self.compare.activated.connect(lambda _: self.compare_chosen.emit(self.compare.currentData()))
        self.device.activated.connect(lambda _: self.device_chosen.emit(self.device.currentData()))
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search the library")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(240)
        explain(self.search, "Search the library", "Words in any transcript of the library (Ctrl+Shift+F)")
        self.search.returnPressed.connect(lambda: self.search_asked.emit(self.search.text().strip()))
        self._export = IconButton("export", "Export", "Write the readings to files", shortcut="Ctrl+E")
        self._export.clicked.connect(self.export_asked)
        self._library = IconButton("library", "Library", "All media that were analysed", shortcut="Ctrl+L")
        self._library.clicked.connect(self.library_asked)
        self._settings = IconButton("settings", "Settings", "Plugins, models, device, appearance", shortcut="Ctrl+,")
        self._settings.clicked.connect(self.settings_asked)
        row.addWidget(self._opener)
        row.addWidget(self.analyse)
        row.addSpacing(8)
        for text, chooser in (("Fusion", self.fusion), ("Compare with", self.compare), ("Device", self.device)):
            row.addWidget(label(text, "dim"))
            row.addWidget(chooser)
        row.addStretch(1)
        row.addWidget(self.search)
        for widget in (self._export, self._library, self._settings):
            row.addWidget(widget)
        self.setAccessibleName("Tool bar")
        self.wear(palette)
        self.set_medium(False)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._opener.setIcon(icon("open", palette))
        for widget in (self._export, self._library, self._settings):
            widget.wear(palette)

    def set_medium(self, there: bool) -> None:
        """Whether a medium is open."""
        self.analyse.setEnabled(there)
        self._export.setEnabled(there)

    def set_analysing(self, analysing: bool) -> None:
        """The button cancels while an analysis runs."""
        self._analysing = analysing
        self.analyse.setText("Cancel" if analysing else "Analyse")
        self.analyse.setAccessibleName(self.analyse.text())
        self.analyse.setToolTip("Stop the analysis; what is complete is kept" if analysing else
                                "Read this medium with the chosen plugins (Ctrl+Return)")  # fmt: skip

    def set_fusions(self, registry: Registry) -> None:
        """Offer the fusions that there are; those without weights say how they are trained."""
        self.fusion.clear()
        self.compare.clear()
        self.compare.addItem("nothing", NONE)
        for info in sorted(registry.fusions.values(), key=lambda f: (bool(f.needs_training), f.title)):
            for box in (self.fusion, self.compare):
                box.addItem(info.title, info.id)
                if info.needs_training:
                    place = box.count() - 1
                    box.setItemText(place, f"{info.title} – needs training")
                    box.model().item(place).setEnabled(False)  # type: ignore[attr-defined]
                    box.setItemData(place, f"Train it with: {info.needs_training}", Qt.ItemDataRole.ToolTipRole)
        self._fusions = self.compare.count()

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

    def compare_nothing(self) -> None:
        """Show that nothing is compared."""
        self.compare.setCurrentIndex(0)

    def set_device(self, device: str) -> None:
        """Show which device is chosen."""
        self.device.setCurrentIndex(max(0, self.device.findData(device)))

    def set_fusion(self, fusion: str) -> None:
        """Show which fusion is chosen."""
        self.fusion.setCurrentIndex(max(0, self.fusion.findData(fusion)))

    def set_devices(self, devices: list[tuple[str, str]], chosen: str) -> None:
        """(id, name) of the devices that there are, `chosen` among them."""
        self.device.clear()
        for device, name in devices:
            self.device.addItem(name, device)
        self.device.setCurrentIndex(max(0, self.device.findData(chosen)))
