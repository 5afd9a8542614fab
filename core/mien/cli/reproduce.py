"""`mien reproduce`: published tables made again, beside what the papers print."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import say
from mien.errors import Cancelled, ParameterError, UsageError, shown

if TYPE_CHECKING:
    from mien.sdk.descriptors import TableInfo
    from mien.training.reproduction import Reproduced, Result

PAGE = "reproduction.md"


def reproduce(
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="What to make; without it, a list.")] = None,
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Folder of the corpora.")] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="How many, from 0 on.")] = 5,
    device: Annotated[
        str | None, typer.Option("--device", "-d", metavar="DEVICE", help="auto, cpu, cuda:N or mps.")
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", min=1, max=256, help="CPU threads for models.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help=f"The page. Default: docs/{PAGE} if there is docs, else {PAGE}."
        ),
    ] = None,
    work: Annotated[
        Path | None, typer.Option("--work", metavar="DIR", help="Keeps what is done. Default: in the user's cache.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option of the table's own.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Train everything anew.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: JSON instead of text.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only errors.")] = False,
) -> None:
    """Make a published table again: the paper's number, ours over several seeds, the difference; a stopped run goes on."""
    from mien.engine.registry import Registry

    tables = Registry.load().tables
    if table is None:
        _list(tables, as_json)
        return
    info = Registry.load().table(table)
    made = _make(info, data, seeds, device, threads, work, _options(settings or []), fresh, not (quiet or as_json))
    from mien.training.reproduction_page import write_page

    place = out if out is not None else (Path("docs") if Path("docs").is_dir() else Path()) / PAGE
    write_page(place, made, tables)
    _print(made, place, as_json, quiet)


def _list(tables: dict[str, TableInfo], as_json: bool) -> None:
    if as_json:
        keys = ("id", "title", "description", "closed", "command")
        say.emit_json([{k: getattr(i, k) for k in keys} | {"data": list(i.data)} for i in tables.values()])
        return
    for info in tables.values():
        typer.secho(f"{info.id}: {info.title}", bold=True)
        if info.closed:
            typer.echo(f"  cannot be reproduced here: {info.closed}")
            if info.command:
                typer.echo(f"  with the data: {info.command}")
        else:
            typer.echo(f"  {info.description}")
            typer.echo(f"  needs in --data: {', '.join(info.data)}")


def _make(
    info: TableInfo,
    data: Path | None,
    seeds: int,
    device: str | None,
    threads: int | None,
    work: Path | None,
    options: dict[str, str],
    fresh: bool,
    progress: bool,
) -> Reproduced:
    from mien.config import cache_dir, load
    from mien.engine.backend import select
    from mien.engine.log import log_to
    from mien.training import job, reproduction

    log_to(say.log_file())
    if not info.closed:
        if data is None:
            raise UsageError(f"Say where the corpora lie: mien reproduce {info.id} --data DIR.")
        job.check_data(info, data)
    reproduction.load_table(info)
    assert data is not None
    place = (work if work is not None else cache_dir() / "reproduce") / info.id
    job.check_writable(place)
    with job.plain_errors(info):
        try:
            return reproduction.reproduce(
                info,
                data,
                range(seeds),
                place,
                device=select(device or load().device).device,
                threads=threads,
                options=options,
                fresh=fresh,
                tell=_tell if progress else None,
            )
        except KeyboardInterrupt:
            line = shlex.join(["mien", *(a for a in sys.argv[1:] if a != "--fresh")])
            raise Cancelled(f"It was stopped; what is done is kept, and it goes on with: {line}") from None


def _tell(task: str, seed: int, done: int, total: int, result: Result | None, seconds: float) -> None:
    if result is None:
        typer.echo(f"{done + 1} of {total}: {task}, seed {seed} …", err=True)
        return
    values = ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in list(result["values"].items())[:4])
    typer.echo(f"{done} of {total}: {task}, seed {seed}: {values} ({seconds:.0f} s)", err=True)


def _options(settings: list[str]) -> dict[str, str]:
    given = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise ParameterError(f"A setting must read name=value, not {text!r}.")
        given[name.strip()] = value
    return given


def _print(made: Reproduced, page: Path, as_json: bool, quiet: bool) -> None:
    if as_json:
        say.emit_json({"id": made.info.id, "page": str(page), "seeds": list(made.seeds), "rows": _rows(made)})
        return
    if quiet:
        return
    from rich.markup import escape
    from rich.table import Table

    from mien.training.reproduction_page import cells

    grid = Table(
        box=None, padding=(0, 2, 0, 0), header_style="dim", title=escape(made.info.title), title_justify="left"
    )
    for heading in ("system", "measure"):
        grid.add_column(heading, overflow="fold")
    for heading in ("paper", "ours", "difference", "asked"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for row in made.rows:
        grid.add_row(escape(row.figure.row), escape(row.figure.column), *cells(row, made.digits))
    say.console().print(grid)
    for note in made.notes:
        typer.echo(note)
    typer.echo(f"Written to {shown(page)}")


def _rows(made: Reproduced) -> list[dict[str, Any]]:
    return [
        {
            "row": row.figure.row,
            "column": row.figure.column,
            "paper": row.figure.paper,
            "mean": row.mean,
            "sd": row.sd,
            "n": row.n,
            "difference": row.difference,
            "asked": row.figure.asked,
            "reached": row.reached,
        }
        for row in made.rows
    ]
