"""One protocol for all models that are compared: the same speakers held back, the same sounds read.

Cross-validation: every sound is read by a model that never heard its speaker. Across corpora: a model that heard one
corpus alone reads the others, and nothing of theirs, statistics neither, is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_plugins.emotion import baseline, hostility, mixing, naming
from mien_plugins.emotion.corpus import folds
from mien_plugins.emotion.joint import JointNet
from mien_plugins.emotion.material import CLIP, NOISY_CLIP, NOISY_WINDOW, Material
from mien_plugins.emotion.mixing import Blend
from mien_plugins.emotion.net import TASKS
from mien_plugins.emotion.reader import AnyConfig
from mien_plugins.emotion.training import FitConfig, Floats, fit, predict, predict_apart

Mask = NDArray[np.bool_]
Fitted = Callable[[Mask, Mask, Path], Floats]
"""Trains on the first rows and reads the second: (rows read, 3), or by nets that read together (rows read, members, 3), with
the logits of names behind the three where they give some; NaN where it cannot read a kind of sound."""

HEARD = (CLIP, NOISY_CLIP, NOISY_WINDOW)
"""Kinds of sounds that nets are trained on; undisturbed windows are for measuring."""
EGEMAPS = "eGeMAPS + SVR"


@dataclass(frozen=True)
class Contender:
    """A net and how it is fitted."""

    net: AnyConfig
    fit: FitConfig

    @property
    def name(self) -> str:
        """What it is called in tables: its representation."""
        return self.net.representation


def of_net(material: Material, contender: Contender, options: dict[str, Any]) -> Fitted:
    """A net trained with `options` of `training.fit`; what nets that read together say is handed out member by member."""

    def fitted(train: Mask, test: Mask, folder: Path) -> Floats:
        heard, unheard = material.take(train).of(*HEARD), material.take(test)
        model = fit(heard, unheard.of(CLIP), contender.net, contender.fit, folder, **options).cpu()
        return predict_apart(model, unheard) if isinstance(model, JointNet) else predict(model, unheard)

    return fitted


def of_baseline(material: Material, functionals: Floats) -> Fitted:
    """Regression on the functionals (C, 88) of the clips that the material's numbers of recordings point to."""

    def fitted(train: Mask, test: Mask, folder: Path) -> Floats:
        del folder  # seconds of work: nothing to keep
        recorded = material.kind == CLIP
        heard, unheard = train & recorded, test & recorded
        values = np.full((len(material), 3), np.nan, np.float32)
        values[unheard] = baseline.regress(
            functionals[material.clip[heard]], material.label[heard], functionals[material.clip[unheard]]
        )
        return values[test]

    return fitted


def cross_validate(material: Material, fitted: Fitted, count: int, folder: Path) -> Floats:
    """Readings (N, 3) or (N, members, 3 or more) of every sound by a model that never heard its speaker; `count` folds."""
    read = [
        (unheard, fitted(~unheard, unheard, folder / f"fold-{number}"))
        for number, unheard in enumerate(_unheard(material, count))
    ]
    values = np.zeros((len(material), *read[0][1].shape[1:]), np.float32)
    for unheard, own in read:
        values[unheard] = own
    return values


def across(material: Material, fitted: Fitted, corpus: str, folder: Path) -> Floats:
    """Readings of the other corpora's clips by a model that heard `corpus` alone; NaN for all other sounds."""
    heard = material.corpus == corpus
    clips = ~heard & (material.kind == CLIP)
    read = fitted(heard, clips, folder / f"only-{corpus}")
    values = np.full((len(material), *read.shape[1:]), np.nan, np.float32)
    values[clips] = read
    return values


def settle(material: Material, read: Floats, count: int) -> tuple[Floats, Blend]:
    """What nets that read together come to: cross-validated readings (N, members, 3 or more) → (N, 3), and the blend of all.

    Each fold is read by the blend of the others, so that its figures stay those of unheard speakers.
    """
    values = np.zeros_like(material.label)
    for unheard in _unheard(material, count):
        values[unheard] = blend_of(material, read, ~unheard).of(read[unheard])
    return values, blend_of(material, read, np.ones(len(material), np.bool_))


def blend_of(material: Material, read: Floats, rows: Mask) -> Blend:
    """The blend that fits some of the cross-validated readings (N, members, 3 or more): names are pooled by clips as recorded,
    shares and spread fitted on these and on the same clips in other rooms."""
    recorded, all_clips = (rows & np.isin(material.kind, kinds) for kinds in ((CLIP,), (CLIP, NOISY_CLIP)))
    logits = read[recorded][:, :, len(TASKS) :]
    pool = naming.fit(logits, material.emotion[recorded], material.corpus[recorded]) if logits.shape[2] else None
    return mixing.blend(read[all_clips], pool, material.label[all_clips], material.corpus[all_clips])


def anger(material: Material, values: Floats, count: int) -> NDArray[np.float64]:
    """P(angry) (N,) from cross-validated attributes (N, 3), each fold's by a logistic that was fitted on the others."""
    score = np.zeros(len(material))
    for unheard in _unheard(material, count):
        known = ~unheard
        fitted = hostility.fit(values[known], material.emotion[known], material.corpus[known])
        score[unheard] = hostility.probability(values[unheard], fitted)
    return score


def _unheard(material: Material, count: int) -> Iterator[Mask]:
    """The sounds of the speakers that are held back in each fold."""
    genders = dict(zip(material.speaker.tolist(), material.gender.tolist(), strict=True))
    for speakers in folds(genders, count):
        yield np.isin(material.speaker, speakers)
