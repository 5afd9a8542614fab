"""Model cards for the report: the headline figures of the models that took part."""

from __future__ import annotations

import logging
from typing import Any

from mien.errors import MienError
from mien.models import files, store
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


def known_of(model: str, digest: str = "") -> dict[str, Any]:
    """What the model store knows: title, licence, card; empty when the model is unknown here.

    The card is left out when the weights that are here now are not those with this digest.
    """
    try:
        known = store.describe(model)
    except (MienError, OSError, ValueError) as error:
        log.debug("nothing known of %s: %s", model, error)
        return {}
    if digest and known.get("sha256") not in (None, digest):
        return {**known, "card": None, "changed": True}
    return known


def headlines(card: dict[str, Any]) -> list[str]:
    """The first figures of a card: `macro-F1 0.741 (0.712 … 0.768), test, n = 860`."""
    told = []
    for metric in [m for m in files.listed(card.get("metrics")) if isinstance(m, dict)][:HEADLINES]:
        try:
            value, low, high = (float(metric[key]) for key in ("value", "low", "high"))
            where = f"{metric.get('subset', '')}, n = {metric['n']}"
            told.append(f"{metric['name']} {value:.3f} ({low:.3f} … {high:.3f}), {where}")
        except (KeyError, OverflowError, TypeError, ValueError):
            continue
    return told
