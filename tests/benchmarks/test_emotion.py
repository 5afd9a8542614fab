"""Speed of the emotion model that ships, after decoding: windows together beside one at a time, on one core (`make bench`)."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import torch

from mien_plugins.emotion.reader import load

pytestmark = pytest.mark.benchmark(group="emotion")
MODEL = Path(__file__).resolve().parents[2] / "resources" / "models" / "emotion-mtl"
WINDOW, HOP, COUNT, AT_LEAST = 6, 1, 60, 100.0


@pytest.fixture(scope="module", autouse=True)
def _one_core():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def windows():
    """A minute of noise with the beat of syllables, cut as the analyzer asks for it: 60 windows of 6 s every second."""
    rng = np.random.default_rng(0)
    count = (WINDOW + HOP * (COUNT - 1)) * 16000
    beat = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(count) / 16000)
    sound = (0.1 * beat * rng.standard_normal(count)).astype(np.float32)
    return [sound[16000 * i : 16000 * (i + WINDOW)] for i in range(0, COUNT * HOP, HOP)]


def best_of(function, repeats=3):
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def test_windows_together(windows, benchmark):
    reader = load(MODEL)

    def together():
        return reader.read([reader.hear(window) for window in windows])

    def one_at_a_time():
        return [reader.read([reader.hear(window)]) for window in windows]

    seconds = COUNT * HOP
    np.testing.assert_allclose(together()[0], np.concatenate([v for v, _ in one_at_a_time()]), atol=1e-4)
    slow, fast = best_of(one_at_a_time), best_of(together)
    benchmark.extra_info.update(
        one_at_a_time_s=slow, together_s=fast, ratio=slow / fast, times_real_time=seconds / fast, seconds=seconds
    )
    benchmark.pedantic(together, rounds=3)
    print(
        f"{seconds} s in windows of {WINDOW} s every {HOP} s: {fast:.2f} s together ({seconds / fast:.0f} times real "
        f"time), {slow:.2f} s one at a time, {slow / fast:.1f} times faster"
    )
    assert seconds / fast >= AT_LEAST
