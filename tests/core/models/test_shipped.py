"""The models that come with Mien: together small enough to ship, each with weights that are those of its card."""

from __future__ import annotations

import json
from pathlib import Path

from mien.training.card import sha256_of

MODELS = Path(__file__).resolve().parents[3] / "resources" / "models"


def test_together_they_stay_under_sixty_megabytes() -> None:
    files = [path for path in MODELS.rglob("*") if path.is_file()]
    assert files
    assert sum(path.stat().st_size for path in files) <= 60_000_000


def test_every_card_is_of_the_weights_beside_it() -> None:
    folders = sorted(path.parent for path in MODELS.glob("*/card.json"))
    assert len(folders) >= 13
    for folder in folders:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        assert card["sha256"] == config["sha256"] == sha256_of(folder / "model.safetensors"), folder.name
