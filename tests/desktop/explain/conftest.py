"""Readings of the demo clip, made once by the real analyzers, and explanations of its voice and face made by the engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mien.engine.choice import Choice
from mien.engine.events import Done, Explained
from mien.engine.worker import Worker
from mien.library import Library
from mien.sdk.protocols import Explanation, FaceExplanation
from mien.tracks import Boxes
from mien.tracks.track import AnyTrack
from mien_desktop.document import Document
from mien_desktop.explain.panel import ExplainPanel
from mien_desktop.look.palette import DARK

DEMO = Path(__file__).resolve().parents[3] / "resources" / "demo" / "demo.mp4"
HEATED = 18.6
"""s; two people shout at once then."""
EXPLAINERS = (("emotion", "Emotion attributes"), ("conflict", "Intensity of conflict"))
CHOICE = Choice(analyzers=("text", "emotion"), fusion="late", device="cpu", threads=1)


@dataclass(frozen=True)
class Told:
    """What the worker told of the demo clip."""

    tracks: dict[str, AnyTrack]
    voice: Explanation
    face: FaceExplanation


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """An analysis and two explanations, in a process of their own: the window's never loads torch."""
    folder = tmp_path_factory.mktemp("explain")
    place = str(folder / "library.db")
    found: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch, Worker(place) as worker:
        patch.setenv("MIEN_HOME", str(folder))
        patch.setenv("MIEN_OFFLINE", "1")
        done = list(worker.analyze(DEMO, CHOICE))[-1]
        assert isinstance(done, Done)
        assert not done.failed, done.failed
        for plugin, at in (("emotion", HEATED), ("face.affect", 5.0)):
            last = list(worker.explain(DEMO, plugin, at, CHOICE))[-1]
            assert isinstance(last, Explained), last
            found[plugin] = last.explanation
    with Library(place) as library:
        tracks = dict(library.medium(done.medium).tracks())
    voice, face = found["emotion"], found["face.affect"]
    assert isinstance(voice, Explanation)
    assert isinstance(face, FaceExplanation)
    return Told(tracks, voice, face)


@pytest.fixture
def readings(told: Told) -> dict[str, AnyTrack]:
    """What is said, how it is said, and both fused; two persons in the picture, one nearer than the other."""
    boxes = np.array([[10, 10, 40, 50], [200, 40, 90, 110]], np.float32)
    persons = Boxes("face.boxes", np.array([18.5, 18.5]), np.array([1, 2]), boxes, np.ones(2))
    return {**told.tracks, "face.boxes": persons}


@pytest.fixture
def voice(told: Told) -> Explanation:
    """Why the voice reads aroused."""
    return told.voice


@pytest.fixture
def face(told: Told) -> FaceExplanation:
    """Where the net looks."""
    return told.face


@pytest.fixture
def panel(qtbot: QtBot, readings: dict[str, AnyTrack]) -> Iterator[ExplainPanel]:
    """The tab, shown, over the readings."""
    document = Document()
    document.load(readings)
    made = ExplainPanel(DARK, EXPLAINERS)
    made.bind(document)
    qtbot.addWidget(made)
    made.resize(560, 1000)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    made.shutdown()
    document.deleteLater()
