"""What a plugin is told of the medium before its first block."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: start and end in seconds, its text without markup, and who speaks if it is said."""

    start: float
    end: float
    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """One medium as plugins see it. All times are seconds from the medium's beginning.

    Args:
        path: the file; plugins do not open it, the host hands them what they declared.
        duration: s, or None when the file does not say.
        has_audio, has_video: whether a stream of that kind will be decoded.
        width, height: of the upright picture in pixels, 0 without video.
        frame_rate: average frames per second, 0 when unknown or without video.
        sample_rate: of the chosen audio stream in Hz, 0 without audio.
        channels: of the chosen audio stream.
        cues: the medium's own subtitles, embedded or side-car.
        cue_source: where the cues are from (`embedded stream 2 (srt, eng)`, `clip.en.srt`).
        language: of the chosen audio stream, as the file says (`eng`), or empty.
        audio_stream: number in the file of the chosen audio stream where that is not the default one, else None.
    """

    path: Path
    duration: float | None = None
    has_audio: bool = False
    has_video: bool = False
    width: int = 0
    height: int = 0
    frame_rate: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    cues: tuple[Cue, ...] = ()
    cue_source: str = ""
    language: str = ""
    audio_stream: int | None = None
