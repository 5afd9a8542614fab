"""What a file holds, stream by stream."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from mien.errors import MediaEncrypted, NotMedia, ParameterError, shown
from mien.media.identity import content_id
from mien.sdk.media import Cue, MediaInfo


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """One stream. Times are seconds from the medium's beginning; None, 0 or empty: the file does not say.

    Args:
        index: its number in the file.
        kind: `video`, `audio`, `subtitle`, `attachment`, `data` or `unknown`.
        codec: FFmpeg's name of the codec (`h264`, `aac`).
        time_base: unit of its timestamps in seconds.
        start, duration: s.
        width, height: of the picture as it is coded, before rotation.
        size: (width, height) of the upright picture with square pixels.
        rotation: degrees counter-clockwise by which the coded picture is turned to stand upright: 0, 90, 180
            or 270.
        aspect: width over height of one coded pixel.
        rate: average frames per second.
        sample_rate: Hz.
        channels, layout: how many, and FFmpeg's name of their arrangement (`stereo`, `5.1(side)`).
        language: as written in the file (`eng`), empty where undetermined.
        title: as written in the file.
        attached_picture: a cover or thumbnail: it is no video.
        default: the file marks it as the one to play.
        encrypted: its packets cannot be read without a key.
        problems: what is wrong with it, in plain sentences.
        readable: whether it can be decoded.
    """

    index: int
    kind: str
    codec: str = ""
    time_base: Fraction | None = None
    start: float | None = None
    duration: float | None = None
    width: int = 0
    height: int = 0
    size: tuple[int, int] = (0, 0)
    rotation: int = 0
    aspect: float = 1.0
    rate: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    layout: str = ""
    language: str = ""
    title: str = ""
    attached_picture: bool = False
    default: bool = False
    encrypted: bool = False
    problems: tuple[str, ...] = ()
    readable: bool = True

    @property
    def is_video(self) -> bool:
        """Whether it is a moving picture (a cover is none)."""
        return self.kind == "video" and not self.attached_picture


@dataclass(frozen=True, slots=True)
class Medium:
    """One audio or video file.

    Args:
        path: the file.
        size_bytes: its size.
        format: FFmpeg's name of the container.
        duration: s, or None when the file does not say (`mien.media.probe.extent` finds it).
        start: presentation time of the medium's beginning on the file's own clock, s; it is 0 on ours.
        streams: all of them, in the file's order.
        problems: what is wrong with the file as a whole, in plain sentences.
        title: as written in the file.
    """

    path: Path
    size_bytes: int
    format: str
    duration: float | None
    start: float
    streams: tuple[StreamInfo, ...]
    problems: tuple[str, ...] = ()
    title: str = ""

    @property
    def videos(self) -> tuple[StreamInfo, ...]:
        """Moving pictures; attached pictures are none."""
        return tuple(s for s in self.streams if s.is_video)

    @property
    def audios(self) -> tuple[StreamInfo, ...]:
        """Sound streams."""
        return tuple(s for s in self.streams if s.kind == "audio")

    @property
    def subtitles(self) -> tuple[StreamInfo, ...]:
        """Embedded subtitles."""
        return tuple(s for s in self.streams if s.kind == "subtitle")

    @property
    def video(self) -> StreamInfo | None:
        """The moving picture to analyse: the readable one marked default, else the first readable."""
        return _preferred(self.videos)

    @property
    def audio(self) -> StreamInfo | None:
        """The sound to analyse unless another is chosen: the readable one marked default, else the first
        readable.
        """
        return _preferred(self.audios)

    def content_id(self) -> str:
        """Hash of the content (reads the whole file), see `mien.media.identity`."""
        return content_id(self.path)

    def choose_audio(self, which: int | str | None = None) -> StreamInfo | None:
        """The sound stream with that number in the file (`2`, `"2"`), language or title; None: the default.

        Raises:
            ParameterError: the file has no such sound stream, or it cannot be decoded.
        """
        if which is None or which == "":
            return self.audio
        wanted = str(which).strip().casefold()
        for stream in self.audios:
            if wanted in (str(stream.index), stream.language.casefold(), stream.title.casefold()):
                if not stream.readable:
                    raise ParameterError(
                        f"Audio stream {stream.index} cannot be decoded ({'; '.join(stream.problems)}); "
                        f"choose another: {shown(self.path)}"
                    )
                return stream
        there = ", ".join(f"{s.index} ({s.language or 'no language'})" for s in self.audios) or "none"
        raise ParameterError(f"There is no audio stream {which!r}; choose one of {there}: {shown(self.path)}")

    def check(self) -> None:
        """Raise unless some sound or moving picture can be decoded.

        Raises:
            MediaEncrypted: all of it is encrypted.
            NotMedia: there is no sound and no moving picture, or no decoder for any.
        """
        both = self.videos + self.audios
        if any(s.readable for s in both):
            return
        if any(s.encrypted for s in both):
            raise MediaEncrypted(
                f"The sound and pictures are encrypted (copy protection); use a copy that is not: {shown(self.path)}"
            )
        if not both:
            raise NotMedia(f"There is no sound and no video in the file; choose another: {shown(self.path)}")
        reasons = "; ".join(dict.fromkeys(f"stream {s.index}: {p}" for s in both for p in s.problems))
        raise NotMedia(f"Nothing in the file can be decoded ({reasons}); convert it to MP4 first: {shown(self.path)}")

    def info(
        self,
        audio: int | str | None = None,
        *,
        cues: tuple[Cue, ...] = (),
        cue_source: str = "",
        duration: float | None = None,
    ) -> MediaInfo:
        """What plugins are told, with the chosen sound stream.

        Args:
            audio: as in `choose_audio`.
            cues, cue_source: subtitles found by `mien.media.subtitles.find_cues`.
            duration: s, in place of a duration that the file does not say.
        """
        sound, picture = self.choose_audio(audio), self.video
        return MediaInfo(
            path=self.path,
            duration=self.duration if self.duration is not None else duration,
            has_audio=sound is not None,
            has_video=picture is not None,
            width=picture.size[0] if picture else 0,
            height=picture.size[1] if picture else 0,
            frame_rate=picture.rate if picture else 0.0,
            sample_rate=sound.sample_rate if sound else 0,
            channels=sound.channels if sound else 0,
            cues=cues,
            cue_source=cue_source,
            language=sound.language if sound else "",
            audio_stream=None if sound is None or sound is self.audio else sound.index,
        )


def _preferred(streams: tuple[StreamInfo, ...]) -> StreamInfo | None:
    readable = [s for s in streams if s.readable]
    return next((s for s in readable if s.default), readable[0] if readable else None)
