"""Folds of those whom nothing was trained on, and calibration measured by cross-fitting."""

from __future__ import annotations

import numpy as np
import pytest

from mien.evaluation.metrics import ece
from mien.tracks.quantity import EXPRESSIONS
from mien_plugins.fusion import measure
from mien_plugins.fusion.crossfit import cross_fitted, folds, joined, rescaled
from mien_plugins.fusion.items import MODALITIES, PARTS, Items
from mien_plugins.fusion.measure import Heard

CLASSES = len(EXPRESSIONS)


def items(speakers: dict[str, int], each: int = 5) -> dict[str, Items]:
    """Voices of speakers (→ number of the part), and as many texts and faces of each part."""
    found = {}
    for name in MODALITIES:
        whose = np.array([s for s in speakers for _ in range(CLASSES * each)])
        label = np.tile(np.repeat(np.arange(CLASSES), each), len(speakers))
        vectors = np.arange(len(label), dtype=np.float32)[:, None]
        part = np.array([speakers[s] for s in whose])
        group = whose if name == "voice" else np.full(len(whose), "")
        found[name] = Items(vectors, label, np.zeros((len(label), 2), np.float32), part, group)
    return found


def heard(rng: np.random.Generator, sure: float, count: int = 400, imputed: bool = False) -> Heard:
    """Readings that are `sure` times as sure as they should be."""
    logits = rng.normal(size=(7, count, CLASSES)) * 2
    p = np.exp(logits[0]) / np.exp(logits[0]).sum(1, keepdims=True)
    label = np.array([rng.choice(CLASSES, p=row) for row in p])
    logits[1:] = logits[0]
    said = np.zeros((7, count, 2))
    group, speaker = np.arange(count) // 4, np.full(count, "somebody")
    other = Heard(label, np.zeros((count, 2)), group, speaker, sure * logits, sure * logits, said) if imputed else None
    return Heard(label, np.zeros((count, 2)), group, speaker, sure * logits, np.zeros_like(logits), said, other)


def test_each_speaker_held_out_has_a_fold_with_faces_and_texts_of_its_own() -> None:
    made = items({"a": 0, "d": 2, "b": 1, "c": 1, "e": 2})
    found = folds(made)
    assert [fold.part for fold in found] == ["valid", "valid", "test", "test"]
    assert [list(fold.pools.voices) for fold in found] == [["b"], ["c"], ["d"], ["e"]]
    assert len({fold.seed for fold in found}) == 4
    for m, name in enumerate(MODALITIES):
        rows = [set(fold.pools.items[m].vectors[:, 0].tolist()) for fold in found]
        held = made[name].vectors[made[name].part != PARTS.index("train"), 0]
        assert sorted(x for row in rows for x in row) == sorted(held.tolist())  # each once
        for fold in found:
            part = PARTS.index(fold.part)
            assert (fold.pools.items[m].part == part).all()
            counts = np.bincount(fold.pools.items[m].label, minlength=CLASSES)
            assert counts.max() - counts.min() <= 1
    again = folds(made)
    for one, other in zip(found, again, strict=True):
        assert (one.pools.items[0].vectors == other.pools.items[0].vectors).all()


def test_a_fold_is_calibrated_by_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    read = [heard(rng, 3.0, count) for count in (300, 200, 250)]
    fitted: list[int] = []
    calibrate = measure.calibrate
    monkeypatch.setattr("mien_plugins.fusion.crossfit.calibrate", lambda h: fitted.append(len(h.label)) or calibrate(h))
    found = cross_fitted(read)
    assert fitted == [450, 550, 500]
    assert len(found.label) == 750
    assert found.probability[:, :300] == pytest.approx(rescaled(read[0], read[1:]).probability)
    assert found.probability.sum(-1) == pytest.approx(1.0)


def test_readings_that_are_too_sure_come_out_as_sure_as_they_may_be() -> None:
    rng = np.random.default_rng(2)
    read = [heard(rng, 3.0, imputed=True) for _ in range(4)]
    found = cross_fitted(read)
    raw = joined(read)
    before = np.exp(raw.logits[0]) / np.exp(raw.logits[0]).sum(1, keepdims=True)
    assert found.imputed is not None
    for probability in (*found.probability, *found.imputed.probability[1:]):
        assert ece(found.label, probability) < 0.05 < ece(found.label, before)


def test_joined_readings_keep_their_sequences_apart() -> None:
    rng = np.random.default_rng(3)
    whole = joined([heard(rng, 1.0, 40), heard(rng, 1.0, 20, imputed=False)])
    assert len(np.unique(whole.group)) == 15
    assert (np.bincount(whole.group) == 4).all()
    assert whole.logits.shape == (7, 60, CLASSES)
    assert whole.imputed is None
