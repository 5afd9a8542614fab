"""How far readings speak beyond their moment: by the windows that their analyzers declared."""

from __future__ import annotations

import numpy as np
import pytest

from mien.engine.reach import reach_of, reach_of_run, reach_of_track
from mien.engine.registry import Registry
from mien.sdk.inputs import Audio, Frames
from mien.tracks import CONFLICT, Curve, Provenance


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def test_half_the_longest_window() -> None:
    assert reach_of((Audio(16_000, window=30.0, hop=1.0), Frames(5.0), Audio(16_000, window=4.0))) == 15.0
    assert reach_of((Audio(16_000), Frames(5.0))) == 0.0


def test_a_run_of_the_past_by_its_parameters(registry: Registry) -> None:
    assert reach_of_run(registry, "conflict", {}) == 15.0
    assert reach_of_run(registry, "emotion", {"window": 8.0}) == 4.0
    assert reach_of_run(registry, "emotion", {"window": 8.0, "gone": 1}) == 4.0
    assert reach_of_run(registry, "emotion", {"window": "no number"}) == 0.0
    assert reach_of_run(registry, "not.installed", {}) == 0.0


def test_a_track_by_its_provenance(registry: Registry) -> None:
    curve = Curve("conflict.intensity", np.array([11.0]), np.zeros((1, 1), np.float32), (CONFLICT,))
    assert reach_of_track(registry, curve) == 0.0
    made = Provenance("conflict", "1.0.0", {"hop": 1.0}, {}, "key")
    assert reach_of_track(registry, Curve(curve.name, curve.times, curve.values, curve.quantities, None, made)) == 15.0
