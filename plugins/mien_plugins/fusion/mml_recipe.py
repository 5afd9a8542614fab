"""How the MML fusion is made and measured (`mien train fusion-mml`, `mien evaluate fusion-mml`).

Texts and voices are embedded once by the models that come with Mien and kept in the work folder; the net learns from pairs of
them (`mml_data`), drawn anew in each epoch, with the paper's optimiser: Adam at 1e-4, ·0.99 each epoch, squared L2 of 1e-4 on
the weights, early stopping after ten epochs without a better loss on validation pairs. What it then says of these is calibrated
(`mml_calibration`). Where --data has a manifest, its clips are learnt from instead (`mml_own`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache as cache_of
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from mien.errors import CorpusError, UsageError, shown
from mien.evaluation.metrics import macro_f1, rmse
from mien.models import files, store
from mien.training.card import Card, write_card
from mien.training.kit import RecipeBrain, Stage, save_model, seed_everything
from mien_plugins.emotion.reader import Reader
from mien_plugins.emotion.reader import load as load_reader
from mien_plugins.fusion.mml_calibration import on_pairs
from mien_plugins.fusion.mml_data import THRESHOLD, Budget, Material, Pairs, Said, Voiced, pair, small
from mien_plugins.fusion.mml_info import ENCODERS, MODEL
from mien_plugins.fusion.mml_net import MEMORY, MmlConfig, MmlNet
from mien_plugins.fusion.moddrop import moddrop
from mien_plugins.fusion.own_data import has_manifest
from mien_plugins.text.model import TextModel

if TYPE_CHECKING:
    from mien_plugins.fusion.mml_own import ClipBatches

PUBLIC: Final = ("text/olid", "text/hatexplain", "speech/manifest.csv")
REMEMBERED = 1000
"""Training pairs that imputation looks among."""
VALID_STREAM, TEST_STREAM, MEMORY_STREAM = 1_000_001, 1_000_002, 1_000_003


@dataclass(frozen=True)
class Plan:
    """How to train: widths as in the shipped file, which stays under a megabyte; the rest is the paper's (SEEDS §8)."""

    widths: tuple[int, ...] = (384, 192, 64)
    dropout: float = 0.3
    epochs: int = 150
    batch: int = 64
    rate: float = 1e-4
    decay: float = 0.99
    l2: float = 1e-4
    patience: int = 10
    budget: Budget = field(default_factory=Budget)


FULL = Plan()
QUICK = Plan(epochs=20, budget=Budget((300, 150, 200), 0))

Batch = tuple[Tensor, Tensor, Tensor, Tensor]
"""text (B, D), voice (B, D), present (B, 2) bool, target (B,)."""


class PairBatches(Dataset[Batch]):
    """The pairs of one epoch in batches, Moddrop's copies included; `draw` makes those of the next."""

    def __init__(self, material: Material, drop: bool, batch: int) -> None:
        self.said, self.voiced = torch.from_numpy(material.said.vectors), torch.from_numpy(material.voiced.vectors)
        self._material, self._drop, self._batch = material, drop, batch
        self._pairs = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
        self._rows, self._present = np.zeros(0, np.int64), np.zeros((0, 2), np.bool_)

    def draw(self, *seed: int, shuffled: bool) -> None:
        """Pair texts and voices anew."""
        rng = np.random.default_rng(seed)
        self._pairs = pair(self._material.said, self._material.voiced, rng)
        whole = np.ones((len(self._pairs), 2), np.bool_)
        copies = moddrop(whole)
        rows, present = (copies.rows, copies.present) if self._drop else (np.arange(len(whole)), whole)
        order = rng.permutation(len(rows)) if shuffled else np.arange(len(rows))
        self._rows, self._present = rows[order], present[order]

    @property
    def size(self) -> int:
        """Samples of an epoch, the copies included."""
        return len(self._rows)

    def __len__(self) -> int:
        copies = 3 if self._drop else 1
        return -(-3 * copies * len(self.said) // self._batch)

    def __getitem__(self, index: int) -> Batch:
        if index >= len(self):
            raise IndexError(index)
        at = slice(index * self._batch, (index + 1) * self._batch)
        rows = self._rows[at]
        return (
            self.said[self._pairs.text[rows]],
            self.voiced[self._pairs.voice[rows]],
            torch.from_numpy(self._present[at]),
            torch.from_numpy(self._pairs.target[rows]),
        )


class MmlBrain(RecipeBrain):
    """Cross-entropy against what the pairs count for, and the L2 constraint."""

    train_pairs: PairBatches | ClipBatches
    l2: float

    def compute_forward(self, batch: Batch, stage: Stage) -> Tensor:
        text, voice, present, _ = (part.to(self.device) for part in batch)
        logit: Tensor = self.modules.net(text, voice, present)
        return logit

    def compute_objectives(self, predictions: Tensor, batch: Batch, stage: Stage) -> Tensor:
        loss = F.binary_cross_entropy_with_logits(predictions, batch[3].to(self.device))
        return loss + self.l2 * self.modules.net.penalty() if stage == Stage.TRAIN else loss

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.train_pairs.draw(self.seed, self.result.epochs, shuffled=True)
        self._seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def observe(self, predictions: Tensor, batch: Batch, stage: Stage) -> None:
        self._seen.append((torch.sigmoid(predictions).cpu(), batch[3], batch[2]))

    def score(self, stage: Stage) -> dict[str, float]:
        score, truth, present = (torch.cat(part).numpy() for part in zip(*self._seen, strict=True))
        both = present.all(axis=1) if present.all(axis=1).any() else present.any(axis=1)
        hostile = (truth[both] >= THRESHOLD).astype(int)
        return {
            "rmse": rmse(truth[both], score[both]),
            "f1": macro_f1(hostile, (score[both] >= THRESHOLD).astype(int)),
        }


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
    moddrop: bool = True,
    neighbours: int = 0,
    label: str = "hate",
    batch: int = 0,
    rate: float = 0.0,
    dropout: float | None = None,
    l2: float | None = None,
    recalibrate: bool = False,
    plan: Plan | None = None,
) -> Card:
    """Embed, train, calibrate, measure, and write weights (float16), config and card into `out`.

    Args:
        data: folder of a manifest, or with `text/olid`, `text/hatexplain` and `speech/manifest.csv`.
        quick: fewer texts and epochs.
        work: embeddings, checkpoints and logs, by default `out/work`.
        moddrop: train on copies with one modality silenced too.
        neighbours: impute an absent modality by so many training pairs; 0 leaves zeros.
        label: the manifest's column of two classes.
        batch, rate, dropout, l2: instead of the plan's, where they are given.
        recalibrate: train nothing, calibrate and measure what `out` holds.
        plan: overrides `quick`.

    Raises:
        CorpusError: a corpus is missing, or a split has no voice of some delivery.
        UsageError: there is nothing in `out` to calibrate, or it learnt from other data.
        TrainingError: a loss that is not finite.
    """
    plan = plan or (QUICK if quick else FULL)
    given: dict[str, Any] = {name: value for name, value in (("batch", batch), ("rate", rate)) if value}
    given |= {name: value for name, value in (("dropout", dropout), ("l2", l2)) if value is not None}
    plan, work = replace(plan, **given), work or out / "work"
    if threads is not None:
        torch.set_num_threads(threads)
    if recalibrate:
        return _anew(out, data, device, work, progress)
    if has_manifest(data):
        from mien_plugins.fusion.mml_own import train as train_own

        run = {"device": device, "threads": threads, "resume": resume, "progress": progress}
        return train_own(
            data, out, quick=quick, seed=seed, work=work, moddrop=moddrop, neighbours=neighbours, label=label, plan=plan,
            given=given, run=run,
        )  # fmt: skip
    _require_public(data)
    models, made_with = cache_of(partial(encoders, device)), versions()
    cache = work / f"embedded-{_digest(data, plan.budget, made_with, seed)}"
    learnt, watched = (
        Material.make(data, split, models, plan.budget, seed, cache, progress) for split in ("train", "valid")
    )
    seed_everything(seed)
    net = MmlNet(MmlConfig(learnt.said.vectors.shape[1], learnt.voiced.vectors.shape[1], plan.widths, plan.dropout))
    net.fit_scale(torch.from_numpy(learnt.said.vectors), torch.from_numpy(learnt.voiced.vectors))
    train_pairs, valid_pairs = PairBatches(learnt, moddrop, plan.batch), PairBatches(watched, moddrop, 512)
    valid_pairs.draw(seed, VALID_STREAM, shuffled=False)
    per_epoch = len(train_pairs)
    brain = MmlBrain(
        {"net": net},
        partial(torch.optim.Adam, lr=plan.rate),
        work,
        device=device,
        threads=threads,
        seed=seed,
        patience=plan.patience,
        schedule=lambda update: plan.decay ** (update // per_epoch),
        resume=resume,
        progress=progress,
    )
    brain.train_pairs, brain.l2 = train_pairs, plan.l2
    result = brain.fit_best(
        plan.epochs, DataLoader(train_pairs, batch_size=None), DataLoader(valid_pairs, batch_size=None)
    )
    weights = {name: value.half() for name, value in brain.best_state("net").items()}
    if neighbours:
        weights |= remembered(learnt, seed)
    config = {
        "id": MODEL,
        "net": net.config.to_dict(),
        "moddrop": moddrop,
        "neighbours": neighbours,
        "encoders": made_with,
        "seed": seed,
        "quick": quick,
        "options": given,
        "budget": asdict(plan.budget),
        "epochs": result.epochs,
        "best_epoch": result.best_epoch,
        "pairs": 3 * len(learnt.said),
        "samples": train_pairs.size,
        "plan": {name: value for name, value in asdict(plan).items() if name not in ("budget", "widths")},
    }
    save_model(out, weights, config)
    on_pairs(out, watched, _pairs(watched, seed, VALID_STREAM), device)
    card = _measured(out, data, device, models, cache)
    write_card(out, card)
    return card


def _anew(model: Path, data: Path, device: str, work: Path, progress: bool) -> Card:
    """Calibrate and measure what was trained before; the weights stay as they are."""
    if not model.is_dir() or not files.weights(model):
        raise UsageError(f"There is no model to calibrate; name its folder with --out: {shown(model)}")
    config = files.read_json(model / "config.json")
    if bool(config.get("own")) != has_manifest(data):
        what = "a manifest of one's own" if config.get("own") else "the public corpora"
        raise UsageError(f"The model learnt from {what}; calibrate it on the same, not on what is in: {shown(data)}")
    if config.get("own"):
        from mien_plugins.fusion.mml_own import recalibrate as recalibrate_own

        return recalibrate_own(model, data, work, device)
    _require_public(data)
    models, budget, seed = cache_of(partial(encoders, device)), _budget(config), int(config["seed"])
    name = f"embedded-{_digest(data, budget, versions(), seed)}"
    kept = model / "work" / name
    cache = kept if kept.is_dir() else work / name
    watched = Material.make(data, "valid", models, budget, seed, cache, progress)
    on_pairs(model, watched, _pairs(watched, seed, VALID_STREAM), device)
    card = _measured(model, data, device, models, cache)
    write_card(model, card)
    return card


def _budget(config: Mapping[str, Any]) -> Budget:
    return Budget(tuple(config["budget"]["texts"]), config["budget"]["windows"])


def _pairs(material: Material, seed: int, stream: int) -> Pairs:
    return pair(material.said, material.voiced, np.random.default_rng([seed, stream]))


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure the model in a folder on test texts paired with test speakers, or on the test rows of a manifest."""
    if files.read_json(model / "config.json").get("own"):
        from mien_plugins.fusion.mml_own import evaluate as evaluate_own

        return evaluate_own(model, data, device=device)
    _require_public(data)
    return _measured(model, data, device, cache_of(partial(encoders, device)), None)


def _measured(
    model: Path, data: Path, device: str, models: Callable[[], tuple[TextModel, Reader]], cache: Path | None
) -> Card:
    from mien_plugins.fusion.mml_card import measure

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    material = Material.make(data, "test", models, _budget(config), config["seed"], cache)
    few = small(data, models, config["seed"])
    sample = few, _pairs(few, config["seed"], TEST_STREAM)
    return measure(model, config, material, _pairs(material, config["seed"], TEST_STREAM), sample, device)


def _require_public(data: Path) -> None:
    for name in PUBLIC:
        if not (data / name).exists():
            raise CorpusError(
                f"{MODEL} learns from a manifest.csv of one's own, or from {', '.join(PUBLIC)}; neither that nor {name} is in "
                f"the folder: {shown(data)}"
            )


def encoders(device: str = "cpu") -> tuple[TextModel, Reader]:
    """The text and voice models whose embeddings are read."""
    text, voice = (store.resolve(name) for name in ENCODERS)
    return TextModel.load(text, device), load_reader(voice)


def versions() -> dict[str, str]:
    """SHA-256 of the weights of each encoder."""
    return {name: str(files.read_json(store.resolve(name) / "config.json").get("sha256", "")) for name in ENCODERS}


def remembered(material: Material, seed: int) -> dict[str, Tensor]:
    """The training pairs that imputation looks among, for the weights file."""
    rng = np.random.default_rng([seed, MEMORY_STREAM])
    pairs = pair(material.said, material.voiced, rng)
    rows = rng.permutation(len(pairs))[:REMEMBERED]
    vectors = {"text": material.said.vectors[pairs.text[rows]], "voice": material.voiced.vectors[pairs.voice[rows]]}
    return {MEMORY + name: torch.from_numpy(block).half() for name, block in vectors.items()}


def _digest(data: Path, budget: Budget, made_with: Mapping[str, str], seed: int) -> str:
    """What embeddings hang on: another corpus, encoder, seed or amount makes them anew."""
    tables = [path for name in ("olid", "hatexplain") for path in sorted((data / "text" / name).iterdir())]
    about = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in (*tables, data / "speech" / "manifest.csv")]
    kept = [field.name for part in (Said, Voiced) for field in fields(part)]
    told = json.dumps([about, asdict(budget), dict(made_with), seed, kept], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]
