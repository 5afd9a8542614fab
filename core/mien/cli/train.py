"""`mien train` and `mien evaluate`: models made and measured by the recipes that plugins offer."""

from __future__ import annotations

import shlex
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.cli import say
from mien.config import load
from mien.engine.choice import fill, value_of
from mien.engine.registry import Registry
from mien.errors import Cancelled, ParameterError, UsageError, shown
from mien.sdk.descriptors import RecipeInfo
from mien.training import job
from mien.training.watch import Board

if TYPE_CHECKING:
    from mien.training.card import Card


def list_recipes(as_json: bool) -> None:
    """Every recipe: the model it makes, what it learns from, its options."""
    recipes = Registry.load().recipes
    if as_json:
        say.emit_json([facts(info) for info in recipes.values()])
        return
    for info in recipes.values():
        typer.secho(f"{info.id}: {info.title}", bold=True)
        typer.echo(f"  {info.description}")
        if info.data:  # else the description says what it learns from
            typer.echo(f"  needs in --data: {', '.join(info.data)}")
        if info.search:
            typer.echo(f"  searches (mien tune {info.id}): {', '.join(entry.name for entry in info.search)}")
        for name, entry in info.params.model_json_schema().get("properties", {}).items():
            typer.echo(f"  --set {name}=…  {entry.get('description', '')}")


def facts(info: RecipeInfo) -> dict[str, Any]:
    """A recipe as JSON-ready values."""
    keys = ("id", "title", "model", "description", "factory")
    return {
        **{key: getattr(info, key) for key in keys},
        "data": list(info.data),
        "params": info.params.model_json_schema(),
        "search": [asdict(entry) for entry in info.search],
    }


@dataclass(frozen=True)
class Asked:
    """The options of `mien train` as given."""

    data: Path | None
    out: Path | None
    quick: bool
    device: str | None
    seed: int
    threads: int | None
    fresh: bool
    work: Path | None
    settings: list[str]
    as_json: bool
    quiet: bool


def replay_model(recipe: str | None, file: Path, asked: Asked) -> None:
    """Train by the recipe file of `mien tune`; what the command line says besides goes first."""
    from mien.training.tune import read

    kept = read(file)
    if recipe is not None and recipe != kept["recipe"]:
        raise UsageError(f"This recipe file is of {kept['recipe']}, not of {recipe}: {shown(file)}")
    settings = [f"{name}={value}" for name, value in kept["options"].items()]
    seed, quick = asked.seed or int(kept["seed"]), asked.quick or bool(kept["quick"])
    train_model(str(kept["recipe"]), replace(asked, settings=[*settings, *asked.settings], seed=seed, quick=quick))


def train_model(recipe: str, asked: Asked) -> None:
    """Train, then print what was measured. Ctrl-C leaves what the same command goes on with."""
    from mien.engine.log import log_to

    log_to(say.log_file())
    info = Registry.load().recipe(recipe)
    if asked.data is None or asked.out is None:
        raise UsageError(
            f"Say where things lie: mien train {recipe} --data DIR (the corpora) --out DIR (the new model)."
        )
    progress = not (asked.quiet or asked.as_json)
    wanted = job.Job(
        data=asked.data,
        out=asked.out,
        quick=asked.quick,
        device=asked.device or load().device,
        seed=asked.seed,
        threads=asked.threads,
        resume=not asked.fresh,
        progress=progress,
        work=asked.work,
        options=options_of(info, asked.settings),
    )
    if progress and not Board.is_installed():
        typer.echo("TensorBoard is not installed, so no curves are kept: pip install 'mien[train]'", err=True)
    try:
        card = job.train(info, wanted)
    except KeyboardInterrupt:
        raise Cancelled(_stopped(wanted.place)) from None
    _print(card, wanted.out, asked.as_json, progress)


def evaluate_model(
    model: str, data: Path, device: str | None, threads: int | None, write: bool, as_json: bool, quiet: bool
) -> None:
    """Measure a model, write its card and print the figures."""
    from mien.engine.log import log_to

    log_to(say.log_file())
    folder = job.model_folder(model)
    info = job.recipe_of(folder, Registry.load().recipes)
    card = job.evaluate(info, folder, data, device=device or load().device, threads=threads, write=write)
    _print(card, folder if write else None, as_json, not quiet)


def options_of(info: RecipeInfo, settings: list[str]) -> dict[str, Any]:
    """`name=value` texts as the recipe's options, only those that were given."""
    given: dict[str, Any] = {}
    for text in settings:
        name, equals, raw = text.partition("=")
        name = name.strip().removeprefix(f"{info.id}.")
        if not equals or not name:
            raise ParameterError(f"A setting must read param=value, not {text!r}.")
        given[name] = value_of(raw)
    checked = fill(info.id, info.params, given)
    return {name: getattr(checked, name) for name in given}


def _stopped(work: Path) -> str:
    epochs = job.saved_epochs(work)
    done = f"{epochs} epoch{'s' if epochs != 1 else ''} are saved" if epochs else "no epoch was complete yet"
    line = shlex.join(["mien", *(a for a in sys.argv[1:] if a != "--fresh")])
    return f"The training was stopped ({done}); it goes on with: {line}"


def _print(card: Card, folder: Path | None, as_json: bool, text: bool) -> None:
    if as_json:
        metrics = [asdict(metric) for metric in card.metrics]
        say.emit_json({"id": card.id, "path": str(folder) if folder else None, "metrics": metrics})
        return
    if not text:
        return
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("on", "metric"):
        table.add_column(heading, overflow="fold")
    for heading in ("value", "95 % interval", "n"):
        table.add_column(heading, justify="right", no_wrap=True)
    for m in card.metrics:
        table.add_row(escape(m.subset), escape(m.name), f"{m.value:.3f}", f"{m.low:.3f} … {m.high:.3f}", str(m.n))
    say.console().print(table)
    if folder is not None:
        typer.echo(f"The card is in {shown(folder / 'CARD.md')}")
