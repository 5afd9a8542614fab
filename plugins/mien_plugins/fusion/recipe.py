"""How an attention fusion is made and measured (`mien train fusion-attention --set strategy=…`).

Faces, voices and texts are embedded once (`items`) and paired by the emotion they show into sequences (`draw`), new ones in
every epoch. The net reads the seven emotions, valence and arousal at each step; the losses are cross-entropy and concordance.
Beside the net that is kept, the same net is trained without Moddrop and with it, to be compared with every subset of
modalities missing (`measure`). What is kept was trained on every subset: Moddrop never leaves one modality alone, and the
cross-modal net, whose attention needs two, reads one alone no better than by chance then.

Where --data has a manifest, it is learnt from instead (`own_recipe`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from mien.errors import UsageError, shown
from mien.evaluation.metrics import balanced_accuracy, ccc
from mien.models import files
from mien.tracks.quantity import EXPRESSIONS
from mien.training.card import Card, Metric
from mien.training.kit import RecipeBrain, Stage, save_model, seed_everything
from mien.training.losses import ccc_loss
from mien_plugins.fusion import public_model
from mien_plugins.fusion.attention import build
from mien_plugins.fusion.draw import STEP, Dropping, Pools, copies
from mien_plugins.fusion.items import MODALITIES, PARTS, Items, read_items
from mien_plugins.fusion.measure import HELD, measured, read_all, remembered
from mien_plugins.fusion.own_data import has_manifest
from mien_plugins.fusion.plan import FULL, QUICK, Plan
from mien_plugins.fusion.pooled import PooledConfig
from mien_plugins.fusion.sequence import SequenceConfig
from mien_plugins.fusion.timed import Reading, TimedNet

RECIPE: Final = "fusion-attention"
POOLED: Final = ("intra", "cross", "intra-cross")
HOSTILE: Final = tuple(EXPRESSIONS.index(name) for name in ("angry", "disgust"))
WINDOW: Final = 8
"""Steps that nets with statistical pooling look at."""


Batch = tuple[tuple[Tensor, ...], Tensor, Tensor, Tensor, Tensor]
"""Vectors, mask (B, L, M), label (B, T), affect (B, T, 2), kept (B, T): which steps count in the loss."""


class Drawn(IterableDataset[Batch]):
    """The batches of an epoch, or, where a seed is fixed, always the same."""

    def __init__(self, pools: Pools, plan: Plan, net: TimedNet, dropping: Dropping, seed: int, *, fixed: bool) -> None:
        self.pools, self.plan, self.dropping, self.seed, self.fixed = pools, plan, dropping, seed, fixed
        self.epoch, self.context = 0, net.context

    def __len__(self) -> int:
        return 8 if self.fixed else self.plan.updates

    def __iter__(self) -> Iterator[Batch]:
        steps = self.context + 1 if self.context else self.plan.steps
        fewer = len(copies(1, self.dropping))
        # Windows of nets with statistical pooling give one reading each, sequences one a step: more windows, then.
        count = max(1, self.plan.batch * (1 if self.context == 0 else 4) // fewer)
        for index in range(len(self)):
            rng = np.random.default_rng([self.seed, 0 if self.fixed else self.epoch, index])
            sequences = self.pools.draw(rng, count, steps)
            which = copies(count, self.dropping)
            mask = sequences.somebody[which.rows][:, :, None] & which.present[:, None, :]
            at = slice(self.context, None)
            yield (
                self.pools.gather(sequences.rows[:, which.rows]),
                torch.from_numpy(mask),
                torch.from_numpy(sequences.label[which.rows][:, at]),
                torch.from_numpy(sequences.affect[which.rows][:, at]),
                torch.from_numpy(sequences.somebody[which.rows][:, at]),
            )


class FusionBrain(RecipeBrain):
    """Cross-entropy of the emotion, concordance of valence and arousal; scored by both on validation sequences."""

    plan: Plan
    drawn: Drawn

    def compute_forward(self, batch: Batch, stage: Stage) -> Reading:
        x, mask = [part.to(self.device) for part in batch[0]], batch[1].to(self.device)
        net = self.modules.net
        if stage == Stage.TRAIN and self.plan.noise:
            scales = (scale.deviation for scale in net.scales)
            x = [part + self.plan.noise * s * torch.randn_like(part) for part, s in zip(x, scales, strict=True)]
        reading: Reading = net(x, mask)
        return reading

    def compute_objectives(self, predictions: Reading, batch: Batch, stage: Stage) -> Tensor:
        label, affect, kept = (part.to(self.device) for part in batch[2:])
        assert predictions.logits is not None
        assert predictions.affect is not None
        loss = F.cross_entropy(predictions.logits[kept], label[kept], label_smoothing=0.05)
        near = torch.stack([ccc_loss(predictions.affect[..., i][kept], affect[..., i][kept]) for i in range(2)])
        return loss + near.mean()

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.drawn.epoch = self.result.epochs + 1
        self._seen: list[tuple[Tensor, ...]] = []

    def observe(self, predictions: Reading, batch: Batch, stage: Stage) -> None:
        kept = batch[4]
        assert predictions.logits is not None
        assert predictions.affect is not None
        said = predictions.logits.cpu()[kept].argmax(-1), predictions.affect.cpu()[kept]
        self._seen.append((*said, batch[2][kept], batch[3][kept]))

    def score(self, stage: Stage) -> dict[str, float]:
        guess, said, label, affect = (torch.cat(part).numpy() for part in zip(*self._seen, strict=True))
        found = {
            "balanced_accuracy": balanced_accuracy(label, guess),
            "valence": ccc(affect[:, 0], said[:, 0]),
            "arousal": ccc(affect[:, 1], said[:, 1]),
        }
        return {**found, "both": (found["balanced_accuracy"] + (found["valence"] + found["arousal"]) / 2) / 2}


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
    strategy: str = "concat",
    moddrop: Dropping = "every",
    compare: bool = True,
    features: Path | None = None,
    label: str = "emotion",
    epochs: int = 0,
    batch: int = 0,
    rate: float = 0.0,
    size: int = 0,
    dropout: float | None = None,
    task: str = "auto",
    sequence: int = 0,
    recalibrate: bool = False,
    plan: Plan | None = None,
) -> Card:
    """Train one strategy, calibrate and measure it; write weights, config and card into `out`.

    Args:
        data: folder of the corpora, or of a manifest.
        quick: few items and short epochs.
        work: checkpoints and logs, by default `out/work`.
        strategy: see `info.AttentionTraining`, and the other options.
        recalibrate: train nothing, calibrate and measure what `out` holds.
        plan: overrides `quick`.

    Raises:
        CorpusError, FileNotFoundError: a corpus is missing.
        UsageError: `out` holds the fusion of another strategy; an option that only a manifest has.
        TrainingError: a loss that is not finite.
    """
    work = work or out / "work"
    if recalibrate:
        return _anew(data, out, device, features or work)
    asked = {"epochs": epochs, "batch": batch, "rate": rate, "size": size}
    own = {name: value for name, value in asked.items() if value} | ({} if dropout is None else {"dropout": dropout})
    if has_manifest(data):
        from mien_plugins.fusion.own_card import DEFAULTS
        from mien_plugins.fusion.own_recipe import train as train_own

        _check_strategy(out, strategy)
        run = {"device": device, "threads": threads, "resume": resume, "progress": progress}
        if _traced(data, task, label):
            from mien_plugins.fusion.traced_card import DEFAULTS as OVER_TIME
            from mien_plugins.fusion.traced_recipe import train as train_traced

            chosen = OVER_TIME | own | ({"sequence": sequence} if sequence else {})
            return train_traced(
                data, out, quick=quick, seed=seed, work=work, strategy=strategy, moddrop=moddrop, run=run, **chosen
            )
        if sequence:
            raise UsageError("sequence is an option of trainings on valence and arousal over time (--set task=affect).")
        chosen = DEFAULTS | own
        return train_own(
            data, out, quick=quick, seed=seed, work=work, strategy=strategy, moddrop=moddrop, label=label,
            run=run, **chosen,
        )  # fmt: skip
    given = [*own, *(["label"] if label != "emotion" else []), *(["task"] if task != "auto" else [])]
    if given := [*given, *(["sequence"] if sequence else [])]:
        raise UsageError(
            f"{given[0]} is an option of trainings on a manifest of one's own, and --data has no manifest.csv: {shown(data)}"
        )
    plan = plan or (QUICK if quick else FULL)
    _check_strategy(out, strategy)
    items = read_items(data, features or work, plan.budget, device)
    pools = {part: Pools({name: of.of(part) for name, of in items.items()}) for part in PARTS}
    config = config_of(strategy, items, plan)
    ways: tuple[Dropping, ...] = ("off", "single", "every") if compare else (moddrop,)
    figures: list[Metric] = []
    for way in ways:
        options = {"device": device, "seed": seed, "threads": threads, "resume": resume, "progress": progress}
        net, epoch = _fit(config, pools, plan, way, work / way, options)
        if way == moddrop:
            kept, best = net, epoch
            continue
        figures += measured(read_all(net, pools["test"], plan.held, HELD["test"]), plan.repeats, way)
    weights = {name: _halved(value) for name, value in kept.state_dict().items()} | remembered(
        kept, pools["train"], plan
    )
    config |= {
        "imputes": kept.imputes,
        "id": RECIPE,
        "strategy": strategy,
        "moddrop": moddrop,
        "compare": compare,
        "quick": quick,
        "seed": seed,
        "plan": asdict(plan),
        "best_epoch": best,
        "compared": [asdict(metric) for metric in figures],
        "items": {name: {part: len(of.of(part)) for part in PARTS} for name, of in items.items()},
    }
    save_model(out, weights, config)
    return public_model.recalibrate(out, data, device, features or work)


def evaluate(model: Path, data: Path, *, device: str = "cpu", features: Path | None = None) -> Card:
    """Measure a model on held-out faces, speakers and texts, with every subset of modalities missing.

    Args:
        features: folder with embeddings that were kept, or None to embed anew.

    Raises:
        ModelError: the folder holds no attention fusion.
    """
    from tempfile import TemporaryDirectory

    if _is_traced(model):
        from mien_plugins.fusion.traced_recipe import evaluate as evaluate_traced

        return evaluate_traced(model, data, device=device)
    if _is_own(model):
        from mien_plugins.fusion.own_recipe import evaluate as evaluate_own

        return evaluate_own(model, data, device=device)
    with TemporaryDirectory() as place:
        return public_model.evaluate(model, data, device, features or Path(place))


def _anew(data: Path, out: Path, device: str, features: Path) -> Card:
    """Calibrate and measure the model in `out` again."""
    if not out.is_dir() or not files.weights(out):
        raise UsageError(f"There is no model to calibrate; name its folder with --out: {shown(out)}")
    if _is_traced(out):
        raise UsageError(f"The model reads valence and arousal, of which nothing is calibrated: {shown(out)}")
    if _is_own(out):
        from mien_plugins.fusion.own_recipe import recalibrate as recalibrate_own

        return recalibrate_own(data, out, features, device)
    if has_manifest(data):
        raise UsageError(f"The model learnt from public corpora, and --data has a manifest of one's own: {shown(data)}")
    return public_model.recalibrate(out, data, device, features)


def _is_own(model: Path) -> bool:
    return bool(files.read_json(model / "config.json").get("own"))


def _is_traced(model: Path) -> bool:
    return files.read_json(model / "config.json").get("task") == "affect"


def _traced(data: Path, task: str, label: str) -> bool:
    """Whether valence and arousal over time are learnt: as asked, else where a manifest has them and no emotion."""
    from mien.training.manifest_file import read_manifest

    if task != "auto":
        return task == "affect"
    names = {known.name for known in read_manifest(data).labels}
    return label == "emotion" and "emotion" not in names and {"valence", "arousal"} <= names


def _check_strategy(out: Path, strategy: str) -> None:
    before = files.read_json(out / "config.json").get("strategy", strategy)
    if before != strategy:
        raise UsageError(
            f"--out holds the fusion {before}, which {strategy} would overwrite; name another: {shown(out)}"
        )


def config_of(strategy: str, items: dict[str, Items], plan: Plan) -> dict[str, Any]:
    """What `attention.build` makes the net of a strategy from."""
    widths = tuple(items[name].vectors.shape[1] for name in MODALITIES)
    net: SequenceConfig | PooledConfig
    if strategy in POOLED:
        net = PooledConfig(
            MODALITIES,
            widths,
            strategy,  # type: ignore[arg-type]
            steps=(WINDOW,) * 3,
            mixed=(0, WINDOW // 2, WINDOW // 2),
            hidden=plan.encoder,
            heads=plan.heads,
            dense=plan.dense,
            classes=len(EXPRESSIONS),
            hostile=HOSTILE,
        )
    else:
        net = SequenceConfig(
            MODALITIES,
            widths,
            strategy,  # type: ignore[arg-type]
            width=plan.width,
            inner=plan.inner,
            heads=plan.heads,
            hidden=plan.hidden,
            classes=len(EXPRESSIONS),
            hostile=HOSTILE,
            dropout=plan.dropout,
        )
    family = "pooled" if strategy in POOLED else "sequence"
    return {"family": family, "net": net.to_dict(), "step": STEP, "classes": list(EXPRESSIONS)}


def _fit(
    config: dict[str, Any], pools: dict[str, Pools], plan: Plan, way: Dropping, folder: Path, options: dict[str, Any]
) -> tuple[TimedNet, int]:
    """The net of the best epoch, and its number."""
    seed_everything(options["seed"])
    net = build(config)
    scales: Any = net.scales
    for scale, vectors in zip(scales, pools["train"].vectors, strict=True):
        scale.fit(vectors)
    total = plan.epochs * plan.updates
    brain = FusionBrain(
        {"net": net},
        partial(torch.optim.AdamW, lr=plan.rate, weight_decay=plan.decay),
        folder,
        metric="both",
        mode="max",
        schedule=lambda n: min(1.0, (n + 1) / 30) * (0.5 * (1 + math.cos(math.pi * min(1.0, n / total))) + 1e-3),
        **options,
    )
    brain.plan = plan
    brain.drawn = Drawn(pools["train"], plan, net, way, options["seed"], fixed=False)
    valid = Drawn(pools["valid"], plan, net, way, HELD["valid"] + 1, fixed=True)
    loader = partial(DataLoader, batch_size=None)
    brain.fit_best(plan.epochs, loader(brain.drawn), loader(valid))
    fitted = build(config)
    fitted.load_state_dict(brain.best_state("net"))
    return fitted.eval(), brain.result.best_epoch


def _halved(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value
