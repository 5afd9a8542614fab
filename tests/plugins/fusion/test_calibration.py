"""The calibrations of the late fusions over tracks that other plugins wrote."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.errors import ModelError, PluginError
from mien.sdk import Aligned
from mien_plugins.fusion.calibration import Calibration, Logistic

AFFECT, FACE = "emotion.attributes", "face.expression"


@pytest.fixture
def calibration() -> Calibration:
    """One of the voice that reads two channels, and the face's, which needs no model."""
    made = Calibration.__new__(Calibration)
    made._logistic = {"voice": Logistic(("valence", "arousal"), (-1.0, 2.0), 0.5)}
    return made


def _grid(track: str, channels: tuple[str, ...]) -> Aligned:
    values = np.linspace(-1, 1, 4 * len(channels), dtype=np.float32).reshape(4, -1)
    times = np.arange(4, dtype=np.float64)
    return Aligned(times, 1.0, {track: values}, {track: channels}, {track: np.ones(4, bool)}, {track: "voice"})


def test_channels_are_read_by_name_whatever_their_order(calibration: Calibration) -> None:
    grid = _grid(AFFECT, ("dominance", "arousal", "valence"))
    modalities, said = calibration.probabilities(grid)
    values = grid.values[AFFECT].astype(np.float64)
    assert modalities == ("voice",)
    assert said[:, 0] == pytest.approx(1 / (1 + np.exp(-(0.5 - values[:, 2] + 2 * values[:, 1]))))


def test_squares_and_products_of_channels_count_too(calibration: Calibration) -> None:
    calibration._logistic = {
        "voice": Logistic(("arousal", "valence*valence", "valence*arousal"), (2.0, -1.0, 3.0), 0.5)
    }
    assert calibration._logistic["voice"].channels == ("arousal", "valence")
    grid = _grid(AFFECT, ("dominance", "arousal", "valence"))
    _, said = calibration.probabilities(grid)
    _, arousal, valence = grid.values[AFFECT].astype(np.float64).T
    assert said[:, 0] == pytest.approx(1 / (1 + np.exp(-(0.5 + 2 * arousal - valence**2 + 3 * valence * arousal))))


@pytest.mark.parametrize(
    ("track", "channels", "lacking"),
    [(AFFECT, ("valence", "dominance"), "arousal"), (AFFECT, (), "valence, arousal"), (FACE, ("angry",), "disgust")],
)
def test_a_track_that_lacks_a_channel_is_one_sentence(
    calibration: Calibration, track: str, channels: tuple[str, ...], lacking: str
) -> None:
    with pytest.raises(PluginError) as told:
        calibration.probabilities(_grid(track, channels))
    assert f"{lacking} from the track {track}" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "told",
    [
        {"channels": ["valence"], "coef": [1.0, 2.0], "intercept": 0},
        {"channels": ["valence"], "coef": ["x"], "intercept": 0},
        {"channels": ["valence"], "coef": [float("nan")], "intercept": 0},
        {"channels": [], "of": [], "coef": [], "intercept": 0},
        {"channels": ["valence"], "coef": [1.0], "intercept": float("inf")},
        ["valence"],
        None,
    ],
)
def test_numbers_that_are_no_calibration_are_one_sentence(tmp_path: Path, told: object) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"hostility": told}))
    with pytest.raises(ModelError, match="no calibration for fusion") as caught:
        Logistic.read(tmp_path)
    assert "\n" not in str(caught.value)
