"""How the text model is made and measured (`mien train text-offence`, `mien evaluate text-offence`).

all-MiniLM-L6-v2 is fine-tuned on OLID, HateXplain and EmoBank; probabilities are calibrated on their validation parts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.training.card import Card, write_card
from mien.training.kit import save_model, seed_everything
from mien_plugins.text.data import READERS, Splits, read_olid
from mien_plugins.text.model import Settings, TextModel
from mien_plugins.text.net import TextConfig, TextNet
from mien_plugins.text.pretrained import check_encoder, find_encoder, load_encoder
from mien_plugins.text.tokens import WordPieces
from mien_plugins.text.training import Plan, Rounds, TextBrain, held_out

RECIPE = "text-offence"
QUICK = Plan(rounds=2, passes={"offence": 1.0, "hate": 0.5, "attributes": 0.5})
FULL = Plan()


def read_corpora(data: Path, seed: int) -> dict[str, Splits]:
    """task → its corpus' splits, for all tasks of the recipe."""
    return {task: read_olid(data, seed) if task == "offence" else READERS[task](data) for task in READERS}


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
    plan: Plan | None = None,
) -> Card:
    """Train, calibrate, save and measure the model in ``out``; see :func:`fit` for the files.

    Args:
        data: folder of the corpora (`text/olid`, `text/hatexplain`, `text/emobank`, `text/davidson`).
        out: gets model.safetensors (float16), config.json, tokenizer.json and the card.
        quick: half the passes.
        device: as torch spells it.
        seed: of the split, the order, the copies and the heads' start.
        resume: go on from the last checkpoint in ``work``.
        threads: of torch; by default all cores.
        progress: show a bar.
        work: checkpoints and logs, by default ``out/work``.
        encoder: folder of all-MiniLM-L6-v2; by default the installed package.
        plan: overrides ``quick``.

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
    chosen = plan or (QUICK if quick else FULL)
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
    plan: Plan,
    seed: int,
    facts: Mapping[str, Any],
    work: Path | None = None,
    **options: Any,
) -> None:
    """Train ``net`` from where it is on ``corpora``, calibrate it and save it in ``out``.

    ``facts`` go to config.json's ``training`` beside seed, plan and best round; ``options`` to `RecipeBrain`.
    Checkpoints and logs lie in ``work``, by default ``out/work``; the log of the epochs also is ``out/training.jsonl``.
    """
    from mien_plugins.text.evaluation import calibrate

    work = work or out / "work"
    rounds = Rounds(corpora, pieces, plan, seed)
    spread = corpora["attributes"]["train"].target.std(axis=0)
    brain = TextBrain(net, rounds, spread, work, seed=seed, **options)
    brain.run(held_out(corpora, pieces))
    # float16 halves the file.
    weights = {name: value.to(torch.float16) for name, value in brain.best_state("net").items()}
    training = {**facts, "seed": seed, "plan": asdict(plan), "best_round": brain.result.best_epoch}
    settings = Settings(net=net.config)
    about = {"id": RECIPE, "training": training}
    save_model(out, weights, {**settings.to_dict(), **about})
    shutil.copyfile(pieces.path, out / "tokenizer.json")
    # What is calibrated is what is shipped: the rounded weights, read back.
    fitted = calibrate(TextModel.load(out, str(brain.device)), corpora, np.random.default_rng(seed))
    save_model(out, weights, {**replace(settings, calibration=fitted).to_dict(), **about})
    shutil.copyfile(work / "log.jsonl", out / "training.jsonl")


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
