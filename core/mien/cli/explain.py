"""`mien explain`: which seconds of sound, or which part of a face, made a reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import typer

from mien.cli import say
from mien.config import load
from mien.engine.choice import Choice, parse_settings
from mien.engine.explain import explain, explainer
from mien.engine.registry import Registry
from mien.errors import UsageError, shown
from mien.exchange.explained import face_facts, seconds_facts, thirds
from mien.exchange.text import clock
from mien.sdk.inputs import Crops
from mien.sdk.protocols import Explanation, FaceExplanation

THIRDS = ("top", "middle", "bottom")


def explain_reading(
    path: Path,
    plugin: str,
    at: float,
    of: str,
    out: Path | None,
    settings: list[str],
    device: str | None,
    as_json: bool,
) -> None:
    """Print what each stretch of the window around `at`, or each part of the face seen then, contributed."""
    registry = Registry.load()
    chosen = load()
    info = explainer(registry, plugin)
    plugin = info.id
    choice = Choice(
        analyzers=(plugin,),
        fusion="",
        settings=parse_settings(registry, settings),
        device=device or chosen.device,
        precision=chosen.precision,
    ).checked(registry)
    inputs = info.inputs_for(choice.params(registry, plugin))
    if out is not None and not any(isinstance(i, Crops) for i in inputs):
        raise UsageError(f"--out writes the picture of a face, and {plugin} does not read faces; leave it out.")
    found = explain(path, plugin, at, choice, registry, of=of)
    if isinstance(found, FaceExplanation):
        _face(plugin, found, out, as_json)
    else:
        _sound(plugin, found, as_json)


def _sound(plugin: str, found: Explanation, as_json: bool) -> None:
    if as_json:
        say.emit_json(seconds_facts(plugin, found))
        return
    start, end = found.parts.extent
    what = f"{plugin} reads {found.of} {found.reading:+.2f}" if found.of else f"{plugin} reads {found.reading:+.2f}"
    typer.echo(f"{what} from {clock(start)} to {clock(end)}; what raised or lowered it")
    finite = found.parts.score[~np.isnan(found.parts.score)]
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    for s, e, _, _, score, _ in found.parts.rows():
        if np.isnan(score):
            typer.echo(f"  {clock(s):>8} – {clock(e):<8}   not selected")
            continue
        bar = "█" * round(20 * abs(score) / largest) if largest else ""
        typer.echo(f"  {clock(s):>8} – {clock(e):<8} {score:+.3f} {bar}")
    typer.echo(f"  fit R² {found.fit:.2f}, contributions in {found.unit or 'units of the reading'}")


def _face(plugin: str, found: FaceExplanation, out: Path | None, as_json: bool) -> None:
    if out is not None:
        from mien.exchange.heat import write_picture

        write_picture(found, out)
    if as_json:
        say.emit_json(face_facts(plugin, found, out))
        return
    typer.echo(f"{plugin} reads the face at {clock(found.time)}")
    for row in np.argsort(-found.posterior):
        share = float(found.posterior[row])
        typer.echo(f"  {found.labels[row]:<10} {share:4.2f} {'█' * round(20 * share)}")
    told = ", ".join(f"{name} {sum(row):.0%}" for name, row in zip(THIRDS, thirds(found), strict=True))
    typer.echo(f"  attention by thirds of the face: {told}")
    if out is not None:
        typer.echo(f"  picture: {shown(out)}")
