"""What belongs to one open medium: its facts, pictures, sound and the index of its frames; and the look at a file before."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mien.errors import MienError, shown
from mien.media.damage import Damage
from mien.media.medium import Medium
from mien.media.probe import probe
from mien_desktop.player.frames import FrameSource
from mien_desktop.player.index import FrameIndex, Indexer
from mien_desktop.player.output import Output
from mien_desktop.player.picture import Frame
from mien_desktop.player.playback import Playback
from mien_desktop.work.aside import Aside


class Leaving(Protocol):
    """What was told to stop, and does so in a thread of its own."""

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""

    def close(self) -> None:
        """Wait for it."""


class Opening:
    """Looks at a file in a thread of its own.

    Args:
        path: the file; audio_stream: number, language or title of the sound to play, None for the default.
        tell: called in the thread with what it is, or why it cannot be played, in one sentence.
    """

    def __init__(
        self, path: str | os.PathLike[str], audio_stream: int | str | None, tell: Callable[[Medium | str], None]
    ) -> None:
        self._path, self._audio_stream, self._tell = path, audio_stream, tell
        self._thread = Aside(target=self._look, name="mien-player-open", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Wait for the thread."""
        self._thread.join()

    def _look(self) -> None:
        found: Medium | str
        try:
            found = probe(self._path)
            found.check()
            found.choose_audio(self._audio_stream)
        except MienError as error:
            found = str(error)
        except Exception as error:  # noqa: BLE001 - whatever a demuxer comes up with, the window stays
            found = f"The file cannot be read ({error}); choose another: {shown(self._path)}"
        self._tell(found)


@dataclass(frozen=True)
class Listener:
    """Whom the threads tell: a standing frame that was asked for, more of the index, one sentence on what is wrong."""

    arrived: Callable[[Frame], None]
    learnt: Callable[[FrameIndex], None]
    troubled: Callable[[str], None]


class Session:
    """One open medium. All of it is called from the thread of the windows.

    Args:
        medium: what `probe` said.
        audio_stream: number, language or title of the sound to play, None for the default.
        room: (width, height) for pictures, in device pixels.
        listener: called from the threads.
    """

    def __init__(
        self, medium: Medium, audio_stream: int | str | None, room: tuple[int, int], listener: Listener
    ) -> None:
        self.medium, self.audio = medium, medium.choose_audio(audio_stream)
        self.index = FrameIndex()
        self._listener, self._room = listener, room
        self._sound_problem = ""
        self.playback = Playback(self._source)
        # After the first picture: what everybody looks at does not wait for what nobody sees.
        self._indexer = Indexer(medium, listener.learnt, at_once=medium.video is None)

    def _source(self, now: Callable[[], float]) -> FrameSource | None:
        if self.medium.video is None:
            return None

        def arrived(frame: Frame) -> None:
            self._listener.arrived(frame)
            self._indexer.begin()

        source = FrameSource(self.medium, arrived, self._listener.troubled, now)
        source.resize(self._room)
        return source

    @property
    def frames(self) -> FrameSource | None:
        """Its pictures, if it has any."""
        return self.playback.frames

    @property
    def duration(self) -> float:
        """s; 0 while it is not known."""
        return self.medium.duration if self.medium.duration is not None else self.index.extent

    @property
    def certain_duration(self) -> float | None:
        """The same, None while more may come."""
        known = self.medium.duration is not None or self.index.complete
        return self.duration if self.duration and known else None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright picture in its own pixels; (0, 0) without one."""
        return self.medium.video.size if self.medium.video else (0, 0)

    @property
    def frame_rate(self) -> float:
        """Frames a second on average; 0 without a picture."""
        video = self.medium.video
        return (self.index.rate if self.index.complete else 0.0) or (video.rate if video else 0.0)

    @property
    def sound_problem(self) -> str:
        """Why its sound is not heard, in one sentence; empty when it is, or has none."""
        return self.playback.sound_problem or self._sound_problem

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What of the pictures could not be read so far."""
        return self.frames.damage if self.frames else ()

    def learn(self, index: FrameIndex) -> bool:
        """Take what is known of the frames' times; whether that changes what is said of the medium."""
        changed = index.complete or self.duration == 0.0
        self.index = index
        if self.frames is not None:
            self.frames.know(index)
        return changed

    def add_sound(self, output: Output | None, problem: str) -> None:
        """Play its sound on a device, or say why not."""
        self._sound_problem = problem
        if output is not None and self.audio is not None:
            self.playback.add_sound(self.medium, self.audio, output, self._listener.troubled)

    def dismiss(self) -> tuple[Leaving, ...]:
        """Stop everything without waiting; what still has a thread is to be closed by the caller."""
        self._indexer.dismiss()
        return (self._indexer, *self.playback.dismiss())
