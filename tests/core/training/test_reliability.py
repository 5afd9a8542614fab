"""Reliability diagrams: the bins are those of the ECE, and the picture is a well-formed SVG that stands alone."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mien.evaluation.metrics import ece
from mien.training.card import Card, save_model, write_card
from mien.training.reliability import Reliability, draw, reliability, reliability_plot

SVG = "{http://www.w3.org/2000/svg}"


def test_a_diagram_by_hand() -> None:
    found = reliability([0, 1, 1, 1], [0.1, 0.1, 0.9, 1.0], "P(one)", bins=2)
    assert found.count == (2, 2)
    assert found.claimed == (pytest.approx(0.1), pytest.approx(0.95))
    assert found.observed == (0.5, 1.0)
    assert found.ece == pytest.approx(0.5 * 0.4 + 0.5 * 0.05)


def test_posteriors_are_judged_by_their_likeliest_class() -> None:
    posterior = np.array([[0.7, 0.2, 0.1], [0.1, 0.5, 0.4]])
    found = reliability([0, 2], posterior, "class", bins=10)
    assert [(k, found.observed[k]) for k in range(10) if found.count[k]] == [(5, 0.0), (7, 1.0)]
    assert found.ece == ece([0, 2], posterior, 10)


@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=60),
    st.integers(1, 20),
)
def test_the_error_follows_from_the_bins(items: list[tuple[int, float]], bins: int) -> None:
    truth, chance = zip(*items, strict=True)
    found = reliability(truth, chance, "x", bins)
    gaps = [
        n * abs(c - o)
        for n, c, o in zip(found.count, found.claimed, found.observed, strict=True)
        if c is not None and o is not None
    ]
    assert found.n == len(items)
    assert found.ece == pytest.approx(sum(gaps) / found.n, abs=1e-9)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        reliability([0, 1], [0.2, 1.2], "x")
    with pytest.raises(ValueError, match="as many"):
        reliability([0], [0.2, 0.3], "x")


def test_the_picture_is_a_small_svg_that_stands_alone() -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(500)
    diagrams = [reliability(rng.random(500) < chance, chance, f"P(<{i} & more)") for i in range(4)]
    text = draw(diagrams)
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert len(root.findall(f"{SVG}g")) == 4
    assert len(text) < 40_000
    for word in ("<script", "href", "url(", "@import"):
        assert word not in text
    said = [t.text or "" for t in root.iter(f"{SVG}text")]
    assert "P(<3 & more)" in said
    assert f"ECE {diagrams[0].ece:.3f}, n = 500" in said


def test_bars_are_as_high_as_the_observed_share() -> None:
    root = ElementTree.fromstring(draw([Reliability("x", (4,), (0.5,), (0.75,), 0.25)]))
    heights = [float(r.get("height") or 0) for r in root.iter(f"{SVG}rect") if r.get("fill") == "#3b6ea5"]
    assert heights == [150.0]


def test_the_card_shows_it(tmp_path: Path) -> None:
    save_model(tmp_path, {"w": torch.zeros(1)}, {})
    plot = reliability_plot(reliability([0, 1], [0.25, 0.75], "P(one), test"))
    card = Card("m", "M", "Reads.", "MIT", (), "by speaker", (0,), (), (), "mien train m", plots=(plot,))
    write_card(tmp_path, card)
    assert f"![{plot.alt}](reliability.svg)" in (tmp_path / "CARD.md").read_text()
    assert (tmp_path / "reliability.svg").read_text() == plot.svg
    (listed,) = json.loads((tmp_path / "card.json").read_text())["plots"]
    assert listed["file"] == "reliability.svg"
    assert listed["data"][0]["ece"] == 0.25
    assert "svg" not in listed
