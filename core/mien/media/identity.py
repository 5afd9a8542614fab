"""A medium is identified by the hash of its content: the same file under another name is the same medium."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable

from mien.media.opening import check_file, refusal

_BLOCK = 1 << 20
_SETTLED = 2.0
"""s since the last change from which a file's times tell of any later one; file systems count in steps."""
_MOST_KNOWN = 256
_known: dict[tuple[int, ...], str] = {}


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
    digest = hashlib.blake2b(digest_size=32)
    try:
        now = path.stat()
        key = (now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns)
        if key in _known:
            if progress is not None:
                progress(1.0)
            return _known[key]
        size, done = now.st_size, 0
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                done += len(block)
                if progress is not None:
                    progress(min(1.0, done / max(1, size)))
    except OSError as error:
        raise refusal(error, path) from error
    if now.st_ino and time.time() - max(now.st_mtime, now.st_ctime) > _SETTLED:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[key] = digest.hexdigest()
    return digest.hexdigest()
