"""What lies in each column of pixels, beside a count of all samples one by one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.tracks import Curve, Quantity
from mien_desktop.timeline.lanes import CurvesLane
from mien_desktop.timeline.pyramid import Pyramid
from mien_desktop.timeline.readings import Readings
from mien_desktop.timeline.series import Series
from mien_desktop.timeline.window import Window

Times = npt.NDArray[np.float64]
Values = npt.NDArray[np.float32]


def recording(seed: int, count: int, holes: int) -> tuple[Times, Values]:
    """Unevenly spaced samples of a second's hundredth each, with long pauses and stretches without a reading."""
    rng = np.random.default_rng(seed)
    steps = rng.uniform(0.002, 0.018, count)
    steps[rng.integers(1, count, holes)] += rng.uniform(5, 200, holes)
    values = rng.normal(0, 1, count).astype(np.float32)
    values[rng.integers(0, count, 6)] = rng.choice([-50.0, 50.0], 6)
    for start in rng.integers(0, count, 4):
        values[start : start + rng.integers(1, 200)] = np.nan
    return np.cumsum(steps), values


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(2, 20_000),
    holes=st.integers(0, 6),
    where=st.floats(0, 1),
    share=st.floats(1e-4, 1.0),
    width=st.integers(1, 1200),
    pieces=st.integers(1, 5),
)
def test_no_sample_is_lost_and_none_invented(
    seed: int, count: int, holes: int, where: float, share: float, width: int, pieces: int
) -> None:
    times, values = recording(seed, count, holes)
    series = Series(1)
    for part in np.array_split(np.arange(count), pieces):
        series.append(values[part], times[part])
    duration = float(times[-1]) + 0.01
    length = max(share * duration, 0.02)
    start = where * (duration - length)
    window = Window.over(start, start + length, width)
    ((low, high),) = series.extents(window)
    known = np.isfinite(values)
    column = np.floor(times / window.step).astype(np.int64) - window.first
    inside = known & (column >= 1) & (column < width - 1)
    around = [np.clip(column[inside] + by, 0, width - 1) for by in (-1, 0, 1)]
    # Each sample is within its column or the one beside it …
    lowest = np.fmin.reduce([low[at] for at in around])
    highest = np.fmax.reduce([high[at] for at in around])
    assert (lowest <= values[inside]).all()
    assert (highest >= values[inside]).all()
    # … and what a column shows was read there, or just beside.
    seen = {at: values[known & (np.abs(column - at) <= 1)] for at in np.flatnonzero(~np.isnan(high))}
    assert all(high[at] in near and low[at] in near for at, near in seen.items())


def test_the_last_sample_before_empty_columns_counts() -> None:
    series = Series(1)
    times = np.append(np.arange(100) * 0.01, [60.0])
    values = np.zeros(101, np.float32)
    values[99] = 1.0
    series.append(values, times)
    ((_, high),) = series.extents(Window.over(0.0, 30.0, 10))  # one column of samples, nine of nothing
    assert high[0] == 1.0
    assert np.isnan(high[2:]).all()


@pytest.mark.parametrize("step", [None, 0.001])
def test_a_peak_is_there_at_every_zoom(step: float | None) -> None:
    count = 300_000
    values = np.zeros(count, np.float32)
    values[123_457] = 1.0
    times = np.arange(count) * 0.001
    series = Series(1, step=step)
    series.append(values, None if step else times)
    for length in np.geomspace(0.05, 300.0, 60):
        window = Window.over(max(0.0, 123.457 - length / 2), 123.457 + length / 2, 1000)
        assert np.nanmax(series.lines(window)[0].high) == 1.0


@pytest.mark.parametrize("step", [None, 1 / 1000])
@pytest.mark.parametrize("length", [7.0, 61.3, 1234.5])
def test_panning_moves_columns_and_changes_none(step: float | None, length: float) -> None:
    rng = np.random.default_rng(5)
    times = np.cumsum(rng.uniform(0.0002, 0.0018, 2_000_000))
    series = Series(1, step=step)
    series.append(rng.normal(size=times.size).astype(np.float32), None if step else times)
    window = Window.over(500.0, 500.0 + length, 800)
    before = series.lines(window)[0]
    for by in (1, 2, 13, 257):
        moved = series.lines(Window(window.first + by, window.step, window.width))[0]
        # The outermost columns have a neighbour the less to be joined with.
        np.testing.assert_array_equal(moved.low[1 : -by - 1], before.low[by + 1 : -1])
        np.testing.assert_array_equal(moved.high[1 : -by - 1], before.high[by + 1 : -1])


def test_sound_keeps_both_ends_of_its_peaks() -> None:
    series = Series(1, start=2.0, step=0.001, dtype=np.int16)
    high = np.zeros(100_000, np.int16)
    high[60_000] = 30_000
    series.append(-(high // 2), high=high)
    assert series.between(0.0, 200.0) == (-15_000, 30_000)
    low, top = series.extents(Window.over(0.0, 102.0, 300))[0]
    at = int((2.0 + 60.0) / 102.0 * 300)
    assert top[at - 1 : at + 2].max() == 30_000
    assert low[at - 1 : at + 2].min() == -15_000
    assert np.isnan(top[:5]).all()  # before the sound begins


def test_pieces_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(70_001, 2)).astype(np.float32)
    times = np.arange(70_001) * 0.04
    whole, grown = Series(2), Series(2)
    whole.append(values, times)
    for part in np.split(np.arange(times.size), [1, 63, 64, 65, 4096, 60_000]):
        grown.append(values[part], times[part])
    for length in (1.0, 90.0, 2800.0):
        window = Window.over(0.0, length, 700)
        for a, b in zip(whole.extents(window), grown.extents(window), strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_comes_late_is_refused() -> None:
    series = Series(1)
    series.append(np.zeros(2), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="backwards"):
        series.append(np.zeros(1), np.array([1.5]))
    with pytest.raises(ValueError, match="as many maxima"):
        Pyramid().append(np.zeros(3), np.zeros(2))


def loudness(times: Times, values: Values) -> Curve:
    return Curve("level", times, values[:, None], (Quantity("level", "dB"),))


def test_missing_rows_are_a_gap_and_not_a_line() -> None:
    times = np.concatenate([np.arange(0, 20, 0.5), np.arange(40, 60, 0.5)])
    readings = Readings()
    readings.append(loudness(times, np.ones(times.size, np.float32)))
    line = readings.series.lines(Window.over(0.0, 60.0, 600))[0]
    assert np.isnan(line.high[215:390]).all()
    assert not np.isnan(line.high[5:190]).any()
    assert not np.isnan(line.high[405:590]).any()
    assert np.isnan(readings.at(30.0)).all()
    assert readings.at(10.1)[0] == 1.0


def test_a_gap_that_comes_with_a_later_piece_is_one_too() -> None:
    whole, grown = Readings(), Readings()
    times = np.concatenate([np.arange(0, 20, 0.5), np.arange(40, 60, 0.5)])
    values = np.sin(times).astype(np.float32)
    whole.append(loudness(times, values))
    for part in (slice(0, 5), slice(5, 40), slice(40, 41), slice(41, 80)):
        grown.append(loudness(times[part], values[part]))
    window = Window.over(0.0, 60.0, 333)
    np.testing.assert_array_equal(whole.series.lines(window)[0].high, grown.series.lines(window)[0].high)


@pytest.mark.parametrize("seed", range(6))
def test_gaps_are_found_however_often_it_was_drawn_while_it_grew(seed: int) -> None:
    times, values = recording(seed, 20_000, 3)
    whole, grown = Series(), Series()
    whole.append(values, times)
    windows = [Window.over(0.0, float(times[-1]) * share, 300) for share in (1.0, 0.3, 0.05)]
    for part in np.array_split(np.arange(times.size), 7):
        grown.append(values[part], times[part])
        for window in windows:
            grown.lines(window)
    for window in windows:
        for known, found in zip(whole.extents(window)[0], grown.extents(window)[0], strict=True):
            np.testing.assert_array_equal(known, found)


def test_an_extent_that_nobody_stated_is_found() -> None:
    lane = CurvesLane("level", "Level")
    times = np.arange(100, 200, 0.01)
    values = np.linspace(-60, -3, times.size).astype(np.float32)
    lane.set_track(loudness(times, values))
    assert lane.extent(Quantity("level", "dB")) == (-60.0, -3.0)
    lane.append(loudness(np.array([200.0]), np.array([4.0], np.float32)))
    assert lane.extent(Quantity("level", "dB")) == (-60.0, 4.0)


def test_lanes_of_equal_times_share_their_columns_and_part_again_when_one_grows() -> None:
    times = np.cumsum(np.random.default_rng(3).uniform(0.01, 0.03, 5000))
    one, other, late = Series(1), Series(1), Series(1)
    one.append(np.sin(times), times)
    other.append(np.cos(times), times)
    late.append(np.sin(times), times + 0.5)
    window = Window(100, 0.2, 200)
    for series in (one, other, late):
        alone = Series(1)
        alone.append(np.zeros(5000), series.time(np.arange(5000)) + 1e-12)  # equal to nobody's
        assert np.array_equal(series.edges(window)[1], alone.edges(window)[1])
    assert one.edges(window)[1].tolist() == other.edges(window)[1].tolist() != late.edges(window)[1].tolist()
    shorter = Window(490, 0.2, 60)
    before = other.edges(shorter)[1].tolist()
    one.append(np.ones(500), times[-1] + np.arange(1, 501) * 0.02)
    assert other.edges(shorter)[1].tolist() == before != one.edges(shorter)[1].tolist()
    assert np.nanmax(one.lines(shorter)[0].high) == 1.0


@pytest.mark.parametrize("step", [0.25, None])
def test_the_line_enters_and_leaves_columns_where_it_is_between_its_samples(step: float | None) -> None:
    times = np.arange(40) * 0.25
    even = step is not None
    series = [Series(1, start=0.0, step=step) for _ in range(2)]  # the second of equal times finds what the first found
    values = [np.sin(times).astype(np.float32), np.cos(times).astype(np.float32)]
    values[1][20] = np.nan
    for one, samples in zip(series, values, strict=True):
        one.append(samples, None if even else times)
    window = Window.over(-1.0, 12.0, 130)
    for one, samples in zip(series, values, strict=True):
        columns = one.lines(window)[0]
        assert columns.left is not None
        assert columns.right is not None
        expected = np.interp(window.edges, times, samples, left=np.nan, right=np.nan)
        assert np.allclose(columns.left, expected[:-1], atol=1e-4, equal_nan=True)
        assert np.allclose(columns.right, expected[1:], atol=1e-4, equal_nan=True)
    assert np.isnan(series[1].lines(window)[0].left).sum() > np.isnan(series[0].lines(window)[0].left).sum()
    if not even:
        series[0].append(np.full(40, 0.5, np.float32), 10 + times)
        assert np.nanmax(series[0].lines(Window.over(11.0, 12.0, 20))[0].right) == 0.5
        assert np.isnan(series[1].lines(Window.over(11.0, 12.0, 20))[0].right).all()
