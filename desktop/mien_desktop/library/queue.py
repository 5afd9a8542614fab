"""The queue of media to be analysed: what waits, what runs, what failed and why; and the folders watched for more. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mien.batch.find import Found, Unread, Wanted
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import shown
from mien_desktop.library import item as kept
from mien_desktop.library.candidates import EVERY, Seen, Watched, find_media
from mien_desktop.library.item import Kept, Known, QueueItem
from mien_desktop.library.queue_entries import Entries, Keeper
from mien_desktop.library.queue_work import SILENT, Work
from mien_desktop.library.watching import Watching
from mien_desktop.work.background import Background
from mien_desktop.work.scanner import Scanner


class Queue(QObject):
    """Media in order, analysed on all workers. What is in the library already is taken from there.

    It is kept in a file with every change. A queue that is read from there with something left to do, or with folders that
    are watched, is paused: nothing is computed before somebody asks for it.

    Signals:
        added(list): items at the end.
        changed(int, QueueItem): the item in that row.
        removed(list): rows, the last first.
        standing: overall progress, time left or whether it is paused.
        watching: which folders are watched, or whether something there still grows.
        finished(Path): readings of that medium are in the library.
        trouble(str): one sentence on what keeps the queue from going on.

    Args:
        scanner: analyses; it is closed by who made it, after `shutdown`.
        choice: asked for what is to be computed whenever a medium is begun or through.
        place: the file it is kept in, None for the user's own.
        every: s between two looks into the folders that are watched.
    """

    added = Signal(object)
    changed = Signal(int, object)
    removed = Signal(object)
    standing = Signal()
    watching = Signal()
    finished = Signal(object)
    trouble = Signal(str)

    def __init__(
        self,
        scanner: Scanner,
        choice: Callable[[], Choice],
        place: Path | None = None,
        parent: QObject | None = None,
        every: float = EVERY,
    ) -> None:
        super().__init__(parent)
        self._choice = choice
        place = place or kept.path()
        before = kept.load(place)
        self._summary = before.rank, before.out
        self._closed = False
        self._background = Background("mien-queue", self)
        self._keeper = Keeper(self._background, place, self._everything, self._tell)
        self._entries = Entries(before.items, before.unread, self)
        self._entries.altered.connect(self._keeper.keep)
        self._entries.added.connect(self.added)
        self._entries.changed.connect(self.changed)
        self._entries.removed.connect(self.removed)
        paused = self._entries.open or bool(before.watched)
        self._work = Work(self._entries, scanner, choice, before.workers, paused, self)
        self._work.standing.connect(self.standing)
        self._work.finished.connect(self.finished)
        self._work.trouble.connect(self._tell)
        self._watching = Watching(before.watched, self._background, every, self)
        self._watching.seen.connect(self._saw)
        self._watching.changed.connect(self._watched_changed)
        self._watching.trouble.connect(self._tell)
        self._watching.begin()

    def use(self, scanner: Scanner) -> None:
        """Let another scanner do the work from now on (its library is another one); only while nothing runs.

        Raises:
            ValueError: something runs, or is still being stopped.
        """
        self._work.use(scanner)

    # -- what it holds ------------------------------------------------------------------------------------------

    @property
    def items(self) -> tuple[QueueItem, ...]:
        """All of them, in order."""
        return tuple(self._entries)

    @property
    def paused(self) -> bool:
        """Whether nothing is begun until `resume`."""
        return self._work.paused

    @property
    def busy(self) -> bool:
        """Whether media are being analysed, or their cancelling is not through yet."""
        return self._work.scanner.busy

    @property
    def silent(self) -> bool:
        """Whether a worker may hang."""
        return any(item.state == "running" and item.reason == SILENT for item in self._entries)

    @property
    def progress(self) -> float:
        """From 0 to 1, by the lengths of the media; those that failed are left out."""
        return self._entries.progress

    @property
    def left(self) -> float | None:
        """s that all of it will take yet, from how fast it went so far; None while that is not known."""
        return self._work.left

    @property
    def workers(self) -> int | None:
        """How many media are analysed at once on each device, None for what is sensible."""
        return self._work.workers

    @property
    def watched(self) -> tuple[Watched, ...]:
        """The folders that are watched."""
        return self._watching.folders

    @property
    def unread(self) -> tuple[Unread, ...]:
        """Folders that could not be read when they were looked into last."""
        every = self._entries.unread.values()
        return tuple({folder.path: folder for folders in every for folder in folders}.values())

    @property
    def summary(self) -> tuple[str, str]:
        """What the summary was ranked by last, as it was written, and the folder that it went to; or empty."""
        return self._summary

    @property
    def sources(self) -> tuple[str, Registry, Choice]:
        """The library's place, the plugins that there are, and what is to be computed; raises MienError if that cannot be."""
        return self._work.scanner.place, self._work.scanner.registry, self._choice()

    @property
    def unsettled(self) -> bool:
        """Whether there is something in them that may still grow."""
        return self._watching.unsettled

    # -- what is asked of it ------------------------------------------------------------------------------------

    def add(self, paths: Iterable[Path], wanted: Wanted | None = None, watch: bool = False) -> None:
        """Put files, and the media in folders, at the end. One that is there already and not open runs again.

        Args:
            wanted: which media of folders.
            watch: go on with what is new or has changed in the folders; what is there comes once it has stopped growing.
        """
        named, wanted = [path.absolute() for path in paths], wanted or Wanted()
        if self._closed:
            return

        def look() -> tuple[list[Path], Seen]:
            folders = [path for path in named if watch and path.is_dir()]
            others = [path for path in named if path not in folders]
            return folders, find_media(others, wanted, lambda: self._closed)

        def take(found: tuple[list[Path], Seen]) -> None:
            folders, seen = found
            terms = tuple(wanted.include), tuple(wanted.exclude), wanted.follow
            if folders:
                self._watching.add([Watched(path, *terms) for path in folders])
            if len(folders) < len(named):
                self._take(named, seen)

        self._background.run(look, take, self._tell)

    def unwatch(self, watched: Watched) -> None:
        """Watch a folder no more; what of it is in the queue stays."""
        self._watching.remove(watched)

    def set_workers(self, workers: int | None) -> None:
        """How many media are to be analysed at once on each device; what runs goes on."""
        if workers != self.workers:
            self._work.workers = workers
            self._keeper.keep()
            if self.busy:
                self._work.go_on()

    def set_summary(self, rank: str, out: str) -> None:
        """Keep what the summary is ranked by, and the folder that it goes to."""
        if (rank, out) != self._summary:
            self._summary = rank, out
            self._keeper.keep()

    def pause(self) -> None:
        """Stop at once; what was read of the running media by plugins that are through is kept."""
        if not self.paused:
            self._work.stop()
            self.standing.emit()

    def resume(self) -> None:
        """Go on."""
        self._work.resume()

    def restart(self) -> None:
        """End the workers and begin again what they were at, as where one hangs."""
        self.pause()
        self.resume()

    def retry(self, paths: Iterable[Path] | None = None) -> None:
        """Let those that failed wait again, or these."""
        wanted = set(paths) if paths is not None else {item.path for item in self._entries if item.state == "failed"}
        for row, item in enumerate(self.items):
            if item.path in wanted and not item.open:
                self._work.forget(item.path)
                self._entries.set(row, state="waiting", reason="", progress=0.0, left=None, seconds=None, known=Known())
        self._work.go_on()

    def remove(self, paths: Iterable[Path]) -> None:
        """Take them out; what runs is stopped. Files and readings stay."""
        wanted = set(paths)
        for path in wanted:
            self._work.drop(path)
        self._entries.remove(wanted)
        self.standing.emit()

    def shutdown(self) -> None:
        """Stop what runs, keep the list, and let go of the thread."""
        if self._closed:
            return
        self._closed = True
        self._watching.close()
        self._work.close()
        self._keeper.close()

    # -- adding -------------------------------------------------------------------------------------------------

    def _take(self, named: Sequence[Path], seen: Seen) -> None:
        for sentence in seen.troubles:
            self._tell(sentence)
        if not seen.files and not seen.troubles:
            links = "; links to folders are not followed" if seen.links else ""
            self._tell(f"There is no video or sound file in it that is wanted{links}: {', '.join(map(shown, named))}")
        self._entries.take_unread(seen.unread)
        self._append(seen.files)

    def _append(self, files: Sequence[Found]) -> None:
        again = self._entries.append(files)
        self.standing.emit()
        self.retry(again)

    def _watched_changed(self) -> None:
        self._keeper.keep()
        self.watching.emit()

    def _saw(self, looks: Sequence[Seen]) -> None:
        for seen in looks:
            self._entries.take_unread(seen.unread)
        ready = [found for seen in looks for found in seen.files if self._entries.is_news(found)]
        if ready:
            self._append(ready)

    def _everything(self) -> Kept:
        return Kept(self.items, self.watched, self.workers, self._entries.unread, *self._summary)

    def _tell(self, sentence: str) -> None:
        self.trouble.emit(sentence)
