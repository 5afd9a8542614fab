"""What a hub stated of a model's files, as it is shown, kept, and compared with what comes. Imports nothing heavy."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mien.errors import ModelError
from mien.models import files


@dataclass(frozen=True)
class Stated:
    """One file: its size in bytes, and its SHA-256 or (small files) the SHA-1 under which Git has it."""

    name: str
    size: int
    sha256: str = ""
    blob: str = ""


@dataclass(frozen=True)
class Statement:
    """What a hub stated of a model's files.

    Args:
        host: who stated it; name: branch or commit that was asked for; revision: the commit it pointed to.
        asked: when, in UTC.
    """

    repo: str
    host: str
    name: str
    revision: str
    asked: str
    files: tuple[Stated, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values."""
        return asdict(self)

    def measured(self, folder: Path) -> Statement:
        """The same with the SHA-256 of every file, which were compared with it and lie in a folder."""
        return replace(self, files=tuple(replace(f, sha256=files.sha256_of(folder / f.name)) for f in self.files))

    def lines(self) -> list[str]:
        """What a person is shown before agreeing: one line on the commit, and one for each file."""
        width = max(len(file.name) for file in self.files)
        told = [f"{self.repo} at {self.revision} ({self.name}), as {self.host} stated it on {self.asked}:"]
        for file in self.files:
            digest = f"sha256 {file.sha256}" if file.sha256 else f"git sha1 {file.blob}"
            told.append(f"  {file.name:<{width}}  {file.size:>13,} bytes  {digest}")
        return told


def differs(path: Path, stated: Stated) -> bool:
    """Whether a file is another than the stated one."""
    if path.stat().st_size != stated.size:
        return True
    if stated.sha256:
        return files.sha256_of(path) != stated.sha256
    # Git names small files by SHA-1; after the first fetch they are held to the SHA-256 that was measured.
    digest = hashlib.sha1(b"blob %d\0" % stated.size, usedforsecurity=False)
    digest.update(path.read_bytes())
    return digest.hexdigest() != stated.blob


def save(path: Path, statement: Statement) -> None:
    """Keep a statement; what was there is replaced in one stroke.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.new")
    part.write_text(json.dumps(statement.to_dict(), indent=2) + "\n", "utf-8")
    os.replace(part, path)


def load(path: Path) -> Statement | None:
    """A statement that was kept, None where there is none.

    Raises:
        ModelError: it is damaged.
    """
    if not path.exists():
        return None
    value = files.read_json(path)
    try:
        told = {key: str(value[key]) for key in ("repo", "host", "name", "revision", "asked")}
        kept = tuple(Stated(str(f["name"]), int(f["size"]), str(f["sha256"]), str(f["blob"])) for f in value["files"])
    except (LookupError, TypeError, ValueError):
        kept = ()
    if not kept or not all(files.is_name(f.name) and (f.sha256 or f.blob) for f in kept):
        raise ModelError(f"What the hub stated earlier is damaged; delete the file to ask again: {path}")
    return Statement(**told, files=kept)
