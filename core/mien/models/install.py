"""Bringing models into the user's store: from a folder, or from the Hugging Face hub. Whole or not at all."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import shutil
import socket
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mien.config import offline
from mien.errors import ModelError, StorageError
from mien.models import files, store
from mien.models.catalogue import Entry, entry

Report = Callable[[int, int], None]
"""Called with the bytes done and the bytes in all (0 when unknown)."""

_CHUNK = 4 << 20
_CONNECT_S = 10.0
_STORAGE = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS)


def import_folder(model_id: str, source: str | Path, *, progress: Report | None = None) -> store.Installed:
    """Copy a model from a folder (or a single file of weights) into the store.

    Only weights in safetensors or ONNX, JSON, text and licences are taken: pickles and code never are. The
    model is there completely or not at all; an earlier one of that id is replaced.

    Raises:
        ModelError: the folder holds no weights that are safe to read, or damaged ones.
        StorageError: the disk is full or the store may not be written.
    """
    source = Path(source)
    store.check_id(model_id)
    _refuse_bundled(model_id)
    taken, left_out = _choose(model_id, source)
    total = sum(path.stat().st_size for path in taken)
    with _staging(model_id) as folder:
        done = 0
        for path in taken:
            done = _copy(path, folder / path.name, done, total, progress)
        _finish(model_id, folder, {"source": "import", "left_out": sorted(left_out)})
    return _find(model_id)


def pull(model_id: str, *, progress: Report | None = None, endpoint: str | None = None) -> store.Installed:
    """Download a model of the catalogue at its pinned revision; nothing happens when it is here already.

    A download that breaks off goes on from where it was when it is asked for again.

    Args:
        progress: called as bytes arrive.
        endpoint: address of the hub or of a mirror of it.

    Raises:
        ModelError: not in the catalogue, not to be had, no network, or not the pinned files.
        StorageError: the disk is full or the store may not be written.
    """
    known = entry(model_id)
    if known is None:
        raise store.missing(model_id)
    if store.is_installed(model_id):
        return _find(model_id)
    if known.obstacle:
        raise ModelError(f"The model {model_id} cannot be downloaded: {known.obstacle}")
    if offline():
        raise ModelError(
            f"The model {model_id} cannot be downloaded while Mien stays offline; unset MIEN_OFFLINE, "
            f"or fetch {known.page} elsewhere and use 'mien models import {model_id} DIR'"
        )
    with _storage_faults():
        # Not a temporary name: what is here already need not come again.
        parts = store.user_models() / f".pull-{model_id}"
        parts.mkdir(parents=True, exist_ok=True)
    downloaded = _download(known, parts, progress, endpoint)
    for path in downloaded:
        expected = known.sha256.get(path.name)
        if expected is not None and files.sha256_of(path) != expected:
            shutil.rmtree(parts, ignore_errors=True)
            raise ModelError(
                f"{path.name} of {known.repo} is not the file that the catalogue pins; try again, or import "
                f"the model from a folder you trust with 'mien models import {model_id} DIR'"
            )
    with _staging(model_id) as folder:
        for path in downloaded:
            os.replace(path, folder / path.name)
        source = f"{known.repo}@{known.revision}"
        _finish(model_id, folder, {"source": source, "licence": known.licence})
    shutil.rmtree(parts, ignore_errors=True)
    return _find(model_id)


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
    left_out = [path.name for path in plain if not files.allowed(path)]
    weights = [path for path in taken if path.suffix.lower() in files.WEIGHTS]
    if not weights:
        pickles = [name for name in left_out if Path(name).suffix.lower() in files.PICKLES]
        if pickles:
            raise ModelError(
                f"{pickles[0]} is a pickle, which can run code when it is opened; convert the weights to "
                f"safetensors on a machine you trust and import those: {source}"
            )
        raise ModelError(f"No weights to import (safetensors or ONNX) are here: {source}")
    for path in weights:
        if what := files.problem(path):
            raise ModelError(f"{path.name} {what}; get the file again: {source}")
    return taken, left_out


def _refuse_bundled(model_id: str) -> None:
    bundled = store.bundled_models()
    if bundled is not None and (bundled / model_id).is_dir() and files.weights(bundled / model_id):
        raise ModelError(f"The model {model_id} comes with Mien; import yours under another id")


@contextmanager
def _staging(model_id: str) -> Iterator[Path]:
    """A folder beside the model's place that becomes it when the block ends well, and vanishes otherwise."""
    root = store.user_models()
    with _storage_faults():
        root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".new-{model_id}-", dir=root))
    try:
        with _storage_faults():
            yield folder
            folder.chmod(0o755)
            target = root / model_id
            if target.exists():
                # A folder replaces no other: the old one steps aside under a name that nobody resolves.
                old = Path(tempfile.mkdtemp(prefix=f".old-{model_id}-", dir=root))
                os.replace(target, old)
                os.replace(folder, target)
                shutil.rmtree(old, ignore_errors=True)
            else:
                os.replace(folder, target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _storage_faults() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(error) from error


def _unwritable(error: OSError) -> StorageError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    what = "The disk is full" if full else f"Writing failed ({error.strerror})"
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
        "installed": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "as_catalogued": bool(pinned)
        and all(listed.get(name, {}).get("sha256") == digest for name, digest in pinned.items()),
        "files": listed,
    }
    (folder / files.RECORD).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _plain(paths: Iterable[Path]) -> list[Path]:
    return sorted(path for path in paths if path.is_file())


def _find(model_id: str) -> store.Installed:
    return next(model for model in store.available() if model.id == model_id)


def _download(known: Entry, folder: Path, progress: Report | None, endpoint: str | None) -> list[Path]:
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import (  # type: ignore[attr-defined]
        EntryNotFoundError,
        HTTPError,
        LocalEntryNotFoundError,
    )
    from tqdm.auto import tqdm  # type: ignore[import-untyped]

    _require_network(known, endpoint or constants.ENDPOINT)
    done = 0

    class Bar(tqdm):  # type: ignore[misc]
        """Draws nothing and passes the bytes on."""

        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*args, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            nonlocal done
            done += int(n or 0)
            if progress is not None:
                progress(done, known.size)

    paths = []
    for name in known.files:
        try:
            path = hf_hub_download(
                known.repo,
                name,
                revision=known.revision,
                local_dir=folder,
                endpoint=endpoint,
                token=False,
                tqdm_class=Bar,
            )
        except LocalEntryNotFoundError as error:
            raise _unreachable(known, error) from error
        except EntryNotFoundError:
            if name in known.sha256:
                raise ModelError(f"{known.repo} has no file {name} at the pinned revision; update Mien") from None
            continue  # not every size of a family has every small file
        except HTTPError as error:
            raise _unreachable(known, error) from error
        except OSError as error:
            if error.errno in _STORAGE:
                raise _unwritable(error) from error
            raise _unreachable(known, error) from error
        paths.append(Path(path))
    return paths


def _require_network(known: Entry, endpoint: str) -> None:
    """Say at once that the hub cannot be reached; its own client tries for half a minute."""
    address = urllib.parse.urlsplit(endpoint)
    host = address.hostname or ""
    if urllib.request.getproxies().get(address.scheme) and not urllib.request.proxy_bypass(host):
        return  # only the proxy knows
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((host, port), timeout=_CONNECT_S).close()
    except OSError as error:
        raise _unreachable(known, error) from error


def _unreachable(known: Entry, error: Exception) -> ModelError:
    cause = error.__cause__ or error
    detail = " ".join(str(cause).split())[:120] or type(cause).__name__
    return ModelError(
        f"The model {known.id} could not be downloaded ({detail}); check the network and try again, or fetch "
        f"{known.page} elsewhere and use 'mien models import {known.id} DIR'"
    )
