"""A reading of a window is drawn, read and found for as long as the window was."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QFont, QImage

from mien.tracks import CONFLICT, EXPRESSION_QUANTITIES, Curve
from mien_desktop.events.sources import Rule, Source, prepare
from mien_desktop.look.palette import DARK
from mien_desktop.timeline.axis import Ticks
from mien_desktop.timeline.lanes import CurvesLane, FilledLane, Lane, StripsLane
from mien_desktop.timeline.pictures import Pictures
from mien_desktop.timeline.window import Window


def conflict(times: list[float], value: float = 0.8) -> Curve:
    return Curve("conflict.intensity", np.array(times), np.full((len(times), 1), value, np.float32), (CONFLICT,))


def drawn(lane: Lane, seconds: float = 60.0, width: int = 600, height: int = 40) -> np.ndarray:
    """(W,) whether anything is painted in a column of the lane's picture."""
    lane.wear(DARK)
    window = Window.over(0.0, seconds, width)
    image: QImage = Pictures().of(lane, window, height, 1.0, DARK, Ticks(1.0, (), ()), QFont())
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(height, width, 4)[: height // 2 - 2, :, :3]
    return np.asarray((rows != rows[0, -1]).any((0, 2)))


def test_a_single_reading_is_no_thin_line() -> None:
    lane = FilledLane("conflict", "Conflict")
    lane.set_track(conflict([11.0]))
    assert 0 < drawn(lane).sum() < 20  # nothing is known of its window: it is where it is
    lane.outwards = 5.0
    at = np.flatnonzero(drawn(lane))
    assert (at[0] / 10, (at[-1] + 1) / 10) == pytest.approx((6.0, 16.0), abs=0.3)
    assert np.all(np.diff(at) == 1)
    (said,) = lane.values_at(7.0)
    assert said.value == pytest.approx(0.8)
    assert lane.values_at(17.0) == []


def test_the_ends_of_a_curve_reach_outwards() -> None:
    lane = CurvesLane("conflict", "Conflict")
    lane.outwards = 15.0
    lane.set_track(conflict([15.0 + n for n in range(12)]))
    at = np.flatnonzero(drawn(lane))
    assert (at[0] / 10, (at[-1] + 1) / 10) == pytest.approx((0.0, 41.0), abs=0.3)
    assert lane.values_at(1.0)
    assert lane.values_at(40.0)
    assert not lane.values_at(42.0)


def test_gaps_inside_are_not_reached_over() -> None:
    lane = CurvesLane("conflict", "Conflict")
    lane.outwards = 5.0
    lane.set_track(conflict([5.0 + n for n in range(10)] + [40.0 + n for n in range(10)]))
    there = drawn(lane)
    assert not there[170:380].any()
    assert not lane.values_at(20.0)


def test_strips_hold_as_curves_do() -> None:
    values = np.full((1, 7), 1 / 7, np.float32)
    lane = StripsLane("expressions", "Expressions")
    lane.outwards = 4.0
    lane.set_track(Curve("face.expression", np.array([20.0]), values, EXPRESSION_QUANTITIES))
    at = np.flatnonzero(drawn(lane))
    assert (at[0] / 10, (at[-1] + 1) / 10) == pytest.approx((16.0, 24.0), abs=0.3)


def test_a_second_run_reaches_by_its_own_window() -> None:
    lane = CurvesLane("conflict", "Conflict")
    lane.outwards = 2.0
    lane.set_track(conflict([30.0], -0.8))
    lane.set_comparison(conflict([30.0], 0.8), outwards=10.0)
    assert [r.value for r in lane.values_at(22.0)] == [pytest.approx(0.8)]


def test_pieces_that_arrive_move_the_end_along() -> None:
    lane = CurvesLane("conflict", "Conflict")
    lane.outwards = 5.0
    lane.append(conflict([10.0]))
    assert lane.values_at(14.0)
    lane.append(conflict([11.0, 12.0]))
    assert lane.values_at(16.5)
    assert not lane.values_at(17.5)


def test_an_event_is_found_where_a_single_reading_holds() -> None:
    source = Source("conflict.intensity", "conflict")
    (found,) = prepare(conflict([11.0]), source, 22.0, reach=15.0).find(Rule(0.5))
    assert (found.start, found.end) == (0.0, 22.0)
    assert found.peak == pytest.approx(11.0, abs=1.0)  # what is explained is the reading's own moment
    (found,) = prepare(conflict([11.0]), source, 60.0, reach=5.0).find(Rule(0.5))
    assert (found.start, found.end) == pytest.approx((6.0, 16.0), abs=1.0)
