"""The models that come with Mien: together small enough to ship, each with weights that are those of its card."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from mien.engine.registry import Registry
from mien.models import catalogue
from mien.training.card import Card, DataSource, Metric, Plot, sha256_of, write_card
from mien.training.reliability import Reliability, draw

MODELS = Path(__file__).resolve().parents[3] / "resources" / "models"
FOLDERS = sorted(path.parent for path in MODELS.glob("*/card.json"))


def test_together_they_stay_under_sixty_megabytes() -> None:
    files = [path for path in MODELS.rglob("*") if path.is_file()]
    assert files
    assert sum(path.stat().st_size for path in files) <= 60_000_000


def test_every_card_is_of_the_weights_beside_it() -> None:
    assert len(FOLDERS) >= 13
    for folder in FOLDERS:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        assert card["sha256"] == config["sha256"] == sha256_of(folder / "model.safetensors"), folder.name


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_nobody_has_typed_into_a_card(folder: Path, tmp_path: Path) -> None:
    """What people read, the plot too, is what the program writes of the figures that the evaluation gave."""
    facts = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (tmp_path / "model.safetensors").symlink_to(folder / "model.safetensors")
    card = _card(facts)
    write_card(tmp_path, card)
    again = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    assert {**again, "created": facts["created"]} == facts
    assert _lines(tmp_path) == _lines(folder)
    for plot in card.plots:
        assert (folder / plot.file).read_text(encoding="utf-8") == plot.svg


def _card(facts: dict[str, Any]) -> Card:
    metrics = ({k: math.nan if v is None else v for k, v in metric.items()} for metric in facts["metrics"])
    plots = []
    for plot in facts["plots"]:
        diagrams = [
            Reliability(**{k: tuple(v) if isinstance(v, list) else v for k, v in d.items()}) for d in plot["data"]
        ]
        plots.append(Plot(plot["name"], plot["file"], draw(diagrams), plot["alt"], plot["data"]))
    given = {
        k: tuple(v) if isinstance(v, list) else v for k, v in facts.items() if k not in ("sha256", "bytes", "created")
    }
    return Card(
        **{
            **given,
            "data": tuple(DataSource(**source) for source in facts["data"]),
            "metrics": tuple(Metric(**metric) for metric in metrics),
            "plots": tuple(plots),
        }
    )


def _lines(folder: Path) -> list[str]:
    """A card's lines but the one with the day; sorted, since JSON does not keep the order of the calibration's lines."""
    lines = (folder / "CARD.md").read_text(encoding="utf-8").splitlines()
    return sorted(line for line in lines if not line.startswith("| measured |"))


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
