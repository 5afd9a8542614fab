"""How the raw-audio network of Tzirakis et al. (2021) is made and measured (`mien train voice-004`, `mien evaluate`).

It learns from a manifest whose rows trace arousal and valence over time (SEWA, RECOLA as `mien manifest` lays them out; whose
turn it is shows by who has words), or from the acted clips of RAVDESS and EmoDB, whose words stand for dimensions as they do
for the emotion model. `mien models import voice-004 OUT` brings the result to the analyzer (`--set emotion.model=voice-004`).

Other than in the paper: sounds are brought to one level, frames that lie behind a recording's end are left out of the loss
instead of counting as labels of zero, and the convolutions' steps are averaged to frames unless `steps=reshape` is set.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mien.errors import CorpusError
from mien.evaluation.metrics import bootstrap_ci, ccc, pearson, rmse
from mien.training.card import Card, Metric, save_model, write_card
from mien.training.checks import require_splits
from mien.training.kit import RecipeBrain, Stage, seed_everything
from mien.training.losses import ccc_loss
from mien_plugins.emotion.info import RAW, RawTraining
from mien_plugins.emotion.rawcard import raw_card
from mien_plugins.emotion.rawdata import Corpus, Stretch, dimensions
from mien_plugins.emotion.rawnet import PER_FRAME, SAMPLES, RawConfig, RawNet, Steps, trainable
from mien_plugins.emotion.rawreader import as_frames

BATCH, EPOCHS = 20, 40
BETAS = (0.9, 0.99)
BUCKET = 8
"""Batches whose sequences are sorted by length, so that few frames are padding."""

Batch = tuple[Tensor, Tensor]
"""Frames (B, T, 4410) and targets (B, T, K), NaN where there is no label or no frame."""
Floats = NDArray[np.float64]


class Sequences(Dataset[Batch]):
    """Batches of stretches; with `shuffled` in another order each `epoch`, that follows from the seed alone."""

    def __init__(
        self,
        corpus: Corpus,
        split: str,
        net: RawConfig,
        batch: int,
        length: int,
        *,
        shuffled: bool = False,
        seed: int = 0,
    ) -> None:
        self.corpus, self.parts, self.net = corpus, corpus.parts[split], net
        self.batch, self.length = batch, length
        self.shuffled, self.seed, self.epoch = shuffled, seed, 0
        self._ordered: tuple[int, list[list[int]]] | None = None

    def __len__(self) -> int:
        # A single one may have no correlation: it goes with those before.
        return max(1, -(-(len(self.parts) - 1) // self.batch))

    def order(self) -> list[list[int]]:
        """The stretches of each batch."""
        if self._ordered is None or self._ordered[0] != self.epoch:
            self._ordered = self.epoch, self._batches()
        return self._ordered[1]

    def _batches(self) -> list[list[int]]:
        if not self.shuffled:
            rows = list(range(len(self.parts)))
        else:
            rng = np.random.default_rng([self.seed, self.epoch])
            rows = rng.permutation(len(self.parts)).tolist()
            for at in range(0, len(rows), BUCKET * self.batch):
                rows[at : at + BUCKET * self.batch] = sorted(
                    rows[at : at + BUCKET * self.batch], key=lambda i: self.corpus.frames(self.parts[i])
                )
        ends = [*range(self.batch, self.batch * len(self), self.batch), len(rows)]
        return [rows[a:b] for a, b in zip([0, *ends], ends, strict=False)]

    def __getitem__(self, index: int) -> Batch:
        if index >= len(self):
            raise IndexError(index)
        return self.of([self.parts[i] for i in self.order()[index]])

    def of(self, stretches: list[Stretch]) -> Batch:
        """A batch of these."""
        heard = [as_frames(self.corpus.sound(s), self.net, self._own(s))[: self._most] for s in stretches]
        longest = max(map(len, heard))
        outputs = len(self.corpus.outputs)
        frames = np.zeros((len(heard), longest, 2 * SAMPLES), np.float32)
        target = np.full((len(heard), longest, outputs), np.nan, np.float32)
        for at, (own, stretch) in enumerate(zip(heard, stretches, strict=True)):
            real = min(len(own), self.corpus.frames(stretch))
            frames[at, : len(own)] = own
            if stretch.target.ndim == 1:
                target[at, :real] = stretch.target
            else:
                real = min(real, len(stretch.target))
                target[at, :real] = stretch.target[:real]
        return torch.from_numpy(frames), torch.from_numpy(target)

    @property
    def _most(self) -> int:
        whole = PER_FRAME.get(self.net.steps, 1)
        return -(-self.length // whole) * whole

    def _own(self, stretch: Stretch) -> NDArray[np.bool_] | None:
        if stretch.own is None:
            return None
        count = self.corpus.frames(stretch)
        own = np.zeros(count, bool)
        own[: len(stretch.own)] = stretch.own[:count]
        return own


class RawBrain(RecipeBrain):
    """1 − CCC of each dimension over all frames of the batch that have it."""

    outputs: tuple[str, ...]
    train_set: Sequences

    def compute_forward(self, batch: Batch, stage: Stage) -> Tensor:
        values, _ = self.modules.net(batch[0].to(self.device))
        return torch.as_tensor(values)

    def compute_objectives(self, predictions: Tensor, batch: Batch, stage: Stage) -> Tensor:
        target = batch[1].to(self.device)
        known = ~torch.isnan(target)
        losses = [
            ccc_loss(predictions[..., k][known[..., k]], target[..., k][known[..., k]])
            for k in range(len(self.outputs))
            if int(known[..., k].sum()) > 1
        ]
        return torch.stack(losses).mean() if losses else predictions.sum() * 0.0

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.train_set.epoch = self.result.epochs
        self._seen: list[tuple[NDArray[np.float32], NDArray[np.float32]]] = []

    def observe(self, predictions: Tensor, batch: Batch, stage: Stage) -> None:
        width = len(self.outputs)
        self._seen.append(
            (predictions.float().cpu().reshape(-1, width).numpy(), batch[1].cpu().reshape(-1, width).numpy())
        )

    def score(self, stage: Stage) -> dict[str, float]:
        """CCC of each dimension over all frames, and their mean."""
        said, truth = (np.concatenate(part) for part in zip(*self._seen, strict=True))
        found = {}
        for k, name in enumerate(self.outputs):
            known = np.isfinite(truth[:, k])
            found[name] = ccc(truth[known, k], said[known, k]) if known.any() else 0.0
        return {**found, "ccc": float(np.mean(list(found.values())))}


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
    epochs: int | None = None,
    patience: int = 8,
    lr: float = 5e-4,
    batch: int = BATCH,
    dropout: float = 0.5,
    sequence: int = 100,
    memory: int = 256,
    layers: int = 1,
    steps: Steps = "average",
    net: RawConfig | None = None,
) -> Card:
    """Train on what lies in `data`, measure, and write weights, config and card to `out`.

    Args:
        data: folder of a `manifest.csv`, or of the acted corpora (`speech/manifest.csv`).
        quick: a fifth of the epochs.
        epochs, patience: at most so many, and so many without a better validation before it stops.
        lr, batch, dropout, sequence, memory, layers: as the paper searched them (Table 8).
        steps: how the convolutions' steps become frames, see `RawConfig`.
        net: the net's shape, instead of the above.

    Raises:
        CorpusError: the corpus is missing, empty, or speakers are on both sides of a split.
    """
    work = work or out / "work"
    corpus = _corpus(data, sequence)
    shape = net or RawConfig(units=memory, layers=layers, steps=steps, memory_dropout=dropout)
    shape = RawConfig.from_dict({**shape.to_dict(), "outputs": len(corpus.outputs)})
    seed_everything(seed)
    model = RawNet(shape)
    brain = RawBrain(
        {"net": model},
        partial(torch.optim.Adam, lr=lr, betas=BETAS),
        work,
        metric="ccc",
        mode="max",
        device=device,
        threads=threads,
        seed=seed,
        patience=patience,
        resume=resume,
        progress=progress,
    )
    brain.outputs = corpus.outputs
    brain.train_set = Sequences(corpus, "train", shape, batch, sequence, shuffled=True, seed=seed)
    limit = epochs or EPOCHS
    loader = partial(DataLoader, batch_size=None, num_workers=0)
    valid = Sequences(corpus, "valid", shape, batch, sequence)
    brain.fit_best(max(1, limit // 5) if quick else limit, loader(brain.train_set), loader(valid))
    config = {
        "id": RAW,
        "net": shape.to_dict(),
        "outputs": list(corpus.outputs),
        "sequence": sequence,
        "options": {
            "epochs": epochs, "patience": patience, "lr": lr, "batch": batch, "dropout": dropout, "sequence": sequence,
            "memory": memory, "layers": layers, "steps": steps,
        },
        "seed": seed,
        "quick": quick,
        "best_epoch": brain.result.best_epoch,
    }  # fmt: skip
    save_model(out, brain.best_state("net"), config)
    card = evaluate(out, data, device=device)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Read the test part with the model in a folder, and describe it; raises as `train` does."""
    from mien_plugins.emotion.rawreader import load_raw

    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    reader = load_raw(model)
    net = reader.net.to(device)
    corpus = _corpus(data, int(config["sequence"]))
    if list(corpus.outputs) != config["outputs"]:
        raise CorpusError(
            f"The model has learnt {', '.join(config['outputs'])}, and this corpus has {', '.join(corpus.outputs)}; "
            "evaluate it on the corpus it was trained for."
        )
    test = Sequences(corpus, "test", net.config, 8, int(config["sequence"]))
    said, truth, groups = _heard(net, test)
    metrics = []
    unit = f"{len(np.unique(groups))} speakers"
    for k, output in enumerate(corpus.outputs):
        known = np.isfinite(truth[:, k])
        for name, metric in (("CCC", ccc), ("Pearson", pearson), ("RMSE", rmse)):
            interval = bootstrap_ci(metric, truth[known, k], said[known, k], groups=groups[known], repeats=300)
            metrics.append(Metric.of(f"{name} {output}", interval, int(known.sum()), "test, frames", unit))
    return _card(config, corpus, net, tuple(metrics))


def _corpus(data: Path, sequence: int) -> Corpus:
    corpus = dimensions(data, sequence)
    require_splits(corpus.sources[0].name, corpus.parts)
    return corpus


@torch.inference_mode()
def _heard(net: RawNet, sets: Sequences) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Outputs and labels (F, K) of all frames that have a label, and whose each is."""
    net.eval()
    device = next(net.parameters()).device
    said, truth, groups = [], [], []
    for rows in sets.order():
        frames, target = sets.of([sets.parts[i] for i in rows])
        values = net(frames.to(device))[0].double().cpu().numpy()
        for at, i in enumerate(rows):
            known = np.isfinite(target[at].numpy()).any(axis=1)
            said.append(values[at][known])
            truth.append(target[at].double().numpy()[known])
            groups.append(np.full(int(known.sum()), sets.parts[i].group))
    return np.concatenate(said), np.concatenate(truth), np.concatenate(groups)


def _card(config: dict[str, Any], corpus: Corpus, net: RawNet, metrics: tuple[Metric, ...]) -> Card:
    acted = "Trained on acted clips whose word stands for dimensions, constant over the clip."
    return raw_card(
        RawTraining,
        config,
        corpus,
        metrics,
        id=RAW,
        licence="CC BY-NC-SA 4.0 (from RAVDESS): not for commercial use",
        title="Raw-audio network (Tzirakis et al. 2021)",
        task=f"Reads {', '.join(corpus.outputs)} of a voice, -1 to 1, ten times a second from the samples themselves.",
        architecture="three convolutions with maximum pooling on 22,050 samples a second, peephole LSTM"
        + (", steps averaged to frames" if net.config.steps == "average" else ""),
        parameters=trainable(net),
        limits=(
            "In a medium nobody tells whose turn it is: all of a window counts as the target's.",
            *(() if corpus.own_data else (acted,)),
        ),
    )
