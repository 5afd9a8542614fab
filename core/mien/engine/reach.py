"""How far a reading speaks beyond its own moment: half the window of sound that it was computed on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mien.engine.choice import fill
from mien.engine.registry import Registry
from mien.errors import MienError
from mien.sdk.inputs import Audio, Input
from mien.tracks.track import AnyTrack


def reach_of(inputs: Iterable[Input]) -> float:
    """s that readings made from these inputs reach to either side; 0 where no window was declared."""
    windows = [i.window for i in inputs if isinstance(i, Audio) and i.window is not None]
    return max(windows) / 2 if windows else 0.0


def reach_of_run(registry: Registry, analyzer: str, params: Mapping[str, Any]) -> float:
    """The same of an earlier run, by its analyzer's id and parameters.

    Of an analyzer that is not installed nothing is known, which is 0; parameters that its present version does not have
    are left out.
    """
    info = registry.analyzers.get(analyzer)
    if info is None:
        return 0.0
    known = {name: value for name, value in params.items() if name in info.params.model_fields}
    try:
        return reach_of(info.inputs_for(fill(analyzer, info.params, known)))
    except MienError:
        return 0.0


def reach_of_track(registry: Registry, track: AnyTrack) -> float:
    """The same of a track, by its provenance."""
    made = track.provenance
    return 0.0 if made is None else reach_of_run(registry, made.analyzer, made.params)
