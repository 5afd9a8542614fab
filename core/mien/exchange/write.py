"""Exports: checks everything first, then writes each format under a temporary name and moves it into place
whole.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pydantic

from mien.errors import (
    Cancelled,
    ExportError,
    MienError,
    ParameterError,
    PluginError,
    StorageError,
    UnknownPlugin,
    shown,
)
from mien.exchange.cut import Span, cut
from mien.exchange.manifest import MANIFEST
from mien.exchange.staging import clear, noted
from mien.exchange.text import one_line, safe_name
from mien.sdk.descriptors import ExporterInfo
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis, Exporter

log = logging.getLogger(__name__)

Watch = Callable[[float], None]
MARK = "-mien"
"""Put behind the medium's stem, so that an export never takes the place of a side-car subtitle or a hand-made
.eaf.
"""

_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_WRITE = {errno.EACCES, errno.EPERM, errno.EROFS}
_LARGEST_LIST = 16 << 20  # bytes of an earlier export's list of files


def export(
    analysis: Analysis,
    names: Sequence[str],
    folder: Path,
    exporters: Mapping[str, ExporterInfo],
    options: Mapping[str, Params | Mapping[str, Any]] | None = None,
    *,
    stem: str = "",
    span: Span | None = None,
    watch: Watch | None = None,
) -> list[Path]:
    """Write an analysis in several formats.

    Names, parameters and the medium are checked before anything is written. A format that fails does not stop
    the
    others: its error is raised when they are done, unless the disk is the fault.

    Args:
        analysis: what to write.
        names: ids of exporters.
        folder: made if it is not there; nothing is written outside it.
        exporters: id → descriptor, as the registry lists them.
        options: id → parameters; defaults for those that are missing.
        stem: what file names begin with; by default the medium's own stem, made safe (`text.unique_stems`
        tells the media of a batch apart).
        span: start and end in s of the only stretch to write; file names tell it.
        watch: told how much is done, from 0 to 1; may raise `mien.errors.Cancelled`, which leaves nothing half-written.

    Returns:
        What was written, in the order of `names`: a file, or a folder where the format has several files.

    Raises:
        mien.errors.UnknownPlugin: no exporter has that name.
        mien.errors.ParameterError: a parameter is misspelt or out of range.
        mien.errors.ExportError: a result cannot be written in that form or place.
        mien.errors.StorageError: the disk is full or the folder may not be written.
        mien.errors.Cancelled: `watch` raised it; formats that were complete stay.
    """
    analysis = cut(analysis, span)
    names = list(dict.fromkeys(names))
    jobs = [(info := _known(name, exporters), checked(info, (options or {}).get(name))) for name in names]
    for info, _ in jobs:
        if info.needs_medium and not analysis.media.path.is_file():
            raise ExportError(
                f"{info.title} needs the medium, which is not there any more: {shown(analysis.media.path)}"
            )
    folder = Path(folder)
    with _storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
    clear(folder)
    written: list[Path] = []
    failed: list[MienError] = []
    for done, (info, params) in enumerate(jobs):
        step = _part(watch, done, len(jobs))
        try:
            step(0.0)
            written += _write(analysis, info, params, folder, target_name(analysis, info, stem), step)
            step(1.0)
        except (StorageError, Cancelled):
            raise
        except MienError as error:
            failed.append(error)
    if failed:
        raise failed[0] if len(failed) == 1 else ExportError(" · ".join(str(error) for error in failed))
    return written


def target_name(analysis: Analysis, info: ExporterInfo, stem: str = "") -> str:
    """Name of the file, or of the folder when the format has several: `clip-mien.eaf`, `clip-mien-csv`.

    That of a selection tells its seconds, `clip-12.5s-20s-mien.eaf`: it never takes the place of the whole.
    """
    stem = safe_name(stem or analysis.media.path.stem)
    if analysis.span is not None:
        stem += "".join(f"-{float(f'{time:.2f}'):g}s" for time in analysis.span)
    if info.suffix:
        return f"{stem}{MARK}{_safe_suffix(info.suffix)}"
    return f"{stem}{MARK}-{safe_name(info.id)}"


def checked(info: ExporterInfo, given: Params | Mapping[str, Any] | None) -> Params:
    """The parameters of an exporter, validated.

    Raises:
        mien.errors.ParameterError: one is misspelt, of the wrong type or out of range.
    """
    if isinstance(given, info.params):
        return given
    values = given.model_dump() if isinstance(given, Params) else dict(given or {})
    try:
        return info.params.model_validate(values)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "parameters"
        known = ", ".join(info.params.model_fields) or "none"
        hint = f" ({info.id} has: {known})" if first["type"] == "extra_forbidden" else ""
        raise ParameterError(f"{info.id}.{field}: {first['msg']}{hint}.") from error


def _known(name: str, exporters: Mapping[str, ExporterInfo]) -> ExporterInfo:
    if name not in exporters:
        there = ", ".join(sorted(exporters)) or "none"
        raise UnknownPlugin(f"There is no export {name!r}; there are: {there}.")
    return exporters[name]


def _load(info: ExporterInfo) -> Exporter:
    module, _, attribute = info.factory.partition(":")
    try:
        return cast(Exporter, getattr(importlib.import_module(module), attribute)())
    except Exception as error:
        log.exception("the exporter %s does not load", info.id)
        raise PluginError(
            f"The export {info.id!r} does not load; mend or remove its plugin ({_why(error)})."
        ) from error


def _part(watch: Watch | None, number: int, count: int) -> Watch:
    """Tells how far the whole is when one format of several tells how far it is."""
    return (lambda _: None) if watch is None else (lambda share: watch((number + min(share, 1.0)) / count))


def _write(analysis: Analysis, info: ExporterInfo, params: Params, folder: Path, name: str, watch: Watch) -> list[Path]:
    exporter = _load(info)
    if hasattr(exporter, "watch"):  # one that takes long says how far it is
        exporter.watch = watch
    target = folder / name
    # Beside its final place: renaming is atomic there, links relative to the folder hold, and the suffix
    # stays.
    staged = folder / f".part-{secrets.token_hex(4)}-{name}"
    with noted(staged), _storage(folder):
        if info.suffix == "":
            staged.mkdir()
        paths = _call(exporter, info, analysis, staged, params)
        if not staged.exists():
            raise ExportError(f"The export {info.id!r} wrote nothing.")
        for path in paths:
            if path != staged and staged not in path.parents:
                raise ExportError(f"The export {info.id!r} wrote outside its target: {shown(path)}")
        if staged.is_dir():
            return _move_folder(staged, target)
        if target.is_dir():
            raise ExportError(f"There is a folder where the file belongs; move it away: {shown(target)}")
        _sync(staged)
        os.replace(staged, target)
        return [target]


def _call(exporter: Exporter, info: ExporterInfo, analysis: Analysis, staged: Path, params: Params) -> list[Path]:
    try:
        return [Path(path) for path in exporter.export(analysis, staged, params)]
    except (MienError, OSError):
        raise
    except Exception as error:
        log.exception("the exporter %s failed", info.id)
        raise ExportError(f"The export {info.id!r} failed ({_why(error)}).") from error


def _move_folder(staged: Path, target: Path) -> list[Path]:
    """Move file by file, so that what else lies in the folder stays; files of an earlier export that are
    gone, go.
    """
    if target.is_symlink():
        raise ExportError(f"There is a link where the folder belongs; remove it: {shown(target)}")
    if target.exists() and not target.is_dir():
        raise ExportError(f"There is a file where the folder belongs; move it away: {shown(target)}")
    target.mkdir(exist_ok=True)
    new = sorted(path.relative_to(staged) for path in staged.rglob("*") if path.is_file())
    stale = _listed(target) - {str(path) for path in new}
    for path in new:
        parents = [target / parent for parent in path.parents if parent != Path()]
        if any(parent.is_symlink() for parent in parents):
            raise ExportError(f"There is a link where a folder belongs; remove it: {shown(target / path.parent)}")
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        os.replace(staged / path, target / path)
    for name in stale:
        (target / name).unlink(missing_ok=True)
    return [target]


def _listed(target: Path) -> set[str]:
    """Names of the files that an earlier export says it wrote into this folder itself."""
    place = target / MANIFEST
    try:  # somebody may have put a device, a pipe or anything else there
        if not place.is_file() or place.stat().st_size > _LARGEST_LIST:
            return set()
        files = json.loads(place.read_text(encoding="utf-8"))["files"]
        return {name for name in files if isinstance(name, str) and _is_name(name)}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return set()


def _is_name(text: str) -> bool:
    """Whether it names a file in a folder and leads nowhere else."""
    return Path(text).name == text not in ("", "..") and "\0" not in text


@contextlib.contextmanager
def _storage(folder: Path) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, NotADirectoryError) as error:
        raise StorageError(f"This is no folder; name another one: {shown(folder)}") from error
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise StorageError(f"The disk is full; free some space or name another folder: {shown(folder)}") from error
        if error.errno in _NO_WRITE:
            raise StorageError(f"This folder may not be written; name another one: {shown(folder)}") from error
        reason = (error.strerror or type(error).__name__).lower()
        raise StorageError(f"The export cannot be written ({reason}); name another folder: {shown(folder)}") from error


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _safe_suffix(suffix: str) -> str:
    return "." + safe_name(suffix.lstrip("."), "out")


def _why(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}")[:200]
