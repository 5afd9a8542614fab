"""What goes on between the document, the library and the worker: open, analyse, fuse again, compare, explain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from mien.config import load as load_settings
from mien.config import log_dir
from mien.engine.choice import Choice
from mien.engine.events import Done, Explained, MediumFailed, Progress
from mien.engine.registry import Registry
from mien.library.medium import MediumFacts
from mien.tracks.track import AnyTrack
from mien_desktop.document import Document
from mien_desktop.settings import places
from mien_desktop.shell.lanes import draws
from mien_desktop.shell.patience import Patience
from mien_desktop.work.analyst import Analyst, Job
from mien_desktop.work.background import Background
from mien_desktop.work.earlier import Earlier, earlier
from mien_desktop.work.recognition import Recognition
from mien_desktop.work.shelf import Shelf, Stored
from mien_desktop.work.usual import usual_choice

RUN = "run:"
"""Before the id of an earlier run, where a fusion's id could stand as well."""
MOVING = "The library is being moved; try again in a moment."
WARM = 300
"""ms after a saved analysis was opened; the worker loads then what the fusions need, so that even the first one that is chosen
is there within a second."""


class Conductor(QObject):
    """Owns what lives beside the window; the window calls it and shows what it signals.

    Signals:
        trouble(str, bool): one sentence, and whether the worker has to be started again.
        analysing(bool): an analysis of the open medium has begun or ended.
        cancelling: it was told to stop, and will within two seconds.
        noted(str): what is going to happen, in a few words.
        explained(str, Explanation or FaceExplanation), unexplained(str): an answer to `explain`.
        explaining(float): how far that is, from 0 to 1.
        compared(dict): tracks of the run that the current one is compared with; empty for none.
        earlier_found(list): `Earlier` runs of the open medium that could be compared with.
        saved: the library holds more than before.
        library_changed(str, bool): the library at this place is used from now on; whether it is a copy of the one before.
        silent: a job runs, and the worker has said nothing about it for a minute.
        explain_again: the explanation that was lost has to be asked for once more.
    """

    trouble = Signal(str, bool)
    analysing = Signal(bool)
    cancelling = Signal()
    noted = Signal(str)
    explained = Signal(str, object)
    unexplained = Signal(str)
    explaining = Signal(float)
    compared = Signal(object)
    earlier_found = Signal(object)
    saved = Signal()
    library_changed = Signal(str, bool)
    silent = Signal()
    explain_again = Signal()

    def __init__(self, registry: Registry, library: str | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        settings = load_settings()
        place = library or settings.place()
        self.registry = registry
        self.document = Document(self)
        self.background = Background(parent=self)
        self.background.failed.connect(lambda text: self.trouble.emit(text, False))
        self.shelf = Shelf(place)
        self.recognition = Recognition(self)
        self.recognition.recognised.connect(self._recognised)
        self.recognition.given_up.connect(lambda _: self._looked_through())
        self.patience = Patience(self)
        self.patience.silent.connect(self.silent)
        self.analyst = self._analyst_at(place)
        self.choice = usual_choice(registry, settings)
        self.compare = ""
        self._job: Job | None = None
        self._comparison: Job | None = None
        self._explaining: Job | None = None
        self._again = False
        self._moving = False
        self._closed = False
        self._warming = QTimer(self)
        self._warming.setSingleShot(True)
        self._warming.setInterval(WARM)
        self._warming.timeout.connect(self.warm_up)

    def warm_up(self) -> None:
        """Have the worker started, and load what the fusions need, before anybody asks for it."""
        self.analyst.warm_up(self.document.path, self.choice)

    def take_registry(self, registry: Registry) -> None:
        """Plugins were loaded anew; a worker that was started before does not know them."""
        self.registry = registry
        self.analyst.renew()
        self.warm_up()

    # -- opening ------------------------------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Make this the open medium and show what the library holds of it. That there is such a file, the player finds out."""
        path = Path(path).absolute()
        self._leave()
        self.document.open(path)
        self.background.run(lambda: self.shelf.stored(path), lambda stored: self._take_stored(path, stored))

    def close_medium(self) -> None:
        """Have no medium open; its analysis is stopped, what is complete is kept."""
        self._leave()
        self.document.open(None)

    def _leave(self) -> None:
        """Stop everything that is about the open medium; what the worker still says about it is not heard."""
        self.cancel()
        self.cancel_explanation()
        ran, self._job = self._job is not None, None
        self._comparison = self._explaining = None
        self.patience.clear()
        if self.recognition.runs:
            self.recognition.close()
            self.noted.emit("")
        self.compare = ""
        self.compared.emit({})
        self.earlier_found.emit([])
        if ran:
            self.analysing.emit(False)

    def _take_stored(self, path: Path, stored: Stored) -> None:
        if self.document.path != path:
            return
        if stored.unread:
            self.recognition.start(path)
            self.noted.emit("library: looking whether this file is known from another place")
        if stored.media is None:
            return
        self.document.partial = stored.partial
        self.document.describe(stored.media, stored.medium)
        self.document.load(stored.tracks)
        if stored.tracks:
            self._warming.start()
        self._look_for_earlier()

    def _recognised(self, path: Path, content: str, facts: MediumFacts) -> None:
        self._looked_through()
        self.background.run(
            lambda: self.shelf.recognise(content, facts), lambda stored: self._take_stored(path, stored)
        )

    def _looked_through(self) -> None:
        if self._job is None:
            self.noted.emit("")

    def _look_for_earlier(self) -> None:
        medium, path = self.document.medium, self.document.path
        titles = {i.id: i.title for i in (*self.registry.analyzers.values(), *self.registry.fusions.values())}

        def tell(found: list[Earlier]) -> None:
            if self.document.path == path:
                self.earlier_found.emit(found)

        self.background.run(lambda: earlier(self.shelf.library, medium, titles, draws), tell)

    # -- analysing ----------------------------------------------------------------------------------------------

    def analyse(self) -> None:
        """Analyse the open medium with the current choice; what is in the library already is taken from there."""
        if self.document.path is None or self._job is not None or self._held_up():
            return
        self.document.begin()
        # Beside an explanation or a comparison, which may take its time, not behind it.
        aside = self._explaining is not None or self._comparison is not None
        self._job = self.analyst.submit(self.document.path, self.choice, aside)
        self.patience.expect(self._job, self.analyse)
        self.patience.heard(self._job)  # from now: it waits for nothing
        self.analysing.emit(True)

    def restart(self) -> None:
        """Begin again what died or hangs, that is ended first. What is complete is taken over."""
        if not self.patience.restart(lambda job: self.cancel() if job is self._job else self.analyst.cancel(job)):
            self.warm_up()

    def cancel(self) -> None:
        """Stop the analysis of the open medium."""
        self._again = False
        self.patience.stay()
        for job in (self._job, self._comparison):
            if job is not None:
                self.analyst.cancel(job)
        if self._job is not None:
            self.cancelling.emit()

    def choose(self, choice: Choice) -> None:
        """Take another choice for the next analysis.

        Raises:
            MienError: a name or a parameter in it.
        """
        self.choice = choice.checked(self.registry)

    def choose_fusion(self, fusion: str) -> None:
        """Fuse again by another fusion; the analyzers' readings come from the library."""
        self.choose(replace(self.choice, fusion=fusion))
        if self.compare == self.choice.fusion:
            self.choose_comparison("")
        if self._job is not None:
            self._again = True  # when that has ended: its readings are fused anew, nothing else runs twice
            self.noted.emit(f"worker: analysing, then: {self.registry.fusion(self.choice.fusion).title}")
        elif self.document.readings.parts:
            self.analyse()

    def choose_comparison(self, other: str) -> None:
        """Compare with another fusion, by its id, or with an earlier run (`RUN` and its id); empty for nothing.

        `compared` tells when the tracks are there.
        """
        self.compare = other
        path = self.document.path
        if not other or path is None or self._held_up():
            self.compared.emit({})
        elif other.startswith(RUN):
            self.background.run(lambda: self.shelf.of_run(other.removeprefix(RUN)), self._compare_if(other))
        else:
            self._comparison = self.analyst.submit(path, replace(self.choice, fusion=other), aside=True)
            self.patience.expect(self._comparison, lambda: self.choose_comparison(self.compare))

    def _compare_if(self, wanted: str) -> Callable[[dict[str, AnyTrack]], None]:
        """Tell the tracks, unless something else is to be compared by then."""

        def tell(tracks: dict[str, AnyTrack]) -> None:
            if self.compare == wanted:
                self.compared.emit(tracks)

        return tell

    def explain(self, plugin: str, at: float, of: str = "", person: int | None = None) -> None:
        """Ask the worker what made a reading; an explanation that it still computes is given up."""
        self.cancel_explanation()
        if self._moving:
            self.unexplained.emit(MOVING)
        elif self.document.path is not None:
            if self._explaining is not None:
                self.patience.forget(self._explaining)
            self._explaining = self.analyst.explain(self.document.path, plugin, at, self.choice, of, person)
            self.patience.expect(self._explaining, self.explain_again.emit)

    def cancel_explanation(self) -> None:
        """Stop what `explain` asked for last."""
        if self._explaining is not None:
            self.analyst.cancel(self._explaining)

    # -- the worker's answers -----------------------------------------------------------------------------------

    def _happened(self, job: Job, event: object) -> None:
        if self._closed:
            return
        self.patience.heard(job)
        if job.plugin:
            if self._awaited(job):
                self._explanation(event)
        elif self._comparison is not None and job.number == self._comparison.number:
            self._comparing(event)
        elif self._job is not None and job.number == self._job.number:
            self.document.take(event)  # type: ignore[arg-type]
            if isinstance(event, Done):
                self._complete(event)
            elif isinstance(event, MediumFailed) and event.kind != "Cancelled":
                self.trouble.emit(event.reason, False)

    def _complete(self, done: Done) -> None:
        path = self.document.path
        assert path is not None
        runs = list(done.runs.values())
        self.background.run(lambda: self.shelf.stored(path), lambda stored: self._take_stored(path, stored))
        for plugin, reason in done.failed.items():
            self.trouble.emit(f"{plugin}: {reason}", False)
        if runs:
            self.saved.emit()

    def _comparing(self, event: object) -> None:
        if isinstance(event, MediumFailed):
            if event.kind != "Cancelled":
                self.trouble.emit(event.reason, False)
        elif isinstance(event, Done):
            medium, fusion, chosen = event.medium, self.compare, self.choice.fusion
            self.background.run(lambda: self.shelf.fused_by(fusion, medium, chosen), self._compare_if(fusion))

    def _explanation(self, event: object) -> None:
        if isinstance(event, Progress):
            self.explaining.emit(event.fraction)
        elif isinstance(event, Explained):
            self.explained.emit(event.plugin, event.explanation)
        elif isinstance(event, MediumFailed):
            self.unexplained.emit(event.reason)

    def _awaited(self, job: Job) -> bool:
        """Whether it is the explanation that was asked for last; those that were given up for another say nothing more."""
        return self._explaining is not None and job.number == self._explaining.number

    def _died(self, job: Job, reason: str) -> None:
        self.patience.died(job)
        if self._awaited(job):
            self.unexplained.emit(reason)
        elif self._job is not None and job.number == self._job.number:
            self.document.end(reason)
        self.trouble.emit(reason, True)

    def _ended(self, job: Job) -> None:
        if self._job is not None and job.number == self._job.number:
            self._job = None
            self.document.end("The analysis was cancelled.")
            if not self._closed:
                self.analysing.emit(False)
                if self._again:
                    self._again = False
                    self.analyse()
        if self._comparison is not None and job.number == self._comparison.number:
            self._comparison = None
        if self._awaited(job):
            self._explaining = None
        if not self._closed:
            self.patience.ended(job)

    # -- another library ----------------------------------------------------------------------------------------

    def obstacle(self) -> str:
        """Why the library cannot be changed now, a sentence; empty when it can."""
        if self._moving:
            return MOVING
        for job, what in (
            (self._job, "an analysis"),
            (self._comparison, "a comparison"),
            (self._explaining, "an explanation"),
        ):
            if job is not None:
                return f"The library cannot be moved while {what} runs; wait until it is done, or cancel it."
        return ""

    def move_library(self, place: str, copy_from: str, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Close the library and open the one at another place; `library_changed` tells, then `done` is called.

        What was asked of the library before is done in the old one, what is asked from now on in the new one.

        Args:
            copy_from: what the new one begins as a copy of, where there is none yet; empty for nothing.
            failed: called with a sentence; the present library stays in use.
        """
        self._moving = True

        def work() -> bool:
            copied = places.prepare(place, copy_from, lambda: self._closed)
            before, after = self.shelf, Shelf(place)
            _ = after.library  # it can be opened: only now the old one is let go of
            self.shelf = after  # in this thread, in which all that is asked stands in line
            before.close()
            return copied

        def moved(copied: bool) -> None:
            self._moving = False
            before, self.analyst = self.analyst, self._analyst_at(place)
            for signal in (before.began, before.happened, before.ended, before.died):
                signal.disconnect()
            self.background.run(before.close, lambda _: before.deleteLater())
            if self.document.readings.parts:
                self._warming.start()
            self.library_changed.emit(place, copied)
            done()

        def refused(sentence: str) -> None:
            self._moving = False
            failed(sentence)

        self.background.run(work, moved, refused)

    def _held_up(self) -> bool:
        """Whether the library is being moved; tells so."""
        if self._moving:
            self.trouble.emit(MOVING, False)
        return self._moving

    def _analyst_at(self, place: str) -> Analyst:
        made = Analyst(place, log_dir() / "desktop.log", self)
        made.began.connect(self.patience.heard)
        made.happened.connect(self._happened)
        made.ended.connect(self._ended)
        made.died.connect(self._died)
        return made

    def close(self) -> None:
        """End the worker and the threads, and close the library."""
        if self._closed:
            return
        self._closed = True
        self.patience.clear()
        for timer in (self._warming, self.document.ticking):
            timer.stop()
        self.recognition.close()
        self.analyst.close()
        self.background.run(lambda: self.shelf.close())
        self.background.close()
