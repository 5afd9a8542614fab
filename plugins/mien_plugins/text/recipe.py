"""How the text model is made and measured (`mien train text-offence`, `mien evaluate text-offence`).

all-MiniLM-L6-v2 is fine-tuned on OLID, HateXplain and EmoBank three times, each differently; the mean of the three sets of
weights is the model (a model soup, Wortsman et al., ICML 2022: as quick as one of them, and better than each on validation).
Probabilities are calibrated on the corpora's validation parts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mien.training.card import Card, write_card
from mien.training.checks import require_splits
from mien.training.kit import save_model, seed_everything
from mien_plugins.text.data import READERS, Splits, read_olid
from mien_plugins.text.model import Settings, TextModel
from mien_plugins.text.net import TextConfig, TextNet
from mien_plugins.text.pretrained import check_encoder, find_encoder, load_encoder
from mien_plugins.text.tokens import WordPieces
from mien_plugins.text.training import Plan, Rounds, TextBrain, held_out

RECIPE = "text-offence"
QUICK = (Plan(rounds=2, passes={"offence": 1.0, "hate": 0.5, "attributes": 0.5}),)
NAMES = {"offence": "OLID", "hate": "HateXplain", "attributes": "EmoBank"}
"""Of the tasks' corpora, as users know them."""
FULL = (
    Plan(),
    Plan(draw=1, precision="bf16"),
    Plan(
        passes={"offence": 2.0, "hate": 1.0, "attributes": 1.0},
        weight={"offence": 1.0, "hate": 0.7, "attributes": 0.3},
        contrast=0,
    ),
)


def read_corpora(data: Path, seed: int) -> dict[str, Splits]:
    """task → its corpus' splits, for all tasks of the recipe; raises CorpusError where one is missing or has an empty split."""
    found = {task: read_olid(data, seed) if task == "offence" else READERS[task](data) for task in READERS}
    for task, splits in found.items():
        require_splits(NAMES[task], splits)
    return found


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
    encoder: Path | None = None,
    plans: Sequence[Plan] = (),
) -> Card:
    """Train, calibrate, save and measure the model in ``out``; see :func:`fit` for the files.

    Args:
        data: folder of the corpora (`text/olid`, `text/hatexplain`, `text/emobank`, `text/davidson`).
        out: gets model.safetensors (float16), config.json, tokenizer.json and the card.
        quick: one training of half the passes.
        device: as torch spells it.
        seed: of the split, the order, the copies and the heads' start.
        resume: go on from the last checkpoint in ``work``.
        threads: of torch; by default all cores.
        progress: show a bar.
        work: checkpoints and logs, by default ``out/work``.
        encoder: folder of all-MiniLM-L6-v2; by default the installed package.
        plans: the trainings whose weights are averaged; overrides ``quick``.

    Raises:
        EncoderMissing, EncoderChanged: the start weights are not there, or not the published ones.
        CorpusError: a corpus is missing.
    """
    start = find_encoder(encoder)
    check_encoder(start)
    seed_everything(seed)
    net = TextNet(TextConfig())
    load_encoder(net, start)
    corpora = read_corpora(data, seed)
    chosen = plans or (QUICK if quick else FULL)
    options: dict[str, Any] = {"device": device, "resume": resume, "threads": threads, "progress": progress}
    fit(net, WordPieces(start), corpora, out, chosen, seed, {"quick": quick}, work=work, **options)
    if not quick:
        cross_validate(out, data, device=device)
    card = evaluate(out, data, device=device)
    write_card(out, card)
    return card


def fit(
    net: TextNet,
    pieces: WordPieces,
    corpora: dict[str, Splits],
    out: Path,
    plans: Sequence[Plan],
    seed: int,
    facts: Mapping[str, Any],
    work: Path | None = None,
    **options: Any,
) -> None:
    """Train ``net`` from where it is by each plan, average the weights, calibrate and save the model in ``out``.

    ``facts`` go to config.json's ``training`` beside seed, plans and best rounds; ``options`` to `RecipeBrain`.
    Checkpoints and logs lie in ``work``, by default ``out/work``; the log of the epochs also is ``out/training.jsonl``.
    """
    work = work or out / "work"
    start = {name: value.detach().clone() for name, value in net.state_dict().items()}
    spread = corpora["attributes"]["train"].target.std(axis=0)
    trained, best, log = [], [], ""
    for number, plan in enumerate(plans, 1):
        folder = work / f"plan-{number}"
        seed_everything(seed)
        net.load_state_dict(start)
        brain = TextBrain(net, Rounds(corpora, pieces, plan, seed + plan.draw), spread, folder, seed=seed, **options)
        brain.run(held_out(corpora, pieces))
        trained.append({name: value.clone() for name, value in brain.best_state("net").items()})
        best.append(brain.result.best_epoch)
        log += (folder / "log.jsonl").read_text(encoding="utf-8")
    training = {**facts, "seed": seed, "plans": [asdict(plan) for plan in plans], "best_rounds": best}
    finish(trained, net.config, pieces, corpora, out, training, str(brain.device))
    (out / "training.jsonl").write_text(log, encoding="utf-8")


def finish(
    trained: Sequence[Mapping[str, Tensor]],
    config: TextConfig,
    pieces: WordPieces,
    corpora: dict[str, Splits],
    out: Path,
    training: Mapping[str, Any],
    device: str = "cpu",
) -> None:
    """Average the weights of several trainings from one start, calibrate and save the model in ``out``."""
    from mien_plugins.text.evaluation import calibrate

    mean = {name: torch.stack([weights[name].float() for weights in trained]).mean(dim=0) for name in trained[0]}
    # float16 halves the file.
    weights = {name: value.to(torch.float16) for name, value in mean.items()}
    settings = Settings(net=config)
    about = {"id": RECIPE, "training": dict(training)}
    save_model(out, weights, {**settings.to_dict(), **about})
    shutil.copyfile(pieces.path, out / "tokenizer.json")
    # What is calibrated is what is shipped: the rounded weights, read back.
    fitted = calibrate(TextModel.load(out, device), corpora, np.random.default_rng(int(training["seed"])))
    save_model(out, weights, {**replace(settings, calibration=fitted).to_dict(), **about})


def cross_validate(model: Path, data: Path, *, device: str = "cpu") -> None:
    """Cross-validate the encoder in ``model`` on Davidson's tweets; the figures join its config.json, for the card."""
    from mien_plugins.text.evaluation import davidson

    path = model / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    found = davidson(TextModel.load(model, device), data, int(config["training"]["seed"]))
    config["training"]["davidson"] = [asdict(metric) for metric in found]
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def evaluate(model: Path, data: Path, *, device: str = "cpu") -> Card:
    """Measure the model in ``model`` on the test splits under ``data``."""
    from mien_plugins.text.evaluation import measure

    return measure(TextModel.load(model, device), model, data)
