"""How a model's folder comes to its place in the store, and leaves it: whenever the program is killed, either the earlier
model is there, or the later one, or what is needed to put the earlier one back.

Beside the models lie, for as long as somebody works on them: `.new-ID-…`, which becomes a model; `.old-ID`, which stepped aside
for it; `.gone-ID`, which is being deleted. One program at a time works on a store, behind a lock; what lies there when
nobody holds it is left from one that was killed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mien.locks import lock

_NEW, _OLD, _GONE = ".new-", ".old-", ".gone-"


@contextmanager
def staging(root: Path, model_id: str) -> Iterator[Path]:
    """A folder in the store that becomes the model's when the block ends well, and vanishes otherwise.

    Raises:
        OSError: the store may not be written, or its disk is full; what was there is there again.
    """
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root, wait=True):
        _tidy(root)
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{_NEW}{model_id}-", dir=root))
            yield folder
            folder.chmod(0o755)
            target = root / model_id
            if target.exists():  # a folder replaces no other
                os.replace(target, root / f"{_OLD}{model_id}")
            os.replace(folder, target)
        finally:
            _tidy(root)


def delete(root: Path, model_id: str) -> None:
    """Delete a model: it is there whole, or not at all.

    Raises:
        OSError: it may not be deleted.
    """
    with _alone(root, wait=True):
        _tidy(root)
        os.replace(root / model_id, root / f"{_GONE}{model_id}")
        shutil.rmtree(root / f"{_GONE}{model_id}")


def stepped_aside(root: Path, model_id: str) -> bool:
    """Whether a model is not at its place because another one was about to take it."""
    return (root / f"{_OLD}{model_id}").is_dir()


def put_right(root: Path, wait: bool = False) -> None:
    """Put back what stepped aside, and remove what a program that was killed left.

    Args:
        wait: for a program that works on the store now; otherwise it is left alone.
    """
    try:
        names = os.listdir(root)
    except OSError:
        return
    if any(name.startswith((_NEW, _OLD, _GONE)) for name in names):
        with suppress(OSError), _alone(root, wait=wait):
            _tidy(root)


@contextmanager
def _alone(root: Path, wait: bool) -> Iterator[None]:
    """Raises BlockingIOError or PermissionError when somebody else works on the store and `wait` is False."""
    with (root.parent / f"{root.name}.lock").open("ab") as file:
        try:
            lock(file, wait)
        except (BlockingIOError, PermissionError):
            raise
        except OSError:
            pass  # this file system has no locks
        yield


def _tidy(root: Path) -> None:
    for name in os.listdir(root):
        if name.startswith(_OLD) and not (target := root / name.removeprefix(_OLD)).exists():
            os.replace(root / name, target)
        elif name.startswith((_NEW, _OLD, _GONE)):
            shutil.rmtree(root / name, ignore_errors=True)
