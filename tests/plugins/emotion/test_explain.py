"""Why a voice reads aroused or angry: the shipped weights on speech of actors that they were not trained on."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from mien.errors import Cancelled, UsageError
from mien.sdk import Windows
from mien_plugins.emotion.analyzer import EmotionAnalyzer
from mien_plugins.emotion.corpus import TEST_SPEAKERS, read_clips
from mien_plugins.emotion.info import EmotionParams

MODEL = Path(__file__).resolve().parents[3] / "resources" / "models" / "emotion-mtl"
RATE = 16_000


class Host:
    """As much of the context as an explanation uses."""

    device, precision, threads = "cpu", "float32", 1
    log = logging.getLogger("test")

    def __init__(self, cancelled: bool = False) -> None:
        self.rng = np.random.default_rng(0)
        self.cancelled = cancelled
        self.told: list[float] = []

    def model(self, model_id: str) -> Path:
        assert model_id == "emotion-mtl"
        return MODEL

    def progress(self, fraction: float) -> None:
        self.told.append(fraction)

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled("The analysis was cancelled.")


def window(sound, start: float = 20.0, length: float = 6.0) -> Windows:
    padded = np.zeros(round(length * RATE), np.float32)
    padded[: len(sound)] = sound
    return Windows(np.array([start]), RATE, padded[None], np.array([len(sound)], np.int32))


def explain(sound, of: str = "arousal", host: Host | None = None):
    return EmotionAnalyzer().explain(window(sound), EmotionParams(), host or Host(), of)


@pytest.fixture(scope="module")
def halves(shared):
    """2 s of calm and 2 s of angry speech by one actor, equally loud."""
    clips = [c for c in read_clips(shared / "data") if c.speaker == sorted(TEST_SPEAKERS)[-1]]

    def speech(emotion: str):
        sound = next(c.samples for c in clips if c.emotion == emotion)
        loud = np.flatnonzero(np.abs(sound) > 0.1 * np.abs(sound).max())
        cut = sound[loud[0] : loud[-1]][: 2 * RATE]
        cut = np.pad(cut, (0, 2 * RATE - len(cut)))
        return cut / np.sqrt(np.mean(cut**2)) * 0.05

    return speech("calm"), speech("angry")


@pytest.mark.parametrize("angry_first", [False, True])
def test_the_angry_half_is_what_raises_arousal(halves, angry_first):
    calm, angry = halves
    found = explain(np.concatenate([angry, calm] if angry_first else [calm, angry]))
    assert found.of == found.unit == "arousal"
    assert found.parts.extent == pytest.approx((20.0, 24.0))
    assert len(found.parts) == 8
    first, second = found.parts.score[:4].sum(), found.parts.score[4:].sum()
    assert (first > second) == angry_first
    assert abs(first - second) > 0.2
    assert found.fit > 0.3


def test_anger_is_explained_as_the_probability_that_fusions_take(halves):
    host = Host()
    found = explain(np.concatenate(halves), "anger", host)
    assert 0 <= found.reading <= 1
    assert found.unit == "probability of anger"
    assert found.parts.score[4:].sum() > found.parts.score[:4].sum()
    assert max(host.told) > 0.5


def test_silence_has_nothing_to_explain_and_a_cancel_is_heard(halves):
    with pytest.raises(UsageError, match="silent"):
        explain(np.zeros(4 * RATE, np.float32))
    with pytest.raises(Cancelled):
        explain(halves[1], host=Host(cancelled=True))
