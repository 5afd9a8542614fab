"""Out of memory on a GPU, and memory that does not grow with the medium."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.engine.backend import Backend
from mien.engine.branch import Branch
from mien.engine.context import RunContext
from mien.engine.halves import split
from mien.engine.member import Member, Sink
from mien.engine.plan import make_plan
from mien.engine.registry import Registry
from mien.sdk.blocks import Block, Windows
from mien.sdk.media import MediaInfo


def block(size: int) -> Block:
    samples = np.arange(size * 4, dtype=np.float32).reshape(size, 4)
    windows = Windows(np.arange(size, dtype=float), 8, samples, np.full(size, 4, np.int32))
    return Block(0.0, float(size), windows=windows)


def test_a_block_splits_until_single_rows() -> None:
    first, second = split(block(5)) or ()
    assert first.windows is not None
    assert second.windows is not None
    assert [*first.windows.starts, *second.windows.starts] == [0, 1, 2, 3, 4]
    assert split(block(1)) is None


def test_out_of_gpu_memory_means_smaller_batches_and_then_the_cpu(registry: Registry, monkeypatch: Any) -> None:
    """The plugin raises what torch raises when a card is full: above two windows on the first card, always on the second."""
    import tiny_plugins  # type: ignore[import-not-found]
    import torch

    from mien.engine.choice import Choice

    batches: list[tuple[str, int]] = []

    class Hungry(tiny_plugins.Level):  # type: ignore[misc, name-defined]
        def process(self, block: Block) -> Any:
            assert block.windows is not None
            size = block.windows.starts.size
            if self.ctx.device == "cuda:1" or (self.ctx.device == "cuda:0" and size > 2):
                raise torch.OutOfMemoryError("CUDA out of memory.")
            batches.append((self.ctx.device, size))
            return list(super().process(block))

    monkeypatch.setattr(tiny_plugins, "Level", Hungry)
    media = MediaInfo(Path("x"), duration=8.0, has_audio=True)
    plan = make_plan(Choice(analyzers=("tiny.level",), fusion=""), registry, media, "m")
    for device, expected, said in (
        ("cuda:0", [("cuda:0", 2), ("cuda:0", 2), ("cuda:0", 1), ("cuda:0", 2)], "smaller batches"),
        ("cuda:1", [("cpu", 1)] + [("cpu", n) for n in (1, 1, 1, 1, 1, 1)], "on the CPU"),
    ):
        batches.clear()
        context = RunContext("tiny.level", Backend(device, "float32", device, 1), threading.Event())
        sink = Sink(lambda *_: None, lambda *_: None, lambda *_: None)
        branch = Branch(plan.nodes, media, {"tiny.level": context}, {}, sink)
        branch.prepare()
        member: Member = branch._members[0]
        branch._prepare(member)
        pieces = branch._parts(member, block(7))
        times = np.concatenate([p.times for p in pieces])  # type: ignore[union-attr]
        assert times.tolist() == [n + 0.25 for n in range(7)]
        assert sum(size for _, size in batches) == 7
        assert {d for d, _ in batches} == {expected[0][0]}
        assert any(said in note for note in context.notes)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from Linux' /proc")
def test_memory_stays_flat(tmp_path: Path, make_clip: Any) -> None:
    """Twelve times the length needs at most a tenth more memory (peak of the whole process)."""
    program = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from mien.engine.choice import Choice\n"
        "from mien.engine.registry import Registry\n"
        "from mien.engine.run import analyze_medium\n"
        "from mien.library.library import Library\n"
        "names = tuple('tiny.' + n for n in ('heard', 'brightness', 'cropmean'))\n"
        "with Library(sys.argv[2]) as library:\n"
        "    analyze_medium(Path(sys.argv[1]), Choice(analyzers=names, fusion='tiny', device='cpu'), Registry.load(),\n"
        "        library, lambda event: None, threading.Event())\n"
        "# ru_maxrss would count the parent, whose memory a new process shares until it has begun.\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
    )
    peak = []
    for seconds in (20, 240):
        clip = make_clip(tmp_path / f"{seconds}.mp4", seconds)
        done = subprocess.run(
            [sys.executable, "-c", program, str(clip), str(tmp_path / f"{seconds}.db")],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        peak.append(int(done.stdout.split()[-1]))
    assert peak[1] < 1.1 * peak[0], peak
