"""The models that come with Mien: together small enough to ship, each with weights that are those of its card."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mien.engine.registry import Registry
from mien.models import catalogue
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


def test_what_could_be_installed_says_truly_how_it_is_used() -> None:
    analyzers = Registry.load().analyzers
    for entry in catalogue.ENTRIES:
        readers = {info.id: info for info in analyzers.values() if entry.id in (*info.models, *info.optional_models)}
        assert readers, f"nothing reads {entry.id}"
        assert "yet" not in entry.task
        for plugin, name, value in re.findall(r"--set ([\w.]+)\.(\w+)=(\S+?)\)", entry.task):
            getattr(analyzers[plugin].params(**{name: value}), name)  # raises where there is no such parameter or value
            assert plugin in readers
        for plugin in re.findall(r"--plugins ([\w.]+)\)", entry.task):
            assert plugin in readers
