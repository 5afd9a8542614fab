"""Speed of ConflictNET: how much faster than real time, against plain layers, and of an explanation."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mien_plugins.conflict.info import ConflictParams
from mien_plugins.conflict.lime import explain_window
from mien_plugins.conflict.net import SAMPLES, ConflictNet
from mien_plugins.conflict.recipe import Batch, frame_loss

pytestmark = pytest.mark.benchmark

BATCH = 4
AT_LEAST = 20.0
"""Times real time, at the default hop."""


@pytest.fixture(scope="module")
def net() -> ConflictNet:
    return ConflictNet().eval()


@pytest.fixture(scope="module")
def windows() -> torch.Tensor:
    return torch.randn(BATCH, SAMPLES)


def report(benchmark, windows: int) -> None:
    """Real-time factors of consecutive windows, and at the default hop."""
    seconds = benchmark.stats.stats.min / windows
    benchmark.extra_info["times real time, window after window"] = round(30.0 / seconds, 1)
    benchmark.extra_info["times real time, at the default hop"] = round(ConflictParams().hop / seconds, 1)


def test_inference(benchmark, net, windows):
    with torch.inference_mode():
        benchmark(net, windows)
        alone = []
        for _ in range(5):
            begun = time.perf_counter()
            for window in windows:
                net(window[None])
            alone.append(time.perf_counter() - begun)
    report(benchmark, BATCH)
    benchmark.extra_info["times one at a time"] = round(min(alone) / benchmark.stats.stats.min, 2)
    assert benchmark.extra_info["times real time, at the default hop"] >= AT_LEAST


def test_inference_one_at_a_time(benchmark, net, windows):
    with torch.inference_mode():
        benchmark(net, windows[:1])
    report(benchmark, 1)


def test_inference_with_plain_layers(benchmark, net, windows):
    """What the fused convolutions are measured against."""

    def plain(x):
        y = net.conv3.layered(net.conv2.layered(net.conv1.layered(x.unsqueeze(-1))))
        return net.read(net.lstm1(F.avg_pool1d(y.transpose(1, 2), 4).transpose(1, 2)))

    with torch.inference_mode():
        benchmark(plain, windows)
    report(benchmark, BATCH)


def test_training_step(benchmark, windows):
    net, head = ConflictNet(), torch.nn.Linear(128, 3)
    ones = torch.ones(BATCH)
    batch = Batch(windows, torch.linspace(-1, 1, BATCH), torch.rand(BATCH, 208, 3), ones, 30 * ones)

    def step():
        hidden = net.hidden(batch.x)
        loss = F.mse_loss(net.read(hidden), batch.intensity) + frame_loss(head(hidden), batch.frames)
        loss.backward()

    benchmark.pedantic(step, rounds=2, warmup_rounds=1)
    benchmark.extra_info["clips a second"] = round(BATCH / benchmark.stats.stats.min, 2)


def test_explanation(benchmark, net):
    """All 1024 masks of a window; convolving each would take 1024 forward passes."""
    samples = np.random.default_rng(0).standard_normal(SAMPLES)
    benchmark.pedantic(lambda: explain_window(net, samples, exact=True), rounds=1)
