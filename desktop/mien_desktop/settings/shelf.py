"""What the models' page lists: installed, to be had, to be imported, to be trained. No widgets; reads small files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mien.engine.registry import Registry
from mien.models import catalogue, store
from mien.models.catalogue import Entry
from mien.sdk.descriptors import RecipeInfo

Group = Literal["Installed", "Can be downloaded", "Can be imported", "Can be trained"]
GROUPS: tuple[Group, ...] = ("Installed", "Can be downloaded", "Can be imported", "Can be trained")


@dataclass(frozen=True)
class Shown:
    """One model.

    Args:
        id: of the model; group: under which heading it stands.
        bundled: whether it comes with Mien.
        size: bytes, 0 when unknown.
        source: where it is from; page: where people read about it.
        folder: where it lies, None when it is not here; card: text of its CARD.md, or empty.
        obstacle: why it cannot be downloaded; consent: what of its licence must be agreed to.
        command: how it is trained.
    """

    id: str
    group: Group
    title: str
    task: str = ""
    licence: str = ""
    languages: str = ""
    size: int = 0
    source: str = ""
    page: str = ""
    bundled: bool = False
    folder: Path | None = None
    card: str = ""
    obstacle: str = ""
    consent: str = ""
    command: str = ""
    used_by: str = ""


def look(registry: Registry) -> list[Shown]:
    """Every model that is here or could be, in the order of the list."""
    found = [_installed(m, registry) for m in store.available()]
    here = {m.id for m in found}
    found += [_entry(e, registry) for e in catalogue.ENTRIES if e.id not in here]
    known = {m.id for m in found}
    found += [_recipe(r, registry) for r in registry.recipes.values() if r.model not in known]
    return sorted(found, key=lambda m: GROUPS.index(m.group))


def _installed(model: store.Installed, registry: Registry) -> Shown:
    known = catalogue.entry(model.id)
    card = model.path / "CARD.md"
    return Shown(
        model.id,
        "Installed",
        model.title,
        model.task,
        model.licence,
        known.languages if known else "",
        model.size,
        "comes with Mien" if model.bundled else model.source,
        known.page if known else "",
        model.bundled,
        model.path,
        card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
        consent=known.consent if known else "",
        used_by=_used_by(model.id, registry),
    )


def _entry(known: Entry, registry: Registry) -> Shown:
    return Shown(
        known.id,
        "Can be imported" if known.obstacle else "Can be downloaded",
        known.title,
        known.task,
        known.licence,
        known.languages,
        known.size,
        known.repo,
        known.page,
        obstacle=known.obstacle,
        consent=known.consent,
        used_by=_used_by(known.id, registry),
    )


def _recipe(info: RecipeInfo, registry: Registry) -> Shown:
    command = f"mien train {info.id} --data DIR --out DIR"
    return Shown(
        info.model,
        "Can be trained",
        info.title,
        info.description,
        command=command,
        used_by=_used_by(info.model, registry),
    )


def _used_by(model: str, registry: Registry) -> str:
    readers = [i.title for i in registry.analyzers.values() if model in (*i.models, *i.optional_models)]
    return ", ".join([*readers, *(i.title for i in registry.fusions.values() if model in i.models)])
