"""How SEW is made and measured (`mien train sew`, `mien evaluate sew`): on RECOLA's feature tables (`recola.py`), or on the steps
of a user's own manifest (`own.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.errors import UsageError, shown
from mien.models.size import bounded
from mien.training import checks
from mien.training.card import Card, Metric, load_model, save_model, write_card
from mien.training.job import command
from mien_plugins.colearning import own, recola
from mien_plugins.colearning.recipe import OWN, SOURCES, measure
from mien_plugins.colearning.sequences import Scale
from mien_plugins.colearning.sew import ENCODERS, SewConfig, WeakReader, parameters_of
from mien_plugins.colearning.sew_learn import SewPlan, fit, predict
from mien_plugins.fusion.khare_data import kept_streams

RECIPE = "sew"
_DEFAULTS = {"weak": "geometric", "strong": "audio", "target": "arousal", "alpha": 1.0, "beta": 1.0, "gamma": 1.0}
_DEFAULTS |= {"cca_batch": 32, "rounds": 0, "delay": 0.0}


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
    weak: str = "geometric",
    strong: str = "audio",
    target: str = "arousal",
    alpha: float = 1.0,
    beta: float = 1.0,
    gamma: float = 1.0,
    cca_batch: int = 32,
    rounds: int = 0,
    delay: float = 0.0,
) -> Card:
    """Train both auto-encoders and the regressor together; save and measure what reads the weak modality alone.

    Args:
        data: folder with `recola`, or of a manifest.
        out: gets model.safetensors, config.json and the card.
        quick: two short rounds.
        device, seed, resume, threads, progress, work: as of every recipe.
        weak, strong: audio, appearance or geometric; of a manifest text, voice or face.
        target: arousal or valence; of a manifest any column of numbers.
        alpha, beta, gamma: weights of S_D1, S_D2 and the correlation; 0 leaves one out.
        cca_batch: frames that the correlation is taken over.
        rounds: at most; 0 for the recipe's own number.
        delay: s by which the ratings lag.

    Raises:
        UsageError: a modality that RECOLA does not have, or one that would teach itself.
        CorpusError: the corpus is missing, or is not what it should be.
    """
    place = work or out / "work"
    mine = own.chosen(data, "recola")
    if mine:
        weak, strong = own.modality(weak), own.modality(strong)
        if not own.bounded(data, target) or delay:
            what = "a delay is taken out of RECOLA's ratings only" if delay else f"{target} holds classes"
            raise UsageError(f"SEW reads numbers over time, and {what}: {shown(data)}")
    for name in () if mine else (weak, strong):
        if name not in ENCODERS:
            raise UsageError(f"RECOLA has no modality {name!r}; it has {', '.join(ENCODERS)}.")
    if weak == strong:
        raise UsageError(f"{weak} cannot teach itself; name another modality for strong.")
    if mine:
        splits = own.read(data, target, (weak, strong), place / "streams", device, test=False)
        config = SewConfig(weak, strong, *(_widths(splits["train"].size(name)) for name in (weak, strong)))
    else:
        splits, config = recola.read(data, target, (weak, strong), delay), SewConfig(weak, strong)
        for name in (weak, strong):
            checks.require_shape(
                f"The {name} features of {recola.CORPUS}", splits["train"].features[name][0], (None, ENCODERS[name][0])
            )
    scale = Scale.of(splits["train"])
    plan = SewPlan(alpha=alpha, beta=beta, gamma=gamma, cca_batch=cca_batch)
    plan = replace(plan, rounds=2, updates=30) if quick else replace(plan, rounds=rounds or plan.rounds)
    net = fit(
        scale(splits["train"]), scale(splits["valid"]), config, plan, place,
        seed=seed, device=device, resume=resume, threads=threads, progress=progress,
    )  # fmt: skip
    given = {"weak": weak, "strong": strong, "target": target, "alpha": alpha, "beta": beta, "gamma": gamma}
    given |= {"cca_batch": cca_batch, "rounds": rounds, "delay": delay}
    about = {
        "id": RECIPE,
        "net": list(config.widths()[0]),
        "scale": scale.to_dict(weak),
        "training": {
            **given,
            "corpus": "manifest" if mine else "recola",
            "quick": quick,
            "seed": seed,
            "plan": plan.to_dict(),
        },
    }
    save_model(out, net.state_dict(), about)
    card = evaluate(out, data, device=device)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure the model in `model` on the test part where it has ratings, else on the development part.

    Raises:
        CorpusError: the corpus is missing, or its features are not as wide as those the net was trained on.
    """
    weights, config = load_model(model)
    training = config["training"]
    weak = training["weak"]
    net = bounded(lambda: WeakReader(tuple(config["net"])))
    net.load_state_dict(weights)
    if training.get("corpus") == "manifest":
        with kept_streams(model) as streams:
            splits = own.read(data, training["target"], (weak,), streams, device, test=True)
    else:
        splits = recola.read(data, training["target"], (weak,), training["delay"])
    subset = "test" if splits.get("test") else "valid"
    part = splits[subset]
    checks.require_shape(f"The {weak} features of {part.corpus}", part.features[weak][0], (None, config["net"][0]))
    scaled = Scale.from_dict(weak, config["scale"])(part)
    metrics = measure(scaled, predict(net, scaled, weak, device), True, subset)
    return _card(config, net, metrics)


def _widths(size: int) -> tuple[int, ...]:
    """Of an encoder of features that the thesis does not have: to its latent of 128, by way of 256 from more."""
    return (size, 256, 128) if size > 256 else (size, 128)


def _card(config: Mapping[str, Any], net: WeakReader, metrics: tuple[Metric, ...]) -> Card:
    training = config["training"]
    options = {k: training[k] for k, v in _DEFAULTS.items() if training[k] != v}
    source, task, split = SOURCES["recola"] if training.get("corpus") != "manifest" else OWN
    return Card(
        id=RECIPE,
        title=f"{training['target'].capitalize()} from {training['weak']} features, taught by {training['strong']} (SEW)",
        task=task,
        licence="that of the corpus",
        data=(source,),
        split=f"{split} Whole recordings.",
        seeds=(training["seed"],),
        metrics=metrics,
        limits=("It reads features as the corpus has them, not media.",),
        command=command(RECIPE, out="DIR", quick=training["quick"], seed=training["seed"], options=options),
        architecture="dense encoder, 4 GRU layers of 120 for one step",
        parameters=parameters_of(net),
    )
