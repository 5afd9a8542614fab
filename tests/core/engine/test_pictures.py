"""Pictures on their way to plugins: every one is read, at its own scale, and none is kept for nobody."""

from __future__ import annotations

import gc
import threading
import weakref
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mien.engine.backend import Backend
from mien.engine.branch import Branch
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.member import Sink
from mien.engine.plan import make_plan
from mien.engine.registry import Registry
from mien.media.pieces import FramePiece
from mien.sdk.media import MediaInfo
from mien.tracks import Boxes, Curve


def branch_of(registry: Registry, *names: str) -> tuple[Branch, dict[str, list[Any]], list[str]]:
    """A branch with these tiny plugins; the pieces they write, by track; those that failed."""
    media = MediaInfo(Path("x"), duration=60.0, has_video=True, width=1280, height=720)
    plan = make_plan(Choice(analyzers=tuple(f"tiny.{n}" for n in names), fusion=""), registry, media, "m")
    cpu = Backend("cpu", "float32", "CPU", 1)
    contexts = {n.id: RunContext(n.id, cpu, threading.Event()) for n in plan.nodes}
    pieces: dict[str, list[Any]] = {}
    failed: list[str] = []
    sink = Sink(
        lambda node, track: pieces.setdefault(track.name, []).append(track),
        lambda node, error: failed.append(node.id),
        lambda *_: None,
    )
    branch = Branch(plan.nodes, media, contexts, {}, sink)
    branch.prepare()
    return branch, pieces, failed


def picture(time: float, width: int, height: int) -> FramePiece:
    image = np.full((height, width, 3), 100, np.uint8)
    return FramePiece(time, av.VideoFrame.from_ndarray(image, format="rgb24"), duration=0.2)


def test_where_the_resolution_changes_every_picture_is_read_at_its_own_scale(registry: Registry) -> None:
    branch, pieces, failed = branch_of(registry, "brightness")
    # The plugin sees the first two at 64 × 36, the last at 64 × 48.
    sizes = [(1280, 720), (640, 360), (1280, 720), (640, 480)]
    for n in range(20):
        branch.push(picture(n * 0.2, *sizes[n // 5]))
    branch.finish()
    branch.close()
    assert failed == []
    assert Curve.concat(pieces["tiny.brightness"]).times == pytest.approx(np.arange(20) * 0.2)
    found = Boxes.concat(pieces["tiny.boxes"])
    for n, box in enumerate(found.xywh):
        width, height = sizes[n // 5]
        assert box == pytest.approx([width / 4, height / 4, width / 2, height / 2], rel=0.01)


def test_a_plugin_that_failed_keeps_no_pictures(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    import tiny_plugins  # type: ignore[import-not-found]

    def fails(self: Any, block: Any) -> Any:
        raise RuntimeError("this plugin always fails")

    class Picture:
        """Stands for a decoded frame that is never looked at."""

    monkeypatch.setattr(tiny_plugins.Brightness, "process", fails)
    branch, _, failed = branch_of(registry, "brightness", "cropmean")
    for n in range(25):
        branch.push(picture(n * 0.2, 64, 36))
    assert set(failed) == {"tiny.brightness", "tiny.cropmean"}
    kept = []
    for n in range(25, 300):
        frame: Any = Picture()
        kept.append(weakref.ref(frame))
        branch.push(FramePiece(n * 0.2, frame))
        del frame
    gc.collect()
    assert not [ref for ref in kept if ref() is not None]
    branch.finish()
    branch.close()
