"""`mien export`: readings of an analysed medium as files."""

from __future__ import annotations

import math
from pathlib import Path

import typer

from mien.cli import say
from mien.engine.choice import parse_settings
from mien.engine.registry import Registry
from mien.engine.results import analysis_of
from mien.errors import UsageError, shown
from mien.exchange.write import export
from mien.library.library import Library


def export_medium(
    medium: str,
    formats: list[str],
    out: Path | None,
    settings: list[str],
    span: tuple[float | None, float | None],
    place: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the current readings of one medium in each format; `span`: begin and end in s, None for the medium's own."""
    registry = Registry.load()
    names = [registry.exporter(name).id for name in formats]
    options = parse_settings(registry, settings)
    for plugin in options:
        if plugin not in registry.exporters:
            raise UsageError(f"--set takes the parameters of export formats here, and {plugin} is none.")
        if plugin not in names:
            raise UsageError(
                f"--set {plugin} would change nothing: nothing is written as {plugin}; add --format {plugin}."
            )
    with Library(place) as library:
        entry = library.medium(medium)
        analysis = analysis_of(library, entry)
        begin, end = span
        cut = None if span == (None, None) else (begin or 0.0, math.inf if end is None else end)
        written = export(analysis, names, out or Path(), registry.exporters, options, span=cut)
    if as_json:
        say.emit_json({"medium": entry.id, "paths": [str(p) for p in written]})
    elif not quiet:
        for path in written:
            typer.echo(shown(path))
