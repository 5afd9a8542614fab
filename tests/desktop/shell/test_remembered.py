"""What the window remembers: no file that is damaged keeps it shut, and no name of a file keeps it from remembering."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mien_desktop.events import wishes
from mien_desktop.events.sources import Source
from mien_desktop.library import item
from mien_desktop.settings import kept
from mien_desktop.shell import state
from mien_desktop.work import chosen

from .conftest import DEMO, PATIENCE, MakeWindow

DEEP = "[" * 100_000
"""Python's reader of JSON gives up on it with an error of its own."""


@pytest.mark.parametrize(
    "damaged", [DEEP, f'{{"lanes": {DEEP}', '{"recent": 3, "volume": 1e999, "disabled": {}}', "\0", "[]"]
)
def test_the_window_opens_whatever_is_in_its_files(make_window: MakeWindow, tmp_path: Path, damaged: str) -> None:
    for place in (state.path(), kept.path(), item.path(), chosen.path()):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(damaged)
    window = make_window(tmp_path / "none.db")
    assert window.state == state.WindowState()
    assert kept.load() == kept.Kept()
    assert chosen.load() == chosen.Chosen()


def test_a_name_that_is_no_utf8_is_remembered(make_window: MakeWindow, tmp_path: Path, qtbot: QtBot) -> None:
    odd = Path(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.mp4"))
    odd.write_bytes(DEMO.read_bytes())
    window = make_window(tmp_path / "none.db")
    window.open(odd)
    qtbot.waitUntil(lambda: window.document.path == odd, timeout=PATIENCE)
    assert state.load().recent == (str(odd),)


@pytest.mark.parametrize("number", ["1" + "0" * 400, "NaN", "Infinity", '"much"', "null", DEEP])
def test_a_threshold_that_is_no_number_was_never_set(tmp_path: Path, number: str) -> None:
    file = wishes.file_of("abc", tmp_path)
    file.write_text(f'[{{"track": "fusion.score", "channel": "hostility", "threshold": {number}}}]')
    assert wishes.load(file) == {}
    wish = {Source("fusion.score", "hostility"): {"threshold": 0.5}}
    wishes.save(file, wish)
    assert wishes.load(file) == wish
