"""How SEW is made and measured (`mien train sew`, `mien evaluate sew`) on RECOLA's feature tables (`recola.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.errors import UsageError
from mien.training import checks
from mien.training.card import Card, DataSource, Metric, load_model, save_model, write_card
from mien.training.job import command
from mien_plugins.colearning import recola
from mien_plugins.colearning.recipe import measure
from mien_plugins.colearning.sequences import Scale
from mien_plugins.colearning.sew import ENCODERS, SewConfig, WeakReader, parameters_of
from mien_plugins.colearning.sew_learn import SewPlan, fit, predict

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
        data: folder with `recola`.
        out: gets model.safetensors, config.json and the card.
        quick: two short rounds.
        device, seed, resume, threads, progress, work: as of every recipe.
        weak, strong: audio, appearance or geometric.
        target: arousal or valence.
        alpha, beta, gamma: weights of S_D1, S_D2 and the correlation; 0 leaves one out.
        cca_batch: frames that the correlation is taken over.
        rounds: at most; 0 for the recipe's own number.
        delay: s by which the ratings lag.

    Raises:
        UsageError: a modality that RECOLA does not have, or one that would teach itself.
        CorpusError: the corpus is missing, or is not what it should be.
    """
    for name in (weak, strong):
        if name not in ENCODERS:
            raise UsageError(f"RECOLA has no modality {name!r}; it has {', '.join(ENCODERS)}.")
    if weak == strong:
        raise UsageError(f"{weak} cannot teach itself; name another modality for strong.")
    splits = recola.read(data, target, (weak, strong), delay)
    scale = Scale.of(splits["train"])
    config = SewConfig(weak, strong)
    for name in (weak, strong):
        checks.require_shape(
            f"The {name} features of {recola.CORPUS}", splits["train"].features[name][0], (None, ENCODERS[name][0])
        )
    plan = SewPlan(alpha=alpha, beta=beta, gamma=gamma, cca_batch=cca_batch)
    plan = replace(plan, rounds=2, updates=30) if quick else replace(plan, rounds=rounds or plan.rounds)
    net = fit(
        scale(splits["train"]), scale(splits["valid"]), config, plan, work or out / "work",
        seed=seed, device=device, resume=resume, threads=threads, progress=progress,
    )  # fmt: skip
    given = {"weak": weak, "strong": strong, "target": target, "alpha": alpha, "beta": beta, "gamma": gamma}
    given |= {"cca_batch": cca_batch, "rounds": rounds, "delay": delay}
    about = {
        "id": RECIPE,
        "net": list(config.widths()[0]),
        "scale": scale.to_dict(weak),
        "training": {**given, "quick": quick, "seed": seed, "plan": plan.to_dict()},
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
    net = WeakReader(tuple(config["net"]))
    net.load_state_dict(weights)
    splits = recola.read(data, training["target"], (weak,), training["delay"])
    subset = "test" if splits.get("test") else "valid"
    part = splits[subset]
    checks.require_shape(f"The {weak} features of {part.corpus}", part.features[weak][0], (None, config["net"][0]))
    scaled = Scale.from_dict(weak, config["scale"])(part)
    metrics = measure(scaled, predict(net, scaled, weak, device), True, subset)
    return _card(config, net, metrics)


def _card(config: Mapping[str, Any], net: WeakReader, metrics: tuple[Metric, ...]) -> Card:
    training = config["training"]
    options = {k: training[k] for k, v in _DEFAULTS.items() if training[k] != v}
    return Card(
        id=RECIPE,
        title=f"{training['target'].capitalize()} from {training['weak']} features, taught by {training['strong']} (SEW)",
        task="Its course, 25 times a second.",
        licence="that of the corpus",
        data=(DataSource(recola.CORPUS, "on request, research", "AVEC 2016 features", "Ringeval et al. 2013"),),
        split="The challenge's train and dev; whole recordings.",
        seeds=(training["seed"],),
        metrics=metrics,
        limits=("It reads the challenge's features, not media.",),
        command=command(RECIPE, out="DIR", quick=training["quick"], seed=training["seed"], options=options),
        architecture="dense encoder, 4 GRU layers of 120 for one step",
        parameters=parameters_of(net),
    )
