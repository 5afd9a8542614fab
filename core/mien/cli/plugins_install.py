"""`mien plugins install` and `remove`."""

from __future__ import annotations

import typer

from mien.cli import say
from mien.engine.isolation.install import Outcome, install, remove
from mien.errors import shown


def say_installed(source: str, isolated: bool, as_json: bool) -> None:
    """Install a plugin, and say what it offers."""
    done = install(source, isolated)
    if as_json:
        say.emit_json({"installed": _facts(done)})
        return
    where = " in an environment of its own" if done.isolated else ""
    offered = ", ".join(map(shown, done.offers))
    typer.echo(f"Installed: {shown(done.name)} {shown(done.version)}{where}, which offers {offered}.")


def say_removed(name: str, as_json: bool) -> None:
    """Remove a plugin, and say so."""
    done = remove(name)
    if as_json:
        say.emit_json({"removed": _facts(done)})
        return
    typer.echo(f"Removed: {shown(done.name)} {shown(done.version)}.")


def _facts(done: Outcome) -> dict[str, object]:
    return {"name": done.name, "version": done.version, "offers": list(done.offers), "isolated": done.isolated}
