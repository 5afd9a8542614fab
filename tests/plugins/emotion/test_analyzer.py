"""The analyzer with the weights that come with it, on speech of actors it was not trained on."""

import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mien.engine.halves import split
from mien.errors import ModelError
from mien.sdk import Block, MediaInfo, Windows
from mien.tracks import Curve, Spans
from mien_plugins.emotion.analyzer import EmotionAnalyzer
from mien_plugins.emotion.corpus import TEST_SPEAKERS, read_clips
from mien_plugins.emotion.gate import Reading
from mien_plugins.emotion.info import EMOTION, EmotionParams

MODEL = Path(__file__).resolve().parents[3] / "resources" / "models" / "emotion-mtl"


class Host:
    """As much of the context as the analyzer uses."""

    device, precision, threads = "cpu", "float32", 1
    log = logging.getLogger("test")

    def __init__(self, folder=MODEL):
        self.folder = folder

    def model(self, model_id):
        assert model_id == "emotion-mtl"
        return self.folder

    def check_cancelled(self):
        pass


def windows(sound, length=6.0, hop=1.0, rate=16000):
    """What the host cuts from a sound: the last window padded."""
    size, step = int(length * rate), int(hop * rate)
    starts = list(range(0, max(1, len(sound) - size + step), step))
    samples = np.zeros((len(starts), size), np.float32)
    valid = []
    for row, start in enumerate(starts):
        part = sound[start : start + size]
        samples[row, : len(part)] = part
        valid.append(len(part))
    return Windows(np.array(starts) / rate, rate, samples, np.array(valid, np.int32))


def analyse(sound, voice=(), **params):
    analyzer = EmotionAnalyzer()
    analyzer.prepare(MediaInfo(Path("x.wav")), EmotionParams(**params), Host())
    tracks = {"speech.voice": (Spans.of("speech.voice", [(s, e, "speech") for s, e in voice]),)} if voice else {}
    seconds = len(sound) / 16000
    pieces = list(analyzer.process(Block(0.0, seconds, windows=windows(sound), tracks=tracks)))
    pieces += list(analyzer.finish())
    analyzer.close()
    curves = [p for p in pieces if p.name == "emotion.attributes"]
    vectors = [p for p in pieces if p.name == "emotion.embedding"]
    if not curves:
        return None, None
    return type(curves[0]).concat(curves), type(vectors[0]).concat(vectors)


@pytest.fixture(scope="module")
def clips(shared):
    return [c for c in read_clips(shared / "data") if c.speaker in TEST_SPEAKERS]


def test_descriptor_asks_for_what_the_parameters_say():
    sound, voice = EMOTION.inputs_for(EmotionParams(window=6.0))
    assert (sound.rate, sound.window, sound.hop, voice.track) == (16000, 6.0, 1.0, "speech.voice")
    assert len(EMOTION.inputs_for(EmotionParams(gate="energy"))) == 1


def test_anger_reads_more_aroused_than_calm_on_unheard_speakers(clips):
    def mean_arousal(emotion, intensity):
        chosen = [c for c in clips if c.emotion == emotion and c.intensity == intensity][:6]
        curves = [analyse(c.samples, gate="energy", min_speech=0.1)[0] for c in chosen]
        return np.mean(np.concatenate([curve.channel("arousal") for curve in curves]))

    assert mean_arousal("angry", "strong") > mean_arousal("calm", "normal") + 0.3


def test_tracks_have_their_form(clips):
    sound = np.concatenate([c.samples for c in clips[:3]])
    curve, embedding = analyse(sound, voice=[(0.0, len(sound) / 16000)])
    assert curve.channels == ("valence", "arousal", "dominance")
    assert np.abs(curve.values).max() <= 1
    assert embedding.vectors.shape == (len(curve), 510)
    np.testing.assert_allclose(curve.times, np.arange(int(len(sound) / 16000) + 1))
    np.testing.assert_array_equal(curve.times, embedding.times)


def test_gaps_are_left_where_nobody_speaks(clips):
    sound = np.concatenate([clips[0].samples[:64000], 1e-3 * np.ones(160000, np.float32), clips[0].samples[:64000]])
    length = len(sound) / 16000
    curve, _ = analyse(sound, voice=[(0.5, 3.0), (length - 3.0, length - 0.5)])
    assert ((curve.times < 5.5) | (curve.times > length - 5.5)).all()
    assert curve.times[0] == 0.0
    assert analyse(sound)[0] is None  # voice activity ran and found nothing


def test_silence_and_snippets_give_nothing_and_no_error():
    assert analyse(np.zeros(160000, np.float32), gate="energy")[0] is None
    assert analyse(np.ones(10, np.float32), gate="energy") == (None, None)
    rng = np.random.default_rng(0)
    curve, _ = analyse(0.1 * rng.standard_normal(8000).astype(np.float32), gate="energy")
    assert curve.times.tolist() == [0.0]


def test_readings_do_not_depend_on_how_blocks_fall(clips):
    sound = np.concatenate([c.samples for c in clips[:3]])
    whole, _ = analyse(sound, gate="energy")
    analyzer = EmotionAnalyzer()
    analyzer.prepare(MediaInfo(Path("x.wav")), EmotionParams(gate="energy"), Host())
    cut = windows(sound)
    pieces = []
    for row in range(len(cut.starts)):
        part = Windows(cut.starts[row : row + 1], 16000, cut.samples[row : row + 1], cut.valid[row : row + 1])
        pieces += analyzer.process(Block(0.0, 1.0, windows=part))
    pieces = [p for p in [*pieces, *analyzer.finish()] if p.name == "emotion.attributes"]
    np.testing.assert_allclose(type(whole).concat(pieces).values, whole.values, atol=1e-5)


def test_damaged_weights_are_one_clear_error(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        EmotionAnalyzer().prepare(MediaInfo(Path("x")), EmotionParams(), Host(tmp_path))


def test_a_device_that_runs_out_of_memory_loses_no_reading():
    sound = 0.1 * np.random.default_rng(0).standard_normal(9 * 16000).astype(np.float32)

    def read(fits):
        analyzer = EmotionAnalyzer()
        analyzer.prepare(MediaInfo(Path("x.wav")), EmotionParams(gate="energy"), Host())
        net = analyzer._reader.net
        forward = net.forward

        def small(*parts):
            if len(parts[0]) > fits:
                raise torch.OutOfMemoryError("no room")
            return forward(*parts)

        net.forward = small

        def as_the_host(block):
            try:
                return list(analyzer.process(block))
            except torch.OutOfMemoryError:
                return [piece for half in split(block) for piece in as_the_host(half)]

        pieces = as_the_host(Block(0.0, 9.0, windows=windows(sound)))
        net.forward = forward
        pieces += analyzer.finish()
        return Curve.concat([p for p in pieces if p.name == "emotion.attributes"])

    whole, halved = read(100), read(5)
    assert halved.times.tolist() == whole.times.tolist() == list(range(10))
    np.testing.assert_allclose(halved.values, whole.values, atol=1e-4)


def test_names_behind_the_announced_end_stand_where_they_were_heard():
    analyzer = EmotionAnalyzer()
    analyzer._ends, analyzer._reader = 10.0, SimpleNamespace(names=("calm", "angry"))
    heard = Reading(14.0, 11.0, 17.0, np.array([0.2, 0.8], np.float32), np.zeros(4, np.float32))
    assert next(iter(analyzer._named([heard]).rows()))[:3] == (13.5, 14.5, "angry")


def test_a_model_that_cannot_be_loaded_is_a_sentence_even_where_nothing_is_said(monkeypatch):
    def fails(path):
        raise RuntimeError

    monkeypatch.setattr("mien_plugins.emotion.reader.load_file", fails)
    with pytest.raises(ModelError, match=r"cannot be loaded \(RuntimeError\)"):
        EmotionAnalyzer().prepare(MediaInfo(Path("x")), EmotionParams(), Host())
