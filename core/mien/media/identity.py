"""A medium is identified by the hash of its content: the same file under another name is the same medium."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from mien.errors import MienError
from mien.media.opening import check_file, refusal

_BLOCK = 1 << 20
_SETTLED = 2.0
"""s since the last change from which a file's times tell of any later one; file systems count in steps."""
_MOST_KNOWN = 256
_known: dict[tuple[int, ...], str] = {}
_begun: dict[tuple[int, ...], threading.Thread] = {}


def begin(path: str | os.PathLike[str]) -> None:
    """Start to read a file in a thread; `content_id` waits for it, if it comes before the end.

    For whoever has other things to do first. What cannot be read, or has just changed, is left to `content_id`.
    """
    try:
        path = check_file(path)
        now = path.stat()
    except (MienError, OSError):
        return
    key = _state(now)
    if key in _known or key in _begun or not _settled(now):
        return

    def read() -> None:
        try:
            _read(path, key, lambda _: None)
        except OSError:
            return
        finally:
            _begun.pop(key, None)

    _begun[key] = threading.Thread(target=read, name="mien-identity", daemon=True)
    _begun[key].start()


def content_id(path: str | os.PathLike[str], progress: Callable[[float], None] | None = None) -> str:
    """BLAKE2b-256 of the content as 64 hexadecimal digits, read in blocks of 1 MiB.

    A process that has read a file once does not read it again while its place on the disk, size and times are the same: a
    film of some GB takes seconds, and another fusion is to be there within one.

    Args:
        path: the file.
        progress: called with the fraction done, after each block.

    Raises:
        MediaMissing, NotMedia: as `check_file`.
    """
    path = check_file(path)
    tell = progress if progress is not None else lambda _: None
    try:
        key = _state(path.stat())
        begun = _begun.get(key)
        if begun is not None:
            begun.join()
        if key in _known:
            tell(1.0)
            return _known[key]
        return _read(path, key, tell)
    except OSError as error:
        raise refusal(error, path) from error


def _read(path: Path, key: tuple[int, ...], tell: Callable[[float], None]) -> str:
    digest = hashlib.blake2b(digest_size=32)
    now, done = path.stat(), 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            tell(min(1.0, done / max(1, now.st_size)))
    if _settled(now) and _state(now) == key:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = digest.hexdigest()
    return digest.hexdigest()


def _state(now: os.stat_result) -> tuple[int, ...]:
    """What changes with the file."""
    return (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)


def _settled(now: os.stat_result) -> bool:
    return bool(now.st_ino) and time.time() - max(now.st_mtime, now.st_ctime) > _SETTLED
