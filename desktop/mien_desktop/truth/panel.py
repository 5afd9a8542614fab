"""The Truth tab: labels against readings, as figures and as a scatter whose dots play their samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from mien.errors import UsageError
from mien.library.library import Library
from mien.truth.labels import SUFFIXES
from mien.truth.match import Sample, match
from mien.truth.score import Scored, score
from mien_desktop.document import Document
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, label, literal
from mien_desktop.truth.choice import Choice
from mien_desktop.truth.exporting import Gathering, export
from mien_desktop.truth.kinds import Kinds
from mien_desktop.truth.plot import Dots, dots
from mien_desktop.truth.scatter import Scatter
from mien_desktop.truth.session import Collecting, Loaded, files_among, load, span_to_play
from mien_desktop.truth.tables import (
    WORST_COLUMNS,
    Table,
    TableView,
    figure_rows,
    medium_columns,
    medium_rows,
    worst_rows,
)
from mien_desktop.work.background import Background

_HOW = (
    "Drop label files here: tables (CSV, TSV) with the columns medium, start, end and what was labelled, such as valence, "
    "emotion, offensive or text; or ELAN files, each tier a column. Labels may be about one medium or many, which must "
    "have been analysed."
)


class TruthPanel(QWidget):
    """Compares readings of the library with labels.

    Signals:
        play_asked(object, float, float): Path of a medium, start and end in s of the sample to play.
        scored: figures are there, or others than before.
        failed(str): one sentence; the same is shown in the panel.

    Args:
        background: where files are read and figures are made.
        library: gives the open library; called in the background's thread only.
    """

    play_asked = Signal(object, float, float)
    scored = Signal()
    failed = Signal(str)

    def __init__(self, palette: Palette, background: Background, library: Callable[[], Library]) -> None:
        super().__init__()
        self._palette, self._background, self._library = palette, background, library
        self._document: Document | None = None
        self._bonds: list[tuple[Any, Any]] = []
        self._files: tuple[Path, ...] = ()
        self._loaded: Loaded | None = None
        self._asked = 0
        self._closed = False
        self._lacking = ""  # labels that no medium was found for
        self.result: Scored | None = None
        self._worst: list[Sample] = []  # all, the worst first
        self._results: dict[tuple[str, str], Scored] = {}  # by column and reading
        self.dots: Dots | None = None
        self.load_button = button("Load labels…", "Choose files with labels: tables (CSV, TSV) or ELAN files")
        self.export_button = button("Export…", "Write the figures of all labels and media, and the pairs behind them")
        self.choice = Choice()
        self.scatter = Scatter(palette)
        self.kinds = Kinds(palette)
        self.figures = Table(("Figure", "Value", "95 % interval"), ("Figure",))
        self.media = Table((), ("Medium",))
        self.worst = Table(WORST_COLUMNS, ("Medium",))
        self.figure_view = TableView(self.figures, "Figures", "How well reading and truth agree")
        self.medium_view = TableView(self.media, "Media", "Figures of each medium; Return shows its samples alone")
        self.worst_view = TableView(self.worst, "Worst errors", "Samples that are most wrong; Return plays one")
        self._about, self._progress = label("", "small"), label("", "small")
        self._notes, self._problem = label("", "small", wrap=True), label("", "bad", wrap=True)
        self._arrange()
        self._connect()
        self._show_nothing()
        self.wear(palette)

    # -- for the window -----------------------------------------------------------------------------------------

    def bind(self, document: Document) -> None:
        """Labels that name no medium are about this document's; its new readings are scored anew."""
        for signal, slot in self._bonds:
            signal.disconnect(slot)
        self._document = document
        self._bonds = [(document.described, self._described), (document.finished, self._finished)]
        for signal, slot in self._bonds:
            signal.connect(slot)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.scatter.wear(palette)
        self.kinds.wear(palette)
        self.load_button.setIcon(icon("open", palette))
        self.export_button.setIcon(icon("export", palette))

    def load(self, files: Iterable[Path]) -> None:
        """Read label files and compare the first column that some reading answers to."""
        self._files = tuple(files)
        self._asked += 1
        asked, chosen = self._asked, self._files
        medium = self._document.medium if self._document is not None else ""
        self._tell("")
        self._say("Reading the labels …")
        self._run(asked, lambda: load(chosen, self._library(), medium), self._take)

    @property
    def problem(self) -> str:
        """What is told to be wrong, or empty."""
        return self._problem.text()

    def export_to(self, path: Path) -> None:
        """Write the figures of all labels (JSON where the name ends so, else CSV), and the pairs behind them beside it."""
        if self._loaded is not None and self.result is not None:
            gathering = Gathering.of(self._loaded, self._results)
            export(self._background, self._library, gathering, path, self._say, self._fail)

    def look_again(self) -> None:
        """The library holds something else: what is loaded is compared anew."""
        if self._files:
            self.load(self._files)

    def shutdown(self) -> None:
        """Nothing is delivered any more; the background may be closed afterwards."""
        self._closed = True
        self._asked += 1
        for signal, slot in self._bonds:
            signal.disconnect(slot)
        self._bonds = []

    # -- set-up -------------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.load_button)
        head.addWidget(self._about, 1)
        head.addWidget(self._progress)
        head.addWidget(self.export_button)
        figures = QWidget()
        beside = QVBoxLayout(figures)
        beside.setContentsMargins(0, 4, 0, 0)
        beside.addWidget(self.figure_view, 1)
        beside.addWidget(self._notes)
        self.tables = QTabWidget()
        self.tables.setDocumentMode(True)
        self.tables.setUsesScrollButtons(False)
        self.tables.setAccessibleName("Tables")
        self.tables.addTab(figures, "Figures")
        self.tables.addTab(self.medium_view, "Media")
        self.tables.addTab(self.worst_view, "Worst")
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(8)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.scatter)
        self.split.addWidget(self.tables)
        self.split.setStretchFactor(0, 1)
        self.split.setSizes([420, 260])
        results = QWidget()
        whole = QVBoxLayout(results)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(self.choice)
        whole.addWidget(self.split, 1)
        whole.addWidget(self.kinds)
        empty = QWidget()
        middle = QVBoxLayout(empty)
        middle.setContentsMargins(40, 0, 40, 0)
        middle.setSpacing(10)
        middle.addStretch(1)
        for part in (label("How well do readings agree with people?", "heading"), label(_HOW, "dim", wrap=True)):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
            middle.addWidget(part)
        middle.addStretch(1)
        self.pages = QStackedWidget()
        self.pages.addWidget(empty)
        self.pages.addWidget(results)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 10, 12, 10)
        box.setSpacing(8)
        box.addLayout(head)
        box.addWidget(self._problem)
        box.addWidget(self.pages, 1)
        self.setAcceptDrops(True)
        self.setAccessibleName("Truth")

    def _connect(self) -> None:
        self.load_button.clicked.connect(self._choose_files)
        self.export_button.clicked.connect(self._choose_target)
        self.choice.changed.connect(self._compare)
        self.choice.medium_changed.connect(self._show_medium)
        self.kinds.toggled.connect(self._narrow)
        self.scatter.played.connect(lambda number: self._play(self._sample(number)))
        self.scatter.chosen.connect(self._find_row)
        self.worst_view.acted.connect(self._play)
        self.worst_view.selectionModel().currentRowChanged.connect(lambda index, _: self._mark(index.row()))
        self.medium_view.acted.connect(self._medium_acted)

    # -- files --------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Label files may be dropped; everything else goes to whoever is beneath."""
        if self._dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Load what was dropped."""
        files = self._dropped(event)
        if files:
            event.acceptProposedAction()
            self.load(files)

    def _dropped(self, event: QDropEvent) -> list[Path]:
        return files_among((Path(u.toLocalFile()) for u in event.mimeData().urls() if u.isLocalFile()), SUFFIXES)

    @Slot()
    def _choose_files(self) -> None:
        patterns = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        near = str(self._files[0].parent) if self._files else ""
        files, _ = QFileDialog.getOpenFileNames(self, "Load labels", near, f"Labels ({patterns});;All files (*)")
        if files:
            self.load(Path(file) for file in files)

    @Slot()
    def _choose_target(self) -> None:
        file, _ = QFileDialog.getSaveFileName(self, "Export figures", "check.csv", "CSV (*.csv);;JSON (*.json)")
        if file:
            self.export_to(Path(file))

    # -- comparing ----------------------------------------------------------------------------------------------

    def _run(self, asked: int, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """Work in the background; what has become outdated is not shown."""

        def current() -> bool:
            return asked == self._asked and not self._closed

        self._background.run(
            work, lambda found: done(found) if current() else None, lambda why: self._fail(why) if current() else None
        )

    def _take(self, loaded: Loaded) -> None:
        self._loaded, self._results = loaded, {}
        count = sum(len(column.labels) for column in loaded.labels.columns)
        names = ", ".join(path.name for path in loaded.files[:2]) + (" …" if len(loaded.files) > 2 else "")
        media = len(loaded.found.distinct)
        self._about.setText(f"{names} · {count} labels · {media} {'medium' if media == 1 else 'media'}")
        self._about.setToolTip(literal("\n".join(str(path) for path in loaded.files)))
        problems = loaded.found.problems
        more = f" And {len(problems) - 1} more media were not found." if len(problems) > 1 else ""
        self._lacking = problems[0] + more if problems else ""
        self._tell(self._lacking)
        self.choice.show_loaded(loaded)
        if not loaded.columns:
            self._show_nothing()
            self._fail("No reading of these media can be compared with the labels.")
            return
        self._compare()

    @Slot()
    def _compare(self) -> None:
        """Score the chosen column against the chosen reading."""
        loaded, column, reading = self._loaded, self.choice.chosen_column, self.choice.chosen_reading
        if loaded is None or column is None or reading is None:
            return
        try:
            scale = self.choice.chosen_scale if column.kind == "number" else None
            chosen = match(column, reading, scale)
            last = self.result.match if self.result is not None else None
            if last is not None and (last.column.name, last.reading.name) == (column.name, reading.name):
                chosen = match(
                    column, reading, scale, self.choice.threshold.value() if chosen.task == "binary" else None
                )
        except UsageError as error:
            self._tell(str(error))
            return
        self._tell(self._lacking)
        self.choice.show_match(chosen)
        self._asked += 1
        self._say("Comparing …")
        asked = self._asked
        self._run(asked, lambda: Collecting.of(loaded, chosen), lambda begun: self._collect(asked, begun))

    def _collect(self, asked: int, part: Collecting) -> None:
        """Medium after medium, so that others get their turn in the background; then the figures."""
        if part.waiting:
            done = part.total - len(part.waiting)
            self._say(f"Comparing … {done} of {part.total} media" if part.total > 1 else "Comparing …")
            self._run(asked, lambda: part.go_on(self._library()), lambda gone_on: self._collect(asked, gone_on))
            return

        def finish() -> tuple[Scored, Dots, list[Sample]]:
            scored = score(part.match, part.samples)
            return scored, dots(scored), scored.worst(len(scored.samples))

        self._run(asked, finish, self._show)

    def _show(self, found: tuple[Scored, Dots, list[Sample]]) -> None:
        self.result, self.dots, self._worst = found
        self._results[self.result.match.column.name, self.result.match.reading.name] = self.result
        self._say("")
        self.pages.setCurrentIndex(1)
        self.export_button.setEnabled(True)
        self.choice.show_media(self.result)
        self.scatter.show_dots(self.dots)
        self.kinds.show_kinds(self.result)
        self.media.show_rows(medium_rows(self.result), medium_columns(self.result))
        self.tables.setTabText(1, f"Media {len(self.result.media)}")
        self._notes.setText("\n".join(self.result.notes))
        self._notes.setVisible(bool(self.result.notes))
        self._show_medium()
        self.scored.emit()

    @Slot()
    def _show_medium(self) -> None:
        if self.result is not None:
            self.figures.show_rows(figure_rows(self.result, self.choice.chosen_medium))
            self.worst.show_rows(worst_rows(self.result, self._worst, self.choice.chosen_medium))
            self._narrow()

    @Slot()
    def _narrow(self) -> None:
        """Show the dots of the chosen medium and kinds."""
        if self.result is None or self.dots is None:
            return
        shown = np.isin(self.dots.kinds, self.kinds.shown)
        medium = self.choice.chosen_medium
        if medium:
            shown &= np.array([sample.medium == medium for sample in self.result.samples], bool)
        self.scatter.show_only(shown)

    # -- samples ------------------------------------------------------------------------------------------------

    def _sample(self, number: int) -> Sample | None:
        return self.result.samples[number] if self.result is not None else None

    def _play(self, sample: object) -> None:
        if isinstance(sample, Sample):
            self.play_asked.emit(sample.path, *span_to_play(sample))

    def _mark(self, row: int) -> None:
        """The dot of a row of the worst."""
        if self.result is not None and 0 <= row < len(self.worst.rows):
            thing = self.worst.rows[row].thing
            number = next((n for n, sample in enumerate(self.result.samples) if sample is thing), -1)
            self.scatter.choose(number)

    def _find_row(self, number: int) -> None:
        """The row of a dot, where it is among the worst."""
        sample = self._sample(number)
        row = next((n for n, one in enumerate(self.worst.rows) if one.thing is sample), -1)
        if row >= 0 and row != self.worst_view.currentIndex().row():
            self.worst_view.selectRow(row)

    def _medium_acted(self, medium: object) -> None:
        place = self.choice.medium.findData(medium)
        if place >= 0:
            self.choice.medium.setCurrentIndex(place)
            self._show_medium()

    # -- the document -------------------------------------------------------------------------------------------

    def _described(self) -> None:
        if self._files and (self._loaded is None or self._loaded.nameless):
            self.load(self._files)

    @Slot(str)
    def _finished(self, _reason: str) -> None:
        self.look_again()

    # -- telling ------------------------------------------------------------------------------------------------

    def _show_nothing(self) -> None:
        self.result = self.dots = None
        self.pages.setCurrentIndex(0)
        self.export_button.setEnabled(False)
        self._problem.hide()

    def _fail(self, sentence: str) -> None:
        self._say("")
        self._tell(sentence)
        self.failed.emit(sentence)

    def _tell(self, sentence: str) -> None:
        self._problem.setText(sentence)
        self._problem.setAccessibleName(sentence)
        self._problem.setVisible(bool(sentence))

    def _say(self, progress: str) -> None:
        self._progress.setText(progress)
