"""What an attention fusion is measured by: held-out sequences, read with every subset of modalities missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from mien.evaluation.metrics import balanced_accuracy, bootstrap_ci, ccc, ece
from mien.tracks.quantity import EXPRESSIONS
from mien.training.card import Card, DataSource, Metric
from mien.training.job import command
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.face.measure import fit_temperature as _best_temperature
from mien_plugins.fusion.draw import NOBODY, RUN, STEP, Pools, subsets
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.timed import Encoded, TimedNet

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

    label (N,); affect (N, 2); group (N,) number of the sequence; logits, probability (S, N, C) and said (S, N, 2): valence and
    arousal, with each subset of `draw.subsets`; imputed (S, N, C): logits where what is absent was imputed, if it was.
    """

    label: npt.NDArray[np.int64]
    affect: Floats
    group: npt.NDArray[np.int64]
    logits: Floats
    probability: Floats
    said: Floats
    imputed: Floats | None = None


@torch.inference_mode()
def read_all(
    net: TimedNet, pools: Pools, count: int, seed: int, temperature: float = 1.0, imputer: KnnImputer | None = None
) -> Heard:
    """Read `count` sequences that the seed draws; the net's own temperature does not matter."""
    kinds = subsets()
    parts: list[list[Any]] = [[] for _ in range(6)]
    for first in range(0, count, _AT_ONCE):
        sequences = pools.draw(np.random.default_rng([seed, first]), min(_AT_ONCE, count - first), STEPS)
        padded = [F.pad(x, (0, 0, net.context, 0)) for x in pools.gather(sequences.rows)]
        somebody = F.pad(torch.from_numpy(sequences.somebody), (net.context, 0))
        whole = somebody.unsqueeze(-1).expand(-1, -1, len(MODALITIES))
        encoded = net.encode(padded, whole)
        ends = sequences.ends
        parts[0].append(sequences.label[ends])
        parts[1].append(sequences.affect[ends])
        parts[2].append(np.nonzero(ends)[0] + first)
        masks = [whole[:, net.context :] & torch.from_numpy(kind) for kind in kinds]
        readings = [net.decode(encoded, mask) for mask in masks]
        parts[3].append(np.stack([_at(r.logits, ends) for r in readings]))
        parts[4].append(np.stack([_at(r.affect, ends) for r in readings]))
        if imputer is not None:
            again = [net.decode(_impute(net, imputer, encoded, mask), masks[0]) for mask in masks]
            parts[5].append(np.stack([_at(r.logits, ends) for r in again]))
    logits = np.concatenate(parts[3], 1)
    probability = torch.from_numpy(logits / temperature).softmax(-1).numpy()
    label, affect, group = (np.concatenate(part) for part in parts[:3])
    imputed = np.concatenate(parts[5], 1) if imputer is not None else None
    return Heard(label, affect, group, logits, probability, np.concatenate(parts[4], 1), imputed)


def _impute(net: TimedNet, imputer: KnnImputer, encoded: Encoded, mask: torch.Tensor) -> Encoded:
    """The encoding with what the mask (B, T, M) lacks imputed."""
    vectors = net.vectors(encoded)
    flat = {name: v.flatten(0, 1).numpy() for name, v in zip(net.modalities, vectors, strict=True)}
    filled = imputer.fill(flat, mask.flatten(0, 1).numpy())
    stand = tuple(torch.from_numpy(filled[m]).view_as(v) for m, v in zip(net.modalities, vectors, strict=True))
    return net.imputed(encoded, stand, mask)


def fit_temperature(heard: Heard) -> float:
    """The temperature that makes the labels likeliest over all subsets."""
    classes = heard.logits.shape[-1]
    return _best_temperature(
        heard.logits.reshape(-1, classes).astype(np.float64), np.tile(heard.label, len(heard.logits))
    )


def measured(heard: Heard, repeats: int, way: str, *, whole: bool = False) -> list[Metric]:
    """Balanced accuracy of the emotion with every subset; with `whole` also concordance, and calibration of hostility."""

    def on(name: str, metric: Any, truth: Any, guess: Any, subset: str, note: str = "") -> Metric:
        interval = bootstrap_ci(metric, truth, guess, groups=heard.group, repeats=repeats)
        return Metric.of(name, interval, len(heard.label), subset, note)

    found = []
    if heard.imputed is not None:
        parts = list(zip(subsets(), heard.imputed, strict=True))[1:]
        for kind, logits in parts:
            subset = f"held-out sequences: {named(kind)}"
            found.append(
                on("balanced accuracy, emotion", balanced_accuracy, heard.label, logits.argmax(1), subset, KNN)
            )
    hostile = np.isin(heard.label, HOSTILE).astype(np.int64)
    for kind, probability, said in zip(subsets(), heard.probability, heard.said, strict=True):
        subset = f"held-out sequences: {named(kind)}"
        found.append(
            on("balanced accuracy, emotion", balanced_accuracy, heard.label, probability.argmax(1), subset, WAYS[way])
        )
        if not whole:
            continue
        for i, name in enumerate(("valence", "arousal")):
            found.append(on(f"CCC {name}", ccc, heard.affect[:, i], said[:, i], subset, WAYS[way]))
        score = probability[:, HOSTILE].sum(1).clip(0, 1)
        found.append(on("balanced accuracy, hostile", balanced_accuracy, hostile, score >= 0.5, subset, "at 0.5"))
        found.append(on("expected calibration error, hostile", ece, hostile, score, subset, "15 bins"))
    return found


HOSTILE: Final = [EXPRESSIONS.index(name) for name in ("angry", "disgust")]


def named(kind: Sequence[bool]) -> str:
    """A subset in words: `text + face`."""
    return " + ".join(name for name, there in zip(MODALITIES, kind, strict=True) if there)


def make_card(config: Mapping[str, Any], heard: Heard, repeats: int, parameters: int) -> Card:
    """The card of a model that read the held-out sequences as `heard` says."""
    strategy, way = str(config["strategy"]), str(config["moddrop"])
    own = measured(heard, repeats, way, whole=True)
    hostile = np.isin(heard.label, HOSTILE).astype(np.int64)
    diagrams = [
        reliability(hostile, p[:, HOSTILE].sum(1).clip(0, 1), f"hostile, {named(kind)}")
        for kind, p in zip(subsets(), heard.probability, strict=True)
        if sum(kind) != 2
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
            "Three speakers test the voices, so that the intervals, which know only of the sequences, are too narrow for them.",
            "EmoBank names no emotions: a text has the one whose norm is nearest to its ratings, which is a coarse guess.",
            "Acted voices and searched-for pictures are stronger than everyday ones. The embeddings of the training part come "
            "from models that were trained on the same items, and are surer there than on strangers; the temperature, fitted on "
            "strangers, makes up for that only on the whole.",
            "Hostility here is how angry or disgusted somebody seems; what is said counts by its emotion only. For offence use "
            "the late fusion, which is the default.",
        ),
        command=command("fusion-attention", out=f"resources/models/fusion-{strategy}", quick=bool(config["quick"]),
                        seed=int(config["seed"]), options=default),
        calibration={
            "method": "temperature scaling on the validation sequences, all subsets together (Guo et al. 2017)",
            "temperature": f"{float(config['temperature']):.4f}",
        },
        architecture=_architecture(config),
        parameters=parameters,
        notes=(
            f"What ships was {WAYS[way]}; best epoch {config['best_epoch']} of {config['plan']['epochs']}, chosen on the "
            "validation sequences. Rows with another note are the same net trained otherwise, for comparison.",
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
