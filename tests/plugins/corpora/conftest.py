"""Tiny copies of corpora as they are handed out, with real (empty) recordings."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import pytest

Put = Callable[..., Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """`put("a/b.txt", text)` writes a text, `put("a/b.wav", seconds=2)` a recording, below the corpus' folder."""

    def put(name: str, text: str = "", seconds: float = 1.0) -> Path:
        path = tmp_path / "corpus" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".wav":
            with wave.open(str(path), "wb") as file:
                file.setparams((1, 2, 8_000, 0, "NONE", ""))
                file.writeframes(bytes(2 * round(8_000 * seconds)))
        else:
            path.write_text(text, encoding="utf-8")
        return path

    return put


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """The folder that `put` writes into."""
    (tmp_path / "corpus").mkdir(exist_ok=True)
    return tmp_path / "corpus"
