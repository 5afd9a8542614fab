"""Alignment, verdicts and the built-in fusions: an absent modality is never a number."""

from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.engine.align import Grid, align
from mien.engine.backend import Backend
from mien.engine.context import RunContext
from mien.engine.verdicts import find_verdicts
from mien.errors import PluginError
from mien.sdk import Fused, FusedCurve, FusionParams
from mien.tracks import AROUSAL, CONFLICT, DOMINANCE, EXPRESSION_QUANTITIES, VALENCE, Curve, Spans


def test_a_grid_has_readings_only_where_a_track_has_them() -> None:
    curve = Curve("c", [1.0, 2.0, 3.0, 8.0, 9.0], [[0.0], [1.0], [2.0], [5.0], [6.0]], (AROUSAL,))
    spans = Spans.of("s", [(0.0, 1.0, "", "", 0.2), (0.5, 2.0, "", "", 0.8), (4.0, 4.01, "", "", 0.9)])
    grid = align({"c": curve, "s": spans}, {"c": "voice", "s": "text"}, {"c": 0.5}, 10.0, 0.25)
    assert grid.times.size == 40
    t, mask, values = grid.times, grid.mask["c"], grid.values["c"][:, 0]
    assert mask[(t > 1) & (t < 3)].all()
    assert values[(t > 1) & (t < 3)] == pytest.approx(t[(t > 1) & (t < 3)] - 1)
    assert not mask[(t > 3.6) & (t < 7.4)].any()
    assert not mask[t < 0.4].any()
    assert mask[(t > 0.5) & (t < 1)].all()
    said = grid.values["s"][:, 0]
    assert said[(t > 0.5) & (t < 1)] == pytest.approx(0.8)
    assert grid.mask["s"].sum() == 9
    assert (grid.values["c"][~mask] == 0).all()


def test_several_persons_count_as_their_mean() -> None:
    curve = Curve("c", [0.0, 0.0, 1.0, 1.0], [[0.0], [1.0], [0.2], [0.4]], (AROUSAL,), person=[1, 2, 1, 2])
    grid = align({"c": curve}, {}, {}, 2.0, 1.0)
    assert grid.values["c"][0, 0] == pytest.approx(0.4)


def fused(score: list[float]) -> Fused:
    values = np.array(score, np.float32)
    weights = np.where(np.isnan(values), 0, 1)[:, None].astype(np.float32)
    return Fused(values, weights, ("text",), values[:, None])


def test_verdicts_have_hysteresis_minimum_length_and_reasons() -> None:
    params = FusionParams(hop=1.0, threshold=0.7, hysteresis=0.1, min_length=2.0, merge_gap=0.5)
    nan = float("nan")
    score = [0.1, 0.8, 0.65, 0.75, 0.5, 0.9, 0.2, nan, 0.95, 0.95, nan, 0.72, 0.72]
    times = np.arange(len(score)) + 0.5
    found = find_verdicts(times, fused(score), params, 12.5)
    assert list(zip(found.start.tolist(), found.end.tolist(), strict=True)) == [(1.0, 4.0), (8.0, 10.0)]
    assert found.score[1] == pytest.approx(0.95)
    assert found.text[1] == "text 0.95 (weight 100 %)"
    joined = find_verdicts(times, fused(score), params.model_copy(update={"merge_gap": 1.5}), 12.5)
    assert (1.0, 6.0) in list(zip(joined.start.tolist(), joined.end.tolist(), strict=True))
    with pytest.raises(ValueError, match="hysteresis must not be larger"):
        FusionParams(threshold=0.1, hysteresis=0.2)


@pytest.mark.parametrize("name", ["late", "majority"])
def test_a_verdict_begins_at_0_7_unless_told_otherwise(name: str) -> None:
    from mien.engine.registry import Registry

    params = Registry.load().fusion(name).params()
    assert isinstance(params, FusionParams)
    assert (params.threshold, params.hysteresis, params.min_length) == (0.7, 0.1, 0.5)
    score = [0.1] * 4 + [0.69] * 4 + [0.1] * 4 + [0.7] * 4 + [0.61] * 4 + [0.59] * 4 + [0.9] + [0.1] * 3
    times = (np.arange(len(score)) + 0.5) * params.hop
    found = find_verdicts(times, fused(score), params, len(score) * params.hop)
    # 0.69 is none, 0.61 goes on with what 0.7 began, and a quarter of a second at 0.9 is too short.
    assert list(zip(found.start.tolist(), found.end.tolist(), strict=True)) == [(3.0, 5.0)]


LOGISTIC = {
    "emotion-mtl": (["valence", "arousal", "dominance"], [-2.0, 3.0, 0.5], -1.0),
    "conflictnet": (["conflict"], [5.0], 0.0),
}


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunContext:
    """A context whose models hold calibrations made up for the test."""
    for name, (channels, coef, intercept) in LOGISTIC.items():
        folder = tmp_path / name
        folder.mkdir()
        said = {"channels": channels, "coef": coef, "intercept": intercept}
        (folder / "config.json").write_text(json.dumps({"hostility": said}))
    monkeypatch.setattr("mien.models.store.resolve", lambda model: tmp_path / model)
    backend = Backend("cpu", "float32", "CPU", 1)
    return RunContext("fusion", backend, threading.Event(), models=tuple(LOGISTIC))


def readings() -> dict[str, Any]:
    times = np.arange(0.5, 10, 1.0)
    face = np.full((10, 7), 0.02, np.float32)
    face[:, 0] = 0.88
    return {
        "text.offence": Spans.of("text.offence", [(0, 10, "offensive", "…", 0.9)]),
        "emotion.attributes": Curve(
            "emotion.attributes", times, np.tile([[-0.5, 0.8, 0.3]], (10, 1)), (VALENCE, AROUSAL, DOMINANCE)
        ),
        "face.expression": Curve("face.expression", times, face, EXPRESSION_QUANTITIES, person=np.zeros(10)),
        "conflict.intensity": Curve("conflict.intensity", times, np.full((10, 1), -0.6), (CONFLICT,)),
    }


MODALITY = {
    "text.offence": "text",
    "emotion.attributes": "voice",
    "face.expression": "face",
    "conflict.intensity": "conflict",
}


@pytest.mark.parametrize("subset", [c for n in range(5) for c in itertools.combinations(MODALITY, n)], ids=str)
def test_any_subset_of_modalities_gives_a_whole_reading(context: RunContext, subset: tuple[str, ...]) -> None:
    from mien_plugins.fusion.info import LateParams, MajorityParams
    from mien_plugins.fusion.late import LateFusion
    from mien_plugins.fusion.majority import MajorityFusion

    tracks = {name: track for name, track in readings().items() if name in subset}
    grid = align(tracks, MODALITY, {}, 10.0, 0.5)
    sigma = lambda z: 1 / (1 + np.exp(-z))  # noqa: E731
    said = {
        "text": 0.9,
        "voice": sigma(-1.0 - 2 * -0.5 + 3 * 0.8 + 0.5 * 0.3),
        "face": 0.88 + 0.02,
        "conflict": sigma(5 * -0.6),
    }
    weight = {"text": 0.4, "voice": 0.2, "face": 0.1, "conflict": 0.3}
    here = [MODALITY[name] for name in subset]

    late = LateFusion()
    late.prepare(tuple(tracks), LateParams(), context)
    result = late.fuse(grid)
    majority = MajorityFusion()
    majority.prepare(tuple(tracks), MajorityParams(), context)
    vote = majority.fuse(grid)
    if not subset:
        assert np.isnan(result.score).all()
        assert np.isnan(vote.score).all()
        return
    for one in (result, vote):
        assert "not a probability" in one.quantity.about
    expected = sum(weight[m] * said[m] for m in here) / sum(weight[m] for m in here)
    assert set(result.modalities) == set(here)
    assert result.score == pytest.approx(expected, abs=1e-5)
    assert result.weights.sum(1) == pytest.approx(1)
    votes = sum(said[m] >= 0.5 for m in here)
    assert (vote.score == float(2 * votes > len(here))).all()
    assert vote.weights.sum(1) == pytest.approx(1)


def test_a_modality_that_comes_and_goes_leaves_no_zero_behind(context: RunContext) -> None:
    from mien_plugins.fusion.info import LateParams
    from mien_plugins.fusion.late import LateFusion

    tracks = readings()
    tracks["text.offence"] = Spans.of("text.offence", [(0, 4, "offensive", "…", 0.9)])
    tracks["emotion.attributes"] = tracks["emotion.attributes"].slice(6, 11)
    chosen = {name: tracks[name] for name in ("text.offence", "emotion.attributes")}
    late = LateFusion()
    late.prepare(tuple(chosen), LateParams(), context)
    result = late.fuse(align(chosen, MODALITY, {}, 10.0, 1.0))
    assert np.isnan(result.score).tolist() == [False] * 4 + [True] * 2 + [False] * 4
    assert result.score[:4] == pytest.approx(0.9)
    assert result.weights[4:6].sum() == 0
    assert result.score[6:].min() > 0.5


def host(monkeypatch: pytest.MonkeyPatch, fusion: Any, context: RunContext, seconds: float = 10.0) -> dict[str, Any]:
    """What the host makes of what a fusion says of one loudness track."""
    from mien.engine import fuse
    from mien.sdk import FusionInfo

    monkeypatch.setattr(fuse, "create", lambda factory: fusion)
    info = FusionInfo(id="fusion.f", title="F", version="1", factory="a.b:C", params=FusionParams, accepts=("c",))
    node = type("Node", (), {"info": type("Info", (), {"modality": "voice"}), "inputs": ()})
    plan = fuse.FusionPlan(info, FusionParams(hop=1.0), {"c": node}, {}, "key")
    times = np.arange(0.5, seconds, 1.0)
    track = Curve("c", times, (times % 2 / 2)[:, None], (AROUSAL,))
    return {t.name: t for t in fuse.fuse(plan, {"c": track}, seconds, context)}


class Says:
    """A fusion that hands through; counts its stretches, and goes on from the last one."""

    def __init__(self, *curves: Any) -> None:
        self.curves, self.seen, self.steps = curves, 0, []

    def prepare(self, tracks: Any, params: Any, ctx: Any) -> None:
        pass

    def fuse(self, grid: Any) -> Fused:
        self.steps.append(grid.times.size)
        score = np.where(grid.mask["c"], grid.values["c"][:, 0], np.nan).astype(np.float32)
        at = self.seen + np.arange(grid.times.size)
        self.seen += grid.times.size
        curves = tuple(FusedCurve(name, make(at), q) for name, make, q in self.curves)
        weights = np.where(np.isnan(score), 0, 1)[:, None].astype(np.float32)
        return Fused(score, weights, ("voice",), score[:, None], curves=curves)


def test_a_long_medium_is_fused_in_stretches_with_further_curves(
    monkeypatch: pytest.MonkeyPatch, context: RunContext
) -> None:
    monkeypatch.setattr("mien.engine.fuse.STRETCH", 4)
    fusion = Says(("affect", lambda at: (at / 100)[:, None].astype(np.float32), (AROUSAL,)))
    found = host(monkeypatch, fusion, context)
    assert fusion.steps == [4, 4, 2]
    assert found["fusion.affect"].values[:, 0] == pytest.approx(np.arange(10) / 100)
    assert found["fusion.affect"].times.tolist() == found["fusion.score"].times.tolist()
    assert found["fusion.score"].values[:, 0] == pytest.approx(np.arange(0.5, 10, 1.0) % 2 / 2)


def test_a_stretch_is_that_part_of_the_whole_grid() -> None:
    tracks = readings()
    tracks["text.offence"] = Spans.of("text.offence", [(0.3, 4, "", "", 0.9), (6.01, 6.02, "", "", 0.4)])
    grid = Grid(tracks, MODALITY, {"conflict.intensity": 1.0}, 10.0, 0.25)
    whole, parts = grid.stretch(0, 40), [grid.stretch(i, i + 7) for i in range(0, 40, 7)]
    for name in tracks:
        np.testing.assert_array_equal(np.concatenate([p.values[name] for p in parts]), whole.values[name])
        np.testing.assert_array_equal(np.concatenate([p.mask[name] for p in parts]), whole.mask[name])


@pytest.mark.parametrize(
    ("curve", "says"),
    [
        (("score", lambda at: np.zeros((at.size, 1)), (AROUSAL,)), "names that cannot be stored"),
        (("Affect!", lambda at: np.zeros((at.size, 1)), (AROUSAL,)), "names that cannot be stored"),
        (("affect", lambda at: np.zeros((at.size, 2)), (AROUSAL,)), "does not fit the grid"),
        (("affect", lambda at: np.full((at.size, 1), np.nan), (AROUSAL,)), "gaps where there is a score"),
        (("affect", lambda at: np.full((at.size, 1), 1.5), (AROUSAL,)), "outside the extent of arousal"),
    ],
)
def test_a_further_curve_is_checked(
    monkeypatch: pytest.MonkeyPatch, context: RunContext, curve: Any, says: str
) -> None:
    with pytest.raises(PluginError, match=says):
        host(monkeypatch, Says(curve), context)
