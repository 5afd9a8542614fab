"""What may lie in a model's folder, and whether it is what it says: formats, hashes, records."""

from __future__ import annotations

import functools
import hashlib
import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

WEIGHTS: Final = (".safetensors", ".onnx")
"""Formats that are only numbers and a graph: reading them runs nothing."""

_TEXT: Final = (".json", ".txt", ".md", ".model")
_NAMES: Final = ("LICENSE", "LICENCE", "NOTICE", "COPYING")

PICKLES: Final = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib")
"""Formats that can run code when they are read."""

RECORD: Final = "mien.json"
"""Written into an installed model's folder: where it came from, size and SHA-256 of each file."""

_SHAPES: Final = frozenset({b"svg", b"g", b"path", b"rect", b"line", b"circle", b"text", b"title"})
_MORE_THAN_SHAPES: Final = re.compile(rb"\son\w+\s*=|href|style|url\s*\(", re.IGNORECASE)
_MAX_PLOT: Final = 4 << 20

_CARDS: Final = ("card.json", "CARD.md", "README.md", RECORD, *_NAMES)
_MAX_HEADER: Final = 100 << 20
MAX_JSON: Final = 64 << 20
"""Bytes of the largest description (JSON) that is read."""


def allowed(path: Path) -> bool:
    """Whether a file may be part of a model: no code, no pickles, no YAML; plots of a card if they are nothing but drawn."""
    if path.suffix.lower() == ".svg":
        return _only_drawn(path)
    return path.suffix.lower() in (*WEIGHTS, *_TEXT) or path.name in _NAMES


def _only_drawn(path: Path) -> bool:
    """Whether an SVG has shapes and words only: a browser would run its scripts and fetch what it refers to."""
    if path.stat().st_size > _MAX_PLOT:
        return False
    text = path.read_bytes()
    return set(re.findall(rb"<(?!/)([^\s/>]*)", text)) <= _SHAPES and not _MORE_THAN_SHAPES.search(text)


def weights(folder: Path) -> list[Path]:
    """The files with weights in a folder, by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in WEIGHTS and path.is_file())


def matters(path: Path) -> bool:
    """Whether a file can change what a model answers: all but its card with its plots, its training's log, its licence."""
    return path.is_file() and path.name not in _CARDS and path.suffix not in (".svg", ".jsonl")


def problem(path: Path) -> str:
    """Why a file is not what its name says, empty when it is; a description (JSON) is read whole, so it must be small."""
    if path.suffix.lower() == ".json":
        return "" if path.stat().st_size <= MAX_JSON else "is too large to describe a model"
    if path.suffix.lower() == ".safetensors":
        return _safetensors_problem(path)
    if path.suffix.lower() == ".onnx":
        with path.open("rb") as file:
            start = file.read(2)
        # The first field of an ONNX model is its IR version: tag 0x08. Pickles begin 0x80, archives with PK.
        return "" if start[:1] == b"\x08" else "is no ONNX model"
    return ""


def _safetensors_problem(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if len(start) < 8:
            return "is too short for safetensors"
        (length,) = struct.unpack("<Q", start)
        if length > min(size - 8, _MAX_HEADER):
            return "is no safetensors file"
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError):
            return "is no safetensors file"
    if not isinstance(header, dict):
        return "is no safetensors file"
    ends = [8 + length]
    for name, tensor in header.items():
        if name != "__metadata__":
            try:
                ends.append(8 + length + int(tensor["data_offsets"][1]))
            except (LookupError, TypeError, ValueError, OverflowError):
                return "has a damaged header"
    return "" if max(ends) == size else f"is {size} bytes long where its header says {max(ends)}"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_once(path: Path) -> str:
    """The same, computed once a process for a file that has not changed since."""
    state = path.stat()
    return _sha256(str(path), state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _sha256(path: str, size: int, mtime_ns: int) -> str:
    return sha256_of(Path(path))


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; empty when the file is absent, too large, nested too deep, or holds none."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_JSON + 1)
        value = json.loads(content.decode("utf-8")) if len(content) <= MAX_JSON else None
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The list that a card or a record holds under a key; empty where it holds something else, or nothing."""
    return value if isinstance(value, list) else []


def recorded(folder: Path) -> dict[str, str]:
    """File name → SHA-256 that was recorded when the model was made or installed."""
    files = read_json(folder / RECORD).get("files")
    if isinstance(files, Mapping):
        # Names alone: what a record says of a path that leads elsewhere is not looked at.
        plain = {name: facts for name, facts in files.items() if is_name(name) and isinstance(facts, Mapping)}
        return {name: str(facts["sha256"]) for name, facts in plain.items() if "sha256" in facts}
    # Models that come with Mien: the recipe wrote the weights' hash into their configuration, and of what lies beside them.
    config = read_json(folder / "config.json")
    beside = config.get("beside")
    told = {**(beside if isinstance(beside, Mapping) else {}), "model.safetensors": config.get("sha256")}
    return {name: digest for name, digest in told.items() if is_name(name) and isinstance(digest, str)}


def is_name(text: str) -> bool:
    """Whether a text is the plain name of a file, which leads nowhere else."""
    return Path(text).name == text not in ("", "..") and "\0" not in text
