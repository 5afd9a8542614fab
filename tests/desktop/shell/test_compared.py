"""Whatever the list of what can be compared offers is drawn on the lanes, and told at the pointer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from mien.library import Library
from mien.tracks import Curve, Spans
from mien.tracks.track import AnyTrack
from mien_desktop.shell.conduct import RUN
from mien_desktop.shell.window import MainWindow

from .conftest import PATIENCE

SECOND = "(second run)"
UNDRAWN = {"speech.voice", "face.detect"}
"""Analyzers whose readings have no lane."""


def other(track: AnyTrack) -> AnyTrack:
    """A track as another model might have read it."""
    if isinstance(track, Curve):
        low, high = (np.array([getattr(q, end) for q in track.quantities]) for end in ("low", "high"))
        return replace(track, values=np.clip(track.values + 0.13 * (high - low), low, high))
    if isinstance(track, Spans):
        middle = (track.start + track.end) / 2
        return replace(track, end=middle, score=np.clip(1 - track.score, 0, 1))
    return track


@pytest.fixture
def stocked(place: Path) -> Path:
    """The library with a second run of every analyzer of the clip, none of them the current one; one that read nothing."""
    with Library(place) as library:
        (medium,) = library.media()
        for run in library.runs(medium):
            tracks = library.tracks(run)
            for key in ("other", "empty") if run.analyzer == "text" else ("other",):
                made = library.begin_run(
                    medium, key=f"{key}-{run.analyzer}", analyzer=run.analyzer, version=run.version,
                    params=dict(run.params), models={key: "0" * 64},
                )  # fmt: skip
                for info in tracks.infos():
                    track = other(tracks[info.name])
                    made.write(track if key == "other" else track.take(slice(0, 0)))
                made.complete()
            library.reuse(run)
    return place


def picture(window: MainWindow) -> QImage:
    """The lanes as they are seen, without what is beside them."""
    view = window.workspace.timeline
    return view.grab(view.plot).toImage().convertToFormat(QImage.Format.Format_RGB32)


def told(window: MainWindow) -> set[str]:
    """Lanes in sight that tell a value of the second run somewhere."""
    view = window.workspace.timeline
    times = np.arange(0.05, 23.0, 0.1)
    return {
        slot.lane.id
        for slot in view.slots
        if any(SECOND in r.name for t in times for r in slot.lane.values_at(float(t)))
    }


def test_all_that_is_offered_is_drawn(stocked: Path, opened: MainWindow, qtbot: QtBot) -> None:
    opened.resize(1600, 1400)
    space, box = opened.workspace, opened.tools.compare
    qtbot.waitUntil(lambda: space.events.ready and space.timeline.range is not None, timeout=PATIENCE)
    space.lanes.waveform.visible = False  # it is drawn piece by piece, meanwhile
    opened.conductor._look_for_earlier()
    qtbot.waitUntil(lambda: any(str(box.itemData(n)).startswith(RUN) for n in range(box.count())), timeout=PATIENCE)
    offered = [n for n in range(1, box.count()) if box.model().item(n).isEnabled() and box.itemData(n)]
    runs = [n for n in offered if str(box.itemData(n)).startswith(RUN)]
    with Library(stocked) as library:
        made = {library.run(str(box.itemData(n)).removeprefix(RUN)).analyzer for n in runs}
        (medium,) = library.media()
        assert made == {run.analyzer for run in library.runs(medium)} - UNDRAWN
        # One that read nothing is not offered beside the one that did.
        assert len(runs) == len(made)
    assert opened.conductor.choice.fusion not in {box.itemData(n) for n in offered}  # it would lie upon itself
    assert len(offered) > len(runs)
    for n in offered:
        plain, heights = picture(opened), [slot.height for slot in space.timeline.slots]
        box.setCurrentIndex(n)
        box.activated.emit(n)
        qtbot.waitUntil(lambda: any(slot.lane.compares for slot in space.timeline.slots), timeout=PATIENCE)
        name = box.itemText(n)
        compared = {slot.lane.id for slot in space.timeline.slots if slot.lane.compares}
        assert told(opened) == compared, name
        assert picture(opened) != plain, name
        box.setCurrentIndex(0)
        box.activated.emit(0)
        assert not told(opened), name
        assert [slot.height for slot in space.timeline.slots] == heights
        assert picture(opened) == plain, name


def test_a_second_run_stands_beside_the_first_on_lanes_of_every_kind(
    stocked: Path, opened: MainWindow, qtbot: QtBot
) -> None:
    """Words and their scores in a row of their own, scores as dashes over the bars, expressions in the lower half of a row."""
    lanes = opened.workspace.lanes
    with Library(stocked) as library:
        (medium,) = library.media()
        runs = {r.analyzer: r for r in library.runs(medium, current=False) if r.key.startswith("other")}
        stored = {analyzer: library.tracks(run) for analyzer, run in runs.items()}
        tracks = {a: {info.name: found[info.name] for info in found.infos()} for a, found in stored.items()}
    height = lanes.words.height
    lanes.compare(tracks["speech.transcript"])
    spoken = tracks["speech.transcript"]["speech.words"]
    assert isinstance(spoken, Spans)
    at = float(spoken.start[0] + spoken.end[0]) / 2
    assert [r.value for r in lanes.words.values_at(at)] == [spoken.text[0]] * 2
    assert lanes.words.height == height  # of the layout
    assert lanes.words.extra > 0
    lanes.compare(tracks["text"])
    assert lanes.words.compares
    scored = tracks["text"]["text.offence"]
    assert isinstance(scored, Spans)
    said = {r.name: r.value for r in lanes.scores.values_at(float(scored.start[3]) + 0.01)}
    assert said[f"offence {SECOND}"] == pytest.approx(float(scored.score[3]))
    assert said["offence"] == pytest.approx(1 - float(scored.score[3]), abs=1e-5)
    lanes.compare(tracks["face.affect"])
    assert not lanes.words.compares
    shares = tracks["face.affect"]["face.expression"]
    assert isinstance(shares, Curve)
    here = {r.name: r.value for r in lanes.expressions.values_at(float(shares.times[5]))}
    assert here[f"happy {SECOND}"] == pytest.approx(float(shares.channel("happy")[5]))
    lanes.expressions.visible = lanes.curves["face.affect"].visible = False
    lanes.compare({})
    lanes.compare(tracks["face.affect"])
    assert any(lane.visible for lane in lanes.lanes if lane.compares)  # else nothing of it would be seen
