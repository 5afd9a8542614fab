"""The paper's nets on speech that people have rated: a manifest with valence, arousal and dominance (`--set net=f1` or `f2`).

As Rana & Jha (2022) trained them on IEMOCAP, which `mien manifest iemocap FOLDER` lays out. The manifest's parts are kept: the
validation part is only watched, for the number of epochs is the paper's, and the test part is measured. Errors are given on the
scale of the project, [-1, 1], and on the paper's, [0, 1], beside those of a constant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, shown
from mien.evaluation.metrics import bootstrap_ci, rmse
from mien.models.files import read_json
from mien.training.card import Card, DataSource, Metric, write_card
from mien.training.job import command
from mien.training.manifest import Manifest
from mien.training.manifest_file import read_manifest
from mien.training.stretch import sound
from mien_plugins.emotion import hostility, report
from mien_plugins.emotion.corpus import RATE
from mien_plugins.emotion.features import Recipe
from mien_plugins.emotion.material import CLIP, Material, pack
from mien_plugins.emotion.measure import Measure
from mien_plugins.emotion.net import TASKS
from mien_plugins.emotion.plan import Plan
from mien_plugins.emotion.reader import load, save
from mien_plugins.emotion.training import Floats, fit, predict
from mien_plugins.emotion.windows import ROWS, VERSION, trim

EMOTION = "emotion"
"""The column whose angry rows P(angry) is fitted on, where there is one."""
_UNNAMED = "neutral"
"""Stands for every row's emotion: the paper's loss names none."""


def train(
    data: Path,
    out: Path,
    *,
    plan: Plan,
    asked: Mapping[str, Any],
    quick: bool,
    seed: int,
    work: Path,
    run: Mapping[str, Any],
) -> Card:
    """Train on the manifest in `data`, measure, and write weights, config and card to `out`.

    Args:
        plan: one contender, the paper's net (`plan.paper_plan`).
        asked: the options that were given, for the card.
        work: features and checkpoints.
        run: device, threads, resume and progress, as of every recipe.

    Raises:
        CorpusError: a column is missing, a part is empty, speakers are on two sides, a row cannot be read.
        TrainingError: a loss that is not finite.
    """
    manifest = read_manifest(data)
    manifest.check(labels=TASKS)
    usable = manifest.labelled(*TASKS)
    (own,) = plan.contenders
    learnt, watched = (heard(usable.part(part), own.name, work) for part in ("train", "valid"))
    net = fit(learnt, watched, own.net, own.fit, work / own.name, seed=seed, **run).cpu()
    config: dict[str, Any] = {
        "id": report.ID,
        "own": True,
        "net": own.net.to_dict(),
        "features": asdict(Recipe(RATE)),
        "fit": asdict(own.fit),
        "mean": [float(value) for value in learnt.label.mean(axis=0)],
        "rows": {"train": len(learnt), "valid": len(watched)},
        "repeats": plan.repeats,
        "options": {name: value for name, value in asked.items() if value is not None},
        "seed": seed,
        "quick": quick,
    }
    named = emotions(usable.part("valid"))
    if tells_anger(named):
        config["hostility"] = hostility.fit(predict(net, watched)[named != ""], named[named != ""])
    save(out, net, config)
    card = evaluate(out, data, device=str(run["device"]))
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure a model on the test rows of a manifest.

    Raises:
        CorpusError: there are none, or they lack a label; a row cannot be read.
        ModelError: the model cannot be loaded.
    """
    net, config = load(model).net, read_json(model / "config.json")
    manifest = read_manifest(data)
    manifest.check(labels=TASKS, splits=("test",))
    test = manifest.labelled(*TASKS).part("test")
    material = heard(test, str(config["net"]["representation"]))
    values, repeats = predict(net.to(device), material), int(config["repeats"])
    metrics = Measure(repeats).agreement(material, values, "test", errors=True)
    metrics += _on_the_papers_scale(material, values, config["mean"], repeats)
    named = emotions(test)
    if "hostility" in config and tells_anger(named):
        known = named != ""
        angry = replace(material.take(known), emotion=named[known])
        metrics += Measure(repeats).anger(angry, hostility.probability(values[known], config["hostility"]), "test")
    return _card(config, Path(manifest.source).name, len(test), metrics, sum(p.numel() for p in net.parameters()))


def heard(manifest: Manifest, representation: str, kept: Path | None = None) -> Material:
    """What the net gets of each row, with its labels on [-1, 1].

    Args:
        representation: `f1`, the mean over the mid-term windows of the whole stretch; `f2`, the first ten of them.
        kept: folder in which it is kept, so that a training that goes on need not listen again.

    Raises:
        CorpusError: a recording cannot be read, or is shorter than a frame; it names the row.
    """
    path = None if kept is None else kept / f"rated-{_key(manifest, representation)}.npz"
    if path is not None and (known := Material.load(path)) is not None:
        return known
    mids, length = [], []
    for row in manifest.rows:
        spoken = trim(np.nan_to_num(sound(manifest, row, RATE)))
        mid = np.asarray(Recipe(RATE).mid_of(spoken), np.float32)
        if not len(mid):
            raise CorpusError(
                f"{manifest.where(row)} is too short to tell anything from; leave out what is under 0.1 s: "
                f"{shown(manifest.source)}"
            )
        mids.append(mid.mean(axis=0, keepdims=True) if representation == "f1" else mid[:ROWS])
        length.append(len(spoken))
    count = len(mids)
    material = Material(
        mid=pack(mids),
        rows=np.array([len(mid) for mid in mids], np.int64),
        frames=np.zeros((0, 1), np.float16),
        start=np.zeros(count, np.int64),
        length=np.array(length, np.int64),
        label=np.stack([manifest.numbers(task, -1.0, 1.0) for task in TASKS], axis=1).astype(np.float32),
        speaker=np.array([row.speaker or row.group or row.path for row in manifest.rows]),
        emotion=np.full(count, _UNNAMED),
        gender=np.full(count, ""),
        language=np.full(count, ""),
        kind=np.full(count, CLIP),
        clip=np.arange(count, dtype=np.int64),
    )
    if path is not None:
        material.save(path)
    return material


def emotions(manifest: Manifest) -> NDArray[np.str_]:
    """(N,) what each row's column `emotion` says, empty where it says nothing or there is no such column."""
    if EMOTION not in {label.name for label in manifest.labels}:
        return np.full(len(manifest), "")
    return np.array([str(value or "") for value in manifest.values(EMOTION)])


def tells_anger(named: NDArray[np.str_]) -> bool:
    """Whether both anger and something else are there."""
    angry = hostility.is_angry(named[named != ""])
    return bool(0 < angry.sum() < len(angry))


def _key(manifest: Manifest, representation: str) -> str:
    """What the features hang on: other rows, recordings or windows make them anew."""
    rows = []
    for row in manifest.rows:
        path = manifest.file(row)
        size, changed = (path.stat().st_size, path.stat().st_mtime_ns) if path.is_file() else (0, 0)
        rows.append((row.path, row.start, str(row.end), row.speaker, row.labels, size, changed))
    told = json.dumps([VERSION, representation, [label.heading for label in manifest.labels], rows])
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _on_the_papers_scale(material: Material, values: Floats, mean: list[float], repeats: int) -> Iterator[Metric]:
    """RMSE of labels on [0, 1], of the net and of the training mean, which a net has to beat."""
    for column, task in enumerate(TASKS):
        truth = (material.label[:, column] + 1.0) / 2.0
        constant = np.full(len(truth), mean[column])
        for said, note in ((values[:, column], ""), (constant, "always the training mean, for comparison")):
            interval = bootstrap_ci(rmse, truth, (said + 1.0) / 2.0, groups=material.speaker, repeats=repeats)
            yield Metric.of(f"RMSE {task}, labels on 0 to 1", interval, len(truth), "test", note)


def _card(config: Mapping[str, Any], source: str, tested: int, metrics: list[Metric], parameters: int) -> Card:
    net, rows = config["net"], config["rows"]
    widths = "-".join(map(str, net["shared"]))
    fitted = config.get("hostility")
    return Card(
        id=report.ID,
        title=f"Emotion attributes from rated speech (multi-task, {net['representation']})",
        task="Valence, arousal and dominance in [-1, 1] of a stretch of speech, as people rated it, and a 510-number embedding "
        "(Rana & Jha 2022, arXiv 2202.06218).",
        licence="as the corpus' owners state",
        data=(
            DataSource(
                source or "a manifest",
                "as its owners state",
                f"{rows['train']} rows to train on, {rows['valid']} to watch, {tested} to test on",
            ),
        ),
        split="as the manifest has it; no speaker, group or recording is on two sides. Nothing was chosen by the validation "
        "rows: the number of epochs is the paper's.",
        seeds=(int(config["seed"]),),
        metrics=tuple(metrics),
        limits=(
            "Rated speech of one corpus: other voices, languages and rooms were not measured.",
            *report.DENSE,
            *(
                ()
                if fitted
                else ("No fusion reads it: no validation rows of the column emotion tell anger from all else.",)
            ),
        ),
        command=command(
            report.ID,
            data="CORPUS",
            out="OUT",
            quick=bool(config["quick"]),
            seed=int(config["seed"]),
            options=config["options"],
        ),
        calibration={"P(angry) = logistic of": ", ".join(fitted["of"]), "fitted on": "the validation rows"}
        if fitted
        else {},
        architecture=f"{net['representation']} of 136 mid-term features of 50 ms frames at 16 kHz (corrected), layers {widths}, "
        f"three branches of {net['branch']} (embedding 510), linear outputs",
        parameters=parameters,
    )
