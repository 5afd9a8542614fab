"""How ConflictNET is made and measured (`mien train conflictnet`, `mien evaluate conflictnet`).

It learns from conversations simulated from real speech, of the speakers in `speech/manifest.csv` (`takes.load_voices`).
Every training clip is new: clip `i` of update `u` follows from (seed, u, i) alone. Speakers are split: none of those that
validate or test is trained on. Of EmoDB, in another language, nothing is trained on or chosen by: four of its speakers
calibrate beside those that validate, for probabilities must hold for strangers too, and the others test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from mien.evaluation.metrics import pearson, rmse
from mien.training.card import Card, write_card
from mien.training.kit import RecipeBrain, Stage, save_model
from mien.training.losses import pearson_loss
from mien_plugins.conflict.features import normalise
from mien_plugins.conflict.net import RATE, SECONDS, STEP_SAMPLES, ConflictNet, Gates, Variant
from mien_plugins.conflict.simulate import FRAME, Conversation, simulate
from mien_plugins.conflict.takes import Voice, load_voices

Schedule = Literal["one-cycle", "thesis"]

RECIPE = "conflictnet"
TRAIN = tuple(f"ravdess/{i:02d}" for i in range(1, 15))
VALID = ("ravdess/15", "ravdess/16")
CALIBRATE = {"ravdess": VALID, "emodb": tuple(f"emodb/{i:02d}" for i in (3, 8, 9, 10))}
TEST = {
    "ravdess": tuple(f"ravdess/{i:02d}" for i in range(17, 21)),
    "emodb": tuple(f"emodb/{i:02d}" for i in range(11, 17)),
}
# One stream of random numbers for each part, so that no clip of one is ever drawn in another.
VALID_STREAM, TEST_STREAM, CALIBRATION_STREAM = 1_000_001, 1_000_002, 1_000_101


@dataclass(frozen=True)
class Phase:
    """`updates` batches of `batch` simulated clips of `seconds` s."""

    seconds: float
    batch: int
    updates: int


@dataclass(frozen=True)
class Plan:
    """How to train.

    Short clips come first: their frames teach the convolutions who speaks, and how, at a third of the cost.
    `schedule`: "one-cycle" (peak `lr`) or "thesis" (lr 0.01 / (1 + 0.6 n) at update n). `auxiliary`: weight
    of the frame-wise targets (speech, overlap, effort), which only training sees; `mse`: weight of the
    squared error beside 1 - Pearson, which alone leaves scale and offset open. `calibration_clips`, `alone_clips` (of one
    voice): of each corpus.
    """

    phases: tuple[Phase, ...] = (Phase(8.0, 32, 100), Phase(SECONDS, 16, 75))
    validate_every: int = 25
    valid_clips: int = 64
    calibration_clips: int = 256
    alone_clips: int = 60
    lr: float = 2e-3
    schedule: Schedule = "one-cycle"
    auxiliary: float = 0.5
    mse: float = 0.5
    gates: Gates = "hard_sigmoid"

    @property
    def updates(self) -> int:
        return sum(phase.updates for phase in self.phases)

    def phase(self, update: int) -> Phase:
        """The phase that update number `update` (from 0) belongs to."""
        for phase in self.phases:
            if update < phase.updates:
                return phase
            update -= phase.updates
        return self.phases[-1]


QUICK = Plan()
FULL = Plan(phases=(Phase(8.0, 32, 500), Phase(SECONDS, 16, 600)), validate_every=50, valid_clips=128)


@dataclass(frozen=True)
class Batch:
    """Clips ready for the net.

    x: (B, n), normalised. intensity: (B,). frames: (B, steps, 3), speech, overlap and effort at each step of
    the net. speakers: (B,), how many speak. seconds: (B,), length without padding.
    """

    x: Tensor
    intensity: Tensor
    frames: Tensor
    speakers: Tensor
    seconds: Tensor

    def to(self, device: Any) -> Batch:
        return replace(self, x=self.x.to(device), intensity=self.intensity.to(device), frames=self.frames.to(device))


def collate(clips: Sequence[Conversation]) -> Batch:
    """Conversations of one length as a batch."""
    x = torch.from_numpy(normalise(np.stack([clip.samples for clip in clips])))
    frames = torch.from_numpy(np.stack([clip.frames for clip in clips]))
    steps = x.shape[1] // STEP_SAMPLES
    frames = F.interpolate(frames[:, :, : steps * STEP_SAMPLES // FRAME], size=steps, mode="area").transpose(1, 2)
    return Batch(
        x,
        torch.tensor([clip.intensity for clip in clips], dtype=torch.float32),
        frames,
        torch.tensor([len(clip.speakers) for clip in clips]),
        torch.tensor([clip.seconds for clip in clips]),
    )


class Simulated(Dataset[Batch]):
    """Batches of the training, simulated when asked for. `epoch` says which ones."""

    def __init__(self, voices: Sequence[Voice], plan: Plan, seed: int) -> None:
        self.voices, self.plan, self.seed, self.epoch = voices, plan, seed, 0

    def __len__(self) -> int:
        return self.plan.validate_every

    def __getitem__(self, index: int) -> Batch:
        if index >= len(self):
            raise IndexError(index)
        update = self.epoch * len(self) + index
        phase = self.plan.phase(update)
        rngs = [np.random.default_rng([self.seed, update, i]) for i in range(phase.batch)]
        return collate([simulate(self.voices, rng, phase.seconds) for rng in rngs])


class Fixed(Dataset[Batch]):
    """Batches that are always the same."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        return self.batches[index]


def held_out(voices: Sequence[Voice], clips: int, stream: int, batch: int = 16) -> list[Batch]:
    """`clips` conversations of 30 s for validation or test, always the same."""
    made = [simulate(voices, np.random.default_rng([stream, i])) for i in range(clips)]
    return [collate(made[i : i + batch]) for i in range(0, clips, batch)]


def one_voice(voices: Sequence[Voice], clips: int, stream: int, batch: int = 16) -> list[Batch]:
    """`clips` recordings of 30 s in which one speaker talks alone, always the same."""
    made = [simulate(voices, np.random.default_rng([stream, i]), speakers=1) for i in range(clips)]
    return [collate(made[i : i + batch]) for i in range(0, clips, batch)]


class ConflictBrain(RecipeBrain):
    """Trains `net` with a frame-wise head `aux` beside it, which is thrown away."""

    plan: Plan
    train_clips: Simulated

    def compute_forward(self, batch: Batch, stage: Stage) -> tuple[Tensor, Tensor]:
        hidden = self.modules.net.hidden(batch.to(self.device).x)
        return self.modules.net.read(hidden), self.modules.aux(hidden)

    def compute_objectives(self, predictions: tuple[Tensor, Tensor], batch: Batch, stage: Stage) -> Tensor:
        score, frames = predictions
        batch = batch.to(self.device)
        loss = pearson_loss(score, batch.intensity) + self.plan.mse * F.mse_loss(score, batch.intensity)
        return loss + self.plan.auxiliary * frame_loss(frames, at_steps(batch.frames, frames.shape[1]))

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.train_clips.epoch = self.result.epochs
        self._seen: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

    def observe(self, predictions: tuple[Tensor, Tensor], batch: Batch, stage: Stage) -> None:
        score, frames = predictions
        self._seen.append((score.cpu(), batch.intensity, frames.cpu(), at_steps(batch.frames, frames.shape[1])))

    def score(self, stage: Stage) -> dict[str, float]:
        score, truth, frames, target = (torch.cat(part).numpy() for part in zip(*self._seen, strict=True))
        return {
            "pearson": pearson(truth, score),
            "rmse": rmse(truth, score),
            **{  # how well the frame-wise head follows
                f"frame_{name}": pearson(target[..., k], frames[..., k])
                for k, name in enumerate(("speech", "overlap", "effort"))
            },
        }


def at_steps(frames: Tensor, steps: int) -> Tensor:
    """Targets (B, S, 3) at each step of a net that has another number of them: variants without average pooling do."""
    if frames.shape[1] == steps:
        return frames
    return F.interpolate(frames.transpose(1, 2), size=steps, mode="nearest").transpose(1, 2)


def frame_loss(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy of speech and of overlap, and the squared error of effort where anyone speaks."""
    speech = F.binary_cross_entropy_with_logits(output[..., 0], target[..., 0])
    overlap = F.binary_cross_entropy_with_logits(output[..., 1], target[..., 1])
    error = (output[..., 2] - target[..., 2]).square() * target[..., 0]
    return speech + overlap + 4.0 * error.sum() / target[..., 0].sum().clamp_min(1.0)


def schedule_of(plan: Plan) -> Callable[[int], float]:
    """Factor on the learning rate at update n."""
    if plan.schedule == "thesis":
        return lambda n: 1.0 / (1.0 + 0.6 * n)
    warm = max(1, plan.updates // 12)

    def one_cycle(n: int) -> float:
        if n < warm:
            return (n + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * min(1.0, (n - warm) / max(1, plan.updates - warm)))) + 1e-3

    return one_cycle


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
    schedule: Schedule | None = None,
    variant: Variant = "conflictnet",
    plan: Plan | None = None,
) -> Card:
    """Train, rescale the output on the calibration speakers, measure, and write weights, config and card into `out`.

    Args:
        data: folder with `speech/manifest.csv`.
        quick: about 40 minutes of one core.
        device, threads: as torch knows them.
        work: checkpoints and logs, by default `out/work`.
        schedule: of the learning rate, instead of the plan's.
        variant: the net itself or one of its ablations.
        plan: overrides `quick`.

    Raises:
        CorpusError: a corpus or a speaker of the split is missing.
    """
    from mien_plugins.conflict.calibrate import calibrate

    plan = plan or (QUICK if quick else FULL)
    if schedule is not None:
        plan = replace(plan, schedule=schedule)
    lr = 0.01 if plan.schedule == "thesis" else plan.lr
    torch.manual_seed(seed)
    net = ConflictNet(plan.gates, variant)
    for block in (net.conv1, net.conv2, net.conv3):
        # Keras' momentum of .99 follows too slowly for a few hundred updates.
        block.norm.momentum = 0.1
    brain = ConflictBrain(
        {"net": net, "aux": nn.Linear(128, 3)},
        partial(torch.optim.Adam, lr=lr, betas=(0.9, 0.999), eps=1e-7),
        work or out / "work",
        metric="pearson",
        mode="max",
        device=device,
        threads=threads,
        seed=seed,
        schedule=schedule_of(plan),
        resume=resume,
        progress=progress,
    )
    brain.plan = plan
    brain.train_clips = Simulated(load_voices(data, TRAIN), plan, seed)
    valid = held_out(load_voices(data, VALID), plan.valid_clips, VALID_STREAM)
    loader = partial(DataLoader, batch_size=None, num_workers=0)
    brain.fit_best(math.ceil(plan.updates / plan.validate_every), loader(brain.train_clips), loader(Fixed(valid)))
    conversations = [
        batch
        for offset, speakers in enumerate(CALIBRATE.values())
        for batch in held_out(load_voices(data, speakers), plan.calibration_clips, CALIBRATION_STREAM + offset)
    ]
    alone = [
        one_voice(load_voices(data, speakers), plan.alone_clips, CALIBRATION_STREAM + 10 + offset)
        for offset, speakers in enumerate(CALIBRATE.values())
    ]
    curves = calibrate(net, conversations, alone)
    config = {
        "id": RECIPE,
        "rate": RATE,
        "seconds": SECONDS,
        "gates": plan.gates,
        "variant": variant,
        "schedule": plan.schedule,
        **curves,
        "seed": seed,
        "quick": quick,
        "updates": plan.updates,
        "best_update": brain.result.best_epoch * plan.validate_every,
    }
    save_model(out, brain.best_state("net"), config)
    card = evaluate(out, data, device=device)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Read simulated conversations of the test speakers with the model in a folder, and describe it."""
    from mien_plugins.conflict.measure import measure

    return measure(model, data, device)
