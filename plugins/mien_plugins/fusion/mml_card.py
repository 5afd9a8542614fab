"""What the MML fusion reads of test pairs, with and without each modality, and the card that says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.evaluation.groups import GENDERS, LANGUAGES
from mien.evaluation.metrics import accuracy, bootstrap_ci, ece, ece_by_chance, f1_of_macro_pr, macro_f1, pearson, rmse
from mien.models import store
from mien.training.card import Card, DataSource, Metric
from mien.training.job import command
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.fusion.calibration import Logistic
from mien_plugins.fusion.info import LateParams
from mien_plugins.fusion.mml_data import BASE, CLASSES, DELIVERIES, SHIFT, THRESHOLD, Material, Pairs, hostile
from mien_plugins.fusion.mml_info import MODEL
from mien_plugins.fusion.mml_net import MODALITIES, Floats, Mml
from mien_plugins.fusion.sigmoids import described

SUBSETS = {"text and voice": (True, True), "voice missing": (True, False), "text missing": (False, True)}
"""What is there of each test pair."""
REPEATS = 1000
"""Draws of each interval."""
EVEN = 0.5
"""From which a pair is more likely hostile than not."""
ATTRIBUTES = ("valence", "arousal", "dominance")


def measure(
    model: Path,
    config: Mapping[str, Any],
    material: Material,
    pairs: Pairs,
    sample: tuple[Material, Pairs],
    device: str,
) -> Card:
    """Read the test pairs with the model in a folder, and those of the small sample, and describe it."""
    read = Mml.load(model, device)
    text, voice = material.said.vectors[pairs.text], material.voiced.vectors[pairs.voice]
    metrics: list[Metric] = []
    diagrams = []
    for subset, there in SUBSETS.items():
        present = np.tile(np.array(there), (len(pairs), 1))
        score, raw = read.read(text, voice, present), read.logits(text, voice, present)
        metrics += _decisions(f"test pairs, {subset}", pairs, score, "")
        metrics += _agreement(f"test pairs, {subset}", pairs, 1 / (1 + np.exp(-raw)), "before calibration")
        metrics += _calibration(f"test pairs, {subset}", pairs, score)
        diagrams.append(reliability(hostile(pairs.target).astype(int), score, f"P(hostile), {subset}"))
        if all(there):
            for group, rows in _groups(material, pairs):
                metrics += _calibration(f"test pairs, {subset}, {group}", pairs.take(rows), score[rows], whole=False)
    mixed = late(material, pairs)
    metrics += _decisions("test pairs, weighted late fusion", pairs, mixed, "for comparison, nothing trained")
    metrics += _agreement("test pairs, weighted late fusion", pairs, mixed, "for comparison, nothing trained")
    always = np.full(len(pairs), float(hostile(pairs.target).mean() > 0.5), np.float32)
    metrics += _decisions("test pairs, the commoner answer always", pairs, always, "for comparison")
    metrics += on_sample(read, *sample)
    options = {"moddrop": "false"} if not config["moddrop"] else {}
    options |= {"neighbours": str(config["neighbours"])} if config["neighbours"] else {}
    options |= {name: str(value) for name, value in config.get("options", {}).items()}
    return Card(
        id=MODEL,
        title="MML (experimental): text and voice embeddings fused, trained on unimodal corpora paired by a rule",
        task=_task(),
        licence="CC BY-NC-SA 4.0 (from RAVDESS): not for commercial use",
        data=_SOURCES,
        split=_split(config, material),
        seeds=(int(config["seed"]),),
        metrics=tuple(metrics),
        limits=_LIMITS,
        command=command(MODEL, quick=config["quick"], seed=config["seed"], options=options),
        architecture=_architecture(config["net"]),
        parameters=sum(p.numel() for p in read.net.parameters()),
        calibration=_calibrated(config),
        notes=_notes(config),
        plots=(reliability_plot(*diagrams),),
    )


def on_sample(read: Mml, material: Material, pairs: Pairs) -> list[Metric]:
    """What a model makes of the small sample, with each modality and without: little, so that it is soon measured again."""
    text, voice = material.said.vectors[pairs.text], material.voiced.vectors[pairs.voice]
    truth = hostile(pairs.target).astype(int)
    found: list[Metric] = []
    for subset, there in SUBSETS.items():
        score = read.read(text, voice, np.tile(np.array(there), (len(pairs), 1)))
        name = f"small sample of test pairs, {subset}"
        for metric, of in (("RMSE", rmse), ("Pearson", pearson)):
            found.append(_of(metric, of, truth, score, pairs, name, "what the tests measure again"))
    return found


def _calibrated(config: Mapping[str, Any]) -> dict[str, str]:
    lines = described(config, MODALITIES)
    if not lines:
        return {}
    return {
        "P(hostile)": f"the chance that a pair counts for {THRESHOLD:g} or more, the rule's “hostile”: a logistic function of "
        "what the net says (Platt 1999), one for each subset of what is there, fitted on the validation pairs"
    } | lines


def late(material: Material, pairs: Pairs) -> Floats:
    """What the late fusion with its default weights reads of the same pairs."""
    weights = LateParams()
    logistic = Logistic.read(store.resolve("emotion-mtl"))
    angry = logistic(material.voiced.attributes, ATTRIBUTES)[pairs.voice]
    said = material.said.offence[pairs.text]
    mixed = (weights.text * said + weights.voice * angry) / (weights.text + weights.voice)
    return np.asarray(mixed, np.float32)


def _decisions(subset: str, pairs: Pairs, score: Floats, note: str) -> Iterator[Metric]:
    truth, said = hostile(pairs.target).astype(int), (score >= THRESHOLD).astype(int)
    for name, of in (("f1_macro", macro_f1), ("f1_of_macro_pr", f1_of_macro_pr), ("accuracy", accuracy)):
        yield _of(name, of, truth, said, pairs, subset, note)


def _agreement(subset: str, pairs: Pairs, score: npt.NDArray[Any], note: str) -> Iterator[Metric]:
    for name, of in (("RMSE", rmse), ("Pearson", pearson)):
        yield _of(name, of, pairs.target, score, pairs, subset, note)


def _calibration(subset: str, pairs: Pairs, score: Floats, *, whole: bool = True) -> Iterator[Metric]:
    truth = hostile(pairs.target).astype(int)
    note = f"15 bins; {ece_by_chance(score):.3f} by chance alone; {truth.mean():.0%} are hostile"
    yield _of("ECE of P(hostile)", ece, truth, score, pairs, subset, note)
    if whole:
        yield _of(f"f1_macro at {EVEN:g}", macro_f1, truth, (score >= EVEN).astype(int), pairs, subset, "")


def _of(
    name: str, of: Callable[..., float], truth: Any, said: Any, pairs: Pairs, subset: str, note: str
) -> Metric:  # fmt: skip
    interval = bootstrap_ci(of, truth, said, groups=pairs.text, repeats=REPEATS)
    return Metric.of(name, interval, len(pairs), subset, note)


def _groups(material: Material, pairs: Pairs) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """The pairs with texts of each corpus, with voices in each language, and of women and men."""
    corpus, voiced = material.said.corpus[pairs.text], material.voiced
    for name in np.unique(corpus):
        yield f"texts of {name}", corpus == name
    for codes, names, what in ((voiced.language, LANGUAGES, "voices in "), (voiced.gender, GENDERS, "voices of ")):
        code = codes[pairs.voice]
        for one in np.unique(code):
            if one:
                yield what + names.get(str(one), str(one)), code == one


def _task() -> str:
    rule = ", ".join(f"{name} {value:g}" for name, value in zip(CLASSES, BASE, strict=True))
    return (
        "Trained on texts and voices of different corpora, paired by an assumption that nobody has measured: heated delivery "
        f"(acted anger) raises hostility by {SHIFT:g} and calm delivery (calm, neutral, bored) lowers it by {SHIFT:g} from what "
        f"the text's class counts for ({rule}); so its figures say how well it learnt that rule, not how well it finds hate in "
        "real speech. It reads hostility from the embeddings of the text and voice models; either may be missing."
    )


def _split(config: Mapping[str, Any], material: Material) -> str:
    speakers = ", ".join(sorted(set(material.voiced.speaker.tolist())))
    train, valid, test = config["budget"]["texts"]
    return (
        f"Texts: the corpora's own splits (of OLID's training file a tenth for validation), at most {train} / {valid} / {test} "
        f"of each corpus drawn by the seed. Voices: by speaker; test: {speakers}, new to the voice model too. "
        f"Each text is paired with one voice of each delivery ({', '.join(DELIVERIES)}). The epoch was chosen, and what the net "
        "says calibrated, on validation pairs; nothing was chosen on the test pairs. Intervals are drawn over texts."
    )


def _architecture(net: Mapping[str, Any]) -> str:
    widths = "-".join(map(str, net["widths"]))
    return (
        f"text ({net['text']}) and speech ({net['speech']}) embeddings laid together, dense layers {widths} (ReLU, dropout "
        f"{net['dropout']:g} between them), sigmoid (Rana & Jha 2022; widths and dropout are not given there); float16"
    )


def _notes(config: Mapping[str, Any]) -> tuple[str, ...]:
    made = ", ".join(f"{name} {sha[:12]}" for name, sha in sorted(config["encoders"].items()))
    absent = f"the mean of {config['neighbours']} nearest training pairs" if config["neighbours"] else "zeros"
    moddrop = (
        f"Moddrop: {config['pairs']} pairs an epoch, drawn anew each time, became {config['samples']} samples"
        if config["moddrop"]
        else f"Without Moddrop: {config['pairs']} pairs an epoch, drawn anew each time"
    )
    return (
        f"Made for the embeddings of {made}; with others it must be trained again.",
        f"{moddrop}; an absent modality is {absent}.",
        f"Best of {config['epochs']} epochs: {config['best_epoch']}. Plan: {json.dumps(config['plan'], sort_keys=True)}.",
        "f1_of_macro_pr is the figure that the paper prints as macro F1: the harmonic mean of macro precision and macro recall. "
        "Its 0.929 was measured on real clips that are not public and cannot be compared with these figures.",
        f"Decisions at {THRESHOLD:g}, the paper's threshold, unless {EVEN:g} is said. Where a modality is missing, the truth is "
        "still that of the pair.",
        "The net learns what a pair counts for; RMSE and Pearson compare that with what it says itself. The calibrated "
        "probability is that of a definite answer, hostile by the rule or not.",
    )


_SOURCES = (
    DataSource("OLID 1.0", "cite the authors", "texts: offensive or not", "Zampieri et al. 2019"),
    DataSource("HateXplain", "MIT", "texts: hate, offensive or normal", "Mathew et al. 2021"),
    DataSource("RAVDESS", "CC BY-NC-SA 4.0", "voices: heated, calm or between", "Livingstone & Russo 2018"),
    DataSource("EmoDB", "free for use with citation", "voices: heated, calm or between", "Burkhardt et al. 2005"),
)
_LIMITS = (
    "Experimental: nobody ever said these texts in these voices. Late fusion remains the default.",
    "Calm contempt is the rule's blind spot: it holds offensive words said calmly for less hostile, which need not be so.",
    "Delivery is acted, in English and German; texts are posts of 2016 to 2020, in English.",
    "The text and voice models learnt from the training texts and speakers themselves, so that their embeddings are clearer "
    "there than on anything new; validation texts and all that tests were new to them, the validation speakers were not.",
    "It was trained on the text model's mean pooling and the voice model that comes with Mien: text.pooling=cls gives vectors "
    "that mean something else to it, and a voice read by wav2vec 2.0 is left out.",
    "A voice alone says little of hostility: with the text missing hardly anything reaches the threshold, as it should.",
    "P(hostile) holds where pairs are as often hostile as in these corpora, about one in four; in talk that is rarely hostile it "
    "is too high.",
)
