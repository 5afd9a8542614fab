"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from mien.errors import ExportError, shown


def write_whole(target: Path, data: bytes | str, what: str) -> Path:
    """Write a file (text in UTF-8): one of that name stays as it is when there is no room for another; a link of that name is
    replaced, not followed.

    Args:
        what: names the content in the error.

    Raises:
        ExportError: it cannot be written there.
    """
    staged = target.with_name(f".part-{secrets.token_hex(4)}")
    try:
        staged.write_bytes(data.encode() if isinstance(data, str) else data)
        os.replace(staged, target)
    except OSError as error:
        raise ExportError(f"The {what} cannot be written ({error.strerror}): {shown(target)}") from error
    finally:
        with contextlib.suppress(OSError):
            staged.unlink(missing_ok=True)
    return target
