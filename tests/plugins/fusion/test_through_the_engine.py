"""Every shipped trained fusion of the embeddings, through plan, engine and library; and those without weights."""

from __future__ import annotations

import importlib.metadata
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.cli.plugins import list_plugins, show_plugin
from mien.engine.choice import Choice
from mien.engine.fuse import plan_fusion
from mien.engine.plan import Plan
from mien.engine.registry import Registry
from mien.engine.run import analyze_medium
from mien.errors import ModelError
from mien.library import Library
from mien.models import store
from mien.tracks import EXPRESSION_QUANTITIES, Curve
from mien_plugins.fusion.info import ATTENTION

HERE = Path(__file__).resolve().parent


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    monkeypatch.syspath_prepend(str(HERE))
    names = {"embed": "embedders", "fusion": "mien_plugins.fusion.info"}
    yield Registry.load([importlib.metadata.EntryPoint(name, module, "mien") for name, module in names.items()])
    sys.modules.pop("embedders", None)


def test_every_shipped_fusion_writes_score_weights_affect_and_verdicts(
    registry: Registry, tmp_path: Path, make_clip: Any
) -> None:
    assert not registry.broken
    clip = make_clip(tmp_path / "clip.mp4", 6.0, video=False)
    shipped = [info.id for info in ATTENTION if all(store.is_installed(model) for model in info.models)]
    assert len(shipped) == len(ATTENTION) == 8
    for fusion in shipped:
        settings = {fusion: {"threshold": 0.0, "hysteresis": 0.0}}  # everything reaches it: there must be a verdict
        choice = Choice(("embed.text", "embed.voice", "embed.face"), fusion, settings, device="cpu")
        with Library(tmp_path / "library.db") as library:
            done = analyze_medium(clip, choice, registry, library, lambda event: None, threading.Event())
            assert done.failed == {}
            tracks = library.medium(done.medium).tracks()
            found = {name: tracks[name] for name in tracks if name.startswith("fusion.")}
        assert set(found) == {f"fusion.{n}" for n in ("score", "weights", "verdicts", "affect", "expression")}
        score, weights, expression = (found[f"fusion.{n}"] for n in ("score", "weights", "expression"))
        assert isinstance(score, Curve)
        assert isinstance(weights, Curve)
        assert isinstance(expression, Curve)
        assert weights.channels == ("text", "voice", "face")
        assert weights.values.sum(1) == pytest.approx(1, abs=1e-4)
        assert (weights.values[weights.times < 1.9, 2] == 0).all()  # no face yet
        assert (weights.values[weights.times > 5.1, 0] == 0).all()  # nothing said any more
        assert expression.quantities == EXPRESSION_QUANTITIES
        assert score.values[:, 0] == pytest.approx(expression.values[:, :2].sum(1), abs=1e-4)
        assert score.provenance is not None
        assert score.provenance.analyzer == fusion
        verdicts = found["fusion.verdicts"]
        assert len(verdicts) == 1
        assert "weight" in verdicts.text[0]
        assert np.isfinite(found["fusion.affect"].values).all()


@pytest.mark.parametrize("model", [*(info.models[0] for info in ATTENTION), "fusion-mml"])
def test_the_card_of_each_that_ships_says_in_its_first_line_how_it_was_trained(model: str) -> None:
    first = (store.resolve(model) / "CARD.md").read_text(encoding="utf-8").splitlines()[0]
    assert "trained on unimodal corpora paired by " + ("a rule" if model == "fusion-mml" else "label") in first


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """What is there when no model ships."""
    monkeypatch.setattr(store, "bundled_models", lambda: tmp_path)
    return Registry.load()


def test_a_fusion_without_weights_needs_training_and_says_how(
    bare: Registry, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    info = bare.fusion("hierarchical")
    place = store.user_models() / "fusion-hierarchical"
    command = f"mien train fusion-attention --set strategy=hierarchical --data DIR --out {place}"
    assert info.needs_training == command
    assert bare.fusion("late").needs_training == ""
    with pytest.raises(ModelError, match="has no weights yet") as refused:
        plan_fusion(Choice(fusion="hierarchical"), bare, Plan(()), {})
    assert command in str(refused.value)
    monkeypatch.setattr(Registry, "load", lambda: bare)
    list_plugins(False)
    assert f"(needs training: {command})" in capsys.readouterr().out
    list_plugins(True)
    listed = {f["id"]: f["needs_training"] for f in json.loads(capsys.readouterr().out)["fusions"]}
    assert listed["fusion.hierarchical"] == command
    assert listed["fusion.late"] == ""
    show_plugin("hierarchical", False)
    assert f"needs training: {command}" in capsys.readouterr().out


def test_once_trained_into_the_users_store_it_is_offered(bare: Registry) -> None:
    folder = store.user_models() / "fusion-hierarchical"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"")
    registry = Registry.load()
    assert registry.fusion("hierarchical").needs_training == ""
    assert bare.recipe("fusion-attention").params.model_validate({"strategy": "hierarchical"})
