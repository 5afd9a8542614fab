"""`mien models`: what is installed, what could be, and getting it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from mien.cli import say
from mien.cli.train import facts
from mien.engine.registry import Registry
from mien.errors import shown
from mien.models import install, store
from mien.models.catalogue import ENTRIES, entry
from mien.models.files import recorded
from mien.models.statement import Statement


def list_models(as_json: bool) -> None:
    """Installed models first, then those of the catalogue that are not here, then those that a recipe makes."""
    here = store.available()
    ids = {model.id for model in here}
    recipes = Registry.load().recipes.values()
    rest = [known for known in ENTRIES if known.id not in ids]
    if as_json:
        installed = [asdict(model) | {"path": str(model.path)} for model in here]
        say.emit_json(
            {
                "installed": installed,
                "catalogue": [known.to_dict() for known in rest],
                "recipes": [facts(info) for info in recipes],
            }
        )
        return
    width = max((len(name) for name in (*ids, *(e.id for e in rest), *(r.id for r in recipes))), default=0)
    typer.secho("installed", bold=True)
    for model in here:
        typer.echo(f"  {model.id:<{width}}  {_size(model.size):>9}  {model.title or model.task}  [{model.licence}]")
    for how, some in (
        ("could be fetched with mien models pull ID", [k for k in rest if not (k.obstacle or k.unpinned)]),
        ("could be fetched with mien models pull ID, held to what the hub states", [k for k in rest if k.unpinned]),
        ("could be imported with mien models import ID DIR", [k for k in rest if k.obstacle]),
    ):
        if some:
            typer.secho(how, bold=True)
        for known in some:
            typer.echo(f"  {known.id:<{width}}  {_size(known.size):>9}  {known.title}: {known.task}  [{known.licence}]")
    typer.secho("could be trained with mien train RECIPE --data DIR --out DIR", bold=True)
    for info in recipes:
        typer.echo(f"  {info.id:<{width}}  {'':>9}  {info.title}")


def show_model(model: str, as_json: bool) -> None:
    """The model's card, or what the catalogue says of it."""
    facts = store.describe(model)
    if as_json:
        say.emit_json(facts)
        return
    folder = Path(facts["path"]) if facts.get("installed") and facts.get("path") else None
    card = folder / "CARD.md" if folder else None
    if card is not None and card.is_file():
        typer.echo(card.read_text(encoding="utf-8"))
        return
    for line in _told(facts | {"files": recorded(folder) if folder else {}}):
        typer.echo(say.plain(line))
    known = entry(model)
    if known is not None and known.unpinned:
        typer.echo(
            "pin: this version of Mien has none of its own; the first download is held to what the hub states then, if you "
            "agree to that, and later ones to the same"
        )
        if statement := store.held(model):
            typer.echo("\n".join(f"held: {line}" for line in statement.lines()))


def _told(facts: Mapping[str, Any]) -> Iterator[str]:
    """What is known of a model, a line for each fact and for each file."""
    catalogue, record = facts.get("catalogue") or {}, facts.get("record") or {}
    flat = {key: value for key, value in facts.items() if key not in ("catalogue", "record", "card", "held", "files")}
    flat["size"] = facts.get("size") or catalogue.get("size") or None
    pinned = ("repo", "page", "revision", "branch", "languages", "obstacle", "consent")
    flat |= {key: catalogue.get(key) for key in pinned}
    done = {key: value for key, value in record.items() if key not in ("id", "files", "source", "licence")}
    flat |= {"installed on" if key == "installed" else key: value for key, value in done.items()}
    yield from (f"{key}: {value}" for key, value in flat.items() if value not in (None, "", [], {}))
    yield from (f"pinned: {name}  sha256 {digest}" for name, digest in catalogue.get("sha256", {}).items())
    yield from (f"file: {name}  sha256 {digest}" for name, digest in facts.get("files", {}).items())


def import_model(model: str, folder: Path, accept: bool) -> None:
    """Install from a folder; says what was left out."""
    accept = accept or _agreed(model)
    with _bar(f"importing {model}") as report:
        installed = install.import_folder(model, folder, progress=report, accept_licence=accept)
    typer.echo(f"{installed.id} is installed in {shown(installed.path)}")
    if installed.left_out:
        typer.echo(f"left out, because it could run code or is not known: {', '.join(installed.left_out)}")
    known, record = entry(model), store.describe(model).get("record") or {}
    if known is not None and known.sha256 and not record.get("as_catalogued"):
        typer.echo("its weights are not those that the catalogue pins, but another version or export of them")


def pull_model(model: str, accept: bool, trust: bool = False, anew: bool = False) -> None:
    """Download a model of the catalogue; one that it does not pin, as the hub states it and if the user agrees to that."""
    accept = accept or _agreed(model)
    stated = install.stated(model, accept_licence=accept, anew=anew)
    if stated is not None and not _trusted(model, stated, trust):
        stated = None
    with _bar(f"fetching {model}") as report:
        installed = install.pull(model, progress=report, accept_licence=accept, trusted=stated)
    typer.echo(f"{installed.id} is installed in {shown(installed.path)}")


def verify_models() -> int:
    """Read every installed model's files; returns the exit code."""
    bad = 0
    for model in store.available():
        problems = store.verify(model.id)
        bad += bool(problems)
        typer.echo(f"{model.id}: {'; '.join(problems) or 'ok'}")
    return 5 if bad else 0


def remove_model(model: str) -> None:
    """Remove a model from the user's store."""
    store.remove(model)
    typer.echo(f"{model} was removed.")


def _agreed(model: str) -> bool:
    """Ask whoever sits at the terminal for consent where a licence needs it; nobody there, no consent."""
    known = entry(model)
    if known is None or not known.consent or store.is_whole(model) or not sys.stdin.isatty():
        return False
    typer.echo(f"{known.title} is under this licence: {known.licence} ({known.page}).\n{known.consent}.")
    return typer.confirm("Do you agree?", default=False)


def _trusted(model: str, stated: Statement, trust: bool) -> bool:
    """Show what the hub stated; whoever sits at the terminal is asked, who does not has given the option or not."""
    typer.echo("\n".join(stated.lines()))
    typer.echo(
        f"This version of Mien has no pin of its own for {model}: it will be held to what {stated.host} stated there, now and "
        "at every later download."
    )
    return trust or (sys.stdin.isatty() and typer.confirm("Do you agree?", default=False))


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int], None]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns: tuple[Any, ...] = (
        "{task.description}",
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=say.console(), transient=True, disable=not sys.stdout.isatty()) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total or None)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count else ""
