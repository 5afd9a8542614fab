"""What an attention fusion that was trained on a user's manifest reads of its test rows, and the card that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mien.evaluation.metrics import accuracy, balanced_accuracy, bootstrap_ci, ece, macro_f1
from mien.training.card import Card, DataSource, Metric
from mien.training.job import command
from mien_plugins.fusion import sequence
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.measure import KNN, WAYS, impute
from mien_plugins.fusion.own_data import Batches
from mien_plugins.fusion.scaling import described, named, subsets
from mien_plugins.fusion.timed import Encoded, TimedNet

REPEATS = 1000
"""Draws of each interval."""

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Read:
    """What a net read of N rows: label (N,); present (S, N) whether a subset leaves anything of a row; probability (S, N, C) with
    each subset of `scaling.subsets`; imputed: the same where what is absent was imputed, if it was."""

    label: npt.NDArray[np.int64]
    present: npt.NDArray[np.bool_]
    probability: Floats
    imputed: Floats | None

    @classmethod
    @torch.inference_mode()
    def of(cls, net: TimedNet, batches: Batches, imputer: KnnImputer | None) -> Read:
        """Read all rows of batches in their order; probabilities are those of the net's own calibration."""
        kinds = subsets(len(net.modalities))
        parts: list[list[Any]] = [[], [], [], []]
        for index in range(len(batches)):
            x, mask, label = batches[index]
            encoded, now = net.encode(x, mask), mask[:, net.context :]
            masks = [now & torch.from_numpy(kind) for kind in kinds]
            parts[0].append(label.numpy())
            parts[1].append(np.stack([m.any(-1).any(-1).numpy() for m in masks]))
            parts[2].append(np.stack([_said(net, encoded, m) for m in masks]))
            if imputer is not None:
                filled = [(impute(net, imputer, encoded, m), m.any(-1, keepdim=True).expand_as(m), m) for m in masks]
                parts[3].append(np.stack([_said(net, e, m, known) for e, m, known in filled]))
        imputed = np.concatenate(parts[3], 1) if parts[3] else None
        return cls(np.concatenate(parts[0]), np.concatenate(parts[1], 1), np.concatenate(parts[2], 1), imputed)


def _said(net: TimedNet, encoded: Encoded, mask: Tensor, known: Tensor | None = None) -> Floats:
    said = net.decode(encoded, mask, known=known).expression
    assert said is not None
    weight = mask.any(-1).to(said.dtype).unsqueeze(-1)
    return np.asarray(((said * weight).sum(1) / weight.sum(1).clamp_min(1.0)).double().numpy())


def make_card(config: Mapping[str, Any], read: Read, groups: npt.NDArray[np.str_], parameters: int, rows: int) -> Card:
    """The card. groups (N,): the speaker of each test row, over whom intervals are drawn."""
    strategy, way = str(config["strategy"]), str(config["moddrop"])
    classes = ", ".join(config["classes"])
    options = {"strategy": strategy, "label": config["label"]} | ({} if way == "every" else {"moddrop": way})
    options |= {name: value for name, value in config["options"].items() if value != DEFAULTS[name]}
    return Card(
        id=f"fusion-{strategy}",
        title=f"Attention fusion '{strategy}' of text, voice and face, from a user's own data",
        task=f"Tells {classes} apart" + ("." if config["runs"] else "; it reads features of one's own, not media."),
        licence="as the data it was trained on allows",
        data=(DataSource("the user's own manifest", "the user's to know", f"{rows} rows, {len(read.label)} to test"),),
        split="as the manifest has it; no speaker, group or medium on two sides. The epoch was chosen on valid.",
        seeds=(int(config["seed"]),),
        metrics=tuple(_figures(read, groups, way)),
        limits=(
            "Made from one user's data: nothing is known of any other.",
            "In media with several people the largest face is read, whoever speaks.",
        ),
        command=command(
            "fusion-attention", data="DIR", out="DIR", quick=config["quick"], seed=config["seed"], options=options
        ),
        calibration=described(config, "validation rows"),
        architecture=_architecture(config),
        parameters=parameters,
        notes=(
            "Accuracy is the thesis' “unweighted” accuracy, balanced accuracy (the mean of the classes' recalls) its “weighted” "
            "one. Rows of which a subset leaves nothing are not counted there; intervals are drawn over speakers.",
            f"{WAYS[way].capitalize()}: {config['rows']['train']} training rows became {config['samples']} samples; best epoch "
            f"{config['best_epoch']} of {config['epochs']}.",
        ),
    )


DEFAULTS: dict[str, Any] = {"epochs": 100, "batch": 32, "rate": 1e-3, "size": 0, "dropout": 0.1}
"""Of the options that only own data has."""


def _figures(read: Read, groups: npt.NDArray[np.str_], way: str) -> list[Metric]:
    found = []
    sides = [(read.probability, WAYS[way])] + ([] if read.imputed is None else [(read.imputed, KNN)])
    for probability, note in sides:
        for number, (kind, said) in enumerate(zip(subsets(len(MODALITIES)), probability, strict=True)):
            there = read.present[number]
            if not there.any() or (note == KNN and kind.all()):
                continue
            truth, guess = read.label[there], said[there].argmax(1)
            for name, metric in _METRICS:
                interval = bootstrap_ci(metric, truth, guess, groups=groups[there], repeats=REPEATS)
                found.append(Metric.of(name, interval, len(truth), f"test: {named(MODALITIES, kind)}", note))
            if note != KNN:
                interval = bootstrap_ci(ece, truth, said[there], groups=groups[there], repeats=REPEATS)
                found.append(
                    Metric.of(
                        "expected calibration error",
                        interval,
                        len(truth),
                        f"test: {named(MODALITIES, kind)}",
                        "15 bins",
                    )
                )
    return found


_METRICS = (("balanced accuracy", balanced_accuracy), ("accuracy", accuracy), ("macro F1", macro_f1))


def _architecture(config: Mapping[str, Any]) -> str:
    net = config["net"]
    if config["family"] == "sequence":
        return sequence.told(config)
    over = "whole sequences of at most" if config["family"] == "whole" else "the last"
    return (
        f"bi-GRU of {net['hidden']} per modality over {over} {', '.join(map(str, net['steps']))} steps, {config['strategy']} "
        f"multi-head attention ({net['heads']} heads), statistical pooling, dense layer of {net['dense']} (Rajan 2022, ch. 4)"
    )
