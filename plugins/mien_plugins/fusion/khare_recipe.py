"""How the cross-modal transformer is made and measured (`mien train fusion-khare`, `mien evaluate DIR`).

From a manifest: pre-training on the training rows that have a text and a speaker, by characters and persons; then emotions on
the rows that have the labels. Both go on where they were stopped. What is said is calibrated on the validation rows
(`khare_calibration`). `bigru_recipe` trains the baseline in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from mien.errors import CorpusError, UsageError, shown
from mien.evaluation.metrics import balanced_accuracy, weighted_f1
from mien.training.card import Card, write_card
from mien.training.checks import require_splits
from mien.training.kit import save_model, seed_everything
from mien.training.manifest import Manifest
from mien.training.manifest_file import read_manifest
from mien.training.watch import unfollowed
from mien_plugins.fusion.khare_calibration import calibrate
from mien_plugins.fusion.khare_data import Corpus, Extractor, as_tensors, kept_streams, sequences, targets
from mien_plugins.fusion.khare_info import KHARE, KhareTraining, StreamTraining
from mien_plugins.fusion.khare_model import MEMORY, AnyNet, make
from mien_plugins.fusion.khare_net import KhareConfig, KhareNet
from mien_plugins.fusion.khare_streams import MODALITIES, batch
from mien_plugins.fusion.khare_tasks import Ctc, Decoder, Person, spelt
from mien_plugins.fusion.khare_train import Batches, EmotionBrain, PretrainBrain, rising, tune

REMEMBERED = 500
"""Training stretches that imputation looks among."""
QUICK = 4
"""Epochs of each stage at most, where it is to be quick."""
HELD = 10
"""Of each speaker's rows every so many-th validates the pre-training: persons can only be told among those that are known."""


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
    **options: Any,
) -> Card:
    """Extract, pre-train, train, measure, and write weights, config and card into `out`.

    Args:
        data: a manifest, or the folder that holds one.
        quick: at most four epochs of each stage.
        work: streams, checkpoints and logs, by default `out/work`.
        options: see `KhareTraining`.

    Raises:
        CorpusError: the manifest or what it names does not serve; the sentence says which row.
        TrainingError: a loss that is not finite.
    """
    run = {"device": device, "resume": resume, "threads": threads, "progress": progress}
    return fit("khare", KHARE, data, out, work or out / "work", KhareTraining(**options), seed, quick, run)


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure the model in a folder on the test rows of a manifest."""
    from mien_plugins.fusion.khare_card import measure

    with kept_streams(model) as streams:
        return measure(model, data, Extractor(streams, device), device)


def fit(
    kind: str,
    recipe: str,
    data: Path,
    out: Path,
    work: Path,
    options: StreamTraining,
    seed: int,
    quick: bool,
    run: Mapping[str, Any],
) -> Card:
    """Train a net of either kind and measure it."""
    from mien_plugins.fusion.khare_card import measure

    if quick:
        stages = [name for name in ("epochs", "pretrain_epochs") if hasattr(options, name)]
        options = options.model_copy(update={name: min(getattr(options, name), QUICK) for name in stages})
    if run["threads"] is not None:
        torch.set_num_threads(run["threads"])
    names = [name.strip() for name in options.labels.split(",") if name.strip()]
    manifest = read_manifest(data)
    manifest.check(labels=names)
    usable = manifest.labelled(*names).take(lambda row: bool(row.split))
    if isinstance(options, KhareTraining) and options.pretrain_epochs:
        _spoken(manifest, options)  # refused now and not behind hours of reading media
    extractor = Extractor(work / "streams", str(run["device"]), bool(run["progress"]))
    corpus = Corpus.make(usable, extractor, options.longest, sound=kind == "khare")
    widths, (truth, called) = corpus.widths(), targets(usable, names)
    _check_widths(kind, options)
    fields = _fields(kind, widths, len(called), options)
    train_rows = corpus.part("train")
    _check_both(truth[_rows(usable, "train")], called, usable)
    best, start = None, None
    for number in range(options.inits):
        seed_everything(seed + number)
        net = make(kind, fields)
        net.fit_scale(*map(as_tensors, train_rows.scale(seed)))
        if isinstance(options, KhareTraining) and isinstance(net, KhareNet) and options.pretrain_epochs:
            if start is None:
                with unfollowed():  # a search is for the emotions
                    start = _pretrained(net, manifest, widths, extractor, work, options, seed, run)
            # Each random start keeps a head of its own.
            net.load_state_dict({k: v for k, v in start.items() if not k.startswith("head.")}, strict=False)
        positive = truth[_rows(usable, "train")].mean(0)
        weight = ((1.0 - positive) / positive).astype(np.float32)
        brain = _emotions(net, corpus, truth, weight, widths, work / f"emotions-{number}", options, seed + number, run)
        value = brain.result.best_value if brain.result.best_value is not None else -np.inf
        if best is None or value > best[0]:
            best = (value, number, brain.best_state("net"), brain.result.best_epoch)
    assert best is not None
    net = make(kind, fields)
    net.load_state_dict(best[2])
    net.eval()
    valid = corpus.part("valid")
    config = {
        "id": recipe,
        "kind": kind,
        "net": fields,
        "labels": list(called),
        "columns": names,
        "thresholds": _thresholds(net, valid, truth[_rows(usable, "valid")], widths),
        "weight": [float(value) for value in weight],
        "longest": options.longest,
        "neighbours": options.neighbours,
        "moddrop": options.moddrop,
        "seed": seed,
        "quick": quick,
        "init": best[1],
        "best_epoch": best[3],
        "options": {name: str(value) for name, value in options.model_dump(exclude_defaults=True).items()},
    }
    weights = dict(best[2])
    if options.neighbours:
        weights |= _remembered(net, train_rows, widths, seed)
    save_model(out, weights, config)
    calibrate(out, sequences(valid, range(len(valid))), truth[_rows(usable, "valid")], str(run["device"]))
    card = measure(out, data, extractor, str(run["device"]))
    write_card(out, card)
    return card


def _check_widths(kind: str, options: StreamTraining) -> None:
    if kind == "khare" and options.width % KhareConfig.heads:
        raise UsageError(f"The width of the streams must be a multiple of {KhareConfig.heads}, not {options.width}.")


def _fields(kind: str, widths: Mapping[str, int], outputs: int, options: StreamTraining) -> dict[str, Any]:
    chosen = {name: getattr(options, name) for name in ("layers", "width") if getattr(options, name)}
    return make(kind, {**widths, "outputs": outputs, **chosen}).config.to_dict()


def _rows(manifest: Manifest, split: str) -> list[int]:
    return [i for i, row in enumerate(manifest.rows) if row.split == split]


def _check_both(truth: Any, called: tuple[str, ...], manifest: Manifest) -> None:
    for name, column in zip(called, truth.T, strict=True):
        if not 0 < column.sum() < len(column):
            what = "never" if not column.sum() else "always"
            raise CorpusError(
                f"The label {name} is {what} true in the training rows, so that nothing can be learnt of it: "
                f"{shown(manifest.source or manifest.folder)}"
            )


def _spoken(manifest: Manifest, options: KhareTraining) -> tuple[Manifest, dict[str, list[int]]]:
    """The rows to pre-train on, and of each speaker who has two or more of them their places."""
    own = read_manifest(options.pretrain) if options.pretrain is not None else manifest
    rows = own.take(lambda row: bool(row.path and row.speaker and spelt(row.text)) and row.split in ("", "train"))
    by: dict[str, list[int]] = {}
    for at, row in enumerate(rows.rows):
        by.setdefault(row.speaker, []).append(at)
    people = {speaker: places for speaker, places in by.items() if len(places) > 1}
    if len(people) < 2:
        raise CorpusError(
            "Pre-training needs two speakers with two rows or more that have a text; name another manifest with --set "
            f"pretrain=FILE, or leave it out with --set pretrain_epochs=0: {shown(own.source or own.folder)}"
        )
    return rows, people


def _pretrained(
    net: KhareNet,
    manifest: Manifest,
    widths: Mapping[str, int],
    extractor: Extractor,
    work: Path,
    options: KhareTraining,
    seed: int,
    run: Mapping[str, Any],
) -> dict[str, torch.Tensor]:
    """The net's weights after pre-training."""
    rows, people = _spoken(manifest, options)
    held = [at for places in people.values() for at in places[1::HELD]]
    aside = set(held)
    learnt = [at for places in people.values() for at in places if at not in aside]
    require_splits(rows.source, {"pre-training": learnt, "validation": held})
    corpus = Corpus.make(rows, extractor, options.longest)
    if corpus.widths() != {**widths, **{n: w for n, w in corpus.widths().items() if w == 1}}:
        raise CorpusError(
            f"The rows to pre-train on have {corpus.widths()} numbers a step, those to train on {dict(widths)}: "
            f"{shown(rows.source or rows.folder)}"
        )
    place = {speaker: number for number, speaker in enumerate(people)}
    who = np.array([place.get(row.speaker, -1) for row in rows.rows], np.int64)
    size = net.config
    task = (
        Decoder(size.width, size.heads, size.feed_forward, dropout=size.dropout)
        if options.characters == "decoder"
        else Ctc(size.width)
    )
    brain = PretrainBrain(
        {"net": net, "characters": task, "person": Person(size.width, len(people))},
        partial(torch.optim.Adam, lr=options.rate or 1.0, betas=(0.9, 0.98), eps=1e-9),
        work / "pretraining",
        patience=options.patience,
        schedule=None if options.rate else rising(size.width, options.warmup),
        seed=seed,
        **run,
    )
    parts = [Batches(corpus.take(at), who[at], dict(widths), options.batch) for at in (learnt, held)]
    brain.train_batches = parts[0]
    brain.fit_best(options.pretrain_epochs, *(DataLoader(part, batch_size=None) for part in parts))
    # Copies: the net goes on learning, and every random start is to begin here.
    return {name: value.clone() for name, value in brain.best_state("net").items()}


def _emotions(
    net: AnyNet,
    corpus: Corpus,
    truth: Any,
    weight: Any,
    widths: Mapping[str, int],
    folder: Path,
    options: StreamTraining,
    seed: int,
    run: Mapping[str, Any],
) -> EmotionBrain:
    """The brain after training on emotions, its best epoch loaded."""
    noam = isinstance(options, KhareTraining) and not options.rate
    own = options.rate or (1.0 if noam else 1e-3)
    schedule = rising(net.config.width, options.warmup) if noam and isinstance(options, KhareTraining) else None
    betas = (0.9, 0.98) if noam else (0.9, 0.999)
    brain = EmotionBrain(
        {"net": net},
        partial(torch.optim.Adam, lr=own, betas=betas, eps=1e-9 if noam else 1e-8),
        folder,
        metric="both",
        mode="max",
        patience=options.patience,
        schedule=schedule,
        seed=seed,
        **run,
    )
    rows = {split: _rows(corpus.manifest, split) for split in ("train", "valid")}
    parts = [Batches(corpus.take(at), truth[at], dict(widths), options.batch) for at in rows.values()]
    brain.train_batches, brain.drop, brain.weight = parts[0], options.moddrop, torch.from_numpy(weight)
    brain.fit_best(options.epochs, *(DataLoader(part, batch_size=None) for part in parts))
    return brain


@torch.inference_mode()
def _thresholds(net: AnyNet, corpus: Corpus, truth: Any, widths: Mapping[str, int]) -> dict[str, list[float]]:
    """Per emotion, where WA and where F1 are best on validation (the paper tunes them apart)."""
    said = np.concatenate(
        [
            torch.sigmoid(net(batch(sequences(corpus, range(i, min(i + 16, len(corpus)))), widths))).numpy()
            for i in range(0, len(corpus), 16)
        ]
    )
    found = {"wa": tune(truth, said, balanced_accuracy)[0], "f1": tune(truth, said, weighted_f1)[0]}
    return {name: [round(float(cut), 2) for cut in cuts] for name, cuts in found.items()}


@torch.inference_mode()
def _remembered(net: AnyNet, corpus: Corpus, widths: Mapping[str, int], seed: int) -> dict[str, torch.Tensor]:
    """The vectors of training stretches that have every modality, for the weights file."""
    kept: list[torch.Tensor] = []
    for row in np.random.default_rng(seed).permutation(len(corpus)).tolist():
        streams = batch(sequences(corpus, [row]), widths)
        if bool(streams.present.all()):
            kept.append(net.vectors(streams)[0])
        if len(kept) == REMEMBERED:
            break
    if not kept:
        raise CorpusError("Imputation needs training rows that have sound, faces and words; there are none.")
    table = torch.stack(kept)
    return {MEMORY + name: table[:, m].half() for m, name in enumerate(MODALITIES)}
