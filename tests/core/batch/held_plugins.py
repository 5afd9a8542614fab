"""A plugin that a test can hold in mid-file: as long as `HELD/NAME.hold` is there, with a mark `HELD/NAME.PID` beside it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from mien.sdk import AnalyzerInfo, Audio, Writes, hookimpl
from mien.tracks import Curve, Quantity

PEAK = Quantity("peak", "", 0.0, 2.0)


class Peak:
    """The highest sample of each half second."""

    def prepare(self, media, params, ctx) -> None:
        self._marks = Path(os.environ["HELD"])
        self._name = media.path.stem

    def process(self, block):
        w = block.windows
        if w is None:
            return
        yield Curve("held.peak", w.starts + w.valid / w.rate / 2, np.abs(w.samples).max(1)[:, None], (PEAK,))
        if (self._marks / f"{self._name}.hold").exists():
            (self._marks / f"{self._name}.{os.getpid()}").touch()
        while (self._marks / f"{self._name}.hold").exists():
            time.sleep(0.02)

    def finish(self):
        return ()

    def close(self) -> None:
        pass


@hookimpl
def mien_register(registry) -> None:
    registry.analyzer(
        AnalyzerInfo(
            id="held.peak", title="Peak", version="1", modality="sound", factory=f"{__name__}:Peak", default=False,
            inputs=(Audio(8000, window=0.5),), outputs=(Writes("held.peak", "curve", (PEAK,)),),
        )
    )  # fmt: skip
