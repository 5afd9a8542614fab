"""Scans in this process with the engine tests' tiny plugins; the workers are real processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
TINY = HERE.parent / "engine"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`tiny_plugins` and `odd_paths` are importable here and in worker processes."""
    for folder in (TINY, HERE):
        monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(TINY), str(HERE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("MIEN_PLUGINS", "tiny_plugins")
    monkeypatch.setenv("MIEN_ISOLATE", "0")  # in the worker itself; how others run is tested in engine/isolation
    yield
    for name in ("tiny_plugins", "odd_paths"):
        sys.modules.pop(name, None)


class Notes:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.begun_: list[str] = []
        self.ended_: list[str] = []
        self.progress: list[float] = []

    def begun(self, item: Any) -> None:
        self.begun_.append(item.path.name)

    def moved(self, pace: Any) -> None:
        self.progress.append(pace.progress)

    def ended(self, item: Any, finish: Any) -> None:
        self.ended_.append(item.path.name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "media").mkdir()
    return tmp_path / "media"


@pytest.fixture
def scan(tmp_path: Path, folder: Path) -> Callable[..., Any]:
    """`scan(analyzers=…, **order)` → (items by name, Notes, what stopped it); the summary lies in `out`."""

    def run(
        *paths: Path,
        analyzers: tuple[str, ...] = ("tiny.level", "tiny.loud"),
        fusion: str = "fusion.tiny",
        **fields: Any,
    ) -> Any:
        from mien.batch.devices import Slot
        from mien.batch.session import Order, Session
        from mien.engine.choice import Choice
        from mien.engine.registry import Registry

        registry = Registry.load()
        choice = Choice(analyzers=analyzers, fusion=fusion, device="cpu").checked(registry)
        fields = {"library": str(tmp_path / "library.db"), "slots": [Slot("cpu", 1)], **fields}
        order = Order(paths=paths or (folder,), out=tmp_path / "out", choice=choice, **fields)
        notes = Notes()
        with Session(order, registry) as session:
            session.find()
            session.survey()
            stopped = session.run(notes) if not order.dry else None
            if not order.dry:
                session.summarise()
            return {str(item.found.inside): item for item in session.items}, notes, stopped

    return run
