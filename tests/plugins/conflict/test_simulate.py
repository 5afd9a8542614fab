"""Conversations put together from takes: what their labels mean, and that seeds fix them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import CorpusError
from mien_plugins.conflict.acoustics import channel, laughter, music, noise, reverberate, room_response
from mien_plugins.conflict.recipe import CALIBRATE, TEST, TRAIN, VALID, collate
from mien_plugins.conflict.simulate import intensity, simulate
from mien_plugins.conflict.takes import EFFORT, Take, Voice, effort_of, load_voices, trim

RATE = 8_000


def make_voice(name: str, pitch: float) -> Voice:
    """A speaker of buzzes: the higher the effort, the brighter."""
    takes = []
    for k, effort in enumerate(np.linspace(0, 1, 6)):
        t = np.arange(int((1.0 + 0.2 * k) * RATE)) / RATE
        x = sum(np.sin(2 * np.pi * pitch * h * t) * h ** (-2 + effort) for h in range(1, 9))
        takes.append(Take(trim(np.asarray(x, np.float32)), float(effort), "acted"))
    return Voice(name, "buzz", tuple(takes))


@pytest.fixture(scope="module")
def voices() -> list[Voice]:
    return [make_voice(str(i), 110 + 35 * i) for i in range(4)]


def test_intensity_is_the_documented_function():
    assert intensity(0, 0, 0) == -1
    assert intensity(0.35, 20, 1) == pytest.approx(1)
    assert intensity(0.9, 90, 1) == pytest.approx(1)  # each part saturates
    assert intensity(0.175, 10, 0.5) == pytest.approx(0)
    assert intensity(0, 0, 1) == pytest.approx(-0.3)  # one speaker, shouting


def test_a_seed_fixes_a_conversation(voices):
    one, same, other = (simulate(voices, np.random.default_rng(s), 12.0) for s in (3, 3, 4))
    assert np.array_equal(one.samples, same.samples)
    assert one.intensity == same.intensity
    assert not np.array_equal(one.samples, other.samples)


def test_conversations_are_as_labelled(voices):
    made = [simulate(voices, np.random.default_rng([7, i]), 15.0) for i in range(40)]
    for c in made:
        assert c.samples.shape == (15 * RATE,)
        assert c.frames.shape == (3, 1500)
        assert np.isfinite(c.samples).all()
        assert -1 <= c.intensity <= 1
        assert c.intensity == pytest.approx(intensity(c.overlap, c.interruptions, c.effort))
        assert not c.samples[int(c.seconds * RATE) :].any()  # padding is silence
        assert c.overlap == pytest.approx(c.frames[1].sum() / max(1.0, c.frames[0].sum()), abs=1e-6)
        assert (c.frames[1] <= c.frames[0]).all()
    values = np.array([c.intensity for c in made])
    assert values.std() > 0.3
    assert any(c.seconds < 15 for c in made)  # short ones are in


def test_one_speaker_alone_reads_below_zero(voices):
    for seed in range(12):
        c = simulate(voices, np.random.default_rng(seed), 10.0, speakers=1)
        assert len(c.speakers) == 1
        assert c.overlap == c.interruptions == 0
        assert c.intensity <= -0.3 + 1e-9


def test_speakers_are_held_out():
    assert CALIBRATE["ravdess"] == VALID  # both choose, and neither is measured
    parts = [set(TRAIN), *({s for group in part.values() for s in group} for part in (CALIBRATE, TEST))]
    assert len(set.union(*parts)) == sum(map(len, parts))
    assert not any(s.startswith("emodb") for s in TRAIN)


def test_batches_are_ready_for_the_net(voices):
    batch = collate([simulate(voices, np.random.default_rng(i), 10.0) for i in range(3)])
    assert batch.x.shape == (3, 80_000)
    assert batch.frames.shape == (3, 69, 3)
    np.testing.assert_allclose(batch.x.double().square().mean(1).sqrt().numpy(), 1, rtol=1e-4)


def test_effort_follows_emotion_and_intensity():
    assert effort_of("ravdess", "angry", "strong") == 1.0
    assert effort_of("ravdess", "angry", "normal") < 1.0
    assert effort_of("emodb", "anger", "") == EFFORT["angry"][1]
    assert effort_of("emodb", "neutral", "") == EFFORT["neutral"][0]
    with pytest.raises(KeyError):
        effort_of("ravdess", "bored", "normal")


def test_takes_are_drawn_near_the_effort_asked_for(voices):
    rng = np.random.default_rng(0)
    low = np.mean([voices[0].draw(0.0, rng).effort for _ in range(30)])
    high = np.mean([voices[0].draw(1.0, rng).effort for _ in range(30)])
    assert low < 0.3
    assert high > 0.7


def test_distractors_and_rooms():
    rng = np.random.default_rng(0)
    for sound in (laughter(1.0, rng), music(2.0, rng), noise(RATE, rng)):
        assert np.sqrt(np.mean(np.square(sound, dtype=np.float64))) == pytest.approx(1, rel=1e-3)
    dry = np.zeros(RATE, np.float32)
    dry[0] = 1
    wet = reverberate(dry, room_response(0.4, 1.0, rng))
    assert wet.shape == dry.shape
    assert np.abs(wet[1000:3000]).max() > 0  # a tail
    assert np.isfinite(channel(wet, rng)).all()


def test_voices_from_the_corpora(shared):
    voices = load_voices(shared / "data", ["ravdess/19", "emodb/12"])
    assert [len(v.takes) for v in voices] == [60, 35]
    assert all(0.3 < len(t.samples) / RATE < 5 for v in voices for t in v.takes)
    assert [t.effort for t in voices[0].takes] == sorted(t.effort for t in voices[0].takes)


def test_missing_corpora_are_said_plainly(tmp_path):
    with pytest.raises(CorpusError, match=r"speech/manifest\.csv"):
        load_voices(tmp_path, ["ravdess/01"])


@pytest.mark.parametrize("kind", ["short", "cut", "mute"])
def test_a_take_without_sound_is_one_sentence(tmp_path: Path, make_clip: Any, kind: str) -> None:
    import wave

    take = tmp_path / ("take.mp4" if kind == "mute" else "take.wav")
    if kind == "mute":
        make_clip(take, 1.0, audio=False)
    else:
        with wave.open(str(take), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            file.writeframes(bytes(20 if kind == "short" else 0))
    heading = "corpus,speaker,path,emotion,intensity,gender,lang"
    (tmp_path / "manifest.csv").write_text(f"{heading}\nravdess,01,{take.name},angry,normal,male,en\n")
    with pytest.raises(CorpusError, match=r"There is (no|hardly any) sound in the recording.*take") as raised:
        load_voices(tmp_path, ["ravdess/01"])
    assert "\n" not in str(raised.value)


def test_a_rated_stretch_behind_the_end_of_its_recording_is_no_silence(tmp_path: Path, make_clip: Any) -> None:
    from mien_plugins.conflict.corpora import Clip

    path = make_clip(tmp_path / "talk.m4a", 2.0, video=False)
    assert len(Clip(path, 0.5, "g", 0.5, 1.5).samples()) == RATE
    with pytest.raises(CorpusError, match=r"There is no sound from 5 s on.*talk\.m4a"):
        Clip(path, 0.5, "g", 5.0, 6.0).samples()
