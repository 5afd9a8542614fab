"""Plugins of others run apart here, as they do for users; elsewhere in the engine's tests they run in the worker itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent


@dataclass
class Bench:
    """A worker that is kept for several analyses, its settings, and the folder where plugins note what they do."""

    worker: Any
    home: Path
    deeds: Path
    log: Path
    place: str
    salt: int = 0

    def settings(self, **values: int) -> None:
        """The settings of the next analyses."""
        (self.home / "settings.toml").write_text("".join(f"{k} = {v}\n" for k, v in values.items()))

    def choice(self, *names: str, fusion: str = "") -> Any:
        """Plugins with parameters that no run had before."""
        from mien.engine.choice import Choice

        self.salt += 1
        ids = tuple(f"bad.{name}" for name in names)
        return Choice(
            analyzers=ids,
            fusion=fusion,
            settings={plugin: {"salt": self.salt} for plugin in ids},
            device="cpu",
            threads=1,
        )

    def tracks(self, clip: Path, choice: Any) -> dict[str, Any]:
        """What the good plugin read with these parameters."""
        from mien.library.library import Library

        with Library(self.place) as library:
            medium = library.find_medium(clip)
            assert medium is not None
            runs = [r for r in library.runs(medium) if r.analyzer == "bad.good"]
            [run] = [r for r in runs if r.params["salt"] == choice.settings["bad.good"]["salt"]]
            assert run.status == "complete"
            return dict(library.tracks(run))


@pytest.fixture(autouse=True)
def apart(tiny: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`bad_plugins` is listed too, and all run in processes of their own."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("MIEN_PLUGINS", "tiny_plugins,bad_plugins")
    monkeypatch.setenv("MIEN_ISOLATE", "1")
    yield
    from mien.engine.isolation.pool import end_all

    end_all()
    sys.modules.pop("bad_plugins", None)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory, make_clip: Callable[..., Path]) -> Path:
    """Two seconds of sound."""
    return make_clip(tmp_path_factory.mktemp("clips") / "short.mp4", 2.0, video=False)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A real worker with a home of its own."""
    from mien.engine.worker import Worker

    folder = tmp_path_factory.mktemp("bench")
    deeds = folder / "deeds"
    deeds.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(folder))
        patch.setenv("MIEN_OFFLINE", "1")
        patch.setenv("DEEDS", str(deeds))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
        patch.setenv("MIEN_PLUGINS", "bad_plugins")
        patch.setenv("MIEN_ISOLATE", "1")
        patch.syspath_prepend(str(HERE))  # a worker looks where the one that started it does
        with Worker(str(folder / "library.db"), folder / "worker.log") as worker:
            worker.start()
            yield Bench(worker, folder, deeds, folder / "worker.log", str(folder / "library.db"))
