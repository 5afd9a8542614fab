"""Models that stay loaded from one medium to the next."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mien.models import hold
from mien.models.hold import MOST, held, hold_models, let_go

loaded: list[tuple[str, str]] = []


def load(folder: Path, device: str = "cpu") -> list[str]:
    time.sleep(0.02)
    loaded.append((folder.name, device))
    return [(folder / "weights").read_text()]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(hold, "_on", False)
    loaded.clear()
    (tmp_path / "weights").write_text("one")
    yield tmp_path
    let_go()


def test_nothing_is_held_where_nobody_asked_for_it(folder: Path) -> None:
    assert held(load, folder) is not held(load, folder)


def test_what_is_the_same_is_loaded_once(folder: Path) -> None:
    hold_models()
    first = held(load, folder)
    threads = [threading.Thread(target=held, args=(load, folder, "cuda:0")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held(load, folder) is first
    assert [device for _, device in loaded] == ["cpu", "cuda:0"]
    let_go()
    assert held(load, folder) is not first


def test_another_file_in_its_place_is_loaded(folder: Path) -> None:
    hold_models()
    assert held(load, folder) == ["one"]
    (folder / "weights").write_text("two")
    os.utime(folder / "weights", (1, 1))
    assert held(load, folder) == ["two"]


def test_what_cannot_be_loaded_is_tried_again_and_the_oldest_goes(folder: Path) -> None:
    hold_models()
    with pytest.raises(FileNotFoundError):
        held(load, folder / "none")
    (folder / "none").mkdir()
    (folder / "none" / "weights").write_text("now")
    first = held(load, folder / "none")
    assert first == ["now"]
    for n in range(MOST - 1):
        held(load, folder, f"cuda:{n}")
    assert held(load, folder / "none") is first
    held(load, folder, "mps")
    assert held(load, folder / "none") is first  # it was asked for since
    assert held(load, folder, "cuda:0") is not None
    assert [device for _, device in loaded].count("cuda:0") == 2
