"""Labels of acted speech, and speakers kept apart."""

import numpy as np
import pytest

from mien.errors import CorpusError, MediaMissing
from mien_plugins.emotion.corpus import TEST_SPEAKERS, attributes, folds, read_clips, read_mono
from mien_plugins.emotion.norms import NEUTRAL, PAD


def test_norms_are_those_of_the_study():
    assert PAD["angry"] == PAD["anger"] == (-0.51, 0.59, 0.25)
    assert PAD["sadness"] == (-0.63, -0.27, -0.33)
    assert PAD["neutral"] == (0.0, 0.0, 0.0)
    assert all(-1 <= v <= 1 for triple in PAD.values() for v in triple)


def test_intensity_moves_the_label_around_the_norm():
    normal, strong, unmarked = (np.array(attributes("angry", i)) for i in ("normal", "strong", ""))
    np.testing.assert_allclose(unmarked, PAD["angry"])
    np.testing.assert_allclose((normal + strong) / 2, PAD["angry"])
    assert strong[1] > normal[1]
    assert strong[0] < normal[0] < 0


def test_strong_sadness_is_more_aroused_and_strong_calm_is_calmer():
    assert attributes("sad", "strong")[1] > attributes("sad", "normal")[1]
    assert attributes("calm", "strong")[1] < attributes("calm", "normal")[1] < 0
    assert attributes("neutral", "normal") == NEUTRAL


def test_every_clip_has_a_label_and_no_speaker_is_on_both_sides(shared):
    clips = read_clips(shared / "data")
    labels = np.array([clip.label for clip in clips])
    assert len(clips) > 1700
    assert np.abs(labels).max() <= 1
    development = {c.speaker: c.gender for c in clips if c.speaker not in TEST_SPEAKERS}
    parts = folds(development, 4)
    assert sorted(s for part in parts for s in part) == sorted(development)
    assert len(development) == 24
    for part in parts:
        assert {(s.split("-")[0], development[s]) for s in part} >= {("ravdess", "f"), ("ravdess", "m")}
        assert any(s.startswith("emodb") for s in part)


def test_sound_is_mono_at_16_khz(shared):
    clip = read_clips(shared / "data")[0]
    assert clip.samples.dtype == np.float32
    assert len(read_mono(clip.path)) / 16000 == pytest.approx(2.0, abs=0.01)
    assert len(read_mono(clip.path, 8000)) / 8000 == pytest.approx(2.0, abs=0.01)


def test_a_recording_without_sound_is_one_sentence(tmp_path, make_clip):
    silent = make_clip(tmp_path / "mute.mp4", 0.5, audio=False)
    with pytest.raises(CorpusError, match=r"no sound.*mute\.mp4") as caught:
        read_mono(silent)
    assert "\n" not in str(caught.value)
    with pytest.raises(MediaMissing, match="no such file"):
        read_mono(tmp_path / "gone.wav")


def test_a_recording_that_breaks_off_into_noise_is_one_sentence(tmp_path, make_clip):
    whole = make_clip(tmp_path / "whole.m4a", 2.0, video=False).read_bytes()
    head = whole.index(b"mdat") + 4
    broken = tmp_path / "broken.m4a"
    noise = np.random.default_rng(0).bytes(len(whole))
    tail = whole.index(b"moov") - 4
    broken.write_bytes(whole[:head] + noise[: tail - head] + whole[tail:])
    with pytest.raises(CorpusError, match=r"cannot be decoded.*broken\.m4a"):
        read_mono(broken)
