"""Locks on files: the kernel drops them the moment their process ends, however it ends."""

from __future__ import annotations

import sys
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def lock(file: IO[bytes], wait: bool = False) -> None:
        """Hold an open file for this handle alone until it is closed.

        Args:
            wait: for whoever holds it (Windows gives up after 10 s), rather than raise.

        Raises:
            BlockingIOError, PermissionError: another handle holds it; the second is what Windows says.
            OSError: this file system has no locks.
        """
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def lock(file: IO[bytes], wait: bool = False) -> None:
        """Hold an open file for this handle alone until it is closed.

        Args:
            wait: for whoever holds it, rather than raise.

        Raises:
            BlockingIOError: another handle holds it.
            OSError: this file system has no locks.
        """
        # flock, not lockf: two handles of one process must exclude each other too.
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
