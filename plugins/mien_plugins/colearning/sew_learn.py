"""How SEW is trained: one step, from scratch, the losses of two auto-encoders, the correlation of their latents and the label.

L = α L1 + β L2 + γ L3 + L4 (thesis ch. 5.2.2): L1 and L2 are the squared errors of the strong modality's features as S_D1 makes
them from the weak latent and S_D2 from the strong one, L3 = −correlation of the latents, L4 the squared error of the label.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from mien.evaluation.metrics import ccc, rmse
from mien.training.dcca import dcca_loss
from mien.training.kit import RecipeBrain, Stage, seed_everything
from mien_plugins.colearning.sequences import Sequences
from mien_plugins.colearning.sew import Sew, SewConfig, SewOutput, WeakReader


@dataclass(frozen=True)
class SewPlan:
    """What one training does.

    Args:
        rounds, patience: validated after each round; it stops after so many without a better CCC.
        updates: of a round. batch: frames per update.
        rate, momentum, decay: of SGD (decay is not given in the thesis).
        alpha, beta, gamma: 0 is the thesis' "−S_D1", "−S_D2", "−CCA".
        cca_batch: frames that the correlation is taken over. The thesis takes the batch, where it is near its greatest value
            whatever the data is (see `mien.training.dcca`); more than the latent's width tells more.
    """

    rounds: int = 40
    patience: int = 8
    updates: int = 200
    batch: int = 32
    rate: float = 1e-3
    momentum: float = 0.7
    decay: float = 1e-4
    alpha: float = 1.0
    beta: float = 1.0
    gamma: float = 1.0
    k: int = 10
    r: float = 1e-3
    cca_batch: int = 32

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True)
class Frames:
    """weak (B, d), strong (B, D) and label (B,); the losses but the correlation read only the first `first`."""

    weak: Tensor
    strong: Tensor
    y: Tensor
    first: int

    def to(self, device: Any, **_: Any) -> Frames:
        """The same on `device` (SpeechBrain calls this)."""
        return Frames(self.weak.to(device), self.strong.to(device), self.y.to(device), self.first)


class DrawnFrames(IterableDataset[Frames]):
    """Frames of all recordings, drawn from torch's global generator."""

    def __init__(self, frames: Frames, plan: SewPlan) -> None:
        super().__init__()
        self.frames, self.plan = frames, plan

    def __len__(self) -> int:
        return self.plan.updates

    def __iter__(self) -> Iterator[Frames]:
        size = max(self.plan.batch, self.plan.cca_batch if self.plan.gamma else 0)
        for _ in range(self.plan.updates):
            rows = torch.randint(len(self.frames.y), (size,))
            yield Frames(self.frames.weak[rows], self.frames.strong[rows], self.frames.y[rows], self.plan.batch)


class SewBrain(RecipeBrain):
    """Trains `Sew`; the best round has the highest CCC on the validation recordings, read from the weak modality alone."""

    def __init__(self, net: Sew, plan: SewPlan, folder: Path, **options: Any) -> None:
        optimizer = partial(torch.optim.SGD, lr=plan.rate, momentum=plan.momentum, weight_decay=plan.decay)
        super().__init__({"net": net}, optimizer, folder, "ccc", "max", patience=plan.patience, **options)
        self.plan = plan
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def compute_forward(self, batch: Frames, stage: Stage) -> SewOutput:
        batch = batch.to(self.device)
        out: SewOutput = self.modules.net(batch.weak, batch.strong)
        return out

    def compute_objectives(self, predictions: SewOutput, batch: Frames, stage: Stage) -> Tensor:
        batch, n, plan, out = batch.to(self.device), batch.first, self.plan, predictions
        loss = F.mse_loss(out.label[:n], batch.y[:n])
        if stage != Stage.TRAIN:
            return loss
        if plan.alpha:
            loss = loss + plan.alpha * F.mse_loss(out.from_weak[:n], batch.strong[:n])
        if plan.beta:
            loss = loss + plan.beta * F.mse_loss(out.from_strong[:n], batch.strong[:n])
        if plan.gamma:
            loss = loss + plan.gamma * dcca_loss(out.m_strong, out.m_weak, k=plan.k, r=plan.r)
        return loss

    def begin(self, stage: Stage) -> None:
        self.seen = []

    def observe(self, predictions: SewOutput, batch: Frames, stage: Stage) -> None:
        self.seen.append((batch.y.cpu().numpy(), predictions.label.float().cpu().numpy()))

    def score(self, stage: Stage) -> dict[str, float]:
        truth, out = (np.concatenate(side) for side in zip(*self.seen, strict=True))
        return {"ccc": ccc(truth, out), "rmse": rmse(truth, out)}


def frames_of(sequences: Sequences, config: SewConfig) -> Frames:
    """Every frame of every recording."""
    weak, strong = (torch.from_numpy(np.concatenate(sequences.features[m])) for m in (config.weak, config.strong))
    return Frames(weak, strong, torch.from_numpy(sequences.truth()), len(weak))


def fit(
    train: Sequences, valid: Sequences, config: SewConfig, plan: SewPlan, folder: Path, *, seed: int = 0, **options: Any
) -> WeakReader:
    """Train on standardised features; what is left is W_E and R of the best round, ready to read."""
    seed_everything(seed)
    net = Sew(config)
    brain = SewBrain(net, plan, folder, seed=seed, **options)
    whole = frames_of(valid, config)
    held: Any = [
        Frames(whole.weak[i : i + 4096], whole.strong[i : i + 4096], whole.y[i : i + 4096], 4096)
        for i in range(0, len(whole.y), 4096)
    ]
    drawn = DrawnFrames(frames_of(train, config), plan)
    brain.fit_best(plan.rounds, DataLoader(drawn, batch_size=None), DataLoader(held, batch_size=None))
    return net.reader.eval()


@torch.no_grad()
def predict(net: WeakReader, sequences: Sequences, modality: str, device: str = "cpu") -> np.ndarray:
    """The label of every frame, one recording behind the other."""
    net = net.to(device).eval()
    rows = torch.from_numpy(np.concatenate(sequences.features[modality]))
    return np.concatenate([net(part.to(device))[0].float().cpu().numpy() for part in torch.split(rows, 4096)])
