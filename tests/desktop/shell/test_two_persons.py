"""Two persons in the picture: each has lanes of its own, and nothing that is read of one is taken for the other's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from mien.engine.events import Piece
from mien.library import Library
from mien.media.ffmpeg import ffmpeg_path
from mien.tracks import AROUSAL, EXPRESSION_QUANTITIES, VALENCE, Curve
from mien_desktop.document import Document
from mien_desktop.events.sources import readings
from mien_desktop.look.palette import DARK
from mien_desktop.shell.lanes import LaneSet
from mien_desktop.shell.persons import MOST, SHOWN
from mien_desktop.shell.window import MainWindow
from mien_desktop.timeline.lanes import Lane
from mien_desktop.timeline.view import TimelineView

from .conftest import DEMO, PATIENCE, MakeWindow

TRACKS = {"expressions": "face.expression", "face.affect": "face.affect"}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A clip in which two faces stand beside each other, cut from the demo clip, and a library that holds its readings."""
    folder = tmp_path_factory.mktemp("both")
    clip, place = folder / "both.mp4", folder / "library.db"
    side_by_side = "[0:v]scale=480:-2[a];[1:v]scale=480:-2,hflip[b];[a][b]hstack=inputs=2"
    parts = ["-t", "6", "-i", str(DEMO), "-ss", "12", "-t", "6", "-i", str(DEMO)]
    made = [str(ffmpeg_path()), "-v", "error", *parts, "-filter_complex", side_by_side, "-map", "0:a", str(clip)]
    subprocess.run(made, check=True, timeout=120)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(folder / "home"))
        patch.setenv("MIEN_OFFLINE", "1")
        command = [sys.executable, "-c", "from mien.cli.app import main; main()", "analyze", str(clip)]
        command += ["--library", str(place), "--quiet"]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    return clip, place


def lanes_of(view: TimelineView, first: str) -> list[Lane]:
    """The lanes of a track from the top down, hidden ones as well."""
    return [lane for lane in view.lanes if lane.id.partition(" ")[0] == first]


def test_each_person_has_lanes_and_the_values_at_the_pointer_are_its_own(
    both: tuple[Path, Path], make_window: MakeWindow, qtbot: QtBot
) -> None:
    clip, place = both
    window = make_window(place)
    window.resize(1600, 1400)
    window.open(clip)
    space = window.workspace
    view = space.timeline
    qtbot.waitUntil(lambda: len(lanes_of(view, "face.affect")) == 2 and view.range is not None, timeout=PATIENCE)
    titles = [lane.title for name in TRACKS for lane in lanes_of(view, name)]
    assert titles == ["Expressions A", "Expressions B", "Face A: val · aro", "Face B: val · aro"]
    for name, of in TRACKS.items():
        pair = lanes_of(view, name)
        assert view.lanes.index(pair[1]) == view.lanes.index(pair[0]) + 1
        track = window.document.readings.get(of)
        assert isinstance(track, Curve)
        assert track.person is not None
        for person, lane in enumerate(pair, 1):
            assert lane.dot() == lane.palette.people[person - 1]  # as the box round the face
            assert f"person {'AB'[person - 1]}" in lane.about
            own = track.take(track.person == person)
            for time, values in zip(own.times.tolist(), own.values, strict=True):
                said = [float(reading.value) for reading in lane.values_at(time) if "threshold" not in reading.name]
                assert said == pytest.approx(values.tolist())
            # The box in the picture says the same of the same person.
            (mark,) = (m for m in space.overlay.at(float(own.times[3])).marks if m.name == "AB"[person - 1])
            best = int(np.argmax(own.values[3]))
            assert name != "expressions" or mark.label.startswith(own.channels[best])
    for lane in lanes_of(view, "expressions"):
        slot = next(s for s in view.slots if s.lane is lane)
        view.hover(QPointF(view.plot.left() + view.offset(3.0), view.plot.top() + slot.top + 5), None)
        assert view.readout is not None
        assert f"{lane.title}, angry" in view.readout.text.replace(" · ", ", ")
        assert lane.told_at(3.0).startswith(f"{lane.title}: angry")


def test_a_persons_lane_keeps_its_place_height_and_whether_it_is_shown(
    both: tuple[Path, Path], make_window: MakeWindow, place: Path, qtbot: QtBot
) -> None:
    clip, library = both
    window = make_window(library)
    view = window.workspace.timeline
    window.open(clip)
    qtbot.waitUntil(lambda: len(lanes_of(view, "face.affect")) == 2, timeout=PATIENCE)
    view.lane("expressions 2").visible = False
    view.lane("face.affect 2").height = 77
    view.move_lane(view.lane("face.affect 2"), view.lane("words"))
    kept, order = view.layout(), [lane.id for lane in view.lanes]
    window.open(DEMO)  # in which nobody is known yet
    qtbot.waitUntil(lambda: window.document.path == DEMO and len(lanes_of(view, "expressions")) == 1, timeout=PATIENCE)
    assert view.lane("expressions").title == "Expressions"
    assert view.layout() == kept  # what is remembered is not lost meanwhile
    window.open(clip)
    qtbot.waitUntil(lambda: len(lanes_of(view, "face.affect")) == 2, timeout=PATIENCE)
    assert [lane.id for lane in view.lanes] == order
    assert not view.lane("expressions 2").visible
    assert view.lane("face.affect 2").height == 77
    window.close()
    again = make_window(library)
    again.open(clip)
    later = again.workspace.timeline
    qtbot.waitUntil(lambda: len(lanes_of(later, "face.affect")) == 2, timeout=PATIENCE)
    assert [lane.id for lane in later.lanes] == order
    assert not later.lane("expressions 2").visible
    assert later.lane("face.affect 2").height == 77


def test_events_and_explanations_say_whose_face_it_is(
    both: tuple[Path, Path], make_window: MakeWindow, qtbot: QtBot
) -> None:
    clip, place = both
    window = make_window(place)
    window.open(clip)
    space = window.workspace
    events = space.events
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    with Library(place) as library:
        (medium,) = library.media()
        run = next(run for run in library.runs(medium) if run.analyzer == "face.affect")
        track = library.tracks(run)["face.affect"]
    assert isinstance(track, Curve)
    assert track.person is not None
    at = float(track.times[len(track) // 2])
    told = {r.name: r.value for r in readings({track.name: track}, at)}
    assert set(told) == {f"face {name}, person {who}" for name in ("valence", "arousal") for who in "AB"}
    for person, who in ((1, "A"), (2, "B")):
        own = track.take(track.person == person)
        row = int(np.argmin(np.abs(own.times - at)))
        assert told[f"face arousal, person {who}"] == pytest.approx(float(own.channel("arousal")[row]))
        alone = readings({track.name: track}, at, person)
        assert [r.name for r in alone] == ["face valence", "face arousal"]
        assert alone[1].value == told[f"face arousal, person {who}"]
    assert events.head.pick("face.affect", "arousal")
    events.head.source_chosen.emit()
    level = float(np.percentile(track.channel("arousal"), 20))
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(level)
    qtbot.waitUntil(lambda: events.ready and {e.person for e in events.events} == {1, 2}, timeout=PATIENCE)
    assert {e.source_title for e in events.events} == {"face arousal, person A", "face arousal, person B"}
    for event in events.events:
        own = track.take(track.person == event.person).slice(event.start, event.end)
        assert event.score == pytest.approx(float(own.channel("arousal").max()), abs=0.02)
    space.explain.explain(at)
    people = space.explain.people
    assert {people.itemText(n) for n in range(people.count())} == {"the largest face", "person A", "person B"}


def crowd(people: int, times: Callable[[int], np.ndarray] = lambda _: np.arange(0.0, 10.0)) -> Curve:
    """Person n says n / 100 of everything."""
    rows = sorted((float(t), n) for n in range(1, people + 1) for t in times(n))
    who = np.array([n for _, n in rows])
    values = np.repeat(who[:, None] / 100, 2, 1)
    return Curve("face.affect", np.array([t for t, _ in rows]), values, (VALENCE, AROUSAL), who)


@pytest.mark.usefixtures("qapp")
def test_of_many_persons_those_seen_most_are_shown_and_the_rest_is_told() -> None:
    document = Document()
    lanes = LaneSet(document, DARK)
    often = (2, 5, 9)
    document.load({"face.affect": crowd(15, lambda n: np.arange(0.0, 40.0 if n in often else 4.0))})
    mine = [lane for lane in lanes.lanes if lane.id.startswith("face.affect")]
    assert len(mine) == MOST
    assert [lane.title for lane in mine if lane.visible] == [f"Face {who}: val · aro" for who in "BEI"]
    assert len([lane for lane in mine if lane.visible]) == SHOWN
    assert mine[0].note == "Also seen: A, C, D, F, G, H, J, K, L (right-click, Lanes); 3 more have no lane"
    assert [r.value for r in mine[1].values_at(2.0)] == pytest.approx([0.05, 0.05])
    document.open(None)
    assert [lane.title for lane in lanes.lanes if lane.id.startswith("face.affect")] == ["Face: val · aro"]


@pytest.mark.usefixtures("qapp")
def test_persons_come_while_the_analysis_runs() -> None:
    """The first lane has a name as soon as there is a second person; nothing of the one is drawn on the other's."""
    document = Document()
    lanes = LaneSet(document, DARK)
    shares = np.full((40, 7), 1 / 7)
    times = np.arange(0.0, 20.0, 0.5)
    who = np.where((times >= 8) & (np.arange(40) % 2 == 0), 2, 1)
    shares[who == 2] = np.eye(7)[0]
    whole = Curve("face.expression", times, shares, EXPRESSION_QUANTITIES, who)
    document.begin()
    titles = []
    for start in np.arange(0.0, 20.0, 4.0):
        document.take(Piece("face.affect", whole.slice(start, start + 4.0)))
        titles.append([lane.title for lane in lanes.lanes if lane.id.startswith("expressions")])
    assert titles == [["Expressions"]] * 2 + [["Expressions A", "Expressions B"]] * 3
    first, second = (lane for lane in lanes.lanes if lane.id.startswith("expressions"))
    assert first.values_at(12.5)[0].value == pytest.approx(1 / 7)
    assert second.values_at(12.0)[0].value == pytest.approx(1.0)
    assert not second.values_at(4.0)


@pytest.mark.usefixtures("qapp")
def test_a_track_of_persons_that_nobody_foresaw_has_a_lane_for_each() -> None:
    document = Document()
    lanes = LaneSet(document, DARK)
    gaze = crowd(2)
    document.load({"eyes.gaze": Curve("eyes.gaze", gaze.times, gaze.values, gaze.quantities, gaze.person)})
    mine = [lane for lane in lanes.lanes if lane.id.startswith("eyes.gaze")]
    assert [lane.title for lane in mine] == ["eyes.gaze A", "eyes.gaze B"]
    assert [lane.values_at(3.0)[0].value for lane in mine] == pytest.approx([0.01, 0.02])


def test_one_person_needs_no_name(opened: MainWindow) -> None:
    view = opened.workspace.timeline
    assert [lane.title for name in TRACKS for lane in lanes_of(view, name)] == ["Expressions", "Face: val · aro"]
