"""Frames from any point on, with the times that the analysis gives them (`mien.media.decode`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import av.error
from av.container import InputContainer
from av.format import Flags

from mien.errors import NotMedia, shown
from mien.media.damage import DamageLog
from mien.media.medium import Medium
from mien.media.opening import MAX_PIXELS, open_medium
from mien.media.packets import Clock, frames
from mien.media.pieces import FramePiece
from mien.media.probe import keep_only, quarter_turns

# Containers that find their first frame again exactly; others are opened anew to begin at the beginning.
_SEARCHABLE = ("mov", "matroska", "avi")
# So many frames may be on their way through the decoder's threads.
_PIPELINE = 40


class FrameReader:
    """One decoder, moved about in the file; used by one thread.

    Args:
        medium: what `probe` said.
        threads: decoding threads; 0 lets FFmpeg choose.

    Raises:
        MediaError: the file cannot be opened.
    """

    def __init__(self, medium: Medium, *, threads: int = 0) -> None:
        info = medium.video
        if info is None:
            raise NotMedia(f"There is no picture in the file: {shown(medium.path)}")
        self.info = info
        self.log = DamageLog()
        self.usual = 1.0 / info.rate if info.rate else 0.04
        self.from_beginning = True
        self._medium, self._threads = medium, threads
        self._pending: FramePiece | None = None
        self._drained: bool = False
        self._hurried: bool = False
        self._doubtful: int = 0
        self._frames: Iterator[Any] = iter(())
        self._begin()

    def close(self) -> None:
        """Let go of the file; may be called more than once."""
        self._frames = iter(())
        self._container.close()

    def rewind(self) -> None:
        """Go to the beginning."""
        if self._medium.format.split(",")[0] in _SEARCHABLE:
            try:
                self._seek(0.0)
            except av.error.FFmpegError:
                pass
            else:
                self.from_beginning = True
                return
        self._container.close()
        self._begin()

    def jump(self, time: float) -> None:
        """Go to a place from which the frame shown at `time` (s) can be decoded, as far as the file can tell;
        the frames read next may still lie behind it.
        """
        try:
            self._seek(time)
        except av.error.FFmpegError:
            self._container.close()
            self._begin()

    def hurry(self, on: bool) -> None:
        """Leave out the frames that no other needs, to catch up."""
        if on != self._hurried:
            self._hurried, self._doubtful = on, _PIPELINE
            self._stream.codec_context.skip_frame = "NONREF" if on else "DEFAULT"

    @property
    def exact(self) -> bool:
        """Whether the frame read last is certainly followed by the one that `peek` gives."""
        return not self._hurried and self._doubtful == 0

    def settle(self) -> None:
        """No more hurry; if frames may lack from here on, forget the place."""
        if not self.exact:
            self.hurry(False)
            self._pending, self._drained, self._doubtful = None, True, 0

    def peek(self) -> FramePiece | None:
        """The frame that `read` will give, None at the end."""
        if self._pending is None and not self._drained:
            self._pending = next(self._pieces, None)
            self._drained = self._pending is None
        return self._pending

    def read(self) -> FramePiece | None:
        """The next frame in the order of presentation, None at the end."""
        piece = self.peek()
        self._pending = None
        if not self._hurried and self._doubtful:
            self._doubtful -= 1
        return piece

    def _begin(self) -> None:
        container = open_medium(self._medium.path)
        if self.info.index >= len(container.streams):
            container.close()
            raise NotMedia(f"The file has changed since it was opened; open it again: {shown(self._medium.path)}")
        stream = container.streams[self.info.index]
        keep_only(container, [stream])
        context: Any = stream.codec_context
        context.thread_type = "AUTO"
        context.thread_count = self._threads
        context.options = {"max_pixels": str(MAX_PIXELS)}
        self._container: InputContainer = container
        self._stream: Any = stream
        self._hurried, self._doubtful = False, 0
        self.from_beginning = True
        jumps = Flags.ts_discont in Flags(container.format.flags)
        self._restart(Clock(self._medium.start, jumps=jumps, duration=self._medium.duration), trusted=True)

    def _seek(self, time: float) -> None:
        base = self._stream.time_base
        stamp = int((time + self._medium.start) / base + 1e-3)
        self._container.seek(stamp, stream=self._stream, backward=True)
        self.from_beginning = False
        self._restart(Clock(self._medium.start, jumps=False, duration=self._medium.duration), trusted=False)

    def _restart(self, clock: Clock, trusted: bool) -> None:
        self._pending, self._drained = None, False
        self._frames = frames(self._container, self._stream, self.log, clock)
        self._pieces = self._timed(clock, trusted)

    def _timed(self, clock: Clock, trusted: bool) -> Iterator[FramePiece]:
        """Frames with their times, by the rules of `mien.media.decode.Decoder`. After a jump, frames before the
        first that stands by itself lack what they were predicted from.
        """
        last: float | None = None
        expected: float | None = None
        frame: Any
        for frame in self._frames:
            trusted = trusted or bool(frame.key_frame)
            stamp = frame.pts if frame.pts is not None else frame.dts
            if not trusted or (stamp is None and last is None and not self.from_beginning):
                continue
            time = clock.seconds(stamp, frame.time_base, expected)
            length = frame.duration * float(frame.time_base) if frame.duration and frame.time_base else 0.0
            if time is None:
                time = 0.0 if expected is None else expected
            if last is not None and time <= last:
                time = last + min(1e-3, self.usual)
            last, expected = time, time + (length or self.usual)
            if frame.is_corrupt:
                self.log.add(self.info.index, max(0.0, time), "pictures are damaged")
            yield FramePiece(
                time, frame, quarter_turns(frame.rotation), length, bool(frame.is_corrupt), self.info.aspect
            )
