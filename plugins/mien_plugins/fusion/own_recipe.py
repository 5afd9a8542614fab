"""How an attention fusion learns from a user's own manifest (`mien train fusion-attention` where --data has a manifest.csv).

Each row is one sample with one class, as in Rajan 2022, ch. 4 (SEEDS §4.3): Adam at 1e-3, batches of 32, cross-entropy, the
rate a tenth after ten epochs without a better validation loss, the end after ten without a better validation accuracy. Own
features (`.npz`) are read as whole sequences by the nets of ch. 4, of the thesis' sizes; media are read step by step, as the
application reads them, and what was trained on them runs there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from mien.errors import CorpusError, ModelError, UsageError, shown
from mien.evaluation.metrics import accuracy, balanced_accuracy
from mien.models.damage import UNREADABLE, reason
from mien.training.card import Card, load_model, write_card
from mien.training.kit import FitResult, RecipeBrain, Stage, save_model, seed_everything
from mien.training.log import LOG, logged
from mien.training.manifest import Manifest
from mien.training.manifest_file import read_manifest
from mien_plugins.face.measure import fit_temperature
from mien_plugins.fusion.attention import build
from mien_plugins.fusion.draw import STEP, Dropping
from mien_plugins.fusion.hostile import scored
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.khare_data import Corpus, kept_streams
from mien_plugins.fusion.measure import impute
from mien_plugins.fusion.own_card import Read, make_card
from mien_plugins.fusion.own_data import LIMITS, Batch, Batches, Embeddings, Looked, Shape, look, require_steps, streams
from mien_plugins.fusion.pooled import PooledConfig
from mien_plugins.fusion.scaling import STAND_INS, Missing, Scaling, fit, named, subsets, to_config
from mien_plugins.fusion.sequence import SequenceConfig
from mien_plugins.fusion.timed import Reading, TimedNet
from mien_plugins.fusion.trained import BANK, check_remembered

POOLED: Final = ("intra", "cross", "intra-cross")
WINDOW: Final = 8
"""Steps that nets with statistical pooling look at in media, as those that ship."""
REMEMBERED, SAMPLED, HELD_BATCH, NEIGHBOURS = 500, 400, 32, 10
FACTOR, PATIENCE = 0.1, 10


class OwnBrain(RecipeBrain):
    """Cross-entropy of the class at each step that is there; scored by what the steps of a row say on average."""

    batches: Batches

    def compute_forward(self, batch: Batch, stage: Stage) -> Reading:
        x, mask = [part.to(self.device) for part in batch[0]], batch[1].to(self.device)
        reading: Reading = self.modules.net(x, mask)
        return reading

    def compute_objectives(self, predictions: Reading, batch: Batch, stage: Stage) -> Tensor:
        logits, kept, label = predictions.logits, self._kept(batch), batch[2].to(self.device)
        assert logits is not None
        return F.cross_entropy(logits[kept], label[:, None].expand(kept.shape)[kept])

    def _kept(self, batch: Batch) -> Tensor:
        return batch[1][:, self.modules.net.context :].any(-1).to(self.device)

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.batches.draw(self.seed, self.result.epochs)
            self.factor = lowered(self.folder / LOG, self.result.epochs)
        self._seen: list[tuple[Tensor, Tensor]] = []

    def observe(self, predictions: Reading, batch: Batch, stage: Stage) -> None:
        said = averaged(predictions, self._kept(batch))
        self._seen.append((said.argmax(-1).cpu(), batch[2]))

    def score(self, stage: Stage) -> dict[str, float]:
        guess, label = (torch.cat(part).numpy() for part in zip(*self._seen, strict=True))
        return {"accuracy": accuracy(label, guess), "balanced_accuracy": balanced_accuracy(label, guess)}


def lowered(log: Path, epochs: int) -> float:
    """The factor on the learning rate after so many epochs: a tenth each time ten passed without a better validation loss.

    It is read off the log, so that a training that was stopped goes on with the same rate.
    """
    factor, best, since = 1.0, np.inf, 0
    for epoch in logged(log)[:epochs]:
        loss = epoch["valid"]["loss"]
        best, since = (loss, 0) if loss < best else (best, since + 1)
        if since > PATIENCE:
            factor, since = factor * FACTOR, 0
    return factor


def averaged(reading: Reading, kept: Tensor) -> Tensor:
    """(B, C) probabilities: the mean over the steps (B, T) that are there."""
    assert reading.logits is not None
    weight = kept.to(reading.logits.dtype).unsqueeze(-1)
    return (reading.logits.softmax(-1) * weight).sum(1) / weight.sum(1).clamp_min(1.0)


def train(
    data: Path,
    out: Path,
    *,
    quick: bool,
    seed: int,
    work: Path,
    strategy: str,
    moddrop: Dropping,
    label: str,
    epochs: int,
    batch: int,
    rate: float,
    size: int,
    dropout: float,
    run: dict[str, Any],
) -> Card:
    """Extract, train, measure; write weights, config and card into `out`. Options: see `info.AttentionTraining`.

    Raises:
        CorpusError: the manifest or what it names does not serve; the sentence says which row.
        TrainingError: a loss that is not finite.
    """
    manifest = read_manifest(data)
    manifest.check(labels=(label,))
    classes = manifest.label(label).classes
    if not classes:
        raise UsageError(f"The column {label} holds numbers; name one of classes with --set label=COLUMN.")
    usable = manifest.labelled(label).take(lambda row: bool(row.split))
    extractor = Embeddings(work / "streams", str(run["device"]), bool(run["progress"]))
    whole = reads_whole(usable, strategy)
    parts = {part: Corpus.make(usable.part(part), extractor, None, sound=False) for part in ("train", "valid")}
    found = look(parts["train"])
    looked = {"train": found, "valid": look(parts["valid"], found.widths)}
    if not whole:
        for part, corpus in parts.items():
            require_steps(corpus, looked[part], strategy)
    config = config_of(strategy, whole, looked["train"], classes, size, dropout, label)
    seed_everything(seed)
    net = build(config)
    fit_scales(net, parts["train"], seed)
    shape = shape_of(config, net)
    learnt, watched = (
        Batches(parts[p], looked[p], parts[p].manifest.codes(label), shape, batch, moddrop if p == "train" else "off")
        for p in ("train", "valid")
    )
    brain = OwnBrain(
        {"net": net},
        partial(torch.optim.Adam, lr=rate),
        work / "training",
        metric="accuracy",
        mode="max",
        patience=PATIENCE,
        schedule=lambda _: brain.factor,
        seed=seed,
        **run,
    )
    brain.batches = learnt
    result = brain.fit_best(
        min(epochs, 3) if quick else epochs, DataLoader(learnt, batch_size=None), DataLoader(watched, batch_size=None)
    )
    weights = best_of(brain, net)
    memory = bank(net.eval(), learnt, looked["train"], seed)
    config |= {
        **calibration_of(net, watched, config["net"]["hostile"], imputer_of(memory)),
        **record(net, result, strategy=strategy, moddrop=moddrop, quick=quick, seed=seed, samples=len(learnt.rows)),
        "runs": not whole and not any(row.path.lower().endswith(".npz") for row in usable.rows),
        "label": label,
        "options": {"epochs": epochs, "batch": batch, "rate": rate, "size": size, "dropout": dropout},
        "rows": {part: len(corpus) for part, corpus in parts.items()},
    }
    save_model(out, weights | memory, config)
    card = measure(out, usable, extractor)
    write_card(out, card)
    return card


def record(
    net: TimedNet, result: FitResult, *, strategy: str, moddrop: Dropping, quick: bool, seed: int, samples: int
) -> dict[str, Any]:
    """What config.json says of a training, whichever targets it had."""
    return {
        "id": "fusion-attention",
        "strategy": strategy,
        "own": True,
        "imputes": net.imputes,
        "moddrop": moddrop,
        "quick": quick,
        "seed": seed,
        "best_epoch": result.best_epoch,
        "epochs": result.epochs,
        "samples": samples,
    }


def best_of(brain: RecipeBrain, net: nn.Module) -> dict[str, Tensor]:
    """The best epoch's weights in half precision, as they are stored; the net has just those from now on."""
    weights = {n: v.half() if v.is_floating_point() else v for n, v in brain.best_state("net").items()}
    net.load_state_dict({n: v.float() for n, v in weights.items()})
    return weights


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure a model on the test rows of a manifest."""
    with kept_streams(model) as streams:
        return measure(model, read_manifest(data), Embeddings(streams, device))


def measure(model: Path, manifest: Manifest, extractor: Embeddings) -> Card:
    """Read the test rows with every subset of modalities, what is absent left out or imputed, and describe the model.

    Raises:
        CorpusError: there are no test rows, they lack the label, or their vectors do not fit.
        ModelError: the folder holds no such fusion.
    """
    net, memory, config = loaded(model)
    check_remembered(str(config["id"]), net, config, model)
    test = part_of(manifest, config, "test")
    corpus = Corpus.make(test, extractor, None, sound=False)
    batches = batches_of(corpus, config, net)
    groups = np.array([row.speaker or row.group or row.path for row in test.rows])
    parameters = sum(p.numel() for p in net.parameters())
    read = Read.of(net, batches, imputer_of(memory))
    return make_card(config, read, groups, parameters, len(manifest))


def recalibrate(data: Path, model: Path, work: Path, device: str) -> Card:
    """Fit a model's calibration to the validation rows of a manifest anew, and measure it; the weights stay as they are."""
    net, memory, config = loaded(model)
    kept = model / "work" / "streams"
    manifest, extractor = read_manifest(data), Embeddings(kept if kept.is_dir() else work / "streams", device)
    corpus = Corpus.make(part_of(manifest, config, "valid"), extractor, None, sound=False)
    batches = batches_of(corpus, config, net)
    if config.get("imputes", "encoded") != net.imputes:
        learnt = Corpus.make(part_of(manifest, config, "train"), extractor, None, sound=False)
        memory = bank(net, batches_of(learnt, config, net), look(learnt, net.widths), int(config["seed"]))
        config["imputes"] = net.imputes
    config |= calibration_of(net, batches, config["net"]["hostile"], imputer_of(memory))
    save_model(model, {n: v for n, v in load_model(model)[0].items() if not n.startswith(BANK)} | memory, config)
    card = measure(model, manifest, extractor)
    write_card(model, card)
    return card


def loaded(model: Path) -> tuple[TimedNet, dict[str, Tensor], dict[str, Any]]:
    """A model's net, what it remembers for imputation, and its configuration; raises ModelError when it is none."""
    try:
        weights, config = load_model(model)
        net = build(config).eval()
        memory = {n: weights.pop(n) for n in list(weights) if n.startswith(BANK)}
        net.load_state_dict({n: v.float() for n, v in weights.items()})
        if config["classes"]:
            config["label"] = str(config["label"])
    except UNREADABLE as error:
        raise ModelError(f"This is no attention fusion, or it is damaged ({reason(error)}): {shown(model)}") from error
    return net, memory, config


def part_of(manifest: Manifest, config: dict[str, Any], part: str) -> Manifest:
    """The rows of one part that have the label a model was trained on; raises CorpusError when there are none, or it tells
    other classes apart."""
    label, classes = str(config["label"]), tuple(config["classes"])
    manifest.check(labels=(label,), splits=(part,))
    if manifest.label(label).classes != classes:
        told = ", ".join(manifest.label(label).classes) or "numbers"
        raise CorpusError(
            f"The manifest's {label} tells {told} apart, the model {', '.join(classes)}: {shown(manifest.source)}"
        )
    return manifest.labelled(label).part(part)


def batches_of(corpus: Corpus, config: dict[str, Any], net: TimedNet) -> Batches:
    """The rows in their order, as a net reads them; raises CorpusError where they do not fit it."""
    looked, shape = look(corpus, net.widths), shape_of(config, net)
    if not shape.steps:
        require_steps(corpus, looked, str(config["strategy"]))
    return Batches(corpus, looked, corpus.manifest.codes(str(config["label"])), shape, HELD_BATCH, "off")


def imputer_of(memory: Mapping[str, Tensor]) -> KnnImputer | None:
    """What imputes from remembered vectors, if there are any of each modality."""
    if set(memory) != {BANK + name for name in MODALITIES}:
        return None
    # In the order of a mask's columns, which is not the order in which a file of weights keeps them.
    return KnnImputer({name: memory[BANK + name].float().numpy() for name in MODALITIES}, NEIGHBOURS)


def reads_whole(manifest: Manifest, strategy: str) -> bool:
    """Whether rows are read as whole sequences: own features, by the nets of the thesis.

    Raises:
        CorpusError: some rows name media and others own features.
    """
    own = [row.path.lower().endswith(".npz") for row in manifest.rows]
    if any(own) and not all(own):
        at = manifest.rows[own.index(not own[0])]
        raise CorpusError(
            f"{manifest.where(at)}: rows must name media, or all of them own features (.npz), not both: "
            f"{shown(manifest.source)}"
        )
    return all(own) and strategy in POOLED


def config_of(
    strategy: str, whole: bool, looked: Looked, classes: tuple[str, ...], size: int, dropout: float, label: str = ""
) -> dict[str, Any]:
    """What `attention.build` makes the net from: the papers' sizes (SEEDS §4.2, §11.5), `size` instead where it is not 0."""
    named = scored(classes, label)
    net: PooledConfig | SequenceConfig
    if strategy in POOLED:
        steps = (WINDOW,) * 3
        mixed = (0, WINDOW // 2, WINDOW // 2)
        if whole:
            text, voice, face = (
                max(1, min(LIMITS[m], int(n))) for m, n in zip(MODALITIES, looked.lengths.max(0), strict=True)
            )
            steps, mixed = (text, voice, face), (0, max(1, voice // 2), max(1, round(face * 25 / 32)))
        net = PooledConfig(
            MODALITIES, looked.widths, strategy,  # type: ignore[arg-type]
            steps=steps, mixed=mixed, hidden=size or 60, heads=6 if not size else 4, dense=size or 60,
            classes=len(classes), affect=False, hostile=named, dropout=dropout,
        )  # fmt: skip
    else:
        net = SequenceConfig(
            MODALITIES, looked.widths, strategy,  # type: ignore[arg-type]
            width=size or 256, inner=max(1, (size or 256) // 4), hidden=size or 256,
            classes=len(classes), hostile=named, dropout=dropout,
        )  # fmt: skip
    family = "whole" if whole else "pooled" if strategy in POOLED else "sequence"
    return {"family": family, "net": net.to_dict(), "step": STEP, "classes": list(classes)}


def shape_of(config: dict[str, Any], net: TimedNet) -> Shape:
    """How rows are laid out for a net."""
    return Shape(net.widths, tuple(config["net"]["steps"]) if config["family"] == "whole" else (), net.context)


def fit_scales(net: Any, corpus: Corpus, seed: int) -> None:
    """Standardise each modality by a sample of the training rows."""
    blocks: dict[str, list[Tensor]] = {name: [] for name in MODALITIES}
    for row in np.random.default_rng(seed).permutation(len(corpus))[:SAMPLED].tolist():
        for name, block in streams(corpus, row).items():
            blocks[name].append(torch.from_numpy(block))
    for name, scale in zip(MODALITIES, net.scales, strict=True):
        if blocks[name] and sum(map(len, blocks[name])) > 1:
            scale.fit(torch.cat(blocks[name]))


@torch.inference_mode()
def calibration_of(
    net: TimedNet, batches: Batches, score: Sequence[int], imputer: KnnImputer | None = None
) -> dict[str, Any]:
    """What makes the rows' classes likeliest at every step, for config.json (see `scaling`): the temperature over all subsets of
    what is there, and each subset's own scaling; the net's own does not matter.

    score: classes whose probabilities add up to the score.
    """
    found: dict[tuple[Missing, str], list[tuple[Any, Any, int]]] = {}
    for index in range(len(batches)):
        x, mask, label = batches[index]
        encoded, now = net.encode(x, mask), mask[:, net.context :]
        for kind in subsets(len(net.modalities)):
            there = now & torch.from_numpy(kind)
            # Where a row lacks what the subset has, a smaller subset tells of it.
            kept = (there == torch.from_numpy(kind)).all(-1)
            if not kept.any():
                continue
            readings = {STAND_INS[0]: net.decode(encoded, there)}
            if imputer is not None and not kind.all():
                filled = impute(net, imputer, encoded, there)
                readings[STAND_INS[1]] = net.decode(filled, there.any(-1, keepdim=True).expand_as(there))
            for way, reading in readings.items():
                assert reading.logits is not None
                told = label[:, None].expand(kept.shape)[kept].numpy()
                part = reading.logits[kept].double().numpy(), told, int(kept.any(-1).sum())
                found.setdefault((way, named(net.modalities, kind)), []).append(part)
    read = {
        key: (
            np.concatenate([z for z, _, _ in parts]),
            np.concatenate([y for _, y, _ in parts]),
            sum(n for *_, n in parts),
        )
        for key, parts in found.items()
    }
    plain = [(z, y) for (way, _), (z, y, _) in read.items() if way == STAND_INS[0]]
    common = fit_temperature(np.concatenate([z for z, _ in plain]), np.concatenate([y for _, y in plain]))
    own: dict[str, dict[str, Scaling]] = {way: {} for way in STAND_INS}
    for (way, name), (z, y, rows) in read.items():
        own[way][name] = fit(z, y, score, count=rows, common=common)
    return to_config(common, own)


@torch.inference_mode()
def bank(net: TimedNet, batches: Batches, looked: Looked, seed: int) -> dict[str, Tensor]:
    """Vectors of training moments that have every modality, for imputation; nothing where there are none."""
    complete = np.flatnonzero(looked.present.all(1))
    rows = np.random.default_rng(seed).permutation(complete)[:REMEMBERED].tolist()
    kept: list[Sequence[Tensor]] = []
    for first in range(0, len(rows), HELD_BATCH):
        some = rows[first : first + HELD_BATCH]
        every = np.ones((len(some), len(MODALITIES)), np.bool_)
        one = Batches(batches.corpus.take(some), Looked(looked.widths, looked.lengths[some]), batches.labels[some],
                      batches.shape, HELD_BATCH, "off")[0]  # fmt: skip
        vectors, last = net.vectors(net.encode(one[0], one[1])), one[1][:, net.context :].all(-1).sum(1) - 1
        kept.append([v[torch.arange(len(every)), last.clamp_min(0)] for v in vectors])
    if not kept:
        return {}
    return {BANK + m: torch.cat([part[i] for part in kept]).half() for i, m in enumerate(MODALITIES)}
