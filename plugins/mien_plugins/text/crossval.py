"""Davidson et al.'s tweets (hate, offensive, neither) by cross-validation: they have no official split.

In each fold a new head and the encoder's last layers learn from the other folds, from the shipped encoder on; what lies
below is left as it is and computed once for all folds, which makes five trainings affordable on a CPU.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.training.kit import seed_everything
from mien_plugins.text.clean import clean
from mien_plugins.text.data import HATE, Texts
from mien_plugins.text.model import TextModel
from mien_plugins.text.net import pool
from mien_plugins.text.tokens import Batch

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CrossValidation:
    """How it is done. layers: of the encoder, from the top, that learn; power: classes weigh frequency ** -power."""

    layers: int = 2
    epochs: int = 2
    batch_tokens: int = 1024
    rate: float = 2e-4
    head_rate: float = 1e-3
    decay: float = 0.01
    warmup: float = 0.1
    power: float = 0.5


def assign_folds(texts: Texts, folds: int, seed: int = 0) -> Ints:
    """Fold (N,) of each text, stratified by class; texts that are equal after cleaning share one."""
    rng = np.random.default_rng(seed)
    groups: dict[str, list[int]] = {}
    for row, text in enumerate(texts.text):
        groups.setdefault(clean(text).lower(), []).append(row)
    found = np.zeros(len(texts), np.int64)
    for label in np.unique(texts.target):
        own = [rows for rows in groups.values() if texts.target[rows[0]] == label]
        for place, g in enumerate(rng.permutation(len(own))):
            found[own[g]] = place % folds
    return found


def known(texts: Texts, others: Sequence[Texts]) -> NDArray[np.bool_]:
    """Which texts (N,) equal one of ``others`` after cleaning: what the encoder has learnt from is not measured."""
    seen = {clean(text).lower() for part in others for text in part.text}
    return np.array([clean(text).lower() in seen for text in texts.text])


def cross_validate(
    model: TextModel, texts: Texts, fold: Ints, plan: CrossValidation | None = None, seed: int = 0
) -> NDArray[np.float32]:
    """P(hate, offensive, neither) (N, 3) of every text by a net that did not learn from its ``fold`` (N,)."""
    plan = plan or CrossValidation()
    lower, upper = _split(model, plan.layers)
    windows = model.pieces.windows([clean(text) for text in texts.text], 64, "truncate")
    batches = model.pieces.batches(windows, plan.batch_tokens)
    states = [_lower(model, lower, batch) for batch in batches]
    found = np.zeros((len(texts), len(HATE)), np.float32)
    for number in np.unique(fold).tolist():
        seed_everything(seed + number)
        net = _Top(copy.deepcopy(upper), model.settings.net.width, len(HATE)).to(model.device)
        _learn(net, batches, states, texts.target, fold != number, plan, np.random.default_rng((seed, number)))
        net.eval()
        for rows, inputs, mask in _batches(batches, states, fold == number):
            with torch.inference_mode():
                found[rows] = net(inputs.to(model.device), mask.to(model.device)).softmax(1).cpu().numpy()
    return found


class _Top(nn.Module):
    """The layers that learn, mean pooling and a new head."""

    def __init__(self, layers: nn.ModuleList, width: int, classes: int) -> None:
        super().__init__()
        self.layers, self.drop, self.head = layers, nn.Dropout(0.1), nn.Linear(width, classes)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        for layer in self.layers:
            states = layer(states, src_key_padding_mask=mask == 0)
        out: Tensor = self.head(self.drop(pool(states, mask, "mean")))
        return out


def _split(model: TextModel, count: int) -> tuple[nn.ModuleList, nn.ModuleList]:
    layers = model.net.encoder.layers.layers
    cut = len(layers) - count
    return nn.ModuleList(layers[:cut]), nn.ModuleList(layers[cut:])


@torch.inference_mode()
def _lower(model: TextModel, layers: nn.ModuleList, batch: Batch) -> Tensor:
    """Hidden states (B, T, width) below the layers that learn, in half precision: they are kept for all texts."""
    ids, mask = model.tensors(batch)
    states = model.net.encoder.embeddings(model.net.embed(ids))
    for layer in layers:
        states = layer(states, src_key_padding_mask=mask == 0)
    kept: Tensor = states.half().cpu()
    return kept


def _batches(
    batches: Sequence[Batch], states: Sequence[Tensor], wanted: NDArray[np.bool_], order: Any = None
) -> Iterator[tuple[Ints, Tensor, Tensor]]:
    """(rows of the texts, states, mask) of the wanted ones of each batch."""
    for i in range(len(batches)) if order is None else order:
        rows = np.array([window.text for window in batches[i].windows])
        keep = np.flatnonzero(wanted[rows])
        if len(keep):
            yield rows[keep], states[i][keep].float().clone(), torch.from_numpy(batches[i].mask[keep])


def _learn(
    net: _Top,
    batches: Sequence[Batch],
    states: Sequence[Tensor],
    target: Ints,
    wanted: NDArray[np.bool_],
    plan: CrossValidation,
    rng: np.random.Generator,
) -> None:
    device = net.head.weight.device
    share = np.bincount(target[wanted], minlength=len(HATE)) / wanted.sum()
    weight = torch.from_numpy(np.maximum(share, 1e-6) ** -plan.power).float().to(device)
    groups = [
        {"params": net.layers.parameters(), "lr": plan.rate},
        {"params": net.head.parameters(), "lr": plan.head_rate},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=plan.decay)
    total = plan.epochs * len(batches)
    warm = max(1, round(plan.warmup * total))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, max(0.0, (total - step) / max(1, total - warm)))
    )
    net.train()
    for _ in range(plan.epochs):
        for rows, inputs, mask in _batches(batches, states, wanted, rng.permutation(len(batches))):
            out = net(inputs.to(device), mask.to(device))
            loss: Any = nn.functional.cross_entropy(out, torch.from_numpy(target[rows]).to(device), weight=weight)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
