"""The recipe of the attention fusions on tiny generated items, what it draws, and how corpora become items."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.engine.align import Grid
from mien.engine.backend import Backend
from mien.engine.context import RunContext
from mien.errors import ModelError, TrainingError, UsageError
from mien.models.store import verify
from mien.tracks import Features
from mien.tracks.quantity import EXPRESSIONS
from mien.training.card import load_model, save_model
from mien_plugins.emotion.corpus import TEST_SPEAKERS
from mien_plugins.fusion import items as of_corpora
from mien_plugins.fusion import public_model, recipe
from mien_plugins.fusion.attention import AttentionFusion
from mien_plugins.fusion.draw import Pools, copies
from mien_plugins.fusion.info import TrainedParams
from mien_plugins.fusion.items import MODALITIES, PARTS, Items
from mien_plugins.fusion.measure import CROSS_FITTED, ECE_HOSTILE, KNN, VOICES, WAYS
from mien_plugins.fusion.plan import Plan
from mien_plugins.fusion.scaling import named, subsets
from mien_plugins.fusion.trained import BANK

WIDTHS = {"text": 5, "voice": 6, "face": 4}
SPEAKERS = (("ravdess-01", "emodb-03"), ("ravdess-17",), ("ravdess-19",))
PLAN = Plan(epochs=2, updates=25, batch=28, steps=8, rate=0.02, held=12, width=8, inner=4, heads=2, hidden=12, encoder=4,
                   dense=8, repeats=20, remembered=16, noise=0.1, dropout=0.0)  # fmt: skip


def made(each: int = 3) -> dict[str, Items]:
    """Vectors around a centre for each emotion, some for each part."""
    rng = np.random.default_rng(0)
    found = {}
    for name, width in WIDTHS.items():
        centres = 4 * rng.normal(size=(len(EXPRESSIONS), width))
        rows = [
            (label, number, speaker)
            for number, speakers in enumerate(SPEAKERS)
            for speaker in speakers
            for label in range(len(EXPRESSIONS))
            for _ in range(each)
        ]
        labels = np.array([row[0] for row in rows])
        vectors = (centres[labels] + rng.normal(size=(len(rows), width))).astype(np.float32)
        affect = of_corpora.NORMS[labels][:, :2].astype(np.float32)
        groups = np.array([row[2] if name == "voice" else "" for row in rows])
        found[name] = Items(vectors, labels, affect, np.array([row[1] for row in rows]), groups)
    return found


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    for module in (recipe, public_model):
        monkeypatch.setattr(module, "read_items", lambda *_: made())
    monkeypatch.setattr(
        public_model, "voices_of", lambda _: {"ravdess-19": ("voices of women",), "emodb-16": ("voices of men",)}
    )
    return {"plan": PLAN, "threads": 1, "progress": False, "work": tmp_path / "work"}


def test_a_sequence_pairs_by_label_and_keeps_its_speaker() -> None:
    items = {name: of.of("train") for name, of in made().items()}
    drawn = Pools(items).draw(np.random.default_rng(1), 30, 40)
    for rows, name in zip(drawn.rows, MODALITIES, strict=True):
        assert (items[name].label[rows] == drawn.label).all()
    assert all(len(set(items["voice"].group[rows])) == 1 for rows in drawn.rows[1])
    assert drawn.somebody.mean() > 0.8
    assert not drawn.somebody.all()
    assert (drawn.somebody | ~drawn.ends).all()
    changes = drawn.label[:, 1:] != drawn.label[:, :-1]
    assert (drawn.ends[:, :-1] | ~drawn.somebody[:, :-1])[changes].all()
    again = Pools(items).draw(np.random.default_rng(1), 30, 40)
    assert (again.rows == drawn.rows).all()


def test_nothing_can_be_paired_where_nobody_shows_two_emotions() -> None:
    items = {name: of.of("train") for name, of in made().items()}
    few = items["text"].label == 0
    items["text"] = Items(*(getattr(items["text"], f)[few] for f in ("vectors", "label", "affect", "part", "group")))
    with pytest.raises(TrainingError, match="nothing can be paired"):
        Pools(items)


def test_copies_are_moddrops_or_every_subset() -> None:
    assert len(subsets(3)) == 7
    assert subsets(3)[0].all()
    assert subsets(3).any(1).all()
    assert len(copies(5, "off")) == 5
    assert len(copies(5, "single")) == 20
    assert len(copies(5, "every")) == 35
    assert {tuple(row) for row in copies(1, "every").present.tolist()} == {tuple(row) for row in subsets(3).tolist()}


def test_it_trains_compares_goes_on_and_runs(options: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "fusion-hierarchical"
    card = recipe.train(tmp_path, out, strategy="hierarchical", **options)
    text = (out / "CARD.md").read_text()
    assert text.splitlines()[0] == "# Hierarchical attention, LSTM: trained on unimodal corpora paired by label"
    by = {(m.subset, m.note): m.value for m in card.metrics if m.name == "balanced accuracy, emotion"}
    assert len(by) == 3 * 7 + 6 + 1 + 7
    # Of the part that tests one speaker is heard; nothing is said of who is not.
    assert {subset for subset, note in by if note == VOICES} == {
        "held-out sequences: text + voice + face, voices of women"
    }
    assert by["held-out sequences: text + voice + face", "with Moddrop"] > 0.4
    assert {*WAYS.values(), KNN, VOICES} == {note for _, note in by}
    config = json.loads((out / "config.json").read_text())
    assert (config["id"], config["strategy"], config["classes"]) == (
        "fusion-attention",
        "hierarchical",
        list(EXPRESSIONS),
    )
    assert recipe.evaluate(out, tmp_path).metrics == card.metrics
    # Of the folds two speakers are heard, the second of whom `voices_of` does not know.
    fitted = [m for m in card.metrics if m.name == ECE_HOSTILE]
    assert [m.subset.split(":")[0] for m in fitted] == [CROSS_FITTED] * (7 + 6 + 1)

    logs = [log.read_text() for log in sorted((tmp_path / "work").rglob("log.jsonl"))]
    recipe.train(tmp_path, tmp_path / "again", strategy="hierarchical", **options)
    assert [log.read_text() for log in sorted((tmp_path / "work").rglob("log.jsonl"))] == logs
    assert json.loads((tmp_path / "again" / "config.json").read_text())["sha256"] == config["sha256"]
    with pytest.raises(UsageError, match="holds the fusion hierarchical"):
        recipe.train(tmp_path, out, strategy="concat", **options)


def test_a_model_that_remembers_vectors_of_before_its_attention_gets_others(
    options: dict[str, Any], tmp_path: Path
) -> None:
    out, again = tmp_path / "fusion-intra", {**options, "recalibrate": True}
    card = recipe.train(tmp_path, out, strategy="intra", compare=False, **options)
    weights, config = load_model(out)
    assert config["imputes"] == "pooled"
    # As earlier versions left it.
    stale = {n: torch.zeros_like(v) if n.startswith(BANK) else v for n, v in weights.items()}
    save_model(out, stale, {name: value for name, value in config.items() if name != "imputes"})
    with pytest.raises(ModelError, match=r"remembers vectors of before its attention.*--set recalibrate=true"):
        recipe.evaluate(out, tmp_path)
    recipe.train(tmp_path, out, strategy="intra", **again)
    renewed, config = load_model(out)
    assert config["imputes"] == "pooled"
    assert renewed.keys() == weights.keys()
    for name, value in weights.items():
        torch.testing.assert_close(renewed[name], value, atol=0.02 if name.startswith(BANK) else 0.0, rtol=0.0)
    assert [m.name for m in recipe.evaluate(out, tmp_path).metrics] == [m.name for m in card.metrics]


def test_each_subset_is_calibrated_and_can_be_anew_without_training(options: dict[str, Any], tmp_path: Path) -> None:
    out, again = tmp_path / "fusion-concat", {**options, "recalibrate": True}
    with pytest.raises(UsageError, match="no model to calibrate"):
        recipe.train(tmp_path, out, **again)
    card = recipe.train(tmp_path, out, strategy="self", compare=False, **options)
    config = json.loads((out / "config.json").read_text())
    names = {named(MODALITIES, kind) for kind in subsets(3)}
    assert {way: set(of) for way, of in config["calibration"].items()} == {
        "zero": names,
        "knn": names - {"text + voice + face"},
    }
    assert card.calibration["voice"].startswith(
        f"temperature {config['calibration']['zero']['voice']['temperature']:.3f}; angry"
    )
    assert "P(angry) + P(disgust)" in card.calibration["P(hostile)"]

    # As earlier versions left it, with one temperature; the labels of the other options do not matter.
    (out / "config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "calibration"}))
    before = recipe.evaluate(out, tmp_path)
    assert "all subsets together" in before.calibration["method"]
    assert before.metrics != card.metrics
    weights = (out / "model.safetensors").read_bytes()
    assert recipe.train(tmp_path, out, strategy="concat", **again).metrics == card.metrics
    assert json.loads((out / "config.json").read_text()) == config
    assert (out / "model.safetensors").read_bytes() == weights
    (tmp_path / "manifest.csv").write_text("path,split\n")
    with pytest.raises(UsageError, match="learnt from public corpora"):
        recipe.train(tmp_path, out, **again)


def test_what_was_trained_runs_with_imputation(options: dict[str, Any], tmp_path: Path, monkeypatch: Any) -> None:
    out = tmp_path / "fusion-intra"
    recipe.train(tmp_path, out, strategy="intra", moddrop="every", compare=False, **options)
    monkeypatch.setattr("mien.models.store.resolve", lambda model: out)

    class Trained(AttentionFusion):
        model = "fusion-intra"

    items, times = made()["voice"].of("test"), np.arange(0.5, 10.0)
    track = Features("emotion.embedding", times, items.vectors[: times.size])
    grid = Grid({track.name: track}, {track.name: "voice"}, {}, 10.0, 0.5)
    for missing in ("zero", "knn"):
        context = RunContext("f", Backend("cpu", "float32", "CPU", 1), threading.Event(), models=("fusion-intra",))
        fusion = Trained()
        fusion.prepare((track.name,), TrainedParams(missing=missing), context)
        fused = fusion.fuse(grid.stretch(0, grid.times.size))
        assert fused.modalities == ("voice",)
        assert np.isfinite(fused.score).all()
        assert fused.weights == pytest.approx(1)


def test_no_speaker_is_in_two_parts_and_the_test_part_was_held_out_before() -> None:
    part = {speaker: PARTS[of_corpora._part_of(speaker)] for speaker in (*TEST_SPEAKERS, "ravdess-01", "emodb-14")}
    assert {s for s, p in part.items() if p == "train"} == {"ravdess-01", "emodb-14"}
    assert {s for s, p in part.items() if p == "valid"} == set(of_corpora.VALID_SPEAKERS)
    assert {s for s, p in part.items() if p == "test"} == {"ravdess-19", "ravdess-20", "emodb-16"}


def test_emobanks_sentences_become_items_of_the_nearest_emotion(shared: Path) -> None:
    budget = replace(of_corpora.Budget(), texts=(3, 2, 2))
    items = of_corpora.texts(shared / "data", budget, "cpu")
    assert items.vectors.shape == (3 * 7 + 2 * 7 + 2 * 7, 384)
    assert np.bincount(items.of("train").label).tolist() == [3] * 7
    assert not verify("text-offence")
