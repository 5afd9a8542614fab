"""A real library with a real clip and readings written through its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mien.engine.registry import Registry
from mien.library.library import Library
from mien.media.probe import probe
from mien.tracks import HOSTILITY, Boxes, Curve, Features, Provenance, Spans
from mien_desktop.export.dialog import ExportDialog
from mien_desktop.look.palette import DARK
from mien_desktop.look.style import dress

SECONDS = 6.0


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture
def clip(tmp_path: Path, make_clip: Callable[..., Path]) -> Path:
    return make_clip(tmp_path / "clip.mp4", SECONDS)


@pytest.fixture
def place(tmp_path: Path, clip: Path) -> str:
    """The library's place."""
    where = str(tmp_path / "library.db")
    times = np.arange(0.0, SECONDS, 0.5)
    made = Provenance("odd", "1.0")
    words = [(s, s + 0.8, "word", f"word{n}", 0.9, "A") for n, s in enumerate(np.arange(0.0, SECONDS - 1, 1.0))]
    with Library(where) as library:
        medium = library.add_medium(probe(clip), "c" * 64)
        run = library.begin_run(medium, key="k" * 16, analyzer="odd", version="1.0", params={})
        for track in (
            Curve("fusion.score", times, (times / SECONDS)[:, None].astype(np.float32), (HOSTILITY,), None, made),
            Spans.of("speech.transcript", [(*w[:2], "odd", *w[3:]) for w in words], made),
            Spans.of("speech.words", words, made),
            Boxes("face.boxes", times, np.ones(12, np.int32), np.full((12, 4), 20.0), np.ones(12), None, made),
            Features("odd.vectors", times, np.ones((12, 3), np.float32), None, made),
        ):
            run.write(track)
        run.complete()
    return where


@pytest.fixture
def dialog(registry: Registry, clip: Path, place: str, qtbot: QtBot, qapp: QApplication) -> Iterator[ExportDialog]:
    dress(qapp, DARK)
    made = ExportDialog(registry, clip, place, None, DARK)
    made.show()
    yield made
    made.shutdown()
    made.close()
    made.deleteLater()
