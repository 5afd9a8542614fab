"""The card of the emotion model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.training.card import Card, DataSource, Metric, Plot
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.emotion.hostility import is_angry, probability
from mien_plugins.emotion.material import Material
from mien_plugins.emotion.net import TASKS

Floats = NDArray[np.float32]

ID = "emotion-mtl"
SAMPLE = "held-out speakers, small sample"
"""What a test measures again: the first clip of each speaker, emotion and intensity."""

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
    "Acted anger is loud anger: cold anger, irony and controlled contempt were hardly heard in training.",
)
SPECTRAL = (
    "Absolute loudness plays no part, for it depends on the microphone: each sound is laid at its own speech level.",
)
DENSE = (
    "Loudness plays no part: each window is divided by its peak.",
    "The corpora stand at 16 kHz, so features are extracted at 16 kHz (the paper: 44.1 kHz).",
)
COMMAND = "mien train emotion-mtl --data ../shared/data --out resources/models/emotion-mtl"


def reliability_of(read: Mapping[str, tuple[Material, Floats]], hostility: Mapping[str, Any]) -> Plot:
    """A diagram of P(angry) for each set of sounds of the speakers set aside."""
    return reliability_plot(
        *(
            reliability(
                is_angry(heard.emotion),
                probability(values, hostility),
                f"P(angry), {name}",
            )
            for name, (heard, values) in read.items()
        )
    )


def make_card(config: Mapping[str, Any], metrics: list[Metric], parameters: int, *plots: Plot) -> Card:
    """The card of a model with this config.json."""
    held = [Metric(**m) for m in config["cross_validation"]]
    net, window = config["net"], config["window"]
    low, high = config["lengths"]
    return Card(
        id=ID,
        title="Emotion attributes from speech (multi-task)",
        task=(
            "Valence, arousal and dominance in [-1, 1] of a few seconds of speech, whatever the words, and a "
            "510-number embedding (three branches of 170 on a shared trunk, as in Rana & Jha 2022, arXiv 2202.06218)."
        ),
        licence="CC BY-NC-SA 4.0 (from RAVDESS): not for commercial use",
        data=DATA,
        split=(
            f"by speaker. Test: {', '.join(config['tested'])}, nothing was trained on them. Choices and calibration: "
            f"{config['folds']}-fold cross-validation by speaker over the other {len(config['speakers'])}. Clips are "
            "measured as recorded but for the silence at both ends; windows are strung together from clips of one "
            "speaker, emotion and intensity."
        ),
        seeds=(int(config["seed"]),),
        metrics=(*metrics, *held),
        limits=(*LIMITS, *_unseen(config), *_loudness(config), *_measured_on(window, low, high)),
        command=COMMAND
        + (" --quick" if config["quick"] else "")
        + "".join(f" --set {name}={value}" for name, value in config.get("options", {}).items()),
        calibration={
            "P(angry) = logistic of": ", ".join(config["hostility"]["of"]),
            "coefficients": config["hostility"]["coef"],
            "intercept": config["hostility"]["intercept"],
            "fitted on": (
                "cross-validated readings of windows of the development speakers, as recorded and in other rooms and noise, "
                "both corpora weighing the same (acted speech; about one window in seven is angry). For its error see ECE "
                "anger; that of the cross-validation is of a logistic fitted on the other folds"
            ),
        },
        architecture=_architecture(net, config["features"]),
        parameters=parameters,
        notes=(
            "All models were compared under one protocol: the same folds, the same sounds read (the figures "
            f"'cross-validation' and 'never seen'); {net['representation']} had the best mean CCC and is shipped.",
            "'never seen': trained on one corpus alone, measured on the development speakers of the other, which is in "
            "another language; nothing of the other corpus, its statistics neither, was used by what was trained.",
            *_beside(config),
            *config["notes"],
        ),
        plots=plots,
    )


def _beside(config: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"The layers that name the emotion lie beside the weights, in `{name}` (sha256 `{digest}`)."
        for name, digest in config.get("beside", {}).items()
    )


def _unseen(config: Mapping[str, Any]) -> tuple[str, ...]:
    start = f"never seen: {config['net']['representation']} "
    found = [m["value"] for m in config["cross_validation"] if m["subset"].startswith(start) and "valence" in m["name"]]
    if not found:
        return ()
    return (
        f"In a corpus and a language that it never heard, the CCC of valence was {min(found):.2f} to {max(found):.2f}: what "
        "other people's and other languages' voices say of valence is a guess; arousal carries over.",
    )


def _measured_on(window: float, low: float, high: float) -> tuple[str, ...]:
    return (
        f"The analyzer's default is windows of {window:g} s; trained on clips of 2 s and windows of {low:g} to "
        f"{high:g} s: what holds a change of emotion, two voices, music or laughter means little.",
    )


def _loudness(config: Mapping[str, Any]) -> tuple[str, ...]:
    return {"logmel": SPECTRAL, "logmel+f1": (*SPECTRAL, *DENSE)}.get(config["net"]["representation"], DENSE)


def _architecture(net: Mapping[str, Any], features: Mapping[str, Any]) -> str:
    if "members" not in net:
        return f"{_one(net, features)}, three branches of {net['branch']} (embedding 510), linear outputs"
    ears = (features["logmel" if member["representation"] == "logmel" else "f1"] for member in net["members"])
    parts = [
        f"({weight:.0%}) {_one(member, own)}, three branches of {member['branch']}"
        for weight, member, own in zip(net["weights"], net["members"], ears, strict=True)
    ]
    return (
        f"{len(parts)} nets, each trained on its own error (and its weight in their mean meanwhile): {'; '.join(parts)}; their "
        f"branches side by side are the embedding of 510{_blended(net)}"
    )


def _blended(net: Mapping[str, Any]) -> str:
    if "mix" not in net:
        return ""
    mix, naming = net["mix"], net.get("naming")
    shares = [
        f"{task} {'/'.join(f'{own[column]:.0%}' for own in mix['shares'])} (spread by {mix['spread'][column]:g})"
        for column, task in enumerate(TASKS)
    ]
    said = "; the reading is made of their attributes"
    if naming:
        said += (
            f" and, last, of where the emotion that they name lies: a linear layer on each one's embedding gives "
            f"{len(naming['families'])} emotions, the logits are added up with the weights "
            f"{'/'.join(f'{weight:.2f}' for weight in naming['weights'])} and a bias for each emotion, and the norms' "
            "expectation is taken"
        )
    return f"{said}. Shares: {', '.join(shares)}"


def _one(net: Mapping[str, Any], features: Mapping[str, Any]) -> str:
    widths = "-".join(map(str, net["channels"] if net["representation"] == "logmel" else net["shared"]))
    if net["representation"] != "logmel":
        return (
            f"{net['representation']} of 136 mid-term features of 50 ms frames at 16 kHz (corrected), layers {widths}"
        )
    view = "each band" if net["view"] == "bands" else "all bands together"
    beside = f" (seen beside it by a layer of {net['colour']})" if net["colour"] else ""
    return (
        f"end to end: {net['bands']} log-mel bands every {1000 * features['step'] * net['pool']:g} ms at 16 kHz without mean "
        f"and deviation of {view}{beside}, four convolutions of {widths} channels, bidirectional GRU of {net['width']} each "
        f"way, one attention over time per task, shared layer of {net['shared']}"
    )
