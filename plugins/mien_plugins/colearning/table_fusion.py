"""Fusions compared on CMU-MOSI: concatenation against each attention, with and without Moddrop, whatever is missing.

The fusions are those of `mien_plugins.fusion`: the strategies of Tzirakis et al. 2021 with an LSTM over the utterances of a
video. No paper has these numbers on these features.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader, IterableDataset

from mien.evaluation.metrics import weighted_f1
from mien.training.card import save_model
from mien.training.kit import RecipeBrain, Stage, seed_everything
from mien.training.reproduction import Figure, Results
from mien_plugins.colearning.sequences import Batch, Sequences, add_noise, batches, collate
from mien_plugins.colearning.systems import NOISE, parts
from mien_plugins.colearning.tables import DIGITS, gain_of, measured, protocol, shared
from mien_plugins.fusion.moddrop import moddrop
from mien_plugins.fusion.sequence import SequenceConfig, SequenceNet
from mien_plugins.fusion.strategies import Strategy

__all__ = ["DIGITS", "FIGURES", "TASKS", "notes", "run", "settings"]

MODALITIES = ("text", "acoustic", "visual")
STRATEGIES: dict[Strategy, str] = {
    "concat": "concatenation",
    "self": "self-attention",
    "residual": "residual self-attention",
    "hierarchical": "hierarchical attention",
    "crossmodal": "cross-modal hierarchical attention",
}
SUBSETS = tuple(s for n in (3, 2, 1) for s in combinations(range(3), n))
WIDTH, ROUNDS, UPDATES, BATCH, RATE = 32, 12, 6, 32, 3e-3
MODDROP = "-moddrop"
VERSION = 1


def subset_name(subset: tuple[int, ...]) -> str:
    """`text + visual`."""
    return "all" if len(subset) == len(MODALITIES) else " + ".join(MODALITIES[m] for m in subset)


TASKS = tuple(f"{strategy}{drop}" for strategy in STRATEGIES for drop in ("", MODDROP))
FIGURES = tuple(
    Figure(STRATEGIES[_strategy] + (", Moddrop" if drop else ""), subset_name(s), f"{_strategy}{drop}", subset_name(s))
    for _strategy in STRATEGIES
    for drop in ("", MODDROP)
    for s in SUBSETS
)


@dataclass(frozen=True)
class Masked:
    """A batch, and which modalities each of its sequences has: (B, M)."""

    batch: Batch
    present: Tensor

    def to(self, device: Any, **_: Any) -> Masked:
        """The same on `device` (SpeechBrain calls this)."""
        return Masked(self.batch.to(device), self.present.to(device))

    def mask(self) -> Tensor:
        """(B, N, M): where a modality is there."""
        return self.batch.mask[..., None] & self.present[:, None]


class Drawn(IterableDataset[Masked]):
    """Batches of one round, from torch's global generator: videos, or with Moddrop the videos and their copies."""

    def __init__(self, train: Sequences, dropped: bool) -> None:
        super().__init__()
        self.train = train
        whole = np.ones((len(train), len(MODALITIES)), dtype=bool)
        self.rows, self.present = np.arange(len(train)), whole
        if dropped:
            copies = moddrop(whole)
            self.rows, self.present = copies.rows, copies.present

    def __len__(self) -> int:
        return UPDATES

    def __iter__(self) -> Iterator[Masked]:
        for _ in range(UPDATES):
            picked = torch.randperm(len(self.rows))[:BATCH].numpy()
            batch = add_noise(collate(self.train, self.rows[picked].tolist(), MODALITIES), NOISE)
            yield Masked(batch, torch.from_numpy(self.present[picked]))


class FusionBrain(RecipeBrain):
    """Cross-entropy at each utterance; the best round has the least on the validation videos with everything present."""

    def compute_forward(self, batch: Masked, stage: Stage) -> Tensor:
        batch = batch.to(self.device)
        return logits_of(self.modules.net, batch)

    def compute_objectives(self, predictions: Tensor, batch: Masked, stage: Stage) -> Tensor:
        inner = batch.to(self.device).batch
        return F.cross_entropy(predictions[inner.mask], inner.y[inner.mask].long())


def logits_of(net: SequenceNet, masked: Masked) -> Tensor:
    """(B, N, 2), sequences of like length read together: most are a third of the longest."""
    batch, mask = masked.batch, masked.mask()
    lengths = batch.mask.sum(1)
    order = lengths.argsort()
    read = []
    for rows in order.chunk(3):
        steps = int(lengths[rows].max())
        logits: Tensor | None = net([batch.x[m][rows, :steps] for m in MODALITIES], mask[rows, :steps]).logits
        assert logits is not None
        read.append(F.pad(logits, (0, 0, 0, batch.mask.shape[1] - steps)))
    return torch.cat(read)[order.argsort()]


def settings(task: str) -> Mapping[str, Any]:
    """What a result depends on."""
    return {"version": VERSION, "width": WIDTH, "rounds": ROUNDS, "updates": UPDATES, "rate": RATE, "noise": NOISE}


def run(
    task: str,
    data: Path,
    seed: int,
    *,
    work: Path,
    device: str,
    threads: int | None,
    options: Mapping[str, str],
) -> Mapping[str, Any]:
    """Train one fusion and measure it with every subset of the modalities: weighted F1 in percent."""
    del options
    found = parts(data)
    seed_everything(seed)
    strategy: Any = task.removesuffix(MODDROP)
    widths = tuple(found.train.size(m) for m in MODALITIES)
    config = SequenceConfig(MODALITIES, widths, strategy, WIDTH, WIDTH // 4, 4, WIDTH, classes=2, hostile=(0,))
    net = SequenceNet(config)
    brain = FusionBrain(
        {"net": net}, partial(torch.optim.AdamW, lr=RATE, weight_decay=1e-2), work / "work",
        seed=seed, device=device, threads=threads, progress=False,
    )  # fmt: skip
    fixed = torch.Generator().manual_seed(0)
    whole = [add_noise(b, NOISE, fixed) for _ in range(3) for b in batches(found.valid, MODALITIES, BATCH)]
    held: Any = [Masked(b, torch.ones(len(b.y), len(MODALITIES), dtype=torch.bool)) for b in whole]
    drawn = Drawn(found.train, task.endswith(MODDROP))
    brain.fit_best(ROUNDS, DataLoader(drawn, batch_size=None), DataLoader(held, batch_size=None))
    save_model(work, net.state_dict(), {"id": "fusion-mosi", "task": task, "seed": seed})
    said = {subset_name(s): predict(net.eval(), found.test, s, device) for s in SUBSETS}
    truth = found.test.truth()
    return {
        "values": {name: measured(truth, p)["weighted_f1"] for name, p in said.items()},
        "accuracy": {name: measured(truth, p)["accuracy"] for name, p in said.items()},
        "probability": {name: [round(float(v), 4) for v in p] for name, p in said.items()},
        **shared(found),
    }


@torch.no_grad()
def predict(net: SequenceNet, sequences: Sequences, subset: tuple[int, ...], device: str) -> np.ndarray:
    """Probability of a positive label for each utterance, when only those modalities are there."""
    net = net.to(device)
    present = torch.tensor([m in subset for m in range(len(MODALITIES))])
    told = []
    for batch in batches(sequences, MODALITIES, BATCH):
        masked = Masked(batch, present.expand(len(batch.y), -1)).to(device)
        told.append(logits_of(net, masked)[masked.batch.mask].softmax(-1)[:, 1].float().cpu().numpy())
    return np.concatenate(told)


def notes(results: Results) -> Sequence[str]:
    """Below the table: what attention and Moddrop add."""
    one = next(iter(results["concat"].values()))

    def against(first: str, second: str, subset: str) -> str:
        seeds = sorted(set(results[first]) & set(results[second]))
        sides = [
            np.array([results[task][seed]["probability"][subset] for seed in seeds]) > 0.5 for task in (first, second)
        ]
        return gain_of(weighted_f1, one["truth"], sides[0], sides[1], one["videos"])

    attention = [f"- {label}: {against('concat', s, 'all')}." for s, label in STRATEGIES.items() if s != "concat"]
    dropped = [
        f"- {label}, {subset}: {against(s, s + MODDROP, subset)}."
        for s, label in STRATEGIES.items()
        for subset in ("all", "acoustic + visual")
    ]
    return [
        "Weighted F1 in percent; columns say what is there when it is used. All nets have projections and LSTM of "
        f"{WIDTH} units (the paper's 256 are more than 52 videos can train) and the same number of updates.",
        "Attention against concatenation, everything present:\n\n" + "\n".join(attention),
        "Moddrop against training without it, everything present and without text:\n\n" + "\n".join(dropped),
        protocol(),
    ]
