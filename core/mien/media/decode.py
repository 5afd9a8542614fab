"""One decode for everything: sound and pictures of a medium, each once, in the order of presentation.

Sound and pictures are read through a demuxer each and merged by time, so that memory stays flat however the
file interleaves them: at most half a second of sound and the decoder's own frames are held.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.format import Flags

from mien.errors import NotMedia, shown
from mien.media.counted import is_counted
from mien.media.damage import Damage, DamageLog
from mien.media.medium import Medium, StreamInfo
from mien.media.opening import MAX_PIXELS, open_medium
from mien.media.packets import Clock, frames
from mien.media.pieces import AudioPiece, FramePiece
from mien.media.plausible import longest
from mien.media.probe import keep_only, probe, quarter_turns
from mien.media.sound import SoundAssembler, assemble

_SHORTFALL = 0.5
# Writers often leave out how long the last of irregular frames is shown: more than that is a header that is wrong.
_EXCESS = 1.0
# Sound before a point that has to be decoded for the decoder to be in tune there, s.
_PREROLL = 0.5


class Decoder:
    """Iterate once: `AudioPiece` and `FramePiece` in the order of presentation.

    Times are presentation timestamps minus the medium's beginning, so that the medium begins at 0; a stream
    that begins later begins later here too. Packets that cannot be read are skipped and listed in `damage`.

    Args:
        medium: a path, or what `probe` said about it.
        audio: index of the sound stream in the file, True for the default one, None or False for no sound.
        video: index of the video stream, True for the default one, None or False for no pictures.
        begin, end: only this stretch, in seconds.
        block: least length of a piece of sound, s.
        threads: decoding threads of the video; 0 lets FFmpeg choose.

    Raises:
        MediaError: the file cannot be opened (at construction); it is encrypted, or nothing at all can be
            decoded (while iterating).
    """

    def __init__(
        self,
        medium: Medium | str | os.PathLike[str],
        *,
        audio: int | bool | None = True,
        video: int | bool | None = True,
        begin: float = 0.0,
        end: float | None = None,
        block: float = 0.5,
        threads: int = 0,
    ) -> None:
        self.medium = medium if isinstance(medium, Medium) else probe(medium)
        self.begin, self.end = max(0.0, begin), float("inf") if end is None else end
        self._block, self._threads = block, threads
        self.audio = self._stream(audio, self.medium.audio, "audio")
        self.video = self._stream(video, self.medium.video, "video")
        if self.audio is None and self.video is None:
            self.medium.check()
        self._log = DamageLog()
        self._longest = longest(self.medium.size_bytes)
        self._ends: dict[int, float] = {}
        self._containers: list[InputContainer] = []
        self._tracks: list[Iterator[AudioPiece | FramePiece]] = []
        try:
            if self.audio is not None:
                self._tracks.append(self._sound(*self._open(self.audio)))
            if self.video is not None:
                self._tracks.append(self._pictures(*self._open(self.video)))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Decoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[AudioPiece | FramePiece]:
        """The pieces. The second call goes on where the first stopped."""
        yield from _merge(self._tracks)
        self._judge_ends()
        self.close()

    def close(self) -> None:
        """Let go of the file; may be called at any time and more than once."""
        for track in self._tracks:
            close = getattr(track, "close", None)
            if close is not None:
                close()
        self._tracks = []
        while self._containers:
            self._containers.pop().close()

    @property
    def damage(self) -> tuple[Damage, ...]:
        """What could not be read so far, in the order of time."""
        return self._log.entries

    @property
    def partial(self) -> bool:
        """Whether sound or pictures are missing from what was decoded so far."""
        return self._log.lost

    @property
    def reached(self) -> float:
        """End of the last sound or picture that was decoded, in seconds."""
        return max(self._ends.values(), default=0.0)

    def _stream(self, wanted: int | bool | None, default: StreamInfo | None, kind: str) -> StreamInfo | None:
        if wanted is None or wanted is False:
            return None
        if wanted is True:
            return default
        stream = next((s for s in self.medium.streams if s.index == wanted), None)
        if stream is None or stream.kind != kind or not stream.readable:
            raise NotMedia(f"There is no {kind} stream {wanted} that can be decoded: {shown(self.medium.path)}")
        return stream

    def _open(self, info: StreamInfo) -> tuple[InputContainer, Any]:
        container = open_medium(self.medium.path)
        self._containers.append(container)
        if info.index >= len(container.streams):
            raise NotMedia(f"The file has changed since it was looked at; analyse it again: {shown(self.medium.path)}")
        stream = container.streams[info.index]
        keep_only(container, [stream])
        if info.kind == "video":
            stream.codec_context.thread_type = "AUTO"
            stream.codec_context.thread_count = self._threads
            stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        if self.begin > 0:
            target = max(0.0, self.begin - (_PREROLL if info.kind == "audio" else 0.0)) + self.medium.start
            try:
                container.seek(int(target * av.time_base), backward=True)
            except av.error.FFmpegError:
                self._log.add(
                    info.index, self.begin, "the file cannot be searched; read from its beginning", lost=False
                )
                container.close()
                self._containers.remove(container)
                container = open_medium(self.medium.path)
                self._containers.append(container)
                stream = container.streams[info.index]
                keep_only(container, [stream])
        return container, stream

    def _clock(self, container: InputContainer) -> Clock:
        jumps = Flags.ts_discont in Flags(container.format.flags) and self.begin == 0
        return Clock(self.medium.start, jumps=jumps, duration=self.medium.duration, longest=self._longest)

    def _sound(self, container: InputContainer, stream: Any) -> Iterator[AudioPiece]:
        clock = self._clock(container)
        info = self.audio
        declared = (info.start or 0.0) + info.duration if info is not None and info.duration is not None else None
        assembler = SoundAssembler(
            stream.index, self._log, block=self._block, begin=self.begin, end=self.end, declared=declared
        )
        for piece in assemble(frames(container, stream, self._log, clock), clock, assembler):
            self._ends[stream.index] = piece.end
            yield piece
            if piece.end >= self.end:
                return

    def _pictures(self, container: InputContainer, stream: Any) -> Iterator[FramePiece]:
        clock = self._clock(container)
        aspect = self.video.aspect if self.video else 1.0
        usual = 1.0 / self.video.rate if self.video and self.video.rate * self._longest > 1.0 else 0.04
        last: float | None = None
        expected: float | None = None
        for frame in frames(container, stream, self._log, clock):
            stamp = frame.pts if frame.pts is not None else frame.dts
            time = clock.seconds(stamp, frame.time_base, expected)
            length = frame.duration * float(frame.time_base) if frame.duration and frame.time_base else 0.0
            if length > self._longest:
                length = 0.0
            if time is None:
                time = self.begin if expected is None else expected
                self._log.add(
                    stream.index,
                    time,
                    "pictures without a usable timestamp were placed behind the one before",
                    lost=False,
                )
            if last is not None and time <= last:
                self._log.add(
                    stream.index,
                    time,
                    "timestamps of pictures go back; placed behind the one before",
                    lost=False,
                )
                time = last + min(1e-3, usual)
            last, expected = time, time + (length or usual)
            if frame.is_corrupt:
                self._log.add(stream.index, max(0.0, time), "pictures are damaged")
            if time >= self.end:
                return
            if time < self.begin:
                continue
            self._ends[stream.index] = expected
            yield FramePiece(time, frame, quarter_turns(frame.rotation), length, bool(frame.is_corrupt), aspect)

    def _judge_ends(self) -> None:
        """Note streams that end before or after the file says so; raise if nothing came at all."""
        if self.begin > 0 or self.end != float("inf"):
            return
        wanted = [s for s in (self.audio, self.video) if s is not None]
        if wanted and not self._ends:
            raise NotMedia(
                f"Not one second of the medium could be decoded; get another copy: {shown(self.medium.path)}"
            )
        counted = is_counted(self.medium.path, self.medium.format)
        for stream in wanted:
            if stream.index not in self._ends:
                self._log.add(stream.index, 0.0, "nothing of it could be decoded")
            elif counted and stream.duration is not None:
                declared, end = (stream.start or 0.0) + stream.duration, self._ends[stream.index]
                if end < declared - max(_SHORTFALL, 0.01 * declared):
                    self._log.add(stream.index, end, f"it breaks off, though {declared:.2f} s are announced,")
                elif end > declared + max(_EXCESS, 0.05 * declared):
                    self._log.add(stream.index, end, f"it goes on, though {declared:.2f} s are announced,")


def _merge(tracks: list[Iterator[AudioPiece | FramePiece]]) -> Iterator[AudioPiece | FramePiece]:
    """Always the piece that begins first; a stream is advanced only when its piece was handed out."""
    waiting: list[tuple[float, int, AudioPiece | FramePiece]] = []

    def advance(n: int) -> None:
        piece = next(tracks[n], None)
        if piece is not None:
            waiting.append((piece.start if isinstance(piece, AudioPiece) else piece.time, n, piece))

    for n in range(len(tracks)):
        advance(n)
    while waiting:
        first = min(waiting, key=lambda entry: entry[:2])
        waiting.remove(first)
        yield first[2]
        advance(first[1])
