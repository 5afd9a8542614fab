"""The Truth tab: labels against readings, as figures and as a scatter whose dots play their samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from mien.errors import UsageError
from mien.library.library import Library
from mien.truth.labels import SUFFIXES, Labels
from mien.truth.match import Sample, match
from mien.truth.score import Scored, score
from mien_desktop.document import Document
from mien_desktop.look.flow import Flow
from mien_desktop.look.frames import Rolling
from mien_desktop.look.icons import icon
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import Shortened, button, explain, label, literal
from mien_desktop.truth.choice import Choice
from mien_desktop.truth.exporting import Gathering, export
from mien_desktop.truth.plot import Dots, dots
from mien_desktop.truth.reading import LabelReading
from mien_desktop.truth.results import Results
from mien_desktop.truth.session import Collecting, Loaded, files_among, load
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
        self._results: dict[tuple[str, str], Scored] = {}  # by column and reading
        self.load_button = button("Load labels…", "Choose files with labels: tables (CSV, TSV) or ELAN files")
        self.export_button = button("Export…", "Write the figures of all labels and media, and the pairs behind them")
        self.cancel_button = button("Cancel", "Stop reading or comparing the labels", kind="flat")
        explain(self.cancel_button, "Cancel the comparison", self.cancel_button.toolTip())
        self.choice = Choice()
        self.results = Results(palette, self.choice)
        self.reading = LabelReading(self)
        self._about, self._progress = Shortened("small"), label("", "small")
        self._problem = label("", "bad", wrap=True)
        self.cancel_button.hide()
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
        self.results.wear(palette)
        self.load_button.setIcon(icon("open", palette))
        self.export_button.setIcon(icon("export", palette))

    def load(self, files: Iterable[Path]) -> None:
        """Read label files and compare the first column that some reading answers to."""
        self._files = tuple(files)
        self._asked += 1  # what is compared is given up
        self._tell("")
        self._work("Reading the labels …")
        self.reading.start(self._files)

    def cancel(self) -> None:
        """Stop reading, and what was compared before stays; or stop comparing, and nothing is shown of what is chosen."""
        if self.reading.runs:
            self.reading.cancel()
        elif self.working:
            self._asked += 1
            if self._loaded is not None and self._loaded.files == self._files:
                self.results.clear()
                self.export_button.setEnabled(False)
            self._stopped()

    @property
    def working(self) -> bool:
        """Whether labels are read or compared."""
        return not self.cancel_button.isHidden()

    @property
    def result(self) -> Scored | None:
        """The figures that are shown."""
        return self.results.result

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
        self.reading.close()
        for signal, slot in self._bonds:
            signal.disconnect(slot)
        self._bonds = []

    # -- set-up -------------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        head = QWidget()
        row = Flow(head, 8, 6)
        for part in (self.load_button, self._about, self._progress, self.cancel_button, self.export_button):
            row.addWidget(part)
        empty = QWidget()
        middle = QVBoxLayout(empty)
        middle.setContentsMargins(40, 0, 40, 0)
        middle.setSpacing(10)
        middle.addStretch(1)
        for part in (
            label("How well do readings agree with people?", "heading", wrap=True),
            label(_HOW, "dim", wrap=True),
        ):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
            middle.addWidget(part)
        middle.addStretch(1)
        self.pages = QStackedWidget()
        self.pages.addWidget(empty)
        self.pages.addWidget(self.results)
        inside = QWidget()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(Rolling(inside))
        box = QVBoxLayout(inside)
        box.setContentsMargins(12, 10, 12, 10)
        box.setSpacing(8)
        box.addWidget(head)
        box.addWidget(self._problem)
        box.addWidget(self.pages, 1)
        self.setAcceptDrops(True)
        self.setAccessibleName("Truth")

    def _connect(self) -> None:
        self.load_button.clicked.connect(self._choose_files)
        self.export_button.clicked.connect(self._choose_target)
        self.cancel_button.clicked.connect(self.cancel)
        self.choice.changed.connect(self._compare)
        self.results.play_asked.connect(self.play_asked)
        self.reading.done.connect(self._read)
        self.reading.failed.connect(self._unread)

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

    def _read(self, labels: Labels) -> None:
        """Look for media and readings of what was read."""
        files = self._files
        medium = self._document.medium if self._document is not None else ""
        self._run(self._asked, lambda: load(files, labels, self._library(), medium), self._take)

    def _unread(self, sentence: str) -> None:
        if sentence:
            self._fail(sentence)
        else:
            self._stopped()

    def _stopped(self) -> None:
        self._files = self._loaded.files if self._loaded is not None else ()
        self._say("Stopped.")

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
            self._say("")
            self._tell(str(error))
            return
        self._tell(self._lacking)
        self.choice.show_match(chosen)
        self._asked += 1
        self._work("Comparing …")
        asked = self._asked
        self._run(asked, lambda: Collecting.of(loaded, chosen), lambda begun: self._collect(asked, begun))

    def _collect(self, asked: int, part: Collecting) -> None:
        """Medium after medium, so that others get their turn in the background; then the figures."""
        if part.waiting:
            done = part.total - len(part.waiting)
            self._work(f"Comparing … {done} of {part.total} media" if part.total > 1 else "Comparing …")
            self._run(asked, lambda: part.go_on(self._library()), lambda gone_on: self._collect(asked, gone_on))
            return

        def finish() -> tuple[Scored, Dots, list[Sample]]:
            scored = score(part.match, part.samples)
            return scored, dots(scored), scored.worst(len(scored.samples))

        self._run(asked, finish, self._show)

    def _show(self, found: tuple[Scored, Dots, list[Sample]]) -> None:
        scored, laid, worst = found
        self._results[scored.match.column.name, scored.match.reading.name] = scored
        self._say("")
        self.pages.setCurrentIndex(1)
        self.export_button.setEnabled(True)
        self.results.show_scored(scored, laid, worst)
        self.scored.emit()

    # -- the document -------------------------------------------------------------------------------------------

    def _described(self) -> None:
        if self._files and (self._loaded is None or self._loaded.nameless):
            self.load(self._files)

    @Slot(str)
    def _finished(self, _reason: str) -> None:
        self.look_again()

    # -- telling ------------------------------------------------------------------------------------------------

    def _show_nothing(self) -> None:
        self.results.clear()
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
        self.cancel_button.hide()

    def _work(self, progress: str) -> None:
        """It goes on, and can be cancelled."""
        self._progress.setText(progress)
        self.cancel_button.show()
