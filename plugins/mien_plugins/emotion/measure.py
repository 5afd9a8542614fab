"""Figures of agreement and of anger, with intervals over speakers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluation.groups import GENDERS, LANGUAGES
from mien.evaluation.metrics import bootstrap_ci, ccc, ece, ece_by_chance, rmse
from mien.training.card import Metric
from mien_plugins.emotion.hostility import is_angry
from mien_plugins.emotion.material import Material
from mien_plugins.emotion.net import TASKS

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Measure:
    """Figures with 95 % intervals; speakers, not sounds, are drawn `repeats` times."""

    repeats: int = 1000

    def agreement(self, heard: Material, predicted: Floats, subset: str, *, errors: bool = False) -> list[Metric]:
        """CCC (and RMSE) of each attribute."""
        found = []
        for column, task in enumerate(TASKS):
            truth, value = heard.label[:, column], predicted[:, column]
            for name, metric in (("CCC", ccc), ("RMSE", rmse)) if errors else (("CCC", ccc),):
                found.append(self._of(f"{name} {task}", metric, truth, value, heard, subset))
        return found

    def by_group(self, heard: Material, predicted: Floats, subset: str, *, gender: bool = True) -> list[Metric]:
        """CCC of each attribute within each corpus (each is of one language) and for women and men."""
        found = []
        for name, mask in _groups(heard, gender):
            found += self.agreement(heard.take(mask), predicted[mask], f"{subset}, {name}")
        return found

    def anger(self, heard: Material, score: NDArray[np.float64], subset: str) -> list[Metric]:
        """How well and how honestly P(angry) (N,) tells anger: area under the ROC curve, calibration error."""
        truth = is_angry(heard.emotion)
        share = f"{truth.mean():.0%} of the windows are angry"
        told = f"{share}; {ece_by_chance(score):.3f} by chance alone"
        return [
            self._of(name, metric, truth, score, heard, subset, note)
            for name, metric, note in (("AUC anger", area, share), ("ECE anger", ece, told))
        ]

    def anger_by_group(self, heard: Material, score: NDArray[np.float64], subset: str) -> list[Metric]:
        """The same within each corpus and for women and men; nothing of those of whom none or all are angry."""
        truth, found = is_angry(heard.emotion), []
        for name, mask in _groups(heard, gender=True):
            if 0 < truth[mask].mean() < 1:
                found += self.anger(heard.take(mask), score[mask], f"{subset}, {name}")
        return found

    def _of(
        self,
        name: str,
        metric: Callable[..., float],
        truth: NDArray[Any],
        value: NDArray[Any],
        heard: Material,
        subset: str,
        note: str = "",
    ) -> Metric:
        interval = bootstrap_ci(metric, truth, value, groups=heard.speaker, repeats=self.repeats)
        speakers = f"{interval.n} speakers"
        return Metric.of(name, interval, len(truth), subset, f"{speakers}; {note}" if note else speakers)


def _groups(heard: Material, gender: bool) -> Iterable[tuple[str, NDArray[np.bool_]]]:
    for corpus in np.unique(heard.corpus):
        mask = heard.corpus == corpus
        language = str(heard.language[mask][0])
        yield f"{corpus} ({LANGUAGES.get(language, language)})", mask
    for code in np.unique(heard.gender) if gender else ():
        yield GENDERS.get(str(code), str(code)), heard.gender == code


def area(truth: NDArray[Any], score: NDArray[Any]) -> float:
    """Area under the ROC curve; ValueError where only one class is there."""
    from sklearn.metrics import roc_auc_score

    if truth.min() == truth.max():
        raise ValueError("the area under the ROC curve needs both classes")
    return float(roc_auc_score(truth, score))
