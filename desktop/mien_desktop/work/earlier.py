"""Earlier runs of a medium that the library still holds, each named by what was different then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mien.library.library import Library
from mien.library.rows import Run

SHOWN = 12
"""Runs at most; the newest."""


@dataclass(frozen=True)
class Earlier:
    """A run that can be compared with the current one. id: as `Library.run` takes it; label: what was different."""

    id: str
    label: str


def earlier(
    library: Library, medium: str, titles: Mapping[str, str], draws: Callable[[str, str], bool] = lambda *_: True
) -> list[Earlier]:
    """The complete runs of a medium that are not its current ones, the newest first.

    Args:
        titles: plugin id → title.
        draws: whether a track (name, kind) would be drawn; a run that read nothing of the kind is left out.
    """
    current = {run.analyzer: run for run in library.runs(medium)}
    found = []
    for run in library.runs(medium, current=False):
        now = current.get(run.analyzer)
        if run.status != "complete" or now is None or run.id == now.id:
            continue
        if not any(track.rows and draws(track.name, track.kind) for track in library.tracks(run).infos()):
            continue
        title = titles.get(run.analyzer, run.analyzer)
        found.append(Earlier(run.id, f"{title}: {difference(run, now)}"))
        if len(found) == SHOWN:
            break
    return found


def difference(run: Run, now: Run) -> str:
    """What sets a run apart from the current one, in a few words."""
    told = [
        f"{_spoken(name)} {_value(run.params[name])}"
        for name in run.params
        if name not in now.params or now.params[name] != run.params[name]
    ]
    if run.version != now.version:
        told.append(f"version {run.version}")
    if run.models != now.models:
        told.append("other weights")
    if run.precision != now.precision:
        told.append(run.precision)
    if not told:
        # The same settings over other readings: a fusion of what another analyzer said then.
        told.append(f"of {run.started.astimezone():%d %b, %H:%M}")
    return ", ".join(told)


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
