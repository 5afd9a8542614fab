"""The recipe: its schedule, its calibration, one whole run on a toy corpus, and the model that it shipped."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.evaluation.metrics import accuracy
from mien.training.card import load_model
from mien_plugins.face import recipe
from mien_plugins.face.data import SIDE, Faces
from mien_plugins.face.net import FaceNet, FaceNetConfig


def toy_corpus(folder: Path, count: int = 140) -> None:
    """Seven kinds of stripes, which any net can learn."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    labels = np.arange(count) % 7
    images = []
    for label in labels:
        angle, phase = math.pi * label / 7, rng.uniform(0, 2 * math.pi)
        wave = np.sin((x * math.cos(angle) + y * math.sin(angle)) * 0.5 + phase)
        images.append(np.clip(128 + 80 * wave + rng.normal(0, 40, (SIDE, SIDE)), 0, 255).astype(np.uint8))
    jpegs = [cv2.imencode(".jpg", i)[1].ravel() for i in images]
    np.savez(
        folder / "fer2013.npz",
        jpeg=np.concatenate(jpegs),
        offset=np.cumsum([0, *(len(j) for j in jpegs)]),
        y=labels.astype(np.uint8),
        usage=(np.arange(count) >= count - 35).astype(np.uint8),
        classes=np.array(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]),
    )


def test_the_rate_rises_then_falls_to_almost_nothing():
    factors = [recipe.one_cycle(step, 1000) for step in range(1000)]
    assert factors[0] < 0.06
    assert max(factors) == pytest.approx(1.0)
    assert int(np.argmax(factors)) == pytest.approx(recipe.WARM_UP * 1000, abs=1)
    assert factors[-1] < 0.002


def test_pictures_grow():
    sides = [recipe.side_at(epoch, ((2, 48), (1, 64))) for epoch in range(1, 6)]
    assert sides == [48, 48, 64, 64, 64]
    assert recipe.PHASES[-1][1] == recipe.SIZE


def test_a_second_shorter_cycle_follows_and_ends_at_almost_nothing():
    factors = [recipe.rate_at(step, 10, ((12, 1.0, 0.0), (4, 0.4, 0.4))) for step in range(200)]
    assert factors[119] < 0.01
    assert 0.3 < max(factors[120:]) <= 0.4
    assert factors[159] < 0.01
    assert max(factors[160:]) < 0.001
    assert sum(epochs for epochs, _, _ in recipe.CYCLES) == sum(epochs for epochs, _ in recipe.PHASES)


def test_rare_classes_weigh_more_and_the_mean_stays_one():
    labels = np.repeat(np.arange(3), [80, 15, 5])
    weight = recipe.class_weights(labels, 3, 0.5).numpy()
    assert weight[0] < weight[1] < weight[2]
    np.testing.assert_allclose(weight[labels].mean(), 1, atol=1e-6)
    np.testing.assert_allclose(weight[2] / weight[0], 4, atol=1e-5)
    np.testing.assert_allclose(recipe.class_weights(labels, 3, 0.0).numpy(), 1, atol=1e-6)


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (4000, 7))
    probability = recipe.softmax(logits, 1.0)
    labels = np.array([rng.choice(7, p=row / row.sum()) for row in probability])
    assert recipe.fit_temperature(logits * 3, labels) == pytest.approx(3.0, rel=0.1)


def test_a_whole_run_and_its_card(tmp_path):
    toy_corpus(tmp_path)
    card = recipe.train(tmp_path, tmp_path / "model", quick=True, threads=1)
    assert {m.name for m in card.metrics} >= {"accuracy", "macro-F1", "F1, disgust"}
    _, config = load_model(tmp_path / "model")
    assert config["quick"] is True
    assert config["best_epoch"] == 2  # only an epoch at full size may be kept
    assert "not for use" in (tmp_path / "model" / "CARD.md").read_text()
    again = recipe.evaluate(tmp_path / "model", tmp_path)
    assert again.metrics == card.metrics


def test_the_shipped_model_is_the_one_its_card_measured(face_model):
    card = json.loads((face_model / "card.json").read_text())
    _, config = load_model(face_model)
    assert card["sha256"] == config["sha256"]
    assert not config["quick"]
    assert tuple(config["classes"]) == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    found = {m["name"]: m for m in card["metrics"]}
    assert found["accuracy"]["value"] >= 0.55
    assert found["accuracy"]["n"] == 3589
    assert found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"]


def test_the_shipped_model_reads_faces_it_has_not_seen(face_model, shared):
    with np.load(shared / "data" / "face" / "fer2013.npz") as corpus:
        test = np.flatnonzero(corpus["usage"] == 1)
        pick = np.random.default_rng(0).choice(test, 400, replace=False)
        jpeg, offset = corpus["jpeg"], corpus["offset"]
        images = np.stack([cv2.imdecode(jpeg[offset[i] : offset[i + 1]], cv2.IMREAD_GRAYSCALE) for i in pick])
        labels = corpus["y"][pick].astype(np.int64)
    weights, config = load_model(face_model)
    net = FaceNet(FaceNetConfig.from_dict(config["net"]))
    net.load_state_dict(weights)
    guess = recipe.logits_of(net, Faces(images, labels), config["size"]).argmax(1)
    assert accuracy(labels, guess) > 0.5
