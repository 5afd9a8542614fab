"""A GPU that runs out of memory while a plugin loads, or at its end. The plugins raise what torch raises then."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.engine.backend import Backend
from mien.engine.branch import Branch
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.member import Sink
from mien.engine.plan import make_plan
from mien.engine.registry import Registry
from mien.media.pieces import AudioPiece
from mien.sdk.media import MediaInfo
from mien.tracks import Curve

FULL = torch.OutOfMemoryError("CUDA out of memory.")


def read(registry: Registry) -> tuple[list[float], RunContext, list[Exception]]:
    """Times that tiny.level reads of two seconds of sound, begun on a GPU; its context; why it failed."""
    media = MediaInfo(Path("x"), duration=2.0, has_audio=True)
    plan = make_plan(Choice(analyzers=("tiny.level",), fusion=""), registry, media, "m")
    context = RunContext("tiny.level", Backend("cuda:0", "float16", "A card", 1), threading.Event())
    pieces: list[Curve] = []
    failed: list[Exception] = []
    sink = Sink(
        lambda node, track: pieces.append(track),  # type: ignore[arg-type]
        lambda node, error: failed.append(error),
        lambda *_: None,
    )
    branch = Branch(plan.nodes, media, {"tiny.level": context}, {}, sink)
    branch.prepare()
    branch.push(AudioPiece(0.0, 8000, np.ones((16_000, 1), np.float32)))
    branch.finish()
    branch.close()
    return [t for piece in pieces for t in piece.times.tolist()], context, failed


@pytest.fixture
def level(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts another class in the place of tiny.level's."""
    import tiny_plugins  # type: ignore[import-not-found]

    def take(make: Any) -> None:
        monkeypatch.setattr(tiny_plugins, "Level", make(tiny_plugins.Level))

    return take


def test_weights_that_do_not_fit_are_loaded_on_the_cpu(registry: Registry, level: Any) -> None:
    closed: list[str] = []

    def make(base: Any) -> Any:
        class Large(base):  # type: ignore[misc]
            def prepare(self, media: Any, params: Any, ctx: Any) -> None:
                self.where = ctx.device
                if ctx.device != "cpu":
                    raise FULL
                super().prepare(media, params, ctx)

            def close(self) -> None:
                closed.append(self.where)

        return Large

    level(make)
    times, context, failed = read(registry)
    assert failed == []
    assert times == [0.25, 0.75, 1.25, 1.75]
    assert (context.device, context.precision) == ("cpu", "float32")
    assert context.notes == ["cuda:0 ran out of memory; it ran on the CPU."]
    assert closed == ["cuda:0", "cpu"]


def test_last_words_that_do_not_fit_are_said_on_the_cpu(registry: Registry, level: Any) -> None:
    def make(base: Any) -> Any:
        class Late(base):  # type: ignore[misc]
            device, said = "cuda:0", ()

            def process(self, block: Any) -> Iterable[Any]:
                self.said = [*self.said, *super().process(block)]
                return ()

            def finish(self) -> Iterable[Any]:
                if self.device != "cpu":
                    raise FULL
                return self.said

            def move(self, device: str) -> None:
                self.device = device

        return Late

    level(make)
    times, context, failed = read(registry)
    assert failed == []
    assert times == [0.25, 0.75, 1.25, 1.75]
    assert context.device == "cpu"
    assert context.notes == ["cuda:0 ran out of memory; the rest ran on the CPU."]
