"""What is loaded before it is asked for: while nothing else is to be done, and never in the way of what is."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mien.engine.ahead import Ahead, fusion_modules
from mien.engine.choice import Choice
from mien.engine.events import Done, MediumFailed
from mien.engine.registry import Registry
from mien.engine.worker import Worker

CPU = Choice(device="cpu")


class Fusions:
    """A registry of two fusions of ours; the module of the first loads for as long as it is held."""

    def __init__(self, folder: Path) -> None:
        for name, text in {"held": "import holding; holding.begun.set(); holding.go.wait(60)", "next": ""}.items():
            (folder / f"ahead_{name}.py").write_text(text)
        self.holding: Any = SimpleNamespace(begun=threading.Event(), go=threading.Event())
        self.fusions = {
            name: SimpleNamespace(id=name, factory=f"ahead_{name}:It", needs_training="") for name in ("held", "next")
        }

    def source(self, name: str) -> Any:
        return SimpleNamespace(own=True)


@pytest.fixture
def fusions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fusions:
    made = Fusions(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "holding", made.holding)
    for name in ("ahead_held", "ahead_next"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return made


def test_a_job_that_comes_meanwhile_is_not_held_up(fusions: Fusions, tmp_path: Path) -> None:
    """The module that is being loaded goes on in its thread; the next one waits until the job is done."""
    free = threading.Event()
    free.set()
    ahead = Ahead(fusions, free)  # type: ignore[arg-type]
    ahead.load(tmp_path, CPU)
    assert fusions.holding.begun.wait(60)
    assert "ahead_next" not in sys.modules
    free.clear()  # a job has come: whoever does it is not kept here
    fusions.holding.go.set()
    ahead.load(tmp_path, CPU)  # nor does it begin twice
    assert [t.name for t in threading.enumerate()].count("mien-ahead") == 1
    time.sleep(0.2)
    assert "ahead_next" not in sys.modules
    free.set()
    assert ahead._thread is not None
    ahead._thread.join(60)
    assert "ahead_next" in sys.modules


def test_what_cannot_be_loaded_is_left_to_the_job_that_needs_it(fusions: Fusions, tmp_path: Path) -> None:
    fusions.holding.go.set()
    (tmp_path / "ahead_held.py").write_text("raise OSError('the disk is gone')")
    free = threading.Event()
    free.set()
    ahead = Ahead(fusions, free)  # type: ignore[arg-type]
    ahead.load(tmp_path / "gone.mp4", replace(CPU, device="cuda:99"))
    assert ahead._thread is not None
    ahead._thread.join(60)
    assert "ahead_held" not in sys.modules
    assert "ahead_next" in sys.modules


def test_only_fusions_of_ours_that_can_run_are_loaded() -> None:
    registry = Registry.load()
    modules = fusion_modules(registry)
    assert {"mien_plugins.fusion.late", "mien_plugins.fusion.majority"} <= set(modules)
    ready = {info.factory.partition(":")[0] for info in registry.fusions.values() if not info.needs_training}
    assert all(module.startswith("mien_plugins.") for module in modules)
    assert set(modules) <= ready
    assert len(modules) == len(set(modules))


def test_a_worker_analyses_cancels_and_ends_while_it_loads_ahead(clip: Path, tmp_path: Path) -> None:
    level = Choice(analyzers=("tiny.level",), fusion="", device="cpu")
    worker = Worker(str(tmp_path / "library.db"))
    try:
        worker.load_ahead(clip, Choice())
        pid = worker.pid
        assert isinstance(list(worker.analyze(clip, level))[-1], Done)
        worker.load_ahead(clip, Choice())
        slow = worker.analyze(clip, replace(level, analyzers=("tiny.sleeps",)))
        next(slow)
        worker.cancel()
        last = list(slow)[-1]
        assert isinstance(last, MediumFailed)
        assert last.kind == "Cancelled"
        worker.load_ahead(clip, Choice())
    finally:
        worker.close()
    assert worker.pid is None
    assert pid is not None
    if os.name == "posix":
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
