"""`mien library`: list, show, search, remove."""

from __future__ import annotations

from typing import Any

import typer

from mien.cli import say
from mien.errors import UsageError, shown
from mien.exchange.findings import describe
from mien.exchange.text import clock
from mien.library.holdings import plugins
from mien.library.library import Library
from mien.library.medium import damage


def list_media(place: str | None, as_json: bool) -> None:
    """Every medium with its duration and how many plugins read it."""
    with Library(place) as library:
        media, read_by = library.media(), plugins(library)
        if as_json:
            say.emit_json(
                [
                    {
                        "id": m.id,
                        "path": str(m.path),
                        "duration": m.duration,
                        "added": m.added.isoformat(),
                        "plugins": read_by.get(m.id, []),
                    }
                    | ({"damaged": True} if m.damaged else {})
                    for m in media
                ]
            )
            return
        if not media:
            typer.echo("The library is empty; fill it with: mien analyze PATH")
        for m in media:
            length = "?" if m.duration is None else clock(m.duration)
            mark = "  (damaged)" if m.damaged else ""
            typer.echo(f"{m.id[:12]}  {length:>8}  {len(read_by.get(m.id, [])):>2} plugins  {shown(m.path)}{mark}")
        if told := damage(media):
            typer.echo(f"mien: {told}", err=True)


def show_medium(which: str, place: str | None, as_json: bool) -> None:
    """One medium: its runs with versions, models and parameters, and what each track says."""
    with Library(place) as library:
        medium = _find(library, which)
        runs = medium.runs()
        tracks = medium.tracks()
        by_run: dict[str, list[str]] = {}
        for info in tracks.infos():
            by_run.setdefault(info.run_id, []).append(info.name)
        if as_json:
            say.emit_json(
                {
                    "id": medium.id,
                    "paths": [str(p) for p in medium.paths],
                    "duration": medium.duration,
                    "runs": [_run(run) | {"tracks": _tracks(tracks, by_run.get(run.id, []))} for run in runs],
                }
            )
            return
        typer.secho(shown(medium.path), bold=True)
        typer.echo(f"  id {medium.id}, {'?' if medium.duration is None else clock(medium.duration)}")
        for run in runs:
            typer.secho(f"  {run.analyzer} {run.version}", bold=True, nl=False)
            typer.echo(f"  {run.device} {run.precision}{', partial: ' + say.plain(run.reason) if run.partial else ''}")
            for name, says in _tracks(tracks, by_run.get(run.id, [])).items():
                typer.echo(say.plain(f"    {name}: {says}"))
            for model, sha in run.models.items():
                typer.echo(f"    model {model} {sha[:12]}")
            for note in run.notes:
                typer.echo(f"    {say.plain(note)}")


def search_library(text: str, limit: int, place: str | None, as_json: bool) -> None:
    """Utterances with those words, the best first."""
    with Library(place) as library:
        hits = library.search(text, limit=limit)
    if as_json:
        say.emit_json(
            [{"medium": h.medium_id, "path": str(h.path), "start": h.start, "end": h.end, "text": h.text} for h in hits]
        )
        return
    if not hits:
        typer.echo("Nothing found.")
    for hit in hits:
        typer.echo(f"{shown(hit.path)} {clock(hit.start)}–{clock(hit.end)}: {say.plain(hit.text)}")


def remove_medium(which: str, yes: bool, place: str | None) -> None:
    """Remove one medium after asking."""
    with Library(place) as library:
        medium = _find(library, which)
        if not yes and not typer.confirm(f"Remove {shown(medium.path)} and all its readings?"):
            return
        library.remove(medium)
    typer.echo(f"Removed {shown(medium.path)} from the library.")


def _find(library: Library, which: str) -> Any:
    """By path, id, or the beginning of an id."""
    found = library.find_medium(which)
    if found is not None:
        return found
    alike = [m for m in library.media() if len(which) >= 4 and m.id.startswith(which)]
    if len(alike) > 1:
        raise UsageError(f"Several media have an id that begins with {which}; give more of it.")
    return alike[0] if alike else library.medium(which)


def _run(run: Any) -> dict[str, Any]:
    return {
        "analyzer": run.analyzer,
        "version": run.version,
        "key": run.key,
        "params": run.params,
        "models": run.models,
        "device": run.device,
        "precision": run.precision,
        "partial": run.reason if run.partial else "",
        "notes": list(run.notes),
    }


def _tracks(tracks: Any, names: list[str]) -> dict[str, str]:
    return {name: describe(tracks[name]) for name in names}
