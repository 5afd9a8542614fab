"""The recipe: its schedule, its calibration, whole and stopped runs on a toy corpus, and the model that it shipped."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mien.engine.registry import Registry
from mien.evaluation.metrics import accuracy
from mien.training import job
from mien.training.card import load_model
from mien_plugins.face import measure, recipe
from mien_plugins.face.data import SIDE, Faces
from mien_plugins.face.learn import learn
from mien_plugins.face.net import FaceNet
from mien_plugins.face.plan import FULL, QUICK, SIDE_READ, Plan, at_side
from mien_plugins.face.reader import ExpressionReader


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
    (folder / "face").mkdir()
    np.savez(
        folder / "face" / "fer2013.npz",
        jpeg=np.concatenate(jpegs),
        offset=np.cumsum([0, *(len(j) for j in jpegs)]),
        y=labels.astype(np.uint8),
        usage=(np.arange(count) >= count - 35).astype(np.uint8),
        classes=np.array(["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]),
    )


TOY = Plan(phases=((1, 32), (1, SIDE_READ)), fall=1, warm_up=2, faces=70, views=((0, 1.0), (1, 1.1)))


def test_the_rate_rises_stays_and_falls_to_nothing():
    plan = Plan(phases=((6, 32), (4, 48)), fall=4, warm_up=50)
    factors = [plan.rate_at(step, 100) for step in range(1000)]
    assert factors[0] < 0.03
    assert factors[49:600] == [1.0] * 551
    assert factors[800] == pytest.approx(0.5)
    assert 0 < factors[999] < 0.003


def test_a_longer_plan_begins_like_a_shorter_one():
    short, long = (Plan(phases=((n, 32), (4, 48)), fall=4) for n in (3, 30))
    assert [short.rate_at(step, 100) for step in range(300)] == [long.rate_at(step, 100) for step in range(300)]


@pytest.mark.parametrize("plan", [FULL, QUICK], ids=["full", "quick"])
def test_pictures_grow_and_the_rate_falls_on_pictures_of_full_size(plan):
    sides = [plan.side_at(epoch) for epoch in range(1, plan.epochs + 3)]
    assert sides == sorted(sides)
    assert sides[-1] == plan.side == SIDE_READ
    assert plan.fall <= plan.phases[-1][0] < plan.epochs


def test_the_quick_form_costs_a_part_of_the_full_one():
    assert QUICK.epochs <= FULL.epochs / 2


def test_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (4000, 7))
    probability = measure.softmax(logits, 1.0)
    labels = np.array([rng.choice(7, p=row / row.sum()) for row in probability])
    assert measure.fit_temperature(logits * 3, labels) == pytest.approx(3.0, rel=0.1)


def test_a_whole_run_and_its_card(tmp_path):
    toy_corpus(tmp_path)
    card = recipe.train(tmp_path, tmp_path / "model", quick=True, threads=1, plan=TOY, progress=False)
    assert {m.name for m in card.metrics} >= {"accuracy", "macro-F1", "expected calibration error", "F1, disgust"}
    assert card.command == "mien train face-affect --data ../shared/data --out resources/models/face-affect --quick"
    _, config = load_model(tmp_path / "model")
    assert config["quick"] is True
    assert config["size"] == SIDE_READ
    assert (config["nets"], card.seeds) == (2, (0, 1))
    assert config["best_epochs"] == [2, 2]  # only an epoch at full size may be kept
    written = (tmp_path / "model" / "CARD.md").read_text()
    assert "quick form" in written
    assert "reliability.svg" in written
    assert (tmp_path / "model" / "reliability.svg").read_text().startswith("<svg")
    before = sorted(tmp_path.rglob("*"))
    again = recipe.evaluate(tmp_path / "model", tmp_path)
    assert again.metrics == card.metrics
    assert sorted(tmp_path.rglob("*")) == before  # measuring writes nothing


def test_the_quick_form(tmp_path, monkeypatch):
    """What `mien train face-affect --quick` does, with its own plan scaled down; the full one is not there to be taken."""
    toy_corpus(tmp_path, 105)
    small = replace(QUICK, phases=tuple((1, side) for _, side in QUICK.phases), fall=1, warm_up=2, faces=42)
    monkeypatch.setattr(recipe, "QUICK", small)
    monkeypatch.setattr(recipe, "FULL", None)
    wanted = job.Job(tmp_path, tmp_path / "model", quick=True, device="cpu", threads=1, progress=False)
    card = job.train(Registry.load().recipe("face-affect"), wanted)
    assert card.command.endswith("--out resources/models/face-affect --quick")
    _, config = load_model(tmp_path / "model")
    assert (config["quick"], config["epochs"], config["plan"]["faces"]) == (True, small.epochs, 42)
    assert "quick form" in (tmp_path / "model" / "CARD.md").read_text()


def test_a_published_net_on_larger_pictures(tmp_path, monkeypatch):
    """HRNet-W18 on pictures of 96 pixels, as SEEDS §11.4 has the visual net; it is read like any other."""
    toy_corpus(tmp_path, 105)
    small = replace(QUICK, phases=((1, 32), (1, 48)), fall=1, warm_up=2, faces=28, views=((0, 1.0),))
    monkeypatch.setattr(recipe, "QUICK", small)
    wanted = job.Job(
        tmp_path, tmp_path / "model", quick=True, device="cpu", threads=1, progress=False,
        options={"hrnet": "w18", "side": 96},
    )  # fmt: skip
    card = job.train(Registry.load().recipe("face-affect"), wanted)
    assert card.command.endswith("--quick --set hrnet=w18 --set side=96")
    assert card.title.startswith("Facial expression (HRNet-W18")
    weights, config = load_model(tmp_path / "model")
    assert (config["size"], config["plan"]["phases"]) == (96, [[1, 64], [1, 96]])
    backbone = [name for name in weights if name.startswith("nets.0.backbone.")]
    counted = sum(weights[name].numel() for name in backbone if "running" not in name and "batches" not in name)
    assert counted == 2_760_024
    reader = ExpressionReader.load(tmp_path / "model")
    read = reader.read(np.zeros((2, 96, 96, 3), np.uint8))
    assert np.allclose(read.probability.sum(1), 1.0, atol=1e-5)


@pytest.mark.parametrize("side", [48, 64, 96, 128, 224])
def test_sides_suit_the_coarsest_branch(side):
    for plan in (FULL, QUICK):
        sides = [seen for _, seen in at_side(plan, side).phases]
        assert sides == sorted(sides)
        assert sides[-1] == side
        assert not any(seen % 16 for seen in sides)
    assert at_side(FULL, SIDE_READ) == FULL


def test_a_training_that_was_stopped_ends_as_if_it_had_not_been(tmp_path, stopped_after_an_epoch):
    toy_corpus(tmp_path)
    parts = measure.corpus(tmp_path)

    def run(work: str) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        brain = learn(FaceNet(), parts.train, parts.valid, TOY, tmp_path / work, threads=1, progress=False)
        return brain.best_state("net")

    whole = run("whole")
    with stopped_after_an_epoch():
        run("stopped")
    lines = (tmp_path / "stopped" / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1]
    resumed = run("stopped")
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, msg=name)


def test_the_shipped_model_is_the_one_its_card_measured(face_model):
    card = json.loads((face_model / "card.json").read_text())
    _, config = load_model(face_model)
    assert card["sha256"] == config["sha256"]
    assert not config["quick"]
    assert tuple(config["classes"]) == ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
    found = {m["name"]: m for m in card["metrics"] if m["subset"] == "PublicTest"}
    assert found["accuracy"]["value"] >= 0.66
    assert found["accuracy"]["n"] == 3589
    assert found["expected calibration error"]["value"] <= 0.05
    assert found["accuracy"]["low"] <= found["accuracy"]["value"] <= found["accuracy"]["high"]


def test_the_shipped_model_does_on_a_sample_what_its_card_says(face_model, shared):
    """The same faces as the card's row 'PublicTest, sample', read anew."""
    card = json.loads((face_model / "card.json").read_text())
    claimed = next(m for m in card["metrics"] if m["subset"] == "PublicTest, sample")
    with np.load(shared / "data" / "face" / "fer2013.npz") as corpus:
        test = np.flatnonzero(corpus["usage"] == 1)
        jpeg, offset, labels = corpus["jpeg"], corpus["offset"], corpus["y"].astype(np.int64)
    pick = test[measure.sample_order(len(test))]
    images = np.stack([cv2.imdecode(jpeg[offset[i] : offset[i + 1]], cv2.IMREAD_GRAYSCALE) for i in pick])
    ensemble, config = measure.load_ensemble(face_model)
    guess = measure.logits_of(ensemble, Faces(images, labels[pick]), config["size"]).argmax(1)
    assert claimed["n"] == len(pick)
    # Another processor may add in another order: one face in a hundred may fall to the other side.
    assert accuracy(labels[pick], guess) == pytest.approx(claimed["value"], abs=0.01)
