"""The models that are here: those that come with Mien, and those of the user's store.

A model is a folder `models/<id>` with its weights (safetensors or ONNX), configuration and card. Imports
nothing heavy.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.config import data_dir
from mien.errors import ModelError, StorageError
from mien.models import files, place, statement
from mien.models.catalogue import ENTRIES, entry
from mien.models.statement import Statement

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True)
class Installed:
    """One model that is here.

    Args:
        id: under which plugins ask for it.
        path: its folder.
        bundled: whether it comes with Mien.
        size: bytes of all its files.
        title, task, licence: from its card or the catalogue, empty when neither says.
        source: `bundled`, `import`, or the repository and commit it was fetched from.
        left_out: files of the imported folder that were not taken, because they could run code or were not
        known.
    """

    id: str
    path: Path
    bundled: bool
    size: int
    title: str
    task: str
    licence: str
    source: str
    left_out: tuple[str, ...] = ()


def user_models() -> Path:
    """The user's store."""
    return data_dir() / "models"


def bundled_models() -> Path | None:
    """The folder of models that come with Mien, None where the resources are not installed."""
    try:
        folder = Path(str(importlib.resources.files("mien_resources"))) / "models"
    except ModuleNotFoundError:
        return None
    return folder if folder.is_dir() else None


def is_installed(model_id: str) -> bool:
    """Whether the model is here, complete or not."""
    return _folder(model_id) is not None


def is_whole(model_id: str) -> bool:
    """Whether the model is here with all its files as they were recorded; reads them (once a process)."""
    folder = _folder(model_id)
    return folder is not None and not problems(folder, files.sha256_once)


def held(model_id: str) -> Statement | None:
    """What the hub stated of a model when it was first fetched; it outlives the model, so that a later one is the same.

    Raises:
        ModelError: the record is damaged.
    """
    return statement.load(_pin(model_id))


def hold(model_id: str, stated: Statement) -> None:
    """Keep what the hub stated of a model.

    Raises:
        OSError: it cannot be written.
    """
    statement.save(_pin(model_id), stated)


def resolve(model_id: str) -> Path:
    """The model's folder, its weights checked against the hashes recorded for them (once a process).

    Raises:
        ModelError: it is not here, or damaged; the message says what to do.
    """
    folder = _folder(model_id)
    if folder is None:
        raise missing(model_id)
    found = problems(folder, files.sha256_once)
    if found:
        raise ModelError(f"The model {model_id} is damaged ({found[0]}); {_again(model_id, folder)}: {folder}")
    return folder


def fingerprint(model_id: str) -> str:
    """SHA-256 over everything in the model that can change its answers: the model's part of a cache key.

    Large files count by the hash recorded for them, so this is quick; `resolve` checks that they match it.

    Raises:
        ModelError: it is not here.
    """
    folder = _folder(model_id)
    if folder is None:
        raise missing(model_id)
    known = files.recorded(folder)
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if files.matters(p)):
        digest.update(f"{path.name}\0{known.get(path.name) or files.sha256_once(path)}\n".encode())
    return digest.hexdigest()


def verify(model_id: str) -> list[str]:
    """What is wrong with an installed model's files, each as a sentence; empty when all is well. Reads them
    all.

    Raises:
        ModelError: it is not here.
    """
    folder = _folder(model_id)
    if folder is None:
        raise missing(model_id)
    return problems(folder)


def problems(folder: Path, sha256: Callable[[Path], str] = files.sha256_of) -> list[str]:
    """What is wrong with the files of any model's folder, each as a sentence without its end; empty when all is well."""
    known = files.recorded(folder)
    found = []
    for name, digest in sorted(known.items()):
        path = folder / name
        if not path.is_file():
            found.append(f"{name} is missing")
        elif sha256(path) != digest:
            found.append(f"{name} is not the file that was recorded")
    for path in files.weights(folder):
        if path.name not in known and (what := files.problem(path)):
            found.append(f"{path.name} {what}")
    return found


def available() -> list[Installed]:
    """Every model that is here, by id."""
    place.put_right(user_models())
    found: dict[str, Installed] = {}
    for root in (user_models(), bundled_models()):
        if root is not None and root.is_dir():
            for folder in root.iterdir():
                if _holds_model(folder):
                    found[folder.name] = _installed(folder.name, folder)
    return [found[model_id] for model_id in sorted(found)]


def describe(model_id: str) -> dict[str, Any]:
    """All that is known of a model, here or only in the catalogue, as JSON-ready values.

    Keys: id, installed, and where they apply: title, task, licence, source, path, size, sha256 (the
    fingerprint), card (its `card.json`), record (how it was installed), catalogue (its entry), held (what the hub stated).

    Raises:
        ModelError: neither here nor in the catalogue, or the record of what the hub stated is damaged.
    """
    known, folder = entry(model_id), _folder(model_id)
    if known is None and folder is None:
        raise missing(model_id)
    about: dict[str, Any] = {"id": model_id, "installed": folder is not None}
    if known is not None:
        about |= {
            "title": known.title,
            "task": known.task,
            "licence": known.licence,
            "catalogue": known.to_dict(),
        }
        if stated := held(model_id):
            about["held"] = stated.to_dict()
    if folder is not None:
        model = _installed(model_id, folder)
        about |= {key: getattr(model, key) for key in ("title", "task", "licence", "source", "size")}
        about |= {"path": str(folder), "sha256": fingerprint(model_id)}
        about |= {
            "card": files.read_json(folder / "card.json"),
            "record": files.read_json(folder / files.RECORD),
        }
    return about


def parts(model_id: str) -> Path:
    """Where what has come of a download lies until all of it is there."""
    check_id(model_id)
    return user_models() / f".pull-{model_id}"


def remove(model_id: str) -> None:
    """Delete a model from the user's store, and what has come of a download of it that broke off.

    Raises:
        ModelError: it is not there, or it comes with Mien.
        StorageError: it cannot be deleted.
    """
    folder, begun = _folder(model_id), parts(model_id)
    if folder is None and not begun.is_dir():
        raise missing(model_id)
    if folder is not None and folder.parent != user_models():
        raise ModelError(f"The model {model_id} comes with Mien and cannot be removed: {folder}")
    folder = folder or begun
    try:
        if folder != begun:
            place.delete(user_models(), model_id)
        if begun.is_dir():
            shutil.rmtree(begun)
    except OSError as error:
        raise StorageError(
            f"The model {model_id} could not be removed ({error.strerror}); allow writing there: {folder}"
        ) from error


def check_id(model_id: str) -> None:
    """Refuse what is no model id, such as a path.

    Raises:
        ModelError: it is none.
    """
    if not _ID.fullmatch(model_id):
        raise ModelError(f"{model_id!r} is no model id; use lower-case letters, digits, dots and dashes")


def missing(model_id: str) -> ModelError:
    """The error for a model that is not here, with what to do about it."""
    known = entry(model_id)
    if known is None:
        ids = ", ".join(e.id for e in ENTRIES)
        return ModelError(
            f"There is no model {model_id}; import one with 'mien models import {model_id} DIR', or take one "
            f"that 'mien models list' shows ({ids})"
        )
    get = "" if known.obstacle else f"get it with 'mien models pull {model_id}' or "
    return ModelError(f"The model {model_id} is not installed; {get}import it with 'mien models import {model_id} DIR'")


def _pin(model_id: str) -> Path:
    check_id(model_id)
    return user_models() / ".pins" / f"{model_id}.json"


def _folder(model_id: str) -> Path | None:
    check_id(model_id)
    for root in (bundled_models(), user_models()):
        if root is not None and _holds_model(root / model_id):
            return root / model_id
    if place.stepped_aside(user_models(), model_id):  # whoever replaces it was killed, or is about to end
        place.put_right(user_models(), wait=True)
        if _holds_model(user_models() / model_id):
            return user_models() / model_id
    return None


def _holds_model(folder: Path) -> bool:
    """Whether a model is there, or what is left of one: its record names the files that are missing."""
    named = bool(_ID.fullmatch(folder.name)) and folder.is_dir()
    return named and bool(files.weights(folder) or files.recorded(folder))


def _again(model_id: str, folder: Path) -> str:
    return (
        f"remove it with 'mien models remove {model_id}' and get it again"
        if folder.parent == user_models()
        else ("install Mien again")
    )


def _installed(model_id: str, folder: Path) -> Installed:
    card: Mapping[str, Any] = files.read_json(folder / "card.json")
    record = files.read_json(folder / files.RECORD)
    known = entry(model_id)

    def say(key: str) -> str:
        return str(card.get(key) or getattr(known, key, "") or "")

    return Installed(
        id=model_id,
        path=folder,
        bundled=folder.parent != user_models(),
        size=sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
        title=say("title") or model_id,
        task=say("task"),
        licence=say("licence"),
        source=str(record.get("source", "import")) if folder.parent == user_models() else "bundled",
        left_out=tuple(str(name) for name in files.listed(record.get("left_out"))),
    )
