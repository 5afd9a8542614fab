"""Plugins that do what no plugin should, one for each way. Before it does it, each notes the time in the folder `DEEDS`."""

from __future__ import annotations

import ctypes
import os
import pickle
import sys
import time
from pathlib import Path

import numpy as np

from mien.sdk import AnalyzerInfo, Audio, ExporterInfo, FusionInfo, FusionParams, Params, Writes, hookimpl, param
from mien.tracks import Curve, Quantity, Spans

LEVEL = Quantity("level", "dB", -120.0, 10.0)


class Salt(Params):
    """Makes runs of the same medium differ in their keys, not in their readings."""

    salt: int = param(0, "anything", ge=0)


class Base:
    """Reads nothing."""

    def prepare(self, media, params, ctx) -> None:
        self.ctx = ctx

    def process(self, block):
        self.does()
        return ()

    def finish(self):
        return ()

    def close(self) -> None:
        pass

    def deed(self) -> None:
        """From now on it is bad."""
        (Path(os.environ["DEEDS"]) / type(self).__name__.lower()).write_text(f"{time.monotonic()} {os.getpid()}")


class Good(Base):
    """The level of each window, and who read it."""

    def process(self, block):
        w = block.windows
        if w is not None:
            power = (w.samples.astype(float) ** 2).mean(1)
            yield Curve("bad.good", w.starts, 10 * np.log10(power + 1e-12)[:, None], (LEVEL,))

    def finish(self):
        noise = self.ctx.rng.normal(size=1)
        yield Curve("bad.where", [0.0], [[float(os.getpid() % 1000)]], (Quantity("pid", "", 0, 1000),))
        yield Curve("bad.drawn", [0.0], [noise], (Quantity("noise", "", -10, 10),))


class Raises(Base):
    def does(self) -> None:
        self.deed()
        raise KeyError("this\x1b[31m\nkey")


class RaisesOurs(Base):
    """What would stop the whole run if one of ours raised it."""

    def does(self) -> None:
        from mien.errors import StorageError

        self.deed()
        raise StorageError("The disk of this plugin is full.")


class Segfaults(Base):
    def does(self) -> None:
        self.deed()
        ctypes.string_at(0)


class Hangs(Base):
    """In native code that never gives Python a turn."""

    def does(self) -> None:
        self.deed()
        ctypes.PyDLL(None).sleep(600)


class Leaks(Base):
    def does(self) -> None:
        kept = []
        told = False
        for _ in range(60):
            kept.append(np.ones(25 << 20, np.uint8))
            if not told and len(kept) > 12:  # 300 MB and what Python holds
                told = True
                self.deed()
            time.sleep(0.02)
        time.sleep(60)


class Prints(Base):
    def does(self) -> None:
        print("printed by python")
        print("complained \x1b[31m by python", file=sys.stderr)
        os.write(1, b"written by hand\n")


class Forks(Base):
    """Without end; half of the copies leave the group."""

    def does(self) -> None:
        self.deed()
        for n in range(100):
            if os.fork() == 0:
                if n % 2:
                    os.setsid()
                time.sleep(600)


class ForksAndReturns(Base):
    """The copies come back from `process` as the original does; one goes on alone."""

    def does(self) -> None:
        for n in range(2):
            copy = os.fork()
            if copy == 0:
                if n:
                    os.setsid()
                    time.sleep(600)
                return
            if n:
                (Path(os.environ["DEEDS"]) / "astray").write_text(str(copy))


class Exits(Base):
    def does(self) -> None:
        self.deed()
        os._exit(3)


class ExitsWithChildren(Base):
    """What it leaves behind holds its pipes open."""

    def does(self) -> None:
        self.deed()
        libc = ctypes.CDLL(None)  # no hook of Python's lets go of the pipes in this copy
        if libc.fork() == 0:
            libc.sleep(600)
        os._exit(3)


class SysExits(Base):
    def does(self) -> None:
        self.deed()
        sys.exit("no more")


class Nonsense(Base):
    def process(self, block):
        self.deed()
        yield {"times": [0.0]}


class WrongTypes(Base):
    def process(self, block):
        self.deed()
        spans = Spans.of("bad.spans", [(0.0, 1.0, "label")])
        object.__setattr__(spans, "label", (b"bytes",))
        yield spans


class Pickles(Base):
    """Speaks past the protocol: a pickle that would run a command in whoever loads it."""

    def does(self) -> None:
        class Evil:
            def __reduce__(self):
                return os.system, (f"touch {os.environ['DEEDS']}/pwned",)

        self.deed()
        text = pickle.dumps(Evil())
        os.write(_replies(), len(text).to_bytes(4, "little") + text)
        time.sleep(600)


class Forges(Base):
    """A piece whose arrays lie where there are none."""

    def does(self) -> None:
        import json

        self.deed()
        piece = {
            "is": "piece",
            "value": {
                "is": "Curve",
                "name": "bad.forges",
                "times": {"array": 0},
                "values": {"array": 0},
                "quantities": [],
            },
            "arrays": [[1 << 38, "<f8", [1 << 20]]],
        }
        text = json.dumps(piece).encode()
        os.write(_replies(), len(text).to_bytes(4, "little") + text)
        time.sleep(600)


class Shrinks(Base):
    """Cuts the shared memory short while the host reads from it."""

    def process(self, block):
        self.deed()
        for fd in map(int, sys.argv[4:7]):
            if os.fstat(fd).st_size == 0:
                continue
            try:
                os.ftruncate(fd, 0)
            except OSError:
                continue
            (Path(os.environ["DEEDS"]) / "shrunk").touch()
        yield Curve("bad.shrinks", np.arange(2000) / 1000, np.zeros((2000, 1)), (LEVEL,))
        raise RuntimeError("it could not")


class BadFusion:
    """Dies when it is asked."""

    def prepare(self, tracks, params, ctx) -> None:
        pass

    def fuse(self, grid):
        os.abort()


class GoodFusion:
    """As loud as a hundredth of the level says, on the grid of the host."""

    def prepare(self, tracks, params, ctx) -> None:
        self.tracks = tracks

    def fuse(self, grid):
        from mien.sdk import Fused

        mask = grid.mask["bad.good"]
        score = np.where(mask, np.clip(grid.values["bad.good"][:, 0] / 120 + 1, 0, 1), np.nan).astype(np.float32)
        return Fused(score, np.where(mask, 1, 0).astype(np.float32)[:, None], ("sound",), score[:, None])


class GoodExporter:
    """Writes how long each track is, and who wrote."""

    def export(self, analysis, target, params):
        lines = [f"{name} {len(track)}" for name, track in analysis.tracks.items()]
        target.write_text("\n".join([str(os.getpid()), analysis.title, *lines]))
        return [target]


class BadExporter:
    """Ends whoever asks it."""

    def export(self, analysis, target, params):
        os._exit(5)


def _replies() -> int:
    """The pipe to the host, as a hostile plugin finds it."""
    return int(sys.argv[2])


BAD = (
    Raises, RaisesOurs, Segfaults, Hangs, Leaks, Prints, Forks, ForksAndReturns, Exits, ExitsWithChildren, SysExits, Nonsense,
    WrongTypes, Pickles, Forges, Shrinks,
)  # fmt: skip


@hookimpl
def mien_register(registry) -> None:
    def info(kind: type, outputs: tuple[Writes, ...], window: float | None) -> AnalyzerInfo:
        return AnalyzerInfo(
            id=f"bad.{kind.__name__.lower()}", title=kind.__name__, version="1", modality="sound", params=Salt,
            factory=f"{__name__}:{kind.__name__}", default=False, inputs=(Audio(8000, window=window),), outputs=outputs,
        )  # fmt: skip

    pid, noise = Quantity("pid", "", 0, 1000), Quantity("noise", "", -10, 10)
    curves = (("bad.good", LEVEL), ("bad.where", pid), ("bad.drawn", noise))
    registry.analyzer(info(Good, tuple(Writes(name, "curve", (q,)) for name, q in curves), 0.25))
    for kind in BAD:
        name = kind.__name__.lower()
        written = (Writes(f"bad.{name}", "curve", (LEVEL,)), Writes("bad.spans", "spans"))
        registry.analyzer(info(kind, written if kind in (WrongTypes, Shrinks) else written[:1], None))
    for name, kind in (("good", GoodExporter), ("bad", BadExporter)):
        registry.exporter(
            ExporterInfo(
                id=f"{name}-text", title=name, version="1", suffix=".txt", factory=f"{__name__}:{kind.__name__}"
            )
        )
    for name, made in (("bad", BadFusion), ("good", GoodFusion)):
        registry.fusion(
            FusionInfo(
                id=f"fusion.{name}", title=name, version="1", params=FusionParams, accepts=("bad.good",),
                factory=f"{__name__}:{made.__name__}",
            )
        )  # fmt: skip
