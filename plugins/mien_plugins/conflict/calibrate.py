"""Output scale and probability of ConflictNET, from conversations of the calibration speakers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from mien_plugins.conflict.net import ConflictNet

if TYPE_CHECKING:
    from mien_plugins.conflict.recipe import Batch

Floats = NDArray[np.float64]


def scores(net: ConflictNet, batches: Iterable[Batch]) -> tuple[Floats, Floats]:
    """(N,) outputs and (N,) true intensities."""
    net.eval()
    device = next(net.parameters()).device
    given, truth = [], []
    with torch.inference_mode():
        for batch in batches:
            given.append(net(batch.x.to(device)).double().cpu().numpy())
            truth.append(batch.intensity.double().numpy())
    return np.concatenate(given), np.concatenate(truth)


# Fusions ask for hostility. Talk that overlaps a little is not hostile: only high intensity counts.
HIGH = 0.5


ALONE = 0.95


def calibrate(net: ConflictNet, batches: Iterable[Batch], alone: Sequence[Iterable[Batch]] = ()) -> dict[str, Any]:
    """Rescale the output unit in place so that it predicts the intensity best, and fit probabilities.

    Nobody is in conflict with himself: where less than a share `ALONE` of a corpus' recordings of one voice (`alone`, a
    part for each corpus) would read below 0, the offset is lowered until they do, and the scale follows. A corpus that is
    quieter does not make up for one that is not. The correlation and the probabilities hardly feel it.

    Gives two logistic functions of the reading, as fusions read them (channels, coef, intercept): "conflict" for
    P(intensity > 0), and "hostility" for P(intensity > 0.5).
    The probability is 1 / (1 + exp(-(slope * output + offset))) (Platt 1999), with his targets that keep it
    from 0 and 1.
    """
    given, truth = scores(net, batches)
    slope, offset = np.polyfit(given, truth, 1)
    if slope > 0:  # a net that has learnt nothing is left as it is
        with torch.no_grad():
            net.out.weight.mul_(float(slope))
            net.out.bias.mul_(float(slope)).add_(float(offset))
        given = slope * given + offset
    surplus = max((float(np.quantile(scores(net, part)[0], ALONE)) for part in alone), default=0.0)
    if surplus > 0:
        given = given - surplus
        # The line through the new zero that predicts best: signs stay, and high intensities are not told too low.
        stretch = max(float(given @ truth / (given @ given)), 1e-3)
        with torch.no_grad():
            net.out.bias.sub_(surplus)
            net.out.weight.mul_(stretch)
            net.out.bias.mul_(stretch)
        given = stretch * given
    curves = {}
    for name, level in (("conflict", 0.0), ("hostility", HIGH)):
        slope, offset = platt(np.clip(given, -1, 1), truth > level)
        curves[name] = {"channels": ["conflict"], "coef": [slope], "intercept": offset}
    return curves


def platt(score: Floats, positive: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the logistic curve through (score, positive), by Newton's method."""
    n1, n0 = int(positive.sum()), int((~positive).sum())
    target = np.where(positive, (n1 + 1) / (n1 + 2), 1 / (n0 + 2))
    design = np.stack([score, np.ones_like(score)], 1)
    theta = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ theta))
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + 1e-3 * np.eye(2)
        step = np.linalg.solve(hessian, design.T @ (target - p) - 1e-3 * theta)
        theta += step
        if np.abs(step).max() < 1e-8:
            break
    return float(theta[0]), float(theta[1])


def probability(score: Floats, curve: Mapping[str, Any]) -> Floats:
    """Probability from (N,) readings, by a curve of `calibrate`."""
    p: Floats = 1 / (1 + np.exp(-(curve["coef"][0] * np.clip(score, -1, 1) + curve["intercept"])))
    return p
