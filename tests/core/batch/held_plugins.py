"""A plugin that a test can hold in mid-file: as long as `HELD/NAME.hold` is there, with a mark `HELD/NAME.PID` beside it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from mien.models.hold import held
from mien.sdk import AnalyzerInfo, Audio, Params, Writes, hookimpl, param
from mien.tracks import Curve, Quantity

PEAK = Quantity("peak", "", 0.0, 2.0)


class PeakParams(Params):
    """What its model is like."""

    level: float = param(1.0, "which model", ge=0, le=1)


def load(folder: Path, level: str) -> object:
    """The plugin's model; a line in `loads` beside `HELD` for each time that it is loaded, with the process."""
    with (folder.parent / "loads").open("a") as loads:
        loads.write(f"{os.getpid()} {level}\n")
    return object()


class Peak:
    """The highest sample of each half second."""

    def prepare(self, media, params, ctx) -> None:
        self._marks = Path(os.environ["HELD"])
        self._name = media.path.stem
        held(load, self._marks.parent / "model", str(params.level))

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
            inputs=(Audio(8000, window=0.5),), params=PeakParams, outputs=(Writes("held.peak", "curve", (PEAK,)),),
        )
    )  # fmt: skip
