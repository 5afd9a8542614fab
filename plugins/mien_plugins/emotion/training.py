"""Fitting the nets to sounds with labels: the paper's on f1 or f2, the end-to-end one on log-mel spectra."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Dataset, Sampler

from mien.evaluation.metrics import ccc
from mien.training.kit import RecipeBrain, Stage
from mien.training.losses import ccc_loss, multi_task_mse
from mien_plugins.emotion.augment import Augment
from mien_plugins.emotion.joint import JointConfig, JointNet, name_layers
from mien_plugins.emotion.material import CLIP, NOISY_CLIP, NOISY_WINDOW, Material
from mien_plugins.emotion.net import TASKS, EmotionNet, NetConfig
from mien_plugins.emotion.norms import FAMILIES, family
from mien_plugins.emotion.reader import AnyConfig, AnyNet, make
from mien_plugins.emotion.spectral import padded

Floats = NDArray[np.float32]
Batch = tuple[tuple[Tensor, ...], Tensor, Tensor]
"""Inputs of the net with their lengths, labels (B, 3), number of the emotion family (B,)."""
Readings = list[tuple[Tensor, Tensor]]
"""Attributes and embedding by each net that is trained: those of a joint net, or the one."""


@dataclass(frozen=True)
class FitConfig:
    """How a net is fitted.

    loss: "mse", "ccc" for the concordance itself, "both" for their sum; "paper" for α·MSE + β·MSE + γ·MSE by Adam, the rate
    falling by the factor `falls` with each epoch and `decay` as squared L2 norm (Rana & Jha 2022). weights: of the errors in
    valence, arousal and dominance. names: weight of naming the emotion, an aid in training only. windows: share of
    the strung windows drawn each epoch; each clip comes once an epoch, as recorded (a share `clean` of the
    time) or in another room, and those of a smaller corpus so often that both weigh the same; with `every`, all sounds come each
    epoch. average: decay of the averaged weights. half: in bfloat16 where the processor computes in it.
    """

    epochs: int = 12
    batch: int = 128
    rate: float = 1.5e-3
    decay: float = 1e-4
    loss: Literal["mse", "ccc", "both", "paper"] = "both"
    weights: tuple[float, float, float] = (0.2, 0.1, 0.2)
    names: float = 0.0
    every: bool = True
    windows: float = 0.1
    clean: float = 0.3
    augment: Augment | None = None
    average: float = 0.99
    half: bool = False
    falls: float | None = None


class Sounds(Dataset[Batch]):
    """Batches of a material by lists of its rows."""

    def __init__(self, material: Material, net: AnyConfig, augment: Augment | None = None) -> None:
        self._material, self._net, self._augment = material, net, augment
        self._names = torch.tensor([FAMILIES.index(family(str(e))) for e in material.emotion])

    def __getitem__(self, rows: list[int]) -> Batch:
        material = self._material
        label = torch.from_numpy(material.label[rows])
        mid = torch.from_numpy(material.mid[rows]), torch.from_numpy(material.rows[rows])
        if isinstance(self._net, NetConfig):
            return mid, label, self._names[rows]
        heard = [material.heard(row).astype(np.float32) for row in rows]
        if self._augment is not None:
            rng = np.random.default_rng(int(torch.randint(1 << 62, ())))
            heard = [self._augment(h, rng) for h in heard]
            shortest = min(len(h) for h in heard)
            begins = [int(rng.integers(0, len(h) - shortest + 1)) for h in heard]
            heard = [h[b : b + shortest] for h, b in zip(heard, begins, strict=True)]
        spectra = padded(heard)
        return (*spectra, *mid) if isinstance(self._net, JointConfig) else spectra, label, self._names[rows]


class Epoch(Sampler[list[int]]):
    """The rows of an epoch in batches of about equal length, in another order each time."""

    def __init__(self, material: Material, config: FitConfig, shuffled: bool) -> None:
        self._material, self._config, self._shuffled = material, config, shuffled
        # A batch of one has no spread to normalise by: it goes with the one before.
        self._count = max(1, math.ceil((len(self._rows(np.random.default_rng(0))) - 1) / config.batch))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[list[int]]:
        size = self._config.batch
        if not self._shuffled:
            order = np.argsort(self._material.length, kind="stable")
            yield from (order[i : i + size].tolist() for i in range(0, len(order), size))
            return
        rng = np.random.default_rng(int(torch.randint(1 << 62, ())))
        rows = self._rows(rng)
        # Of about equal length, for they are cut to the shortest of their batch.
        rows = rows[np.argsort(self._material.length[rows] * rng.uniform(0.95, 1.05, len(rows)))]
        ends = [*range(size, size * self._count, size), len(rows)]
        batches = [rows[begin:end].tolist() for begin, end in zip([0, *ends], ends, strict=False)]
        yield from (batches[i] for i in rng.permutation(len(batches)))

    def _rows(self, rng: np.random.Generator) -> NDArray[np.int64]:
        material, config = self._material, self._config
        if config.every or not self._shuffled:
            return np.arange(len(material))
        chosen = []
        noisy, clean = (np.flatnonzero(material.kind == kind) for kind in (NOISY_CLIP, CLIP))
        names, sizes = np.unique(material.corpus[clean], return_counts=True)
        times = {name: round(sizes.max() / size) for name, size in zip(names, sizes, strict=True)}
        for recorded in clean.tolist():
            pool = noisy[material.clip[noisy] == material.clip[recorded]]
            for _ in range(times[material.corpus_of(recorded)]):
                hush = not len(pool) or rng.random() < config.clean
                chosen.append(recorded if hush else rng.choice(pool))
        strung = np.flatnonzero(material.kind == NOISY_WINDOW)
        strung = rng.choice(strung, int(config.windows * len(strung)), replace=False)
        return np.concatenate([np.array(chosen, np.int64), strung])


class EmotionBrain(RecipeBrain):
    """Trains on batches; its score is the mean CCC over the three tasks, and a search goes by their error."""

    judged = ("mse", "min")

    def compute_forward(self, batch: Batch, stage: Stage) -> Readings:
        inputs = [part.to(self.device) for part in batch[0]]
        net = self.modules.net
        return net.apart(*inputs) if isinstance(net, JointNet) else [net(*inputs)]

    def compute_objectives(self, predictions: Readings, batch: Batch, stage: Stage) -> Tensor:
        truth, emotion = batch[1].to(self.device), batch[2].to(self.device)
        each = [
            self._objective(values.float(), names(vectors).float(), truth, emotion)
            for (values, vectors), names in zip(predictions, self.modules.names, strict=True)
        ]
        return torch.stack(each).mean()

    def _objective(self, values: Tensor, named: Tensor, truth: Tensor, emotion: Tensor) -> Tensor:
        fit: FitConfig = self.hparams.fit
        if fit.loss == "paper":
            return multi_task_mse(values, truth, fit.weights)
        weight = torch.tensor(fit.weights, device=truth.device)
        weight = weight / weight.sum()
        loss = torch.zeros((), device=truth.device)
        if fit.loss != "ccc":
            loss = loss + 3.0 * (((values - truth) ** 2).mean(dim=0) * weight).sum()
        if fit.loss != "mse" and len(truth) > 1:
            per_task = torch.stack([ccc_loss(values[:, i], truth[:, i]) for i in range(len(TASKS))])
            loss = loss + per_task.mean()
        return loss + fit.names * cross_entropy(named, emotion, label_smoothing=0.1) if fit.names else loss

    def begin(self, stage: Stage) -> None:
        self._seen: list[tuple[Floats, Floats]] = []
        self._epoch = self.result.epochs + 1

    def observe(self, predictions: Readings, batch: Batch, stage: Stage) -> None:
        each = [values.float() for values, _ in predictions]
        net = self.modules.net
        values = net.together(each) if isinstance(net, JointNet) else each[0]
        self._seen.append((values.cpu().numpy(), batch[1].numpy()))

    def score(self, stage: Stage) -> dict[str, float]:
        """CCC of each task, their mean, the mean squared error, and the epoch itself (to keep the last of a fixed number)."""
        predicted, truth = (np.concatenate(part) for part in zip(*self._seen, strict=True))
        each = {name: ccc(truth[:, i], predicted[:, i]) for i, name in enumerate(TASKS)}
        error = float(((predicted - truth) ** 2).mean())
        return {**each, "ccc": float(np.mean(list(each.values()))), "mse": error, "epoch": float(self._epoch)}


def fit(
    train: Material,
    watch: Material,
    net: AnyConfig,
    config: FitConfig,
    folder: Path,
    *,
    seed: int = 0,
    device: str = "cpu",
    threads: int | None = 1,
    resume: bool = True,
    progress: bool = True,
) -> AnyNet:
    """Train for the configured number of epochs and return the averaged weights of the last one.

    Of nets that read together also the layers that name the emotion are kept, if names were learnt. `watch` is only looked
    at (its CCC goes to the log): nothing is chosen by it. Raises TrainingError on NaN.
    """
    torch.manual_seed(seed)
    model = make(net)
    members: list[Any] = list(model.members) if isinstance(model, JointNet) else [model]
    for member in members:
        if isinstance(member, EmotionNet):
            member.fit_scale(torch.from_numpy(train.mid), torch.from_numpy(train.rows))
    order = Epoch(train, config, True)
    updates = config.epochs * len(order)
    brain = EmotionBrain(
        {"net": model, "names": name_layers(members, len(FAMILIES))},
        partial(
            torch.optim.Adam if config.loss == "paper" else torch.optim.AdamW, lr=config.rate, weight_decay=config.decay
        ),
        folder,
        metric="epoch",
        mode="max",
        device=device,
        threads=threads,
        seed=seed,
        schedule=partial(_warm_cosine, total=updates)
        if config.falls is None
        else partial(_falling, by=config.falls, epoch=len(order)),
        ema=config.average or None,
        precision="bf16" if config.half and _computes_in_bf16(device) else "fp32",
        resume=resume,
        progress=progress,
        hparams={"fit": config},
    )
    brain.fit_best(
        config.epochs,
        DataLoader(Sounds(train, net, config.augment), batch_size=None, sampler=order),
        DataLoader(Sounds(watch, net), batch_size=None, sampler=Epoch(watch, config, False)),
    )
    fitted = make(net)
    fitted.load_state_dict(brain.best_state("net"))
    if isinstance(fitted, JointNet) and config.names:
        fitted.names = name_layers(fitted.members, len(FAMILIES))
        fitted.names.load_state_dict(brain.best_state("names"))
    return fitted.eval()


def predict(model: AnyNet, material: Material, batch: int = 64) -> Floats:
    """(N, 3) valence, arousal and dominance, clipped to [-1, 1]."""
    return _read(lambda *inputs: model(*inputs)[0].clamp(-1.0, 1.0), model, material, batch)


def predict_apart(model: JointNet, material: Material, batch: int = 64) -> Floats:
    """(N, members, 3) what each member says, not clipped, or (N, members, 3 + K) with the logits of K names behind it."""

    def ask(*inputs: Tensor) -> Tensor:
        values, vectors = zip(*model.apart(*inputs), strict=True)
        if model.names is None:
            return torch.stack(values, dim=1)
        return torch.cat([torch.stack(values, dim=1), torch.stack(model.named(vectors), dim=1)], dim=2)

    return _read(ask, model, material, batch)


def _read(ask: Callable[..., Tensor], model: AnyNet, material: Material, batch: int) -> Floats:
    """What a net answers on batches of about equal length, in the material's order."""
    sounds, order = Sounds(material, model.config), np.argsort(material.length, kind="stable")
    device = next(model.parameters()).device
    answers = []
    with torch.inference_mode():
        for i in range(0, len(order), batch):
            inputs, *_ = sounds[order[i : i + batch].tolist()]
            answers.append(ask(*(part.to(device) for part in inputs)).cpu().numpy())
    read = np.concatenate(answers)
    values = np.empty_like(read)
    values[order] = read
    return values


def _computes_in_bf16(device: str) -> bool:
    """Whether bfloat16 is faster there than single precision; a processor without it would imitate it, slowly."""
    if torch.device(device).type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return torch.device(device).type == "cuda" and torch.cuda.is_bf16_supported()


def _warm_cosine(step: int, total: int) -> float:
    return min(1.0, (step + 1) / 100.0) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / total)))


def _falling(step: int, by: float, epoch: int) -> float:
    return float(by ** (step // epoch))
