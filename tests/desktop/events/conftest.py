"""A document with readings made by the real fusion rule, in a real library file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mien.library import Library
from mien.sdk.media import MediaInfo
from mien.tracks import AROUSAL, CONFLICT, EXPRESSION_QUANTITIES, HOSTILITY, VALENCE, Curve, Provenance, Spans
from mien.tracks.track import AnyTrack
from mien_desktop.document import Document
from mien_desktop.events.ledger import decisions
from mien_desktop.events.panel import EventsPanel
from mien_desktop.look.palette import DARK
from mien_desktop.work.background import Background

Settle = Callable[[], None]
HOP, DURATION = 0.25, 120.0
PARAMS = {"hop": HOP, "threshold": 0.7, "hysteresis": 0.1, "min_length": 0.5, "merge_gap": 0.5}


def on_disk(place: Path) -> list[dict]:
    """What a program that opens the library now would read: each decision, without ids and times."""
    with Library(place) as again:
        rows = again.corrections("clip-id")
    found = decisions(rows).values()
    return [{"key": d.key, **d.values, "author": d.author} for d in sorted(found, key=lambda d: d.key.start)]


def shown(panel: EventsPanel) -> list[tuple]:
    return [(e.start, e.end, e.state, e.label, e.note, e.added, e.author) for e in panel.events]


def keys(panel: EventsPanel, qtbot: QtBot, *pressed: Qt.Key) -> None:
    for one in pressed:
        qtbot.keyClick(panel.view, one)


def fused(duration: float = DURATION) -> Curve:
    """Hills of 4 s every 20 s, each a little higher than the last: 0.72, 0.76, …"""
    times = np.arange(0.0, duration - 1e-9, HOP) + HOP / 2
    height = np.minimum(0.72 + 0.04 * (times // 20), 0.98)
    score = 0.2 + (height - 0.2) * np.exp(-(((times % 20 - 10) / 3) ** 2))
    made = Provenance("fusion.late", "1.0.0", {}, dict(PARAMS), "fused-key")
    return Curve("fusion.score", times, score[:, None].astype(np.float32), (HOSTILITY,), None, made)


def tracks(duration: float = DURATION) -> dict[str, AnyTrack]:
    """Readings of four modalities."""
    t = np.arange(0.5, duration, 1.0)
    wave = np.sin(t / 9)[:, None].astype(np.float32)
    face = np.repeat(np.arange(0.0, duration, 0.5), 2)
    who = np.tile([1, 2], face.size // 2)
    angry = np.where(who == 1, 0.9, 0.05)[:, None]
    shares = np.concatenate([angry, np.repeat((1 - angry) / 6, 6, 1)], 1)
    utterances = [(s, s + 3.0, "offensive" if s > 60 else "not", "you never listen", 0.9 if s > 60 else 0.2)
                  for s in np.arange(8.0, duration - 4, 20.0)]  # fmt: skip
    made = [
        Curve("emotion.attributes", t, np.concatenate([wave, -wave], 1), (VALENCE, AROUSAL)),
        Curve("conflict.intensity", t, 0.9 * wave, (CONFLICT,)),
        Curve("face.expression", face, shares, EXPRESSION_QUANTITIES, who),
        Spans.of("text.offence", utterances),
        fused(duration),
    ]
    return {track.name: track for track in made}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where the test's library lies; it holds the medium and the run of the fusion."""
    path = tmp_path / "library.db"
    media = MediaInfo(tmp_path / "clip.mp4", DURATION, True, True)
    (tmp_path / "clip.mp4").write_bytes(b"clip")
    with Library(path) as library:
        medium = library.add_medium(media, "clip-id")
        run = library.begin_run(medium, key="fused-key", analyzer="fusion.late", version="1.0.0", params=PARAMS)
        run.write(fused())
        run.complete()
    return path


@pytest.fixture
def library(place: Path, background: Background) -> Iterator[Library]:
    """The open library, closed before its thread."""
    with Library(place) as opened:
        yield opened
        background.close()


@pytest.fixture
def document(tmp_path: Path) -> Document:
    """The medium with its readings."""
    made = Document()
    made.open(tmp_path / "clip.mp4")
    made.describe(MediaInfo(tmp_path / "clip.mp4", DURATION, True, True), "clip-id")
    made.load(tracks())
    return made


def _note(done: list[bool], _: object) -> None:
    done.append(True)


@pytest.fixture
def settle(qtbot: QtBot, background: Background) -> Callable[[], None]:
    """Waits until the background has done all that was asked, and what it answered was delivered."""

    def wait() -> None:
        # An answer may ask for more: a failed write reads the rows anew.
        for _ in range(3):
            done: list[bool] = []
            background.run(lambda: None, partial(_note, done))
            qtbot.waitUntil(partial(bool, done), timeout=20_000)

    return wait


@pytest.fixture
def panel(
    qtbot: QtBot, document: Document, background: Background, library: Library, settle: Callable[[], None]
) -> EventsPanel:
    """The panel over that document, shown."""
    made = EventsPanel(DARK, background, lambda: library, "Ada")
    qtbot.addWidget(made)
    made.resize(760, 460)
    made.bind(document)
    made.show()
    qtbot.waitUntil(lambda: len(made.events) > 0, timeout=20_000)
    settle()
    return made
