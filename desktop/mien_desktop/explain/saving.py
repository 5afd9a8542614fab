"""Writes what an explanation shows into a file, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from mien.exchange.explained import write_seconds
from mien.exchange.heat import write_picture
from mien.sdk.protocols import Explanation, FaceExplanation
from mien_desktop.work.writing import WritingJob


class Saver(QObject):
    """Asks where to, then writes as `mien explain` does; one file at a time.

    Signals:
        told(bool, str, bool): whether it is about a face; what was written, or why not; whether it failed.

    Args:
        over: the widget that the question stands over.
    """

    told = Signal(bool, str, bool)

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self._over = over
        self._of_face = False
        self._job = _Job("mien-explain-save", self)
        self._job.written.connect(lambda files: self.told.emit(self._of_face, f"Written: {files[0].name}", False))
        self._job.failed.connect(lambda reason: self.told.emit(self._of_face, reason, True))

    def choose_picture(self, found: FaceExplanation, strength: float, medium: Path | None) -> None:
        """Ask for a file for the face, then write it; the medium's name and folder are offered."""
        target = self._ask("Save picture", f"face {found.time:.2f} s.png", "Pictures (*.png *.jpg)", medium)
        if target is not None:
            self.write_picture(found, strength, target)

    def choose_values(self, plugin: str, found: Explanation, at: float, medium: Path | None) -> None:
        """Ask for a file for what each stretch contributed at a moment (s), then write it."""
        target = self._ask("Save values", f"{plugin} {at:.2f} s.csv", "CSV (*.csv);;JSON (*.json)", medium)
        if target is not None:
            self.write_values(plugin, found, target)

    def write_picture(self, found: FaceExplanation, strength: float, target: Path) -> None:
        """Write a face, and beside it the face under its heat, as strong as it is seen (0 to 1)."""
        self._begin(lambda: write_picture(found, target, strength), of_face=True)

    def write_values(self, plugin: str, found: Explanation, target: Path) -> None:
        """Write what each stretch contributed: a table, or all of it where the name ends in .json."""
        self._begin(lambda: write_seconds(plugin, found, target), of_face=False)

    def close(self) -> None:
        """Wait for what is being written; nothing is told any more."""
        self._job.close()

    def _begin(self, write: Callable[[], Path], *, of_face: bool) -> None:
        if self._job.write(write):
            self._of_face = of_face
        else:
            self.told.emit(of_face, "Another file is being written; wait until that is done.", True)

    def _ask(self, title: str, name: str, kinds: str, medium: Path | None) -> Path | None:
        place = str(medium.with_name(f"{medium.stem} {name}")) if medium is not None else name
        file, _ = QFileDialog.getSaveFileName(self._over, title, place, kinds)
        return Path(file) if file else None


class _Job(WritingJob):
    def write(self, write: Callable[[], Path]) -> bool:
        """Begin; False while another file is being written."""
        return self._begin(lambda watch, stopped: [write()], self.written)
