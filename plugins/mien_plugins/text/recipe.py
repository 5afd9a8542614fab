"""Recipe `text-offence`: fine-tune all-MiniLM-L6-v2 on OLID, HateXplain, EmoBank; calibrate; write the card.

python -m mien_plugins.text.recipe --data DIR --out DIR [--encoder DIR] [--quick]
python -m mien_plugins.text.recipe --data DIR --evaluate MODEL
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mien.errors import MienError
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
    quick: bool = False,
    device: str = "cpu",
    seed: int = 0,
    resume: bool = True,
    *,
    encoder: Path | None = None,
    plan: Plan | None = None,
    threads: int | None = None,
    progress: bool = True,
) -> Path:
    """Train, calibrate and save the model in ``out``; see :func:`fit` for the files.

    Args:
        data: folder of the corpora (`text/olid`, `text/hatexplain`, `text/emobank`).
        out: gets model.safetensors (float16), config.json and tokenizer.json.
        quick: half the passes.
        device: as torch spells it.
        seed: of the split, the order, the copies and the heads' start.
        resume: go on from the last checkpoint in ``out/work``.
        encoder: folder of all-MiniLM-L6-v2; by default the installed package.
        plan: overrides ``quick``.
        threads: of torch; by default all cores.
        progress: show a bar.

    Raises:
        EncoderMissing, EncoderChanged: the start weights are not there, or not the published ones.
        FileNotFoundError: a corpus is missing.
    """
    start = find_encoder(encoder)
    check_encoder(start)
    seed_everything(seed)
    net = TextNet(TextConfig())
    load_encoder(net, start)
    corpora = read_corpora(data, seed)
    chosen = plan or (QUICK if quick else FULL)
    facts = {"recipe": RECIPE, "quick": bool(quick)}
    options = {"device": device, "resume": resume, "threads": threads, "progress": progress}
    return fit(net, WordPieces(start), corpora, out, chosen, seed, facts, **options)


def fit(
    net: TextNet,
    pieces: WordPieces,
    corpora: dict[str, Splits],
    out: Path,
    plan: Plan,
    seed: int,
    facts: Mapping[str, Any],
    **options: Any,
) -> Path:
    """Train ``net`` from where it is on ``corpora``, calibrate it and save it in ``out``.

    ``facts`` go to config.json's ``training`` beside seed, plan and best round; ``options`` to `RecipeBrain`.
    Checkpoints lie in ``out/work`` until the model is saved; the log stays as ``out/training.jsonl``.
    """
    from mien_plugins.text.evaluation import calibrate

    work = out / "work"
    rounds = Rounds(corpora, pieces, plan, seed)
    spread = corpora["attributes"]["train"].target.std(axis=0)
    brain = TextBrain(net, rounds, spread, work, seed=seed, **options)
    brain.run(held_out(corpora, pieces))
    # float16 halves the file.
    weights = {name: value.to(torch.float16) for name, value in brain.best_state("net").items()}
    training = {**facts, "seed": seed, "plan": asdict(plan), "best_round": brain.result.best_epoch}
    settings = Settings(net=net.config)
    save_model(out, weights, {**settings.to_dict(), "training": training})
    shutil.copyfile(pieces.path, out / "tokenizer.json")
    # What is calibrated is what is shipped: the rounded weights, read back.
    fitted = calibrate(TextModel.load(out, str(brain.device)), corpora, np.random.default_rng(seed))
    save_model(out, weights, {**replace(settings, calibration=fitted).to_dict(), "training": training})
    shutil.copyfile(work / "log.jsonl", out / "training.jsonl")
    shutil.rmtree(work)
    return out


def evaluate(model: Path, data: Path, device: str = "cpu") -> Card:
    """Measure the model in ``model`` on the test splits under ``data`` and write its card there."""
    from mien_plugins.text.evaluation import measure

    card = measure(TextModel.load(model, device), model, data)
    write_card(model, card)
    return card


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m mien_plugins.text.recipe", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpora")
    parser.add_argument("--out", type=Path, help="folder of the new model")
    parser.add_argument("--evaluate", type=Path, metavar="MODEL", help="only measure this model and write its card")
    parser.add_argument("--encoder", type=Path, help="folder of all-MiniLM-L6-v2 (default: the installed package)")
    parser.add_argument("--quick", action="store_true", help="half the passes")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="of torch (default: all cores)")
    parser.add_argument("--fresh", action="store_true", help="do not resume from a checkpoint")
    given = parser.parse_args(arguments)
    if (given.out is None) == (given.evaluate is None):
        parser.error("give either --out to train or --evaluate to measure")
    try:
        if given.threads is not None:
            torch.set_num_threads(given.threads)
        if given.out is not None:
            train(
                given.data,
                given.out,
                given.quick,
                given.device,
                given.seed,
                not given.fresh,
                encoder=given.encoder,
                threads=given.threads,
            )
        card = evaluate(given.evaluate or given.out, given.data, given.device)
    except (OSError, ValueError, MienError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for metric in card.metrics:
        sys.stdout.write(f"{metric.subset}: {metric.name} {metric.value:.3f} ({metric.low:.3f}–{metric.high:.3f})\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
