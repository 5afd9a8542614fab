"""The recipe on a tiny corpus of buzzes: trains, resumes, measures and writes a card."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.engine.registry import Registry
from mien.training import job
from mien_plugins.conflict import recipe
from mien_plugins.conflict.calibrate import platt, probability
from mien_plugins.conflict.measure import measure
from mien_plugins.conflict.model import load_net
from mien_plugins.conflict.recipe import FULL, QUICK, TRAIN, Phase, Plan, Simulated, schedule_of, train
from mien_plugins.conflict.takes import load_voices

RATE = 8_000
TINY = Plan(
    phases=(Phase(3.0, 3, 1), Phase(4.0, 2, 1)), validate_every=1, valid_clips=2, calibration_clips=4, alone_clips=2
)
OPTIONS = {"threads": 1, "progress": False}


@pytest.fixture(scope="module")
def corpus(takes) -> Path:
    """Calm, neutral and angry buzzes of each speaker of the split."""
    return takes


def test_trains_resumes_and_writes_a_card(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "evaluate", lambda model, data, device: measure(model, data, device, 3, 2, 2))
    out = tmp_path / "model"
    train(corpus, out, plan=replace(TINY, phases=TINY.phases[:1]), **OPTIONS)
    log = out / "work" / "log.jsonl"
    assert len(log.read_text().splitlines()) == 1
    card = train(corpus, out, plan=TINY, schedule="thesis", **OPTIONS)  # goes on where it stopped
    assert [json.loads(line)["epoch"] for line in log.read_text().splitlines()] == [1, 2]
    config = json.loads((out / "config.json").read_text())
    assert config["rate"] == 8_000
    assert config["hostility"]["channels"] == config["conflict"]["channels"] == ["conflict"]
    assert card == measure(out, corpus, clips=3, single=2, recordings=2)
    assert card.command.endswith("--out resources/models/conflictnet --set schedule=thesis")
    assert (out / "reliability.svg").read_text() == card.plots[0].svg
    assert {m.subset for m in card.metrics} >= {
        *("test", "test, emodb (German)", "one speaker alone, ravdess (English)"),
        *(f"recordings of one speaker {how}, emodb (German)" for how in ("as they are", "end to end")),
        *(f"{what} {who}" for what in ("test, conversations among", "one speaker alone,") for who in ("women", "men")),
    }
    errors = [m.subset for m in card.metrics if m.name == "ECE of P(intensity > 0.5)"]
    assert errors[0] == "test"
    assert len(errors) == 5
    assert card.parameters == 421_314
    page = (out / "CARD.md").read_text().splitlines()
    assert page[2].startswith("Trained on simulated conversations, not on people in conflict.")
    with torch.inference_mode():
        assert load_net(out)(torch.randn(1, 24_000)).isfinite().all()


def test_the_quick_form(corpus, tmp_path, monkeypatch):
    """What `mien train conflictnet --quick` does, with its own plan scaled down; the full one is not there to be taken."""
    assert QUICK.updates < FULL.updates / 4
    small = replace(QUICK, phases=tuple(replace(p, seconds=p.seconds / 4, batch=2, updates=1) for p in QUICK.phases),
        validate_every=1, valid_clips=2, calibration_clips=2, alone_clips=2)  # fmt: skip
    monkeypatch.setattr(recipe, "QUICK", small)
    monkeypatch.setattr(recipe, "FULL", None)
    monkeypatch.setattr(recipe, "evaluate", lambda model, data, device: measure(model, data, device, 2, 2, 1))
    wanted = job.Job(corpus, tmp_path / "model", quick=True, device="cpu", threads=1, progress=False)
    card = job.train(Registry.load().recipe("conflictnet"), wanted)
    assert card.command.endswith("--out resources/models/conflictnet --quick")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert (config["quick"], config["updates"]) == (True, small.updates)
    assert len((tmp_path / "model" / "work" / "log.jsonl").read_text().splitlines()) == small.updates
    with torch.inference_mode():
        assert load_net(tmp_path / "model")(torch.randn(1, 24_000)).isfinite().all()


def test_every_update_has_its_own_clips(corpus):
    voices = load_voices(corpus, TRAIN[:3])
    data = Simulated(voices, replace(TINY, validate_every=2), seed=0)
    one, again, next_one = data[0], data[0], data[1]
    assert torch.equal(one.x, again.x)
    assert one.x.shape == (3, 3 * RATE)
    assert next_one.x.shape == (2, 4 * RATE)
    data.epoch = 1
    assert not torch.equal(data[0].x[0, : 3 * RATE], one.x[0])
    with pytest.raises(IndexError):
        data[2]


def test_learning_rates():
    thesis = schedule_of(replace(QUICK, schedule="thesis"))
    rates = [0.01 * thesis(n) for n in (0, 25, 50, 250, 1000)]
    np.testing.assert_allclose(rates, [0.01, 6.25e-4, 3.2e-4, 6.6e-5, 1.7e-5], rtol=0.03)
    factor = schedule_of(QUICK)
    values = [factor(n) for n in range(QUICK.updates + 1)]
    assert max(values) == pytest.approx(1.0, abs=0.01)
    assert values[0] < 0.1
    assert values[-1] < 0.01


def test_probability_curve_follows_the_data():
    rng = np.random.default_rng(0)
    score = rng.uniform(-1, 1, 4000)
    positive = rng.random(4000) < 1 / (1 + np.exp(-(3 * score - 0.5)))
    slope, offset = platt(score, positive)
    assert slope == pytest.approx(3, abs=0.35)
    assert offset == pytest.approx(-0.5, abs=0.2)
    curve = {"coef": [slope], "intercept": offset}
    p = probability(np.array([-5.0, -1.0, 0.0, 1.0]), curve)
    assert p[0] == p[1] < p[2] < p[3]  # readings beyond the scale count as its ends
