"""What was freed goes back to the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mien.engine import heap
from mien.engine.heap import Heap

pytestmark = pytest.mark.skipif(not heap._trimmer(), reason="the C library has no malloc_trim, or needs none")


def test_holes_between_what_stays_go_back_to_the_system() -> None:
    """In a process of its own, as any test before may have left holes that are used first."""
    program = (
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from mien.engine.heap import Heap\n"
        "def resident(): return int(Path('/proc/self/statm').read_text().split()[1]) * 4096 / 2**20\n"
        "kept, gone = [], []\n"
        "for _ in range(2000):\n"  # 2,000 holes of 100 KB, each below something small that stays
        "    gone.append(np.ones(100_000, np.uint8)); kept.append(np.ones(2000, np.uint8))\n"
        "full = resident(); gone.clear(); freed = resident()\n"
        "Heap(every=0.0).tidy()\n"
        "print(full - freed, full - resident(), sum(int(k.sum()) for k in kept))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    by_itself, after, kept = map(float, done.stdout.split())
    assert by_itself < 50
    assert after > 150
    assert kept == 2000 * 2000


def test_it_is_done_now_and_then_only(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((100.0, 100.0, 114.9, 115.0, 115.1, 129.9, 140.0, 150.0, 155.0))  # the first is the beginning
    calls: list[int] = []
    monkeypatch.setattr(heap, "_trimmer", lambda: calls.append)
    monkeypatch.setattr(heap, "monotonic", lambda: next(clock))
    of_a_run = Heap(every=15.0)
    for _ in range(8):
        of_a_run.tidy()
    assert len(calls) == 3


def test_an_analysis_tidies_up_while_it_decodes(run: Any, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(heap, "_trimmer", lambda: calls.append)
    monkeypatch.setattr("mien.engine.run.Heap", lambda: Heap(every=0.0))
    run(clip, "level")
    assert len(calls) > 5
