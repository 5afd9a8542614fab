"""The MML weights that come with Mien: their card, what they read of words and voices, and a whole medium."""

from __future__ import annotations

import importlib.resources
import json
import threading
from pathlib import Path

import numpy as np

from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.engine.run import analyze_medium
from mien.library.library import Library
from mien.models import store
from mien_plugins.fusion.mml_data import BASE, CLASSES, DELIVERIES, delivery, target
from mien_plugins.fusion.mml_net import Mml


def test_the_rule_is_the_cards() -> None:
    table = target(np.repeat(np.arange(3), 3), np.tile(np.arange(3), 3)).reshape(len(CLASSES), len(DELIVERIES))
    assert np.allclose(table[:, 1], BASE)
    # Hate is hostile however it is said, offence where it is heated, all else never.
    assert (table >= 0.7 - 1e-6).tolist() == [[True] * 3, [False, False, True], [False] * 3]
    assert (np.diff(table, axis=1) > 0).all()
    assert [delivery(e) for e in ("angry", "anger", "calm", "boredom", "happy", "fear")] == [2, 2, 0, 0, 1, 1]


def test_the_card_says_first_what_was_assumed_and_how_it_does_without_a_modality() -> None:
    folder = store.resolve("fusion-mml")
    card = json.loads((folder / "card.json").read_text())
    assert "experimental" in card["title"]
    assert "assumption" in card["task"].split(";")[0]
    figures = {(m["subset"], m["name"]): m for m in card["metrics"]}
    for subset in ("text and voice", "voice missing", "text missing"):
        for name in ("f1_macro", "f1_of_macro_pr"):
            found = figures[f"test pairs, {subset}", name]
            assert found["low"] <= found["value"] <= found["high"]
    assert figures["test pairs, text and voice", "f1_macro"]["low"] > 0.7
    assert (folder / "model.safetensors").stat().st_size < 1_000_000


def test_its_probability_is_calibrated_whatever_is_there() -> None:
    folder = store.resolve("fusion-mml")
    card = json.loads((folder / "card.json").read_text())
    found = {m["subset"]: m["value"] for m in card["metrics"] if m["name"] == "ECE of P(hostile)"}
    for number, subset in enumerate(("text and voice", "voice missing", "text missing")):
        assert found[f"test pairs, {subset}"] <= 0.05
        assert card["plots"][0]["data"][number]["ece"] == found[f"test pairs, {subset}"]
    config = json.loads((folder / "config.json").read_text())
    assert set(config["calibration"]["zero"]) == {"text + voice", "text", "voice"}
    # It is what the fusion reads: not the net's own sigmoid.
    model, rng = Mml.load(folder), np.random.default_rng(0)
    net = model.net.config
    text, voice = rng.normal(size=(20, net.text)).astype("f4"), rng.normal(size=(20, net.speech)).astype("f4")
    for kind, name in (((True, True), "text + voice"), ((True, False), "text"), ((False, True), "voice")):
        there, of = np.tile(kind, (20, 1)), config["calibration"]["zero"][name]
        odds = model.logits(text, voice, there) / of["temperature"] + of["bias"][1] - of["bias"][0]
        np.testing.assert_allclose(model.read(text, voice, there), 1 / (1 + np.exp(-odds.clip(-60, 60))), atol=1e-5)


def test_text_counts_for_more_than_a_voice_can() -> None:
    model = Mml.load(store.resolve("fusion-mml"))
    net = model.net.config
    nothing = np.zeros((1, net.text), np.float32), np.zeros((1, net.speech), np.float32)
    alone = model.read(*nothing, np.array([[False, True]]))
    assert 0 < float(alone[0]) < 0.7
    assert np.isnan(model.read(*nothing, np.array([[False, False]]))[0])


def test_a_medium_is_read_to_its_end(tmp_path: Path) -> None:
    clip = Path(str(importlib.resources.files("mien_resources"))) / "demo" / "demo.mp4"
    choice = Choice(analyzers=("text", "emotion"), fusion="mml", device="cpu", threads=1)
    with Library(tmp_path / "l.db") as library:
        analyze_medium(clip, choice, Registry.load(), library, lambda event: None, threading.Event())
        tracks = library.medium(clip).tracks()
    weights, score = tracks["fusion.weights"], tracks["fusion.score"]
    assert weights.channels == ("text", "voice")
    assert np.allclose(weights.values.sum(1), 1, atol=1e-3)
    assert ((weights.values > 0.01).sum(1) == 2).any()
    assert ((score.values >= 0) & (score.values <= 1)).all()
    assert len(score) == len(weights) > 20
