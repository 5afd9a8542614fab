"""Runs one fusion on the tracks of one medium and says what it read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mien.engine.align import align
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.plan import CONDITIONING, Node, Plan, digest
from mien.engine.registry import Registry, create
from mien.engine.verdicts import find_verdicts
from mien.errors import PluginError
from mien.sdk.descriptors import FusionInfo
from mien.sdk.fusion import FusionParams
from mien.sdk.inputs import Audio
from mien.sdk.protocols import Fused
from mien.tracks.quantity import probability
from mien.tracks.track import AnyTrack, Curve


@dataclass(frozen=True)
class FusionPlan:
    """A fusion with its parameters, the tracks of the plan that it can read, and its run's key."""

    info: FusionInfo
    params: FusionParams
    reads: Mapping[str, Node]
    models: Mapping[str, str]
    key: str


def plan_fusion(choice: Choice, registry: Registry, plan: Plan, broken: Mapping[str, str]) -> FusionPlan | None:
    """The chosen fusion over those analyzers that did not fail, or None when none was chosen.

    Raises:
        UsageError: there is no such fusion.
        ModelError: its weights are missing.
    """
    if not choice.fusion:
        return None
    info = registry.fusion(choice.fusion)
    params = choice.params(registry, info.id)
    if not isinstance(params, FusionParams):
        raise PluginError(f"the params of {info.id} must be a subclass of mien.sdk.FusionParams.")
    reads = {
        written.name: node
        for node in plan.nodes
        if not node.skipped and node.id not in broken
        for written in node.info.outputs_for(node.params)
        if written.name in info.accepts
    }
    models = {}
    if info.models:
        from mien.models.store import fingerprint

        models = {model: fingerprint(model) for model in info.models}
    key = digest(
        {
            "conditioning": CONDITIONING,
            "fusion": info.id,
            "version": info.version,
            "params": params.model_dump(mode="json"),
            "models": models,
            "reads": {name: node.key for name, node in reads.items()},
        }
    )
    return FusionPlan(info, params, reads, models, key)


def fuse(
    plan: FusionPlan, tracks: Mapping[str, AnyTrack], duration: float, context: RunContext
) -> tuple[AnyTrack, ...]:
    """The fused curve, each modality's weight over time and the verdicts.

    Args:
        tracks: those of `plan.reads` that have readings.
        duration: s.

    Raises:
        PluginError: the fusion raised or returned nonsense.
    """
    there = {name: track for name, track in tracks.items() if name in plan.reads and len(track)}
    modality = {name: node.info.modality for name, node in plan.reads.items()}
    reach = {name: _reach(node) for name, node in plan.reads.items()}
    grid = align(there, modality, reach, duration, plan.params.hop)
    fusion = create(plan.info.factory)
    fusion.prepare(tuple(there), plan.params, context)
    fused = fusion.fuse(grid)
    _check(plan.info, fused, grid.times.size)
    score = ~np.isnan(fused.score)
    curve = Curve("fusion.score", grid.times[score], fused.score[score, None], (fused.quantity,))
    weights = Curve(
        "fusion.weights",
        grid.times[score],
        fused.weights[score],
        tuple(probability(m, low_means="ignored", high_means="decides alone") for m in fused.modalities),
    )
    verdicts = find_verdicts(grid.times, fused, plan.params, duration)
    return tuple(t for t in (curve, weights, verdicts) if len(t))


def _reach(node: Node) -> float:
    windows = [i.window for i in node.inputs if isinstance(i, Audio) and i.window is not None]
    return max(windows) / 2 if windows else 0.0


def _check(info: FusionInfo, fused: object, size: int) -> None:
    if not isinstance(fused, Fused):
        raise PluginError(f"{info.id} returned {type(fused).__name__}, which is no fused reading.")
    shape = (size, len(fused.modalities))
    if fused.score.shape != (size,) or fused.weights.shape != shape or fused.contributions.shape != shape:
        raise PluginError(f"{info.id} returned arrays that do not fit the grid of {size} steps.")
    there = ~np.isnan(fused.score)
    low, high = fused.quantity.low, fused.quantity.high
    values = fused.score[there]
    if values.size and (
        (low is not None and values.min() < low - 1e-3) or (high is not None and values.max() > high + 1e-3)
    ):
        raise PluginError(f"{info.id} returned scores outside the extent of {fused.quantity.name}.")
    sums = fused.weights.sum(1)
    if not np.isfinite(fused.weights).all() or not np.allclose(sums[there], 1, atol=1e-3):
        raise PluginError(f"{info.id} returned weights that do not sum to one.")
