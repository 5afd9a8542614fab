"""What a medium needs is read one after the other when it is opened, so that the window has its turn between."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mien.media.probe import probe
from mien_desktop.player import index as times
from mien_desktop.player.index import FrameIndex, Indexer
from mien_desktop.timeline import overview
from mien_desktop.timeline.sound import Sound
from mien_desktop.work.shelf import Shelf, Stored

from .conftest import DEMO, PATIENCE, MakeWindow

FOR_EVER = 3600.0


def test_the_times_of_the_pictures_are_read_when_it_is_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "PATIENCE", FOR_EVER)
    found: list[FrameIndex] = []
    there = threading.Event()

    def learn(index: FrameIndex) -> None:
        found.append(index)
        if index.complete:
            there.set()

    indexer = Indexer(probe(DEMO), learn, at_once=False)
    assert not there.wait(0.2)
    indexer.begin()
    assert there.wait(PATIENCE / 1e3)
    assert found[-1].times.size > 100
    indexer.close()
    waits = Indexer(probe(DEMO), found.append, at_once=False)
    before = len(found)
    waits.close()  # at once, and nothing was read
    assert len(found) == before


def test_the_times_do_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(times, "PATIENCE", 0.05)
    there = threading.Event()
    indexer = Indexer(probe(DEMO), lambda index: there.set() if index.complete else None, at_once=False)
    assert there.wait(PATIENCE / 1e3)
    indexer.close()


def test_the_sound_is_drawn_when_it_is_its_turn(qtbot: QtBot) -> None:
    sound, begun = Sound(str(DEMO)), threading.Event()
    sound.begun.connect(lambda _: begun.set())
    sound.start(FOR_EVER)
    qtbot.wait(200)
    assert not begun.is_set()
    sound.begin()
    qtbot.waitUntil(begun.is_set, timeout=PATIENCE)
    sound.stop()
    waits = Sound(str(DEMO))
    waits.start(FOR_EVER)
    waits.stop()  # at once
    assert not waits.alive


@pytest.mark.parametrize("kind", ["picture", "sound"])
def test_each_gets_its_turn(
    make_window: MakeWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot, kind: str
) -> None:
    """By what comes before it, not by the clock."""
    import av

    monkeypatch.setattr(times, "PATIENCE", FOR_EVER)
    monkeypatch.setattr(overview, "PATIENCE", FOR_EVER)
    path = DEMO
    if kind == "sound":
        path = tmp_path / "only_sound.m4a"
        with av.open(str(DEMO)) as source, av.open(str(path), "w") as target:
            stream = source.streams.audio[0]
            copy = target.add_stream_from_template(stream)
            for packet in source.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    target.mux(packet)
    window = make_window(tmp_path / "none.db")
    window.open(path)
    space = window.workspace
    qtbot.waitUntil(lambda: not space.lanes.waveform.empty, timeout=PATIENCE)
    assert (space.player.frame is not None) == space.player.index.complete == (kind == "picture")


def test_looking_for_a_medium_makes_no_library(make_window: MakeWindow, tmp_path: Path, qtbot: QtBot) -> None:
    """The worker makes it, with the first analysis: that loads the migrations' library, for a fifth of a second."""
    place = tmp_path / "none.db"
    shelf = Shelf(str(place))
    assert shelf.stored(DEMO) == Stored()
    shelf.close()
    window, asked = make_window(place), []
    window.open(DEMO)
    window.conductor.background.run(lambda: place.exists(), asked.append)
    qtbot.waitUntil(lambda: bool(asked), timeout=PATIENCE)
    assert asked == [False]
