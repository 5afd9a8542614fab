"""What is told of an attention fusion that was trained on the public corpora."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mien.training.card import Card, DataSource, Metric
from mien.training.job import command
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.fusion import sequence
from mien_plugins.fusion.draw import NOBODY, RUN, STEP
from mien_plugins.fusion.info import ATTENTION
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.measure import (
    HOSTILE,
    STEPS,
    WAYS,
    Heard,
    by_voice,
    calibrated,
    concordant,
    filled,
    measured,
    scored,
)  # fmt: skip
from mien_plugins.fusion.scaling import described, named, subsets

_TITLES = {info.models[0].removeprefix("fusion-"): info.title for info in ATTENTION}


def make_card(
    config: Mapping[str, Any],
    tested: Heard,
    held: Heard,
    sample: Sequence[Metric],
    voices: Mapping[str, Sequence[str]],
    parameters: int,
) -> Card:
    """The card of a model.

    Args:
        tested: what it read of the test part; held: of all folds, cross-fitted (`crossfit`).
        sample: figures of the small sample.
        voices: see `by_voice`.
    """
    strategy, way, repeats = str(config["strategy"]), str(config["moddrop"]), int(config["plan"]["repeats"])
    own = [
        *measured(tested, repeats, way),
        *concordant(tested, repeats, way),
        *calibrated(held, repeats),
        *filled(tested, held, repeats),
        *by_voice(tested, held, voices, repeats),
        *sample,
    ]
    hostile = np.isin(held.label, HOSTILE).astype(np.int64)
    diagrams = [
        reliability(hostile, scored(p), f"hostile, {named(MODALITIES, kind)}")
        for kind, p in zip(subsets(len(MODALITIES)), held.probability, strict=True)
    ]
    items = config["items"]
    counts = {m: ", ".join(f"{n} {part}" for part, n in items[m].items()) for m in MODALITIES}
    default = {"strategy": strategy} | ({} if way == "every" else {"moddrop": way})
    return Card(
        id=f"fusion-{strategy}",
        title=f"{_TITLES[strategy]}: trained on unimodal corpora paired by label"
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
            "sequences. Of each speaker of the validation and test parts there is a fold, with faces and texts of its own. What "
            "is said of a fold is calibrated on the others (cross-fitting), what ships on all of them; calibration errors are "
            "those of all folds. Accuracy and concordance are those of the test part, calibrated on the validation part's folds."
        ),
        seeds=(int(config["seed"]),),
        metrics=(*own, *(Metric(**fields) for fields in config["compared"])),
        limits=(
            "The pairing is an assumption: a face, a voice and a text of one emotion need not belong to one moment, and where "
            "they disagree in earnest (irony, composure) it has learnt nothing.",
            "Six speakers calibrate the voices, each measured by what the five others fit: too few to hold for everybody, and "
            "intervals, which know only of the sequences, are too narrow for them.",
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
        calibration=described(config, "sequences of all held-out folds")
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
    return sequence.told(config)
