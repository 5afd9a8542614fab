"""Where a reading stays beyond a level: NaN, gaps, persons, spans, lengths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.library.query import Condition
from mien.library.stretches import Stretch, common, find_stretches
from mien.tracks import CONFLICT, Boxes, Curve, Spans

OVER = Condition("conflict", True, 0.5)
NAN = float("nan")


def _curve(values, times=None, person=None) -> Curve:
    times = np.arange(len(values), dtype=float) + 0.5 if times is None else np.asarray(times, float)
    return Curve("conflict.intensity", times, np.array(values, np.float32)[:, None], (CONFLICT,), person)


def _found(track, condition=OVER, duration=None) -> list[tuple[float, float, float]]:
    return [
        (round(s.start, 4), round(s.end, 4), round(s.values[0], 4))
        for s in find_stretches(track, 0, condition, duration)
    ]


def test_neighbouring_readings_make_one_stretch() -> None:
    assert _found(_curve([0, 0.6, 0.9, 0.7, 0, 0.8])) == [(1, 4, 0.9), (5, 6, 0.8)]
    below = Condition("conflict", False, -0.2)
    assert _found(_curve([0, -0.6, -0.9, 0.1]), below) == [(1, 3, -0.9)]


def test_the_level_itself_counts_only_when_asked() -> None:
    curve = _curve([0.7, 0.2])  # 0.7 is no float32
    assert _found(curve, Condition("x", True, 0.7)) == []
    assert _found(curve, Condition("x", True, 0.7, inclusive=True)) == [(0, 1, 0.7)]


@pytest.mark.parametrize(("seconds", "count"), [(0, 2), (1, 2), (1.01, 1), (3, 1), (3.01, 0)])
def test_it_must_last(seconds: float, count: int) -> None:
    assert len(_found(_curve([0, 0.6, 0.9, 0.7, 0, 0.8]), Condition("x", True, 0.5, False, seconds))) == count


def test_unknown_readings_are_absent_ones() -> None:
    assert _found(_curve([0.6, NAN, 0.6, NAN, NAN, 0.7, 0, 0, 0])) == [(0, 6, 0.7)]


def test_a_gap_ends_a_stretch() -> None:
    times = [0, 1, 2, 3, 5, 6, 10, 11]
    assert _found(_curve([0.9] * 8, times)) == [(0, 6.5, 0.9), (9.5, 11.5, 0.9)]
    assert _found(_curve([0.9, 0.9, NAN, NAN, NAN, 0.9, 0.9])) == [(0, 2, 0.9), (5, 7, 0.9)]


def test_a_single_reading_holds_for_its_window() -> None:
    alone = _curve([0.9], [11.0])
    found = [(s.start, s.end) for s in find_stretches(alone, 0, OVER, 22.0, reach=15.0)]
    assert found == [(0.0, 22.0)]
    assert [(s.start, s.end) for s in find_stretches(alone, 0, OVER, 60.0, reach=5.0)] == [(6.0, 16.0)]
    long = Condition("conflict", True, 0.5, False, 10.0)
    assert len(find_stretches(alone, 0, long, 60.0, reach=5.0)) == 1
    assert not find_stretches(alone, 0, long, 60.0)  # without its window it speaks for a moment


def test_the_ends_reach_as_far_as_the_window_and_gaps_do_not() -> None:
    curve = _curve([0.9, 0.9, 0.9, -1, 0.9, 0.9], [15, 16, 17, 18, 30, 31])
    found = [(s.start, s.end) for s in find_stretches(curve, 0, OVER, 40.0, reach=15.0)]
    assert found == [(0.0, 17.5), (29.5, 40.0)]


def test_a_stretch_stays_within_the_medium() -> None:
    assert _found(_curve([0.9, 0.9], [0.2, 3.2]), duration=3.5) == [(0, 3.5, 0.9)]


def test_one_reading_alone_has_no_length() -> None:
    assert _found(_curve([0.9])) == [(0.5, 0.5, 0.9)]
    assert _found(_curve([0.9]), Condition("x", True, 0.5, False, 1.0)) == []
    assert _found(_curve([])) == []
    assert _found(_curve([NAN, NAN])) == []


def test_each_person_for_themselves() -> None:
    times = np.repeat(np.arange(4) + 0.5, 2)
    # Person 0 is over in 0–2, person 1 in 2–4: nobody is over for three seconds.
    curve = _curve([0.9, 0, 0.8, 0, 0, 0.7, 0, 0.6], times, np.tile([0, 1], 4))
    assert _found(curve) == [(0, 4, 0.9)]
    assert _found(curve, Condition("x", True, 0.5, False, 3.0)) == []


def test_spans_hold_over_their_extent() -> None:
    rows = [
        (0, 2, "o", "", 0.9),
        (2, 3, "o", "", 0.6),
        (4, 6, "o", "", 0.2),
        (7, 9, "o", "", NAN),
        (9, 10, "o", "", 0.7),
    ]
    spans = Spans.of("text.offence", rows)
    assert _found(spans) == [(0, 3, 0.9), (9, 10, 0.7)]
    assert _found(spans, Condition("x", True, 0.5, False, 3.0)) == [(0, 3, 0.9)]


def test_boxes_have_no_reading() -> None:
    empty = np.empty(0)
    assert _found(Boxes("face.boxes", empty, empty, np.empty((0, 4)), empty)) == []


def test_both_at_one_time() -> None:
    one = [Stretch(0, 5, (0.9,)), Stretch(8, 12, (0.8,))]
    other = [Stretch(4, 9, (-0.5,)), Stretch(11, 11, (-0.4,)), Stretch(12, 20, (-0.3,))]
    assert [(s.start, s.end, s.values) for s in common(one, other)] == [
        (4, 5, (0.9, -0.5)),
        (8, 9, (0.8, -0.5)),
        (11, 11, (0.8, -0.4)),
    ]
    assert common(one, []) == []


@given(st.lists(st.sampled_from([0.0, 0.4, 0.6, 1.0, NAN]), max_size=40), st.integers(0, 5))
def test_as_counted_one_by_one(values: list[float], seconds: int) -> None:
    """Against the plainest reading of the rule: known readings one by one, usual spacing from the known ones."""
    curve = _curve(values)
    known = [(t, v) for t, v in zip(curve.times, values, strict=True) if v == v]
    steps = np.diff([t for t, _ in known])
    usual = float(np.median(steps)) if steps.size else 0.0
    expected: list[list[float]] = []
    before = None
    for t, v in known:
        if v > 0.5:
            joins = before is not None and before[1] > 0.5 and t - before[0] <= 3 * usual + 1e-6
            if joins:
                expected[-1][1] = t
            else:
                expected.append([t, t])
        before = (t, v)
    spread = [(a - usual / 2, b + usual / 2) for a, b in expected]
    merged: list[tuple[float, float]] = []
    for a, b in spread:
        a = max(a, 0.0)
        if b - a + 1e-6 < seconds:
            continue
        if merged and a <= merged[-1][1] + 1e-6:
            merged[-1] = (merged[-1][0], max(b, merged[-1][1]))
        else:
            merged.append((a, b))
    found = [(s.start, s.end) for s in find_stretches(curve, 0, Condition("x", True, 0.5, False, seconds))]
    assert np.ravel(found) == pytest.approx(np.ravel(merged))
