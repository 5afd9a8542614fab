"""Calibrated probabilities of single sigmoids: `scaling` for a yes beside a no (Platt 1999), one for each subset of modalities.

    p = σ(logit / temperature + bias),

with a temperature and a bias for each subset that may be there, fitted on held-out readings of that subset. In a configuration
it is what `scaling.to_config` gives, with two classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from mien_plugins.face.measure import fit_temperature
from mien_plugins.fusion.scaling import STAND_INS, Missing, Scaling, SubsetScaling, fit, named, subsets, to_config

Floats = npt.NDArray[np.floating[Any]]
Bools = npt.NDArray[np.bool_]
Readings = Mapping[tuple[Missing, str], tuple[Floats, Bools, int]]
"""What stood in for the absent, and which subset was there → (N,) logits, (N,) whether it was a yes, independent samples."""
_FARTHEST: Final = 1e-7
"""How near to 0 and 1 a probability is taken for what it says: float32 ends there."""


def log_odds(probability: Floats) -> Floats:
    """What a sigmoid was taken of."""
    kept = np.clip(np.asarray(probability, np.float64), _FARTHEST, 1 - _FARTHEST)
    return np.asarray(np.log(kept) - np.log1p(-kept))


def read(config: Mapping[str, Any], modalities: Sequence[str]) -> SubsetScaling:
    """From a configuration, as it is where that has none; raises KeyError, TypeError or ValueError for what cannot be."""
    return SubsetScaling.read(config, modalities, 2)


def probability(
    scaling: SubsetScaling, logit: Floats, present: Bools, imputed: bool = False
) -> npt.NDArray[np.float32]:
    """(N,) calibrated probabilities of (N,) logits that were read from the modalities `present` (N, M)."""
    pair = torch.from_numpy(np.stack([np.zeros_like(logit), logit], -1).astype(np.float64))
    with torch.inference_mode():
        said = scaling(pair[None], torch.from_numpy(np.ascontiguousarray(present))[None], imputed)
    return np.asarray(said[0, :, 1].numpy(), np.float32)


def calibrate(readings: Readings) -> dict[str, Any]:
    """What makes the answers likeliest, for a configuration: the temperature over all readings, and each subset's own scaling.

    The temperature of all is fitted as if one of either answer had been read wrongly besides, so that a handful of readings that
    are all right makes nothing certain (Platt's own targets do the same).
    """
    logit, yes = (np.concatenate([part[i] for part in readings.values()]) for i in (0, 1))
    usual = float(np.median(np.abs(logit)))
    common = fit_temperature(_pair(np.append(logit, [usual, -usual])), np.append(yes, [False, True]).astype(np.int64))
    own: dict[str, dict[str, Scaling]] = {way: {} for way in STAND_INS}
    for (way, name), (z, y, count) in readings.items():
        own[way][name] = fit(_pair(z), y.astype(np.int64), (), count=count, common=common)
    return to_config(common, own)


def described(config: Mapping[str, Any], modalities: Sequence[str]) -> dict[str, str]:
    """How each subset's logits become probabilities, for a card; nothing where nothing was calibrated."""
    if "temperature" not in config:
        return {}
    lines = {}
    for way, note in zip(STAND_INS, ("", ", the others imputed"), strict=True):
        for name in (named(modalities, kind) for kind in subsets(len(modalities))):
            if of := config.get("calibration", {}).get(way, {}).get(name):
                bias = of["bias"][1] - of["bias"][0]
                lines[name + note] = f"σ(logit / {of['temperature']:.3f} {bias:+.3f})"
    return lines


def _pair(logit: Floats) -> npt.NDArray[np.float64]:
    return np.stack([np.zeros(len(logit)), np.asarray(logit, np.float64)], 1)
