"""Frames in a thread of their own: standing ones by time, running ones ahead of the clock."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic

import av.error

from mien.errors import MienError, shown
from mien.media.damage import Damage
from mien.media.medium import Medium
from mien_desktop.player.clock import Course
from mien_desktop.player.index import EPS, FrameIndex
from mien_desktop.player.picture import Frame
from mien_desktop.player.search import FrameSearch
from mien_desktop.work.aside import Aside

log = logging.getLogger(__name__)

_CACHE_BYTES = 160 << 20
# Of it, a loop whose pictures are all kept may take so much; their rate while it is not known, Hz.
_LOOP_SHARE, _USUAL_RATE = 0.8, 30.0
# Frames made ahead of the clock while playing, and what they may take together.
_AHEAD = 12
_AHEAD_BYTES = 96 << 20
# While newer wishes keep coming, a picture is shown at least so often, s.
_SCRUB_PERIOD = 0.12
# Behind by so much (s of playing), frames that no other needs are left out; by so much, it jumps.
_HURRY, _JUMP = 0.1, 1.5
# However late it is, a picture is made so often, s.
_SIGN_OF_LIFE = 0.25
# Frames before the one shown that are kept ready for stepping back.
_BEHIND = 3


@dataclass(frozen=True)
class _Show:
    time: float


@dataclass(frozen=True)
class _Step:
    time: float
    count: int


@dataclass(frozen=True)
class _Play:
    course: Course
    rate: float


_Task = _Show | _Step | _Play


class _Superseded(Exception):
    """There is something newer to do."""


class FrameSource:
    """The pictures of one medium.

    Args:
        medium: what `probe` said.
        deliver: called in the thread with each standing frame that was asked for.
        trouble: called in the thread with a sentence when pictures cannot be read.
        now: play time, s; asked from the thread.
    """

    def __init__(
        self,
        medium: Medium,
        deliver: Callable[[Frame], None],
        trouble: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._medium, self._deliver, self._trouble, self._now = medium, deliver, trouble, now
        self._wake = threading.Condition()
        self._task: _Task | None = None
        self._current: _Task | None = None
        self._closing = False
        self._room = (960, 540)
        self._index = FrameIndex()
        self._queue: deque[tuple[float, Frame]] = deque()
        self._ended: float | None = None
        self._shown_at = self._made_at = 0.0
        self._damage: tuple[Damage, ...] = ()
        self.dropped = 0
        self._thread = Aside(target=self._main, name="mien-player-frames", daemon=True)
        self._thread.start()

    # What the player asks for, from its thread.

    def show(self, time: float) -> None:
        """Deliver the frame shown at `time` (s); older wishes are dropped."""
        self._post(_Show(time))

    def step(self, time: float, count: int) -> None:
        """Deliver the frame `count` behind or before the one shown at `time` (s)."""
        self._post(_Step(time, count))

    def play(self, course: Course, rate: float) -> None:
        """Make frames ahead of the clock along a course; `take` hands them out."""
        self._post(_Play(course, rate))

    def resize(self, room: tuple[int, int]) -> None:
        """Make pictures for a room of (width, height) device pixels from now on."""
        with self._wake:
            self._room = room
            self._wake.notify_all()

    def know(self, index: FrameIndex) -> None:
        """Take what is known of the frames' times; from any thread."""
        self._index = index

    def take(self, play: float) -> Frame | None:
        """The newest frame due at play time (s), if one has come due since; older ones are dropped."""
        frame = None
        with self._wake:
            while self._queue and self._queue[0][0] <= play + EPS:
                frame = self._queue.popleft()[1]
            if frame is not None:
                self._wake.notify_all()
        return frame

    def due(self) -> float | None:
        """Play time (s) of the next frame, if it is there."""
        with self._wake:
            return self._queue[0][0] if self._queue else None

    @property
    def ended(self) -> float | None:
        """Play time (s) at which the last picture ends, once that is reached."""
        return self._ended

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read so far."""
        return self._damage

    def dismiss(self) -> None:
        """Stop without waiting for the thread, which lets go of the file when it has finished the frame at hand."""
        with self._wake:
            self._closing = True
            self._queue.clear()
            self._wake.notify_all()

    def close(self) -> None:
        """Stop, and wait for the thread."""
        self.dismiss()
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def _post(self, task: _Task) -> None:
        with self._wake:
            self._task = task
            self._queue.clear()
            self._ended = None
            self._wake.notify_all()

    # What happens in the thread.

    def _main(self) -> None:
        search: FrameSearch | None = None
        try:
            search = FrameSearch(self._medium, self._check, budget=_CACHE_BYTES)
            self._loop(search)
        except MienError as error:
            self._trouble(str(error))
        except Exception:
            # Whatever a decoder comes up with, the window stays; the log has the rest.
            log.exception("the pictures of %s stopped", self._medium.path)
            self._trouble(f"The pictures cannot be shown any more; open the medium again: {shown(self._medium.path)}")
        finally:
            if search is not None:
                search.close()

    def _loop(self, search: FrameSearch) -> None:
        idle = False
        while True:
            with self._wake:
                while self._task is None and not self._closing and idle:
                    self._wake.wait()
                if self._closing:
                    return
                task, self._task = self._task, None
                if task is not None:
                    self._current = task
            search.index = self._index
            search.resize(self._room)
            try:
                if task is None:
                    self._idle(search)
                    idle = True
                else:
                    idle = False
                    self._do(search, task)
            except _Superseded:
                continue
            except (av.error.FFmpegError, OSError, ValueError, IndexError) as error:
                log.warning("reading pictures of %s: %s", self._medium.path, error)
                self._trouble(f"A part of the pictures cannot be read ({error}).")
                idle = True
            self._damage = search.reader.log.entries

    def _do(self, search: FrameSearch, task: _Task) -> None:
        search.reader.settle()
        if isinstance(task, _Play):
            self._play(search, task)
            return
        frame = search.at(task.time)
        if isinstance(task, _Step):
            frame = search.step(frame, task.count)
        self._shown_at = monotonic()
        self._deliver(frame)

    def _idle(self, search: FrameSearch) -> None:
        """With nothing to do, make neighbours of the frame that stands."""
        for _ in search.keep_passed():
            self._check()
        task = self._current
        if isinstance(task, _Step) and task.count < 0:
            frame = search.at(task.time)
            for _ in range(1 - task.count + _BEHIND):
                frame = search.step(frame, -1)
            for _ in search.keep_passed():
                self._check()
            search.cache.focus = task.time

    def _check(self) -> None:
        """Between frames: give up for something newer. Who drags the playhead still sees pictures on the way."""
        task = self._task
        if self._closing:
            raise _Superseded
        if task is None:
            return
        dragging = isinstance(task, _Show) and isinstance(self._current, _Show)
        if not (dragging and monotonic() - self._shown_at > _SCRUB_PERIOD):
            raise _Superseded

    def _play(self, search: FrameSearch, task: _Play) -> None:
        course = task.course
        head = _Head(course.loop[0]) if course.wraps and course.loop else None
        for begin, place, until in course.laps():
            offset = begin - place
            if until is not None and self._now() > begin + until - place:
                self._check()  # it is over already: with too slow a machine it would fall behind for ever
                continue
            if head is not None and head.usable(place, search.room):
                for frame in head.frames:
                    self._enqueue(search, max(begin, frame.time + offset), frame)
            else:
                if head is not None:
                    head.begin(place, search.room)
                frame = search.at(place)
                self._enqueue(search, begin, frame, head)
            while not frame.last and (until is None or frame.end < until - EPS):
                frame = search.follow(frame.end, partial(self._skip, search, task, offset, until))
                if until is not None and frame.time >= until - EPS:
                    break
                self._enqueue(search, frame.time + offset, frame, head)
            if head is not None:
                head.finish()
            if until is None:
                with self._wake:
                    if self._task is None:
                        self._ended = offset + frame.end
                return

    def _enqueue(self, search: FrameSearch, play: float, frame: Frame, head: _Head | None = None) -> None:
        """Put a frame behind those that wait; wait while they are many."""
        with self._wake:
            most = max(3, min(_AHEAD, _AHEAD_BYTES // max(1, frame.image.sizeInBytes())))
            while self._task is None and not self._closing and len(self._queue) >= most:
                self._wake.wait()
            if self._closing or self._task is not None:
                raise _Superseded
            self._queue.append((play, frame))
            room = self._room
        if head is not None:
            head.add(frame)
        self._made_at = monotonic()
        search.index = self._index
        search.resize(room)
        self._damage = search.reader.log.entries

    def _skip(self, search: FrameSearch, task: _Play, offset: float, until: float | None, end: float) -> float | None:
        """For a frame that ends at `end` (s): None to show it, else the time from which to go on, as it is late."""
        self._check()
        if self._fits(search, task.course):
            # Made once, though late, all of a short loop comes from the cache from then on.
            search.reader.hurry(False)
            return None
        now = self._now()
        behind = (now - (end + offset)) / task.rate
        search.reader.hurry(behind > _HURRY)
        if behind <= 0 or monotonic() - self._made_at > _SIGN_OF_LIFE:
            return None
        self.dropped += 1
        place = now - offset
        if behind > _JUMP and (until is None or place < until) and self._index.key_between(end, place):
            return place
        return end

    def _fits(self, search: FrameSearch, course: Course) -> bool:
        """Whether the cache holds all pictures of a loop."""
        if not course.wraps or course.loop is None:
            return False
        pictures = (course.loop[1] - min(course.loop[0], course.begin)) * (self._index.rate or _USUAL_RATE)
        return pictures * 4 * search.room[0] * search.room[1] <= _LOOP_SHARE * _CACHE_BYTES


class _Head:
    """The first frames of a loop, kept so that going round needs no search."""

    SECONDS, MOST = 0.6, 12

    def __init__(self, begin: float) -> None:
        self._begin = begin
        self._room = (0, 0)
        self._collecting = False
        self.frames: list[Frame] = []

    def begin(self, place: float, room: tuple[int, int]) -> None:
        """A lap begins at `place` (s); collect if that is the loop's beginning."""
        self._collecting = place == self._begin
        if self._collecting:
            self.frames, self._room = [], room

    def add(self, frame: Frame) -> None:
        """The next frame of the lap."""
        if self._collecting:
            self.frames.append(frame)
            self._collecting = len(self.frames) < self.MOST and frame.end < self._begin + self.SECONDS

    def finish(self) -> None:
        """The lap ends."""
        self._collecting = False

    def usable(self, place: float, room: tuple[int, int]) -> bool:
        """Whether a lap from `place` can begin with these frames."""
        return bool(self.frames) and place == self._begin and room == self._room
