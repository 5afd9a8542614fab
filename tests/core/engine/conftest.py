"""The engine's tests use tiny plugins of their own, registered as a third party would try one out."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`tiny_plugins` is importable here and in worker processes, and listed."""
    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("MIEN_PLUGINS", "tiny_plugins")
    monkeypatch.setenv("MIEN_ISOLATE", "0")  # in the worker itself; how others run is tested in engine/isolation
    yield
    sys.modules.pop("tiny_plugins", None)


@pytest.fixture
def registry() -> Any:
    from mien.engine.registry import Registry

    return Registry.load()


@pytest.fixture
def clip(tmp_path: Path, make_clip: Any) -> Path:
    return make_clip(tmp_path / "clip.mp4", 6.0)


@pytest.fixture
def run(registry: Any, tmp_path: Path) -> Callable[..., Any]:
    """Analyse in this process; returns (done, events)."""
    from mien.engine.choice import Choice
    from mien.engine.run import analyze_medium
    from mien.library.library import Library

    def analyse(path: Path, *names: str, fusion: str = "", **choice: Any) -> tuple[Any, list[Any]]:
        events: list[Any] = []
        with Library(tmp_path / "library.db") as library:
            done = analyze_medium(
                path,
                Choice(analyzers=tuple(f"tiny.{n}" for n in names), fusion=fusion, device="cpu", **choice),
                registry,
                library,
                events.append,
                threading.Event(),
            )
        return done, events

    return analyse


@pytest.fixture
def two_sounds(clip: Path, tmp_path: Path) -> Path:
    """A picture and two streams of sound: 1, the German default one, is a tone, and 2, the English one, is silent."""
    import subprocess

    from mien.media.ffmpeg import ffmpeg_path

    path = tmp_path / "two sounds.mkv"
    graph = ["-filter_complex", "[0:a]asplit[tone][b];[b]volume=0[silence]"]
    streams = ["-map", "0:v", "-map", "[tone]", "-map", "[silence]", "-c:v", "copy", "-c:a", "flac"]
    named = ["-metadata:s:a:0", "language=deu", "-metadata:s:a:1", "language=eng", "-disposition:a:0", "default"]
    command = [str(ffmpeg_path()), "-v", "error", "-i", str(clip), *graph, *streams, *named, str(path)]
    subprocess.run(command, check=True)
    return path
