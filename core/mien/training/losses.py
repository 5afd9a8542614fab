"""Losses that follow a correlation rather than an error; torch versions of `mien.evaluation.metrics`."""

from __future__ import annotations

import torch
from torch import Tensor

EPS = 1e-8


def pearson_loss(prediction: Tensor, truth: Tensor) -> Tensor:
    """1 - Pearson correlation over all elements of the batch (population moments)."""
    x, y = prediction.float().flatten(), truth.float().flatten()
    dx, dy = x - x.mean(), y - y.mean()
    scale = torch.sqrt((dx * dx).mean() * (dy * dy).mean() + EPS**2)
    return 1.0 - (dx * dy).mean() / (scale + EPS)


def ccc_loss(prediction: Tensor, truth: Tensor) -> Tensor:
    """1 - concordance correlation over all elements of the batch (Lin 1989, population moments)."""
    x, y = prediction.float().flatten(), truth.float().flatten()
    dx, dy = x - x.mean(), y - y.mean()
    spread = (dx * dx).mean() + (dy * dy).mean() + (x.mean() - y.mean()) ** 2
    return 1.0 - 2.0 * (dx * dy).mean() / (spread + EPS)
