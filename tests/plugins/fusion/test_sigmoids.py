"""Calibration of single sigmoids by subset: of the MML and of the nets of Khare et al., on readings it was not fitted on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.errors import ModelError
from mien.evaluation.metrics import ece
from mien.training.card import save_model
from mien_plugins.fusion import khare_calibration, mml_calibration, sigmoids
from mien_plugins.fusion.bigru_net import BiGruConfig, BiGruNet
from mien_plugins.fusion.khare_model import Said, StreamModel
from mien_plugins.fusion.mml_net import MEMORY, Mml, MmlConfig, MmlNet
from mien_plugins.fusion.scaling import named, subsets

NAMES = ("text", "voice")
KINDS = [(True, True), (True, False), (False, True)]


def sigma(logit: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(logit, np.float64)))


def readings(rng: np.random.Generator, count: int, sure: float, leaning: float) -> tuple[Any, Any]:
    """Logits and answers of a net that is `sure` times as sure as it may be, and leans to yes."""
    honest = 1.5 * rng.normal(size=count)
    return sure * honest + leaning, rng.random(count) < sigma(honest)


def test_each_subset_gets_the_probability_of_its_own_readings() -> None:
    rng = np.random.default_rng(0)
    wrong = {"text + voice": (3.0, 1.0), "text": (0.5, -0.5), "voice": (1.5, 2.0)}
    config = sigmoids.calibrate({("zero", name): (*readings(rng, 3000, *how), 3000) for name, how in wrong.items()})
    scaling = sigmoids.read(json.loads(json.dumps(config)), NAMES)
    for kind, how in zip(KINDS, wrong.values(), strict=True):
        logit, yes = readings(rng, 4000, *how)
        said = sigmoids.probability(scaling, logit, np.tile(kind, (len(logit), 1)))
        assert ece(yes, said) < 0.04 < ece(yes, sigma(logit)) / 2, named(NAMES, kind)
    assert set(sigmoids.described(config, NAMES)) == set(wrong)
    assert sigmoids.described({}, NAMES) == {}


def test_what_was_never_calibrated_is_read_as_it_is() -> None:
    logit = np.array([-30.0, -1.0, 0.0, 2.5])
    said = sigmoids.probability(sigmoids.read({}, NAMES), logit, np.ones((4, 2), np.bool_))
    np.testing.assert_allclose(said, sigma(logit), atol=1e-6)
    np.testing.assert_allclose(sigmoids.log_odds(sigma(logit[1:])), logit[1:], atol=1e-6)


def test_a_handful_of_right_answers_makes_nothing_certain() -> None:
    logit, yes = np.array([-2.0, -1.5, 1.5, 2.0]), np.array([False, False, True, True])
    scaling = sigmoids.read(sigmoids.calibrate({("zero", "text"): (logit, yes, 4)}), NAMES)
    said = sigmoids.probability(scaling, logit, np.tile([True, False], (4, 1)))
    assert 0.5 < said[2] < said[3] < 0.9


def mml(folder: Path, sure: float, *, remembers: bool = False) -> tuple[Mml, Any, Any]:
    """A net of random weights in a folder, and embeddings for it."""
    torch.manual_seed(0)
    net = MmlNet(MmlConfig(4, 3, (32, 24, 16), 0.0))
    torch.nn.init.normal_(net.layers[-1].weight, std=sure)
    rng = np.random.default_rng(0)
    text, voice = rng.normal(size=(3000, 4)).astype("f4"), rng.normal(size=(3000, 3)).astype("f4")
    kept = {MEMORY + n: torch.from_numpy(x[:200]) for n, x in zip(NAMES, (text, voice), strict=True)}
    config = {"id": "fusion-mml", "net": net.config.to_dict(), "neighbours": 3 if remembers else 0}
    save_model(folder, net.state_dict() | (kept if remembers else {}), config)
    return Mml.load(folder), text, voice


@pytest.mark.parametrize("remembers", [False, True])
def test_the_mml_is_calibrated_for_what_is_there(tmp_path: Path, remembers: bool) -> None:
    """Which answers are right is drawn from a third of what the net says of both; of less it is surer still than it may be."""
    model, text, voice = mml(tmp_path, 1.5, remembers=remembers)
    whole = np.ones((3000, 2), np.bool_)
    yes = np.random.default_rng(1).random(3000) < sigma(model.logits(text, voice, whole) / 3)
    held, fresh = slice(0, 1500), slice(1500, None)
    before = (tmp_path / "model.safetensors").read_bytes()
    mml_calibration.calibrate(tmp_path, text[held], voice[held], whole[held], yes[held], 1500, "cpu")
    assert (tmp_path / "model.safetensors").read_bytes() == before
    calibrated = Mml.load(tmp_path)
    for kind in KINDS:
        there = np.tile(kind, (1500, 1))
        raw, said = (m.read(text[fresh], voice[fresh], there) for m in (model, calibrated))
        assert ece(yes[fresh], said) < 0.05 < ece(yes[fresh], raw), kind
        # How much it says is calibrated, not what: order stays.
        assert (np.diff(said[np.argsort(raw, kind="stable")]) >= 0).all()
    assert np.isnan(calibrated.read(text[:1], voice[:1], np.zeros((1, 2), np.bool_))[0])
    ways = json.loads((tmp_path / "config.json").read_text())["calibration"]
    assert set(ways) == ({"zero", "knn"} if remembers else {"zero"})


@pytest.mark.parametrize(
    "damaged", [3, {"zero": {"smell": {}}}, {"zero": {"text": {"temperature": 0, "bias": [0, 0]}}}]
)
def test_a_calibration_that_cannot_be_is_one_sentence(tmp_path: Path, damaged: Any) -> None:
    mml(tmp_path, 1.0)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"temperature": 1.0, "calibration": damaged}))
    with pytest.raises(ModelError, match="cannot be read") as caught:
        Mml.load(tmp_path)
    assert "\n" not in str(caught.value)


def streams(rng: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Stretches of audio, video and text; every fourth lacks its video, every fifth its text."""
    return [
        {
            name: rng.normal(size=(3, width)).astype("f4")
            for name, width, lacks in (("audio", 5, 0), ("video", 4, 4), ("text", 3, 5))
            if not lacks or number % lacks
        }
        for number in range(count)
    ]


def test_a_net_of_khare_is_calibrated_for_each_label_and_what_is_there(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = BiGruNet(BiGruConfig(5, 4, 3, width=8, layers=1, dense=8, outputs=2))
    torch.nn.init.normal_(net.head.weight, std=4.0)
    config = {"id": "fusion-bigru", "kind": "bigru", "net": net.config.to_dict(), "labels": ["angry", "calm"]}
    save_model(tmp_path, net.state_dict(), config | {"weight": [4.0, 0.25], "neighbours": 0})
    rng, model = np.random.default_rng(0), StreamModel.load(tmp_path)
    samples = streams(rng, 1600)
    raw = model.read(samples)
    # The weights taken back, the one label is three times as sure as it may be, the other twice and leans to no.
    right = model.log_odds(raw.probability) / [3.0, 2.0] + [0.0, 1.5]
    truth = (rng.random(right.shape) < sigma(right)).astype(float)
    held, fresh = slice(0, 800), slice(800, None)
    khare_calibration.calibrate(tmp_path, samples[held], truth[held], "cpu")
    calibrated = StreamModel.load(tmp_path)
    plain, said = model.calibrated(raw).probability[fresh], calibrated.calibrated(raw).probability[fresh]
    for k in range(2):
        assert ece(truth[fresh, k], said[:, k]) < 0.06 < ece(truth[fresh, k], plain[:, k]), k
    kept = json.loads((tmp_path / "config.json").read_text())["calibration"]
    every = {named(("audio", "video", "text"), kind) for kind in subsets(3)}
    assert {label: set(of["calibration"]["zero"]) for label, of in kept.items()} == {"angry": every, "calm": every}
    angry = kept["angry"]["calibration"]["zero"]
    assert angry["audio + video + text"]["temperature"] == pytest.approx(3.0, rel=0.3)
    video, of = raw.present[:, 1], angry["video"]
    odds = model.log_odds(raw.alone[video, 1])[:, 0]
    wanted = sigma(odds / of["temperature"] + of["bias"][1] - of["bias"][0])
    np.testing.assert_allclose(calibrated.calibrated(raw).alone[video, 1, 0], wanted, atol=1e-5)


def test_a_row_tells_of_each_subset_that_it_has() -> None:
    """Of all three by what is left, of what it has by all of it."""
    present = np.array([[True, True, True], [True, False, True], [False, True, False]])
    said = Said(
        np.full((3, 1), 0.5), np.tile([[[0.1], [0.2], [0.3]]], (3, 1, 1)), np.tile([[[0.6], [0.7], [0.8]]], (3, 1, 1)), present
    )  # fmt: skip
    found = {named("avt", kind): khare_calibration.by_subset(said, kind)[:, 0].tolist() for kind in subsets(3)}
    assert found["a + v + t"][0] == 0.5
    assert found["a + t"][:2] == [0.2, 0.5]
    assert [found["a + v"][0], found["v + t"][0]] == [0.3, 0.1]
    assert found["a"][:2] == [0.6, 0.6]
    assert found["v"] == [0.7, 0.7, 0.5]
