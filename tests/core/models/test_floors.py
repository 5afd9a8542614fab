"""Each modality's embedded model has learnt: what its card measured lies above the floor that was set for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

MODELS = Path(__file__).resolve().parents[3] / "resources" / "models"


@pytest.mark.parametrize(
    ("model", "metric", "subset", "floor"),
    [
        ("text-offence", "macro-F1", "OLID test, tweet", 0.70),
        ("emotion-mtl", "CCC arousal", "held-out speakers, windows of 6 s", 0.40),
        ("face-affect", "accuracy", "PublicTest", 0.55),
        ("conflictnet", "Pearson", "test", 0.50),
    ],
)
def test_each_modality_has_learnt(model: str, metric: str, subset: str, floor: float) -> None:
    """On speakers or test splits that it has not seen, by the card that its measurement wrote."""
    card = json.loads((MODELS / model / "card.json").read_text(encoding="utf-8"))
    (found,) = [m for m in card["metrics"] if (m["name"], m["subset"]) == (metric, subset)]
    assert found["low"] > floor
    assert found["n"] >= 300
    assert card["command"]
    assert all(source["licence"] for source in card["data"])
