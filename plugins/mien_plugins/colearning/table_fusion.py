"""Fusions compared on CMU-MOSI: concatenation against attention, with and without Moddrop or imputation, modalities missing.

No paper has these numbers on these features; the fusions are those of `mosi_fusions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.evaluation.metrics import weighted_f1
from mien.training.card import save_model
from mien.training.reproduction import Figure, Results
from mien_plugins.colearning import mosi_fusions as fusions
from mien_plugins.colearning.mosi_fusions import MODALITIES, MODDROP, SUBSETS
from mien_plugins.colearning.systems import NOISE, parts
from mien_plugins.colearning.tables import DIGITS, gain_of, measured, protocol, shared

__all__ = ["DIGITS", "FIGURES", "TASKS", "notes", "run", "settings"]

STRATEGIES: Final = {
    "concat": "concatenation",
    "self": "self-attention",
    "residual": "residual self-attention",
    "hierarchical": "hierarchical attention",
    "crossmodal": "cross-modal hierarchical attention",
    "intra": "intra-modal attention",
    "cross": "cross-modal attention",
    "intra-cross": "intra- and cross-modal attention",
}
NEIGHBOURS: Final = (5, 10, 100)
"""How many are asked when an absent modality is imputed: the thesis' three; the table shows `SHOWN`."""
SHOWN: Final = 10
VERSION = 2


def subset_name(subset: tuple[int, ...]) -> str:
    """`text + visual`."""
    return "all" if len(subset) == len(MODALITIES) else " + ".join(MODALITIES[m] for m in subset)


NAMES: Final = tuple(map(subset_name, SUBSETS))
MISSING: Final = NAMES[1:]


def imputed_name(subset: str, neighbours: int) -> str:
    """Key of what is read when the modalities that are not in `subset` are imputed."""
    return f"{subset}, {neighbours} neighbours"


def _figures() -> tuple[Figure, ...]:
    figures = []
    for strategy, label in STRATEGIES.items():
        figures += [Figure(label, name, strategy, name) for name in NAMES]
        figures += [Figure(f"{label}, Moddrop", name, strategy + MODDROP, name) for name in NAMES]
        figures += [Figure(f"{label}, imputed", name, strategy, imputed_name(name, SHOWN)) for name in MISSING]
    return tuple(figures)


TASKS = tuple(f"{strategy}{drop}" for strategy in STRATEGIES for drop in ("", MODDROP))
FIGURES = _figures()


def settings(task: str) -> Mapping[str, Any]:
    """What a result depends on."""
    own: dict[str, Any] = {"window": fusions.WINDOW} if task.removesuffix(MODDROP) in fusions.POOLED else {}
    if task == "intra":
        own["imputes"] = "pooled"
    return {
        "version": VERSION,
        "width": fusions.WIDTH,
        "rounds": fusions.ROUNDS,
        "updates": fusions.UPDATES,
        "rate": fusions.RATE,
        "neighbours": NEIGHBOURS,
        "noise": NOISE,
    } | own


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
    """Train one fusion and measure it with every subset of the modalities, what is absent imputed or not: weighted F1 in
    percent. Imputation is measured on nets without Moddrop, whose place it takes."""
    del options
    found = parts(data)
    net = fusions.trained(task, found, seed, work / "work", device=device, threads=threads)
    save_model(work, net.state_dict(), {"id": "fusion-mosi", "task": task, "seed": seed})
    said = {subset_name(s): fusions.predict(net, found.test, s, device) for s in SUBSETS}
    for k in NEIGHBOURS if not task.endswith(MODDROP) else ():
        imputer = fusions.imputer_of(net, found.train, k, device)
        for subset in SUBSETS[1:]:
            name = imputed_name(subset_name(subset), k)
            said[name] = fusions.predict(net, found.test, subset, device, imputer)
    truth = found.test.truth()
    return {
        "values": {name: measured(truth, p)["weighted_f1"] for name, p in said.items()},
        "accuracy": {name: measured(truth, p)["accuracy"] for name, p in said.items()},
        "probability": {name: [round(float(v), 4) for v in p] for name, p in said.items()},
        **shared(found),
    }


def notes(results: Results) -> Sequence[str]:
    """Below the table: what attention, Moddrop and imputation add."""
    one = next(iter(results["concat"].values()))

    def against(first: str, second: str, key: str, other: str | None = None) -> str:
        seeds = sorted(set(results[first]) & set(results[second]))
        pairs = ((first, key), (second, other or key))
        sides = [np.array([results[task][seed]["probability"][k] for seed in seeds]) > 0.5 for task, k in pairs]
        return gain_of(weighted_f1, one["truth"], sides[0], sides[1], one["videos"])

    weak = subset_name((1, 2))
    attention = [f"- {label}: {against('concat', s, 'all')}." for s, label in STRATEGIES.items() if s != "concat"]
    dropped = [
        f"- {label}, {subset}: {against(s, s + MODDROP, subset)}."
        for s, label in STRATEGIES.items()
        for subset in ("all", weak)
    ]
    filled = [
        f"- {label}, {weak}: {against(s, s, weak, imputed_name(weak, SHOWN))}." for s, label in STRATEGIES.items()
    ]
    return [
        "Weighted F1 in percent; columns say what is there when it is used. All nets have projections and LSTM (or encoders and "
        f"dense layers) of {fusions.WIDTH} units (the papers' 256 and 120 are more than 52 videos can train) and the same number "
        f"of updates. The nets with statistical pooling read {fusions.WINDOW} utterances at a time: of 1, 2, 4 and 8 that with "
        "the least validation loss, for a pool over more blurs the one in question (the thesis pools over the frames of one "
        "utterance, which these features do not have); one seed of a first run with 8 had measured the test videos. “Imputed”: "
        "the net without Moddrop, which takes for an absent modality's "
        f"vectors the mean of those of the {SHOWN} nearest training utterances. In the cross-modal net a modality that is alone "
        "has nothing to attend to, and is read from its encoder's own mean, which no training sample ever showed it; the thesis "
        "leaves imputation there open.",
        "Attention against concatenation, everything present:\n\n" + "\n".join(attention),
        "Moddrop against training without it, everything present and without text:\n\n" + "\n".join(dropped),
        f"Imputation ({SHOWN} neighbours) against leaving out what is absent, without text:\n\n" + "\n".join(filled),
        _neighbours(results),
        protocol(),
    ]


def _neighbours(results: Results) -> str:
    """Means over fusions, subsets and seeds for each number of neighbours."""

    def mean(key: str, k: int | None) -> float:
        plain = [task for task in results if not task.endswith(MODDROP)]
        keys = [key] if k is None else [imputed_name(key, k)]
        return float(np.mean([r["values"][name] for task in plain for r in results[task].values() for name in keys]))

    told = []
    for name in MISSING:
        figures = ", ".join(f"{mean(name, k):.1f}" for k in NEIGHBOURS)
        told.append(f"{name} {mean(name, None):.1f} → {figures}")
    counts = ", ".join(map(str, NEIGHBOURS))
    return f"Without and with {counts} neighbours, mean over the {len(STRATEGIES)} fusions: {'; '.join(told)}."
