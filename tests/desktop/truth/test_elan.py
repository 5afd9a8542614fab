"""Labels from ELAN, a file for each medium, are scored as those of a table are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pympi.Elan import Eaf
from pytestqt.qtbot import QtBot

from .conftest import NAMES, SECONDS, compare, figures

Load = Callable[..., None]
Desk = Any  # the class of the same name in conftest.py


def annotate(folder: Path, number: int, name: str) -> Path:
    """A file as ELAN writes it: valence that is nearly what was read, and the words."""
    made = Eaf(author="somebody")
    made.add_linked_file(str(folder / name), relpath=name, mimetype="video/mp4")
    for tier in ("valence", "text"):
        made.add_tier(tier)
    for start in range(0, SECONDS, 2):
        truth = np.sin((start + 1) / 5 + number) * 0.9
        made.add_annotation("valence", 1000 * start, 1000 * (start + 2), f"{truth:.3f}")
        made.add_annotation("text", 1000 * start, 1000 * (start + 2), "never always")
    made.remove_tier("default")
    path = folder / f"{Path(name).stem}.eaf"
    made.to_file(str(path))
    return path


def test_one_and_many_media(desk: Desk, qtbot: QtBot) -> None:
    files = [annotate(desk.folder, number, name) for number, name in enumerate(NAMES)]
    with qtbot.waitSignal(desk.panel.scored, timeout=20_000):
        desk.panel.load(files[:1])
    assert {sample.medium for sample in desk.panel.result.samples} == {"id-anna.mp4"}
    with qtbot.waitSignal(desk.panel.scored, timeout=20_000):
        desk.panel.load(files)
    compare(qtbot, desk, "valence")
    assert {sample.medium for sample in desk.panel.result.samples} == {f"id-{name}" for name in NAMES}
    assert figures(desk)["Samples"] == "90"
    assert float(figures(desk)["CCC"]) == pytest.approx(0.99, abs=0.02)
    compare(qtbot, desk, "text")
    assert float(figures(desk)["WER"]) > 0
