"""What a fusion that learnt valence and arousal over time says on recordings of people it does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from mien.evaluation.metrics import bootstrap_ci, ccc, pearson, rmse
from mien.training.card import Card, DataSource, Metric
from mien.training.job import command
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.items import MODALITIES
from mien_plugins.fusion.measure import KNN, WAYS, impute
from mien_plugins.fusion.scaling import named, subsets
from mien_plugins.fusion.timed import TimedNet
from mien_plugins.fusion.traced_data import ATTRIBUTES, Trace, collate

REPEATS = 1000
"""Draws of each interval."""
DEFAULTS: dict[str, Any] = {"epochs": 200, "batch": 20, "rate": 5e-4, "size": 0, "dropout": 0.5, "sequence": 100}
_METRICS = (("CCC", ccc), ("Pearson", pearson), ("RMSE", rmse))

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Read:
    """What a net read of N steps of all recordings: target (N, 2); group (N,); there (S, N): where a subset leaves anything and
    somebody rated; said (S, N, 2) with each subset of `scaling.subsets`; imputed: the same where what is absent was imputed."""

    target: Floats
    group: npt.NDArray[np.str_]
    there: npt.NDArray[np.bool_]
    said: Floats
    imputed: Floats | None

    @classmethod
    @torch.inference_mode()
    def of(cls, net: TimedNet, traces: Sequence[Trace], imputer: KnnImputer | None) -> Read:
        """Read recordings, each in one go."""
        kinds = subsets(len(net.modalities))
        there, said, imputed = [], [], []
        for trace in traces:
            x, mask, _ = collate([(trace, slice(None))], np.ones((1, len(MODALITIES)), np.bool_), net.widths)
            encoded = net.encode(x, mask)
            masks = [mask & torch.from_numpy(kind) for kind in kinds]
            there.append(np.stack([m[0].any(-1).numpy() for m in masks]))
            said.append(np.stack([_affect(net.decode(encoded, m)) for m in masks]))
            if imputer is not None:
                filled = [(impute(net, imputer, encoded, m), m.any(-1, keepdim=True).expand_as(m), m) for m in masks]
                imputed.append(np.stack([_affect(net.decode(e, m, known=known)) for e, m, known in filled]))
        group = np.repeat([trace.name for trace in traces], [len(trace) for trace in traces])
        target = np.concatenate([trace.target for trace in traces]).astype(np.float64)
        return cls(
            target, group, np.concatenate(there, 1), np.concatenate(said, 1),
            np.concatenate(imputed, 1) if imputed else None,
        )  # fmt: skip


def _affect(reading: Any) -> Floats:
    return np.asarray(reading.affect[0].double().numpy())


def make_card(config: Mapping[str, Any], read: Read, parameters: int, rows: int) -> Card:
    """The card; intervals are drawn over speakers."""
    strategy, way, net = str(config["strategy"]), str(config["moddrop"]), config["net"]
    options = {"strategy": strategy, "task": "affect"} | ({} if way == "every" else {"moddrop": way})
    options |= {name: value for name, value in config["options"].items() if value != DEFAULTS[name]}
    counts = config["recordings"]
    return Card(
        id=f"fusion-{strategy}",
        title=f"Fusion '{strategy}' of text, voice and face over time, from a user's own data",
        task="Reads valence and arousal over time"
        + ("." if config["runs"] else "; it reads features of one's own, not media."),
        licence="as the data it was trained on allows",
        data=(
            DataSource(
                "the user's own manifest", "the user's to know",
                f"{rows} rows; recordings: {', '.join(f'{n} {part}' for part, n in counts.items())}",
            ),
        ),
        split="as the manifest has it; no speaker, group or medium on two sides. The epoch was chosen on valid.",
        seeds=(int(config["seed"]),),
        metrics=tuple(_figures(read, way)),
        limits=(
            "Made from one user's data: nothing is known of any other.",
            "Ratings come after what they are of by as long as people need to judge; no delay is taken out.",
            "In media with several people the largest face is read, whoever speaks.",
            "In training a voice is read wherever there is sound enough; analyses leave it out where nobody is heard to speak.",
            "The score is arousal from 0 to 1: how excited somebody seems, which is no hostility.",
        ),
        command=command(
            "fusion-attention", data="DIR", out="DIR", quick=config["quick"], seed=config["seed"], options=options
        ),
        architecture=f"each modality projected to {net['width']}, fusion strategy '{strategy}' at each step of "
        f"{config['step']:g} s, LSTM of {net['hidden']} over time, valence and arousal by tanh (Tzirakis et al. 2021)",
        parameters=parameters,
        notes=(
            "Loss: half the sum of 1 − CCC of both over all steps of a batch. Each recording is read in one go; figures are over "
            "all steps of all recordings, intervals over speakers. Steps of which a subset leaves nothing are not counted there.",
            f"{WAYS[way].capitalize()}: {config['samples']} sequences of at most {config['options']['sequence']} steps; best "
            f"epoch {config['best_epoch']} of {config['epochs']}.",
            "The modalities' own nets stay as they come with Mien; the paper trains them along.",
        ),
    )  # fmt: skip


def _figures(read: Read, way: str) -> list[Metric]:
    found = []
    sides = [(read.said, WAYS[way])] + ([] if read.imputed is None else [(read.imputed, KNN)])
    for sayings, note in sides:
        for number, (kind, said) in enumerate(zip(subsets(len(MODALITIES)), sayings, strict=True)):
            if note == KNN and kind.all():
                continue
            for i, name in enumerate(ATTRIBUTES):
                there = read.there[number] & np.isfinite(read.target[:, i])
                if there.sum() < 2:
                    continue
                for called, metric in _METRICS if note != KNN else _METRICS[:1]:
                    interval = bootstrap_ci(
                        metric, read.target[there, i], said[there, i], groups=read.group[there], repeats=REPEATS
                    )
                    found.append(
                        Metric.of(
                            f"{called} {name}", interval, int(there.sum()), f"test: {named(MODALITIES, kind)}", note
                        )
                    )
    return found
