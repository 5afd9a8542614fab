"""One medium after the other: what belongs to the first never shows with the second."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mien.library.library import Library
from mien.media.identity import content_id
from mien_desktop.shell.window import MainWindow
from mien_desktop.timeline.lanes import SpectrogramLane, WaveformLane
from mien_desktop.timeline.sound import Sound

from .conftest import DEMO, PATIENCE, MakeWindow


def test_a_medium_that_was_never_analysed_has_its_axis_and_waveform(
    make_window: MakeWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window = make_window(tmp_path / "new.db")
    window.open(DEMO)
    timeline = window.workspace.timeline
    qtbot.waitUntil(lambda: timeline.range is not None, timeout=PATIENCE)
    assert timeline.range is not None
    assert timeline.range.duration == pytest.approx(window.workspace.player.duration)
    qtbot.waitUntil(lambda: not timeline.lane("waveform").empty, timeout=PATIENCE)
    timeline.seek(5.0)
    qtbot.waitUntil(lambda: abs(window.workspace.player.position - 5.0) < 0.05, timeout=PATIENCE)
    assert timeline.playhead == pytest.approx(window.workspace.player.position)


def test_another_medium_during_an_analysis_takes_nothing_of_it(
    make_window: MakeWindow, tmp_path: Path, qtbot: QtBot, other: Path
) -> None:
    window = make_window(tmp_path / "new.db")
    window.open(DEMO)
    window.conductor.analyse()
    qtbot.waitUntil(lambda: bool(window.document.readings.parts), timeout=PATIENCE)
    window.workspace.timeline.select(3.0, 5.0)
    window.open(other)
    assert window.tools.analyse.text() == "Analyse"
    assert window.workspace.selection is None
    heard: list[object] = []
    window.document.replaced.connect(heard.append)
    window.conductor.analyse()  # waits for its turn behind the one that is being cancelled
    assert window.document.analysing
    qtbot.waitUntil(lambda: bool(window.document.standings), timeout=PATIENCE)
    media = window.document.media
    assert media is not None
    assert media.duration is not None
    assert media.duration < 10.0
    window.close_medium()
    assert window.pages.currentWidget() is window.welcome
    assert window.tools.analyse.text() == "Analyse"
    heard.clear()
    window.open(DEMO)
    window.conductor.analyse()
    qtbot.waitUntil(lambda: window.document.media is not None and bool(window.document.standings), timeout=PATIENCE)
    assert window.document.media is not None
    assert (window.document.media.duration or 0) > 20.0


def test_a_fusion_chosen_while_the_analysis_runs_is_used_when_it_has_ended(opened: MainWindow, qtbot: QtBot) -> None:
    conductor = opened.conductor
    conductor.analyse()
    conductor.choose_fusion("fusion.majority")
    qtbot.waitUntil(
        lambda: (
            (track := opened.document.readings.get("fusion.score")) is not None
            and track.provenance is not None
            and track.provenance.analyzer == "fusion.majority"
        ),
        timeout=PATIENCE,
    )


def test_a_medium_that_was_moved_opens_with_its_readings(
    window: MainWindow, place: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    moved = tmp_path / "moved here.mp4"
    moved.write_bytes(DEMO.read_bytes())
    window.open(moved)
    qtbot.waitUntil(lambda: bool(window.document.readings.parts), timeout=PATIENCE)
    with Library(place) as library:
        assert len(library.media()) == 1


def test_the_library_does_not_wait_for_a_copy_that_is_read_through(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()

    def slow(path: Path, progress: Callable[[float], None] | None = None) -> str:
        """As of a drive that is asleep."""
        reading.set()
        while not go_on.wait(0.01):
            assert progress is not None
            progress(0.0)
        return content_id(path, progress)

    monkeypatch.setattr("mien_desktop.work.recognition.content_id", slow)
    moved, answered = tmp_path / "copied.mp4", []
    moved.write_bytes(DEMO.read_bytes())
    window.open(moved)
    qtbot.waitUntil(reading.is_set, timeout=PATIENCE)
    assert "known from another place" in window.foot._worker.text()
    window.conductor.background.run(lambda: len(window.conductor.shelf.library.media()), answered.append)
    qtbot.waitUntil(lambda: answered == [1], timeout=PATIENCE)
    assert not window.document.readings.parts
    window.close_medium()  # gives it up
    assert not window.conductor.recognition.runs
    assert not window.foot._worker.text()
    window.open(moved)
    go_on.set()
    qtbot.waitUntil(lambda: bool(window.document.readings.parts), timeout=PATIENCE)
    qtbot.waitUntil(lambda: not window.foot._worker.text(), timeout=PATIENCE)


def test_sound_that_was_stopped_is_drawn_no_more(qtbot: QtBot) -> None:
    waveform, spectrogram = WaveformLane(), SpectrogramLane()
    sound = Sound(str(DEMO))
    sound.feed(waveform, spectrogram)
    sound.stop()
    waveform.clear()
    # What the thread had sent before it was stopped is still delivered.
    sound.begun.emit(0.0)
    sound.piece.emit(np.zeros(4, np.int16), np.ones(4, np.int16), np.zeros((1, 1), np.uint8))
    assert waveform.empty


def test_the_timeline_knows_whether_it_plays(opened: MainWindow, qtbot: QtBot) -> None:
    opened.workspace.player.play()
    assert opened.workspace.timeline._playing
    opened.workspace.player.pause()
    assert not opened.workspace.timeline._playing


def test_the_open_medium_is_taken_out_of_the_library(opened: MainWindow, qtbot: QtBot, place: Path) -> None:
    space = opened.workspace
    qtbot.waitUntil(lambda: space.events.ready, timeout=PATIENCE)
    space.events.set_threshold(0.05)
    assert space.events.events
    medium = opened.document.medium
    space.events.change(space.events.events[:1], {"note": "heard twice"})
    opened.show_library()
    page = opened.rooms.library
    assert page is not None
    qtbot.waitUntil(lambda: page.model.rowCount() == 1, timeout=PATIENCE)
    page.leaving.remove(page.model.shown)
    page.leaving.confirm()
    with qtbot.waitSignal(page.removed, timeout=PATIENCE):
        page.leaving.finish()
    assert opened.pages.currentWidget() is page
    # Nothing is shown that is nowhere: neither readings nor decisions that could no longer be taken back.
    assert opened.document.readings.parts == {}
    assert (opened.document.path, opened.document.medium) == (DEMO.absolute(), "")
    assert not space.events.history.stack.canUndo()
    qtbot.waitUntil(lambda: space.events.events == () and space.player.frame is not None, timeout=PATIENCE)
    with Library(place) as library:
        assert medium not in [entry.id for entry in library.media()]
