"""Small real plugins that the engine's tests register through MIEN_PLUGINS: each does one thing, well or badly."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterable

import numpy as np

from mien.sdk import (
    AnalyzerInfo,
    Audio,
    Crops,
    Explanation,
    FaceExplanation,
    Frames,
    FusionInfo,
    FusionParams,
    Params,
    Reads,
    Utterances,
    Writes,
    hookimpl,
    param,
)
from mien.tracks import Boxes, Curve, Quantity, Spans, probability

LEVEL = Quantity("level", "dB", -120.0, 10.0)
BRIGHTNESS = Quantity("brightness", "", 0.0, 255.0)
ORDER = Quantity("order", "", -1000.0, 1000.0)
_COUNT = itertools.count()


class LevelParams(Params):
    """Window of the level meter."""

    window: float = param(0.5, "length of a window", unit="s", gt=0, le=10)


class Base:
    """Keeps what prepare gives; finishes with nothing."""

    def prepare(self, media, params, ctx) -> None:
        self.media, self.params, self.ctx = media, params, ctx

    def finish(self) -> Iterable:
        return ()

    def close(self) -> None:
        pass


class Level(Base):
    """Sound level in dB per window."""

    def process(self, block):
        w = block.windows
        if w is None:
            return
        power = (w.samples.astype(float) ** 2).sum(1) / np.maximum(w.valid, 1)
        centre = w.starts + w.valid / w.rate / 2
        yield Curve("tiny.level", centre, 10 * np.log10(power + 1e-12)[:, None], (LEVEL,))

    def explain(self, window, params, ctx):
        """Half of the level comes from each half of the window."""
        start, length = float(window.starts[0]), window.samples.shape[1] / window.rate
        rows = [(start + k * length / 2, start + (k + 1) * length / 2, "half", "", 0.5) for k in (0, 1)]
        return Explanation(Spans.of("tiny.parts", rows), reading=1.0, intercept=0.0, fit=1.0)


class Loud(Base):
    """Spans where the level is over a threshold; reads the level."""

    def process(self, block):
        for piece in block.tracks.get("tiny.level", ()):
            rows = [
                (t, t + 0.1, "loud", "", 0.9) for t, v in zip(piece.times, piece.values[:, 0], strict=True) if v > -40
            ]
            yield Spans.of("tiny.loud", [r for r in rows if r[1] <= (self.media.duration or 1e9)])


class Heard(Base):
    """The root mean square of each utterance that `Loud` found."""

    def process(self, block):
        for u in block.utterances:
            yield Curve("tiny.heard", [u.start], [[len(u.samples) / u.rate]], (Quantity("length", "s", 0, 100),))


class Brightness(Base):
    """Mean brightness of each picture, and one box in its middle."""

    def process(self, block):
        f = block.frames
        if f is None:
            return
        yield Curve("tiny.brightness", f.times, f.images.mean((1, 2, 3))[:, None], (BRIGHTNESS,))
        h, w = f.images.shape[1:3]
        box = np.tile(np.array([w / 4, h / 4, w / 2, h / 2]) * (*f.scale, *f.scale), (len(f.times), 1))
        yield Boxes("tiny.boxes", f.times, np.zeros(len(f.times)), box, np.ones(len(f.times)))


class CropMean(Base):
    """Mean brightness of each crop."""

    def process(self, block):
        c = block.crops
        if c is not None:
            yield Curve("tiny.crops", c.times, c.images.mean((1, 2, 3))[:, None], (BRIGHTNESS,), person=c.person)

    def explain_face(self, faces, params, ctx):
        """Each pixel counts as much as it is bright."""
        light = faces.images[0].mean(2, dtype=np.float32) + 1.0
        ctx.progress(0.5)
        return FaceExplanation(
            float(faces.times[0]), int(faces.person[0]), faces.boxes[0], faces.images[0], light / light.sum()
        )


class Aside(Base):
    """Works in a process of its own, which it starts when it is prepared; its reading says how long before `First` that was."""

    def prepare(self, media, params, ctx) -> None:
        super().prepare(media, params, ctx)
        if media.has_video:
            raise RuntimeError("the process cannot be started")
        self.begun = next(_COUNT)

    def process(self, block):
        for piece in block.tracks.get("tiny.first", ()):
            waited = piece.values[0, 0] - self.begun
            yield Curve("tiny.aside", piece.times[:1], [[waited]], (ORDER,))


class First(Base):
    """Its place in the order of preparing."""

    def prepare(self, media, params, ctx) -> None:
        super().prepare(media, params, ctx)
        self.begun = next(_COUNT)

    def process(self, block):
        yield Curve("tiny.first", [block.start], [[self.begun]], (ORDER,))


class Raises(Base):
    """Raises in the middle."""

    def process(self, block):
        raise RuntimeError("this plugin always fails")


class Hopes(Base):
    """How many spans `Raises` told it of, where that could tell it anything."""

    def prepare(self, media, params, ctx) -> None:
        super().prepare(media, params, ctx)
        self.count = 0

    def process(self, block):
        self.count += sum(len(piece) for piece in block.tracks.get("tiny.raises", ()))
        return ()

    def finish(self):
        yield Curve("tiny.hopes", [0.0], [[self.count]], (ORDER,))


class Echoes(Base):
    """What `Hopes` said."""

    def process(self, block):
        for piece in block.tracks.get("tiny.hopes", ()):
            yield Curve("tiny.echoes", piece.times, piece.values, (ORDER,))


class Floods(Base):
    """When `First` has come to its end: more than any disk that a test keeps small can hold."""

    def process(self, block):
        return ()

    def finish(self):
        for start in range(64):
            times = (start + np.arange(16384) / 16384) / 64 * self.media.duration
            yield Curve("tiny.floods", times, np.random.default_rng(start).uniform(-9, 9, (16384, 1)), (ORDER,))


class Nonsense(Base):
    """Writes a value outside its extent."""

    def process(self, block):
        yield Curve("tiny.nonsense", [block.start], [[7.0]], (probability("odd"),))


class Sleeps(Base):
    """Takes forever and never asks whether it was cancelled."""

    def process(self, block):
        time.sleep(60)
        return ()


class Chatters(Base):
    """Tells how far it is for ever, and never asks whether it was cancelled."""

    def process(self, block):
        for n in itertools.count():
            self.ctx.progress(n / 1e6)  # the host passes on what is further than before
            time.sleep(0.001)
        return ()


class Dies(Base):
    """Takes its whole process with it."""

    def process(self, block):
        os._exit(7)


class TinyFusion:
    """Loud or not."""

    def prepare(self, tracks, params, ctx) -> None:
        pass

    def fuse(self, grid):
        from mien.sdk import Fused

        mask = grid.mask.get("tiny.loud", np.zeros(grid.times.size, bool))
        score = np.where(mask, 1.0, 0.0).astype(np.float32)
        return Fused(score, np.ones((grid.times.size, 1), np.float32), ("sound",), score[:, None])


class SlowFusion(TinyFusion):
    """Takes forever and never asks whether it was cancelled."""

    def fuse(self, grid):
        time.sleep(60)
        return super().fuse(grid)


def _info(name: str, **fields) -> AnalyzerInfo:
    return AnalyzerInfo(
        id=f"tiny.{name.lower()}", title=name, version="1", modality="sound", factory=f"{__name__}:{name}",
        default=False, **fields,
    )  # fmt: skip


def level_inputs(params: LevelParams):
    return (Audio(8000, window=params.window),)


@hookimpl
def mien_register(registry) -> None:
    curve = {"level": (LEVEL,), "brightness": (BRIGHTNESS,), "crops": (BRIGHTNESS,)}
    registry.analyzer(
        _info(
            "Level", inputs=level_inputs, params=LevelParams, outputs=(Writes("tiny.level", "curve", curve["level"]),)
        )
    )
    registry.analyzer(_info("Loud", inputs=(Reads("tiny.level"),), outputs=(Writes("tiny.loud", "spans"),)))
    length = (Quantity("length", "s", 0, 100),)
    registry.analyzer(
        _info("Heard", inputs=(Utterances(8000, "tiny.loud"),), outputs=(Writes("tiny.heard", "curve", length),))
    )
    registry.analyzer(
        _info(
            "Brightness",
            inputs=(Frames(rate=5, size=64),),
            outputs=(Writes("tiny.brightness", "curve", curve["brightness"]), Writes("tiny.boxes", "boxes")),
        )
    )
    registry.analyzer(
        _info(
            "CropMean",
            inputs=(Crops(32, track="tiny.boxes"),),
            outputs=(Writes("tiny.crops", "curve", curve["crops"]),),
        )
    )
    registry.analyzer(_info("First", inputs=(Audio(8000),), outputs=(Writes("tiny.first", "curve", (ORDER,)),)))
    registry.analyzer(
        _info(
            "Aside", inputs=(Reads("tiny.first"),), outputs=(Writes("tiny.aside", "curve", (ORDER,)),), own_process=True
        )
    )
    registry.analyzer(_info("Raises", inputs=(Audio(8000),), outputs=(Writes("tiny.raises", "spans"),)))
    registry.analyzer(
        _info(
            "Hopes",
            inputs=(Audio(8000), Reads("tiny.raises", optional=True)),
            outputs=(Writes("tiny.hopes", "curve", (ORDER,)),),
        )
    )
    registry.analyzer(
        _info("Echoes", inputs=(Reads("tiny.hopes"),), outputs=(Writes("tiny.echoes", "curve", (ORDER,)),))
    )
    registry.analyzer(
        _info("Floods", inputs=(Reads("tiny.first"),), outputs=(Writes("tiny.floods", "curve", (ORDER,)),))
    )
    registry.analyzer(
        _info("Nonsense", inputs=(Audio(8000),), outputs=(Writes("tiny.nonsense", "curve", (probability("odd"),)),))
    )
    registry.analyzer(_info("Sleeps", inputs=(Audio(8000),), outputs=(Writes("tiny.sleeps", "spans"),)))
    registry.analyzer(_info("Chatters", inputs=(Audio(8000),), outputs=(Writes("tiny.chatters", "spans"),)))
    registry.analyzer(_info("Dies", inputs=(Audio(8000),), outputs=(Writes("tiny.dies", "spans"),)))
    registry.fusion(
        FusionInfo(
            id="fusion.tiny", title="Tiny", version="1", factory=f"{__name__}:TinyFusion", params=FusionParams,
            accepts=("tiny.loud", "tiny.level", "tiny.echoes"),
        )
    )  # fmt: skip
    registry.fusion(
        FusionInfo(
            id="fusion.slow", title="Slow", version="1", factory=f"{__name__}:SlowFusion", params=FusionParams,
            accepts=("tiny.level",),
        )
    )  # fmt: skip
