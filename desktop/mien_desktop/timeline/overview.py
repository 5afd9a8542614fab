"""Waveform and spectrogram of whichever medium is open: the sound of one after the other, each read beside the window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject

from mien_desktop.timeline.lanes.spectrogram import SpectrogramLane
from mien_desktop.timeline.lanes.waveform import WaveformLane
from mien_desktop.timeline.sound import Sound

PATIENCE = 0.6
"""s that the overview waits for the picture."""


class Overview(QObject):
    """Feeds two lanes with the sound of the open medium."""

    def __init__(self, waveform: WaveformLane, spectrogram: SpectrogramLane, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lanes = waveform, spectrogram
        self._sound: Sound | None = None
        self._silenced: list[Sound] = []  # their threads may be in the middle of something: no window waits for that

    def open(self, path: Path) -> None:
        """Draw the sound of another medium: from `begin` on, or a moment later in any case."""
        self.leave()
        self._sound = Sound(str(path), self)
        self._sound.feed(*self._lanes)
        self._sound.start(PATIENCE)

    def begin(self) -> None:
        """The picture is there: it is the sound's turn."""
        if self._sound is not None:
            self._sound.begin()

    def leave(self) -> None:
        """Draw no more of the medium."""
        if self._sound is not None:
            self._sound.dismiss()
            self._silenced.append(self._sound)
            self._sound = None
        for sound in [sound for sound in self._silenced if not sound.alive]:
            self._silenced.remove(sound)
            sound.deleteLater()

    def shutdown(self) -> None:
        """The same, and wait for the threads."""
        self.leave()
        for sound in self._silenced:
            sound.stop()
