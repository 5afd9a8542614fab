"""The time left counts down while nothing is said, and never stands at nothing while work goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mien.engine.events import Done, PlannedPlugin, Progress, Started
from mien.sdk.media import MediaInfo
from mien_desktop.document import Document
from mien_desktop.shell.progress import far
from mien_desktop.shell.window import MainWindow
from mien_desktop.work.pace import Pace

from .conftest import DEMO, PATIENCE, MakeWindow


class Clock:
    """Time that goes by when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def working(fractions: dict[float, float], clock: Clock) -> Pace:
    """One that was so far after so many s."""
    begun, pace = clock.now, Pace(0.0, clock)
    for after, fraction in fractions.items():
        clock.now = begun + after
        pace.reach(fraction)
    return pace


def test_it_counts_down_between_two_reports(clock: Clock) -> None:
    pace = working({10.0: 0.5}, clock)
    told = []
    for _ in range(10):
        told.append(pace.left)
        clock.now += 1.0
    assert told == [10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    pace.reach(0.5)  # said again, nothing new: it goes on counting
    assert pace.left == 0.0
    pace.reach(0.6)  # slower than it was
    assert pace.left == pytest.approx(20.0 * 0.4 / 0.6)


def test_too_little_is_no_ground_for_a_guess(clock: Clock) -> None:
    assert working({0.5: 0.5}, clock).left is None
    assert working({10.0: 0.01}, clock).left is None
    assert not working({10.0: 0.01}, clock).late


def test_what_stands_still_is_late_and_in_time_again(clock: Clock) -> None:
    pace = working({10.0: 0.5}, clock)
    clock.now += 14.0
    assert (pace.left, pace.late) == (0.0, False)
    clock.now += 2.0
    assert (pace.left, pace.late) == (None, True)
    pace.reach(0.9)
    assert pace.left == pytest.approx(26.0 / 9)
    assert not pace.late


def test_the_line_is_never_at_nothing(clock: Clock, qtbot: QtBot) -> None:
    """Shown from second to second, through a silence as long as one likes."""
    document = Document()
    document.begin()
    plugin = PlannedPlugin("face.affect", "Expressions", "run")
    document.take(Started("m", MediaInfo(Path("m.mp4")), (plugin,), (), "CPU"))
    document.take(Progress("face.affect", 0.0))
    document._paces["face.affect"] = Pace(0.0, clock)
    clock.now += 8.0
    document.take(Progress("face.affect", 0.4))
    told = []
    for _ in range(30):
        told.append(far(document.standings["face.affect"]))
        clock.now += 1.0
        with qtbot.waitSignal(document.progressed, timeout=PATIENCE):
            document.ticking.setInterval(1)
    assert told[:9] == [f"40% · 0:{12 - n:02d} left" for n in range(8)] + ["40% · a few seconds left"]
    assert told[-1] == "40% · longer than expected"
    assert not [line for line in told if "0:00" in line]
    document.take(Done("m", {}, {}, "", 1.0, 1.0))
    assert not document.ticking.isActive()


def test_the_clock_ticks_only_while_something_is_analysed(
    make_window: MakeWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window: MainWindow = make_window(tmp_path / "new.db")
    ticking = window.document.ticking
    assert not ticking.isActive()
    window.open(DEMO)
    assert not ticking.isActive()
    window.conductor.analyse()
    assert ticking.isActive()
    window.conductor.cancel()
    qtbot.waitUntil(lambda: window.conductor._job is None, timeout=PATIENCE)
    assert not ticking.isActive()
    window.conductor.analyse()
    window.close_medium()
    assert not ticking.isActive()
