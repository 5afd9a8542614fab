"""What is trained on and measured: sounds with their labels, and what each kind of model hears of them.

One set of sounds serves every model that is compared: clips as they were recorded (without the silence at both
ends), the same clips in other rooms and at other speeds, and windows of several seconds strung together from the
clips of one speaker, emotion and intensity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.training.arrays import Form, keep_arrays, kept_arrays
from mien_plugins.emotion.corpus import Clip
from mien_plugins.emotion.features import MID_TERM, Recipe
from mien_plugins.emotion.logmel import LogMel
from mien_plugins.emotion.windows import ROWS, Sound, Span, cut, elsewhere, groups, trim

_NO_MID, _NO_FRAMES = np.zeros((0, len(MID_TERM)), np.float32), np.zeros((0, 1), np.float16)

CLIP, NOISY_CLIP, WINDOW, NOISY_WINDOW = "clip", "noisy clip", "window", "noisy window"
CALIBRATION, NOISY_CALIBRATION = "calibration window", "noisy calibration window"
"""Of the length that the analyzer reads by default: no net is trained on them, nor any compared by them."""


_FORMS: dict[str, Form] = {
    "mid": ("<f4", ("N", "R", len(MID_TERM))), "frames": ("<f2", ("F", "B")), "label": ("<f4", ("N", 3)),
    **{name: ("<i8", ("N",)) for name in ("rows", "start", "length", "clip")},
    **{name: ("U", ("N",)) for name in ("speaker", "emotion", "gender", "language", "kind")},
}  # fmt: skip

Made = tuple[Sound, Clip, str, int]
"""A sound, the clip whose labels it has, its kind, and the number of the recording (-1: of several)."""


@dataclass(frozen=True)
class Material:
    """Row i of every field but `frames` belongs together.

    mid: (N, rows, 136) mid-term windows of f1 and f2, zero beyond `rows` (N,). frames: (F, bands) log-mel frames of
    all sounds one behind the other, of which sound i has `length[i]` from `start[i]` on. label: (N, 3). kind: one
    of the constants above; clip: (N,) which recording, or -1 for windows of several.
    """

    mid: NDArray[np.float32]
    rows: NDArray[np.int64]
    frames: NDArray[np.float16]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    label: NDArray[np.float32]
    speaker: NDArray[np.str_]
    emotion: NDArray[np.str_]
    gender: NDArray[np.str_]
    language: NDArray[np.str_]
    kind: NDArray[np.str_]
    clip: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def corpus(self) -> NDArray[np.str_]:
        """(N,) name of the corpus of each sound."""
        return np.array([self.corpus_of(row) for row in range(len(self))])

    def corpus_of(self, row: int) -> str:
        """Name of the corpus of one sound."""
        return str(self.speaker[row]).split("-")[0]

    def take(self, mask: NDArray[np.bool_]) -> Material:
        """The sounds where the mask is true; the frames are shared, not copied."""
        return Material(
            **{
                f.name: getattr(self, f.name) if f.name == "frames" else getattr(self, f.name)[mask]
                for f in fields(self)
            }
        )

    def of(self, *kinds: str) -> Material:
        """The sounds of these kinds."""
        return self.take(np.isin(self.kind, kinds))

    def heard(self, row: int) -> NDArray[np.float16]:
        """The log-mel frames of one sound."""
        return self.frames[self.start[row] : self.start[row] + self.length[row]]

    def save(self, path: Path) -> None:
        """Write to an .npz file, whole or not at all."""
        keep_arrays(path, {f.name: getattr(self, f.name) for f in fields(self)}, _FORMS)

    @classmethod
    def load(cls, path: Path) -> Material | None:
        """The inverse of `save`; None where there is none, or it is damaged."""
        found = kept_arrays(path, _FORMS)
        if found is None:
            return None
        self = cls(**found)
        ends = self.start.astype(object) + self.length  # whole numbers without end: a damaged one may be any
        inside = (self.rows >= 0) & (self.rows <= self.mid.shape[1]) & (self.start >= 0) & (self.length >= 0)
        held = not len(self.frames) or all(end <= len(self.frames) for end in ends)  # some nets look at no frames
        return self if bool(np.all(inside)) and held else None


@dataclass(frozen=True)
class Listener:
    """Makes rows of a `Material` from sounds; what is None is not listened for, and left empty."""

    features: Recipe | None
    logmel: LogMel | None

    def collect(self, sounds: Iterator[Made]) -> Material:
        """One row a sound, in order."""
        mids, heard, clips, kinds, numbers = [], [], [], [], []
        for sound, clip, kind, number in sounds:
            mids.append(np.asarray(self.features.mid_of(sound), np.float32) if self.features else _NO_MID)
            heard.append(self.logmel.of(sound).astype(np.float16) if self.logmel else _NO_FRAMES)
            clips.append(clip)
            kinds.append(kind)
            numbers.append(number)
        length = np.array([len(h) for h in heard], np.int64)
        return Material(
            pack(mids),
            np.array([len(m) for m in mids], np.int64),
            np.concatenate(heard),
            np.cumsum(length) - length,
            length,
            np.array([c.label for c in clips], np.float32),
            np.array([c.speaker for c in clips]),
            np.array([c.emotion for c in clips]),
            np.array([c.gender for c in clips]),
            np.array([c.language for c in clips]),
            np.array(kinds),
            np.array(numbers, np.int64),
        )


def as_recorded(clips: Sequence[Clip]) -> Iterator[Made]:
    """Every clip once, without the silence at both ends."""
    for number, clip in enumerate(clips):
        yield trim(clip.samples), clip, CLIP, number


def in_other_rooms(clips: Sequence[Clip], copies: int, seed: Sequence[int]) -> Iterator[Made]:
    """Every clip `copies` times, at another speed and through another room and microphone each time."""
    for number, clip in enumerate(clips):
        rng = np.random.default_rng([*seed, number])
        spoken = trim(clip.samples)
        for _ in range(copies):
            yield elsewhere(spoken, rng), clip, NOISY_CLIP, number


def strung(
    clips: Sequence[Clip],
    seconds: Span,
    count: int,
    seed: Sequence[int],
    *,
    disturbed: bool,
    kinds: tuple[str, str] = (WINDOW, NOISY_WINDOW),
) -> Iterator[Made]:
    """`count` windows of each speaker, emotion and intensity; twice as many of what has but one intensity.

    kinds: what they are called as recorded, and disturbed.
    """
    for number, group in enumerate(groups(clips)):
        rng = np.random.default_rng([*seed, number])
        wanted = count * (1 if group[0].intensity and group[0].emotion != "neutral" else 2)
        for window in cut(group, seconds, wanted, rng, disturbed=disturbed):
            yield window, group[0], kinds[disturbed], -1


def pack(mids: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Mid-term windows of different counts in one array of `ROWS` at least."""
    packed = np.zeros((len(mids), max([ROWS, *(len(m) for m in mids)]), len(MID_TERM)), np.float32)
    for row, mid in enumerate(mids):
        packed[row, : len(mid)] = mid
    return packed


def merge(*parts: Material) -> Material:
    """Several materials as one, in that order."""
    base = np.cumsum([0, *(len(p.frames) for p in parts)])
    rows = max(p.mid.shape[1] for p in parts)

    def joined(name: str) -> NDArray[np.generic]:
        if name == "start":
            return np.concatenate([p.start + b for p, b in zip(parts, base, strict=False)])
        if name == "mid":
            return np.concatenate([np.pad(p.mid, ((0, 0), (0, rows - p.mid.shape[1]), (0, 0))) for p in parts])
        return np.concatenate([getattr(p, name) for p in parts])

    make: Callable[..., Material] = Material
    return make(**{f.name: joined(f.name) for f in fields(Material)})
