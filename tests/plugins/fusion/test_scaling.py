"""Calibration by subset of modalities: what is fitted lowers the error of each, and each moment gets that of what is there."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import torch

from mien.evaluation.metrics import ece
from mien.models import store
from mien.training.card import load_model
from mien_plugins.face.measure import fit_temperature
from mien_plugins.fusion.attention import build
from mien_plugins.fusion.measure import ECE_HOSTILE
from mien_plugins.fusion.scaling import Scaling, SubsetScaling, described, fit, named, subsets, to_config

NAMES = ("text", "voice", "face")
SUBSETS = [named(NAMES, kind) for kind in subsets(3)]
SCORE = (0, 1)


def softmax(logits: Any) -> Any:
    return torch.from_numpy(np.asarray(logits, np.float64)).softmax(-1).numpy()


def readings(rng: np.random.Generator, count: int, sure: float, leaning: float) -> tuple[Any, Any]:
    """Logits (count, 5) and labels, of a net that is `sure` times as sure as it may be and leans to the first two classes."""
    honest = 1.5 * rng.normal(size=(count, 5))
    label = (softmax(honest).cumsum(1) > rng.random((count, 1))).argmax(1)
    return sure * honest + leaning * np.isin(np.arange(5), SCORE), label


def error(logits: Any, label: Any, of: Scaling) -> float:
    said = softmax(logits / of.temperature + np.array(of.bias or [0.0] * 5))
    return ece(np.isin(label, SCORE).astype(int), said[:, SCORE].sum(1).clip(0, 1))


def test_each_subsets_own_scaling_has_a_smaller_error_on_readings_it_was_not_fitted_on() -> None:
    rng = np.random.default_rng(0)
    wrong = {"text": (0.6, 0.6), "voice": (1.8, -0.6), "text + face": (1.2, 0.4)}
    seen = {name: readings(rng, 3000, *how) for name, how in wrong.items()}
    common = fit_temperature(
        np.concatenate([z for z, _ in seen.values()]), np.concatenate([y for _, y in seen.values()])
    )
    for name, how in wrong.items():
        own = fit(*seen[name], SCORE, count=3000, common=common)
        assert own.temperature == pytest.approx(how[0], rel=0.2)  # the prior draws it towards the common one
        fresh = readings(rng, 4000, *how)
        assert error(*fresh, own) < 0.03, name
        assert error(*fresh, own) < error(*fresh, Scaling(common)) / 2, name


def test_few_samples_hardly_move_the_common_temperature() -> None:
    z, y = readings(np.random.default_rng(1), 1500, 3.0, -1.0)
    moved = [abs(np.log(fit(z, y, SCORE, count=count, common=1.0).temperature)) for count in (2, 20, 2000)]
    assert moved[0] < 0.1 < moved[1] < moved[2]
    plain = fit(z, y, (), count=1500, common=1.0)  # no class has to do with the score
    assert plain.temperature == pytest.approx(3, rel=0.2)


def test_each_moment_gets_the_scaling_of_what_is_there() -> None:
    own = {
        "zero": {name: Scaling(1 + n, tuple(float(n == c) for c in range(5))) for n, name in enumerate(SUBSETS)},
        "knn": {"voice": Scaling(9.0, (0.5,) * 5)},
    }
    scaling = SubsetScaling.read(to_config(2.5, own), NAMES, 5)
    rng = np.random.default_rng(2)
    logits, kinds = torch.from_numpy(rng.normal(size=(2, 7, 5))), torch.from_numpy(subsets(3))
    said = scaling(logits, kinds[None])
    filled = scaling(logits, kinds[None], True)
    for n, name in enumerate(SUBSETS):
        wanted = softmax(logits[:, n].numpy() / (1 + n) + np.array(own["zero"][name].bias))
        np.testing.assert_allclose(said[:, n], wanted, atol=1e-6)
        imputed = softmax(logits[:, n].numpy() / 9) if name == "voice" else wanted
        np.testing.assert_allclose(filled[:, n], imputed, atol=1e-6)
    assert not scaling.state_dict()  # it is the configuration's, not one of the weights


@pytest.mark.parametrize(
    ("config", "temperature"),
    [({}, 1.0), ({"temperature": 2.5}, 2.5), (to_config(2.5, {"zero": {"face": Scaling(4.0, (0.0,) * 5)}}), 2.5)],
)
def test_a_subset_without_its_own_gets_the_common_temperature(config: dict[str, Any], temperature: float) -> None:
    logits = torch.tensor([[[1.0, 0.0, -1.0, 2.0, 0.5]]])
    there = torch.tensor([[[True, True, False]]])
    for imputed in (False, True):
        said = SubsetScaling.read(config, NAMES, 5)(logits, there, imputed)
        np.testing.assert_allclose(said, softmax(logits.numpy() / temperature), atol=1e-6)


@pytest.mark.parametrize(
    "own",
    [
        {"zero": {"smell": asdict(Scaling(1.0, (0.0,) * 5))}},
        {"median": {}},
        {"zero": {"text": {"temperature": 1.0, "bias": [0.0] * 4}}},
        {"zero": {"text": {"temperature": -1.0, "bias": []}}},
        {"zero": {"text": {"temperature": 1.0, "bias": [float("nan")] * 5}}},
        {"zero": {"text": {}}},
        {"zero": 3},
    ],
)
def test_what_cannot_be_is_refused(own: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        SubsetScaling.read({"temperature": 1.0, "calibration": own}, NAMES, 5)


def test_a_card_says_how_each_subset_was_calibrated() -> None:
    about = {"net": {"modalities": NAMES}, "classes": ["a", "b"]}
    one = {"zero": {"voice": Scaling(1.25, (0.5, -0.5))}, "knn": {"text": Scaling(2.0, (0.0, 0.25))}}
    lines = described(about | to_config(1.5, one), "rows")
    assert lines["voice"] == "temperature 1.250; a +0.50, b -0.50"
    assert lines["text, the others imputed"] == "temperature 2.000; a +0.00, b +0.25"
    assert "all subsets together" in described(about | {"temperature": 1.5}, "rows")["method"]
    assert described(about, "rows") == {}


@pytest.mark.parametrize(
    "strategy", ["concat", "self", "residual", "hierarchical", "crossmodal", "intra", "cross", "intra-cross"]
)
def test_what_ships_is_calibrated_for_every_subset_and_says_so(strategy: str) -> None:
    folder = store.resolve(f"fusion-{strategy}")
    weights, config = load_model(folder)
    assert set(config["calibration"]["zero"]) == set(SUBSETS)
    assert set(config["calibration"]["knn"]) == set(SUBSETS[1:])
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert {name: card["calibration"][name] for name in SUBSETS} == {
        name: text for name, text in described(config, "sequences of all held-out folds").items() if name in SUBSETS
    }
    told = [m["subset"] for m in card["metrics"] if m["name"] == ECE_HOSTILE and m["note"] == "15 bins"]
    assert told == [f"held-out sequences, cross-fitted: {name}" for name in SUBSETS]
    said = {}
    for subset in ("own", "common"):
        net = build(config if subset == "own" else {k: v for k, v in config.items() if k != "calibration"}).eval()
        net.load_state_dict({name: value.float() for name, value in weights.items() if not name.startswith("bank.")})
        torch.manual_seed(0)
        x = [torch.randn(1, net.context + 1, width) for width in net.widths]
        encoded = net.encode(x, torch.ones(1, net.context + 1, 3, dtype=torch.bool))
        said[subset] = net.decode(encoded, torch.from_numpy(subsets(3))[:, None])
    logits, own = said["own"].logits, config["calibration"]["zero"]
    assert logits is not None
    for n, name in enumerate(SUBSETS):
        wanted = (logits[n, 0] / own[name]["temperature"] + torch.tensor(own[name]["bias"])).softmax(-1)
        torch.testing.assert_close(said["own"].score[n, 0], wanted[:2].sum())
    assert ((said["own"].score - said["common"].score).abs() > 1e-3).any()
