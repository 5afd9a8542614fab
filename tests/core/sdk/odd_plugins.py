"""Plugins with one fault each, which the conformance kit must find. Registered by tests alone."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from mien.errors import UsageError
from mien.sdk import AnalyzerInfo, Audio, Frames, FusionInfo, FusionParams, Params, Reads, Writes, hookimpl, param
from mien.sdk.protocols import Fused
from mien.tracks import Curve, probability

SURE = probability("sure")


class Loose(Params):
    """One parameter without bounds, unit and description, and one at whose end the plugin breaks."""

    loose: int = 3
    source: Literal["sound", "subtitles"] = param("sound", "what is read")
    shift: float = param(0.5, "what is added", unit="", ge=0, le=1)


class Good:
    """Reads one half wherever there is sound."""

    def prepare(self, media: Any, params: Any, ctx: Any) -> None:
        self.media, self.params, self.ctx = media, params, ctx

    def process(self, block: Any) -> Iterable[Curve]:
        times = [block.start]
        yield Curve(f"odd.{type(self).__name__.lower()}", times, [[self.value(block)]], (SURE,))

    def value(self, block: Any) -> float:
        return 0.5

    def finish(self) -> Iterable[Curve]:
        return ()

    def close(self) -> None:
        pass


class Outside(Good):
    """Leaves its extent when the sound is at full scale."""

    def value(self, block: Any) -> float:
        return float(np.abs(block.audio.samples).max() * 1.5)


class Random(Good):
    """Never reads the same twice."""

    def value(self, block: Any) -> float:
        return int.from_bytes(os.urandom(2), "big") / 65535


class Edge(Good):
    """Breaks at the upper end of a parameter, and says of a choice what it needs."""

    def value(self, block: Any) -> float:
        if self.params.source == "subtitles":
            raise UsageError("The medium has no subtitles.")
        if self.params.shift >= 1:
            raise ZeroDivisionError("no room is left")
        return 0.5


class Slow(Good):
    """Does not ask whether it was stopped: each block of an hour takes it seven seconds."""

    def value(self, block: Any) -> float:
        if self.media.duration > 1800:
            time.sleep(7)
        return 0.5


class Hoards(Good):
    """Keeps all that it hears, many times over."""

    def value(self, block: Any) -> float:
        self.kept = [*getattr(self, "kept", ()), np.tile(block.audio.samples, 64)]
        return 0.5


class Dies(Good):
    """Takes its process with it when there is no sound to speak of."""

    def value(self, block: Any) -> float:
        if not np.abs(block.audio.samples).any():
            os._exit(3)
        print("this must not get among the findings")
        return 0.5


class Calls(Good):
    """Asks for a host."""

    def value(self, block: Any) -> float:
        try:
            socket.getaddrinfo("example.invalid", 80)
        except OSError:
            return 0.25
        return 0.5


class Once(Good):
    """Cannot do with a single picture and nothing else."""

    def process(self, block: Any) -> Iterable[Curve]:
        self.seen = getattr(self, "seen", 0) + len(block.frames.times)
        return super().process(block)

    def finish(self) -> Iterable[Curve]:
        if self.seen == 1 and not self.media.has_audio:
            raise ZeroDivisionError("no two pictures")
        return ()


class Mute(Once):
    """Takes it that pictures come with sound."""

    def finish(self) -> Iterable[Curve]:
        if self.seen > 1 and not self.media.has_audio:
            raise KeyError("sound")
        return ()


class Blind(Good):
    """Takes it that sound comes with pictures."""

    def value(self, block: Any) -> float:
        return 0.5 if self.media.width else 1 / self.media.width


class Brief(Good):
    """Needs a tenth of a second."""

    def value(self, block: Any) -> float:
        if self.media.duration < 0.1:
            raise IndexError("no window fits")
        return 0.5


class Hushed(Good):
    """Divides by the loudest sample."""

    def value(self, block: Any) -> float:
        if not np.abs(block.audio.samples).any():
            raise ZeroDivisionError("nothing is heard")
        return 0.5


class Lonely(Good):
    """Takes it that something was found by who writes what it reads."""

    def process(self, block: Any) -> Iterable[Curve]:
        self.found = getattr(self, "found", 0) + len(block.tracks.get("text.offence", ()))
        return super().process(block)

    def finish(self) -> Iterable[Curve]:
        if not self.found:
            raise IndexError("nobody")
        return ()


class Gappy(Good):
    """Passes on the gaps in what it reads."""

    def value(self, block: Any) -> float:
        return float(np.sum([piece.score.sum() for piece in block.tracks.get("text.offence", ())]) * 0 + 0.5)


class Backwards(Good):
    """Its times go back."""

    def process(self, block: Any) -> Iterable[Curve]:
        yield Curve("odd.backwards", [block.end, block.start], [[0.5], [0.5]], (SURE,))


class Beyond(Good):
    """Reads what comes after the end."""

    def process(self, block: Any) -> Iterable[Curve]:
        yield Curve("odd.beyond", [self.media.duration + 5.0], [[0.5]], (SURE,))


class Unordered(Good):
    """Tells the later first."""

    def process(self, block: Any) -> Iterable[Curve]:
        yield Curve("odd.unordered", [block.end], [[0.5]], (SURE,))

    def finish(self) -> Iterable[Curve]:
        yield Curve("odd.unordered", [0.0], [[0.5]], (SURE,))


class Tires(Good):
    """Is at an end after twenty seconds of sound."""

    def value(self, block: Any) -> float:
        if block.end > 20.0:
            raise RuntimeError("no more")
        return 0.5


class Dazzled(Once):
    """Is at an end after a hundred pictures."""

    def process(self, block: Any) -> Iterable[Curve]:
        pieces = super().process(block)
        if self.seen > 100:
            raise RuntimeError("no more")
        return pieces


class Jealous(Good):
    """Bears no other instance beside it."""

    at_work = 0

    def prepare(self, media: Any, params: Any, ctx: Any) -> None:
        super().prepare(media, params, ctx)
        Jealous.at_work += 1
        self.until = time.monotonic() + 1.0  # two that begin at once find each other

    def value(self, block: Any) -> float:
        while Jealous.at_work < 2 and time.monotonic() < self.until:
            time.sleep(0.01)
        return 0.5 if Jealous.at_work < 2 else 0.25

    def close(self) -> None:
        Jealous.at_work -= 1


class Everybody:
    """A fusion whose weights do not sum to one."""

    def prepare(self, tracks: Any, params: Any, ctx: Any) -> None:
        pass

    def fuse(self, grid: Any) -> Fused:
        size = grid.times.size
        return Fused(np.full(size, 0.5, np.float32), np.ones((size, 2), np.float32), ("a", "b"), np.zeros((size, 2)))


PICTURES, WORDS = (Frames(),), (Audio(8000), Reads("text.offence"))


def info(cls: type, params: type[Params] = Params, inputs: tuple[Any, ...] = (Audio(8000),)) -> AnalyzerInfo:
    """The descriptor of one of them."""
    name = cls.__name__.lower()
    return AnalyzerInfo(
        id=f"odd.{name}", title=cls.__name__, version="1", factory=f"{__name__}:{cls.__name__}", params=params,
        description=str(cls.__doc__), modality="sound", inputs=inputs, default=False,
        outputs=(Writes(f"odd.{name}", "curve", (SURE,)),),
    )  # fmt: skip


EVERYBODY = FusionInfo(
    id="fusion.everybody", title="Everybody", version="1", factory=f"{__name__}:Everybody", params=FusionParams,
    description="Weights that do not sum to one.", accepts=("odd.good", "odd.nobody"),
)  # fmt: skip


@hookimpl
def mien_register(registry: Any) -> None:
    """Offer all of them."""
    for cls in (Good, Outside, Random, Slow, Hoards, Dies, Calls, Blind, Brief, Hushed, Tires, Jealous):
        registry.analyzer(info(cls))
    for cls in (Backwards, Beyond, Unordered):
        registry.analyzer(info(cls))
    for cls in (Once, Mute, Dazzled):
        registry.analyzer(info(cls, inputs=PICTURES))
    for cls in (Lonely, Gappy):
        registry.analyzer(info(cls, inputs=WORDS))
    registry.analyzer(info(Edge, Loose))
    registry.fusion(EVERYBODY)
