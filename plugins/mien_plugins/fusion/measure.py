"""What an attention fusion is measured by: held-out sequences, read with every subset of modalities missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from mien.evaluation.metrics import balanced_accuracy, bootstrap_ci, ccc, ece, ece_by_chance
from mien.tracks.quantity import EXPRESSIONS
from mien.training.card import Card, DataSource, Metric
from mien.training.job import command
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.face.measure import fit_temperature
from mien_plugins.fusion.draw import NOBODY, RUN, STEP, Pools
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.plan import Plan
from mien_plugins.fusion.scaling import STAND_INS, Scaling, described, fit, named, subsets, to_config
from mien_plugins.fusion.timed import Encoded, Reading, TimedNet
from mien_plugins.fusion.trained import BANK

HELD: Final = {"valid": 1_000_001, "test": 1_000_002, "bank": 1_000_003}
"""One stream of random numbers for each part, so that no sequence of one is ever drawn in another."""
STEPS: Final = 40
"""Of a held-out sequence: 20 s."""
WAYS: Final = {"off": "without Moddrop", "single": "with Moddrop", "every": "trained on every subset"}
KNN: Final = "the others by KNN imputation"
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


def measured(heard: Heard, repeats: int, way: str, *, whole: bool = False) -> list[Metric]:
    """Balanced accuracy of the emotion with every subset; with `whole` also concordance, and calibration of hostility."""

    def on(name: str, metric: Any, truth: Any, guess: Any, subset: str, note: str = "") -> Metric:
        interval = bootstrap_ci(metric, truth, guess, groups=heard.group, repeats=repeats)
        return Metric.of(name, interval, len(heard.label), subset, note)

    found = []
    hostile = np.isin(heard.label, HOSTILE).astype(np.int64)
    kinds = subsets(len(MODALITIES))
    filled = [] if heard.imputed is None else list(heard.imputed.probability[1:])
    for kind, probability in zip(kinds[1 : len(filled) + 1], filled, strict=True):
        subset = f"held-out sequences: {named(MODALITIES, kind)}"
        found.append(
            on("balanced accuracy, emotion", balanced_accuracy, heard.label, probability.argmax(1), subset, KNN)
        )
        found.append(on(ECE_HOSTILE, ece, hostile, scored(probability), subset, f"15 bins; {KNN}"))
    for kind, probability, said in zip(kinds, heard.probability, heard.said, strict=True):
        subset = f"held-out sequences: {named(MODALITIES, kind)}"
        found.append(
            on("balanced accuracy, emotion", balanced_accuracy, heard.label, probability.argmax(1), subset, WAYS[way])
        )
        if not whole:
            continue
        for i, name in enumerate(("valence", "arousal")):
            found.append(on(f"CCC {name}", ccc, heard.affect[:, i], said[:, i], subset, WAYS[way]))
        score = scored(probability)
        found.append(on("balanced accuracy, hostile", balanced_accuracy, hostile, score >= 0.5, subset, "at 0.5"))
        found.append(on(ECE_HOSTILE, ece, hostile, score, subset, "15 bins"))
        found.append(on(ECE_EMOTION, ece, heard.label, probability, subset, "of the likeliest; 15 bins"))
    return found


def by_voice(heard: Heard, voices: Mapping[str, Sequence[str]], repeats: int) -> list[Metric]:
    """The same with every modality by who is heard; `voices`: the groups of each speaker. Those who are never or always
    hostile are left out."""
    found = []
    hostile = np.isin(heard.label, HOSTILE).astype(np.int64)
    guess, score = heard.probability[0].argmax(1), scored(heard.probability[0])
    for name in sorted({name for groups in voices.values() for name in groups}):
        rows = np.array([name in voices.get(str(speaker), ()) for speaker in heard.speaker])
        if not 0 < hostile[rows].sum() < rows.sum():
            continue
        chance = f"15 bins; {ece_by_chance(score[rows]):.3f} by chance alone"
        for metric, of, truth, said, note in (
            ("balanced accuracy, emotion", balanced_accuracy, heard.label, guess, VOICES),
            ("balanced accuracy, hostile", balanced_accuracy, hostile, score >= 0.5, "at 0.5"),
            (ECE_HOSTILE, ece, hostile, score, chance),
        ):
            interval = bootstrap_ci(of, truth[rows], said[rows], groups=heard.group[rows], repeats=repeats)
            subset = f"held-out sequences: {named(MODALITIES, subsets(len(MODALITIES))[0])}, {name}"
            found.append(Metric.of(metric, interval, int(rows.sum()), subset, note))
    return found


VOICES: Final = "by who is heard"
ECE_HOSTILE: Final = "expected calibration error, hostile"
ECE_EMOTION: Final = "expected calibration error, emotion"
HOSTILE: Final = [EXPRESSIONS.index(name) for name in ("angry", "disgust")]


def scored(probability: Floats) -> Floats:
    """(N,) P(hostile) of the classes' probabilities (N, C)."""
    return np.asarray(probability[:, HOSTILE].sum(1).clip(0, 1))


def make_card(
    config: Mapping[str, Any], heard: Heard, voices: Mapping[str, Sequence[str]], repeats: int, parameters: int
) -> Card:
    """The card of a model that read the held-out sequences as `heard` says; `voices`: see `by_voice`."""
    strategy, way = str(config["strategy"]), str(config["moddrop"])
    own = [*measured(heard, repeats, way, whole=True), *by_voice(heard, voices, repeats)]
    hostile = np.isin(heard.label, HOSTILE).astype(np.int64)
    diagrams = [
        reliability(hostile, scored(p), f"hostile, {named(MODALITIES, kind)}")
        for kind, p in zip(subsets(len(MODALITIES)), heard.probability, strict=True)
    ]
    items = config["items"]
    counts = {m: ", ".join(f"{n} {part}" for part, n in items[m].items()) for m in MODALITIES}
    default = {"strategy": strategy} | ({} if way == "every" else {"moddrop": way})
    return Card(
        id=f"fusion-{strategy}",
        title=f"Trained on unimodal corpora paired by label: attention fusion '{strategy}'"
        + (", quick form" if config["quick"] else ""),
        task="No one of whom it learnt was seen, heard and read at once. Fuses embeddings of text, voice and face into seven "
        "emotions, valence and arousal; P(angry) + P(disgust) is what it calls hostility.",
        licence="CC BY-NC-SA 4.0 (that of RAVDESS; FER2013 is for research use, EmoBank CC BY-SA 4.0)",
        data=(
            DataSource("FER2013", "research use", f"faces: {counts['face']}", "Goodfellow et al., ICONIP 2013"),
            DataSource(
                "RAVDESS, EmoDB",
                "CC BY-NC-SA 4.0; free with citation",
                f"voices: {counts['voice']}",
                "Livingstone & Russo 2018; Burkhardt et al. 2005",
            ),
            DataSource("EmoBank", "CC BY-SA 4.0", f"texts: {counts['text']}", "Buechel & Hahn 2017"),
        ),
        split=(
            "Faces by groups of copies (PublicTest is the test part), voices by speaker (test: RAVDESS 19 and 20, EmoDB 16), "
            "texts as published; validation and test parts are of faces, speakers and texts that the embedding models were not "
            f"trained on either. Sequences of {STEPS * STEP:g} s in runs of {RUN[0] * STEP:g} to {RUN[1] * STEP:g} s of one "
            f"emotion; in {NOBODY:.0%} of the runs nobody is there. Each run is read at its end; intervals by drawing whole "
            "sequences."
        ),
        seeds=(int(config["seed"]),),
        metrics=(*own, *(Metric(**fields) for fields in config["compared"])),
        limits=(
            "The pairing is an assumption: a face, a voice and a text of one emotion need not belong to one moment, and where "
            "they disagree in earnest (irony, composure) it has learnt nothing.",
            "Three speakers calibrate the voices and three others test them: too few to hold for everybody, and intervals, which "
            "know only of the sequences, are too narrow for them.",
            "EmoBank names no emotions: a text has the one whose norm is nearest to its ratings, which is a coarse guess; few "
            "are angry, so that hostility by text alone was calibrated and measured on a handful of them.",
            "Acted voices and searched-for pictures are stronger than everyday ones. The embeddings of the training part come "
            "from models that were trained on the same items, and are surer there than on strangers; the calibration, fitted on "
            "strangers, makes up for that only on the whole.",
            "Hostility here is how angry or disgusted somebody seems; what is said counts by its emotion only. For offence use "
            "the late fusion, which is the default.",
        ),
        command=command("fusion-attention", out=f"resources/models/fusion-{strategy}", quick=bool(config["quick"]),
                        seed=int(config["seed"]), options=default),
        calibration=described(config, "sequences")
        | {"P(hostile)": "P(angry) + P(disgust) of these probabilities, so that the two always agree"},
        architecture=_architecture(config),
        parameters=parameters,
        notes=(
            f"What ships was {WAYS[way]}; best epoch {config['best_epoch']} of {config['plan']['epochs']}, chosen on the "
            "validation sequences. Rows noted as trained otherwise are that net before any calibration, for comparison.",
            "An absent modality has weight zero. With missing=knn the mean of its nearest training moments stands in for it.",
        ),
        plots=(reliability_plot(*diagrams),),
    )  # fmt: skip


def _architecture(config: Mapping[str, Any]) -> str:
    net = config["net"]
    if config["family"] == "pooled":
        return (
            f"bi-GRU of {net['hidden']} per modality over {max(net['steps']) * STEP:g} s, {config['strategy']} multi-head "
            f"attention ({net['heads']} heads), statistical pooling, dense layer of {net['dense']} (Rajan 2022, ch. 4)"
        )
    return (
        f"each modality projected to {net['width']}, fusion strategy '{config['strategy']}' at each step, LSTM of "
        f"{net['hidden']} over time (Tzirakis et al. 2021)"
    )


def _at(values: torch.Tensor | None, ends: npt.NDArray[np.bool_]) -> Floats:
    assert values is not None
    return values.double().numpy()[ends]
