"""Short-term features beside pyAudioAnalysis itself: equal values, how many times faster (`make bench`)."""

import time
import warnings

import numpy as np
import pytest

from mien_plugins.emotion.features import short_term

pytestmark = pytest.mark.benchmark

SECONDS, AT_LEAST = 30, 15.0


def best_of(function, repeats):
    """Shortest time of several calls in s: what the code takes when the machine is not busy elsewhere."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


@pytest.mark.parametrize("rate", [44100, 16000])
def test_speed_over_pyaudioanalysis(rate, benchmark):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original = pytest.importorskip("pyAudioAnalysis.ShortTermFeatures", reason="needs pyAudioAnalysis 0.3.14")
    rng = np.random.default_rng(0)
    envelope = 0.1 + np.abs(np.sin(np.arange(SECONDS * rate) / rate * 3))
    signal = np.round(3000 * envelope * rng.standard_normal(SECONDS * rate)).astype(np.int16)
    window = rate // 20
    expected, _ = original.feature_extraction(signal, rate, window, window)
    np.testing.assert_allclose(short_term(signal, rate, window, compat=True), expected.T, rtol=1e-4, atol=1e-9)
    theirs = best_of(lambda: original.feature_extraction(signal, rate, window, window), 3)
    ours = best_of(lambda: short_term(signal, rate, window, compat=True), 15)
    ratio = theirs / ours
    benchmark.extra_info.update(pyaudioanalysis_s=theirs, ours_s=ours, ratio=ratio, seconds=SECONDS, rate=rate)
    benchmark.pedantic(lambda: short_term(signal, rate, window, compat=True), rounds=5)
    print(f"{rate} Hz, {SECONDS} s: pyAudioAnalysis {theirs:.3f} s, Mien {ours:.4f} s, {ratio:.1f} times faster")
    assert ratio >= AT_LEAST
