"""A medium is identified by the hash of its content: the same file under another name is the same medium."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

from mien.media.opening import check_file, refusal

_BLOCK = 1 << 20


def content_id(path: str | os.PathLike[str], progress: Callable[[float], None] | None = None) -> str:
    """BLAKE2b-256 of the content as 64 hexadecimal digits, read in blocks of 1 MiB.

    Args:
        path: the file.
        progress: called with the fraction done, after each block.

    Raises:
        MediaMissing, NotMedia: as `check_file`.
    """
    path = check_file(path)
    digest = hashlib.blake2b(digest_size=32)
    try:
        size, done = path.stat().st_size, 0
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                done += len(block)
                if progress is not None:
                    progress(min(1.0, done / max(1, size)))
    except OSError as error:
        raise refusal(error, path) from error
    return digest.hexdigest()
