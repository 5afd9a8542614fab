"""`mien plugins`: what is installed, from descriptors alone."""

from __future__ import annotations

from typing import Any

import typer

from mien.cli import say
from mien.engine.registry import Registry
from mien.sdk.descriptors import AnalyzerInfo, ExporterInfo, FusionInfo

Info = AnalyzerInfo | FusionInfo | ExporterInfo


def list_plugins(as_json: bool) -> None:
    """All analyzers, fusions and export formats, and the plugins that could not be loaded."""
    registry = Registry.load()
    groups = {"analyzers": registry.analyzers, "fusions": registry.fusions, "exports": registry.exporters}
    if as_json:
        listed: dict[str, Any] = {
            group: [_facts(info) | _origin(registry, info.id) for info in infos.values()]  # type: ignore[attr-defined]
            for group, infos in groups.items()
        }
        broken = [{"name": s.name, "module": s.module, "error": s.error} for s in registry.broken]
        say.emit_json(listed | {"broken": broken})
        return
    width = max((len(i) for infos in groups.values() for i in infos), default=0)  # type: ignore[attr-defined]
    for group, infos in groups.items():
        typer.secho(group, bold=True)
        for info in infos.values():  # type: ignore[attr-defined]
            late = "" if getattr(info, "default", True) else " (not by default)"
            command = getattr(info, "needs_training", "")
            untrained = f" (needs training: {command})" if command else ""
            apart = " (isolated)" if _origin(registry, info.id)["isolated"] else ""
            typer.echo(f"  {info.id:<{width}}  {info.title} {info.version}{late}{apart}{untrained}")
    for source in registry.broken:
        typer.secho(f"could not be loaded: {source.name} ({source.module}): {source.error}", fg="red")


def show_plugin(plugin: str, as_json: bool) -> None:
    """One plugin in full: what it reads and writes, its parameters with units and bounds, its models."""
    registry = Registry.load()
    info: Info
    if plugin in registry.exporters:
        info = registry.exporters[plugin]
    elif plugin in registry.fusions or f"fusion.{plugin}" in registry.fusions:
        info = registry.fusion(plugin)
    else:
        info = registry.analyzer(plugin)
    if as_json:
        say.emit_json(_facts(info) | _origin(registry, info.id))
        return
    typer.secho(f"{info.id} {info.version}: {info.title}", bold=True)
    if info.description:
        typer.echo(f"  {info.description}")
    origin = _origin(registry, info.id)
    if origin["isolated"]:
        typer.echo(f"  from {origin['package']}, in an environment of its own")
    if isinstance(info, AnalyzerInfo):
        for written in info.outputs:
            extents = ", ".join(f"{q.name}{_extent(q.low, q.high, q.unit)}" for q in written.quantities)
            typer.echo(f"  writes {written.name} ({written.kind}){': ' + extents if extents else ''}")
    if isinstance(info, FusionInfo):
        typer.echo(f"  reads any of {', '.join(info.accepts)}")
    if isinstance(info, AnalyzerInfo | FusionInfo) and info.needs_training:
        typer.echo(f"  needs training: {info.needs_training}")
    models = getattr(info, "models", ())
    if models:
        typer.echo(f"  models: {', '.join(models)}")
    for name, entry in info.params.model_json_schema().get("properties", {}).items():
        typer.echo(f"  --set {info.id}.{name}={_default(entry)}  {_about(entry)}")


def _origin(registry: Registry, plugin_id: str) -> dict[str, Any]:
    """The package that a plugin came with, and whether that has an environment of its own."""
    source = registry.source(plugin_id)
    return {"package": source.distribution if source else "", "isolated": bool(source and source.environment)}


def _facts(info: Info) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "id": info.id,
        "title": info.title,
        "version": info.version,
        "description": info.description,
        "licence": info.licence,
        "params": info.params.model_json_schema(),
    }
    if isinstance(info, AnalyzerInfo):
        facts |= {
            "modality": info.modality,
            "default": info.default,
            "models": list(info.models),
            "needs_training": info.needs_training,
            "optional_models": list(info.optional_models),
            "writes": [
                {"name": w.name, "kind": w.kind, "quantities": [q.to_dict() for q in w.quantities]}
                for w in info.outputs
            ],
        }
    elif isinstance(info, FusionInfo):
        facts |= {"accepts": list(info.accepts), "models": list(info.models), "needs_training": info.needs_training}
    else:
        facts |= {"suffix": info.suffix, "needs_medium": info.needs_medium}
    return facts


def _extent(low: float | None, high: float | None, unit: str) -> str:
    if low is None and high is None:
        return f" ({unit})" if unit else ""
    ends = f"{'−∞' if low is None else f'{low:g}'} … {'∞' if high is None else f'{high:g}'}"
    return f" ({ends}{' ' + unit if unit else ''})"


def _default(entry: dict[str, Any]) -> str:
    value = entry.get("default")
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _about(entry: dict[str, Any]) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    limits = [f"{sign} {entry[key]:g}" for key, sign in signs.items() if key in entry]
    choices = "|".join(map(str, entry.get("enum", [])))
    unit = entry.get("unit", "")
    extra = ", ".join(filter(None, [unit, choices, " and ".join(limits)]))
    return f"{entry.get('description', '')}{f' ({extra})' if extra else ''}"
