"""Which plugins run, with which parameters, and the fusion, as a person chose them last: one small JSON file. No Qt in here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mien.config import config_dir
from mien.engine.choice import Choice, default_analyzers
from mien.engine.registry import Registry
from mien_desktop.work.stored import read_model, write_model


class Chosen(BaseModel):
    """What is kept of a choice.

    Args:
        analyzers: ids, or None for those that run by default, plugins that are installed later among them.
        fusion: its id; empty for the one that the settings name.
        settings: plugin id → parameter → value.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    analyzers: tuple[str, ...] | None = None
    fusion: str = ""
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)


def path() -> Path:
    """Where it is kept."""
    return config_dir() / "chosen.json"


def load(place: Path | None = None) -> Chosen:
    """What was kept; what cannot be read was never chosen."""
    return read_model(Chosen, place or path())


def save(choice: Choice, registry: Registry, place: Path | None = None) -> None:
    """Keep a choice, whole or not at all; a folder that may not be written is logged."""
    usual = choice.analyzers is None or set(choice.analyzers) == set(default_analyzers(registry))
    settings = {plugin: dict(values) for plugin, values in choice.settings.items() if values}
    kept = Chosen(analyzers=None if usual else choice.analyzers, fusion=choice.fusion, settings=settings)
    write_model(kept, place or path())
