"""Losses that follow a correlation rather than an error, and the error over several tasks.

Torch versions of `mien.evaluation.metrics`; float64 stays float64, everything else is computed in float32. The canonical
correlation between two representations is in `mien.training.dcca`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

EPS = 1e-8


def pearson_loss(prediction: Tensor, truth: Tensor) -> Tensor:
    """1 - Pearson correlation over all elements of the batch (population moments)."""
    x, y = _flat(prediction), _flat(truth)
    dx, dy = x - x.mean(), y - y.mean()
    scale = torch.sqrt((dx * dx).mean() * (dy * dy).mean() + EPS**2)
    return 1.0 - (dx * dy).mean() / (scale + EPS)


def ccc_loss(prediction: Tensor, truth: Tensor) -> Tensor:
    """1 - concordance correlation over all elements of the batch (Lin 1989, population moments)."""
    x, y = _flat(prediction), _flat(truth)
    dx, dy = x - x.mean(), y - y.mean()
    spread = (dx * dx).mean() + (dy * dy).mean() + (x.mean() - y.mean()) ** 2
    return 1.0 - 2.0 * (dx * dy).mean() / (spread + EPS)


def multi_task_mse(prediction: Tensor, truth: Tensor, weights: Sequence[float]) -> Tensor:
    """α·MSE₁ + β·MSE₂ + γ·MSE₃ …: one squared error per task, weighed (Rana & Jha 2022).

    Args:
        prediction, truth: (B, T), a column per task.
        weights: T factors, not negative.

    Raises:
        ValueError: shapes or weights that do not go together.
    """
    if prediction.shape != truth.shape or prediction.ndim != 2 or prediction.shape[1] != len(weights):
        raise ValueError(
            f"predictions {tuple(prediction.shape)}, truth {tuple(truth.shape)} and {len(weights)} weights do not go "
            "together: (items, tasks) twice and one weight per task are needed"
        )
    if min(weights, default=-1.0) < 0:
        raise ValueError(f"no task can count less than nothing: {list(weights)}")
    errors = ((prediction - truth) ** 2).mean(dim=0)
    return (errors * torch.as_tensor(weights, dtype=errors.dtype, device=errors.device)).sum()


def _flat(values: Tensor) -> Tensor:
    return (values if values.dtype == torch.float64 else values.float()).flatten()
