"""The end-to-end net and its spectra: level, silence and padding change nothing; sizes are the contract's."""

import numpy as np
import pytest
import torch

from mien_plugins.emotion.augment import Augment
from mien_plugins.emotion.logmel import SPAN, LogMel, mel_filters
from mien_plugins.emotion.reader import config_of, make
from mien_plugins.emotion.spectral import SpectralConfig, SpectralNet, padded

SMALL = SpectralConfig(channels=(4, 4, 8, 8), width=8, shared=16)


def speech_like(seconds, seed=0):
    """Noise with the long-term slope and the syllable rate of speech."""
    rng = np.random.default_rng(seed)
    noise = np.convolve(rng.standard_normal(int(seconds * 16000)), np.exp(-np.arange(20) / 4), "same")
    beat = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(len(noise)) / 16000)
    return (0.1 * noise * beat).astype(np.float32)


def net(config=SMALL):
    torch.manual_seed(0)
    return SpectralNet(config).eval()


def test_a_tone_lands_in_its_band():
    spectra = LogMel()
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    heard = spectra.of(tone)
    filters = mel_filters(16000, 512, spectra.bands, spectra.low, spectra.high)
    assert heard.shape == (49, 64)
    assert set(heard.argmax(axis=1)) == {int(filters[round(1000 / 16000 * 512)].argmax())}


def test_gain_changes_nothing():
    sound = speech_like(2.0)
    np.testing.assert_allclose(LogMel().of(sound), LogMel().of(0.01 * sound), atol=0.01)


def test_silent_ends_are_cut_but_for_a_margin():
    sound = speech_like(2.0)
    hush = np.zeros(16000, np.float32)
    inner, outer = LogMel().of(sound), LogMel().of(np.concatenate([hush, sound, hush]))
    assert len(inner) <= len(outer) <= len(inner) + 12


@pytest.mark.parametrize("samples", [0, 10, 511])
def test_what_is_shorter_than_a_window_has_no_frames(samples):
    assert LogMel().of(np.ones(samples, np.float32)).shape == (0, 64)


def test_digital_silence_has_frames_and_a_finite_reading():
    heard = LogMel().of(np.zeros(16000, np.float32))
    assert (heard == -SPAN).all()
    assert torch.isfinite(net()(*padded([heard]))[0]).all()


def test_sizes_of_the_contract():
    model = net(SpectralConfig())
    values, embedding = model(torch.randn(3, 120, 64) * 15 - 20, torch.tensor([120, 90, 40]))
    assert values.shape == (3, 3)
    assert embedding.shape == (3, 510)
    assert (embedding >= 0).all()


@pytest.mark.parametrize("length", [1, 15, 16, 33, 200])
def test_readings_do_not_depend_on_company(length):
    model = net()
    short, long = (torch.randn(n, 64).numpy() * 15 - 20 for n in (length, 201))
    with torch.inference_mode():
        alone = model(*padded([short]))
        among = model(*padded([long, short]))
    torch.testing.assert_close(alone[0][0], among[0][1], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(alone[1][0], among[1][1], atol=1e-5, rtol=1e-4)


def test_config_survives_json():
    fields = SMALL.to_dict()
    assert config_of(fields) == SMALL
    assert isinstance(make(config_of(fields)), SpectralNet)


def test_augmenting_keeps_the_form_and_is_repeatable():
    heard = LogMel().of(speech_like(2.0))
    for seed in range(20):
        one, two = (Augment()(heard, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, two)
        assert one.shape[1] == 64
        assert 0.8 * len(heard) < len(one) < 1.25 * len(heard)
        assert np.isfinite(one).all()
    assert Augment()(heard[:1], np.random.default_rng(0)).shape == (1, 64)
