"""`mien plugins`: a list, one plugin in full, and what authors of plugins need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mien.cli.options import Json


class _ShowsByDefault(TyperGroup):
    """`mien plugins` lists, and `mien plugins ID` shows: what is no command's name is the id of a plugin."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


plugins = typer.Typer(
    cls=_ShowsByDefault,
    help="List analyzers, fusions and export formats, show one with its parameters (`mien plugins ID`), install those of "
    "others, or write one of your own.",
)


@plugins.command("show")
def show(
    plugin: Annotated[str | None, typer.Argument(metavar="[ID]", help="Show this plugin in full.")] = None,
    as_json: Json = False,
) -> None:
    """List analyzers, fusions and export formats, or show one with its parameters (`show` may be left out)."""
    from mien.cli.plugins import list_plugins, show_plugin

    if plugin is None:
        list_plugins(as_json)
    else:
        show_plugin(plugin, as_json)


@plugins.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the plugin: lower-case words joined by dashes.")],
    kind: Annotated[str, typer.Option("--kind", "-k", metavar="KIND", help="analyzer, fusion or exporter.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Folder of the project. Default: ./NAME.")
    ] = None,
) -> None:
    """Write a complete project of a plugin, with tests that pass."""
    from mien.cli.plugins_new import say_new

    say_new(name, kind, out)


@plugins.command("check")
def check(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME…", help="Id of a plugin, or a module that offers some (my_plugin.info)."),
    ],
    limit: Annotated[
        float, typer.Option("--limit", metavar="SECONDS", min=1, max=86_400, help="Give a plugin up after this long.")
    ] = 300.0,
    strict: Annotated[bool, typer.Option("--strict", help="Let a WARNING count as an ERROR does.")] = False,
    as_json: Json = False,
) -> None:
    """Run the conformance kit: odd media, bounds, determinism, cancelling, memory, network. Exit code 8 with an ERROR."""
    from mien.cli.plugins_check import check_plugins

    raise typer.Exit(check_plugins(names, limit, strict, as_json))


@plugins.command("install")
def install(
    source: Annotated[
        str, typer.Argument(metavar="PATH|NAME", help="A plugin's folder or wheel, or the name of its package.")
    ],
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Into an environment of its own, so that its packages never meet Mien's.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Install a plugin by pip. Whatever is not Mien's own runs in a process of its own, isolated or not."""
    from mien.cli.plugins_install import say_installed

    say_installed(source, isolated, as_json)


@plugins.command("remove")
def remove(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Its package, its entry point, or the id of what it offers.")
    ],
    as_json: Json = False,
) -> None:
    """Remove a plugin that was installed, with its own environment if it has one."""
    from mien.cli.plugins_install import say_removed

    say_removed(name, as_json)
