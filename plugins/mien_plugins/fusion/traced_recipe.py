"""How a fusion over time learns valence and arousal from a user's own manifest (`mien train fusion-attention` on SEWA, RECOLA).

The fusions of Tzirakis et al. 2021 (SEEDS §11.5, §11.6): the modalities fused at each step, an LSTM over time, ½ Σ (1 − CCC) of
both attributes over all steps of a batch, Adam at 5e-4, sequences of 100 steps, dropout 0.5, the epoch whose concordance on the
validation recordings, read in one go, is best. Other than in the paper the modalities' own nets are those that come with Mien and
stay as they are, and a step of media takes half a second, as in analyses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mien.errors import CorpusError, UsageError, shown
from mien.evaluation.metrics import ccc
from mien.training.card import Card, write_card
from mien.training.kit import RecipeBrain, Stage, save_model, seed_everything
from mien.training.losses import ccc_loss
from mien.training.manifest import Manifest
from mien.training.manifest_file import read_manifest
from mien_plugins.fusion.attention import build
from mien_plugins.fusion.draw import Dropping
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.khare_data import kept_streams
from mien_plugins.fusion.own_recipe import POOLED, REMEMBERED, best_of, imputer_of, loaded, record
from mien_plugins.fusion.sequence import SequenceConfig
from mien_plugins.fusion.timed import Reading, TimedNet
from mien_plugins.fusion.traced_card import Read, make_card
from mien_plugins.fusion.traced_data import ATTRIBUTES, Batch, Sequences, Trace, Tracer, recordings, spacing, widths_of
from mien_plugins.fusion.trained import BANK

TASK: Final = "affect"
PATIENCE: Final = 20
QUICK: Final = 3
BETAS: Final = (0.9, 0.99)


class TraceBrain(RecipeBrain):
    """½ Σ (1 − CCC) of valence and arousal over the steps that are there and rated; scored by the mean CCC of all recordings."""

    sequences: Sequences

    def compute_forward(self, batch: Batch, stage: Stage) -> Reading:
        x, mask = [part.to(self.device) for part in batch[0]], batch[1].to(self.device)
        reading: Reading = self.modules.net(x, mask)
        return reading

    def compute_objectives(self, predictions: Reading, batch: Batch, stage: Stage) -> Tensor:
        said, target = predictions.affect, batch[2].to(self.device)
        assert said is not None
        kept = rated(batch).to(self.device)
        losses = [ccc_loss(said[..., i][k], target[..., i][k]) for i in range(2) if (k := kept[..., i]).sum() > 1]
        return torch.stack(losses).mean() if losses else 0.0 * said.sum()

    def begin(self, stage: Stage) -> None:
        if stage == Stage.TRAIN:
            self.sequences.draw(self.seed, self.result.epochs)
        self._seen: list[tuple[Tensor, Tensor, Tensor]] = []

    def observe(self, predictions: Reading, batch: Batch, stage: Stage) -> None:
        assert predictions.affect is not None
        self._seen.append((predictions.affect.cpu().flatten(0, 1), batch[2].flatten(0, 1), rated(batch).flatten(0, 1)))

    def score(self, stage: Stage) -> dict[str, float]:
        said, target, kept = (torch.cat(part).numpy() for part in zip(*self._seen, strict=True))
        found = {name: ccc(target[kept[:, i], i], said[kept[:, i], i]) for i, name in enumerate(ATTRIBUTES)}
        return {**found, "ccc": float(np.mean(list(found.values())))}


def rated(batch: Batch) -> Tensor:
    """(B, T, 2): where somebody is there and each attribute was rated."""
    return batch[1].any(-1, keepdim=True) & batch[2].isfinite()


def train(
    data: Path,
    out: Path,
    *,
    quick: bool,
    seed: int,
    work: Path,
    strategy: str,
    moddrop: Dropping,
    sequence: int,
    epochs: int,
    batch: int,
    rate: float,
    size: int,
    dropout: float,
    run: Mapping[str, Any],
) -> Card:
    """Extract, train, measure; write weights, config and card into `out`. Options: see `info.AttentionTraining`.

    Raises:
        CorpusError: the manifest or what it names does not serve; the sentence says which row.
        UsageError: the strategy does not go over time.
        TrainingError: a loss that is not finite.
    """
    if strategy in POOLED:
        raise UsageError(
            f"The fusion {strategy} tells classes apart and does not go over time; for valence and arousal choose --set "
            "strategy=concat, self, residual, hierarchical or crossmodal."
        )
    manifest = read_manifest(data)
    found = recordings(manifest)
    tracer = Tracer(work / "streams", str(run["device"]), bool(run["progress"]))
    parts = {part: tracer.traces(manifest, found[part]) for part in ("train", "valid")}
    widths = widths_of([*parts["train"], *parts["valid"]])
    net_config = SequenceConfig(
        MODALITIES, widths, strategy,  # type: ignore[arg-type]
        width=size or 256, inner=max(1, (size or 256) // 4), hidden=size or 256, classes=0, hostile=(), dropout=dropout,
    )  # fmt: skip
    config: dict[str, Any] = {
        "family": "sequence",
        "net": net_config.to_dict(),
        "step": spacing(found["train"]),
        "classes": [],
    }
    seed_everything(seed)
    net = build(config)
    fit_scales(net, parts["train"])
    learnt = Sequences(parts["train"], widths, sequence, batch, moddrop)
    longest = max(map(len, parts["valid"]))
    watched = Sequences(parts["valid"], widths, longest, 1, "off")
    for part, sequences in (("train", learnt), ("valid", watched)):
        if not sequences.cuts:
            raise CorpusError(
                f"In the part “{part}” nothing is rated where somebody is heard, seen or quoted: {shown(manifest.source)}"
            )
    brain = TraceBrain(
        {"net": net}, partial(torch.optim.Adam, lr=rate, betas=BETAS), work / "training",
        metric="ccc", mode="max", patience=PATIENCE, seed=seed, **run,
    )  # fmt: skip
    brain.sequences = learnt
    result = brain.fit_best(
        min(epochs, QUICK) if quick else epochs,
        DataLoader(learnt, batch_size=None),
        DataLoader(watched, batch_size=None),
    )
    weights = best_of(brain, net)
    config |= {
        **record(net, result, strategy=strategy, moddrop=moddrop, quick=quick, seed=seed, samples=len(learnt.rows)),
        "task": TASK,
        "runs": not any(recording.own for part in found.values() for recording in part),
        "options": {
            "epochs": epochs,
            "batch": batch,
            "rate": rate,
            "size": size,
            "dropout": dropout,
            "sequence": sequence,
        },
        "recordings": {part: len(of) for part, of in found.items()},
    }
    save_model(out, weights | memory_of(net.eval(), parts["train"], widths, seed), config)
    card = measure(out, manifest, tracer)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure a model on the test recordings of a manifest."""
    with kept_streams(model) as streams:
        return measure(model, read_manifest(data), Tracer(streams, device))


def measure(model: Path, manifest: Manifest, tracer: Tracer) -> Card:
    """Read the test recordings, each in one go, with every subset of modalities, and describe the model.

    Raises:
        CorpusError: there are none, or their vectors do not fit.
        ModelError: the folder holds no such fusion.
    """
    net, memory, config = loaded(model)
    traces = tracer.traces(manifest, recordings(manifest)["test"])
    widths_of(traces, net.widths)
    read = Read.of(net, traces, imputer_of(memory))
    return make_card(config, read, sum(p.numel() for p in net.parameters()), len(manifest))


def fit_scales(net: Any, traces: Sequence[Trace]) -> None:
    """Standardise each modality by where it is there in training."""
    for m, (name, scale) in enumerate(zip(MODALITIES, net.scales, strict=True)):
        rows = [t.x[name][t.there[:, m]] for t in traces if name in t.x]
        if sum(map(len, rows)) > 1:
            scale.fit(torch.from_numpy(np.concatenate(rows)))


@torch.inference_mode()
def memory_of(net: TimedNet, traces: Sequence[Trace], widths: Sequence[int], seed: int) -> dict[str, Tensor]:
    """Vectors of training moments that have every modality, for imputation; nothing where there are none."""
    moments = [(n, at) for n, trace in enumerate(traces) for at in np.flatnonzero(trace.there.all(1)).tolist()]
    order = np.random.default_rng(seed).permutation(len(moments))[:REMEMBERED]
    kept = [moments[i] for i in order.tolist()]
    if not kept:
        return {}
    x = [torch.from_numpy(np.stack([traces[n].x[name][at] for n, at in kept]))[None] for name in MODALITIES]
    vectors = net.vectors(net.encode(x, torch.ones(1, len(kept), len(MODALITIES), dtype=torch.bool)))
    return {BANK + name: v[0].half() for name, v in zip(MODALITIES, vectors, strict=True)}
