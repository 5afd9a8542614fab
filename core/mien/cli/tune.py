"""`mien tune`: the options of a recipe searched for, kept as a file that `mien train --recipe` replays."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli.options import Device, Json, Quiet, Threads

if TYPE_CHECKING:
    from mien.training.tune import Found, Trial


def tune(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="What to train.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Folder of the corpora.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the search and of what it found.")],
    trials: Annotated[int, typer.Option("--trials", "-n", min=1, max=100_000, help="Sets of options to try.")] = 20,
    quick: Annotated[bool, typer.Option("--quick", help="The short form of each training.")] = False,
    device: Device = None,
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of everything random.")] = 0,
    threads: Threads = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Begin anew instead of going on where it stopped.")] = False,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PARAM=VALUE", help="Fix an option instead of searching it.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Search a recipe's options (Hyperband) by validation; OUT/recipe.json is what it found. A stopped search goes on."""
    from mien.cli import say
    from mien.cli.train import options_of
    from mien.config import load
    from mien.engine.log import log_to
    from mien.engine.registry import Registry
    from mien.errors import Cancelled
    from mien.training import job
    from mien.training.tune import search

    log_to(say.log_file())
    info = Registry.load().recipe(recipe)
    wanted = job.Job(
        data=data,
        out=out,
        quick=quick,
        device=device or load().device,
        seed=seed,
        threads=threads,
        progress=False,
        options=options_of(info, settings or []),
    )

    def tell(trial: Trial) -> None:
        if not quiet and not as_json:
            typer.echo(_line(trial), err=True)

    try:
        found = search(info, wanted, trials, fresh=fresh, tell=tell)
    except KeyboardInterrupt:
        line = shlex.join(["mien", *(a for a in sys.argv[1:] if a != "--fresh")])
        raise Cancelled(f"The search was stopped; it goes on with: {line}") from None
    if as_json:
        facts = {**asdict(found), "trials": [asdict(trial) for trial in found.trials], "file": str(found.file)}
        say.emit_json(facts)
    elif not quiet:
        _print(found, data)


def _line(trial: Trial) -> str:
    told = ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in trial.options.items()
    )
    ended = {"complete": "trained", "pruned": "stopped", "failed": "failed"}[trial.state]
    value = "" if trial.value is None else f", best {trial.value:.4g}"
    return f"trial {trial.number}: {ended} after {trial.epochs} epochs{value} ({told})"


def _print(found: Found, data: Path) -> None:
    pruned = sum(trial.state == "pruned" for trial in found.trials)
    value = "" if found.best.value is None else f" {found.best.value:.4g}"
    typer.echo(
        f"{len(found.trials)} trials, {pruned} of them stopped early; best {found.metric.replace('_', ' ')} of validation{value}:"
    )
    for name, chosen in found.best.options.items():
        typer.echo(f"  {name} = {f'{chosen:.4g}' if isinstance(chosen, float) else chosen}")
    line = shlex.join(["mien", "train", "--recipe", str(found.file), "--data", str(data), "--out", "MODEL"])
    typer.echo(f"Train it with: {line}")
