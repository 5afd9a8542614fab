"""Bringing models into the user's store: from a folder, or from the Hugging Face hub. Whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.config import offline
from mien.errors import LicenceError, ModelError, StorageError
from mien.models import download, files, hub, place, statement, store
from mien.models.catalogue import Entry, entry
from mien.models.download import Report
from mien.models.statement import Statement

_CHUNK = 4 << 20
_STATED = ".stated.json"


def import_folder(
    model_id: str, source: str | Path, *, progress: Report | None = None, accept_licence: bool = False
) -> store.Installed:
    """Copy a model from a folder (or a single file of weights) into the store.

    Only weights in safetensors or ONNX, JSON, text and licences are taken: pickles and code never are. The
    model is there completely or not at all; an earlier one of that id is replaced.

    Raises:
        LicenceError: the catalogue asks for consent to the model's licence, and `accept_licence` is False.
        ModelError: the folder holds no weights that are safe to read, or damaged ones.
        StorageError: the disk is full or the store may not be written.
    """
    source = Path(source)
    store.check_id(model_id)
    _refuse_bundled(model_id)
    known = entry(model_id)
    _require_consent(known, accept_licence)
    taken, left_out = _choose(model_id, source)
    total = sum(path.stat().st_size for path in taken)
    with _staging(model_id) as folder:
        done = 0
        for path in taken:
            done = _copy(path, folder / path.name, done, total, progress)
        _finish(model_id, folder, {"source": "import", **_consent(known), "left_out": sorted(left_out)})
    return _find(model_id)


def stated(
    model_id: str, *, accept_licence: bool = False, anew: bool = False, endpoint: str | None = None
) -> Statement | None:
    """What a download is held to where the catalogue has no pin of its own: what the hub stated when the model was first
    fetched, or a download that broke off began; where there is neither the hub is asked.

    None when the catalogue pins the model, or it is here already and whole.

    Args:
        anew: ask the hub whatever it stated earlier.

    Raises:
        LicenceError, ModelError: as `pull`.
    """
    known = entry(model_id)
    if known is None or not known.unpinned or store.is_whole(model_id):
        return None
    _require_possible(known)
    _require_consent(known, accept_licence)
    earlier = None if anew else store.held(model_id) or statement.load(store.parts(model_id) / _STATED)
    return earlier or hub.ask(known, endpoint)


def pull(
    model_id: str,
    *,
    progress: Report | None = None,
    accept_licence: bool = False,
    trusted: Statement | None = None,
    endpoint: str | None = None,
) -> store.Installed:
    """Download a model of the catalogue at its pinned revision; nothing happens when it is here already and whole.

    A download that breaks off goes on from where it was when it is asked for again.

    Args:
        progress: called as bytes arrive.
        accept_licence: the user agrees to the licence, where the catalogue asks for that.
        trusted: what `stated` gave and the user agreed to, where the catalogue has no pin of its own.
        endpoint: address of the hub or of a mirror of it.

    Raises:
        LicenceError: the catalogue asks for consent to the model's licence, and `accept_licence` is False.
        ModelError: not in the catalogue, not to be had, no network, or not the pinned files.
        StorageError: the disk is full or the store may not be written.
    """
    known = entry(model_id)
    if known is None:
        raise store.missing(model_id)
    if store.is_whole(model_id):
        return _find(model_id)
    _require_possible(known)
    _require_consent(known, accept_licence)
    if not known.unpinned:
        trusted = None
    elif trusted is None:
        raise ModelError(
            f"This version of Mien has no pin of its own for {model_id}, so that it is fetched only if you agree to hold it "
            "to what the hub states now; give the same command with --trust-hub"
        )
    else:
        known = replace(known, revision=trusted.revision, files=tuple(f.name for f in trusted.files), size=trusted.size)
    # Not a temporary name: what is here already need not come again.
    parts = store.parts(model_id)
    with _storage_faults():
        if trusted is not None and statement.load(parts / _STATED) not in (None, trusted):
            shutil.rmtree(parts, ignore_errors=True)  # of another commit
        parts.mkdir(parents=True, exist_ok=True)
        if trusted is not None:
            statement.save(parts / _STATED, trusted)
    try:
        sizes = {f.name: f.size for f in trusted.files} if trusted else None
        downloaded = download.fetch(known, parts, progress, endpoint, sizes)
        _check(known, trusted, downloaded)
    except OSError as error:
        raise _unwritable(error) from error
    except ModelError:
        if all(path.name == _STATED for path in parts.iterdir()):  # nothing came
            shutil.rmtree(parts, ignore_errors=True)
        raise
    except (_Other, download.TooLong) as error:
        shutil.rmtree(parts, ignore_errors=True)
        pins = f"{trusted.host} stated on {trusted.asked}" if trusted else "the catalogue pins"
        why = error.why if isinstance(error, _Other) and error.why else f"is not the file that {pins}"
        raise ModelError(
            f"{error} of {known.repo} {why}; try again, or import the model from "
            f"a folder you trust with 'mien models import {model_id} DIR'"
        ) from None
    with _staging(model_id) as folder:
        for path in downloaded:
            os.replace(path, folder / path.name)
        facts = {"source": f"{known.repo}@{known.revision}", "licence": known.licence, **_consent(known)}
        if trusted is not None:
            trusted = trusted.measured(folder)
            store.hold(model_id, trusted)
            facts |= {"stated_by": trusted.host, "stated": trusted.asked, "trusted": _now()}
        _finish(model_id, folder, facts)
    shutil.rmtree(parts, ignore_errors=True)
    return _find(model_id)


def _require_possible(known: Entry) -> None:
    if known.obstacle:
        raise ModelError(f"The model {known.id} cannot be downloaded: {known.obstacle}")
    if offline():
        raise ModelError(
            f"The model {known.id} cannot be downloaded while Mien stays offline; unset MIEN_OFFLINE, "
            f"or fetch {known.page} elsewhere and use 'mien models import {known.id} DIR'"
        )


class _Other(Exception):
    """A file is not the pinned one, or (`why`) not what its name says."""

    def __init__(self, name: str, why: str = "") -> None:
        super().__init__(name)
        self.why = why


def _check(known: Entry, trusted: Statement | None, downloaded: Iterable[Path]) -> None:
    held = {f.name: f for f in trusted.files} if trusted else {}
    for path in downloaded:
        expected = known.sha256.get(path.name)
        if expected is not None and files.sha256_of(path) != expected:
            raise _Other(path.name)
        if path.name in held and statement.differs(path, held[path.name]):
            raise _Other(path.name)
        if why := files.problem(path):
            raise _Other(path.name, why)


def _require_consent(known: Entry | None, accepted: bool) -> None:
    if known is not None and known.consent and not accepted:
        raise LicenceError(
            f"The licence of {known.id} ({known.licence}) needs your consent: {known.consent}; read {known.page} and, "
            "if you agree, give the same command with --accept-licence"
        )


def _consent(known: Entry | None) -> dict[str, Any]:
    """What the record says of it."""
    if known is None or not known.consent:
        return {}
    return {"accepted_licence": known.licence, "accepted": _now()}


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _choose(model_id: str, source: Path) -> tuple[list[Path], list[str]]:
    """The files to take, and the names of those to leave."""
    if not source.exists():
        raise ModelError(f"There is no such folder to import the model {model_id} from: {source}")
    try:
        found = sorted(source.iterdir()) if source.is_dir() else [source]
    except OSError as error:
        raise ModelError(f"The folder may not be read ({error.strerror}): {source}") from error
    plain = [path for path in found if path.is_file() and path.name != files.RECORD]
    taken = [path for path in plain if files.allowed(path)]
    left_out = [path.name for path in plain if path not in taken]
    weights = [path for path in taken if path.suffix.lower() in files.WEIGHTS]
    if not weights:
        pickles = [name for name in left_out if Path(name).suffix.lower() in files.PICKLES]
        if pickles:
            raise ModelError(
                f"{pickles[0]} is a pickle, which can run code when it is opened; convert the weights to "
                f"safetensors on a machine you trust and import those: {source}"
            )
        raise ModelError(f"No weights to import (safetensors or ONNX) are here: {source}")
    for path in taken:
        if what := files.problem(path):
            raise ModelError(f"{path.name} {what}; get the file again: {source}")
    known, here = entry(model_id), {path.name for path in taken}
    if lacking := [name for name in (known.needed if known else ()) if name not in here]:
        raise ModelError(
            f"{lacking[0]} is missing, without which {model_id} cannot be read; put it beside the weights: {source}"
        )
    return taken, left_out


def _refuse_bundled(model_id: str) -> None:
    bundled = store.bundled_models()
    if bundled is not None and (bundled / model_id).is_dir() and files.weights(bundled / model_id):
        raise ModelError(f"The model {model_id} comes with Mien; import yours under another id")


@contextmanager
def _staging(model_id: str) -> Iterator[Path]:
    """A folder that becomes the model's when the block ends well (`mien.models.place`); faults of the disk in one sentence."""
    with _storage_faults(), place.staging(store.user_models(), model_id) as folder:
        yield folder


@contextmanager
def _storage_faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(error) from error


def _unwritable(error: OSError) -> StorageError:
    what = "The disk is full" if download.is_full(error) else f"Writing failed ({error.strerror})"
    return StorageError(
        f"{what} and the model was not installed; free space or allow writing there, or set MIEN_HOME to "
        f"another place: {store.user_models()}"
    )


def _copy(source: Path, target: Path, done: int, total: int, progress: Report | None) -> int:
    try:
        reader = source.open("rb")
    except OSError as error:
        raise ModelError(f"The file may not be read ({error.strerror}): {source}") from error
    with reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK):
            writer.write(chunk)
            done += len(chunk)
            if progress is not None:
                progress(done, total)
        writer.flush()
        os.fsync(writer.fileno())
    return done


def _finish(model_id: str, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the record that later checks go by."""
    known = entry(model_id)
    listed = {
        path.name: {"sha256": files.sha256_of(path), "size": path.stat().st_size} for path in _plain(folder.iterdir())
    }
    pinned = dict(known.sha256) if known else {}
    record = {
        "id": model_id,
        **facts,
        "installed": _now(),
        "as_catalogued": bool(pinned)
        and all(listed.get(name, {}).get("sha256") == digest for name, digest in pinned.items()),
        "files": listed,
    }
    (folder / files.RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _plain(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if path.is_file())


def _find(model_id: str) -> store.Installed:
    return next(model for model in store.available() if model.id == model_id)
