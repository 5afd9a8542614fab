"""`mien plugins new`: a complete project of a plugin, written from the template that comes with Mien."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path

import typer

from mien.errors import StorageError, UsageError, shown

KINDS = {"analyzer": "an analyzer", "fusion": "a fusion", "exporter": "an export format"}
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_RESERVED = frozenset({"plugins", "desktop", "resources", "template"})
"""What follows `mien_` in the names of packages that Mien itself consists of."""
_LONGEST = 40
_USE = {
    "analyzer": "mien analyze clip.mp4 --plugins @ID@",
    "fusion": "mien analyze clip.mp4 --fusion @ID@",
    "exporter": "mien export clip.mp4 --format @ID@",
}


def new_plugin(name: str, kind: str, out: Path | None) -> Path:
    """Write the project and return its folder: `out`, or one of the plugin's name in the current folder.

    Raises:
        UsageError: the name or the kind cannot be, another plugin has that id, or there is such a folder already.
        StorageError: it cannot be written there.
    """
    if kind not in KINDS:
        raise UsageError(f"A plugin is one of {', '.join(KINDS)}, not {shown(kind)!r}.")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise UsageError(
            f"{shown(name)!r} is no name for a plugin: use lower-case letters and digits, joined by single dashes, "
            f"{_LONGEST} at most."
        )
    if name in _RESERVED:
        raise UsageError(f"mien-{name} is a part of Mien itself; choose another name.")
    plugin_id = f"fusion.{name}" if kind == "fusion" else name
    _refuse_taken(plugin_id)
    folder = out if out is not None else Path(name)
    try:
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise UsageError(f"There is something already at {shown(folder)}")
        _write(folder, _fields(name, plugin_id, kind), kind)
    except OSError as error:
        raise StorageError(f"The project cannot be written ({error.strerror or error}): {shown(folder)}") from error
    return folder


def say_new(name: str, kind: str, out: Path | None) -> None:
    """Write the project, and say what to do next."""
    folder = new_plugin(name, kind, out)
    typer.echo(f"Written: {shown(folder)} ({KINDS[kind]}).")
    typer.echo(f"  pip install -e {shown(folder)}   # `mien plugins` lists it from then on")
    typer.echo(f"  cd {shown(folder)} && pytest     # its tests, with the conformance kit")


def template() -> Traversable:
    """The folder of the template: in the installed package, or beside the sources in a checkout."""
    try:
        return importlib.resources.files("mien_template")
    except ModuleNotFoundError:
        folder = Path(__file__).resolve().parents[3] / "plugins" / "template"
        if not folder.is_dir():
            raise StorageError("The template of plugins is missing; install Mien again.") from None
        return folder


def _refuse_taken(plugin_id: str) -> None:
    from mien.engine.registry import Registry

    registry = Registry.load()
    if any(plugin_id in known for known in (registry.analyzers, registry.fusions, registry.exporters)):
        raise UsageError(f"There is a plugin {plugin_id} already; choose another name.")


def _fields(name: str, plugin_id: str, kind: str) -> dict[str, str]:
    words = name.split("-")
    described = KINDS[kind]
    use = _USE[kind].replace("@ID@", plugin_id)
    card = "what is written, what is left out, the licence" if kind == "exporter" else "what to say once there is one"
    return {
        "@NAME@": name,
        "@PACKAGE@": f"mien_{'_'.join(words)}",
        "@CLASS@": "".join(word.capitalize() for word in words),
        "@TITLE@": " ".join(words).capitalize(),
        "@ID@": plugin_id,
        "@KIND@": kind,
        "@KIND_A@": described,
        "@KIND_A_CAP@": described.capitalize(),
        "@USE@": use,
        "@CARD@": card,
    }


def _write(folder: Path, fields: dict[str, str], kind: str) -> None:
    files = [entry for part in ("common", kind) for entry in _files(template() / part, "")]
    for path, source in files:
        target = folder / path.removesuffix(".in").replace("PACKAGE", fields["@PACKAGE@"])
        text = source.read_text(encoding="utf-8")
        for mark, value in fields.items():
            text = text.replace(mark, value)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _files(folder: Traversable, under: str) -> Iterator[tuple[str, Traversable]]:
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            yield from _files(entry, f"{under}{entry.name}/")
        elif entry.name.endswith(".in"):
            yield f"{under}{entry.name}", entry
