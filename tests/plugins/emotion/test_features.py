"""Features: the published values of pyAudioAnalysis, that package itself, and what is corrected."""

import sys
import types
import warnings

import numpy as np
import pytest

from mien_plugins.emotion import features
from mien_plugins.emotion.features import MID_TERM, SHORT_TERM, Recipe, mid_term, short_term
from mien_plugins.emotion.mfcc import edges, filterbank


def golden_signal():
    t = np.arange(22050) / 44100
    x = 0.6 * np.sin(2 * np.pi * 440 * t) + 0.25 * np.sin(2 * np.pi * 1320 * t + 0.3)
    x = (x + 0.1 * np.sign(np.sin(2 * np.pi * 97 * t))) * np.linspace(0.2, 1, 22050)
    return np.round(x / np.abs(x).max() * 20000).astype(np.int16)


def speech_like(seconds=3.0, rate=16000, seed=0):
    """Noise and a gliding harmonic tone under an uneven envelope."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    pitch = np.cumsum(120 + 60 * np.sin(2 * np.pi * 0.7 * t)) / rate
    tone = sum(np.sin(2 * np.pi * k * pitch) / k for k in range(1, 12))
    envelope = 0.05 + np.abs(np.sin(2 * np.pi * 1.3 * t)) ** 3
    return np.round(6000 * envelope * (tone + 0.2 * rng.standard_normal(t.size))).astype(np.int16)


@pytest.fixture(scope="module")
def original():
    """pyAudioAnalysis; its file readers' dependencies, which are not used here, may be absent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        short = pytest.importorskip("pyAudioAnalysis.ShortTermFeatures", reason="needs pyAudioAnalysis 0.3.14")
        for name in ("eyed3", "pydub"):
            sys.modules.setdefault(name, types.SimpleNamespace(AudioSegment=None))  # type: ignore[arg-type]
        import pyAudioAnalysis.MidTermFeatures as mid
    return short, mid


GOLDEN = {
    "zcr": (0.0195099819, 0.0199637024),
    "energy": (0.0234929724, 0.0409570082),
    "energy_entropy": (3.2826545514, 3.2982932145),
    "spectral_centroid": (0.1030702255, 0.1113400310),
    "spectral_spread": (0.1917666176, 0.2033302579),
    "spectral_entropy": (0.0113079719, 0.0118558329),
    "spectral_flux": (0.0, 0.0003259382),
    "spectral_rolloff": (0.0598911071, 0.0598911071),
    "mfcc_1": (-27.8716451920, -27.3627160979),
    "mfcc_2": (2.5835378381, 2.5820475718),
}
MFCC = [-27.8716451920, 2.5835378381, -0.2513766531, 0.3507528505, -1.1388711559, -0.7052739821, 0.8219222858,
        0.6684261752, 0.7288540022, 1.0729080937, -0.2716517419, -0.3848913679, 0.4104521100]  # fmt: skip
CHROMA = [0.0007188751, 0.2017259620, 0.0121670322, 0.0000418297, 0.0002168482, 0.0002927470, 0.0008794467,
          0.0345403303, 0.0003944684, 0.0001123273, 0.0004609128, 0.0001863069, 0.0553438581]  # fmt: skip


def test_golden_values():
    found = short_term(golden_signal(), 44100, 2205, compat=True)
    assert found.shape == (10, 68)
    for name, values in GOLDEN.items():
        np.testing.assert_allclose(found[:2, SHORT_TERM.index(name)], values, rtol=1e-5, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(found[0, 8:21], MFCC, rtol=1e-5)
    np.testing.assert_allclose(found[0, 21:34], CHROMA, rtol=1e-5, atol=1e-9)


def test_silence_is_zero_but_for_the_log_energy():
    found = short_term(np.zeros(8820, np.int16), 44100, 2205, compat=True)
    expected = np.zeros(68)
    expected[8] = -99.001805
    np.testing.assert_allclose(found[1], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("rate", "window", "step"), [(44100, 2205, 2205), (16000, 800, 400), (16000, 480, 160), (8000, 200, 200)]
)
def test_short_term_equals_pyaudioanalysis(original, rate, window, step):
    signal = speech_like(rate=rate)
    expected, names = original[0].feature_extraction(signal, rate, window, step)
    assert tuple(names) == SHORT_TERM
    np.testing.assert_allclose(short_term(signal, rate, window, step, compat=True), expected.T, rtol=1e-4, atol=1e-9)


def test_mid_term_equals_pyaudioanalysis(original):
    rate, signal = 16000, speech_like(3.4)
    expected, _, names = original[1].mid_feature_extraction(signal, rate, rate, rate, rate // 20, rate // 20)
    assert tuple(names) == MID_TERM
    found = mid_term(short_term(signal, rate, rate // 20, compat=True), 20)
    assert found.shape == (4, 136)
    np.testing.assert_allclose(found, expected.T, rtol=1e-4, atol=1e-9)
    overlapping, _, _ = original[1].mid_feature_extraction(signal, rate, rate, rate // 2, rate // 20, rate // 20)
    np.testing.assert_allclose(
        mid_term(short_term(signal, rate, rate // 20, compat=True), 20, 10),
        overlapping.T,
        rtol=1e-4,
        atol=1e-9,
    )


@pytest.mark.parametrize("compat", [True, False])
def test_short_frames_at_a_low_rate_work(compat):
    found = short_term(speech_like(1.0, 8000), 8000, 160, compat=compat)
    assert found.shape == (50, 68)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("compat", [True, False])
def test_working_in_chunks_changes_nothing(monkeypatch, compat):
    signal = speech_like(2.0)
    whole = short_term(signal, 16000, 800, 400, compat=compat)
    monkeypatch.setattr(features, "AT_ONCE", 3 * 800)
    np.testing.assert_allclose(short_term(signal, 16000, 800, 400, compat=compat), whole, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("compat", [True, False])
def test_integers_and_floats_agree(compat):
    signal = speech_like(1.0)
    as_float = signal.astype(np.float32) / 32768
    a, b = (short_term(x, 16000, 800, compat=compat) for x in (signal, as_float))
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_a_tone_lands_where_it_belongs():
    t = np.arange(44100) / 44100
    tone = np.sin(2 * np.pi * 440 * t)
    meant = short_term(tone, 44100, 2205)[5]
    as_computed = short_term(tone, 44100, 2205, compat=True)[5]
    assert meant[21:33].argmax() == 0  # A
    assert as_computed[21:33].argmax() == 1  # the original says A#
    assert meant[3] * 22050 == pytest.approx(440, abs=1)
    assert abs(as_computed[3] * 22050 - 440) > 10


def test_filters_peak_at_their_frequency_and_stay_below_half_the_rate():
    bank = filterbank(16000, 3200, compat=False)
    peaks = bank.argmax(axis=1) * 16000 / 3200
    np.testing.assert_allclose(peaks, edges()[1:-1], atol=5.0)
    at_half = filterbank(16000, 3200, compat=True).argmax(axis=1) * 16000 / 3200
    np.testing.assert_allclose(at_half, edges()[1:-1] / 2, atol=5.0)
    assert len(filterbank(8000, 400, compat=False)) < 40
    assert filterbank(8000, 160, compat=False).any(axis=1).all()


def test_loudness_of_the_recording_does_not_matter():
    signal = speech_like(1.0).astype(np.float64) / 32768
    a, b = (short_term(x, 16000, 800) for x in (signal, 0.01 * signal))
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_less_than_a_frame_gives_none_and_nonsense_is_refused():
    assert short_term(np.zeros(100), 16000, 800).shape == (0, 68)
    assert Recipe(16000).mid_of(np.zeros(10, np.float32)).shape == (0, 136)
    with pytest.raises(ValueError, match="mono"):
        short_term(np.zeros((100, 2)), 16000, 800)
    with pytest.raises(ValueError, match="no room"):
        short_term(np.zeros(1000), 1000, 50)


def test_recipe_gives_one_row_a_second_and_drops_a_short_rest():
    rows = {seconds: len(Recipe(16000).mid_of(speech_like(seconds))) for seconds in (0.3, 3.4, 3.6, 4.0)}
    assert rows == {0.3: 1, 3.4: 3, 3.6: 4, 4.0: 4}
