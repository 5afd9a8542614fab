"""Small real plugins for the queue's tests: the sound's level, as slowly as it is told to; and one that fails on some files."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from mien.sdk import AnalyzerInfo, Audio, Params, Writes, hookimpl, param
from mien.tracks import Curve, Quantity

LEVEL = Quantity("level", "dB", -120.0, 10.0)
THERE = Quantity("there", "", 0.0, 1.0)


class SlowParams(Params):
    """How slowly."""

    nap: float = param(0.0, "rest after each window", unit="s", ge=0, le=60)


class Slow:
    """Sound level in dB per half second, with a rest after each."""

    def prepare(self, media, params, ctx) -> None:
        self.nap, self.ctx, self.duration = params.nap, ctx, media.duration

    def process(self, block) -> Iterable:
        w = block.windows
        if w is None:
            return
        for start, valid, samples in zip(w.starts, w.valid, w.samples, strict=True):
            time.sleep(self.nap)
            self.ctx.check_cancelled()
            self.ctx.progress(min(1.0, (start + valid / w.rate) / self.duration))
            power = float((samples.astype(float) ** 2).sum()) / max(int(valid), 1)
            yield Curve("slow.level", [start + valid / w.rate / 2], [[10 * np.log10(power + 1e-12)]], (LEVEL,))

    def finish(self) -> Iterable:
        return ()

    def close(self) -> None:
        pass


class Fussy:
    """Whether there is sound at all; fails on files that are called odd."""

    def prepare(self, media, params, ctx) -> None:
        if media.path.stem.startswith("odd"):
            raise ValueError("it is too odd")

    def process(self, block) -> Iterable:
        if block.windows is not None:
            for start in block.windows.starts:
                yield Curve("fussy.there", [start], [[1.0]], (THERE,))

    def finish(self) -> Iterable:
        return ()

    def close(self) -> None:
        pass


@hookimpl
def mien_register(registry) -> None:
    registry.analyzer(
        AnalyzerInfo(
            id="fussy", title="Fussy", version="1", modality="sound", factory=f"{__name__}:Fussy", default=False,
            inputs=(Audio(8000, window=0.5),), outputs=(Writes("fussy.there", "curve", (THERE,)),),
        )
    )  # fmt: skip
    registry.analyzer(
        AnalyzerInfo(
            id="slow", title="Slow level", version="1", modality="sound", factory=f"{__name__}:Slow", default=False,
            inputs=(Audio(8000, window=0.5),), params=SlowParams, outputs=(Writes("slow.level", "curve", (LEVEL,)),),
        )
    )  # fmt: skip
