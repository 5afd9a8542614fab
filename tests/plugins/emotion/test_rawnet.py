"""Nets on raw samples: those of Tzirakis et al. and of 1D-SER. Counts, shapes and parts against their equations."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mien_plugins.emotion.lflb import LflbConfig, LflbNet
from mien_plugins.emotion.rawnet import SAMPLES, PeepholeLSTM, RawConfig, RawNet, SamePool, halves, trainable

TINY = RawConfig(filters=(3, 4, 5), units=4)
CLASSES = ("anger", "boredom", "disgust", "fear", "happiness", "neutral", "sadness")


def test_the_count_is_that_of_the_paper():
    net = RawNet(RawConfig(steps="reshape"))
    assert trainable(net) == 5_006_372
    assert [trainable(layer) for layer in net.convolutions] == [450, 37_625, 187_750]
    assert [trainable(net.memory), trainable(net.out)] == [4_779_776, 771]


def test_a_reshape_lays_time_and_channels_side_by_side():
    torch.manual_seed(0)
    net = RawNet(RawConfig(filters=(3, 4, 250), steps="reshape")).eval()
    frames = torch.randn(1, 25, 2 * SAMPLES)
    with torch.inference_mode():
        x = frames.reshape(1, -1, 1)
        for layer in net.convolutions:
            x = layer(x)
        assert x.shape == (1, 441, 250)  # 1764 for 100 frames
        features = net.features(frames)
        assert features.shape == (1, 25, 4410)
        torch.testing.assert_close(features[0, 0], x[0].flatten()[:4410])
        values, hidden = net(frames)
    assert values.shape == (1, 25, 3)
    assert hidden.shape == (1, 25, 256)
    with pytest.raises(ValueError, match="multiple of 25"):
        net(frames[:, :24])


@pytest.mark.parametrize("count", [1, 7, 25])
def test_an_average_takes_any_number_of_frames(count):
    torch.manual_seed(0)
    values, hidden = RawNet(TINY).eval()(torch.randn(2, count, 2 * SAMPLES))
    assert values.shape == (2, count, 3)
    assert hidden.shape == (2, count, 4)
    assert values.abs().max() <= 1


def test_pooled_convolutions_equal_plain_layers():
    torch.manual_seed(0)
    layer = SamePool(2, 3, 8, 10)
    plain = copy.deepcopy(layer)
    x = torch.randn(2, 203, 2)
    out = layer(x)
    padded = F.pad(x.transpose(1, 2), (3, 4))
    want = F.max_pool1d(F.relu(plain.conv(padded)), 10).transpose(1, 2)
    assert want.shape == (2, 20, 3)
    torch.testing.assert_close(out, want, rtol=1e-4, atol=1e-5)
    out.square().sum().backward()
    want.square().sum().backward()
    torch.testing.assert_close(layer.conv.weight.grad, plain.conv.weight.grad, rtol=1e-3, atol=1e-4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(layer(x).float(), want, rtol=0.1, atol=0.1)


def test_gates_see_the_cell_and_cells_are_bounded():
    """Against the equations, step by step in NumPy."""
    torch.manual_seed(1)
    lstm = PeepholeLSTM(3, 2, clip=0.3)
    with torch.no_grad():
        lstm.peep.normal_()
    w, u, b, p = (v.detach().double().numpy() for v in (lstm.kernel, lstm.recurrent, lstm.bias, lstm.peep))
    assert b.tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    x = np.random.default_rng(0).standard_normal((6, 3)) * 2
    h = c = np.zeros(2)
    bounded = False
    sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    for row in x:
        i, g, f, o = np.split(row @ w + h @ u + b, 4)
        free = sigmoid(f + p[1] * c) * c + sigmoid(i + p[0] * c) * np.tanh(g)
        c = np.clip(free, -0.3, 0.3)
        bounded |= bool((free != c).any())
        h = sigmoid(o + p[2] * c) * np.tanh(c)
    assert bounded
    out = lstm(torch.tensor(x, dtype=torch.float32)[None])
    np.testing.assert_allclose(out[0, -1].detach().numpy(), h, atol=1e-5)


def test_the_other_speaker_has_the_second_half():
    sound = np.arange(1, 2 * SAMPLES + 11, dtype=np.float32)
    alone = halves(sound)
    assert alone.shape == (2, 2 * SAMPLES)
    assert not alone[:, SAMPLES:].any()
    both = halves(sound, np.array([True, False]))
    np.testing.assert_array_equal(both[0, :SAMPLES], sound[:SAMPLES])
    np.testing.assert_array_equal(both[1, SAMPLES:], sound[SAMPLES : 2 * SAMPLES])
    assert not both[0, SAMPLES:].any()
    assert not both[1, :SAMPLES].any()


@pytest.mark.parametrize(("variant", "count"), [("plain", 137_223), ("attention", 174_408)])
def test_1d_ser(variant, count):
    torch.manual_seed(0)
    net = LflbNet(LflbConfig(CLASSES, variant)).eval()
    assert trainable(net) == count
    if variant == "attention":
        assert trainable(net.attention) == 4_161
    with torch.inference_mode():
        assert net.blocks(torch.zeros(1, 1, 16_000)).shape == (1, 128, 62)
        logits, last = net(torch.randn(2, 16_000))
    assert logits.shape == (2, 7)
    assert last.shape == (2, 64)


def test_shapes_travel_as_json():
    assert RawConfig.from_dict(TINY.to_dict()) == TINY
    config = LflbConfig(CLASSES, "attention")
    assert LflbConfig.from_dict(config.to_dict()) == config
    assert config.shortest == 256
