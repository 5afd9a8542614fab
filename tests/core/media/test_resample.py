"""The streaming resampler against an analytic signal, against itself at once, and against scipy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import resample_poly

from mien.media.pieces import AudioPiece
from mien.media.resample import Resampler, downmix_weights, resample, to_mono

RATES = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000]


def stream(samples, source, rate, cuts, start=0.0, mono=True, layout=""):
    converter = Resampler(rate, mono=mono)
    edges = [0, *sorted(cuts), len(samples)]
    chunks = []
    for a, b in itertools.pairwise(edges):
        chunks.append(converter.push(AudioPiece(start + a / source, source, samples[a:b], layout)))
    chunks.append(converter.flush())
    return [c for c in chunks if c is not None]


@pytest.mark.parametrize("source", RATES)
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_every_sample_lies_where_it_belongs(source, rate):
    """A sine keeps its phase: an error of one sample in 100 would show as 1 % of 2π f / rate."""
    frequency, start = 500.0, 1.5
    n = source * 2 + 13
    samples = np.sin(2 * np.pi * frequency * (start + np.arange(n) / source)).astype(np.float32)[:, None]
    chunks = stream(samples, source, rate, [100, 4_000, 4_001, 9_999], start)
    assert chunks[0].start == start
    for before, after in itertools.pairwise(chunks):
        assert after.start == pytest.approx(before.end, abs=1e-9)
    out = np.concatenate([c.samples for c in chunks])
    assert len(out) == round(n * rate / source)
    times = start + np.arange(len(out)) / rate
    inner = slice(round(0.02 * rate), -round(0.02 * rate))
    error = np.abs(out - np.sin(2 * np.pi * frequency * times))[inner].max()
    assert error < 0.01 * 2 * np.pi * frequency / rate


@settings(deadline=None, max_examples=40)
@given(
    source=st.sampled_from(RATES),
    rate=st.sampled_from(RATES),
    n=st.one_of(st.integers(1, 60), st.integers(1, 6_000)),
    cuts=st.lists(st.integers(0, 6_000), max_size=8),
    channels=st.sampled_from([1, 2, 6]),
    seed=st.integers(0, 99),
)
def test_however_it_is_cut_it_is_the_same(source, rate, n, cuts, channels, seed):
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, (n, channels)).astype(np.float32)
    chunks = stream(samples, source, rate, [c for c in cuts if c <= n], mono=False)
    whole = resample(samples, source, rate)
    assert len(whole) == round(n * rate / source)
    streamed = np.concatenate([c.samples for c in chunks]) if chunks else np.zeros((0, channels), np.float32)
    np.testing.assert_array_equal(streamed, whole)
    assert np.isfinite(whole).all()


@pytest.mark.parametrize(("source", "rate"), [(44_100, 16_000), (8_000, 16_000), (48_000, 44_100)])
def test_agrees_with_scipy_in_the_band(source, rate):
    """White noise below 0.8 of the lower Nyquist frequency, whose content no resampler may touch."""
    rng = np.random.default_rng(1)
    spectrum = np.fft.rfft(rng.standard_normal(source))
    spectrum[int(0.8 * min(source, rate) / 2) :] = 0
    samples = (0.1 * np.fft.irfft(spectrum, source)).astype(np.float32)
    ours = resample(samples, source, rate)
    reference = resample_poly(samples.astype(np.float64), rate // 100 if rate % 100 == 0 else rate, source // 100)
    inner = slice(rate // 10, -rate // 10)
    assert np.abs(ours - reference)[inner].max() < 2e-3


def test_what_the_new_rate_cannot_hold_is_gone():
    times = np.arange(48_000) / 48_000
    high = np.sin(2 * np.pi * 11_000 * times).astype(np.float32)
    assert np.abs(resample(high, 48_000, 16_000)[200:-200]).max() < 1e-3


def test_ten_minutes_do_not_drift():
    source, rate, seconds = 44_100, 16_000, 600
    converter = Resampler(rate)
    taken = 0
    impulse_at = 599.5
    found = 0.0
    for second in range(seconds):
        samples = np.zeros((source, 1), np.float32)
        if second == int(impulse_at):
            samples[round((impulse_at % 1) * source)] = 1.0
        chunk = converter.push(AudioPiece(float(second), source, samples))
        if chunk is not None:
            taken += len(chunk.samples)
            if chunk.samples.max() > 0.1:
                found = chunk.start + float(np.argmax(chunk.samples)) / rate
    rest = converter.flush()
    taken += 0 if rest is None else len(rest.samples)
    assert taken == rate * seconds
    assert found == pytest.approx(impulse_at, abs=1 / rate)


def test_same_rate_is_left_alone():
    samples = np.random.default_rng(0).uniform(-1, 1, (1_000, 1)).astype(np.float32)
    np.testing.assert_array_equal(resample(samples, 16_000, 16_000), samples)


def test_mono_mix():
    assert downmix_weights("stereo", 2) == (0.5, 0.5)
    weights = dict(zip(("FL", "FR", "FC", "LFE", "SL", "SR"), downmix_weights("5.1(side)", 6), strict=True))
    assert weights["LFE"] == 0.0
    assert weights["FC"] > weights["FL"] == weights["FR"] > weights["SL"] == weights["SR"] > 0
    assert sum(weights.values()) == pytest.approx(1.0)
    assert downmix_weights("no such layout", 5) == (0.2,) * 5
    full = np.ones((10, 6), np.float32)
    np.testing.assert_allclose(to_mono(full, "5.1(side)"), 1.0, rtol=1e-6)


def test_pieces_of_two_streams_are_refused():
    converter = Resampler(16_000)
    converter.push(AudioPiece(0.0, 8_000, np.zeros((10, 1), np.float32)))
    with pytest.raises(ValueError, match="one rate"):
        converter.push(AudioPiece(0.1, 48_000, np.zeros((10, 1), np.float32)))
    with pytest.raises(ValueError, match="positive"):
        Resampler(0)
    assert Resampler(16_000).flush() is None
