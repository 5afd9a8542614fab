"""The runtime of trained fusions, on tiny nets with random weights: subsets, gaps, stretches, imputation, refusals."""

from __future__ import annotations

import itertools
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mien.engine.align import Grid
from mien.engine.backend import Backend
from mien.engine.context import RunContext
from mien.errors import ModelError
from mien.sdk import Fused
from mien.tracks import Features, Spans
from mien.tracks.quantity import EXPRESSIONS
from mien.training.card import load_model, save_model
from mien_plugins.fusion.attention import AttentionFusion, build
from mien_plugins.fusion.info import TrainedParams
from mien_plugins.fusion.pooled import PooledConfig
from mien_plugins.fusion.scaling import Scaling, named, subsets
from mien_plugins.fusion.sequence import SequenceConfig
from mien_plugins.fusion.trained import TrainedFusion

NAMES, WIDTHS = ("text", "voice", "face"), (4, 6, 5)
TRACKS = {"text": "text.embedding", "voice": "emotion.embedding", "face": "face.embedding"}
MODALITY = {track: name for name, track in TRACKS.items()} | {"text.offence": "text"}
SECONDS = 30.0
SUBSETS = [c for n in range(1, 4) for c in itertools.combinations(NAMES, n)]


class Tiny(TrainedFusion):
    model = "fusion-tiny"

    def build(self, config: Any) -> Any:
        return build(config)


def config_of(kind: str) -> dict[str, Any]:
    if kind in ("intra", "cross", "intra-cross"):
        sizes = {"steps": (4, 4, 4), "mixed": (0, 2, 2), "hidden": 3, "heads": 2, "dense": 5}
        net: Any = PooledConfig(NAMES, WIDTHS, kind, **sizes)  # type: ignore[arg-type]
        family = "pooled"
    else:
        net = SequenceConfig(NAMES, WIDTHS, kind, width=8, inner=4, heads=2, hidden=6)  # type: ignore[arg-type]
        family = "sequence"
    return {"family": family, "net": net.to_dict(), "step": 0.5, "temperature": 1.5, "classes": list(EXPRESSIONS)}


KINDS = ("concat", "self", "residual", "hierarchical", "crossmodal", "intra", "cross", "intra-cross")


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a model of a kind and gives a prepared fusion."""

    def made(
        kind: str, tracks: Any, bank: bool = True, context: Any = None, stale: bool = False, **params: Any
    ) -> Tiny:
        torch.manual_seed(0)
        net = build(config_of(kind))
        weights = dict(net.state_dict())
        if bank:
            vectors = net.vectors(net.encode([torch.randn(1, 20 + net.context, w) for w in WIDTHS],
                                             torch.ones(1, 20 + net.context, 3, dtype=torch.bool)))  # fmt: skip
            weights |= {f"bank.{name}": v[0] for name, v in zip(NAMES, vectors, strict=True)}
        of = {} if stale else {"imputes": net.imputes}
        save_model(tmp_path / "fusion-tiny", weights, config_of(kind) | of)
        monkeypatch.setattr("mien.models.store.resolve", lambda model: tmp_path / model)
        fusion = Tiny()
        fusion.prepare(tuple(tracks), TrainedParams(**params), context or a_context())
        return fusion

    return made


def a_context() -> RunContext:
    return RunContext("fusion.tiny", Backend("cpu", "float32", "CPU", 1), threading.Event(), models=("fusion-tiny",))


def readings() -> dict[str, Any]:
    """Two utterances, a voice through all but the last third, faces in the middle; nobody at all from 26 s on."""
    rng = np.random.default_rng(0)
    voice, face = np.arange(1.0, 20, 1.0), np.arange(8, 26, 0.2)
    return {
        "text.offence": Spans.of("text.offence", [(2, 6, "", "…", 0.1), (11, 15, "", "…", 0.9)]),
        "text.embedding": Features("text.embedding", np.array([4.0, 13.0]), rng.normal(size=(2, 4)).astype(np.float32)),
        "emotion.embedding": Features("emotion.embedding", voice, rng.normal(size=(19, 6)).astype(np.float32)),
        "face.embedding": Features("face.embedding", face, rng.normal(size=(face.size, 5)).astype(np.float32)),
    }


def chosen(names: Any) -> dict[str, Any]:
    kept = {TRACKS[name] for name in names} | ({"text.offence"} if "text" in names else set())
    return {name: track for name, track in readings().items() if name in kept}


def fuse(fusion: Tiny, tracks: Any, hop: float = 0.5, step: int = 10_000) -> tuple[Grid, list[Fused]]:
    grid = Grid(tracks, MODALITY, {"emotion.embedding": 3.0}, SECONDS, hop)
    return grid, [fusion.fuse(grid.stretch(i, i + step)) for i in range(0, grid.times.size, step)]


@pytest.mark.parametrize("missing", ["zero", "knn"])
@pytest.mark.parametrize("kind", KINDS)
def test_any_subset_gives_a_reading_whose_weights_are_of_the_present(make: Any, kind: str, missing: str) -> None:
    for names in SUBSETS:
        tracks = chosen(names)
        grid, (fused,) = fuse(make(kind, tracks, missing=missing), tracks)
        aligned = grid.stretch(0, grid.times.size)
        there = np.stack([aligned.mask[TRACKS[name]] for name in names], 1)
        assert fused.modalities == names
        assert (np.isnan(fused.score) == ~there.any(1)).all()
        assert ((fused.score >= 0) & (fused.score <= 1))[there.any(1)].all()
        assert fused.weights.sum(1) == pytest.approx(there.any(1).astype(float), abs=1e-5)
        assert (fused.weights[~there] == 0).all()
        assert (np.isnan(fused.contributions) == ~there).all()
        for curve in fused.curves:
            assert np.isfinite(curve.values).all()
        expression = next(c for c in fused.curves if c.name == "expression")
        assert expression.values.sum(1) == pytest.approx(1, abs=1e-5)
        assert [q.name for q in expression.quantities] == list(EXPRESSIONS)
        assert fused.score[there.any(1)] == pytest.approx(expression.values[there.any(1), :2].sum(1), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_stretches_go_on_from_each_other(make: Any, kind: str) -> None:
    tracks = chosen(NAMES)
    _, (whole,) = fuse(make(kind, tracks), tracks)
    _, parts = fuse(make(kind, tracks), tracks, step=7)
    for name in ("score", "weights", "contributions"):
        joined = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, name), atol=1e-5)


def test_what_was_remembered_at_another_place_of_the_net_does_not_impute(make: Any) -> None:
    for kind in KINDS:
        make(kind, chosen(NAMES), stale=True)
        if kind != "intra":
            make(kind, chosen(NAMES), stale=True, missing="knn")
            continue
        with pytest.raises(ModelError, match="--set recalibrate=true"):
            make(kind, chosen(NAMES), stale=True, missing="knn")


def test_what_stands_where_a_modality_is_absent_changes_nothing(make: Any) -> None:
    tracks = chosen(NAMES)
    grid = Grid(tracks, MODALITY, {}, SECONDS, 0.5).stretch(0, 60)
    one = make("crossmodal", tracks).fuse(grid)
    for name in TRACKS.values():
        grid.values[name][~grid.mask[name]] = 1e6
    other = make("crossmodal", tracks).fuse(grid)
    np.testing.assert_array_equal(one.score, other.score)
    np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize("hop", [0.1, 0.25, 2.0])
def test_the_grid_may_have_another_spacing_than_the_training(make: Any, hop: float) -> None:
    tracks = chosen(NAMES)
    grid, (fused,) = fuse(make("hierarchical", tracks), tracks, hop)
    there = np.stack([grid.stretch(0, grid.times.size).mask[track] for track in TRACKS.values()], 1)
    assert (np.isnan(fused.score) == ~there.any(1)).all()
    assert (fused.weights[~there] == 0).all()


@pytest.mark.parametrize("kind", ["concat", "cross"])
def test_where_nothing_was_embedded_there_is_no_reading(make: Any, kind: str) -> None:
    grid, (fused,) = fuse(make(kind, ()), {"text.offence": readings()["text.offence"]})
    assert fused.modalities == ()
    assert np.isnan(fused.score).all()
    assert fused.weights.shape == fused.contributions.shape == (grid.times.size, 0)


def test_an_utterance_speaks_for_its_whole_length() -> None:
    grid = Grid(chosen(("text",)), MODALITY, {}, SECONDS, 0.5)
    aligned = grid.stretch(0, grid.times.size)
    said = ((grid.times > 2) & (grid.times < 6)) | ((grid.times > 11) & (grid.times < 15))
    assert (aligned.mask["text.embedding"] == said).all()
    parts = [grid.stretch(i, i + 7).mask["text.embedding"] for i in range(0, grid.times.size, 7)]
    assert (np.concatenate(parts) == said).all()


def test_vectors_of_another_model_are_left_out_and_told(make: Any) -> None:
    tracks = chosen(NAMES)
    times = tracks["emotion.embedding"].times
    tracks["emotion.embedding"] = Features("emotion.embedding", times, np.ones((times.size, 9), np.float32))
    context = a_context()
    fusion = make("concat", tracks, context=context)
    _, (fused,) = fuse(fusion, tracks)
    assert fused.weights[:, 1].max() == 0
    assert "emotion.embedding was written by another model" in context.notes[0]


@pytest.mark.parametrize("missing", ["zero", "knn"])
@pytest.mark.parametrize("kind", ["concat", "crossmodal", "intra", "cross"])
def test_at_every_moment_what_is_shown_is_calibrated_for_what_is_there(
    make: Any, tmp_path: Path, kind: str, missing: str
) -> None:
    own = {
        way: {
            named(NAMES, subset): Scaling(1.0 + n, (0.3 * n, *[0.0] * 5, sign))
            for n, subset in enumerate(subsets(3), 1)
        }
        for way, sign in (("zero", 0.0), ("knn", -1.0))
    }
    tracks = chosen(NAMES)
    make(kind, tracks)
    weights, config = load_model(tmp_path / "fusion-tiny")
    said = {}
    for calibrated in (
        {"temperature": 1.0},
        {"calibration": {w: {n: asdict(s) for n, s in of.items()} for w, of in own.items()}},
    ):
        save_model(tmp_path / "fusion-tiny", weights, {**config, **calibrated})
        fusion = Tiny()
        fusion.prepare(tuple(tracks), TrainedParams(missing=missing), a_context())
        grid, (fused,) = fuse(fusion, tracks)
        said["calibration" in calibrated] = fused, next(c.values for c in fused.curves if c.name == "expression")
    there = np.stack([grid.stretch(0, grid.times.size).mask[TRACKS[name]] for name in NAMES], 1)
    assert len({tuple(row) for row in there.tolist()}) >= 5  # as many subsets, nobody among them
    (_, plain), (fused, found) = said[False], said[True]
    for t in np.flatnonzero(there.any(1)):
        of = own[missing][named(NAMES, there[t])]
        wanted = np.exp(np.log(plain[t].astype(float)) / of.temperature + np.array(of.bias))
        np.testing.assert_allclose(found[t], wanted / wanted.sum(), atol=1e-5)
        assert fused.score[t] == pytest.approx(found[t, :2].sum(), abs=1e-6)
        # What a modality says alone is calibrated as what is read from it alone.
        for m in np.flatnonzero(there[t] & (there[t].sum() == 1)):
            assert fused.contributions[t, m] == pytest.approx(fused.score[t], abs=1e-2 if kind in KINDS[:5] else 1e-5)


@pytest.mark.parametrize("kind", ["self", "intra-cross"])
@pytest.mark.parametrize(
    "change",
    [
        {"net": None},
        {"net": {"heads": 5}},
        {"net": {"modalities": ["text", "voice", "smell"]}},
        {"net": {"modalities": ["text", "voice", []]}},
        {"net": {"hostile": [7]}},
        {"net": {"hostile": [0, -1]}},
        {"net": {"classes": 8}},
        {"classes": ["angry"]},
        {"family": "none"},
        {"step": 0},
        {"step": "soon"},
        {"temperature": 0},
        {"temperature": -1.5},
        {"calibration": {"zero": {"smell": {"temperature": 1.0, "bias": [0.0] * 7}}}},
        {"calibration": {"knn": {"text": {"temperature": 0, "bias": [0.0] * 7}}}},
        {"calibration": {"zero": {"text": {"temperature": 1.0, "bias": [0.0]}}}},
        {"calibration": ["text"]},
    ],
)
def test_a_configuration_that_cannot_be_is_one_sentence(
    make: Any, tmp_path: Path, kind: str, change: dict[str, Any]
) -> None:
    make(kind, TRACKS.values())
    weights, config = load_model(tmp_path / "fusion-tiny")
    config.pop("sha256")
    net = change.get("net", {})
    config |= change | {"net": config["net"] | net if net is not None else None}
    save_model(tmp_path / "fusion-tiny", weights, config)
    with pytest.raises(ModelError, match="cannot be read") as caught:
        Tiny().prepare(tuple(TRACKS.values()), TrainedParams(), a_context())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("classes", "label", "places", "measured"),
    [
        (("no", "yes"), "hate", [1], "hostility"),
        (("no", "yes"), "positive", [1], "positive"),
        (("no", "yes"), "positive", [], "positive"),  # as earlier versions wrote it where nothing spoke of hostility
        (("calm", "tense"), "mood", [], "calm"),
        (("sad", "angry", "disgust"), "emotion", [1, 2], "hostility"),
    ],
)
@pytest.mark.parametrize("kind", ["self", "intra"])
def test_a_score_is_called_hostility_only_where_its_classes_are(
    make: Any, tmp_path: Path, kind: str, classes: tuple[str, ...], label: str, places: list[int], measured: str
) -> None:
    config = config_of(kind) | {"classes": list(classes), "label": label}
    config["net"] |= {"classes": len(classes), "hostile": places}
    make(kind, TRACKS.values())
    torch.manual_seed(0)
    save_model(tmp_path / "fusion-tiny", build(config).state_dict(), config)

    class Own(AttentionFusion):
        model = "fusion-tiny"

    fusion = Own()
    fusion.prepare(tuple(TRACKS.values()), TrainedParams(), a_context())
    fused = fusion.fuse(Grid(chosen(NAMES), MODALITY, {}, SECONDS, 0.5).stretch(0, 60))
    assert fused.quantity.name == measured
    there = ~np.isnan(fused.score)
    said = next(curve for curve in fused.curves if curve.name == "expression").values[there]
    np.testing.assert_allclose(fused.score[there], said[:, places or [classes.index("yes") if "yes" in classes else 0]].sum(1),
                               atol=1e-6)  # fmt: skip
    assert fused.score[there].min() > 0


def test_a_damaged_model_and_one_that_cannot_impute_are_refused_in_a_sentence(make: Any, tmp_path: Path) -> None:
    tracks = chosen(NAMES)
    with pytest.raises(ModelError, match="choose missing=zero"):
        make("self", tracks, bank=False, missing="knn")
    make("self", tracks)
    (tmp_path / "fusion-tiny" / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be read"):
        Tiny().prepare(tuple(tracks), TrainedParams(), a_context())
