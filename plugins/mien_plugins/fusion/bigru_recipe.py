"""How the late-fusion baseline of Khare et al. is made and measured (`mien train fusion-bigru`): as `khare_recipe`, without
pre-training, by Adam at 1e-3."""

from __future__ import annotations

from pathlib import Path

from mien.training.card import Card
from mien_plugins.fusion.khare_info import BIGRU, StreamTraining
from mien_plugins.fusion.khare_recipe import evaluate, fit

__all__ = ["evaluate", "train"]


def train(
    data: Path,
    out: Path,
    *,
    quick: bool = False,
    device: str = "cpu",
    seed: int = 0,
    resume: bool = True,
    threads: int | None = None,
    progress: bool = True,
    work: Path | None = None,
    labels: str = "emotion",
    epochs: int = 40,
    batch: int = 16,
    rate: float = 0.0,
    layers: int = 0,
    width: int = 0,
    longest: float = 20.0,
    patience: int = 10,
    inits: int = 1,
    moddrop: bool = False,
    neighbours: int = 0,
) -> Card:
    """Extract, train, measure, and write weights, config and card into `out`; see `khare_recipe.train`."""
    options = StreamTraining(
        labels=labels,
        epochs=min(epochs, 4) if quick else epochs,
        batch=batch,
        rate=rate,
        layers=layers,
        width=width,
        longest=longest,
        patience=patience,
        inits=inits,
        moddrop=moddrop,
        neighbours=neighbours,
    )
    run = {"device": device, "resume": resume, "threads": threads, "progress": progress}
    return fit("bigru", BIGRU, data, out, work or out / "work", options, seed, quick, run)
