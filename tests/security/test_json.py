"""Recipes, settings and parameters: no depth, no number, no size in them does more than be refused in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien import config
from mien.engine.choice import Choice, load_recipe, parse_settings, value_of
from mien.engine.registry import Registry
from mien.errors import MienError, ParameterError, RecipeError, UsageError

DEEP = 100_000
BODIES = {
    "a hundred thousand objects deep": '{"a":' * DEEP + "1" + "}" * DEEP,
    "a hundred thousand lists deep": "[" * DEEP + "]" * DEEP,
    "deep parameters": '{"mien-recipe": 1, "plugins": {"text": {"version": "1", "params": '
    + '{"a":' * DEEP + "1" + "}" * DEEP + "}}}",
    "a number of a million digits": '{"mien-recipe": ' + "9" * 1_000_000 + "}",
    "a number without end": '{"mien-recipe": 1e999999}',
    "no object": "5",
    "plugins in a list": '{"mien-recipe": 1, "plugins": []}',
    "a plugin that is a text": '{"mien-recipe": 1, "plugins": {"text": "x"}}',
    "parameters that are numbers": '{"mien-recipe": 1, "plugins": {"text": {"version": 1, "params": [[1, 2]]}}}',
    "parameters named by lists": '{"mien-recipe": 1, "plugins": {"text": {"version": 1, "params": [[[1], 2]]}}}',
    "a stream that is an object": '{"mien-recipe": 1, "plugins": {}, "audio_stream": {"a": 1}}',
    "a stream that is a number with a point": '{"mien-recipe": 1, "plugins": {}, "audio_stream": 1e300}',
    "keys twice": '{"mien-recipe": 1, "mien-recipe": 2}',
    "no text": "\udcff\udcfe\udc80",
    "nothing": "",
    "half a character": '{"mien-recipe": 1, "plugins": {"\\ud800": {"version": "\\ud800", "params": {}}}}',
    "a name of a megabyte": '{"mien-recipe": 1, "plugins": {"' + "x" * 1_000_000 + '": {"version": "1", "params": {}}}}',
}  # fmt: skip


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


@pytest.mark.parametrize("what", BODIES)
def test_a_recipe_is_followed_or_refused(attack: Callable[..., Any], tmp_path: Path, what: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(BODIES[what], encoding="utf-8", errors="surrogateescape")
    outcome = attack("recipe", path)
    outcome.refused()
    outcome.bounded(mib=100)


def test_a_recipe_that_never_ends_is_not_read(attack: Callable[..., Any], tmp_path: Path) -> None:
    outcome = attack("recipe", "/dev/zero")
    outcome.refused("MB at most")
    outcome.bounded(mib=60)
    (tmp_path / "folder").mkdir()
    attack("recipe", tmp_path / "folder").refused("cannot be opened")


def _first_float(registry: Registry) -> tuple[str, str]:
    for info in [*registry.analyzers.values(), *registry.exporters.values()]:
        for name, field in info.params.model_fields.items():
            if field.annotation is float:
                return info.id, name
    raise AssertionError


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400, "9" * 5000, "[" * DEEP, '{"a":' * 900 + "1" + "}" * 900,
     "[" * 900 + "]" * 900, '"' + "x" * 1_000_000 + '"', "null", "\0", "\ud800", "\n" * 1000, "__import__('os')"],
)  # fmt: skip
def test_a_parameter_is_within_its_bounds_or_refused(registry: Registry, value: str) -> None:
    plugin, name = _first_float(registry)
    with pytest.raises(ParameterError) as caught:
        Choice(settings=parse_settings(registry, [f"{plugin}.{name}={value}"])).checked(registry)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "text", ["", "=", ".", "a.b", "a.b=", "=1", "." * 1000 + "=1", "\0.\0=\0", "x" * 100_000 + ".y=1"]
)
def test_an_assignment_is_one_or_refused(registry: Registry, text: str) -> None:
    with pytest.raises(MienError):
        Choice(settings=parse_settings(registry, [text])).checked(registry)


def test_values_are_data() -> None:
    assert value_of("__import__('os').system('false')") == "__import__('os').system('false')"
    assert value_of('{"__class__": "x"}') == {"__class__": "x"}


@pytest.mark.parametrize(
    "text",
    ["threads = 1e999", "threads = " + "9" * 5000, "device = 5", "a = " + "[" * DEEP, "x = 1", "device = '''\n'''", "[" * DEEP,
     "threads = -1", "device = 'cuda:" + "9" * 5000 + "x'", "\0", "library = 1979-05-27", "a." * 5000 + "b = 1"],
)  # fmt: skip
def test_settings_are_followed_or_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        config.load(path, {})
    assert len(str(caught.value)) < 1000


def test_what_is_saved_is_read_again(tmp_path: Path, registry: Registry) -> None:
    from mien.engine.choice import save_recipe

    path = tmp_path / "recipe.json"
    save_recipe(Choice().checked(registry), registry, path)
    again = load_recipe(path, registry)
    save_recipe(again, registry, tmp_path / "again.json")
    assert json.loads(path.read_text()) == json.loads((tmp_path / "again.json").read_text())
    with pytest.raises(RecipeError):
        load_recipe(tmp_path / "missing.json", registry)
