"""The conflict net explained by LIME, and the shortcut that convolves a window four times only."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mien.models import store
from mien_plugins.conflict.features import normalise
from mien_plugins.conflict.lime import NetPredictor, explain
from mien_plugins.conflict.model import MODEL, load_net
from mien_plugins.conflict.net import SAMPLES, ConflictNet
from mien_plugins.conflict.takes import load_voices
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


@pytest.mark.parametrize("where", [7])
def test_the_shipped_net_is_heated_where_a_quarrel_was_planted(shared, where):
    """Calm speech of one voice, and two angry voices at once in one super-sample: LIME puts that one first."""
    net = load_net(store.resolve(MODEL))
    voices = load_voices(shared / "data", ["ravdess/17", "ravdess/18"])
    rng = np.random.default_rng(where)

    def string(takes, length):
        parts = [np.append(takes[i].samples, np.zeros(2400)) for i in rng.integers(len(takes), size=length // 8000)]
        return np.concatenate(parts)[:length]

    samples = 0.3 * string([take for take in voices[0].takes if take.effort < 0.3], SAMPLES)
    part = SAMPLES // 10
    angry = [[take for take in voice.takes if take.effort > 0.9] for voice in voices]
    samples[where * part : (where + 1) * part] = sum(string(takes, part) for takes in angry)
    found = explain(NetPredictor(net, normalise(samples)), masks=masks(100))
    assert found.order[0] == where
    assert found.coefficients[where] > 0.1
