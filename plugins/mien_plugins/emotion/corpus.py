"""Acted speech with emotion words: clips, their labels on the three scales, and who is kept for testing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, shown
from mien.training.rows import read_rows, within
from mien_plugins.emotion.norms import NEUTRAL, PAD, Triple

RATE = 16_000
TEST_SPEAKERS = ("ravdess-17", "ravdess-18", "ravdess-19", "ravdess-20", "emodb-15", "emodb-16")
"""For measuring only, nothing is trained on them: four actors of RAVDESS (17-20), two of EmoDB."""

SPREAD, SHIFT = 0.25, 0.15
_LONGEST = 9  # digits of a number
_COLUMNS = ("corpus", "path", "emotion", "speaker", "gender", "lang", "intensity")


@dataclass(frozen=True)
class Clip:
    """One recording of an actor. `intensity` is "normal", "strong", or empty where a corpus has but one."""

    path: Path
    corpus: str
    speaker: str
    emotion: str
    intensity: str
    gender: str = ""
    language: str = ""

    @property
    def label(self) -> Triple:
        """Valence, arousal and dominance in [-1, 1], as `attributes` gives them."""
        return attributes(self.emotion, self.intensity)

    @cached_property
    def samples(self) -> NDArray[np.float32]:
        """Mono sound at 16 kHz (N,)."""
        return read_mono(self.path)


def attributes(emotion: str, intensity: str = "") -> Triple:
    """Where an acted emotion is taken to lie: the norm of its word, moved by how intensely it was acted.

    The norm stands between RAVDESS' two intensities: valence and dominance are 25 % nearer to neutral
    (normal) or farther from it (strong); arousal is 0.15 lower or higher, because intensity is acted with
    more physical activation whatever the emotion (scaling would make strong sadness calmer than normal
    sadness, the opposite of how it sounds). Calm, which RAVDESS added as a second baseline beside neutral,
    lies half-way to its norm, and is only scaled.
    """
    valence, arousal, dominance = PAD[emotion]
    factor = {"normal": 1.0 - SPREAD, "strong": 1.0 + SPREAD}.get(intensity, 1.0)
    if emotion == "calm":
        factor, shift = 0.5 * factor, 0.0
        arousal *= factor
    else:
        shift = {"normal": -SHIFT, "strong": SHIFT}.get(intensity, 0.0)
    if PAD[emotion] == NEUTRAL:
        return NEUTRAL
    clip = np.clip([valence * factor, arousal + shift, dominance * factor], -1.0, 1.0)
    return float(clip[0]), float(clip[1]), float(clip[2])


def read_clips(data: Path) -> list[Clip]:
    """The clips of `<data>/speech/manifest.csv`.

    Raises:
        CorpusError: the table is missing or unfit, or a row has a speaker without a number, an emotion that is not known or a
            recording outside of the folder.
    """
    path = data / "speech" / "manifest.csv"
    rows = read_rows(path, _COLUMNS)
    if not rows:
        raise CorpusError(f"The list names no recording; each row below its heading is one: {shown(path)}")
    return [_clip(path, number, row) for number, row in enumerate(rows, 1)]


def _clip(path: Path, number: int, row: Mapping[str, str]) -> Clip:
    speaker, emotion = row["speaker"], row["emotion"]
    if not speaker.isdecimal() or len(speaker) > _LONGEST:
        raise CorpusError(f"Row {number} should number its speaker, not say “{shown(speaker[:20])}”: {shown(path)}")
    if emotion not in PAD:
        raise CorpusError(
            f"Row {number} of speech/manifest.csv has the emotion “{shown(emotion[:20])}”, of which it is not "
            f"known where it lies; known are {', '.join(PAD)}: {shown(path)}"
        )
    who = f"{row['corpus']}-{int(speaker):02d}"
    kinds = (emotion, row["intensity"], row["gender"], row["lang"])
    return Clip(within(path.parent, row["path"]), row["corpus"], who, *kinds)


def read_mono(path: Path, rate: int = RATE) -> NDArray[np.float32]:
    """A sound file as mono float32 (N,) at `rate` Hz.

    Raises:
        MediaError: there is no such file, or it is no medium.
        CorpusError: it has no sound, or what it has cannot be decoded.
    """
    import av
    import av.error

    from mien.media.opening import open_medium

    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    with open_medium(path) as container:
        if not container.streams.audio:
            raise CorpusError(f"There is no sound in this recording: {shown(path)}")
        try:
            frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
            frames += resampler.resample(None)
        except av.error.FFmpegError as error:
            raise CorpusError(f"The recording's sound cannot be decoded ({error.strerror}): {shown(path)}") from error
    parts = [frame.to_ndarray().ravel() for frame in frames]
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


def folds(speakers: Mapping[str, str], count: int) -> list[list[str]]:
    """`count` groups of speakers, each with its share of every corpus and gender; `speakers` gives each one's gender."""
    ordered = sorted(speakers, key=lambda name: (name.split("-")[0], speakers[name], name))
    return [ordered[first::count] for first in range(count)]
