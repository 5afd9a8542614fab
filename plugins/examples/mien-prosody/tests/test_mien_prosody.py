"""Pitch of made sounds, rate of made words, and Mien's conformance kit."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mien_prosody.analyzer import Prosody, pitches
from mien_prosody.fusion import Agitation
from mien_prosody.info import AgitationParams, ProsodyParams

from mien.sdk import Aligned, Block, MediaInfo
from mien.tracks import AnyTrack, Spans

RATE = 16_000


class Unhurried:
    """The one thing that the analyzer asks of its context."""

    stop = threading.Event()

    def check_cancelled(self) -> None:
        assert not self.stop.is_set()


def voice(pitch: float, seconds: float = 0.04) -> np.ndarray:
    """Ten harmonics, each weaker than the one below."""
    t = np.arange(round(seconds * RATE)) / RATE
    return (0.2 * sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 11)))[None].astype(np.float32)


@pytest.mark.parametrize("pitch", [85.0, 120.0, 210.0, 333.0, 480.0])
def test_the_pitch_of_a_voice(pitch: float) -> None:
    assert pitches(voice(pitch), RATE, ProsodyParams())[0] == pytest.approx(pitch, rel=0.01)


def test_a_missing_fundamental_is_heard() -> None:
    t = np.arange(640) / RATE
    sound = (0.2 * sum(np.sin(2 * np.pi * 150 * k * t) for k in (2, 3, 4)))[None].astype(np.float32)
    assert pitches(sound, RATE, ProsodyParams())[0] == pytest.approx(150, rel=0.01)


def test_noise_silence_and_whispers_have_none() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (50, 640)).astype(np.float32)
    assert np.isnan(pitches(noise, RATE, ProsodyParams())).mean() > 0.9
    assert np.isnan(pitches(np.zeros((1, 640), np.float32), RATE, ProsodyParams())).all()
    assert np.isnan(pitches(voice(120) * 1e-3, RATE, ProsodyParams())).all()


def rates(pieces: list[list[tuple[float, float]]]) -> dict[float, float]:
    analyzer = Prosody()
    analyzer.prepare(MediaInfo(Path("clip.wav"), 60.0, has_audio=True), ProsodyParams(span=4), Unhurried())  # type: ignore[arg-type]
    found: list[AnyTrack] = []
    for piece in pieces:
        words = Spans.of("speech.words", [(start, end, "word", "word", 1.0) for start, end in piece])
        found += analyzer.process(Block(0.0, 60.0, tracks={"speech.words": (words,)}))
    found += analyzer.finish()
    analyzer.close()
    return {float(t): float(v) for c in found for t, v in zip(c.times, c.values[:, 0], strict=True)}


def test_three_words_a_second_read_three_wherever_they_come_in_pieces() -> None:
    words = [(n / 3, n / 3 + 0.2) for n in range(60)]
    whole = rates([words])
    assert whole[10.0] == pytest.approx(3.0, abs=0.3)
    assert whole == rates([words[:20], words[20:25], words[25:]])
    assert max(whole) <= words[-1][1]


def test_a_silence_has_no_rate() -> None:
    read = rates([[(1.0, 1.2)], [(30.0, 30.2)]])
    assert read[1.0] == pytest.approx(0.25)
    assert not any(5 < t < 25 for t in read)


def test_agitation_is_the_mean_of_what_is_there() -> None:
    values = {"prosody.rate": [4.0, 4.0, 0.0], "conflict.intensity": [1.0, 0.0, 0.0]}
    mask = {"prosody.rate": [True, True, False], "conflict.intensity": [True, False, False]}
    grid = Aligned(
        times=np.array([0.5, 1.5, 2.5]),
        hop=1.0,
        values={name: np.array(column, np.float32)[:, None] for name, column in values.items()},
        channels={"prosody.rate": ("rate",), "conflict.intensity": ("conflict",)},
        mask={name: np.array(column) for name, column in mask.items()},
        modality={"prosody.rate": "prosody", "conflict.intensity": "conflict"},
    )
    fusion = Agitation()
    fusion.prepare(tuple(values), AgitationParams(), Unhurried())  # type: ignore[arg-type]
    fused = fusion.fuse(grid)
    np.testing.assert_allclose(fused.score, [0.75, 0.5, np.nan])
    np.testing.assert_allclose(fused.weights, [[0.5, 0.5], [1, 0], [0, 0]])
    assert fused.modalities == ("rate", "conflict")
    assert fused.quantity.name == "agitation"


def test_conformance(mien_check: Any) -> None:
    report = mien_check("mien_prosody.info")
    assert report.ok, str(report)
