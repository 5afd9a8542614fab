"""The MML fusion on a grid: any subset of modalities, weights that sum to one, nothing where nothing is."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.engine.backend import Backend
from mien.engine.context import RunContext
from mien.engine.registry import Registry
from mien.sdk import Aligned, Fused
from mien.training.card import load_model, save_model
from mien_plugins.fusion.mml import MmlFusion, occlusion
from mien_plugins.fusion.mml_info import FUSION, MmlParams
from mien_plugins.fusion.mml_net import MmlConfig, MmlNet

TINY = MmlConfig(4, 3, (32, 24, 16), 0.0)


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    torch.manual_seed(0)
    net = MmlNet(TINY)
    torch.nn.init.normal_(net.layers[-1].weight)
    save_model(tmp_path, net.state_dict(), {"id": "fusion-mml", "net": TINY.to_dict(), "neighbours": 0})
    made = RunContext("fusion.mml", Backend("cpu", "float32", "cpu", 1), threading.Event(), models=FUSION.models)
    made.model = lambda model_id: tmp_path  # type: ignore[method-assign]
    return made


def grid(heard: int = 3, **masks: list[bool]) -> Aligned:
    rng, steps = np.random.default_rng(1), 6
    values = {"text.embedding": rng.normal(size=(steps, 4)), "emotion.embedding": rng.normal(size=(steps, heard))}
    names = {"text": "text.embedding", "voice": "emotion.embedding"}
    kept = {names[name]: np.array(mask) for name, mask in masks.items()}
    return Aligned(
        np.arange(steps) * 0.25,
        0.25,
        {name: values[name].astype(np.float32) for name in kept},
        {name: tuple(map(str, range(values[name].shape[1]))) for name in kept},
        kept,
        {name: name.split(".")[0] for name in kept},
    )


def fuse(context: RunContext, aligned: Aligned) -> Fused:
    fusion = MmlFusion()
    fusion.prepare(tuple(aligned.values), MmlParams(), context)
    return fusion.fuse(aligned)


YES, NO = [True] * 6, [False] * 6


@pytest.mark.parametrize("masks", [{"text": YES, "voice": YES}, {"text": YES}, {"voice": YES}])
def test_any_subset_gives_scores_and_weights_that_sum_to_one(context: RunContext, masks: dict[str, list[bool]]) -> None:
    fused = fuse(context, grid(**masks))
    assert fused.modalities == tuple(masks)
    assert ((fused.score > 0) & (fused.score < 1)).all()
    assert np.allclose(fused.weights.sum(1), 1)
    assert (fused.weights >= 0).all()
    assert fused.contributions.shape == (6, len(masks))
    if len(masks) == 1:
        assert np.allclose(fused.contributions[:, 0], fused.score)


def test_a_modality_that_comes_and_goes_has_no_weight_meanwhile(context: RunContext) -> None:
    text, voice = [True, True, False, False, True, False], [True, False, True, False, True, True]
    fused = fuse(context, grid(text=text, voice=voice))
    assert np.isnan(fused.score).tolist() == [False, False, False, True, False, False]
    assert fused.weights[1].tolist() == [1, 0]
    assert fused.weights[2].tolist() == [0, 1]
    assert fused.weights[3].tolist() == [0, 0]
    assert np.isnan(fused.contributions[2, 0])
    assert not np.isnan(fused.contributions[2, 1])


def test_a_track_that_is_never_there_keeps_its_column(context: RunContext) -> None:
    # A long medium comes in stretches, and each must answer for the same modalities.
    fused = fuse(context, grid(text=YES, voice=NO))
    assert fused.modalities == ("text", "voice")
    assert fused.weights[:, 1].tolist() == [0] * 6


def test_without_any_track_there_is_no_score(context: RunContext) -> None:
    fused = fuse(context, grid())
    assert np.isnan(fused.score).all()
    assert fused.weights.shape == (6, 0)


@pytest.mark.parametrize(("label", "measured"), [("hate", "hostility"), ("positive", "positive")])
def test_a_net_of_a_users_own_column_says_what_it_measures(
    context: RunContext, tmp_path: Path, label: str, measured: str
) -> None:
    assert fuse(context, grid(text=YES)).quantity.name == "hostility"
    weights, config = load_model(tmp_path)
    save_model(tmp_path, weights, config | {"own": True, "label": label, "classes": ["no", "yes"]})
    assert fuse(context, grid(text=YES)).quantity.name == measured


def test_the_weight_is_how_far_the_score_moves() -> None:
    score, alone = np.array([0.9, 0.5, 0.5], np.float32), np.array([[0.8, 0.3], [0.5, 0.5], [0.5, np.nan]], np.float32)
    present = np.array([[True, True], [True, True], [True, False]])
    # Without the text only the voice's 0.3 is left: it moved by 0.6; without the voice by 0.1.
    assert np.allclose(occlusion(score, alone, present), [[6 / 7, 1 / 7], [0.5, 0.5], [1, 0]])


def test_embeddings_of_another_width_are_left_out_and_it_says_so(context: RunContext) -> None:
    fused = fuse(context, grid(7, text=YES, voice=YES))
    assert fused.modalities == ("text",)
    assert any("voice" in note and "7 numbers" in note for note in context.notes)


def test_it_is_offered_as_experimental_and_late_fusion_stays_the_default() -> None:
    info = Registry.load().fusion("mml")
    assert "experimental" in info.title
    from mien.engine.choice import Choice

    assert Choice().fusion == "late"
    assert MmlParams().threshold == 0.7
