"""Plugins register descriptors, recipes among them; a bad one is listed with its error and stops nobody else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mien.engine.registry import Registry
from mien.errors import UnknownPlugin
from mien.sdk import AnalyzerInfo, Params, RecipeInfo, hookimpl


def recipe(**fields: Any) -> RecipeInfo:
    known: dict[str, Any] = {"id": "line", "title": "A line", "model": "line", "data": ("points.csv",)}
    return RecipeInfo(**{**known, "description": "Fits a line.", "factory": "tiny_recipe", **fields})


def load(*offers: Any) -> Registry:
    """A registry in which each offer was registered by a plugin of its own."""

    def plugin(infos: Any) -> Any:
        def mien_register(registry: Any) -> None:
            for kind, info in infos:
                getattr(registry, kind)(info)

        return SimpleNamespace(mien_register=hookimpl(mien_register))

    entries = [SimpleNamespace(name=f"p{i}", value=f"p{i}", load=lambda o=o: plugin(o)) for i, o in enumerate(offers)]
    return Registry.load(entries)


def test_the_rooms_offer_a_recipe_for_each_of_their_models() -> None:
    registry = Registry.load()
    assert registry.broken == ()
    assert {"text-offence", "emotion-mtl", "face-affect", "conflictnet"} <= set(registry.recipes)
    for info in registry.recipes.values():
        assert info.title
        assert info.description.endswith(".")
        # What learns from one of several corpora, or from a user's manifest, says so in its description alone.
        assert info.data or "learns from" in info.description.lower() or "manifest" in info.description
        assert issubclass(info.params, Params)


def test_the_nearest_name_is_told() -> None:
    registry = load([("recipe", recipe())])
    assert registry.recipe("line").factory == "tiny_recipe"
    with pytest.raises(UnknownPlugin, match=r"no training recipe named 'lime'; did you mean line\?"):
        registry.recipe("lime")


def test_an_offer_is_taken_whole_or_not_at_all() -> None:
    analyzer = AnalyzerInfo(id="tiny", title="Tiny", version="1", factory="x:Y")
    registry = load([("recipe", recipe())], [("analyzer", analyzer), ("recipe", recipe())])
    assert list(registry.recipes) == ["line"]
    assert registry.analyzers == {}
    assert "already offers line" in registry.broken[0].error


def test_a_recipe_may_be_named_as_an_analyzer_but_not_be_one() -> None:
    analyzer = AnalyzerInfo(id="line", title="Line", version="1", factory="x:Y")
    assert load([("analyzer", analyzer), ("recipe", recipe())]).broken == ()
    (source,) = load([("analyzer", recipe())]).broken
    assert "RecipeInfo where AnalyzerInfo belongs" in source.error


@pytest.mark.parametrize(
    "fields", [{"id": "A Line"}, {"model": "../line"}, {"factory": "tiny_recipe:train"}, {"params": int}], ids=str
)
def test_descriptors_are_checked(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        recipe(**fields)
