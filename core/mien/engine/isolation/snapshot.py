"""Descriptors as JSON, and back without the plugin's code: what lists, forms and the plan need of a plugin that has an
environment of its own. Parameters come back as a model with the same names, types, bounds and defaults; validators that a
plugin wrote itself run in its process only.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import pydantic

from mien.engine.isolation.codec import Nonsense, decode, encode
from mien.sdk.descriptors import AnalyzerInfo, ExporterInfo, FusionInfo, Writes
from mien.sdk.fusion import FusionParams
from mien.sdk.inputs import Audio, Crops, Frames, Input, Reads, Utterances
from mien.sdk.params import Params
from mien.tracks.quantity import Kind, Quantity

Info = AnalyzerInfo | FusionInfo | ExporterInfo
Ask = Callable[[str, dict[str, Any]], dict[str, Any]]
"""Asks a plugin's own process: id, parameters → {"inputs": …, "writes": names}."""
Inputs = tuple[Audio | Utterances | Frames | Crops | Reads, ...]
_KINDS: dict[str, type[Any]] = {"analyzer": AnalyzerInfo, "fusion": FusionInfo, "exporter": ExporterInfo}
_PLAIN: dict[str, Any] = {"number": float, "integer": int, "boolean": bool, "string": str, "null": None}
_BOUNDS = {
    "minimum": "ge", "exclusiveMinimum": "gt", "maximum": "le", "exclusiveMaximum": "lt", "minLength": "min_length",
    "maxLength": "max_length", "minItems": "min_length", "maxItems": "max_length", "pattern": "pattern",
    "multipleOf": "multiple_of",
}  # fmt: skip


def describe(info: Info) -> dict[str, Any]:
    """A descriptor as JSON."""
    kind = next(name for name, made in _KINDS.items() if isinstance(info, made))
    told: dict[str, Any] = {"is": kind, "schema": info.params.model_json_schema()}
    for part in fields(info):
        if part.name not in ("params", "inputs", "outputs"):
            told[part.name] = encode(getattr(info, part.name), [])
    if isinstance(info, AnalyzerInfo):
        told |= answer(info, info.params()) | {"asks": callable(info.inputs)}
        told["outputs"] = [
            {"name": w.name, "kind": w.kind, "quantities": encode(w.quantities, []), "asks": w.when is not None}
            for w in info.outputs
        ]
    return told


def answer(info: AnalyzerInfo, params: Params) -> dict[str, Any]:
    """What an analyzer needs and writes under these parameters, as JSON."""
    return {"inputs": encode(info.inputs_for(params), []), "writes": [w.name for w in info.outputs_for(params)]}


def rebuild(told: Any, ask: Ask) -> Info:
    """The descriptor.

    Raises:
        Nonsense: what was told describes none.
    """
    kind = _KINDS.get(str(told.get("is"))) if isinstance(told, dict) else None
    if kind is None:
        raise Nonsense("a descriptor is none")
    base = FusionParams if kind is FusionInfo else Params
    try:
        params = model(str(told["id"]), told["schema"], base)
        hints = typing.get_type_hints(kind)
        given = {
            part.name: decode(told[part.name], hints[part.name], ())
            for part in fields(kind)
            if part.name in told and part.name not in ("params", "inputs", "outputs")
        }
        if kind is AnalyzerInfo:
            given |= _asking(told, params, ask)
        made: Info = kind(params=params, **given)
    except Nonsense:
        raise
    except (ValueError, TypeError, KeyError, LookupError, AttributeError) as error:
        raise Nonsense(f"a descriptor cannot be read ({error})") from None
    return made


def model(owner: str, schema: Mapping[str, Any], base: type[Params]) -> type[Params]:
    """A model of parameters with these names, types, bounds, units, descriptions and defaults."""
    made: dict[str, Any] = {}
    for name, entry in schema.get("properties", {}).items():
        extra = {key: entry[key] for key in entry if key not in (*_BOUNDS, *_SPOKEN)}
        bounds = {_BOUNDS[key]: value for key, value in entry.items() if key in _BOUNDS}
        made[name] = (
            _type(entry, schema),
            pydantic.Field(
                entry.get("default", ...), description=entry.get("description"), json_schema_extra=extra, **bounds
            ),
        )
    title = "".join(word.capitalize() for word in owner.replace("-", ".").split("."))
    created: type[Params] = pydantic.create_model(schema.get("title", f"{title}Params"), __base__=base, **made)
    return created


_SPOKEN = ("default", "description", "type", "enum", "const", "anyOf", "items", "title", "$ref", "allOf", "prefixItems")


def _type(entry: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    if "$ref" in entry:
        return _type(schema.get("$defs", {}).get(str(entry["$ref"]).rpartition("/")[2], {}), schema)
    if "const" in entry:
        return Literal[entry["const"]]
    if "enum" in entry:
        return Literal[tuple(entry["enum"])]
    if "anyOf" in entry:
        return typing.Union[tuple(_type(one, schema) for one in entry["anyOf"])]  # noqa: UP007 - made of a list
    if entry.get("type") == "array":
        return typing.cast(Any, tuple)[_type(entry.get("items", {}), schema), ...]
    return _PLAIN.get(str(entry.get("type")), Any)


@dataclass(frozen=True)
class _Asked:
    """What depends on the parameters: known for the defaults, and asked of the plugin's process for others, once each."""

    plugin: str
    usual: Params
    told: Mapping[str, Any]
    ask: Ask
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __call__(self, params: Params) -> Mapping[str, Any]:
        if params == self.usual:
            return self.told
        key = params.model_dump_json()
        if key not in self.known:
            self.known[key] = self.ask(self.plugin, params.model_dump(mode="json"))
        return self.known[key]


def _asking(told: Mapping[str, Any], params: type[Params], ask: Ask) -> dict[str, Any]:
    asked = _Asked(str(told["id"]), params(), told, ask)
    usual: tuple[Input, ...] = decode(told["inputs"], Inputs, ())

    def inputs(given: Params) -> tuple[Input, ...]:
        found: tuple[Input, ...] = decode(asked(given).get("inputs"), Inputs, ())
        return found

    def when(name: str) -> Callable[[Params], bool]:
        return lambda given: name in asked(given).get("writes", ())

    outputs = tuple(
        Writes(
            decode(one["name"], str, ()),
            decode(one["kind"], Kind, ()),
            decode(one["quantities"], tuple[Quantity, ...], ()),
            when(one["name"]) if one["asks"] else None,
        )
        for one in told["outputs"]
    )
    return {"inputs": inputs if told["asks"] else usual, "outputs": outputs}
