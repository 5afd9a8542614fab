"""Which 3 s of a window made ConflictNET read what it reads: `mien_plugins.lime` over ten super-samples.

The linear model is of what the thesis calls the probability of conflict, P = (1 + intensity) / 2: a scale from 0 to 1, which
nothing has calibrated. What users see is in units of the intensity (`analyzer.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from mien_plugins import lime
from mien_plugins.conflict.features import fit_length, normalise
from mien_plugins.conflict.net import SAMPLES, ConflictNet
from mien_plugins.lime import Fit, Floats, Masks, Predict

SUPER_SAMPLES = 10
PERTURBATIONS = 2000


def explain(predict: Predict, masks: Masks | None = None, features: int = SUPER_SAMPLES, **options: Any) -> Fit:
    """LIME of (1 + intensity) / 2.

    Args:
        predict: (R, n) masks -> (R,) intensity; called once, with distinct masks, the first of them all True.
        masks: perturbations, the whole window first; random ones by default, `lime.all_masks` for every one.
        features: how many super-samples the linear model may use.
        options: further arguments of `lime.fit`.
    """
    if masks is None:
        masks = lime.sample_masks(np.random.default_rng(0), PERTURBATIONS, SUPER_SAMPLES)
    return lime.fit(lambda rows: (1.0 + np.clip(predict(rows), -1.0, 1.0)) / 2.0, masks, features, **options)


class NetPredictor:
    """Reads a normalised window with super-samples silenced, without convolving it again for each mask.

    The samples that one step of the convolutions sees lie in one super-sample or in two neighbours, so four
    versions of the window hold every step under every mask: all kept, none kept, only the even and only the
    odd ones. A mask is put together from them; what is left are the recurrent layers, a tenth of the work.
    The window is not normalised again.

    Args:
        window: (n,) samples.
        n: how many super-samples.
        batch: masks read at once.
        tick: called with the share that is done, before each batch; may raise to stop.
    """

    def __init__(
        self,
        net: ConflictNet,
        window: ArrayLike,
        n: int = SUPER_SAMPLES,
        batch: int = 64,
        tick: Callable[[float], None] = lambda done: None,
    ) -> None:
        samples = np.asarray(window, dtype=np.float32)
        length = len(samples)
        if length % n or length // n <= net.receptive_field:
            raise ValueError(f"{length} samples cannot be cut into {n} super-samples")
        self.net, self.batch, self.tick = net, batch, tick
        self.device = next(net.parameters()).device
        part = np.arange(length) * n // length
        versions = np.stack([samples * keep for keep in (part >= 0, part < 0, part % 2 == 0, part % 2 == 1)])
        with torch.inference_mode():
            self.versions = net.features(torch.from_numpy(versions.astype(np.float32)).to(self.device))
        starts = np.arange(self.versions.shape[1]) * net.step_samples
        self.left = part[starts]
        self.right = part[np.minimum(starts + net.receptive_field, length) - 1]

    def __call__(self, masks: Masks) -> Floats:
        """(R, n) masks -> (R,) intensity, not clipped."""
        out = []
        steps = torch.arange(len(self.left), device=self.device)
        batches = np.array_split(masks, max(1, -(-len(masks) // self.batch)))
        with torch.inference_mode():
            for number, rows in enumerate(batches):
                self.tick(number / len(batches))
                left, right = rows[:, self.left], rows[:, self.right]
                # Of two different neighbours exactly one is even.
                even = np.where(left, self.left, self.right) % 2 == 0
                which = np.where(left & right, 0, np.where(~left & ~right, 1, np.where(even, 2, 3)))
                x = self.versions[torch.from_numpy(which).to(self.device), steps]
                out.append(self.net.read(self.net.lstm1(x)).double().cpu().numpy())
        return np.concatenate(out)


def explain_window(
    net: ConflictNet,
    samples: ArrayLike,
    *,
    heard: int = SAMPLES,
    exact: bool = False,
    seed: int = 0,
    tick: Callable[[float], None] = lambda done: None,
) -> Fit:
    """Explain the reading of (n,) samples at 8 kHz, cut or padded to 30 s.

    Args:
        heard: how many of the samples are sound and no padding, all by default.
        exact: read all 1024 ways to silence super-samples, instead of random ones.
        seed: of the random ones.
        tick: see `NetPredictor`.
    """
    window = normalise(fit_length(samples, SAMPLES))
    rng = np.random.default_rng(seed)
    masks = lime.all_masks(SUPER_SAMPLES) if exact else lime.sample_masks(rng, PERTURBATIONS, SUPER_SAMPLES)
    predict = NetPredictor(net, window, tick=tick)
    sounds = np.arange(SUPER_SAMPLES) * SAMPLES < heard * SUPER_SAMPLES

    def read(rows: Masks) -> Floats:
        # Padding is silent either way: what differs only there is read once.
        distinct, where = np.unique(rows | ~sounds, axis=0, return_inverse=True)
        return predict(distinct)[where.ravel()]

    return explain(read, masks)
