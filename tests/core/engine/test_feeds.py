"""Conditioning: windows, utterances, frames and crops say exactly what was in the medium."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.engine.feeds import Ticker, UtteranceFeed, WindowFeed
from mien.media.crops import crop_face
from mien.sdk.blocks import AudioChunk
from mien.sdk.inputs import Audio
from mien.tracks import Spans

RATE = 1000


def chunks(total: int, cuts: list[int], start: float = 0.0) -> list[AudioChunk]:
    """A ramp, so that each sample says where it is, cut into chunks."""
    edges = [0, *sorted({c % (total + 1) for c in cuts}), total]
    ramp = np.arange(total, dtype=np.float32)
    return [AudioChunk(start + a / RATE, RATE, ramp[a:b]) for a, b in pairwise(edges)]


@settings(max_examples=60, deadline=None)
@given(
    total=st.integers(1, 5000),
    cuts=st.lists(st.integers(0, 5000), max_size=6),
    window=st.sampled_from([0.1, 0.5, 1.0, 3.0]),
    hop=st.sampled_from([0.05, 0.5, 1.0]),
)
def test_windows_do_not_depend_on_how_the_sound_arrives(total: int, cuts: list[int], window: float, hop: float) -> None:
    feed = WindowFeed(Audio(RATE, window=window, hop=hop))
    found = []
    for chunk in chunks(total, cuts):
        found.append(feed.push(chunk))
    found.append(feed.push(None, last=True))
    got = [(t, s, v) for w in found if w is not None for t, s, v in zip(w.starts, w.samples, w.valid, strict=True)]
    length, step = round(window * RATE), round(hop * RATE)
    full = max(0, (total - length) // step + 1)
    assert full <= len(got) <= full + 1
    for n, (start, samples, valid) in enumerate(got):
        assert start == pytest.approx(n * step / RATE)
        assert samples.size == length
        assert samples[:valid].tolist() == np.arange(n * step, n * step + valid).tolist()
        assert not samples[valid:].any()
    if full == 0 and step < total:
        assert len(got) == 1
        assert got[0][2] == total


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 4000), max_size=6),
    spans=st.lists(st.tuples(st.integers(0, 3900), st.integers(1, 500)), min_size=1, max_size=5),
    late=st.booleans(),
)
def test_utterances_are_cut_whether_their_spans_come_early_or_late(
    cuts: list[int], spans: list[tuple[int, int]], late: bool
) -> None:
    feed = UtteranceFeed(RATE)
    told = Spans.of("s", [(a / RATE, (a + n) / RATE, "speech") for a, n in spans])
    found = [] if late else list(feed.push(None, [told]))
    for chunk in chunks(4000, cuts):
        found += feed.push(chunk, [])
    found += feed.push(None, [told] if late else [], last=True)
    assert len(found) == len(spans)
    for utterance in found:
        first, stop = round(utterance.start * RATE), min(4000, round(utterance.end * RATE))
        assert utterance.samples.tolist() == list(range(first, stop))


def test_frames_are_picked_at_a_rate_with_their_own_times() -> None:
    ticker = Ticker(5)
    times = np.cumsum(np.random.default_rng(0).uniform(0.01, 0.09, 200))
    picked = [t for t in times if ticker.picks(float(t))]
    assert set(picked) <= set(times)
    ticks = np.floor(np.array(picked) * 5 + 1e-6)
    assert (np.diff(ticks) >= 1).all()
    assert len(picked) == pytest.approx((times[-1] - times[0]) * 5, abs=2)
    slow = Ticker(30)
    assert all(slow.picks(t) for t in np.arange(0, 3, 1 / 10))


@pytest.mark.parametrize("other", [0.7, 3.0, 11.0])
def test_what_is_picked_does_not_change_where_others_were_left_out_before(other: float) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(0.01, 0.09, 500)).tolist()
    first, second = Ticker(5), Ticker(other)
    wanted = [t for t in times if any([first.picks(t), second.picks(t)])]
    assert len(wanted) < len(times)
    whole, sieved = Ticker(5), Ticker(5)
    assert [t for t in times if whole.picks(t)] == [t for t in wanted if sieved.picks(t)]


@pytest.mark.parametrize("side", [40, 200, 700])
def test_a_crop_shows_what_the_box_holds(side: int) -> None:
    picture = np.zeros((800, 800, 3), np.uint8)
    picture[50 : 50 + side, 60 : 60 + side] = 200
    inside = crop_face(picture, (60, 50, side, side), 96, 0.0)
    assert inside[4:-4, 4:-4].min() > 190
    wider = crop_face(picture, (60, 50, side, side), 96, 0.5)
    assert wider[48, 48].min() > 190
    assert wider[2, 94].max() < 60  # beyond the box' right upper corner
    assert wider.mean() == pytest.approx(200 / 4, rel=0.15)


@pytest.mark.parametrize("side", [60.0, 130.0, 205.0, 333.0])
@pytest.mark.parametrize("degrees", [0.0, 25.0])
def test_a_shrunk_crop_stands_where_it_should(side: float, degrees: float) -> None:
    """On a picture whose brightness is its position, each pixel of the crop tells where it was taken."""
    rows, columns = np.mgrid[:800, :800]
    picture = np.stack([columns / 4, rows / 4, columns * 0], -1).round().astype(np.uint8)
    x, y = 210.0, 190.0
    turn = np.radians(degrees)
    eyes = np.array([[300.0, 250.0], [300 + 50 * np.cos(turn), 250 + 50 * np.sin(turn)]])
    crop = crop_face(picture, (x, y, side, side), 96, 0.2, eyes).astype(float)
    zoom = 96 / (side * 1.4)
    place = (np.stack(np.meshgrid(np.arange(96), np.arange(96)), -1) - 48) / zoom
    back = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    expected = place @ back.T + [x + side / 2, y + side / 2]
    assert np.abs(crop[..., :2] - expected / 4).max() < 1.0


def test_an_aligned_crop_has_level_eyes() -> None:
    picture = np.zeros((400, 400, 3), np.uint8)
    left, right = np.array([160.0, 190.0]), np.array([240.0, 240.0])
    for x, y in (left, right):
        picture[int(y) - 3 : int(y) + 4, int(x) - 3 : int(x) + 4] = 255
    marks = np.stack([left, right, [200, 240], [180, 270], [220, 280]])
    crop = crop_face(picture, (120, 140, 160, 160), 96, 0.1, marks)
    rows, columns = np.nonzero(crop[..., 0] > 100)
    half = columns < columns.mean()
    assert abs(rows[half].mean() - rows[~half].mean()) < 1.5
