"""Export: formats with their options, the whole medium or the selection, where to. The window goes on meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QVBoxLayout, QWidget

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
from mien_desktop.export.writing import Words, WritingDialog
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, label, open_at, panel
from mien_desktop.plugins.checks import RadioButton
from mien_desktop.work.files import within

_WORDS = Words(
    name="Export",
    title="Export",
    start=("Export", "Write the files (Return)"),
    shown=("Show in folder", "Open the folder that the files were written into"),
    files="the files are",
    into="Export into",
    bar="How far the export is",
    cancel="Stop; files that are complete stay",
    leave="Close this window (Escape); an export that runs goes on",
    stopped="Stopped; files that were complete stay.",
)


class ExportDialog(WritingDialog):
    """Made by the window and opened with `open_for`.

    Args:
        registry: its exporters are offered.
        medium: the open medium; library: the library's place, which holds its readings.
        selection: start and end in s of what is selected, None for nothing.
    """

    def __init__(
        self,
        registry: Registry,
        medium: Path | None,
        library: str,
        selection: Span | None,
        palette: Palette,
        parent: QWidget | None = None,
    ) -> None:
        job = ExportJob()
        super().__init__(job, _WORDS, parent)
        self.job = job
        self._registry, self._medium, self._library = registry, medium, library
        self._selection: Span | None = None
        self._runs: tuple[str, ...] | None = None
        self.formats = Formats(registry.exporters, palette)
        self.formats.changed.connect(self._changed)

        self.whole, self.part = RadioButton("Whole medium"), RadioButton("Selection")
        explain(self.whole, "Whole medium", "Export all readings")
        self.whole.setChecked(True)
        group = QButtonGroup(self)
        for choice in (self.whole, self.part):
            group.addButton(choice)
            choice.toggled.connect(lambda _: self._changed())
        self._names = label(kind="small", wrap=True)
        self._lay_out(self.formats, self._ground(), fields=(self.formats, self.whole), beside=True)
        open_at(self, 880, 620)
        self.show_medium(medium, selection)

    # -- what is exported ------------------------------------------------------------------------------------------

    def open_for(self, medium: Path | None, selection: Span | None = None, runs: tuple[str, ...] | None = None) -> None:
        """Show the dialog for a medium; what runs goes on. `runs`: keys of the runs to take, None for the current ones."""
        self._runs = runs
        self.show_medium(medium, selection)
        self.bring()

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

    # -- the export ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Write the files, in the background."""
        if not self.start.isEnabled() or self._medium is None or self.job.runs:
            return
        self._clear()
        folder = Path(self.folder.text().strip()).expanduser()
        order = Order(
            self._medium, self._library, self.formats.wanted, folder, self.formats.options(), self.span, self._runs
        )
        self.job.start(order, self._registry.exporters)
        self._show_running()

    def show_written(self) -> None:
        """Open the folder in the system's file manager."""
        if self._paths:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._paths[0].parent.absolute())))

    # --------------------------------------------------------------------------------------------------------------

    @property
    def _exporters(self) -> list[ExporterInfo]:
        return list(self._registry.exporters.values())

    def _ground(self) -> QWidget:
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
        return ground

    def _check(self) -> None:
        """What would be written, or what stands against it."""
        wanted, problem = self.formats.wanted, self.formats.problem
        self.folder.wrong = not self.folder.text().strip()
        self.folder.update()
        ready = bool(wanted) and not problem and not self.folder.wrong and self._medium is not None
        self.start.setEnabled(ready and not self.job.runs)
        self.part.setEnabled(self._selection is not None and not self.job.runs)
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

    def _told(self, written: Sequence[Path]) -> str:
        return f"{len(written)} formats were written." if len(written) > 3 else super()._told(written)
