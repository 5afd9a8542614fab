"""How SeqSEW is made and measured (`mien train seqsew`, `mien evaluate seqsew`).

On CMU-MOSI (`mosi.py` says what must lie where) text teaches sound or picture; on RECOLA (`recola.py`) and in a user's own
manifest (`own.py`) any modality teaches any. Without a teacher the same recipe trains the thesis' unimodal nets. What is saved
needs the weak modality alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mien.errors import UsageError
from mien.evaluation.metrics import accuracy, bootstrap_ci, ccc, pearson, rmse, weighted_f1
from mien.models.size import bounded
from mien.training import checks
from mien.training.card import Card, DataSource, Metric, load_model, save_model, write_card
from mien.training.job import command
from mien.training.watch import unfollowed
from mien_plugins.colearning import mosi, own, recola
from mien_plugins.colearning.learn import Plan, fit, predict
from mien_plugins.colearning.seqsew import Kind, Unimodal, UnimodalConfig
from mien_plugins.colearning.sequences import Scale, Sequences
from mien_plugins.colearning.sew import parameters_of
from mien_plugins.colearning.systems import GRU_LAYERS, NOISE, WEIGHTS, System
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.khare_data import kept_streams

RECIPE = "seqsew"
Corpus = Literal["mosi", "recola", "manifest"]
RECOLA_LAYERS = {"audio": 1, "appearance": 2, "geometric": 2}
NONE = "none"


def train(
    data: Path,
    out: Path,
    *,
    quick: bool = False,
    device: str = "cpu",
    seed: int = 0,
    resume: bool = True,
    threads: int | None = None,
    progress: bool = True,
    work: Path | None = None,
    corpus: Corpus = "mosi",
    weak: str = "acoustic",
    strong: str = "text",
    target: str = "arousal",
    kind: Kind = "transformer",
    alpha: float | None = None,
    beta: float | None = None,
    dropout: float = 0.3,
    rounds: int = 0,
) -> Card:
    """Train the teacher, freeze it, train the student; save and measure the student in `out`.

    Args:
        data: folder of the corpora, with `mosi` or `recola`.
        out: gets model.safetensors, config.json and the card.
        quick: two rounds.
        device, seed, resume, threads, progress, work: as of every recipe.
        corpus: which one.
        weak: the modality that the model reads.
        strong: the modality that teaches, or `none`.
        target: of RECOLA: arousal or valence.
        kind: of the encoder, see `seqsew.UnimodalConfig`.
        alpha, beta: weights of correlation and decoder; None for those that were searched on MOSI.
        dropout: in the transformer layers.
        rounds: of each training; 0 for the recipe's own number.

    Raises:
        UsageError: a modality that the corpus does not have, or one that would teach itself.
        CorpusError: the corpus is missing, or is not what it should be.
    """
    if corpus == "mosi" and own.chosen(data, "mosi"):
        corpus = "manifest"
    if corpus == "manifest":
        weak, strong = own.modality(weak), strong if strong == NONE else own.modality(strong)
    _check(corpus, weak, strong)
    modalities = tuple(dict.fromkeys(m for m in (weak, strong) if m != NONE))
    place = work or out / "work"
    splits = read(data, corpus, target, modalities, place / "streams", device)
    bounded = own.bounded(data, target) if corpus == "manifest" else corpus == "recola"
    scale = Scale.of(splits["train"])
    train_set, valid = _cut(scale(splits["train"]), recola.TRAIN_HOP), _cut(scale(splits["valid"]), recola.STEPS)
    options: dict[str, Any] = {
        "device": device, "seed": seed, "resume": resume, "threads": threads, "progress": progress,
    }  # fmt: skip

    def config(modality: str, kind: Kind) -> UnimodalConfig:
        layers = {"mosi": GRU_LAYERS, "recola": RECOLA_LAYERS}.get(corpus, {}).get(modality, 2)
        return UnimodalConfig(train_set.size(modality), layers, kind, dropout, bounded=bounded)

    def plan(modality: str, kind: Kind) -> Plan:
        if corpus == "mosi":
            basis = System(modality, kind).plan()
        else:
            basis = Plan(rate=1e-5, passes=1) if corpus == "recola" else Plan(rate=5e-4, passes=2)
        return replace(basis, rounds=2 if quick else rounds or basis.rounds)

    teacher = None
    if strong != NONE:
        # The teacher always is the thesis' full encoder.
        full = config(strong, "transformer")
        with unfollowed():  # a search is for the student
            teacher = fit(train_set, valid, strong, full, plan(strong, "transformer"), place / "teacher", **options)
    # Nothing was searched but on MOSI, whose sound is nearest to what is unknown.
    weights = System(weak if weak in WEIGHTS else "acoustic", kind, teacher is not None, alpha, beta).weights()
    student = replace(plan(weak, kind), alpha=weights[0], beta=weights[1])
    built = config(weak, kind)
    net = fit(
        train_set, valid, weak, built, student, place / "student",
        teacher=teacher, strong=strong if teacher else "", **options,
    )  # fmt: skip
    given: dict[str, Any] = {"corpus": corpus, "weak": weak, "strong": strong, "target": target, "kind": kind}
    given |= {"alpha": alpha, "beta": beta, "dropout": dropout, "rounds": rounds}
    about = {
        "id": RECIPE,
        "net": built.to_dict(),
        "scale": scale.to_dict(weak),
        "training": {**given, "quick": quick, "seed": seed, "plan": student.to_dict()},
    }
    save_model(out, net.state_dict(), about)
    card = evaluate(out, data, device=device)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure the model in `model` on the test part (RECOLA: on the development part, for the test ratings are closed).

    Raises:
        CorpusError: the corpus is missing, or its features are not as wide as those the net was trained on.
    """
    weights, config = load_model(model)
    training = config["training"]
    weak, corpus = training["weak"], training["corpus"]
    net = bounded(lambda: Unimodal(UnimodalConfig(**config["net"])))
    net.load_state_dict(weights)
    with kept_streams(model) as streams:
        splits = read(data, corpus, training["target"], (weak,), streams, device, test=True)
    subset = "test" if splits.get("test") else "valid"
    part = splits[subset]
    checks.require_shape(f"The {weak} features of {part.corpus}", part.features[weak][0], (None, net.config.size))
    scaled = Scale.from_dict(weak, config["scale"])(replace(part, features={weak: part.features[weak]}))
    if corpus != "mosi":
        scaled = _cut(scaled, recola.STEPS)
    metrics = measure(scaled, predict(net, scaled, weak, device), net.config.bounded, subset)
    return _card(config, net, metrics)


def read(
    data: Path, corpus: str, target: str, modalities: tuple[str, ...], kept: Path, device: str, *, test: bool = False
) -> dict[str, Sequences]:
    """The parts of a corpus; of a manifest those to train with, or the test part. What is embedded of media lies in `kept`."""
    if corpus == "manifest":
        return own.read(data, target, modalities, kept, device, test=test)
    if corpus == "recola":
        return recola.read(data, target, modalities)
    found = mosi.read(data)
    return {"train": found.train, "valid": found.valid, "test": found.test}


def measure(part: Sequences, said: np.ndarray, bounded: bool, subset: str) -> tuple[Metric, ...]:
    """Figures with intervals over whole videos or recordings."""
    truth, groups = part.truth(), part.groups()

    def metric(name: str, of: Any, value: np.ndarray) -> Metric:
        return Metric.of(name, bootstrap_ci(of, truth, value, groups=groups), len(truth), subset)

    if bounded:
        return metric("CCC", ccc, said), metric("Pearson", pearson, said), metric("RMSE", rmse, said)
    read_off = (said > 0.5).astype(int)
    return metric("accuracy", accuracy, read_off), metric("weighted F1", weighted_f1, read_off)


def _cut(sequences: Sequences, hop: int) -> Sequences:
    """RECOLA's recordings, and those of a manifest that are long, in pieces."""
    long = min(map(len, sequences.labels), default=0) >= recola.STEPS
    pieces = sequences.corpus == recola.CORPUS or (sequences.corpus == own.CORPUS and long)
    return recola.cut(sequences, hop=hop) if pieces else sequences


def _check(corpus: str, weak: str, strong: str) -> None:
    known = {"mosi": tuple(GRU_LAYERS), "recola": tuple(RECOLA_LAYERS)}.get(corpus, MODALITIES)
    for name in (weak, strong):
        if name not in known and not (name == NONE and name is strong):
            raise UsageError(f"{corpus} has no modality {name!r}; it has {', '.join(known)}.")
    if weak == strong:
        raise UsageError(f"{weak} cannot teach itself; name another modality for strong, or {NONE}.")


SOURCES = {
    "mosi": (
        DataSource(mosi.CORPUS, "research", "utterance features, 52 videos", "Zadeh et al. 2016; Poria et al. 2017"),
        "Positive or negative, for each utterance of a video.",
        f"52, 10 and 31 videos; to choose by: {mosi.RULE}.",
    ),
    "recola": (
        DataSource(recola.CORPUS, "on request, research", "AVEC 2016 features", "Ringeval et al. 2013"),
        "Its course, 25 times a second.",
        "The challenge's train and dev.",
    ),
}
"""Corpus → where it is from, what is read, how it is split."""
OWN = (
    DataSource("the user's own manifest", "the user's to know", "rows over time"),
    "Its course, a reading for each step.",
    "As the manifest has it; no speaker, group or medium on two sides.",
)


def _card(config: Mapping[str, Any], net: Unimodal, metrics: tuple[Metric, ...]) -> Card:
    training = config["training"]
    weak, strong, corpus = training["weak"], training["strong"], training["corpus"]
    taught = f", taught by {strong}" if strong != NONE else ""
    defaults: dict[str, Any] = {
        "corpus": "mosi",
        "weak": "acoustic",
        "strong": "text",
        "target": "arousal",
        "kind": "transformer",
    }
    defaults |= {"alpha": None, "beta": None, "dropout": 0.3, "rounds": 0}
    options = {k: training[k] for k, v in defaults.items() if training[k] != v}
    on_mosi, known = corpus == "mosi", SOURCES.get(corpus, OWN)
    noise = NOISE.get(weak, 0.0)
    return Card(
        id=RECIPE,
        title=f"{'Sentiment' if on_mosi else training['target'].capitalize()} from {weak} features{taught} (SeqSEW)",
        task=known[1],
        licence="that of the corpus",
        data=(known[0],),
        split=known[2],
        seeds=(training["seed"],),
        metrics=metrics,
        limits=(
            "It reads features as the corpus has them, not media.",
            *(("Text and visual features were learnt with the validation videos' labels.",) if noise else ()),
        ),
        command=command(RECIPE, out="DIR", quick=training["quick"], seed=training["seed"], options=options),
        architecture="bi-GRU, dense, 2 transformer layers, 2 dense layers" if net.config.kind == "transformer" else "",
        parameters=parameters_of(net),
    )
