"""A library with a medium in it, and short ways to make pieces."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.library import Library, Medium
from mien.tracks import AROUSAL, VALENCE, Curve, Spans


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], object]], None]:
    """Waits until something is so: a server needs a moment to see that a program has ended."""

    def wait(is_so: Callable[[], object]) -> None:
        deadline = time.monotonic() + 90
        while not is_so():
            assert time.monotonic() < deadline, "it never came to that"
            time.sleep(0.02)

    return wait


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the test's library lies."""
    return tmp_path / "library.db"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """What is tested of an open library is tested of both kinds; a test that looks into the file wants the file."""
    if "library" in metafunc.fixturenames:
        kinds = ["sqlite"] if "place" in inspect.signature(metafunc.function).parameters else ["sqlite", "postgresql"]
        metafunc.parametrize("library", kinds, indirect=True)


@pytest.fixture
def library(request: pytest.FixtureRequest) -> Iterator[Library]:
    """An open library without media."""
    if request.param == "sqlite":
        where: str = request.getfixturevalue("place")
    else:
        where = request.getfixturevalue("postgres").emptied()
    with Library(where) as opened:
        yield opened


@pytest.fixture
def medium(library: Library, tmp_path: Path, probed: Callable[..., Any]) -> Medium:
    """A medium of that library."""
    return library.add_medium(probed(tmp_path / "clip.mp4"), "hash-of-clip")


@pytest.fixture
def curve() -> Callable[..., Curve]:
    """Makes a piece of emotion.attributes whose values are its times."""

    def make(start: float, rows: int = 5, name: str = "emotion.attributes") -> Curve:
        times = start + np.arange(rows, dtype=np.float64)
        return Curve(name, times, np.stack([times, -times], 1).astype(np.float32), (AROUSAL, VALENCE))

    return make


@pytest.fixture
def transcript() -> Callable[..., Spans]:
    """Makes a transcript of utterances of 2 s each."""

    def make(*texts: str, start: float = 0.0) -> Spans:
        rows = [(start + 2.0 * i, start + 2.0 * i + 1.5, "whisper", text, 0.9) for i, text in enumerate(texts)]
        return Spans.of("speech.transcript", rows)

    return make
