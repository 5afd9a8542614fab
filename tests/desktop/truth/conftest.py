"""The panel over a real library with three media, and label files about them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mien.library import Library
from mien.sdk.media import MediaInfo
from mien.tracks import AROUSAL, CONFLICT, EXPRESSION_QUANTITIES, VALENCE, Curve, Spans
from mien.tracks.track import AnyTrack
from mien_desktop.document import Document
from mien_desktop.look.palette import DARK
from mien_desktop.truth.panel import TruthPanel
from mien_desktop.work.background import Background

NAMES = ("anna.mp4", "bo.mp4", "cem.mp4")
SECONDS = 60


def readings(seed: int) -> list[AnyTrack]:
    """A minute of readings, one a second."""
    rng = np.random.default_rng(seed)
    times = np.arange(SECONDS) + 0.5
    wave = np.sin(times / 5 + seed)[:, None]
    faces = rng.dirichlet(np.full(7, 0.4), SECONDS)
    words = [(n, n + 0.9, "word", "never" if n % 5 else "always", 0.9) for n in range(SECONDS)]
    offence = [(n, n + 3.0, "offensive", "", 0.9 if n % 2 else 0.1) for n in range(0, SECONDS, 3)]
    return [
        Curve("emotion.attributes", times, np.concatenate([wave, -wave], 1), (VALENCE, AROUSAL)),
        Curve("conflict.intensity", times, 0.8 * wave, (CONFLICT,)),
        Curve("face.expression", times, faces, EXPRESSION_QUANTITIES),
        Spans.of("text.offence", offence),
        Spans.of("speech.words", words),
        Spans.of("speech.transcript", [(0, SECONDS, "w", " ".join(w[3] for w in words), 0.9)]),
    ]


def labels(seed: int = 0) -> str:
    """A table of all media: valence near the reading or far from it, an emotion, yes and no, and words."""
    rng = np.random.default_rng(seed)
    lines = ["medium,start,end,valence,emotion,offensive,text"]
    emotions = ("angry", "happy", "sad", "neutral")
    for number, name in enumerate(NAMES):
        for start in range(0, SECONDS, 2):
            truth = np.clip(np.sin((start + 1) / 5 + number) + rng.normal(0, 0.35), -1, 1)
            row = (
                name,
                start,
                start + 2,
                f"{truth:.3f}",
                emotions[start % 4],
                (start % 3 and "yes") or "no",
                "never always",
            )
            lines.append(",".join(map(str, row)))
    return "\n".join(lines)


@dataclass
class Desk:
    """A panel with all that it hangs on."""

    panel: TruthPanel
    document: Document
    place: Path
    folder: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with the readings of three media, made once."""
    folder = tmp_path_factory.mktemp("truth")
    with Library(folder / "library.db") as library:
        for seed, name in enumerate(NAMES):
            (folder / name).write_bytes(name.encode())
            entry = library.add_medium(MediaInfo(folder / name, float(SECONDS), True, True), f"id-{name}")
            run = library.begin_run(entry, key=name, analyzer="all", version="1")
            for track in readings(seed):
                run.write(track)
            run.complete()
    return folder / "library.db"


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copy(made, tmp_path / "library.db"))


@pytest.fixture
def desk(qtbot: QtBot, place: Path, tmp_path: Path) -> Iterator[Desk]:
    """The panel, shown at the size of its tab."""
    library = Library(place)
    background = Background()
    document = Document()
    panel = TruthPanel(DARK, background, lambda: library)
    panel.bind(document)
    qtbot.addWidget(panel)
    panel.resize(640, 430)
    panel.show()
    yield Desk(panel, document, place, tmp_path)
    panel.shutdown()
    background.close()
    library.close()


@pytest.fixture
def loaded(qtbot: QtBot, desk: Desk) -> Callable[..., None]:
    """Loads labels and waits for the figures."""

    def load(text: str | None = None, name: str = "labels.csv") -> None:
        path = desk.folder / name
        path.write_text(labels() if text is None else text)
        with qtbot.waitSignal(desk.panel.scored, timeout=20_000):
            desk.panel.load([path])

    return load


@pytest.fixture
def table() -> str:
    """The labels of all media."""
    return labels()


def figures(desk: Desk) -> dict[str, str]:
    """What stands in the table of figures."""
    return {row.cells[0]: row.cells[1] for row in desk.panel.results.figures.rows}


def compare(qtbot: QtBot, desk: Desk, column: str, reading: str = "") -> None:
    """Choose a column of labels and a reading, and wait for the figures."""
    with qtbot.waitSignal(desk.panel.scored, timeout=20_000):
        desk.panel.choice.choose(column, reading)
