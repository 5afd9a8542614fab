"""`mien explain`: which seconds of sound made a reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import typer

from mien.cli import say
from mien.config import load
from mien.engine.choice import Choice, parse_settings
from mien.engine.explain import explain
from mien.engine.registry import Registry
from mien.exchange.text import clock


def explain_reading(path: Path, plugin: str, at: float, settings: list[str], device: str | None, as_json: bool) -> None:
    """Print what each stretch of the window around `at` contributed."""
    registry = Registry.load()
    chosen = load()
    choice = Choice(
        analyzers=(plugin,),
        fusion="",
        settings=parse_settings(registry, settings),
        device=device or chosen.device,
        precision=chosen.precision,
    ).checked(registry)
    found = explain(path, plugin, at, choice, registry)
    if as_json:
        parts = [{"start": s, "end": e, "contribution": c} for s, e, _, _, c, _ in found.parts.rows()]
        facts = {"reading": found.reading, "intercept": found.intercept, "fit": found.fit, "unit": found.unit}
        say.emit_json({"plugin": plugin, **facts, "parts": parts})
        return
    start, end = found.parts.extent
    typer.echo(f"{plugin} reads {found.reading:+.2f} from {clock(start)} to {clock(end)}; what raised or lowered it")
    largest = float(np.nanmax(np.abs(found.parts.score))) if len(found.parts) else 0.0
    for s, e, _, _, score, _ in found.parts.rows():
        if np.isnan(score):
            typer.echo(f"  {clock(s):>8} – {clock(e):<8}   not selected")
            continue
        bar = "█" * round(20 * abs(score) / largest) if largest else ""
        typer.echo(f"  {clock(s):>8} – {clock(e):<8} {score:+.3f} {bar}")
    typer.echo(f"  fit R² {found.fit:.2f}, contributions in {found.unit or 'units of the reading'}")
