"""Thresholds and least lengths that a person set: on disk at once for each medium and source, each a step to undo."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mien_desktop.events.sources import Source
from mien_desktop.events.wishes import Wish, file_of, load, save
from mien_desktop.work.background import Background
from mien_desktop.work.steps import Steps


class Rules(QObject):
    """What was set for the open medium.

    Signals:
        changed(object, bool): another wish holds for this `Source`; whether a person set, undid or redid it just now.
        failed(str): one sentence on why it could not be kept.

    Args:
        steps: where each change is one.
        folder: where the wishes are kept, one file a medium; None for the user's own place.
    """

    changed = Signal(object, bool)
    failed = Signal(str)

    def __init__(
        self, background: Background, steps: Steps, folder: Path | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._background, self._steps, self._folder = background, steps, folder
        self._medium = ""
        self._wishes: dict[Source, Wish] = {}

    def open(self, medium: str) -> None:
        """Another medium (its id), or none; what was set before its id was known is kept for it."""
        if not medium or self._medium:
            self._wishes = {}
        self._medium = medium
        if medium:
            self._background.run(partial(load, self._file()), partial(self._loaded, medium))

    def of(self, source: Source) -> Wish:
        """What a person set for a source."""
        return self._wishes.get(source, {})

    def set(self, source: Source, field: str, value: float) -> None:
        """Set one of `FIELDS`, as a step; moves in quick succession are one."""
        before = self.of(source)
        what = "Threshold" if field == "threshold" else "Shortest event"
        put = partial(self._put, source)
        self._steps.change(f"{what} of {source.title}", (source, field), before, {**before, field: value}, put)

    def _put(self, source: Source, wish: Wish) -> None:
        self._wishes[source] = wish
        self._keep()
        self.changed.emit(source, True)

    def _keep(self) -> None:
        if self._medium:
            now = {source: wish for source, wish in self._wishes.items() if wish}
            self._background.run(partial(save, self._file(), now), None, self.failed.emit)

    def _loaded(self, medium: str, kept: dict[Source, Wish]) -> None:
        if medium != self._medium:
            return
        early = bool(self._wishes)
        self._wishes = {**kept, **self._wishes}
        if early:
            self._keep()
        for source in kept:
            self.changed.emit(source, False)

    def _file(self) -> Path:
        return file_of(self._medium, self._folder)
