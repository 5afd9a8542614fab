"""What an attention fusion is measured by: held-out sequences, read with every subset of modalities missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from mien.evaluation.metrics import balanced_accuracy, bce, bootstrap_ci, ccc, ece, ece_by_chance
from mien.tracks.quantity import EXPRESSIONS
from mien.training.card import Metric
from mien_plugins.face.measure import fit_temperature
from mien_plugins.fusion.draw import Pools
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.plan import Plan
from mien_plugins.fusion.scaling import STAND_INS, Scaling, fit, named, subsets, to_config
from mien_plugins.fusion.timed import Encoded, Reading, TimedNet
from mien_plugins.fusion.trained import BANK

HELD: Final = {"valid": 1_000_001, "test": 1_000_002, "bank": 1_000_003}
"""One stream of random numbers for each part, so that no sequence of one is ever drawn in another."""
STEPS: Final = 40
"""Of a held-out sequence: 20 s."""
WAYS: Final = {"off": "without Moddrop", "single": "with Moddrop", "every": "trained on every subset"}
KNN: Final = "the others by KNN imputation"
VOICES: Final = "by who is heard"
TESTED: Final = "held-out sequences"
CROSS_FITTED: Final = "held-out sequences, cross-fitted"
SAMPLED: Final = "small sample, calibrated as it ships"
SAMPLE: Final = 60
"""Sequences of the small sample."""
ECE_HOSTILE: Final = "expected calibration error, hostile"
ECE_EMOTION: Final = "expected calibration error, emotion"
BCE_HOSTILE: Final = "cross-entropy, hostile"
HOSTILE: Final = [EXPRESSIONS.index(name) for name in ("angry", "disgust")]
_AT_ONCE: Final = 30

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Heard:
    """What a net read at the end of N runs of held-out sequences.

    label (N,); affect (N, 2); group (N,) number of the sequence; speaker (N,) of the voice; logits, probability (S, N, C) and
    said (S, N, 2): valence and arousal, with each subset of `scaling.subsets`; imputed: the same where what is absent was
    imputed, if it was.
    """

    label: npt.NDArray[np.int64]
    affect: Floats
    group: npt.NDArray[np.int64]
    speaker: npt.NDArray[np.str_]
    logits: Floats
    probability: Floats
    said: Floats
    imputed: Heard | None = None


@torch.inference_mode()
def read_all(net: TimedNet, pools: Pools, count: int, seed: int, imputer: KnnImputer | None = None) -> Heard:
    """Read `count` sequences that the seed draws; probabilities are those of the net's own calibration."""
    kinds = subsets(len(MODALITIES))
    about: list[list[Any]] = [[] for _ in range(4)]
    voice = pools.items[MODALITIES.index("voice")]
    read: list[list[list[Reading]]] = [[], []]
    ended = []
    for first in range(0, count, _AT_ONCE):
        sequences = pools.draw(np.random.default_rng([seed, first]), min(_AT_ONCE, count - first), STEPS)
        padded = [F.pad(x, (0, 0, net.context, 0)) for x in pools.gather(sequences.rows)]
        somebody = F.pad(torch.from_numpy(sequences.somebody), (net.context, 0))
        whole = somebody.unsqueeze(-1).expand(-1, -1, len(MODALITIES))
        encoded = net.encode(padded, whole)
        ends = sequences.ends
        about[0].append(sequences.label[ends])
        about[1].append(sequences.affect[ends])
        about[2].append(np.nonzero(ends)[0] + first)
        about[3].append(voice.group[sequences.rows[MODALITIES.index("voice")][ends]])
        masks = [whole[:, net.context :] & torch.from_numpy(kind) for kind in kinds]
        ended.append(ends)
        read[0].append([net.decode(encoded, mask) for mask in masks])
        if imputer is not None:
            filled = [impute(net, imputer, encoded, mask) for mask in masks]
            read[1].append([net.decode(e, masks[0], known=mask) for e, mask in zip(filled, masks, strict=True)])
    label, affect, group, speaker = (np.concatenate(part) for part in about)

    def of(readings: list[list[Reading]], imputed: Heard | None) -> Heard:
        def joined(name: str) -> Floats:
            parts = zip(readings, ended, strict=True)
            return np.concatenate([np.stack([_at(getattr(r, name), ends) for r in some]) for some, ends in parts], 1)

        return Heard(label, affect, group, speaker, joined("logits"), joined("expression"), joined("affect"), imputed)

    return of(read[0], of(read[1], None) if imputer is not None else None)


@torch.inference_mode()
def remembered(net: TimedNet, pools: Pools, plan: Plan) -> dict[str, torch.Tensor]:
    """Vectors of training moments with every modality, for imputation, by the names of a model's tensors."""
    sequences = pools.draw(np.random.default_rng(HELD["bank"]), plan.remembered, net.context + 1)
    mask = torch.ones(plan.remembered, net.context + 1, len(MODALITIES), dtype=torch.bool)
    vectors = net.vectors(net.encode(pools.gather(sequences.rows), mask))
    return {BANK + name: v[:, -1].half() for name, v in zip(MODALITIES, vectors, strict=True)}


def impute(net: TimedNet, imputer: KnnImputer, encoded: Encoded, mask: torch.Tensor) -> Encoded:
    """The encoding with what the mask (B, T, M) lacks imputed."""
    vectors = net.vectors(encoded)
    flat = {name: v.flatten(0, 1).numpy() for name, v in zip(net.modalities, vectors, strict=True)}
    filled = imputer.fill(flat, mask.flatten(0, 1).numpy())
    stand = tuple(torch.from_numpy(filled[m]).view_as(v) for m, v in zip(net.modalities, vectors, strict=True))
    return net.imputed(encoded, stand, mask)


def calibrate(heard: Heard) -> dict[str, Any]:
    """What makes the labels likeliest, for config.json (see `scaling`): the temperature over all subsets, and each one's own."""
    classes = heard.logits.shape[-1]
    common = fit_temperature(
        heard.logits.reshape(-1, classes).astype(np.float64), np.tile(heard.label, len(heard.logits))
    )
    own: dict[str, dict[str, Scaling]] = {}
    for way, what in zip(STAND_INS, (heard, heard.imputed), strict=True):
        if what is not None:
            # Where all are there nothing is imputed.
            parts = list(zip(subsets(len(MODALITIES)), what.logits, strict=True))[what is not heard :]
            own[way] = {
                named(MODALITIES, kind): fit(z, heard.label, HOSTILE, count=len(z), common=common) for kind, z in parts
            }
    return to_config(common, own)


def measured(heard: Heard, repeats: int, way: str, where: str = TESTED) -> list[Metric]:
    """Balanced accuracy of the emotion with every subset."""
    return [
        _metric(
            heard, "balanced accuracy, emotion", p.argmax(1), f"{where}: {named(MODALITIES, kind)}", repeats, WAYS[way]
        )
        for kind, p in zip(subsets(len(MODALITIES)), heard.probability, strict=True)
    ]


def concordant(heard: Heard, repeats: int, way: str, where: str = TESTED) -> list[Metric]:
    """Concordance of valence and arousal, and balanced accuracy of hostility, with every subset."""
    found = []
    for kind, probability, said in zip(subsets(len(MODALITIES)), heard.probability, heard.said, strict=True):
        subset = f"{where}: {named(MODALITIES, kind)}"
        for name, guess in (("CCC valence", said[:, 0]), ("CCC arousal", said[:, 1])):
            found.append(_metric(heard, name, guess, subset, repeats, WAYS[way]))
        found.append(
            _metric(heard, "balanced accuracy, hostile", scored(probability) >= 0.5, subset, repeats, "at 0.5")
        )
    return found


def calibrated(heard: Heard, repeats: int) -> list[Metric]:
    """Calibration of hostility and of the likeliest emotion, with every subset."""
    found = []
    for kind, probability in zip(subsets(len(MODALITIES)), heard.probability, strict=True):
        subset = f"{CROSS_FITTED}: {named(MODALITIES, kind)}"
        found.append(_metric(heard, ECE_HOSTILE, scored(probability), subset, repeats, "15 bins"))
        found.append(_metric(heard, ECE_EMOTION, probability, subset, repeats, "of the likeliest; 15 bins"))
    return found


def filled(tested: Heard, held: Heard, repeats: int) -> list[Metric]:
    """The same where what is absent is imputed, as `measured` and `calibrated` tell it."""
    found = []
    for number, kind in list(enumerate(subsets(len(MODALITIES))))[1:]:
        name = named(MODALITIES, kind)
        if tested.imputed is not None:
            guess = tested.imputed.probability[number].argmax(1)
            found.append(_metric(tested, "balanced accuracy, emotion", guess, f"{TESTED}: {name}", repeats, KNN))
        if held.imputed is not None:
            score = scored(held.imputed.probability[number])
            found.append(_metric(held, ECE_HOSTILE, score, f"{CROSS_FITTED}: {name}", repeats, f"15 bins; {KNN}"))
    return found


def by_voice(tested: Heard, held: Heard, voices: Mapping[str, Sequence[str]], repeats: int) -> list[Metric]:
    """The same with every modality by who is heard; `voices`: the groups of each speaker. Those who are never or always
    hostile are left out."""
    found = []
    for name in sorted({name for groups in voices.values() for name in groups}):
        for heard, where in ((tested, TESTED), (held, CROSS_FITTED)):
            rows = np.array([name in voices.get(str(speaker), ()) for speaker in heard.speaker])
            if not 0 < np.isin(heard.label[rows], HOSTILE).sum() < rows.sum():
                continue
            subset = f"{where}: {named(MODALITIES, subsets(len(MODALITIES))[0])}, {name}"
            probability = heard.probability[0]
            score = scored(probability)
            told: tuple[tuple[str, Any, str], ...]
            if heard is tested:
                told = (
                    ("balanced accuracy, emotion", probability.argmax(1), VOICES),
                    ("balanced accuracy, hostile", score >= 0.5, "at 0.5"),
                )
            else:
                told = ((ECE_HOSTILE, score, f"15 bins; {ece_by_chance(score[rows]):.3f} by chance alone"),)
            found += [_metric(heard, metric, said, subset, repeats, note, rows) for metric, said, note in told]
    return found


def on_sample(net: TimedNet, pools: Pools, repeats: int, way: str) -> list[Metric]:
    """A few test sequences, always the same, read by the net with the calibration that it has: quick to do again."""
    heard = read_all(net, pools, SAMPLE, HELD["test"])
    losses = [
        _metric(heard, BCE_HOSTILE, scored(p), f"{SAMPLED}: {named(MODALITIES, kind)}", repeats, WAYS[way])
        for kind, p in zip(subsets(len(MODALITIES)), heard.probability, strict=True)
    ]
    return [*measured(heard, repeats, way, SAMPLED), *concordant(heard, repeats, way, SAMPLED), *losses]


def _metric(
    heard: Heard, name: str, said: Any, subset: str, repeats: int, note: str, rows: Any = slice(None)
) -> Metric:
    """A figure of what was said of (some of) the readings, with its interval by sequences."""
    what, _, of = name.partition(", ")
    truth: Any = heard.label
    if of == "hostile":
        truth = np.isin(heard.label, HOSTILE).astype(np.int64)
    elif what.startswith("CCC"):
        truth = heard.affect[:, ("CCC valence", "CCC arousal").index(what)]
    interval = bootstrap_ci(
        _METRICS[what.split(" ")[0]], truth[rows], said[rows], groups=heard.group[rows], repeats=repeats
    )
    return Metric.of(name, interval, len(truth[rows]), subset, note)


_METRICS: Final[Mapping[str, Any]] = {
    "balanced": balanced_accuracy,
    "CCC": ccc,
    "expected": ece,
    "cross-entropy": bce,
}
"""First word of a figure's name → how it is found."""


def scored(probability: Floats) -> Floats:
    """(N,) P(hostile) of the classes' probabilities (N, C)."""
    return np.asarray(probability[:, HOSTILE].sum(1).clip(0, 1))


def _at(values: torch.Tensor | None, ends: npt.NDArray[np.bool_]) -> Floats:
    assert values is not None
    return values.double().numpy()[ends]
