"""Trains the face net: `mien train face-affect --data DIR --out DIR [--quick]`, on FER2013 or a user's own manifest (`own`).

Pictures grow during training (progressive resizing): FER2013 holds 48x48 pixels, so much of what there is to learn is
learnt on smaller, cheaper pictures, and the last epochs move the net to the size that it reads faces at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.errors import UsageError, shown
from mien.evaluation import metrics
from mien.models.files import read_json
from mien.training.card import Card, save_model, write_card
from mien_plugins.face import measure
from mien_plugins.face.hrnet import BY_NAME
from mien_plugins.face.info import MODEL, FaceTraining
from mien_plugins.face.learn import facts_of, learn
from mien_plugins.face.measure import corpus, fit_temperature, given, logits_of
from mien_plugins.face.net import FaceNet, FaceNetConfig
from mien_plugins.face.own_data import has_manifest
from mien_plugins.face.plan import FULL, QUICK, Plan, at_side
from mien_plugins.face.views import FaceEnsemble

__all__ = ["evaluate", "train"]

OF_THE_NET = ("hrnet", "side")
"""The options that count for FER2013, too."""


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
    note: str = "",
    plan: Plan | None = None,
    net: FaceNetConfig | None = None,
    **options: Any,
) -> Card:
    """Train, calibrate, evaluate and write model and card into `out`.

    data: folder of a manifest, or that holds `face/fer2013.npz`. work: checkpoints, log and TensorBoard's files, `out/work` by
    default. quick: a shorter training. note: what else the card should tell of this run. plan, net: another plan and shape.
    options: see `info.FaceTraining`; all but those in `OF_THE_NET` are a manifest's.

    Raises:
        FileNotFoundError: the corpus is not there.
        ValueError: it is damaged.
        UsageError: an option that only a manifest has.
    """
    work, asked = work or out / "work", FaceTraining(**options)
    if has_manifest(data):
        from mien_plugins.face import own

        run = {"device": device, "threads": threads, "resume": resume, "progress": progress}
        return own.train(
            data, out, asked=asked, quick=quick, seed=seed, work=work, note=note, run=run, plan=plan, net=net
        )
    told = given(asked.model_dump())
    if theirs := [name for name in told if name not in OF_THE_NET]:
        raise UsageError(
            f"{theirs[0]} is an option of trainings on a manifest of one's own, and --data has no manifest.csv: {shown(data)}"
        )
    plan = plan or at_side(QUICK if quick else FULL, asked.side)
    parts = corpus(data)
    faces, valid = parts.train, parts.valid
    if plan.faces is not None:
        # The corpus is sorted by class.
        draw = np.random.default_rng(seed).permutation
        faces, valid = (
            faces.take(draw(len(faces))[: plan.faces]),
            valid.take(draw(len(valid))[: max(1, plan.faces // 4)]),
        )
    config = net or FaceNetConfig(BY_NAME[asked.hrnet], classes=len(parts.classes))
    nets, results = [], []
    for index in range(plan.nets):
        torch.manual_seed(seed + index)
        brain = learn(
            FaceNet(config),
            faces,
            valid,
            plan,
            work / str(index),
            device=device,
            seed=seed + index,
            resume=resume,
            threads=threads,
            progress=progress,
        )
        best = FaceNet(config)
        best.load_state_dict(brain.best_state("net"))
        nets.append(best)
        results.append(brain.result)
    ensemble = FaceEnsemble(nets, plan.views)
    logits = logits_of(ensemble, valid, plan.side, device)
    guess = logits.argmax(1)
    save_model(
        out,
        # Half the size on disk; the reader computes in float32 all the same.
        {name: value.half() if value.is_floating_point() else value for name, value in ensemble.state_dict().items()},
        {
            "id": MODEL,
            "net": config.to_dict(),
            "classes": list(parts.classes),
            "temperature": fit_temperature(logits, valid.labels),
            "options": told,
            **facts_of(plan, results, seed=seed, quick=quick, note=note),
            "valid": {
                "accuracy": metrics.accuracy(valid.labels, guess),
                "macro_f1": metrics.macro_f1(valid.labels, guess),
            },
        },
    )
    card = evaluate(out, data, device=device)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure a model on PublicTest, or one of a user's own on the test rows of a manifest; writes nothing.

    Raises:
        FileNotFoundError: FER2013 is not there.
        ValueError: model or corpus is damaged; mien.errors.CorpusError: the manifest does not serve.
    """
    if read_json(model / "config.json").get("own"):
        from mien_plugins.face import own

        return own.evaluate(model, data, device=device)
    return measure.evaluate(model, data, device=device)
