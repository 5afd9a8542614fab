"""A library with a few media whose readings are known by heart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.library import Library, Medium
from mien.tracks import (
    AROUSAL,
    CONFLICT,
    EXPRESSION_QUANTITIES,
    EXPRESSIONS,
    HOSTILITY,
    VALENCE,
    Curve,
    Spans,
    probability,
)
from mien.tracks.track import AnyTrack


@dataclass(frozen=True)
class Output:
    """A track that a run declares."""

    name: str
    kind: str
    quantities: tuple[object, ...]


def tracks(seed: int = 0) -> list[AnyTrack]:
    """Readings of ten seconds: one a second; arousal rises from −0.9 to 0.9, valence falls; a face that turns from happy
    to sad at 5 s; offence from 4 to 8 s; a verdict from 6 to 8 s."""
    rng = np.random.default_rng(seed)
    times = np.arange(0.5, 10.0, 1.0)
    rise = np.linspace(-0.9, 0.9, 10)
    faces = np.full((10, len(EXPRESSIONS)), 0.05)
    faces[:5, EXPRESSIONS.index("happy")] = 0.7
    faces[5:, EXPRESSIONS.index("sad")] = 0.7
    score = np.where((times > 6) & (times < 8), 0.9, 0.2)
    words = ["we", "have", "talked", "of", "this", "a", "dozen", "times", "already"]
    return [
        Curve("emotion.attributes", times, np.stack([-rise, rise], 1), (VALENCE, AROUSAL)),
        Curve("conflict.intensity", times, rng.uniform(-1, 1, (10, 1)), (CONFLICT,)),
        Curve("face.expression", times, faces, EXPRESSION_QUANTITIES),
        Spans.of("text.offence", [(0, 4, "not", "", 0.1), (4, 8, "offensive", "", 0.9)]),
        Spans.of("speech.words", [(n, n + 0.8, "word", word, 0.9) for n, word in enumerate(words)]),
        Spans.of("speech.transcript", [(0, 8.8, "whisper", " ".join(words), 0.9)]),
        Curve("fusion.score", times, score[:, None], (HOSTILITY,)),
        Spans.of("fusion.verdicts", [(6, 8, "hostility", "", 0.9)]),
    ]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def add(library: Library, tmp_path: Path, probed: Callable[..., Any]) -> Callable[..., Medium]:
    """Enters a medium with tracks, written as a run of the engine writes them."""

    def enter(name: str, written: list[AnyTrack] | None = None, duration: float | None = 10.0) -> Medium:
        medium = library.add_medium(probed(tmp_path / "media" / name, duration), f"hash of {name}")
        for track in tracks() if written is None else written:
            run = library.begin_run(medium, key=f"{name} {track.name}", analyzer=track.name, version="1")
            if track.name == "text.offence":
                run.declare([Output(track.name, "spans", (probability("offence"),))])  # type: ignore[list-item]
            run.write(track)
            run.complete()
        return library.medium(medium.id)

    return enter


@pytest.fixture
def clip(add: Callable[..., Medium]) -> Medium:
    return add("clip.mp4")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a label file."""

    def put(name: str, text: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put
