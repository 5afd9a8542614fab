"""One protocol for all models that are compared: the same speakers held back, the same sounds read.

Cross-validation: every sound is read by a model that never heard its speaker. Across corpora: a model that heard one
corpus alone reads the others, and nothing of theirs, statistics neither, is used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien_plugins.emotion import baseline
from mien_plugins.emotion.corpus import folds
from mien_plugins.emotion.material import CLIP, NOISY_CLIP, NOISY_WINDOW, Material
from mien_plugins.emotion.reader import AnyConfig
from mien_plugins.emotion.training import FitConfig, Floats, fit, predict

Mask = NDArray[np.bool_]
Fitted = Callable[[Mask, Mask, Path], Floats]
"""Trains on the first rows and reads the second: (rows read, 3), NaN where it cannot read a kind of sound."""

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
    """A net trained with `options` of `training.fit`."""

    def fitted(train: Mask, test: Mask, folder: Path) -> Floats:
        heard, unheard = material.take(train).of(*HEARD), material.take(test)
        model = fit(heard, unheard.of(CLIP), contender.net, contender.fit, folder, **options)
        return predict(model.cpu(), unheard)

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
    """(N, 3) readings of every sound by a model that never heard its speaker; `count` folds."""
    values = np.zeros_like(material.label)
    genders = dict(zip(material.speaker.tolist(), material.gender.tolist(), strict=True))
    for number, speakers in enumerate(folds(genders, count)):
        unheard = np.isin(material.speaker, speakers)
        values[unheard] = fitted(~unheard, unheard, folder / f"fold-{number}")
    return values


def across(material: Material, fitted: Fitted, corpus: str, folder: Path) -> Floats:
    """(N, 3) readings of the other corpora's clips by a model that heard `corpus` alone; NaN for all other sounds."""
    heard = material.corpus == corpus
    clips = ~heard & (material.kind == CLIP)
    values = np.full(material.label.shape, np.nan, np.float32)
    values[clips] = fitted(heard, clips, folder / f"only-{corpus}")
    return values
