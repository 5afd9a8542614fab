"""ConflictNET: counts, shapes, initial values, and the fused convolutions against plain layers."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mien_plugins.conflict.features import fit_length, normalise
from mien_plugins.conflict.net import (
    SAMPLES,
    STEPS,
    AdditiveAttention,
    ConflictNet,
    ConvBlock,
    KerasLSTM,
    running_statistics,
    trainable,
)


@pytest.fixture
def net() -> ConflictNet:
    torch.manual_seed(0)
    return ConflictNet()


@pytest.mark.parametrize("gates", ["hard_sigmoid", "sigmoid"])
def test_counts_are_those_of_the_thesis(gates):
    net = ConflictNet(gates)
    assert trainable(net) == 420_418
    assert running_statistics(net) == 896


def test_counts_by_layer(net):
    counts = [trainable(m) for m in (net.conv1.conv, net.conv2.conv, net.conv3.conv)]
    assert counts == [448, 32_896, 131_328]
    assert [trainable(m) for m in (net.lstm1, net.attention, net.lstm2, net.out)] == [
        197_120,
        8_257,
        49_408,
        65,
    ]
    assert [2 * trainable(m.norm) for m in (net.conv1, net.conv2, net.conv3)] == [256, 512, 1_024]


def test_shape_trace_of_30_seconds(net):
    """Convolved and pooled lengths of SEEDS §2.2, layer by layer."""
    x = torch.zeros(1, 1, SAMPLES)
    lengths = []
    with torch.inference_mode():
        for block in (net.conv1, net.conv2, net.conv3):
            x = block.conv(x)
            lengths.append(x.shape[2])
            x = F.max_pool1d(x, block.pool)
            lengths.append(x.shape[2])
        x = F.avg_pool1d(x, 4)
        assert lengths == [239_995, 29_999, 29_996, 4_999, 4_996, 832]
        assert x.shape == (1, 256, STEPS)
        assert net.eval().features(torch.zeros(1, SAMPLES)).shape == (1, STEPS, 256)


def test_reads_a_batch(net):
    with torch.inference_mode():
        out = net.eval()(torch.randn(2, SAMPLES // 10))
    assert out.shape == (2,)
    assert out.isfinite().all()


def _layered(net: ConflictNet, x: torch.Tensor) -> torch.Tensor:
    y = net.conv3.layered(net.conv2.layered(net.conv1.layered(x.unsqueeze(-1))))
    return net.read(net.lstm1(F.avg_pool1d(y.transpose(1, 2), 4).transpose(1, 2)))


@pytest.mark.parametrize("training", [True, False])
def test_fused_convolutions_equal_plain_layers(net, training):
    """Values, gradients and running statistics; with negative scales (minimum pooling) and padded silence."""
    with torch.no_grad():
        for block in (net.conv1, net.conv2, net.conv3):
            block.norm.weight[::3] *= -1
            block.norm.bias += 0.1
            block.conv.bias += 0.05
    plain = copy.deepcopy(net)
    x = torch.randn(2, 20_003)
    x[1, 9_000:] = 0
    weight = torch.tensor([1.0, 2.0])
    fused_out, plain_out = net.train(training)(x), _layered(plain.train(training), x)
    torch.testing.assert_close(fused_out, plain_out, rtol=1e-4, atol=1e-5)
    (fused_out * weight).sum().backward()
    (plain_out * weight).sum().backward()
    for (name, p), q in zip(net.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=2e-3, atol=2e-4, msg=name)
    for (name, p), q in zip(net.named_buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6, msg=name)
    with torch.inference_mode():
        torch.testing.assert_close(net.eval()(x), _layered(plain.eval(), x), rtol=1e-4, atol=1e-5)


def test_fused_block_gives_the_gradient_of_its_input():
    block = ConvBlock(3, 4, 4, 6)
    plain = copy.deepcopy(block)
    x = torch.randn(2, 100, 3, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    block(x).square().sum().backward()
    plain.layered(y).square().sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-4, atol=1e-5)


def test_lstm_gates_are_keras_hard_sigmoid():
    """Against the equations, step by step in NumPy."""
    torch.manual_seed(1)
    lstm = KerasLSTM(3, 2)
    assert lstm.bias.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]  # the forget gate starts open
    w, u, b = (p.detach().double().numpy() for p in (lstm.kernel, lstm.recurrent, lstm.bias))
    np.testing.assert_allclose(u @ u.T, np.eye(2), atol=1e-6)
    x = np.random.default_rng(0).standard_normal((5, 3)) * 4
    h, c = np.zeros(2), np.zeros(2)
    for row in x:
        i, f, g, o = np.split(row @ w + h @ u + b, 4)
        i, f, o = (np.clip(0.2 * v + 0.5, 0, 1) for v in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    out = lstm(torch.tensor(x, dtype=torch.float32)[None])
    np.testing.assert_allclose(out[0, -1].detach().numpy(), h, atol=1e-5)


def test_smooth_gates_equal_torch_lstm():
    lstm = KerasLSTM(5, 4, "sigmoid")
    other = torch.nn.LSTM(5, 4, batch_first=True)
    with torch.no_grad():
        other.weight_ih_l0.copy_(lstm.kernel.T)
        other.weight_hh_l0.copy_(lstm.recurrent.T)
        other.bias_ih_l0.copy_(lstm.bias)
        other.bias_hh_l0.zero_()
    x = torch.randn(3, 7, 5)
    torch.testing.assert_close(lstm(x), other(x)[0], rtol=1e-4, atol=1e-5)


def test_attention_follows_its_equations():
    attention = AdditiveAttention(6, 4)
    h = torch.randn(2, 5, 6)
    a = attention.weights(h)
    torch.testing.assert_close(a.sum(-1), torch.ones(2, 5))
    query = h[1, 2] @ attention.query
    energies = []
    for t in range(5):
        g = torch.tanh(query + h[1, t] @ attention.key + attention.bias)
        energies.append(torch.tanh(g @ attention.energy + attention.energy_bias))
    torch.testing.assert_close(a[1, 2], torch.softmax(torch.cat(energies), 0))
    torch.testing.assert_close(attention(h)[1, 2], a[1, 2] @ h[1])


def test_windows_are_padded_then_normalised():
    x = fit_length(np.full(1000, 0.5, np.float32), 4000)
    assert x.shape == (4000,)
    y = normalise(np.stack([x, np.zeros(4000, np.float32)]))
    assert np.sqrt(np.mean(np.square(y[0], dtype=np.float64))) == pytest.approx(1, rel=1e-5)
    assert y[0].mean() > 0.1  # the mean is not removed
    assert not y[1].any()  # silence stays silence
    assert fit_length(np.ones(10), 4).shape == (4,)
