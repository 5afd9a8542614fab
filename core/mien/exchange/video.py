"""The video with its readings burnt in.

Pictures are decoded by their true times, drawn on, and handed to ffmpeg, which encodes them at a constant
rate and adds the sound that was analysed unchanged (or as AAC, where an MP4 cannot hold it). Each output picture
is the nearest earlier one, so that sound and picture stay together also where the frame rate varies.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import av
import cv2
import ffmpeg
import numpy as np

from mien.errors import ExportError, shown
from mien.exchange.findings import verdict_threshold
from mien.exchange.lettering import Picture
from mien.exchange.overlay import Overlay
from mien.exchange.params import VideoParams
from mien.media.decode import Decoder
from mien.media.ffmpeg import ffmpeg_path
from mien.media.medium import Medium, StreamInfo
from mien.media.opening import LOCAL_ONLY, open_medium
from mien.media.picture import to_rgb
from mien.media.pieces import FramePiece
from mien.media.probe import probe
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis

_READABLE = 360
"""Pictures of fewer lines are enlarged to about this, so that captions can be read."""
_WIDEST = 3840
_SLOWEST, _USUAL = 10.0, 25.0
"""Hz: least rate of the result, for captions to move on still pictures; rate where the file tells none."""

_ANEW = {"acodec": "aac", "audio_bitrate": "160k"}
_LOOK = 0.5
"""s that ffmpeg may take over what it was given before it is looked whether the export is to stop."""
_STANDS = 2.0
"""s before a selection from which on pictures are decoded."""

_COPIED = {"aac", "mp3", "ac3", "eac3", "alac", "opus"}
"""Sound that an MP4 holds as it is."""


class VideoExporter:
    """Writes one .mp4 file; of a selection, that part of the video alone.

    `watch`, where it is set, is told the share that is done after each picture, and may raise to stop it.
    """

    watch: Callable[[float], None] | None = None

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """Draw and encode; takes about as long as decoding and encoding the video.

        Raises:
            mien.errors.ExportError: there is no video, no ffmpeg, or ffmpeg fails.
            mien.errors.MediaError: the medium cannot be read any more.
            OSError: the disk is full.
        """
        assert isinstance(params, VideoParams)
        medium = probe(analysis.media.path)
        if medium.video is None:
            raise ExportError(
                f"There is no video to draw on; choose another export for sound alone: {shown(medium.path)}"
            )
        size = fitted(medium.video.size, params.max_height)
        rate = steady_rate(medium.video.rate, params.max_rate)
        overlay = Overlay(analysis, size, params, verdict_threshold(analysis))
        begin, end = analysis.span or (0.0, medium.duration or 0.0)
        sound = _sound_of(medium, analysis.media.audio_stream)
        share = 0.0

        def look() -> None:
            if self.watch is not None:
                self.watch(share)

        with _Encoder(medium, sound, target, size, rate, params.crf, analysis.span, look) as encoder:
            written = 0
            for moment, picture in pictures(medium, size, rate, analysis.span):
                overlay.draw(picture, moment)
                encoder.write(picture)
                written += 1
                if end > begin:
                    share = min((moment - begin) / (end - begin), 1.0)
                    look()
            if not written:
                raise ExportError(f"Not one picture of it could be decoded: {shown(medium.path)}")
        return [target]


def pictures(
    medium: Medium, size: tuple[int, int], rate: Fraction, span: tuple[float, float] | None = None
) -> Iterator[tuple[float, Picture]]:
    """Pictures at a constant rate from the medium's beginning to the end of its last one.

    Args:
        size: (width, height) in pixels.
        rate: Hz.
        span: only from this time to that one, in s.

    Yields:
        Time in seconds and a writable (H, W, 3) uint8 RGB picture: the one whose presentation began last.
        Before the first one begins, the first one.
    """
    step = 1 / float(rate)
    shown_: FramePiece | None = None
    begin, stop = span or (0.0, float("inf"))
    tick, end = 0, 0.0
    # The picture that stands at the selection's beginning began before it.
    with Decoder(medium, audio=False, video=True, begin=max(begin - _STANDS, 0.0), end=stop) as decoder:
        aspect = decoder.video.aspect if decoder.video is not None else 1.0
        usual = 1 / decoder.video.rate if decoder.video is not None and decoder.video.rate else step
        for piece in decoder:
            if not isinstance(piece, FramePiece):
                continue
            if shown_ is not None:
                # A quarter of a tick evens out rounded timestamps; half a tick would show pictures early.
                due = piece.time - 0.25 * step
                if begin + tick * step < due:
                    drawn = _fit(shown_, size, aspect)
                    while begin + tick * step < due:
                        yield begin + tick * step, drawn.copy()
                        tick += 1
            shown_, end = piece, piece.time + (piece.duration or usual)
        if shown_ is not None:
            if medium.duration is not None:  # files are seen that claim minutes for their last picture
                end = min(end, max(medium.duration, shown_.time + usual))
            end = min(end, stop) - begin
            drawn = _fit(shown_, size, aspect)
            while tick == 0 or (tick + 0.5) * step < end:
                yield begin + tick * step, drawn.copy()
                tick += 1


def fitted(size: tuple[int, int], max_height: int) -> tuple[int, int]:
    """Width and height of the result: no higher than asked, large enough to read, even as H.264 wants them."""
    width, height = size
    scale = min(max_height / height, 1.0) if height >= _READABLE else min(_READABLE, max_height) / height
    scale = min(scale, max(_WIDEST / width, 1.0) if scale > 1 else scale, _WIDEST / width)
    even = [max(2 * round(side * scale / 2), 2) for side in (width, height)]
    return even[0], even[1]


def steady_rate(rate: float, highest: float) -> Fraction:
    """The constant rate of the result: the medium's average one, between 10 Hz and what was asked."""
    wanted = min(max(rate or _USUAL, min(_SLOWEST, highest)), highest)
    return Fraction(wanted).limit_denominator(1001)


def _fit(piece: FramePiece, size: tuple[int, int], aspect: float) -> Picture:
    image, _ = to_rgb(piece.frame, max(size), piece.rotation, aspect)
    if (image.shape[1], image.shape[0]) != size:
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return image


class _Encoder:
    """ffmpeg, fed through a pipe. Ends with the file complete, or with an error and ffmpeg gone."""

    def __init__(
        self,
        medium: Medium,
        sound: StreamInfo | None,
        target: Path,
        size: tuple[int, int],
        rate: Fraction,
        crf: int,
        span: tuple[float, float] | None = None,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self._size, self._target = size, target
        self._look = look
        self._since: float | None = None  # when ffmpeg was given something that it has not taken yet
        self._why: BaseException | None = None  # the look told to stop
        self._ended = threading.Event()
        self._said: deque[str] = deque(maxlen=20)
        program = str(ffmpeg_path())
        graph = _graph(medium, sound, target, size, rate, _codec(program, crf), span)
        self._process: subprocess.Popen[bytes] = ffmpeg.run_async(
            graph, cmd=program, pipe_stdin=True, pipe_stderr=True, overwrite_output=True
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        self._guard = threading.Thread(target=self._watch_over, daemon=True)
        self._guard.start()

    def __enter__(self) -> _Encoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        self._since = time.monotonic()
        with contextlib.suppress(OSError):
            self._pipe.close()
        code = self._process.wait()
        self._ended.set()
        self._guard.join()
        self._reader.join()
        if self._process.stderr is not None:
            self._process.stderr.close()
        if self._why is not None:
            raise self._why
        if kind is None or issubclass(kind, BrokenPipeError):
            self._judge(code)

    def write(self, picture: Picture) -> None:
        """One picture; raises BrokenPipeError, which leaving the context turns into what ffmpeg said."""
        self._since = time.monotonic()
        self._pipe.write(np.ascontiguousarray(picture).data.cast("B"))
        self._since = None

    def _watch_over(self) -> None:
        """An ffmpeg that takes nothing more, as on a drive that has gone, keeps nobody who wants to stop."""
        while not self._ended.wait(_LOOK):
            if self._since is not None and time.monotonic() - self._since > _LOOK:
                try:
                    self._look()
                except BaseException as why:  # noqa: BLE001 - raised where the export runs
                    self._why = why
                    self._process.kill()
                    return

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _listen(self) -> None:
        for line in self._process.stderr or ():
            self._said.append(line.decode("utf-8", "replace").strip())

    def _judge(self, code: int) -> None:
        if code == 0:
            return
        said = " ".join(self._said)
        if "No space left" in said or code == -signal.SIGXFSZ or "File too large" in said:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        reason = self._said[-1] if self._said else f"it ended with {code}"
        raise ExportError(f"ffmpeg could not write the video ({reason[:200]}): {shown(self._target)}")


def _sound_of(medium: Medium, stream: int | None) -> StreamInfo | None:
    """The stream that was analysed, or the default one where the file has become another."""
    chosen = (s for s in medium.audios if s.index == stream and s.readable)
    return next(chosen, medium.audio)


def _graph(
    medium: Medium,
    sound: StreamInfo | None,
    target: Path,
    size: tuple[int, int],
    rate: Fraction,
    codec: dict[str, Any],
    span: tuple[float, float] | None,
) -> Any:
    drawn = ffmpeg.input(
        "pipe:",
        format="rawvideo",
        pix_fmt="rgb24",
        video_size=size,
        framerate=f"{rate.numerator}/{rate.denominator}",
    )
    # Players take high-definition pictures for BT.709 whatever they were: convert to it and say so.
    drawn = drawn.filter("scale", out_color_matrix="bt709", out_range="tv")
    options: dict[str, Any] = {
        **codec,
        "format": "mp4",
        "pix_fmt": "yuv420p",
        "colorspace": "bt709",
        "color_primaries": "bt709",
        "color_trc": "bt709",
        "movflags": "+faststart",
        "map_metadata": "-1",
        "loglevel": "error",
    }
    streams = [drawn]
    if sound is not None:
        when = _shift(medium) if span is None else _stretch(medium, span)
        source = ffmpeg.input(f"file:{os.path.abspath(medium.path)}", **when, **LOCAL_ONLY)
        streams.append(source[str(sound.index)])
        # Packets can only be copied whole; the sound of a selection begins where it does.
        options |= _sound(sound) if span is None else _ANEW
    return ffmpeg.output(*streams, f"file:{os.path.abspath(target)}", **options)


def _sound(stream: StreamInfo) -> dict[str, Any]:
    return {"acodec": "copy"} if stream.codec in _COPIED else _ANEW


def _shift(medium: Medium) -> dict[str, Any]:
    """ffmpeg counts from the earliest stream of any kind, we from the earliest sound or picture."""
    with open_medium(medium.path) as container:
        begins = container.start_time / av.time_base if container.start_time is not None else medium.start
    offset = begins - medium.start
    return {"itsoffset": f"{offset:.6f}"} if abs(offset) > 1e-3 else {}


def _stretch(medium: Medium, span: tuple[float, float]) -> dict[str, Any]:
    """Which part ffmpeg is to read; it counts from the earliest stream of any kind."""
    begin = span[0] - float(_shift(medium).get("itsoffset", 0.0))
    return {"ss": f"{max(begin, 0.0):.6f}", "t": f"{span[1] - span[0]:.6f}"}


def _codec(program: str, crf: int) -> dict[str, Any]:
    """The best H.264 encoder that this ffmpeg has, else MPEG-4 part 2, which all have."""
    listed = subprocess.run([program, "-hide_banner", "-encoders"], capture_output=True, check=False).stdout
    if b" libx264 " in listed:
        return {"vcodec": "libx264", "crf": crf, "preset": "veryfast"}
    quality = {"qscale:v": max(2, round(crf * 31 / 51))}
    return {"vcodec": "mpeg4", **quality}
