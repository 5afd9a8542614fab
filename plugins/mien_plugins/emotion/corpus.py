"""Acted speech with emotion words: clips, their labels on the three scales, and who is kept for testing."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien_plugins.emotion.norms import NEUTRAL, PAD, Triple

RATE = 16_000
TEST_SPEAKERS = ("ravdess-17", "ravdess-18", "ravdess-19", "ravdess-20", "emodb-15", "emodb-16")
"""For measuring only, nothing is trained on them: four actors of RAVDESS (17-20), two of EmoDB."""

SPREAD, SHIFT = 0.25, 0.15


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
    """The clips of `<data>/speech/manifest.csv`; raises FileNotFoundError where there is none."""
    folder = data / "speech"
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return [
            Clip(
                folder / row["path"],
                row["corpus"],
                f"{row['corpus']}-{int(row['speaker']):02d}",
                row["emotion"],
                row["intensity"],
                row["gender"],
                row["lang"],
            )
            for row in csv.DictReader(file)
        ]


def read_mono(path: Path, rate: int = RATE) -> NDArray[np.float32]:
    """A sound file as mono float32 at `rate` Hz."""
    import av

    from mien.media.opening import open_medium

    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    with open_medium(path) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    frames += resampler.resample(None)
    parts = [frame.to_ndarray().ravel() for frame in frames]
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)


def folds(speakers: Mapping[str, str], count: int) -> list[list[str]]:
    """`count` groups of speakers, each with its share of every corpus and gender; `speakers` gives each one's gender."""
    ordered = sorted(speakers, key=lambda name: (name.split("-")[0], speakers[name], name))
    return [ordered[first::count] for first in range(count)]
