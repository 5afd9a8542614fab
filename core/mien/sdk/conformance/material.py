"""What plugins are tried on: made, never recorded, the same at every run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from mien.sdk.descriptors import Writes
from mien.sdk.media import MediaInfo
from mien.tracks.quantity import Quantity
from mien.tracks.track import AnyTrack, Boxes, Curve, Features, Spans

Sound = Literal["none", "silence", "noise", "clipping"]
RATE = 16_000
"""Hz of the sound."""
FPS = 5
WIDTH, HEIGHT = 160, 120
_SAID = ("so what did you see", "nothing at all", "I do not believe a word of it", "then ask her")


@dataclass(frozen=True, slots=True)
class Material:
    """One medium.

    Args:
        name: of the check that it is for.
        duration: s.
        sound: what there is to hear.
        pictures: how many frames there are to see.
        tracks: `full`, `empty` (nothing was found: no face, no speech) or `gaps` (NaN wherever a track may hold one).
    """

    name: str
    duration: float
    sound: Sound = "noise"
    pictures: int = 0
    tracks: Literal["full", "empty", "gaps"] = "full"

    def media(self) -> MediaInfo:
        """As a plugin is told of it."""
        from pathlib import Path

        seen = self.pictures > 0
        heard = self.sound != "none"
        return MediaInfo(
            Path(f"{self.name}.mkv"), self.duration, has_audio=heard, has_video=seen,
            width=WIDTH if seen else 0, height=HEIGHT if seen else 0, frame_rate=FPS if seen else 0.0,
            sample_rate=RATE if heard else 0, channels=1 if heard else 0,
        )  # fmt: skip

    def chunks(self) -> Iterator[tuple[float, npt.NDArray[np.float32]]]:
        """Start in s and samples (n,) of the sound, a second at a time."""
        if self.sound == "none":
            return
        rng = np.random.default_rng(0)
        total = max(1, round(self.duration * RATE))
        for first in range(0, total, RATE):
            size = min(RATE, total - first)
            draw = rng.standard_normal(size)
            wave = {"silence": draw * 0, "noise": (draw * 0.1).clip(-1, 1), "clipping": np.sign(draw)}[self.sound]
            yield first / RATE, wave.astype(np.float32)

    def images(self) -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
        """Time in s and picture (H, W, 3) of each frame: grey noise, in which there is no face."""
        rng = np.random.default_rng(1)
        for n in range(self.pictures):
            yield n / FPS, rng.integers(90, 160, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def usual(duration: float = 6.0) -> tuple[Material, ...]:
    """All but the long one."""
    frames = int(duration * FPS)
    return (
        Material("noise", duration, "noise", frames),
        Material("silence", duration, "silence", frames),
        Material("clipping", duration, "clipping", frames),
        Material("one-frame", 1 / FPS, "none", 1),
        Material("no-face", duration, "noise", frames, "empty"),
        Material("no-audio", duration, "none", frames),
        Material("no-picture", duration, "noise"),
        Material("very-short", 0.02, "noise", 1),
        Material("nan-in-reads", duration, "noise", frames, "gaps"),
    )


def make_track(written: Writes, material: Material) -> AnyTrack | None:
    """A track as another plugin could have written it over the material, or None where it found nothing."""
    if material.tracks == "empty":
        return None
    rng = np.random.default_rng(2)
    length = material.duration
    times = np.arange(0.0, length, 0.25)
    if written.kind == "curve":
        values = np.stack([_inside(q, rng, times.size) for q in written.quantities], axis=1)
        if len(written.quantities) > 1 and all((q.low, q.high) == (0, 1) for q in written.quantities):
            values /= values.sum(axis=1, keepdims=True)  # several probabilities at once are a distribution
        return Curve(written.name, times, values, written.quantities)
    if written.kind == "spans":
        starts = np.arange(0.0, length, 1.0)
        scores = _inside(written.quantities[0] if written.quantities else Quantity("score", "", 0, 1), rng, starts.size)
        if material.tracks == "gaps":
            scores[::2] = np.nan
        said: Sequence[str] = [_SAID[n % len(_SAID)] for n in range(starts.size)]
        rows = [(t, min(t + 0.8, length), "speech", text, s) for t, text, s in zip(starts, said, scores, strict=True)]
        return Spans.of(written.name, rows)
    if written.kind == "boxes":
        if not material.pictures:
            return None
        at = np.arange(material.pictures) / FPS
        box = np.tile(np.array([40, 20, 60, 80], np.float32), (at.size, 1))
        marks = np.array([[55, 45], [85, 45], [70, 60], [58, 80], [82, 80]], np.float32)
        person, sure = np.zeros(at.size, np.int32), np.ones(at.size, np.float32)
        return Boxes(written.name, at, person, box, sure, np.tile(marks, (at.size, 1, 1)))
    return Features(written.name, times, rng.standard_normal((times.size, 8)).astype(np.float32))


def _inside(quantity: Quantity, rng: np.random.Generator, size: int) -> npt.NDArray[np.float32]:
    low = quantity.low if quantity.low is not None else (0.0 if quantity.high is None else quantity.high - 1.0)
    high = quantity.high if quantity.high is not None else low + 1.0
    return rng.uniform(low, high, size).astype(np.float32)
