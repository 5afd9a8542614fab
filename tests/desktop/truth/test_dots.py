"""Very many dots are painted, and found, quickly."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pytestqt.qtbot import QtBot

from mien.truth.labels import Label, column_of
from mien.truth.match import Sample, match
from mien.truth.readings import Reading
from mien.truth.score import score
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.truth.ground import in_sight
from mien_desktop.truth.plot import dots
from mien_desktop.truth.scatter import Scatter

Load = Callable[..., None]
Desk = Any  # the class of the same name in conftest.py

NAMES = ("anna.mp4", "bo.mp4", "cem.mp4")


def test_five_thousand_dots_are_painted_quickly(qtbot: QtBot) -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(-1, 1, 5000)
    read = np.clip(truth + rng.normal(0, 0.4, 5000), -1, 1)
    made = [
        Sample("a", Path("a.mp4"), n, n + 1.0, float(t), float(p))
        for n, (t, p) in enumerate(zip(truth, read, strict=True))
    ]
    column = column_of("valence", [Label(Path("l.csv"), "", 0.0, 1.0, "0.5")])
    laid = dots(score(match(column, Reading("emotion", "valence", "scale", -1.0, 1.0, "", "", (), 0.0)), made[:5000]))
    scatter = Scatter(DARK)
    qtbot.addWidget(scatter)
    scatter.resize(500, 400)
    scatter.show_dots(laid)

    def spent(change: Callable[[int], None]) -> float:
        """Median processor time of a repaint, s."""
        times = []
        for n in range(7):
            change(n)
            began = time.process_time()
            scatter.grab()
            times.append(time.process_time() - began)
        return float(np.median(times))

    scatter.grab()
    # Guards, not measures: 0.016 on a quiet core.
    assert spent(scatter.choose) < 0.25
    assert spent(lambda n: scatter.wear(LIGHT if n % 2 else DARK)) < 0.25
    began = time.process_time()
    for n in range(100):
        scatter.dot_at(250.0 + n, 200.0)
    assert time.process_time() - began < 0.5


def test_of_a_hundred_thousand_dots_those_in_sight_are_painted() -> None:
    rng = np.random.default_rng(0)
    at = rng.uniform((40.0, 8.0), (480.0, 340.0), (100_000, 2))
    seen = in_sight(at)
    assert len(seen) <= (440 / 2 + 1) * (332 / 2 + 1)
    rows = {tuple(place) for place in at.tolist()}
    assert {tuple(place) for place in seen.tolist()} <= rows
    # Each that is left out lies under one that is painted.
    hidden = np.array(sorted(rows - {tuple(place) for place in seen.tolist()})[:300])
    assert np.hypot(*(hidden[:, None] - seen[None]).transpose(2, 0, 1)).min(1).max() < 2 * 2**0.5
    assert in_sight(at[:100]).tolist() == at[:100].tolist()  # few are all painted
