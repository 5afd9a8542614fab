"""What the speech room's tests share: a host's context, driving an analyzer by hand, sound from media."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mien.errors import Cancelled
from mien.sdk import AudioChunk, Block, Context, MediaInfo, Params, Utterance

RATE = 16_000


@dataclass
class HandContext:
    """A context as the host gives one, with models from `folders`."""

    device: str = "cpu"
    precision: str = "float32"
    threads: int = 1
    folders: dict[str, Path] = field(default_factory=dict)
    cancelled: bool = False
    notes: list[str] = field(default_factory=list)
    fractions: list[float] = field(default_factory=list)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("test"))
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled("The analysis was cancelled.")

    def progress(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def model(self, model_id: str) -> Path:
        return self.folders[model_id]

    def optional_model(self, model_id: str) -> Path | None:
        return self.folders.get(model_id)


def blocks(samples: np.ndarray, seconds: float = 3.0, start: float = 0.0) -> Iterator[Block]:
    """The sound (n,) at 16 kHz in blocks, as for `Audio(16000)`."""
    step = int(seconds * RATE)
    for first in range(0, len(samples), step):
        chunk = AudioChunk(start + first / RATE, RATE, samples[first : first + step].astype(np.float32))
        yield Block(chunk.start, chunk.end, audio=chunk)


def spoken(*sounds: np.ndarray, gap: float = 0.5) -> Iterator[Block]:
    """Each sound as an utterance in a block of its own."""
    start = 0.0
    for sound in sounds:
        end = start + len(sound) / RATE
        utterance = Utterance(start, end, RATE, sound.astype(np.float32))
        yield Block(start, end + gap, utterances=(utterance,))
        start = end + gap


def run(
    analyzer: Any, feed: Iterable[Block], params: Params, ctx: Context, media: MediaInfo | None = None
) -> dict[str, Any]:
    """Drive an analyzer from `prepare` to `close`; its tracks by name; checks that pieces come in order."""
    pieces: dict[str, list[Any]] = {}
    try:
        analyzer.prepare(media or MediaInfo(Path("clip.wav"), has_audio=True), params, ctx)
        for block in feed:
            for piece in analyzer.process(block):
                pieces.setdefault(piece.name, []).append(piece)
        for piece in analyzer.finish():
            pieces.setdefault(piece.name, []).append(piece)
    finally:
        analyzer.close()
    for name, found in pieces.items():
        starts = np.concatenate([piece.onsets for piece in found])
        assert (np.diff(starts) >= 0).all(), f"pieces of {name} are out of order"
    return {name: type(found[0]).concat(found) for name, found in pieces.items()}


def read(path: Path) -> np.ndarray:
    """The sound of a file: (n,) float32 mono at 16 kHz."""
    import av

    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        parts = [f for frame in container.decode(audio=0) for f in resampler.resample(frame)]
        parts += resampler.resample(None)
    return np.concatenate([part.to_ndarray()[0] for part in parts])


@pytest.fixture
def ctx() -> HandContext:
    return HandContext()


@pytest.fixture(scope="session")
def tools() -> SimpleNamespace:
    """The functions above (test folders are no packages, so tests cannot import them)."""
    return SimpleNamespace(run=run, blocks=blocks, spoken=spoken, read=read)


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """`tiny.py` beside this file."""
    spec = importlib.util.spec_from_file_location("speech_tiny", Path(__file__).with_name("tiny.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
