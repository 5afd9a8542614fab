"""Calibrated probabilities of a fusion's classes: one scaling for each subset of modalities that may be there.

A net is wrongly sure in one way where it reads a face alone and in another where it reads all three, so that one temperature for
both leaves either miscalibrated. Each subset therefore has its own

    p = softmax(logits / temperature + bias),

with a bias for each class (Alexandari et al. 2020; with none it is the temperature scaling of Guo et al. 2017), fitted on
held-out readings of that subset, the classes and the score alike; what is imputed makes a net sure in yet another way, and is
fitted apart. The score is the sum of some of these probabilities, so that the two never contradict each other.

In a model's `config.json`: `"temperature"`, of all subsets together, which serves those without a scaling of their own (older
models have nothing else), and `"calibration": {"zero" or "knn": {"text + face": {"temperature": t, "bias": [one per class]}}}`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Missing = Literal["zero", "knn"]
"""What stands in for an absent modality: nothing, or what KNN imputation makes of the others."""
STAND_INS: Final[tuple[Missing, ...]] = ("zero", "knn")
PRIOR: Final = 0.15
"""Standard deviation of the Gaussian prior on each bias and on the logarithm of the temperature. Chosen by cross-validation on
the validation part of the public corpora: by speaker, each fold with texts and faces of its own."""
_STEEPEST: Final = 3.0
"""The temperature lies within e^±3 of the common one, whatever is fitted on."""

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Scaling:
    """softmax(logits / temperature + bias); a bias per class, or none.

    Raises:
        ValueError: the temperature is not a positive number, or a bias not finite.
    """

    temperature: float = 1.0
    bias: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"a temperature cannot be {self.temperature}")
        if not all(map(math.isfinite, self.bias)):
            raise ValueError("each bias must be a finite number")


class SubsetScaling(nn.Module):
    """The scalings of all subsets of M modalities.

    Args:
        modalities: their names, in the order of every mask's last axis.
        classes: C of the logits.
        common: of subsets that have none of their own.
        own: by what stands in for the absent, and by the subset's name (`named`).

    Raises:
        ValueError: a subset that cannot be, or a number of biases that is not C.
    """

    temperature: Tensor
    bias: Tensor

    def __init__(
        self,
        modalities: Sequence[str],
        classes: int,
        common: Scaling | None = None,
        own: Mapping[str, Mapping[str, Scaling]] | None = None,
    ) -> None:
        super().__init__()
        kinds = {named(modalities, kind): kind for kind in subsets(len(modalities))}
        common, own = common or Scaling(), own or {}
        if unknown := [*(set(own) - set(STAND_INS)), *(n for way in own.values() for n in set(way) - set(kinds))]:
            raise ValueError(f"nothing is calibrated for {unknown[0]!r}")
        temperature, bias = (
            np.ones((len(STAND_INS), 2 ** len(modalities))),
            np.zeros((len(STAND_INS), 2 ** len(modalities), classes)),
        )
        self._places = 2 ** np.arange(len(modalities))
        for w, way in enumerate(STAND_INS):
            temperature[w] = common.temperature
            bias[w] = _biases(common, classes)
            for name, kind in kinds.items():
                found = own.get(way, {}).get(name) or own.get(STAND_INS[0], {}).get(name)
                if found is not None:
                    at = int(self._places[kind].sum())
                    temperature[w, at], bias[w, at] = found.temperature, _biases(found, classes)
        # Not among the weights: they are the configuration's, and calibrating anew must leave the weights as they are.
        self.register_buffer("temperature", torch.from_numpy(temperature).float(), persistent=False)
        self.register_buffer("bias", torch.from_numpy(bias).float(), persistent=False)

    @classmethod
    def read(cls, config: Mapping[str, Any], modalities: Sequence[str], classes: int) -> SubsetScaling:
        """From a model's configuration; raises KeyError, TypeError or ValueError for what cannot be."""
        common = Scaling(float(config.get("temperature", 1.0)))
        own = {
            way: {name: Scaling(float(of["temperature"]), tuple(map(float, of["bias"]))) for name, of in parts.items()}
            for way, parts in dict(config.get("calibration", {})).items()
        }
        return cls(modalities, classes, common, own)

    def forward(self, logits: Tensor, present: Tensor, imputed: bool = False) -> Tensor:
        """Calibrated probabilities (B, T, C) of logits (B, T, C) that were read from the modalities `present` (B or 1, T, M),
        with the others imputed from them or not at all."""
        places = torch.as_tensor(self._places, device=present.device)
        at, way = (present * places).sum(-1), int(imputed)
        return (logits / self.temperature[way][at].unsqueeze(-1) + self.bias[way][at]).softmax(-1)


def subsets(modalities: int) -> npt.NDArray[np.bool_]:
    """(2^M − 1, M): every subset that is not empty, the whole first."""
    every = sorted(product((True, False), repeat=modalities), key=lambda s: (-sum(s), [not b for b in s]))
    return np.array([s for s in every if any(s)], np.bool_)


def named(modalities: Sequence[str], present: Sequence[bool] | npt.NDArray[np.bool_]) -> str:
    """A subset in words: `text + face`."""
    return " + ".join(name for name, there in zip(modalities, present, strict=True) if there)


def to_config(common: float, own: Mapping[str, Mapping[str, Scaling]]) -> dict[str, Any]:
    """What `SubsetScaling.read` reads."""
    plain = {way: {name: asdict(of) for name, of in parts.items()} for way, parts in own.items() if parts}
    return {"temperature": common, "calibration": plain}


def described(config: Mapping[str, Any], held: str) -> dict[str, str]:
    """How a model's probabilities were calibrated, for its card; `held` names what it was fitted on."""
    if "temperature" not in config:
        return {}
    common, own = f"{float(config['temperature']):.4f}", config.get("calibration", {})
    if not own:
        method = f"temperature scaling on the {held}, all subsets together (Guo et al. 2017)"
        return {"method": method, "temperature": common}
    modalities = config["net"]["modalities"]
    lines = {
        "method": "softmax(logits / temperature + bias), a temperature and a bias of each class for each subset of modalities, "
        f"fitted on the {held} (Alexandari et al. 2020)",
        "all subsets together, for what has no calibration of its own": f"temperature {common}",
    }
    for way, note in zip(STAND_INS, ("", ", the others imputed"), strict=True):
        for name in (named(modalities, kind) for kind in subsets(len(modalities))):
            if of := own.get(way, {}).get(name):
                biases = (f"{c} {bias:+.2f}" for c, bias in zip(config["classes"], of["bias"], strict=True))
                lines[name + note] = f"temperature {of['temperature']:.3f}; {', '.join(biases)}"
    return lines


def fit(logits: Floats, label: npt.NDArray[np.int64], score: Sequence[int], *, count: int, common: float) -> Scaling:
    """The likeliest scaling of readings, given that it is probably near the common temperature and without a bias.

    What is likely are the classes and, weighing as much, whether one of those that the score adds up is the true one.

    Args:
        logits: (N, C); label: (N,) their true classes.
        score: classes whose probabilities add up to the score.
        count: of independent samples that the N readings come from: how much they weigh against the prior.
        common: temperature of all subsets together.
    """
    from scipy.optimize import minimize
    from scipy.special import expit, logsumexp, softmax

    z, classes = np.asarray(logits, np.float64) / common, logits.shape[1]
    inside = np.isin(np.arange(classes), score)
    truth, yes = np.eye(classes)[label], inside[label].astype(np.float64)
    weight = 1 / (2 * PRIOR**2 * max(1, count))

    def loss(x: Floats) -> tuple[float, Floats]:
        scaled = z * math.exp(-x[0]) + x[1:]
        total = logsumexp(scaled, 1)
        gap = np.exp(scaled - total[:, None]) - truth
        value = (total - scaled[truth.astype(bool)]).sum()
        if inside.any() and not inside.all():
            odds = logsumexp(scaled[:, inside], 1) - logsumexp(scaled[:, ~inside], 1)
            value += (np.logaddexp(0, odds) - yes * odds).sum()
            for side, sign in ((inside, 1), (~inside, -1)):
                gap[:, side] += sign * (expit(odds) - yes)[:, None] * softmax(scaled[:, side], 1)
        gradient = np.concatenate([[-(gap * (scaled - x[1:])).sum()], gap.sum(0)])
        return float(value / len(z) + weight * x @ x), gradient / len(z) + 2 * weight * x

    bounds = [(-_STEEPEST, _STEEPEST), *[(None, None)] * classes]
    found = minimize(loss, np.zeros(1 + classes), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Scaling(common * math.exp(found[0]), tuple(map(float, found[1:])))


def _biases(of: Scaling, classes: int) -> Floats:
    if of.bias and len(of.bias) != classes:
        raise ValueError(f"{len(of.bias)} biases do not fit {classes} classes")
    return np.array(of.bias or (0.0,) * classes)
