"""LIME over super-samples: weights, toy models, and the shortcut that convolves a window four times only."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mien_plugins.conflict.lime import (
    NetPredictor,
    all_masks,
    distances,
    explain,
    explain_window,
    kernel,
    sample_masks,
)
from mien_plugins.conflict.net import ConflictNet


def test_weights_by_number_of_kept_super_samples():
    masks = np.tri(11, 10, -1, dtype=bool)[::-1]  # m = 10 … 0
    want = [1, 0.979, 0.915, 0.808, 0.666, 0.503, 0.339, 0.195, 0.0868, 0.0238, 0.000335]
    np.testing.assert_allclose(kernel(masks), want, atol=6e-4)
    assert distances(masks)[-1] == 100
    literal = kernel(masks, literal=True)
    assert literal.min() > 0.998  # eq. 3.5 as printed hardly weighs at all


def test_masks_silence_a_uniform_number():
    masks = sample_masks(np.random.default_rng(0))
    assert masks.shape == (2000, 10)
    assert masks[0].all()
    removed = 10 - masks[1:].sum(1)
    assert removed.min() == 1
    assert removed.max() == 10
    counts = np.bincount(removed, minlength=11)[1:]
    np.testing.assert_allclose(counts / 1999, 0.1, atol=0.03)
    assert len({tuple(m) for m in all_masks()}) == 1024
    assert all_masks()[0].all()


@pytest.mark.parametrize("exact", [False, True])
def test_a_linear_model_is_recovered(exact):
    slopes = np.array([0.02, -0.16, 0.08, 0, 0.12, -0.04, 0.06, 0.14, -0.1, 0.18])
    calls = []

    def predict(masks):
        calls.append(len(masks))
        return masks @ slopes - 0.1

    found = explain(predict, masks=all_masks() if exact else None, seed=1)
    assert len(calls) == 1
    assert calls[0] <= 1024  # every distinct mask once
    np.testing.assert_allclose(found.coefficients, slopes / 2, atol=0.004)  # units of probability
    assert list(found.order[:3]) == [9, 1, 7]
    assert found.score > 0.99
    assert found.intensity == pytest.approx(slopes.sum() - 0.1)
    assert found.local_prediction == pytest.approx((1 + found.intensity) / 2, abs=0.01)
    assert found.start[7] == pytest.approx(21.0)
    assert found.end[-1] == pytest.approx(30.0)


@pytest.mark.parametrize("features", [1, 3, 6, 7, 10])
def test_what_only_super_sample_7_does_is_put_first(features):
    found = explain(lambda masks: np.where(masks[:, 7], 0.6, -0.6), features=features)
    assert found.order[0] == 7
    assert len(found.order) == features
    assert found.coefficients[7] == pytest.approx(0.6, abs=0.02)
    assert np.abs(np.delete(found.coefficients, 7)).max() < 0.01


def test_readings_are_clipped_to_the_scale():
    found = explain(lambda masks: np.full(len(masks), 7.0))
    assert found.intensity == 1.0
    assert np.allclose(found.coefficients, 0)
    assert found.score == 0.0


def test_masks_must_begin_with_the_whole_window():
    with pytest.raises(ValueError, match="whole window"):
        explain(lambda m: np.zeros(len(m)), masks=np.zeros((4, 10), bool))
    with pytest.raises(ValueError, match="features"):
        explain(lambda m: np.zeros(len(m)), features=11)


@pytest.fixture(scope="module")
def net() -> ConflictNet:
    torch.manual_seed(0)
    return ConflictNet().eval()


def test_put_together_windows_read_as_silenced_ones(net):
    """The shortcut gives what the net says of the silenced samples themselves."""
    samples = np.random.default_rng(0).standard_normal(60_000).astype(np.float32)
    samples *= np.repeat(np.linspace(0.2, 2, 10), 6_000)
    predict = NetPredictor(net, samples)
    masks = sample_masks(np.random.default_rng(1), 12)
    part = np.arange(60_000) // 6_000
    with torch.inference_mode():
        direct = net(torch.from_numpy(np.stack([samples * m[part] for m in masks]))).numpy()
    np.testing.assert_allclose(predict(masks), direct, rtol=1e-4, atol=1e-6)


def test_a_window_is_explained_and_seeds_fix_it(net):
    x = np.random.default_rng(0).standard_normal(16_000)
    masks = {"masks": sample_masks(np.random.default_rng(0), 30)}
    predict = NetPredictor(net, np.pad(x, (0, 44_000)))
    one, two = explain(predict, **masks), explain(predict, **masks)
    assert np.array_equal(one.coefficients, two.coefficients)
    with pytest.raises(ValueError, match="super-samples"):
        NetPredictor(net, np.zeros(60_001))
    assert callable(explain_window)
