"""Export: formats with their options, the whole medium or the selection, where to. The window goes on meanwhile."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QButtonGroup, QDialog, QFileDialog, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from mien.engine.registry import Registry
from mien.errors import MienError
from mien.exchange.cut import Span, checked_span
from mien.exchange.text import clock, one_line
from mien.exchange.write import target_name
from mien.sdk.descriptors import ExporterInfo
from mien.sdk.media import MediaInfo
from mien.sdk.protocols import Analysis
from mien_desktop.export.formats import Formats
from mien_desktop.export.job import ExportJob, Order
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, explain, label, open_at, panel
from mien_desktop.plugins.checks import Line, RadioButton
from mien_desktop.settings.page import show
from mien_desktop.work.files import within


class ExportDialog(QDialog):
    """Not modal. Made once by the window and opened with `open_for`; `shutdown` ends its thread.

    Args:
        registry: its exporters are offered.
        medium: the open medium; library: the library's place, which holds its readings.
        selection: start and end in s of what is selected, None for nothing.

    Signals:
        exported(list): paths of what was written (`list[Path]`).
        failed(str): why nothing or not all was written, a sentence; it stands in the dialog too.
    """

    exported = Signal(list)
    failed = Signal(str)

    def __init__(
        self,
        registry: Registry,
        medium: Path | None,
        library: str,
        selection: Span | None,
        palette: Palette,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setModal(False)
        self._registry, self._medium, self._library = registry, medium, library
        self._selection: Span | None = None
        self._runs: tuple[str, ...] | None = None
        self._written: list[Path] = []
        self.job = ExportJob(self)
        self.job.progressed.connect(self._progressed)
        self.job.exported.connect(self._done)
        self.job.failed.connect(self._failed)
        self.job.stopped.connect(self._stopped)
        self._title = label("Export", "title")
        self._of = label(kind="dim", wrap=True)
        self.formats = Formats(registry.exporters, palette)
        self.formats.changed.connect(self._changed)

        self.whole, self.part = RadioButton("Whole medium"), RadioButton("Selection")
        explain(self.whole, "Whole medium", "Export all readings")
        self.whole.setChecked(True)
        group = QButtonGroup(self)
        for choice in (self.whole, self.part):
            group.addButton(choice)
            choice.toggled.connect(lambda _: self._changed())
        self.folder = Line()
        explain(self.folder, "Folder", "Where the files are written; it is made if it is not there")
        self.folder.textChanged.connect(lambda _: self._changed())
        self.choose = button("Choose…", "Choose the folder")
        explain(self.choose, "Choose the folder", "Choose the folder that the files are written into")
        self.choose.clicked.connect(self._choose)
        self._names = label(kind="small", wrap=True)
        self._said = label(wrap=True)
        self._said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._said.hide()
        self._bar = QProgressBar()
        self._bar.setRange(0, 1000)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("How far the export is")
        self.start = button("Export", "Write the files (Return)", kind="primary")
        self.start.setDefault(True)
        self.start.clicked.connect(self.begin)
        self.cancel = button("Cancel", "Stop; files that are complete stay")
        self.cancel.clicked.connect(self._cancel)
        self.reveal = button("Show in folder", "Open the folder that the files were written into")
        self.reveal.clicked.connect(self.show_in_folder)
        self.leave = button("Close", "Close this window (Escape); an export that runs goes on")
        self.leave.clicked.connect(self.close)
        for made in (self.choose, self.cancel, self.reveal, self.leave):
            made.setAutoDefault(False)
        self._lay_out()
        self.setAccessibleName("Export")
        open_at(self, 880, 620)
        self._show_running(False)
        self.reveal.hide()
        self.show_medium(medium, selection)

    # -- what is exported ------------------------------------------------------------------------------------------

    def open_for(self, medium: Path | None, selection: Span | None = None, runs: tuple[str, ...] | None = None) -> None:
        """Show the dialog for a medium; what runs goes on. `runs`: keys of the runs to take, None for the current ones."""
        self._runs = runs
        self.show_medium(medium, selection)
        self.show()
        self.raise_()
        self.activateWindow()

    def show_medium(self, medium: Path | None, selection: Span | None) -> None:
        """Another medium, or another selection in it."""
        if medium != self._medium or not self.folder.text():
            self.folder.setText(str(medium.absolute().parent) if medium is not None else "")
            self.folder.setCursorPosition(0)
        self._medium = medium
        self._of.setText(one_line(medium.name) if medium is not None else "No medium is open.")
        self._show_selection(selection)
        there = medium is not None and within(medium.is_file, otherwise=True)
        gone = {} if there else {i.id: "The medium is not there any more" for i in self._exporters if i.needs_medium}
        self.formats.forbid(gone)

    def follow(self, medium: Path | None, selection: Span | None) -> None:
        """Another stretch is selected in a medium while the dialog stands open."""
        if medium == self._medium and not self.job.runs:
            self._show_selection(selection)

    def _show_selection(self, selection: Span | None) -> None:
        try:
            self._selection = checked_span(selection, None) if selection is not None else None
        except MienError:
            self._selection = None  # a click that dragged nothing
        if self._selection is not None:
            first, last = self._selection
            self.part.setText(f"Selection, {clock(first)} to {clock(last)} ({last - first:.1f} s)")
        else:
            self.part.setText("Selection")
        told = "Only what lies in the selection" if self._selection else "Drag over the lanes to select a stretch first"
        explain(self.part, "Selection", told)
        self.part.setEnabled(self._selection is not None)
        (self.part if self._selection is not None else self.whole).setChecked(True)
        self._changed()

    def set_library(self, place: str) -> None:
        """The library is another one."""
        self._library = place

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self.formats.wear(palette)

    @property
    def span(self) -> Span | None:
        """The stretch that is to be exported, None for the whole medium."""
        return self._selection if self.part.isChecked() else None

    @property
    def said(self) -> str:
        """The sentence that stands in the dialog."""
        return self._said.text()

    # -- the export ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Write the files, in the background."""
        if not self.start.isEnabled() or self._medium is None or self.job.runs:
            return
        self.reveal.hide()
        self._say("")
        self._bar.setValue(0)
        self._show_running(True)
        folder = Path(self.folder.text().strip()).expanduser()
        order = Order(
            self._medium, self._library, self.formats.wanted, folder, self.formats.options(), self.span, self._runs
        )
        self.job.start(order, self._registry.exporters)

    def show_in_folder(self) -> None:
        """Open the folder in the system's file manager."""
        if self._written:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written[0].parent.absolute())))

    def shutdown(self) -> None:
        """Stop what runs and wait for it."""
        self.job.close()

    # --------------------------------------------------------------------------------------------------------------

    @property
    def _exporters(self) -> list[ExporterInfo]:
        return list(self._registry.exporters.values())

    def _lay_out(self) -> None:
        ground = panel()
        box = QVBoxLayout(ground)
        box.setContentsMargins(16, 12, 16, 14)
        box.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(24)
        row.addWidget(self.whole)
        row.addWidget(self.part)
        row.addStretch(1)
        box.addLayout(row)
        row = QHBoxLayout()
        row.addWidget(label("Folder", "dim"))
        row.addWidget(self.folder, 1)
        row.addWidget(self.choose)
        box.addLayout(row)
        box.addWidget(self._names)
        foot = QHBoxLayout()
        foot.setSpacing(10)
        foot.addWidget(self._bar, 1)
        foot.addWidget(self._said, 1)
        foot.addStretch(0)
        for widget in (self.reveal, self.leave, self.cancel, self.start):
            foot.addWidget(widget)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(22, 18, 22, 18)
        outer.setSpacing(4)
        outer.addWidget(self._title)
        outer.addWidget(self._of)
        outer.addSpacing(10)
        outer.addWidget(self.formats, 1)
        outer.addSpacing(8)
        outer.addWidget(ground)
        outer.addSpacing(8)
        outer.addLayout(foot)

    def _changed(self) -> None:
        """What would be written, or what stands against it."""
        wanted, problem = self.formats.wanted, self.formats.problem
        self.folder.wrong = not self.folder.text().strip()
        self.folder.update()
        ready = bool(wanted) and not problem and not self.folder.wrong and self._medium is not None
        self.start.setEnabled(ready and not self.job.runs)
        if problem:
            told = problem
        elif self.folder.wrong:
            told = "Name the folder to write into."
        elif not wanted:
            told = "Choose at least one format above."
        else:
            told = "Writes " + ", ".join(self._file_names(wanted))
        self._names.setText(told)
        self._names.setProperty("kind", "bad" if problem else "small")
        self._names.style().unpolish(self._names)
        self._names.style().polish(self._names)

    def _file_names(self, wanted: list[str]) -> list[str]:
        path = self._medium or Path("medium")
        shape = Analysis(MediaInfo(path), {}, span=self.span)
        infos = [self._registry.exporters[name] for name in wanted]
        return [target_name(shape, info) + ("" if info.suffix else "/") for info in infos]

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Export into", self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.job.cancel()

    def _progressed(self, share: float) -> None:
        self._bar.setValue(round(1000 * share))

    def _done(self, written: list[Path]) -> None:
        self._written = written
        self._show_running(False)
        names = ", ".join(one_line(path.name) for path in written)
        self._say(f"Written: {names}." if len(written) < 4 else f"{len(written)} formats were written.")
        self.reveal.show()
        self.exported.emit(written)

    def _failed(self, sentence: str) -> None:
        self._show_running(False)
        self._say(sentence, bad=True)
        self.failed.emit(sentence)

    def _stopped(self) -> None:
        self._show_running(False)
        self._say("Stopped; files that were complete stay.")

    def _show_running(self, running: bool) -> None:
        self._bar.setVisible(running)
        self.cancel.setVisible(running)
        self.cancel.setEnabled(running)
        self.start.setVisible(not running)
        for widget in (self.formats, self.whole, self.folder, self.choose):
            widget.setEnabled(not running)
        self.part.setEnabled(not running and self._selection is not None)
        self._changed()

    def _say(self, text: str, *, bad: bool = False) -> None:
        show(self._said, text, bad=bad)
