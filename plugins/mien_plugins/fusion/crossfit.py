"""Calibration on all whom nothing was trained on, measured by cross-fitting.

Of each speaker of the validation and test parts a fold is made, with faces and texts of its own. What ships is calibrated on all
folds; how well that does is measured on each fold by the calibration that the others fit. One half to fit on and the other to
measure on would leave three speakers and some fifteen angry texts for either, which say more of themselves than of the method:
even fitted on the very readings that it is measured on, a calibration then has errors beyond .05.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from mien_plugins.fusion.draw import Pools
from mien_plugins.fusion.items import MODALITIES, Ints, Items
from mien_plugins.fusion.measure import HELD, Heard, calibrate
from mien_plugins.fusion.scaling import SubsetScaling, subsets

HELD_OUT: Final = ("valid", "test")
"""Parts that folds are made of; no fold has items of both."""


@dataclass(frozen=True)
class Fold:
    """The items of one speaker's fold, of which part, and the seed that its sequences are drawn by."""

    part: str
    pools: Pools
    seed: int


def folds(items: Mapping[str, Items]) -> list[Fold]:
    """A fold for each speaker held out: all its clips, and its share of the part's faces and texts of each label."""
    found = []
    for part in HELD_OUT:
        own = {name: of.of(part) for name, of in items.items()}
        speakers = np.unique(own["voice"].group)
        share = {name: _dealt(of.label, len(speakers)) for name, of in own.items()}
        share["voice"] = np.searchsorted(speakers, own["voice"].group)
        for number in range(len(speakers)):
            taken = {name: of.rows(share[name] == number) for name, of in own.items()}
            found.append(Fold(part, Pools(taken), HELD[part] + 10 * (number + 1)))
    return found


def _dealt(label: Ints, hands: int) -> Ints:
    """To whom each item is dealt, so that all get as many of each label; who comes first goes round."""
    given = np.zeros(len(label), np.int64)
    rng = np.random.default_rng(HELD["bank"])
    for number, one in enumerate(np.unique(label)):
        at = rng.permutation(np.flatnonzero(label == one))
        given[at] = (np.arange(at.size) + number) % hands
    return given


def cross_fitted(heard: Sequence[Heard]) -> Heard:
    """What a net read of all folds, each with probabilities by the calibration that the other folds fit."""
    return joined([rescaled(one, [*heard[:n], *heard[n + 1 :]]) for n, one in enumerate(heard)])


def rescaled(heard: Heard, by: Sequence[Heard]) -> Heard:
    """The same readings, with probabilities by the calibration that others fit."""
    scaling = SubsetScaling.read(calibrate(joined(by)), MODALITIES, heard.logits.shape[-1])
    again = heard.imputed and replace(heard.imputed, probability=_scaled(scaling, heard.imputed, True))
    return replace(heard, probability=_scaled(scaling, heard, False), imputed=again)


@torch.inference_mode()
def _scaled(scaling: SubsetScaling, heard: Heard, imputed: bool) -> npt.NDArray[np.float64]:
    kinds = torch.from_numpy(subsets(len(MODALITIES)))
    logits = torch.from_numpy(np.asarray(heard.logits, np.float64)).unsqueeze(2)
    said = [scaling(z, kind[None, None], imputed) for z, kind in zip(logits, kinds, strict=True)]
    return np.asarray(torch.stack(said).squeeze(2).numpy())


def joined(heard: Sequence[Heard]) -> Heard:
    """All readings in one; no two folds share a sequence."""

    def whole(name: str, axis: int = 0) -> Any:
        return np.concatenate([getattr(one, name) for one in heard], axis)

    sequences = [int(one.group.max()) + 1 for one in heard]
    before = np.cumsum([0, *sequences[:-1]])
    filled = [one.imputed for one in heard if one.imputed is not None]
    return Heard(
        label=whole("label"),
        affect=whole("affect"),
        group=np.concatenate([one.group + b for one, b in zip(heard, before, strict=True)]),
        speaker=whole("speaker"),
        # Subsets come first here.
        **{name: whole(name, 1) for name in ("logits", "probability", "said")},
        imputed=joined(filled) if filled else None,
    )
