"""Fixtures for every room: the shared folder of corpora and media, and a home of its own for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_folder() -> Path | None:
    """The folder with corpora and media beside the checkout (or where MIEN_SHARED says), if it is there."""
    folder = Path(os.environ.get("MIEN_SHARED", ROOT.parent / "shared"))
    return folder if (folder / "media" / "manifest.csv").is_file() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; the test is skipped where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("needs the shared folder of corpora and media beside the checkout")
    return folder


@pytest.fixture(autouse=True)
def mien_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Library, settings and models of each test lie in a folder of its own, and nothing goes to the network."""
    home = tmp_path / "mien-home"
    monkeypatch.setenv("MIEN_HOME", str(home))
    monkeypatch.setenv("MIEN_OFFLINE", "1")
    return home
