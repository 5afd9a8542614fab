"""`mien manifest`: corpora as one table that recipes read, and such tables judged."""

from __future__ import annotations

import importlib
import shlex
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.cli import say
from mien.engine.registry import Registry
from mien.errors import MienError, PluginError, UsageError, shown
from mien.sdk.descriptors import CorpusInfo

if TYPE_CHECKING:
    from mien.training.manifest import Manifest


@dataclass(frozen=True)
class Asked:
    """The options of `mien manifest` as given."""

    corpus: str
    folder: Path | None
    out: Path | None
    media: str
    seed: int
    resplit: bool
    probe: bool
    force: bool
    as_json: bool
    quiet: bool


def list_corpora(as_json: bool) -> None:
    """Every corpus that can be read, and what is expected of its folder."""
    corpora = Registry.load().corpora
    if as_json:
        keys = ("id", "title", "description", "licence", "citation")
        facts = ({key: getattr(info, key) for key in keys} for info in corpora.values())
        told = zip(facts, corpora.values(), strict=True)
        say.emit_json([f | {"expects": list(i.expects), "labels": list(i.labels)} for f, i in told])
        return
    for info in corpora.values():
        typer.secho(f"{info.id}: {info.title}", bold=True)
        typer.echo(f"  {info.description} {info.citation}; {info.licence}.")
        typer.echo(f"  expects in FOLDER: {', '.join(info.expects)}")
        typer.echo(f"  labels: {', '.join(info.labels)}")


def make_manifest(asked: Asked) -> None:
    """Read a corpus and write its manifest; or judge a manifest, and part it anew if asked."""
    from mien.training.split import resplit
    from mien.training.stretch import check_media

    if asked.media not in ("sound", "video"):
        raise UsageError(f"--media is sound or video, not {asked.media!r}.")
    corpora = Registry.load()
    if asked.folder is None:
        manifest, target = _judged(asked, corpora)
    else:
        info = corpora.corpus(asked.corpus)
        manifest, target = _read(info, asked), asked.out or asked.folder / "manifest.csv"
    if asked.resplit:
        label = next((one.name for one in manifest.labels if one.classes and None not in manifest.values(one.name)), "")
        manifest = resplit(manifest, asked.seed, label=label)
    manifest.check_disjoint()
    unknown = check_media(manifest) if asked.probe else ()
    if target is not None:
        manifest = _written(manifest, target, asked)
    _tell(manifest, target, unknown, asked)


def _judged(asked: Asked, corpora: Registry) -> tuple[Manifest, Path | None]:
    from mien.training.manifest_file import read_manifest

    if asked.corpus in corpora.corpora:
        info = corpora.corpora[asked.corpus]
        raise UsageError(
            f"Name the folder of {info.title}, in which there should be {', '.join(info.expects)}: mien manifest {info.id} FOLDER"
        )
    if not Path(asked.corpus).exists():
        corpora.corpus(asked.corpus)  # which says what there is
    if asked.resplit and asked.out is None:
        raise UsageError("Name the file that the new parts are written to: --resplit --out FILE.")
    return read_manifest(Path(asked.corpus)), asked.out


def _read(info: CorpusInfo, asked: Asked) -> Manifest:
    folder = asked.folder
    assert folder is not None
    if not folder.is_dir():
        raise UsageError(f"There is no such folder of {info.title}: {shown(folder)}")
    module, _, name = info.factory.partition(":")
    try:
        read = getattr(importlib.import_module(module), name)
        manifest: Manifest = read(folder, seed=asked.seed, media=asked.media)
    except (MienError, OSError):
        raise
    except Exception as error:
        raise PluginError(f"The reader of {info.title} failed: {error or type(error).__name__}") from error
    return manifest


def _written(manifest: Manifest, target: Path, asked: Asked) -> Manifest:
    from mien.training.manifest_write import moved, write_manifest

    if target.exists() and not asked.force:
        raise UsageError(f"There is such a file already; name another with --out, or add --force: {shown(target)}")
    manifest = moved(manifest, target.parent)
    write_manifest(manifest, target)
    return manifest


def _tell(manifest: Manifest, target: Path | None, unknown: tuple[str, ...], asked: Asked) -> None:
    splits = Counter(row.split or "unused" for row in manifest.rows)
    filled = {label.name: sum(v is not None for v in manifest.values(label.name)) for label in manifest.labels}
    speakers = {row.speaker for row in manifest.rows if row.speaker}
    media = {row.path for row in manifest.rows if row.path}
    facts: dict[str, Any] = {
        "path": str(target or asked.corpus),
        "rows": len(manifest),
        "media": len(media),
        "speakers": len(speakers),
        "splits": dict(splits),
        "labels": [{"name": one.name, "heading": one.heading, "rows": filled[one.name]} for one in manifest.labels],
        "notes": [*manifest.notes, *(f"The length of {name} could not be told." for name in unknown)],
    }
    if asked.as_json:
        say.emit_json(facts)
        return
    if asked.quiet:
        return
    typer.echo(f"{len(manifest):,} rows of {len(media):,} media by {len(speakers) or 'unknown'} speakers")
    named = [name for name in ("train", "valid", "test", "unused") if splits[name]]
    typer.echo("  " + ", ".join(f"{name} {splits[name]:,}" for name in named))
    for label in manifest.labels:
        typer.echo(f"  {label.heading}: {filled[label.name]:,} rows{_classes(manifest, label.name)}")
    for note in facts["notes"]:
        typer.echo(f"  {shown(note)}")
    if target is not None:
        typer.echo(f"written: {shown(target)}")
        typer.echo(f"train with: mien train RECIPE --data {shlex.quote(str(target.parent))} --out DIR")


def _classes(manifest: Manifest, name: str) -> str:
    if not manifest.label(name).classes:
        return ""
    counts = Counter(value for value in manifest.values(name) if value is not None)
    return f" ({', '.join(f'{one} {counts[one]:,}' for one in manifest.label(name).classes)})"
