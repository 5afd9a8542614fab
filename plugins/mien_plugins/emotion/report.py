"""What is measured of the emotion model, and its card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluation.metrics import bootstrap_ci, ccc, ece, rmse
from mien.training.card import Card, DataSource, Metric
from mien_plugins.emotion.corpus import TEST_SPEAKERS
from mien_plugins.emotion.hostility import is_angry, probability
from mien_plugins.emotion.net import TASKS
from mien_plugins.emotion.windows import WindowSet

Floats = NDArray[np.float32]

DATA = (
    DataSource(
        "RAVDESS",
        "CC BY-NC-SA 4.0",
        "1200 clips of actors 01-20: 16 to train, 4 to test",
        "Livingstone & Russo 2018, PLoS ONE 13(5) e0196391",
    ),
    DataSource(
        "EmoDB",
        "free for use with citation",
        "535 clips (their first 2 s) of 10 speakers: 8 to train, 2 to test",
        "Burkhardt et al. 2005, Interspeech",
    ),
)
LIMITS = (
    "Trained on acted emotion of 24 speakers in English and German: spontaneous speech is milder, and other "
    "languages and ages were not measured.",
    "Labels are norms of emotion words (Russell & Mehrabian 1977), not ratings of the clips: the CCC says "
    "how well the acted word's place is found. neutral = (0, 0, 0) and calm = half of 'relaxed' are "
    "assumptions. RAVDESS' two intensities scale valence and dominance by 0.75 and 1.25 and move "
    "arousal by -0.15 and +0.15.",
    "Valence is the weakest of the three, as is usual from sound alone.",
    "Loudness plays no part: each window is divided by its peak.",
)
COMMAND = "python -m mien_plugins.emotion.recipe --data ../shared/data --out resources/models/emotion-mtl"


@dataclass(frozen=True)
class Measure:
    """Figures with 95 % intervals; speakers, not windows, are drawn `repeats` times."""

    repeats: int = 1000

    def agreement(self, windows: WindowSet, predicted: Floats, subset: str, *, errors: bool = False) -> list[Metric]:
        """CCC (and RMSE) of each attribute."""
        found = []
        for column, task in enumerate(TASKS):
            truth, value = windows.label[:, column], predicted[:, column]
            for name, metric in (("CCC", ccc), ("RMSE", rmse)) if errors else (("CCC", ccc),):
                found.append(self._of(f"{name} {task}", metric, truth, value, windows, subset))
        return found

    def by_corpus(self, windows: WindowSet, predicted: Floats, subset: str) -> list[Metric]:
        """CCC of each attribute within each corpus."""
        found = []
        for corpus in sorted({str(s).split("-")[0] for s in windows.speaker}):
            mask = np.char.startswith(windows.speaker, corpus)
            found += self.agreement(windows.take(mask), predicted[mask], f"{subset}, {corpus} only")
        return found

    def anger(self, windows: WindowSet, predicted: Floats, hostility: Mapping[str, Any], subset: str) -> list[Metric]:
        """How well and how honestly the logistic tells anger: area under the ROC curve, calibration error."""
        truth = is_angry(windows.emotion)
        score = probability(predicted, hostility["coef"], hostility["intercept"])
        share = f"{truth.mean():.0%} of the windows are angry"
        return [
            self._of(name, metric, truth, score, windows, subset, share)
            for name, metric in (("AUC anger", area), ("ECE anger", ece))
        ]

    def _of(
        self,
        name: str,
        metric: Callable[..., float],
        truth: NDArray[Any],
        value: NDArray[Any],
        windows: WindowSet,
        subset: str,
        note: str = "",
    ) -> Metric:
        interval = bootstrap_ci(metric, truth, value, groups=windows.speaker, repeats=self.repeats)
        speakers = f"{interval.n} speakers"
        return Metric.of(name, interval, len(truth), subset, f"{speakers}; {note}" if note else speakers)


def area(truth: NDArray[Any], score: NDArray[Any]) -> float:
    """Area under the ROC curve; ValueError where only one class is there."""
    from sklearn.metrics import roc_auc_score

    if truth.min() == truth.max():
        raise ValueError("the area under the ROC curve needs both classes")
    return float(roc_auc_score(truth, score))


def make_card(config: Mapping[str, Any], metrics: list[Metric], parameters: int) -> Card:
    """The card of a model with this config.json."""
    held = [Metric(**m) for m in config["cross_validation"]]
    net, window = config["net"], config["window"]
    low, high = config["lengths"]
    widths = "-".join(map(str, net["shared"]))
    return Card(
        id="emotion-mtl",
        title="Emotion attributes from speech (multi-task)",
        task=(
            "Valence, arousal and dominance in [-1, 1] of a few seconds of speech, whatever the words, and a "
            "510-number embedding. Multi-task learning after Rana & Jha (2022, arXiv 2202.06218)."
        ),
        licence="CC BY-NC-SA 4.0 (from RAVDESS): not for commercial use",
        data=DATA,
        split=(
            f"by speaker. Test: {', '.join(TEST_SPEAKERS)}, nothing was trained on them. "
            "Choices and calibration: 5-fold cross-validation by speaker over the other 24."
        ),
        seeds=(int(config["seed"]),),
        metrics=(*metrics, *held),
        limits=(
            *LIMITS,
            f"Measured on windows of {window:g} s unless it says otherwise, trained on {low:g} to {high:g} s: "
            "windows that hold a change of emotion, two voices, music or laughter mean little.",
        ),
        command=COMMAND,
        calibration={
            "P(angry) = logistic of": "valence, arousal, dominance",
            "coefficients": config["hostility"]["coef"],
            "intercept": config["hostility"]["intercept"],
            "fitted on": (
                "cross-validated predictions for the 24 development speakers (acted speech; about one "
                "window in seven is angry); for its error see ECE anger"
            ),
        },
        architecture=(
            f"{net['representation']} of 136 mid-term features, shared layers {widths}, three branches of "
            "170 (embedding 510), linear outputs; 50 ms frames at 16 kHz, corrected features"
        ),
        parameters=parameters,
        notes=(
            "The corpora stand at 16 kHz, so features are extracted at 16 kHz (the paper: 44.1 kHz), and the "
            "analyzer asks the host for 16 kHz.",
            "f1 and f2 were compared under one protocol (the figures 'cross-validation'); "
            f"{net['representation']} is shipped.",
            *([config["note"]] if config.get("note") else []),
        ),
    )
