"""The paired bootstrap: a gain that is there is found, one that is not is not."""

import numpy as np
import pytest

from mien.evaluation.metrics import accuracy
from mien.evaluation.paired import paired_bootstrap


def systems(gain: float, seeds: int = 5):
    rng = np.random.default_rng(0)
    truth, groups = rng.integers(0, 2, 300), np.repeat(np.arange(30), 10)

    def said(right: float) -> np.ndarray:
        return np.where(rng.random((seeds, 300)) < right, truth, 1 - truth)

    return truth, said(0.6), said(0.6 + gain), groups


def test_a_gain_is_found_with_its_interval():
    found = paired_bootstrap(accuracy, *systems(0.2), repeats=300)
    assert 0.1 < found.low < found.value < found.high < 0.3
    assert found.n == 30


def test_the_same_system_gains_nothing():
    truth, first, _, groups = systems(0.0)
    found = paired_bootstrap(accuracy, truth, first, first, groups, repeats=50)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_no_gain_is_not_taken_for_one():
    found = paired_bootstrap(accuracy, *systems(0.0), repeats=300)
    assert found.low < 0 < found.high


def test_shapes_must_go_together():
    truth, first, second, groups = systems(0.1)
    with pytest.raises(ValueError, match="do not go with"):
        paired_bootstrap(accuracy, truth, first, second[:3], groups)
