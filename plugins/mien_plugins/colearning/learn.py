"""How the nets over sequences are trained: the teacher (or any unimodal net), and the student that it teaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from mien.evaluation.metrics import accuracy, ccc, rmse, weighted_f1
from mien.training.dcca import dcca_loss
from mien.training.kit import RecipeBrain, Stage, seed_everything
from mien_plugins.colearning.seqsew import StepDecoder, Unimodal, UnimodalConfig
from mien_plugins.colearning.sequences import Batch, Rounds, Sequences, add_noise, batches


@dataclass(frozen=True)
class Plan:
    """What one training does.

    Args:
        rounds: at most; after each the net is validated and saved. `patience`: rounds without a better one before it stops.
        passes: how often a round reads all sequences.
        batch: sequences per update; rate: Adam's.
        decay: of the weights, as AdamW does it; the thesis has none.
        noise: modality → standard deviation of the noise on its standardised features, in training and validation.
        alpha: weight of the correlation between teacher and student (L_a); 0 is the thesis' "−LFA".
        beta: weight of the decoder's error (L_t); 0 is "−Dec".
        k, r: of the correlation (`mien.training.dcca`).
        decoder: units of the decoder's GRU. The thesis has 250 for RECOLA's arousal and no number for MOSI, where it has as
            many as the student's m here.
    """

    rounds: int = 60
    patience: int = 12
    passes: int = 5
    batch: int = 32
    rate: float = 1e-4
    decay: float = 0.0
    noise: Mapping[str, float] = field(default_factory=dict)
    alpha: float = 0.0
    beta: float = 0.0
    k: int = 10
    r: float = 1e-3
    decoder: int = 250

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)


class StepBrain(RecipeBrain):
    """Trains a net on one modality; the best round has the least L_p on the validation sequences, or is simply the `last`.

    L_p is binary cross-entropy on the steps that are there (thesis eq. 5.12, with the minus sign that is missing there), or
    the squared error where the net is bounded (RECOLA).
    """

    def __init__(
        self,
        net: Unimodal,
        modality: str,
        plan: Plan,
        folder: Path,
        extra: Mapping[str, nn.Module] | None = None,
        last: bool = False,
        **options: Any,
    ) -> None:
        optimizer = partial(torch.optim.AdamW, lr=plan.rate, weight_decay=plan.decay)
        self.bounded = net.config.bounded
        modules = {"net": net, **(extra or {})}
        # RECOLA is chosen by what it is measured by.
        metric: dict[str, Any] = {"metric": "ccc", "mode": "max"} if self.bounded else {"metric": "bce", "mode": "min"}
        if last:
            metric = {"metric": "round", "mode": "max"}
        super().__init__(modules, optimizer, folder, patience=plan.patience, **metric, **options)
        self.modality, self.plan = modality, plan
        self.seen: list[tuple[np.ndarray, np.ndarray]] = []

    def compute_forward(self, batch: Batch, stage: Stage) -> dict[str, Tensor]:
        batch = batch.to(self.device)
        out, m = self.modules.net(batch.x[self.modality], batch.mask)
        return {"out": out, "m": m}

    def compute_objectives(self, predictions: dict[str, Tensor], batch: Batch, stage: Stage) -> Tensor:
        batch = batch.to(self.device)
        return primary_loss(predictions["out"][batch.mask], batch.y[batch.mask], self.bounded)

    def begin(self, stage: Stage) -> None:
        self.seen = []

    def observe(self, predictions: dict[str, Tensor], batch: Batch, stage: Stage) -> None:
        out = predictions["out"].float().cpu()[batch.mask.cpu()]
        self.seen.append((batch.y.cpu()[batch.mask.cpu()].numpy(), out.numpy()))

    def score(self, stage: Stage) -> dict[str, float]:
        truth, out = (np.concatenate(side) for side in zip(*self.seen, strict=True))
        number = {"round": self.result.epochs + 1.0} if self.metric == "round" else {}
        if self.bounded:
            return number | {"ccc": ccc(truth, out), "rmse": rmse(truth, out)}
        bce = float(F.binary_cross_entropy_with_logits(torch.from_numpy(out), torch.from_numpy(truth)))
        read = (out > 0).astype(int)
        return number | {"bce": bce, "accuracy": accuracy(truth, read), "weighted_f1": weighted_f1(truth, read)}


class StudentBrain(StepBrain):
    """Trains the student beside a frozen teacher: L = L_p + α L_a + β L_t (thesis ch. 5.2.3).

    L_a = −correlation of the teacher's and the student's m over all steps that are there; L_t = mean absolute error between
    the stronger modality's features and what the decoder makes of the student's m.
    """

    def __init__(
        self,
        net: Unimodal,
        teacher: Unimodal,
        weak: str,
        strong: str,
        plan: Plan,
        folder: Path,
        **options: Any,
    ) -> None:
        decoder = StepDecoder(teacher.config.size, plan.decoder)
        super().__init__(net, weak, plan, folder, {"decoder": decoder} if plan.beta else {}, **options)
        self.teacher = teacher.to(self.device).eval().requires_grad_(False)
        self.strong = strong

    def compute_objectives(self, predictions: dict[str, Tensor], batch: Batch, stage: Stage) -> Tensor:
        loss = super().compute_objectives(predictions, batch, stage)
        if stage != Stage.TRAIN:
            return loss
        batch = batch.to(self.device)
        strong, m = batch.x[self.strong], predictions["m"]
        if self.plan.alpha:
            with torch.no_grad():
                _, taught = self.teacher(strong, batch.mask)
            loss = loss + self.plan.alpha * dcca_loss(m[batch.mask], taught[batch.mask], k=self.plan.k, r=self.plan.r)
        if self.plan.beta:
            guessed = self.modules.decoder(m, batch.mask)
            loss = loss + self.plan.beta * F.l1_loss(guessed[batch.mask], strong[batch.mask])
        return loss


def primary_loss(out: Tensor, truth: Tensor, bounded: bool) -> Tensor:
    """L_p over steps (n,): squared error of a bounded output, else binary cross-entropy of a logit."""
    return F.mse_loss(out, truth) if bounded else F.binary_cross_entropy_with_logits(out, truth)


def fit(
    train: Sequences,
    valid: Sequences,
    modality: str,
    config: UnimodalConfig,
    plan: Plan,
    folder: Path,
    *,
    seed: int = 0,
    teacher: Unimodal | None = None,
    strong: str = "",
    **options: Any,
) -> Unimodal:
    """Train a unimodal net, as a student where there is a teacher; the net of the best round, ready to read.

    Args:
        train, valid: standardised features.
        folder: of checkpoints and log.
        strong: the teacher's modality.
        options: of `RecipeBrain` (device, threads, resume, progress); `last`: keep the last round, whatever the validation says.
    """
    seed_everything(seed)
    net = Unimodal(config)
    modalities = [modality] if teacher is None else [modality, strong]
    # What teaches is not disturbed: only the student's own features carry noise.
    noise = {modality: plan.noise.get(modality, 0.0)}
    brain = (
        StepBrain(net, modality, plan, folder, seed=seed, **options)
        if teacher is None
        else StudentBrain(net, teacher, modality, strong, plan, folder, seed=seed, **options)
    )
    fixed = torch.Generator().manual_seed(0)
    # One draw of noise for each of several copies: validation is then not at the mercy of a single one.
    copies = 3 if noise[modality] else 1
    held: Any = [add_noise(b, noise, fixed) for _ in range(copies) for b in batches(valid, modalities, plan.batch)]
    rounds = Rounds(train, modalities, plan.batch, plan.passes, noise)
    brain.fit_best(plan.rounds, DataLoader(rounds, batch_size=None), DataLoader(held, batch_size=None))
    return net.eval()


@torch.no_grad()
def predict(net: Unimodal, sequences: Sequences, modality: str, device: str = "cpu") -> np.ndarray:
    """What the net says of every step, one sequence behind the other: probability of 1, or the value where bounded."""
    net = net.to(device).eval()
    told = []
    for batch in batches(sequences, [modality], 32):
        batch = batch.to(device)
        out = net(batch.x[modality], batch.mask)[0][batch.mask]
        told.append((out if net.config.bounded else torch.sigmoid(out)).float().cpu().numpy())
    return np.concatenate(told)
