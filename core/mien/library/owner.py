"""Who is writing: a lock file for each process that owns runs, so that the runs of a dead one are recognised.

The kernel drops the lock the moment its process ends, however it ends. A process id could be taken over by
another program, and means nothing in another container or on another machine. The lock file also keeps some room on
the disk, so that a process which has filled it can still take out what it wrote.
"""

from __future__ import annotations

import contextlib
import shutil
import uuid
from pathlib import Path
from typing import IO

from mien.locks import lock

# Bytes kept free: deleting what was read of half an hour writes about half of that. Of a small disk no more than a part.
_ROOM, _PART = 1 << 20, 3
_TRIES = 100


class Owners:
    """The owners of one library's runs, of whom this process is at most one.

    Args:
        folder: where the lock files of all of them lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = ""
        self._file: IO[bytes] | None = None
        self._keeps = False

    def join(self) -> str:
        """The name under which this process owns runs, until `leave` or its end.

        Raises:
            OSError: the folder may not be written.
        """
        if self._file is None:
            name = uuid.uuid4().hex
            file = create(self._path(name))
            # Nobody contends for a new name: a failure means that this file system has no locks. Then everybody
            # is taken for alive, and the runs of a dead process stay as they are.
            with contextlib.suppress(OSError):
                lock(file)
            self._name, self._file = name, file
        self._keep_room()
        return self._name

    def give_room(self) -> None:
        """Let go of the room that was kept on the disk, until `join` is called again."""
        if self._file is not None and self._keeps:
            self._keeps = False
            with contextlib.suppress(OSError):
                self._file.truncate(0)

    def _keep_room(self) -> None:
        if self._file is None or self._keeps:
            return
        self._keeps = True
        with contextlib.suppress(OSError):  # the disk is full already, or files may not be that long
            self._file.seek(0)
            self._file.write(bytes(min(_ROOM, shutil.disk_usage(self._folder).free // _PART)))

    def leave(self) -> None:
        """Give the name up."""
        if self._file is not None:
            # Windows removes no open file, so the lock goes first; nobody else takes this name.
            self._file.close()
            self._file = None
            self.bury(self._name)

    def alive(self, name: str) -> bool:
        """Whether the owner of that name still runs."""
        if self._file is not None and name == self._name:
            return True
        try:
            file = self._path(name).open("r+b")
        except FileNotFoundError:
            return False
        except OSError:
            return True  # not ours to look at: leave its runs alone
        try:
            lock(file)
        except OSError:
            return True
        finally:
            file.close()
        return False

    def bury(self, name: str) -> None:
        """Remove what a dead owner left."""
        # Someone else may have been faster, or we may not: a stale lock file does no harm.
        with contextlib.suppress(OSError):
            self._path(name).unlink()
            self._folder.rmdir()

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lock"


def create(path: Path) -> IO[bytes]:
    """Open a new file for writing in a folder that others remove whenever it is empty, also when it has just been made.

    Raises:
        OSError: the folder may not be written.
    """

    def attempt() -> IO[bytes]:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Without a buffer, which would try again on closing to write what a full disk refused.
        return path.open("wb", buffering=0)

    for _ in range(_TRIES):
        with contextlib.suppress(FileNotFoundError, FileExistsError):  # what mkdir says when it lost that race, too
            return attempt()
    return attempt()
