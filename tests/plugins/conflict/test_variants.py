"""ConflictNET's ablations: counts, steps, what is left out, and what reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from mien.errors import ModelError, ParameterError
from mien.training.card import save_model
from mien_plugins.conflict import net as nets
from mien_plugins.conflict.lime import NetPredictor
from mien_plugins.conflict.model import load_net
from mien_plugins.conflict.net import SAMPLES, ConflictNet, running_statistics, trainable
from mien_plugins.conflict.rated import train as train_rated
from mien_plugins.conflict.recipe import at_steps
from mien_plugins.lime import sample_masks


@pytest.mark.parametrize(
    ("variant", "count", "steps"),
    [
        ("conflictnet", 420_418, 208),
        ("paranet", 412_161, 832),
        ("ap", 412_161, 208),
        ("attn", 420_418, 832),
        ("gap", 420_418, 208),
    ],
)
def test_counts_and_steps(variant, count, steps):
    net = ConflictNet(variant=variant)
    assert (trainable(net), running_statistics(net)) == (count, 896)
    with torch.inference_mode():
        assert net.eval().features(torch.zeros(1, SAMPLES)).shape == (1, steps, 256)
    assert (SAMPLES - net.receptive_field) // net.step_samples + 1 == steps


def test_global_pooling_reads_the_mean_over_time():
    torch.manual_seed(0)
    last, mean = ConflictNet().eval(), ConflictNet(variant="gap").eval()
    mean.load_state_dict(last.state_dict())
    hidden = torch.randn(2, 7, 128)
    with torch.inference_mode():
        outputs = last.lstm2(last.attention(hidden))
        torch.testing.assert_close(last.read(hidden), last.out(outputs[:, -1]).squeeze(-1))
        torch.testing.assert_close(mean.read(hidden), mean.out(outputs.mean(1)).squeeze(-1))


def test_attention_over_many_steps_is_the_same_clip_by_clip(monkeypatch):
    torch.manual_seed(0)
    attention, h = nets.AdditiveAttention(6, 4), torch.randn(3, 9, 6)
    whole = attention(h)
    whole.square().sum().backward()
    slope = attention.query.grad.clone()
    attention.zero_grad()
    monkeypatch.setattr(nets, "LONG", 5)
    apart = attention(h)
    torch.testing.assert_close(apart, whole)
    apart.square().sum().backward()
    torch.testing.assert_close(attention.query.grad, slope)


@pytest.mark.parametrize("variant", ["paranet", "attn"])
def test_silenced_versions_are_put_together_without_an_average_pool(variant):
    torch.manual_seed(0)
    net = ConflictNet(variant=variant).eval()
    samples = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    rows = sample_masks(np.random.default_rng(1), 6, 10)
    part = np.arange(20_000) // 2_000
    with torch.inference_mode():
        direct = net(torch.from_numpy(np.stack([samples * m[part] for m in rows]))).numpy()
    np.testing.assert_allclose(NetPredictor(net, samples)(rows), direct, rtol=1e-4, atol=1e-6)


def test_targets_follow_the_steps():
    frames = torch.arange(6.0).reshape(1, 2, 3)
    assert at_steps(frames, 2) is frames
    assert at_steps(frames, 8)[0, :, 0].tolist() == [0, 0, 0, 0, 3, 3, 3, 3]


def test_a_variant_is_loaded_as_what_it_is(tmp_path: Path):
    net = ConflictNet(variant="paranet")
    save_model(tmp_path, net.state_dict(), {"id": "conflictnet", "gates": "hard_sigmoid", "variant": "paranet"})
    assert isinstance(load_net(tmp_path).attention, nn.Identity)
    save_model(tmp_path, net.state_dict(), {"id": "conflictnet", "gates": "hard_sigmoid"})
    with pytest.raises(ModelError):
        load_net(tmp_path)
    with pytest.raises(ValueError, match="no variant"):
        ConflictNet(variant="other")


def test_an_ablation_does_not_begin_from_the_weights_that_ship(tmp_path: Path):
    with pytest.raises(ParameterError, match="start=scratch"):
        train_rated(tmp_path, tmp_path / "out", variant="ap")
