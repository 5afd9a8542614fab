"""Readings reach from the first to the last second, whatever the medium's length."""

import numpy as np
import pytest

from mien.sdk import Windows
from mien_plugins.emotion.edges import Edges

RATE = 100


def parts(seconds, length=6.0, hop=1.0):
    sound = np.arange(1, round(seconds * RATE) + 1, dtype=np.float32)
    size, step = round(length * RATE), round(hop * RATE)
    starts = list(range(0, max(1, len(sound) - size + step), step))
    samples = np.zeros((len(starts), size), np.float32)
    for row, start in enumerate(starts):
        cut = sound[start : start + size]
        samples[row, : len(cut)] = cut
    valid = np.array([min(size, len(sound) - start) for start in starts], np.int32)
    edges = Edges(hop)
    found = list(edges.parts(Windows(np.array(starts) / RATE, RATE, samples, valid)))
    return [*found, *edges.rest()]


@pytest.mark.parametrize(
    ("seconds", "last"), [(20.0, 20), (20.4, 20), (7.0, 7), (6.0, 6), (4.3, 4), (2.0, 2), (0.3, 0)]
)
def test_one_reading_at_each_second(seconds, last):
    assert [round(p.time, 6) for p in parts(seconds)] == list(range(last + 1))


def test_each_part_is_the_sound_around_its_time():
    for part in parts(12.5):
        first, behind = max(0.0, part.time - 3.0), min(12.5, part.time + 3.0)
        assert part.start == pytest.approx(first)
        expected = np.arange(round(first * RATE) + 1, round(behind * RATE) + 1, dtype=np.float32)
        np.testing.assert_array_equal(part.sound, expected)


def test_hops_longer_than_half_a_window():
    assert [p.time for p in parts(20.0, hop=4.0)] == [3.0, 7.0, 11.0, 15.0, 19.0]


def test_nothing_gives_nothing():
    assert list(Edges(1.0).rest()) == []
