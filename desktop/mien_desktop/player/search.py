"""Finding frames by time: the one shown at a time, its neighbours, exactly, in any file that decodes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

from mien.errors import NotMedia
from mien.media.medium import Medium
from mien.media.pieces import FramePiece
from mien_desktop.player.cache import FrameCache
from mien_desktop.player.index import EPS, FrameIndex
from mien_desktop.player.picture import Converter, Frame
from mien_desktop.player.reader import FrameReader

# How far decoding goes on rather than jumping, when it is not known where it could begin anew, s.
_GO_ON = 1.5
# Where a search begins when what was hoped for cannot be decoded: so much earlier, s.
_EARLIER = (1.0, 4.0, 16.0, 64.0)
# Frames kept on the way to the one that was asked for, in bytes before conversion.
_PASSED_BYTES = 64 << 20
_MOST_PASSED = 24


class FrameSearch:
    """Reader, cache and conversion of one medium; used by one thread.

    Args:
        medium: what `probe` said.
        check: called between frames; raises to give up.
        budget: bytes of the cache.

    Raises:
        MediaError: the file cannot be opened.
    """

    def __init__(self, medium: Medium, check: Callable[[], None], *, budget: int) -> None:
        self.reader = FrameReader(medium)
        self.cache = FrameCache(budget)
        self.index = FrameIndex()
        self.room = (960, 540)
        self._check = check
        self._converter = Converter()
        self._first: float | None = None
        self._final: float | None = None
        self._linear = False
        self._rest: list[tuple[FramePiece, float]] = []

    def close(self) -> None:
        """Let go of the file."""
        self._rest = []
        self.reader.close()

    def resize(self, room: tuple[int, int]) -> None:
        """Make pictures of another size from now on."""
        if room != self.room:
            self.room = room
            self.cache.clear()

    def at(self, time: float) -> Frame:
        """The frame whose interval contains `time` (s): before the first the first, behind the last the last.

        Raises:
            NotMedia: not one frame can be decoded.
        """
        time = self._inside(time)
        self.cache.focus = time
        return self.cache.at(time) or self._made(*self._find(time))

    def step(self, frame: Frame, count: int) -> Frame:
        """The frame `count` behind (or, negative, before) another; at the ends the last or first."""
        for _ in range(abs(count)):
            if count > 0 and frame.last:
                break
            neighbour = self.at(frame.end if count > 0 else frame.time - 2 * EPS)
            if neighbour.time == frame.time:
                break
            frame = neighbour
        return frame

    def follow(self, frame_end: float, skip: Callable[[float], float | None]) -> Frame:
        """The frame that begins at `frame_end` (s), or a later one: `skip(its end)` is None for a frame that is
        wanted, else the time from which to go on.
        """
        while True:
            self._check()
            cached = self.cache.at(frame_end)
            if cached is not None:
                later = None if cached.last else skip(cached.end)
                if later is None:
                    return cached
                frame_end = later
                continue
            pending = self.reader.peek()
            if pending is not None and abs(pending.time - frame_end) <= EPS:
                self.reader.read()
                piece, after = pending, self.reader.peek()
            else:
                piece, after = self._find(frame_end)
            later = None if after is None else skip(after.time)
            if later is None:
                return self._made(piece, after)
            frame_end = later

    def keep_passed(self) -> Iterator[None]:
        """Convert what was passed on the way to the last frame that was found, the nearest first."""
        while self._rest:
            piece, end = self._rest.pop()
            if self.cache.at(piece.time) is None:
                self._convert(piece, end, False)
            yield

    def _inside(self, time: float) -> float:
        if self._first is not None and time < self._first:
            return self._first
        if self._final is not None and time > self._final:
            return self._final
        return time

    def _find(self, time: float) -> tuple[FramePiece, FramePiece | None]:
        """The frame shown at `time` and the one behind it, decoded."""
        reader, self._rest = self.reader, []
        for landing in self._landings(time):
            if landing is not None and landing > 0:
                reader.jump(landing)
            elif landing is not None:
                reader.rewind()
            found = self._run_to(time)
            if found is None:
                continue
            piece, after = found
            if after is None:
                self._final = piece.time
            return piece, after
        raise NotMedia("Not one picture of the medium can be decoded; only its sound is played.")

    def _landings(self, time: float) -> Iterator[float | None]:
        """Where to decode from, one after the other, until it is found; None: from where we are; 0: the beginning."""
        pending = self.reader.peek()
        if pending is not None and pending.time <= time + EPS:
            index = self.index
            near = time - pending.time <= _GO_ON
            if near or self._linear or index.jumped or (index.complete and not index.key_between(pending.time, time)):
                yield None
        if not (self._linear or self.index.jumped):
            yield max(0.0, time)
            yield from (time - d for d in _EARLIER if time - d > 0)
        yield 0.0

    def _run_to(self, time: float) -> tuple[FramePiece, FramePiece | None] | None:
        """Decode up to the frame shown at `time`; None where decoding began behind it."""
        reader = self.reader
        from_beginning = reader.from_beginning
        first = reader.peek()
        if first is None:
            return None
        if not from_beginning and not self._plausible(first):
            self._linear = True
            return None
        if from_beginning and (self._first is None or first.time < self._first):
            self._first = first.time
        most = _PASSED_BYTES // max(1, first.frame.width * first.frame.height * 3 // 2)
        passed: deque[FramePiece] = deque(maxlen=max(2, min(_MOST_PASSED, most)))
        while (piece := reader.peek()) is not None and piece.time <= time + EPS:
            self._check()
            passed.append(piece)
            reader.read()
        if not passed:
            if not from_beginning:
                return None
            passed.append(first)  # nothing is shown as early as that: the first picture stands for it
            reader.read()
        hit = passed.pop()
        ends = [p.time for p in (*list(passed)[1:], hit)]
        self._rest = list(zip(passed, ends, strict=False)) if passed else []
        return hit, reader.peek()

    def _plausible(self, first: FramePiece) -> bool:
        """Whether the file tells right times when it is entered in its middle."""
        index = self.index
        return not index.complete or index.number(first.time) is not None

    def _made(self, piece: FramePiece, after: FramePiece | None) -> Frame:
        if after is not None:
            return self._convert(piece, after.time, False)
        return self._convert(piece, piece.time + (piece.duration or self.reader.usual), True)

    def _convert(self, piece: FramePiece, end: float, last: bool) -> Frame:
        image, full = self._converter.image(piece, self.room)
        true_end = None if self.reader.exact or last else self.index.next_time(piece.time)
        frame = Frame(
            image, piece.time, self.index.number(piece.time), end if true_end is None else true_end, full, last
        )
        # Where frames were left out, only the index knows what comes next.
        if self.reader.exact or true_end is not None:
            self.cache.put(frame)
        return frame
