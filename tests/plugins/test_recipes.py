"""Every recipe that is offered keeps the contract of `mien.sdk.RecipeInfo`, so that `mien train` can run it."""

from __future__ import annotations

import inspect

import pytest

from mien.engine.registry import Registry
from mien.models import store
from mien.sdk import RecipeInfo
from mien.training import job

RECIPES = Registry.load().recipes
TRAIN = {"quick", "device", "seed", "resume", "threads", "progress", "work"}


@pytest.mark.parametrize("info", RECIPES.values(), ids=RECIPES)
def test_its_functions_take_what_the_command_line_gives(info: RecipeInfo) -> None:
    module = job.module(info)
    train, evaluate = inspect.signature(module.train), inspect.signature(module.evaluate)
    assert list(train.parameters)[:2] == ["data", "out"]
    assert list(evaluate.parameters)[:2] == ["model", "data"]
    wanted = TRAIN | set(info.params.model_fields)
    # `**options` takes what is left, and its names are checked by the recipe's own `Params`.
    open_ended = any(p.kind is p.VAR_KEYWORD for p in train.parameters.values())
    assert open_ended or wanted <= set(train.parameters)
    assert "device" in evaluate.parameters
    for signature in (train, evaluate):
        named = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        for parameter in named[2:]:
            assert parameter.default is not parameter.empty, parameter


@pytest.mark.parametrize("info", RECIPES.values(), ids=RECIPES)
def test_it_has_a_quick_form_that_is_asked_for_and_says_what_it_leaves_out(info: RecipeInfo) -> None:
    train = job.module(info).train
    assert inspect.signature(train).parameters["quick"].default is False
    # Those that call another recipe's training say it there.
    assert "quick" not in info.params.model_fields
    assert "quick:" in (inspect.getdoc(train) or "") or "**" in str(inspect.signature(train))


@pytest.mark.parametrize("info", [info for info in RECIPES.values() if info.search], ids=lambda info: info.id)
def test_what_a_search_may_draw_is_what_the_recipe_takes(info: RecipeInfo) -> None:
    for entry in info.search:
        for value in entry.choices or (entry.low, entry.high):
            assert getattr(info.params.model_validate({entry.name: value}), entry.name) == value


def test_what_the_papers_tuned_can_be_searched() -> None:
    searched = {name for name, info in RECIPES.items() if info.search}
    assert searched >= {
        "text-004",
        "voice-004",
        "voice-1dser",
        "emotion-mtl",
        "seqsew",
        "sew",
        "fusion-attention",
        "fusion-mml",
    }


@pytest.mark.parametrize("info", RECIPES.values(), ids=RECIPES)
def test_the_shipped_model_finds_its_recipe(info: RecipeInfo) -> None:
    shipped = {model.id for model in store.available() if model.bundled}
    if info.model not in shipped:
        pytest.skip(f"{info.model} does not ship")
    assert job.recipe_of(job.model_folder(info.model), RECIPES) == info
