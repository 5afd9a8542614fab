"""The engine's settings as the pages see them: read once, written in the background, told to everybody who listens."""

from __future__ import annotations

import os
from typing import Any

from PySide6.QtCore import QObject, Signal

from mien import config
from mien.config import Settings
from mien.errors import MienError
from mien_desktop.work.background import Background


class Preferences(QObject):
    """Signals:
    applied(Settings): these are in force from now on.
    failed(str): a change was refused or could not be written; a sentence.
    """

    applied = Signal(object)
    failed = Signal(str)

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = background
        self.problem = ""
        self.now = Settings.model_validate({})
        try:
            self.now = config.load()
        except MienError as error:
            self.problem = str(error)

    def overridden(self, name: str) -> str:
        """The environment variable that decides this setting, or empty."""
        variable = f"MIEN_{name.upper()}"
        return variable if os.environ.get(variable, "").strip() else ""

    def change(self, **changes: Any) -> None:
        """Write changed settings; None takes one back to its default."""

        def work() -> Settings:
            config.save(changes)
            return config.load()

        self._background.run(work, self._take, self._refuse)

    def _take(self, settings: Settings) -> None:
        self.now, self.problem = settings, ""
        self.applied.emit(settings)

    def _refuse(self, sentence: str) -> None:
        self.applied.emit(self.now)  # the pages show again what is in force
        self.failed.emit(sentence)  # after that, which takes back what they said before
