"""The player: opens a medium, shows its frames at their true times, plays it with sound.

Pictures and sound are decoded here by the libraries that the analysis decodes with, and Qt only paints and sounds what
comes out. So whatever can be analysed can be played with its true times, and no converted copy is ever made.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import monotonic
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from mien.media.medium import Medium
from mien_desktop.player.clock import SHORTEST_LOOP, Course
from mien_desktop.player.facts import Facts
from mien_desktop.player.index import FrameIndex
from mien_desktop.player.output import LIBRARIES, Output, default_output
from mien_desktop.player.picture import Frame
from mien_desktop.player.session import Leaving, Listener, Opening, Session
from mien_desktop.player.sound import FASTEST, SLOWEST

# Between looks at the clock, ms, and between reports of the position, s.
_TICK_MS = 16
_REPORT = 0.014
# While the playhead is dragged during playing, playing goes on when it has rested so long, ms.
_REST_MS = 80
# Step where there is no picture, s.
_SOUND_STEP = 0.04

OutputMaker = Callable[[], tuple[Output | None, str]]


class Player(Facts):
    """One medium, one playhead.

    Signals:
        opened(Medium): the file could be read; failed(str): it could not, or can no longer be (one sentence).
        moved(float): position, s.
        frame_changed(Frame): another picture is to be shown; none is told twice.
        state_changed: playing, duration, size or sound has changed.
        rate_changed(float); ended: the medium's end was reached while playing.
        indexed(FrameIndex): more is known of the frames' times.

    Args:
        output: makes the sound device; None for the system's default.
    """

    opened = Signal(object)
    failed = Signal(str)
    moved = Signal(float)
    frame_changed = Signal(object)
    state_changed = Signal()
    rate_changed = Signal(float)
    ended = Signal()
    indexed = Signal(object)

    # From the threads, each with the number of the medium that they belong to.
    _probed = Signal(int, object)
    _arrived = Signal(int, object)
    _learnt = Signal(int, object)
    _troubled = Signal(int, str)
    _loaded = Signal(int)

    def __init__(self, parent: QObject | None = None, *, output: OutputMaker | None = None) -> None:
        super().__init__(parent)
        self._make_output = output
        if output is None:
            LIBRARIES.load()  # they are there before a medium is chosen, mostly
        self._number = 0
        self._opening: Opening | None = None
        self._left: list[Leaving] = []
        self._reported = 0.0
        # Where it was played to its end; pictures may end before the length that the file announces.
        self._over: float | None = None
        self._room = (960, 540)
        self._wish: tuple[float | None, bool] = (None, False)
        self._steps, self._stepping = 0, False
        self._tick = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._tick.timeout.connect(self._on_tick)
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._rest.timeout.connect(self._restart)
        queued = Qt.ConnectionType.QueuedConnection
        self._probed.connect(self._on_probed, queued)
        self._arrived.connect(self._on_arrived, queued)
        self._learnt.connect(self._on_learnt, queued)
        self._troubled.connect(self._on_troubled, queued)
        self._loaded.connect(self._on_loaded, queued)

    # What it does.

    def open(self, path: str | os.PathLike[str], audio_stream: int | str | None = None) -> None:
        """Open a medium; `opened` or `failed` follows. What is asked for before is done then.

        Args:
            path: the file.
            audio_stream: number, language or title of the sound to play; None for the default.
        """
        self._let_go()
        number = self._number
        self._opening = Opening(path, audio_stream, lambda found: self._probed.emit(number, (found, audio_stream)))

    def close(self) -> None:
        """Let go of the medium, and wait for the threads: none is left."""
        self._let_go()
        for part in self._left:
            part.close()
        self._left = []

    def play(self) -> None:
        """Play from where the playhead is; from the beginning at the end, from the loop's outside of it."""
        if self._session is None:
            self._wish = (self._wish[0], True)
            return
        if self._playing:
            return
        start = self._position
        if self._loop is not None and not self._loop[0] - 1e-6 <= start < self._loop[1] - 1e-6:
            start = self._loop[0]
        elif start == self._over or (self.duration and start >= self.duration - 1e-3):
            start = 0.0
        self._playing = True
        self._begin(start)
        self.state_changed.emit()

    def pause(self) -> None:
        """Stop where the playhead is."""
        self._wish = (self._wish[0], False)
        if not self._playing:
            return
        if self._session is not None and not self._rest.isActive():
            self._place(self._session.playback.place)
        self._halt()
        self._show(self._position)
        self.state_changed.emit()

    def toggle(self) -> None:
        """Play or pause."""
        if self._playing or self._wish[1]:
            self.pause()
        else:
            self.play()

    def seek(self, time: float) -> None:
        """Put the playhead at a time, s; playing goes on from there."""
        if self._session is None:
            self._wish = (time, self._wish[1])
            return
        self._steps, self._stepping = 0, False
        place = min(max(0.0, time), self.duration) if self.duration else max(0.0, time)
        if not self._playing:
            self._place(place)
            self._show(place)
            return
        # Dragging asks often: the picture follows, playing goes on once the playhead rests.
        self._session.playback.hold(place)
        self._tick.stop()
        self._place(place)
        self._show(place)
        self._rest.start()

    def step(self, count: int) -> None:
        """Show the frame `count` behind or, negative, before the one shown; playing stops."""
        self.pause()
        if self._frames is None:
            self.seek(self._position + count * _SOUND_STEP)
            return
        self._steps += count
        self._next_steps()

    def set_rate(self, rate: float) -> None:
        """Speed from 0.25 to 4; sound keeps its pitch."""
        rate = min(max(rate, SLOWEST), FASTEST)
        if rate == self._rate:
            return
        self._rate = rate
        if self._playing:
            self._restart()
        self.rate_changed.emit(rate)

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        """Repeat [a, b) s while playing, or no more with None. One shorter than 0.05 s is none."""
        if loop is not None:
            loop = (max(0.0, min(loop)), max(loop))
            if loop[1] - loop[0] < SHORTEST_LOOP:
                loop = None
        if loop == self._loop:
            return
        self._loop = loop
        if self._playing:
            if loop is not None and not loop[0] - 1e-6 <= self._position < loop[1] - 1e-6:
                self._begin(loop[0])
            else:
                self._restart()
        self.state_changed.emit()

    def set_volume(self, volume: float) -> None:
        """Loudness from 0 to 1, even steps to the ear."""
        self._volume = min(max(volume, 0.0), 1.0)
        self._set_gain()
        self.state_changed.emit()

    def set_muted(self, muted: bool) -> None:
        """Silence, or sound again."""
        self._muted = muted
        self._set_gain()
        self.state_changed.emit()

    def set_room(self, width: int, height: int) -> None:
        """How large pictures are shown, in device pixels; they are made for it."""
        room = (max(16, width), max(16, height))
        if room == self._room:
            return
        self._room = room
        if self._frames is not None:
            self._frames.resize(room)
            if not self._playing and not self._stepping:
                self._frames.show(self._position)  # the frame may be an old one: what was asked for may not have come

    # How it does it.

    def _let_go(self) -> None:
        """Leave the medium at once. Its threads end beside the window: one may be in the middle of a large picture."""
        self._number += 1
        self._halt()
        self._left = [part for part in self._left if part.alive]
        if self._opening is not None:
            self._left.append(self._opening)
        session, self._session, self._opening, self._frame = self._session, None, None, None
        self._position, self._over, self._loop, self._wish = 0.0, None, None, (None, False)
        self._steps, self._stepping = 0, False
        if session is not None:
            self._left += session.dismiss()
            self.state_changed.emit()

    def _on_probed(self, number: int, answer: tuple[Medium | str, Any]) -> None:
        if number != self._number:
            return
        found, audio_stream = answer
        if self._opening is not None:
            self._opening.close()
            self._opening = None
        if isinstance(found, str):
            self.failed.emit(found)
            return
        listener = Listener(
            lambda frame: self._arrived.emit(number, frame),
            lambda index: self._learnt.emit(number, index),
            lambda told: self._troubled.emit(number, told),
        )
        self._session = Session(found, audio_stream, self._room, listener)
        if self._make_output is not None:
            self._add_sound(self._make_output)
        elif self.has_sound:
            LIBRARIES.load(lambda: self._loaded.emit(number))
        (place, play), self._wish = self._wish, (None, False)
        self.opened.emit(found)
        self.state_changed.emit()
        self.seek(place or 0.0)
        if play:
            self.play()

    def _on_loaded(self, number: int) -> None:
        """What plays already goes on with sound."""
        if number == self._number:
            self._add_sound(default_output)
            self._restart()
            self.state_changed.emit()

    def _add_sound(self, make: OutputMaker) -> None:
        if self._session is not None and self._session.audio is not None:
            self._session.add_sound(*make())
            self._set_gain()

    def _on_arrived(self, number: int, frame: Frame) -> None:
        if number != self._number:
            return
        if self._playing and not self._rest.isActive():
            return
        self._take(frame)
        if self._stepping:
            self._stepping = False
            self._place(frame.time)
            self._next_steps()

    def _on_learnt(self, number: int, index: FrameIndex) -> None:
        if number != self._number or self._session is None:
            return
        changed = self._session.learn(index)
        self.indexed.emit(index)
        if changed:
            self.state_changed.emit()

    def _on_troubled(self, number: int, told: str) -> None:
        if number == self._number:
            self.failed.emit(told)

    def _next_steps(self) -> None:
        if self._stepping or not self._steps or self._frames is None:
            return
        count, self._steps, self._stepping = self._steps, 0, True
        self._frames.step(self._position, count)

    def _show(self, time: float) -> None:
        if self._frames is not None:
            self._frames.show(time)

    def _take(self, frame: Frame) -> None:
        shown = self._frame
        if shown is not None and shown.time == frame.time and shown.image.size() == frame.image.size():
            return  # it is on show
        self._frame = frame
        self.frame_changed.emit(frame)

    def _place(self, position: float) -> None:
        self._position, self._reported = position, monotonic()
        self.moved.emit(position)

    def _begin(self, start: float) -> None:
        """Play from a place."""
        self._steps, self._stepping = 0, False
        self._rest.stop()
        if self._session is not None:
            self._session.playback.begin(Course(start, self._loop), self._rate)
        self._place(start)
        if self._playing:  # a listener may have stopped it
            self._tick.start(0)

    def _restart(self) -> None:
        if self._playing and self._session is not None:
            self._begin(self._session.playback.place)

    def _halt(self) -> None:
        """Stop playing, wherever it is."""
        self._playing = False
        self._tick.stop()
        self._rest.stop()
        if self._session is not None:
            self._session.playback.hold(self._position)

    def _set_gain(self) -> None:
        if self._session is not None:
            # A cube: even steps of the slider sound even.
            self._session.playback.set_gain(0.0 if self._muted else self._volume**3)

    def _on_tick(self) -> None:
        session = self._session
        if not self._playing or session is None:
            return
        playback, problem = session.playback, self.sound_problem
        play, frame = playback.advance()
        if self.sound_problem != problem:
            self.state_changed.emit()
        if frame is not None:
            self._take(frame)
        end = playback.end(session.certain_duration)
        if end is not None and play >= end and self._playing:
            self._over = max(playback.course.begin, end)
            self._place(self._over)
            self._halt()
            self._show(self._position)
            self.state_changed.emit()
            self.ended.emit()
            return
        if frame is not None or monotonic() - self._reported >= _REPORT:
            self._place(playback.course.media(play))
        wait = playback.wait(play)
        if self._playing and not self._rest.isActive():  # a listener may have stopped or moved it
            self._tick.start(_TICK_MS if wait is None else min(_TICK_MS, max(1, round(wait * 1e3))))
