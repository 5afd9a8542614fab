"""The late fusion's score is a mean of probabilities and is nowhere given as one: each export says what it is."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mien.engine.registry import Registry
from mien.sdk.protocols import Analysis
from mien.tracks import HOSTILITY, Curve, Quantity
from mien.tracks.arrow import from_table, to_table
from mien_plugins.fusion import late, majority

Write = Callable[..., Path]


@pytest.fixture(params=[late.SCORE, majority.SCORE], ids=["late", "majority"])
def quantity(request: pytest.FixtureRequest) -> Quantity:
    return request.param


@pytest.fixture
def fused(analysis: Analysis, quantity: Quantity) -> Analysis:
    score = analysis.tracks["fusion.score"]
    assert isinstance(score, Curve)
    own = Curve(score.name, score.times, score.values, (quantity,), None, score.provenance)
    return replace(analysis, tracks={**analysis.tracks, "fusion.score": own})


def test_its_quantity_has_the_same_name_and_extent_and_says_what_it_is(quantity: Quantity) -> None:
    assert (quantity.name, quantity.low, quantity.high) == (HOSTILITY.name, 0.0, 1.0)
    assert quantity.about.count("not a probability") == 1
    assert HOSTILITY.about == ""
    assert Quantity.from_dict({"name": "older"}).about == ""


def test_the_sentence_goes_into_json_and_tables(fused: Analysis, quantity: Quantity, written: Write) -> None:
    data = json.loads(written(fused, "json").read_text(encoding="utf-8"))
    columns = {track["name"]: track["columns"] for track in data["tracks"]}
    assert columns["fusion.score"][1]["about"] == quantity.about
    assert not any("about" in c for name, of in columns.items() if name != "fusion.score" for c in of)
    folder = written(fused, "csv")
    readme = (folder / "README.txt").read_text(encoding="utf-8")
    assert f"hostility: from 0 ({quantity.low_means}) to 1 (hostile), {quantity.about.rstrip('.')}\n" in readme
    assert "of a verdict the mean of the fused score" in readme
    track = fused.tracks["fusion.score"]
    assert from_table(to_table(track)).quantities == track.quantities


def test_the_report_says_it_where_scores_and_verdicts_stand(
    fused: Analysis, quantity: Quantity, written: Write
) -> None:
    page = html.unescape(written(fused, "report").read_text(encoding="utf-8"))
    sections = dict(re.findall(r'<section id="(\w+)">(.*?)</section>', page, re.S))
    for name in ("verdicts", "time"):
        assert quantity.about in sections[name], name
        told = sections[name].replace(quantity.about, "")
        assert "probab" not in told.lower(), name
    assert "the mean over the stretch" in sections["verdicts"]


def test_nor_is_it_one_to_who_chooses_it() -> None:
    fusions = Registry.load().fusions
    for name in ("late", "majority"):
        assert "probability" in fusions[f"fusion.{name}"].description.replace("probabilities", "")
        assert re.search(r"not itself a probability|no probability", fusions[f"fusion.{name}"].description)
