"""Model cards for the report: the headline figures of the models that took part."""

from __future__ import annotations

import importlib
import json
import logging
from pathlib import Path
from typing import Any

from mien.errors import MienError
from mien.sdk.protocols import Analysis

log = logging.getLogger(__name__)

HEADLINES = 3


def models_of(analysis: Analysis) -> dict[str, tuple[str, list[str]]]:
    """Model id → SHA-256 of its weights and the analyzers that used it, in the order of the tracks."""
    found: dict[str, tuple[str, list[str]]] = {}
    for track in analysis.tracks.values():
        if track.provenance is None:
            continue
        for model, digest in track.provenance.models.items():
            users = found.setdefault(model, (str(digest), []))[1]
            if track.provenance.analyzer not in users:
                users.append(track.provenance.analyzer)
    return found


def card_of(model: str) -> dict[str, Any]:
    """The model's card as its `card.json` has it; empty when the model is not installed here or has none."""
    try:
        store = importlib.import_module("mien.models.store")
        card = json.loads((Path(store.resolve(model)) / "card.json").read_text(encoding="utf-8"))
    except (MienError, ImportError, OSError, ValueError) as error:
        log.debug("no card of %s: %s", model, error)
        return {}
    return card if isinstance(card, dict) else {}


def headlines(card: dict[str, Any]) -> list[str]:
    """The first figures of a card: `macro-F1 0.741 (0.712 … 0.768), test, n = 860`."""
    told = []
    for metric in [m for m in card.get("metrics", ()) if isinstance(m, dict)][:HEADLINES]:
        try:
            value, low, high = (float(metric[key]) for key in ("value", "low", "high"))
            where = f"{metric.get('subset', '')}, n = {metric['n']}"
            told.append(f"{metric['name']} {value:.3f} ({low:.3f} … {high:.3f}), {where}")
        except (KeyError, TypeError, ValueError):
            continue
    return told
