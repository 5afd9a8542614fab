"""How the network of turns is made and measured (`mien train text-004`, `mien evaluate`): Tzirakis et al. 2021, section 3.

It learns from EmoBank (valence, arousal, dominance of sentences) or OLID (offence), or from a manifest: one row a moment with
the words of the turn then spoken (SEWA as `mien manifest` lays it out) as the paper has it, or one row a text. The paper's
word vectors are XLNet's (its code's are German fastText); here they come from the encoder of the text model that Mien ships,
so that nothing has to be fetched, or from a file of one's own (`vectors`). `mien models import text-004 OUT` brings the
result to the analyzer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from torch.utils.data import DataLoader

from mien.errors import CorpusError, ModelError, shown
from mien.evaluation.metrics import accuracy, bootstrap_ci, ccc, ece, macro_f1, pearson, rmse
from mien.models import store
from mien.training.card import Card, Metric, Plot, save_model, write_card
from mien.training.checks import require_splits
from mien.training.job import command
from mien.training.kit import seed_everything
from mien.training.manifest_file import read_manifest
from mien.training.reliability import reliability, reliability_plot
from mien_plugins.text.info import TURNS
from mien_plugins.text.model import TextModel
from mien_plugins.text.sequences import OFFENCE, Corpus, of_manifest, public
from mien_plugins.text.turnmodel import TABLE, TurnModel, fingerprint
from mien_plugins.text.turnnet import TurnConfig, TurnNet, trainable
from mien_plugins.text.turntraining import Sequences, TurnBrain, VectorStore, metric_of, read
from mien_plugins.text.vectors import Vectors, word_vectors
from mien_plugins.text.wordtable import WordTable

ENCODER = "text-offence"
TIMED_BATCH, TEXT_BATCH = 20, 200
"""Sequences of a batch: the paper's, and for single texts, of which a correlation needs many."""
BETAS, CLIP = (0.9, 0.99), 5.0

Task = Literal["attributes", "offence"]
Floats = NDArray[np.float64]


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
    task: Task = "attributes",
    epochs: int | None = None,
    patience: int = 8,
    lr: float = 5e-4,
    batch: int | None = None,
    dropout: float = 0.5,
    sequence: int = 100,
    memory: int = 256,
    layers: int = 1,
    highway: int = 1,
    padding: Literal["masked", "read"] = "masked",
    encoder: Path | None = None,
    vectors: Path | None = None,
    net: TurnConfig | None = None,
) -> Card:
    """Train on what lies in `data`, measure, and write weights, config and card to `out`.

    Args:
        data: folder of a `manifest.csv`, or of the public corpora (`text/emobank`, `text/olid`).
        quick: a fifth of the epochs.
        task: `attributes` or `offence`.
        epochs, patience: at most so many, and so many without a better validation before it stops.
        lr, batch, dropout, sequence, memory, layers: as the paper searched them (Table 8); batch: sequences of an update,
            20 by default, 200 where each is a single text.
        highway: layers, two in the paper's code. padding: whether selectors look at it, as in the paper's code.
        encoder: folder of the text model whose word vectors are read.
        vectors: file of other word vectors (fastText's `.vec`), a line a word; those of the corpus' words stay with the model.
        net: the rest of the net's shape.

    Raises:
        CorpusError: the corpus is missing, empty, or speakers are on both sides of a split.
        ModelError: the encoder is not there.
    """
    work = work or out / "work"
    shape = net or TurnConfig(memory=memory, layers=layers, highway=highway, padding=padding, memory_dropout=dropout)
    if highway > 1 and net is None:
        shape = replace(shape, activation="relu")  # both are the code's
    corpus = _corpus(data, task, shape.words, sequence, seed)
    source = (
        _Words.of_file(vectors, corpus) if vectors else _Words.of_encoder(encoder or store.resolve(ENCODER), device)
    )
    shape = replace(shape, inputs=source.width, outputs=len(corpus.outputs), squash=corpus.outputs != (OFFENCE,))
    size = batch or (TIMED_BATCH if corpus.timed else TEXT_BATCH)
    known = source.store(corpus, work)
    limit = epochs or 40
    seed_everything(seed)
    model = TurnNet(shape)
    brain = TurnBrain(
        {"net": model},
        partial(torch.optim.Adam, lr=lr, betas=BETAS),
        work,
        metric=metric_of(corpus),
        mode="max",
        device=device,
        threads=threads,
        seed=seed,
        patience=patience,
        max_grad_norm=CLIP,
        resume=resume,
        progress=progress,
    )
    brain.outputs = corpus.outputs
    brain.train_set = Sequences(corpus.parts["train"], known, shape, size, shuffled=True, seed=seed)
    valid = Sequences(corpus.parts["valid"], known, shape, size)
    loader = partial(DataLoader, batch_size=None, num_workers=0)
    brain.fit_best(max(1, limit // 5) if quick else limit, loader(brain.train_set), loader(valid))
    said, truth, _ = _heard(model, valid)
    config = {
        "id": TURNS,
        "net": shape.to_dict(),
        "outputs": list(corpus.outputs),
        "timed": corpus.timed,
        "task": task,
        "sequence": sequence,
        "calibration": _calibration(said, truth) if corpus.outputs == (OFFENCE,) else {},
        "encoder": {"id": ENCODER, "sha256": source.key, "folder": str(encoder) if encoder else ""},
        "vocabulary": list(source.table.words) if source.table else [],
        "options": {
            "task": task, "epochs": epochs, "patience": patience, "lr": lr, "batch": batch, "dropout": dropout,
            "sequence": sequence, "memory": memory, "layers": layers, "highway": highway, "padding": padding,
            "vectors": str(vectors) if vectors else None,
        },
        "seed": seed,
        "quick": quick,
        "best_epoch": brain.result.best_epoch,
    }  # fmt: skip
    weights = brain.best_state("net")
    if source.table is not None:
        weights[TABLE] = torch.from_numpy(source.table.vectors)
    save_model(out, weights, config)
    card = _measured(out, data, device, work)
    write_card(out, card)
    return card


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Read the test part with the model in a folder, and describe it; raises as `train` does."""
    return _measured(model, data, device)


def _measured(model: Path, data: Path, device: str, work: Path | None = None) -> Card:
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    place = Path(config["encoder"]["folder"]) if config["encoder"]["folder"] else store.resolve(ENCODER)
    turns = TurnModel.load(model, place, device)
    corpus = _corpus(data, config["task"], turns.net.config.words, int(config["sequence"]), int(config["seed"]))
    if corpus.outputs != turns.outputs:
        raise CorpusError(
            f"The model has learnt {', '.join(turns.outputs)}, and this corpus has {', '.join(corpus.outputs)}; "
            "evaluate it on the corpus it was trained for."
        )
    source = _Words.of_table(turns.table) if turns.table else _Words.of_encoder(place, device)
    test = Sequences(corpus.parts["test"], source.store(corpus, work), turns.net.config, 64)
    said, truth, groups = _heard(turns.net, test)
    metrics: list[Metric] = []
    plots: tuple[Plot, ...] = ()
    if corpus.outputs == (OFFENCE,):
        known = np.isfinite(truth[:, 0])
        yes, chance = (truth[known, 0] >= 0.5).astype(int), turns.probability(said[known].astype(np.float32))
        for name, metric, given in (
            ("macro-F1", macro_f1, (chance >= turns.threshold).astype(int)),
            ("accuracy", accuracy, (chance >= turns.threshold).astype(int)),
            ("ECE of P(offence)", ece, chance),
        ):
            metrics.append(Metric.of(name, bootstrap_ci(metric, yes, given, groups=groups[known]), len(yes)))
        plots = (reliability_plot(reliability(yes, chance, "P(offence), test")),)
    else:
        unit = f"over {len(np.unique(groups))} {'speakers' if corpus.timed else 'texts'}"
        for k, output in enumerate(corpus.outputs):
            known = np.isfinite(truth[:, k])
            for name, metric in (("CCC", ccc), ("Pearson", pearson), ("RMSE", rmse)):
                interval = bootstrap_ci(metric, truth[known, k], said[known, k], groups=groups[known])
                metrics.append(Metric.of(f"{name} {output}", interval, int(known.sum()), "test", unit))
    return _card(config, corpus, turns.net, tuple(metrics), plots)


@dataclass(frozen=True)
class _Words:
    """Where word vectors come from; key: what tells them from others."""

    make: Callable[[Sequence[str]], list[Vectors]]
    width: int
    key: str
    table: WordTable | None = None

    @classmethod
    def of_encoder(cls, folder: Path, device: str) -> _Words:
        try:
            model = TextModel.load(folder, device)
        except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise ModelError(f"There is no text model to take word vectors from: {shown(folder)}") from error
        return cls(partial(word_vectors, model), model.settings.net.width, fingerprint(folder))

    @classmethod
    def of_table(cls, table: WordTable) -> _Words:
        key = hashlib.sha256(table.vectors.tobytes() + "\0".join(table.words).encode()).hexdigest()
        return cls(table.of, table.width, key, table)

    @classmethod
    def of_file(cls, path: Path, corpus: Corpus) -> _Words:
        return cls.of_table(WordTable.read(path, corpus.texts))

    def store(self, corpus: Corpus, folder: Path | None) -> VectorStore:
        return VectorStore(self.make, self.key, self.width, corpus.texts, folder)


def _corpus(data: Path, task: str, words: int, sequence: int, seed: int) -> Corpus:
    if (data / "manifest.csv").is_file() or (data / "manifest.parquet").is_file():
        corpus = of_manifest(read_manifest(data), task, words, sequence)
    else:
        corpus = public(data, task, words, seed)
    require_splits(corpus.sources[0].name, {name: corpus.parts.get(name, ()) for name in ("train", "valid", "test")})
    return corpus


@torch.inference_mode()
def _heard(net: TurnNet, sets: Sequences) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Outputs and labels (F, K) of all frames of all sequences in order, and whose each frame is."""
    net.eval()
    device = next(net.parameters()).device
    said, truth = [], []
    for index in range(len(sets)):
        batch = sets[index]
        values = read(net, batch.to(device)).double().cpu()
        real = [len(row) for row in sets.parts[index * sets.batch :][: len(values)]]
        said += [row[:length].numpy() for row, length in zip(values, real, strict=True)]
        truth += [row[:length].double().numpy() for row, length in zip(batch.target, real, strict=True)]
    groups = np.concatenate([np.full(len(row), row.group) for row in sets.parts])
    return np.concatenate(said), np.concatenate(truth), groups


def _calibration(said: Floats, truth: Floats) -> dict[str, float]:
    """Scale, bias and threshold (of the best macro-F1) on the validation part; of one class nothing can be fitted."""
    known = np.isfinite(truth[:, 0])
    logit, yes = said[known], (truth[known, 0] >= 0.5).astype(int)
    if yes.min() == yes.max():
        return {"scale": 1.0, "bias": 0.0, "threshold": 0.5}
    platt = LogisticRegression(C=1.0).fit(logit, yes)
    scale, bias = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    chance = 1.0 / (1.0 + np.exp(-(scale * logit[:, 0] + bias)))
    grid = np.round(np.arange(0.2, 0.801, 0.02), 2)
    scores = [macro_f1(yes, (chance >= at).astype(int)) for at in grid]
    return {"scale": scale, "bias": bias, "threshold": float(grid[int(np.argmax(scores))])}


def _card(
    config: dict[str, Any], corpus: Corpus, net: TurnNet, metrics: tuple[Metric, ...], plots: tuple[Plot, ...]
) -> Card:
    defaults = {
        "task": "attributes", "epochs": None, "patience": 8, "lr": 5e-4, "batch": None, "dropout": 0.5, "sequence": 100,
        "memory": 256, "layers": 1, "highway": 1, "padding": "masked", "vectors": None,
    }  # fmt: skip
    asked = {k: v for k, v in config["options"].items() if v != defaults[k]}
    own = "EmoBank" not in corpus.sources[0].name and "OLID" not in corpus.sources[0].name
    what = "P(offence)" if corpus.outputs == (OFFENCE,) else ", ".join(corpus.outputs)
    return Card(
        id=TURNS,
        title="Text network of turns (Tzirakis et al. 2021)",
        task=f"Reads {what} of what is said, turn by turn, and shows by its selectors which words it looked at.",
        architecture=f"n-gram convolutions, {net.config.heads} projections with Bi-LSTM contexts and selectors, "
        f"{net.config.highway} highway layer(s), LSTM; {net.config.inputs} numbers a word",
        parameters=trainable(net),
        licence=corpus.licence,
        data=corpus.sources,
        split=corpus.split,
        seeds=(int(config["seed"]),),
        metrics=metrics,
        calibration={"P(offence) = sigmoid of": config["calibration"]} if config["calibration"] else {},
        limits=(
            "Words that the corpus does not have are unknown to it."
            if config["vocabulary"]
            else f"Word vectors are those of {config['encoder']['id']}, not XLNet's as in the paper.",
            *(() if corpus.timed else ("It learnt from single texts: the LSTM over frames has one frame to read.",)),
            "What the selectors look at is no proof of what the reading was made from.",
        ),
        command=command(
            TURNS,
            data="CORPUS" if own else "../shared/data",
            out="OUT",
            quick=bool(config["quick"]),
            seed=int(config["seed"]),
            options=asked,
        ),
        plots=plots,
    )
