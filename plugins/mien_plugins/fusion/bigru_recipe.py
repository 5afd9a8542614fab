"""How the late-fusion baseline of Khare et al. is made and measured (`mien train fusion-bigru`): as `khare_recipe`, without
pre-training, by Adam at 1e-3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mien.training.card import Card
from mien_plugins.fusion.khare_info import BIGRU, StreamTraining
from mien_plugins.fusion.khare_recipe import evaluate, fit

__all__ = ["evaluate", "train"]


def train(
    data: Path, out: Path, *, quick: bool = False, seed: int = 0, work: Path | None = None, **options: Any
) -> Card:
    """Extract, train, measure, and write weights, config and card into `out`; options: of every recipe, and `StreamTraining`."""
    run: dict[str, Any] = {"device": "cpu", "resume": True, "threads": None, "progress": True}
    run |= {name: options.pop(name) for name in run if name in options}
    return fit("bigru", BIGRU, data, out, work or out / "work", StreamTraining(**options), seed, quick, run)
