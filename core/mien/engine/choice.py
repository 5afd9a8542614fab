"""What the user chose: analyzers, parameters, fusion, device. Checked before anything is decoded, and saved as a recipe."""

from __future__ import annotations

import json
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pydantic

from mien.engine.registry import Registry
from mien.errors import ParameterError, RecipeError, UsageError, shown
from mien.sdk.params import Params

RECIPE_FORMAT = 1
LARGEST_RECIPE = 16 << 20
"""Bytes; a recipe has a few hundred."""
_LONGEST_NAME = 200

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


@dataclass(frozen=True)
class Choice:
    """Everything that decides what a run computes.

    Args:
        analyzers: ids, or None for the defaults. What they read is added by the plan.
        fusion: id of the fusion (`late`, `fusion.late`), or empty for none.
        settings: plugin id → parameter → value, as given; what is not given has its default.
        device: `auto`, `cpu`, `cuda:N`, `mps`.
        precision: `auto`, `float32`, `bfloat16`, `float16`.
        audio_stream: number in the file, language or title of the sound stream, or None for the default one.
        threads: how many threads the models may keep busy, or None for one per core.
    """

    analyzers: tuple[str, ...] | None = None
    fusion: str = "late"
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    device: str = "auto"
    precision: str = "auto"
    audio_stream: int | str | None = None
    threads: int | None = None

    def checked(self, registry: Registry) -> Choice:
        """The same with every name resolved and every parameter validated.

        Raises:
            UnknownPlugin: a plugin that is not here.
            ParameterError: a parameter that is misspelt or out of range.
        """
        ids = None
        if self.analyzers is not None:
            if not self.analyzers:
                raise UsageError("No analyzer was chosen; name at least one, or leave --plugins out for the defaults.")
            ids = tuple(registry.analyzer(a).id for a in self.analyzers)
        fusion = registry.fusion(self.fusion).id if self.fusion else ""
        settings = {_resolve(registry, plugin): dict(values) for plugin, values in self.settings.items()}
        for plugin, values in settings.items():
            build_params(registry, plugin, values)
        return replace(self, analyzers=ids, fusion=fusion, settings=settings)

    def params(self, registry: Registry, plugin_id: str) -> Params:
        """The frozen parameters of one plugin."""
        return build_params(registry, plugin_id, self.settings.get(plugin_id, {}))


def parse_settings(registry: Registry, assignments: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`plugin.param=value` texts as settings. Values are read as JSON where they are JSON, as text elsewhere.

    Raises:
        ParameterError: an assignment that has no such form, or names no parameter.
    """
    settings: dict[str, dict[str, Any]] = {}
    for text in assignments:
        target, equals, raw = text.partition("=")
        plugin, dot, name = target.strip().rpartition(".")
        if not (equals and dot and name and plugin):
            raise ParameterError(f"A setting must read plugin.param=value, not {_SHORT.repr(text)}.")
        settings.setdefault(_resolve(registry, plugin), {})[name] = value_of(raw)
    return settings


def build_params(registry: Registry, plugin_id: str, values: Mapping[str, Any]) -> Params:
    """A plugin's parameter model filled with these values; raises ParameterError in one sentence."""
    info = registry.analyzers.get(plugin_id) or registry.fusions.get(plugin_id) or registry.exporters.get(plugin_id)
    if info is None:
        info = registry.analyzer(plugin_id)
    return fill(plugin_id, info.params, values)


def fill(owner: str, model: type[Params], values: Mapping[str, Any]) -> Params:
    """A parameter model filled with these values; raises ParameterError, one sentence about `owner`."""
    try:
        return model.model_validate(dict(values))
    except pydantic.ValidationError as error:
        raise ParameterError(_sentence(owner, model, error)) from None


def value_of(raw: str) -> Any:
    """A value as typed: JSON where it is JSON, text elsewhere."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.strip()


def save_recipe(choice: Choice, registry: Registry, path: Path) -> None:
    """Write a choice as a JSON file that `load_recipe` replays: plugin ids, versions and all parameters in full."""
    plugins = {}
    for plugin_id in (*(choice.analyzers or default_analyzers(registry)), *([choice.fusion] if choice.fusion else [])):
        info = registry.analyzers.get(plugin_id) or registry.fusion(plugin_id)
        params = choice.params(registry, info.id).model_dump(mode="json")
        plugins[info.id] = {"version": info.version, "params": params}
    recipe = {
        "mien-recipe": RECIPE_FORMAT,
        "plugins": plugins,
        "fusion": choice.fusion,
        "audio_stream": choice.audio_stream,
    }
    path.write_text(json.dumps(recipe, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_recipe(path: Path, registry: Registry) -> Choice:
    """The choice in a recipe file.

    Raises:
        RecipeError: it cannot be read, or was made with another version of a plugin.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_RECIPE + 1)
        if len(content) > LARGEST_RECIPE:
            raise RecipeError(f"A recipe may have {LARGEST_RECIPE >> 20} MB at most; name another file: {shown(path)}")
        recipe = json.loads(content.decode("utf-8"))
        plugins = recipe["plugins"]
        if recipe["mien-recipe"] != RECIPE_FORMAT or not isinstance(plugins, dict):
            raise ValueError
        settings = {plugin: dict(entry["params"]) for plugin, entry in plugins.items()}
        versions = {plugin: str(entry["version"]) for plugin, entry in plugins.items()}
        fusion, stream = str(recipe.get("fusion", "")), recipe.get("audio_stream")
        if not isinstance(stream, int | str | None) or any(len(plugin) > _LONGEST_NAME for plugin in plugins):
            raise ValueError
    except OSError as error:
        raise RecipeError(
            f"The recipe cannot be opened ({error.strerror}); check its name and whether it may be read: {shown(path)}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RecipeError(
            f"This is no recipe of format {RECIPE_FORMAT}; save one with --save-recipe: {shown(path)}"
        ) from None
    for plugin, version in versions.items():
        info = registry.fusions.get(plugin) or registry.analyzer(plugin)
        if info.version != version:
            raise RecipeError(
                f"The recipe was made with {shown(plugin)} {shown(version[:40])}, but {info.version} is installed; "
                f"readings would differ, so save the recipe anew: {shown(path)}"
            )
    ids = tuple(plugin for plugin in plugins if plugin in registry.analyzers)
    return Choice(analyzers=ids, fusion=fusion, settings=settings, audio_stream=stream).checked(registry)


def default_analyzers(registry: Registry) -> tuple[str, ...]:
    """Ids of the analyzers that run when the user chose nothing."""
    return tuple(info.id for info in registry.analyzers.values() if info.default)


def _resolve(registry: Registry, plugin: str) -> str:
    if plugin in registry.analyzers or plugin in registry.exporters:
        return plugin
    if plugin in registry.fusions or f"fusion.{plugin}" in registry.fusions:
        return registry.fusion(plugin).id
    return registry.analyzer(plugin).id


def _sentence(plugin_id: str, model: type[Params], error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"]) or "the parameters"
    name = shown(name[:80])
    if first["type"] == "extra_forbidden":
        known = ", ".join(model.model_fields) or "none"
        return f"{plugin_id} has no parameter {name!r}; it has {known}."
    message = first["msg"].removeprefix("Value error, ")
    given = f", not {_SHORT.repr(first['input'])}" if first["loc"] else ""
    return f"{plugin_id}.{name}: {message[0].lower()}{message[1:]}{given}."
