"""The conflict net explained by LIME, and the shortcut that convolves a window four times only."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mien_plugins.conflict.lime import NetPredictor, explain
from mien_plugins.conflict.net import ConflictNet
from mien_plugins.lime import sample_masks


def masks(count: int):
    return sample_masks(np.random.default_rng(1), count, 10)


def test_coefficients_are_in_units_of_probability():
    found = explain(lambda rows: np.where(rows[:, 7], 0.6, -0.6))
    assert found.coefficients[7] == pytest.approx(0.6, abs=0.02)
    assert found.reading == pytest.approx(0.8)  # an intensity of 0.6


def test_readings_are_clipped_to_the_scale():
    found = explain(lambda rows: np.full(len(rows), 7.0))
    assert found.reading == 1.0
    assert np.allclose(found.coefficients, 0)
    assert found.score == 0.0


@pytest.fixture(scope="module")
def net() -> ConflictNet:
    torch.manual_seed(0)
    return ConflictNet().eval()


def test_put_together_windows_read_as_silenced_ones(net):
    """The shortcut gives what the net says of the silenced samples themselves."""
    samples = np.random.default_rng(0).standard_normal(60_000).astype(np.float32)
    samples *= np.repeat(np.linspace(0.2, 2, 10), 6_000)
    predict = NetPredictor(net, samples)
    rows = masks(12)
    part = np.arange(60_000) // 6_000
    with torch.inference_mode():
        direct = net(torch.from_numpy(np.stack([samples * m[part] for m in rows]))).numpy()
    np.testing.assert_allclose(predict(rows), direct, rtol=1e-4, atol=1e-6)


def test_a_window_is_explained_and_its_progress_told(net):
    x = np.random.default_rng(0).standard_normal(16_000)
    told: list[float] = []
    predict = NetPredictor(net, np.pad(x, (0, 44_000)), batch=10, tick=told.append)
    one, two = explain(predict, masks=masks(30)), explain(predict, masks=masks(30))
    assert np.array_equal(one.coefficients, two.coefficients)
    assert told[0] == 0
    assert told[1] > 0
    assert max(told) < 1
    with pytest.raises(ValueError, match="super-samples"):
        NetPredictor(net, np.zeros(60_001))
