"""What a descriptor is asked before its plugin runs: that it says what forms, lists and the planner need, and keeps to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pydantic

from mien.sdk.conformance.report import Finding, Level
from mien.sdk.descriptors import AnalyzerInfo, ExporterInfo, FusionInfo
from mien.sdk.fusion import FusionParams
from mien.sdk.params import Params

Info = AnalyzerInfo | FusionInfo | ExporterInfo
_NUMBERS = ("integer", "number")
_ENDS = {"minimum": (-1, 0), "exclusiveMinimum": (0, 1), "maximum": (1, 0), "exclusiveMaximum": (0, -1)}
"""Bound → how many steps from it lies the nearest value outside, and the nearest inside."""


def check_descriptor(info: Info) -> Iterator[Finding]:
    """Findings on everything that a descriptor says."""
    problems = [*_said(info), *(_written(info) if isinstance(info, AnalyzerInfo) else ())]
    if isinstance(info, FusionInfo):
        if not issubclass(info.params, FusionParams):
            problems.append(Finding(Level.ERROR, "descriptor", "The parameters of a fusion derive from FusionParams."))
        if not info.accepts:
            problems.append(Finding(Level.ERROR, "descriptor", "It accepts no track."))
    yield from problems or [Finding(Level.PASS, "descriptor", "It says what lists and forms need.")]
    yield from check_params(info.params)


def _said(info: Info) -> Iterator[Finding]:
    for name in ("title", "version"):
        if not getattr(info, name).strip():
            yield Finding(Level.ERROR, "descriptor", f"Its {name} is empty.")
    for name in ("description", "licence"):
        if not getattr(info, name).strip():
            yield Finding(Level.WARNING, "descriptor", f"Its {name} is empty.")


def _written(info: AnalyzerInfo) -> Iterator[Finding]:
    names = [w.name for w in info.outputs]
    if not names:
        yield Finding(Level.ERROR, "descriptor", "It writes no track.")
    if len(set(names)) != len(names):
        yield Finding(Level.ERROR, "descriptor", "It names a track twice.")
    if not info.modality:
        yield Finding(Level.WARNING, "descriptor", "It names no modality, which lanes and fusions sort by.")
    for written in info.outputs:
        if written.kind == "curve" and not written.quantities:
            yield Finding(Level.ERROR, "descriptor", f"The curve {written.name} has no quantity.")
        for quantity in written.quantities:
            if written.kind == "curve" and (quantity.low is None or quantity.high is None):
                yield Finding(Level.NOTE, "descriptor", f"{quantity.name} of {written.name} has no two ends.")


def check_params(model: type[Params]) -> Iterator[Finding]:
    """Findings on a parameter model: defaults, units, descriptions, and bounds that are kept."""
    try:
        default = model()
    except pydantic.ValidationError:
        yield Finding(Level.ERROR, "parameters", "Not every parameter has a default.")
        return
    problems = [f for name, entry in fields_of(model).items() for f in _field(model, name, entry)]
    if not _refused(model, {"no_such_parameter": 1}):
        problems.append(Finding(Level.ERROR, "parameters", "A parameter that there is not is taken without a word."))
    if not model.model_config.get("frozen"):
        problems.append(Finding(Level.ERROR, "parameters", "They are not frozen."))
    if model.model_validate(default.model_dump(mode="json")) != default:
        problems.append(Finding(Level.ERROR, "parameters", "Their defaults do not survive a recipe (JSON)."))
    count = len(model.model_fields)
    yield from problems or [Finding(Level.PASS, "parameters", f"{count}, with defaults and bounds that are kept.")]


def fields_of(model: type[Params]) -> dict[str, dict[str, Any]]:
    """Name → JSON schema of each parameter, without references."""
    schema = model.model_json_schema()
    shared = schema.get("$defs", {})

    def plain(entry: dict[str, Any]) -> dict[str, Any]:
        target = shared.get(str(entry.get("$ref", "")).rpartition("/")[2], {})
        return {**target, **entry}

    return {name: plain(entry) for name, entry in schema.get("properties", {}).items()}


def extremes(model: type[Params]) -> Iterator[tuple[str, Any]]:
    """Parameter and value for every end of every bound, and for every choice, that the model takes by itself."""
    for name, entry in fields_of(model).items():
        values = [v for key in _ENDS if key in entry for v in [_beside(entry, key, _ENDS[key][1])]]
        values += entry.get("enum", []) if len(entry.get("enum", [])) <= 8 else []
        values += [True, False] if entry.get("type") == "boolean" else []
        for value in values:
            if value != entry.get("default") and not _refused(model, {name: value}):
                yield name, value


def _field(model: type[Params], name: str, entry: dict[str, Any]) -> Iterator[Finding]:
    if not entry.get("description"):
        yield Finding(Level.WARNING, "parameters", f"{name} has no description.")
    if entry.get("type") not in _NUMBERS or "enum" in entry:
        return
    if not any(k in entry for k in ("minimum", "exclusiveMinimum")) or not any(
        k in entry for k in ("maximum", "exclusiveMaximum")
    ):
        yield Finding(Level.WARNING, "parameters", f"{name} is a number without two bounds.")
    if "unit" not in entry:
        yield Finding(Level.NOTE, "parameters", f"{name} does not say its unit (`param` does, an empty one included).")
    for key, (outside, _) in _ENDS.items():
        if key in entry:
            value = _beside(entry, key, outside)
            if not _refused(model, {name: value}):
                yield Finding(Level.ERROR, "parameters", f"{name}={value} lies outside its bounds and is taken.")


def _beside(entry: dict[str, Any], key: str, steps: int) -> Any:
    """A value some hundredths of the extent from a bound (whole numbers: 1)."""
    if not steps:
        return entry[key]
    if entry["type"] == "integer":
        return int(entry[key]) + steps
    low = entry.get("minimum", entry.get("exclusiveMinimum"))
    high = entry.get("maximum", entry.get("exclusiveMaximum"))
    size = high - low if low is not None and high is not None else 1.0
    return entry[key] + steps * (size or 1.0) / 100


def _refused(model: type[Params], values: dict[str, Any]) -> bool:
    try:
        model.model_validate(values)
    except pydantic.ValidationError:
        return True
    return False
