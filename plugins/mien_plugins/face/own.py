"""How the face net learns from a user's own manifest (`mien train face-affect` where --data has a manifest.csv).

Faces are found and cut out as analyses do it (`own_faces`). The seven expressions are learnt as from FER2013; valence and arousal
as people rated them by 1 − CCC, as the visual net of Tzirakis et al. (2021, SEEDS §11) learns them, of each picture by itself:
what comes before it is the fusions' business. Either begins from the weights that come with Mien unless `start=scratch` is set,
since few users have as many faces as FER2013.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from mien.errors import CorpusError, ModelError, UsageError, shown
from mien.models import store
from mien.models.damage import UNREADABLE, reason
from mien.tracks.quantity import EXPRESSIONS
from mien.training.card import Card, save_model, write_card
from mien.training.manifest_file import read_manifest
from mien_plugins.face.hrnet import BY_NAME
from mien_plugins.face.info import MODEL, FaceTraining
from mien_plugins.face.learn import FaceBrain, RatingBrain, facts_of, learn
from mien_plugins.face.measure import fit_temperature, load_ensemble, logits_of
from mien_plugins.face.net import FaceNet, FaceNetConfig
from mien_plugins.face.own_card import make_card
from mien_plugins.face.own_data import RATED, Corpus, Task, load, task_of
from mien_plugins.face.own_faces import FaceFinder
from mien_plugins.face.plan import Plan, at_side, own_plan
from mien_plugins.face.views import FaceEnsemble

Start = Literal["shipped", "scratch"]


def train(
    data: Path,
    out: Path,
    *,
    asked: FaceTraining,
    quick: bool,
    seed: int,
    work: Path,
    note: str,
    run: Mapping[str, Any],
    plan: Plan | None = None,
    net: FaceNetConfig | None = None,
) -> Card:
    """Train on the manifest in `data`, calibrate, measure, and write weights, config and card into `out`.

    Args:
        work: faces that were found, and checkpoints.
        run: device, threads, resume and progress, as of every recipe.
        plan, net: instead of those that the options name; the net's shape counts where it begins from random weights.

    Raises:
        CorpusError: the manifest or what it names does not serve (see `own_data.load`).
        ModelError: the weights to begin from are not there.
        TrainingError: a loss that is not finite.
        UsageError: a net is to begin from weights that are none of its own.
    """
    device = str(run["device"])
    if asked.start == "shipped" and asked.hrnet != FaceTraining().hrnet:
        raise UsageError(
            f"The weights that come with Mien are those of {FaceTraining().hrnet}; "
            f"{asked.hrnet} begins from random ones: add --set start=scratch."
        )
    manifest = read_manifest(data)
    task = task_of(manifest, asked.task, asked.label)
    corpus = load(manifest, task, asked.label, FaceFinder(asked.frames, device, work / "faces", bool(run["progress"])))
    if corpus.told and run["progress"]:
        from rich.console import Console

        Console(stderr=True).print(corpus.told, highlight=False)
    plan = plan or at_side(own_plan(asked.start == "shipped", quick, asked.epochs, asked.batch), asked.side)
    classes = len(EXPRESSIONS) if task == "expressions" else len(RATED)
    shape, begun = _beginning(asked.start, net or FaceNetConfig(BY_NAME[asked.hrnet]), plan, classes)
    learnt, watched = corpus.parts["train"].faces, corpus.parts["valid"].faces
    nets, results = [], []
    for index in range(plan.nets):
        torch.manual_seed(seed + index)
        fresh = FaceNet(shape)
        fresh.load_state_dict(fresh.state_dict() | begun[index])
        brain = learn(
            fresh,
            learnt,
            watched,
            plan,
            work / str(index),
            seed=seed + index,
            kind=FaceBrain if task == "expressions" else RatingBrain,
            **run,
        )
        best = FaceNet(shape)
        best.load_state_dict(brain.best_state("net"))
        nets.append(best)
        results.append(brain.result)
    # As it is stored: half the size on disk; the reader computes in float32 all the same.
    stored = {
        n: v.half() if v.is_floating_point() else v for n, v in FaceEnsemble(nets, plan.views).state_dict().items()
    }
    ensemble = FaceEnsemble(nets, plan.views)
    ensemble.load_state_dict({n: v.float() if v.is_floating_point() else v for n, v in stored.items()})
    config: dict[str, Any] = {
        "id": MODEL,
        "own": True,
        "task": task,
        "label": asked.label,
        "net": shape.to_dict(),
        **_calibrated(task, ensemble, corpus, plan.side, device),
        "options": asked.model_dump(),
        **facts_of(plan, results, seed=seed, quick=quick, note=note),
        "learnt": _learnt(corpus, task),
    }
    save_model(out, stored, config)
    card = measure(out, corpus, Path(manifest.source).name, device)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure a model on the test rows of a manifest; raises as `train` does."""
    _, config = _loaded(model, device)
    manifest = read_manifest(data)
    finder = FaceFinder(int(config["options"]["frames"]), device)
    corpus = load(manifest, config["task"], str(config["label"]), finder, ("test",))
    return measure(model, corpus, Path(manifest.source).name, device)


def measure(model: Path, corpus: Corpus, source: str, device: str) -> Card:
    """Read the test part with the model in a folder, and describe it.

    Raises:
        CorpusError: the test part asks for an expression that training has never shown.
        ModelError: the folder holds no such model.
    """
    ensemble, config = _loaded(model, device)
    test = corpus.parts["test"]
    if config["task"] == "expressions":
        known = set(config["learnt"]["classes"])
        unseen = sorted({EXPRESSIONS[code] for code in test.labels.tolist()} - known)
        if unseen:
            raise CorpusError(
                f"The test part shows {', '.join(unseen)}, of which the model has seen no face in training; it knows "
                f"{', '.join(name for name in EXPRESSIONS if name in known)}: {shown(source)}"
            )
    logits = logits_of(ensemble, test.faces, int(config["size"]), device)
    return make_card(config, corpus, source, logits, sum(p.numel() for p in ensemble.parameters()))


def _loaded(model: Path, device: str) -> tuple[FaceEnsemble, dict[str, Any]]:
    try:
        return load_ensemble(model, device)
    except UNREADABLE as error:
        raise ModelError(f"The model cannot be read ({reason(error)}); train it again: {shown(model)}") from error


def _beginning(
    start: Start, shape: FaceNetConfig, plan: Plan, classes: int
) -> tuple[FaceNetConfig, list[dict[str, Tensor]]]:
    """The nets' shape, and of each the weights that it begins with; what is missing there begins from random ones."""
    if start == "scratch":
        return FaceNetConfig.from_dict(shape.to_dict() | {"classes": classes}), [{}] * plan.nets
    ensemble, config = _loaded(store.resolve(MODEL), "cpu")
    shape = FaceNetConfig.from_dict(config["net"] | {"classes": classes})
    found = []
    for index in range(plan.nets):
        weights = ensemble.nets[index % len(ensemble.nets)].state_dict()
        # Ratings need an output of their own.
        kept = {n: v for n, v in weights.items() if classes == len(EXPRESSIONS) or not n.startswith("head.")}
        found.append({n: v.float() if v.is_floating_point() else v for n, v in kept.items()})
    return shape, found


def _calibrated(task: Task, ensemble: FaceEnsemble, corpus: Corpus, side: int, device: str) -> dict[str, Any]:
    """What config.json says of the outputs."""
    if task == "affect":
        return {"outputs": list(RATED)}
    watched = corpus.parts["valid"].faces
    logits = logits_of(ensemble, watched, side, device)
    # Where all are read rightly the likeliest temperature is none at all: every reading would be certain.
    wrong = bool((logits.argmax(1) != watched.labels).any())
    fitted = fit_temperature(logits, watched.labels) if wrong else 1.0
    return {"classes": list(EXPRESSIONS), "temperature": fitted, "calibrated": wrong}


def _learnt(corpus: Corpus, task: Task) -> dict[str, Any]:
    """What it learnt from, for the card of any later measurement."""
    train, valid = corpus.parts["train"], corpus.parts["valid"]
    told: dict[str, Any] = {
        "rows": {"train": len(train.rows), "valid": len(valid.rows)},
        "faces": {"train": len(train.faces), "valid": len(valid.faces)},
        "people": len(np.unique(train.people)),
        "faceless": {part: corpus.faceless[part] for part in ("train", "valid")},
        "finder": corpus.finder,
        "left_out": corpus.told,
    }
    if task == "expressions":
        counts = np.bincount(train.labels, minlength=len(EXPRESSIONS)).tolist()
        told["classes"] = {name: int(n) for name, n in zip(EXPRESSIONS, counts, strict=True) if n}
    return told
