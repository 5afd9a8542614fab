"""Runs one fusion on the tracks of one medium and says what it read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.engine.align import Grid
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.isolation.proxy import IsolatedFusion
from mien.engine.plan import CONDITIONING, Node, Plan, digest
from mien.engine.reach import reach_of
from mien.engine.registry import Registry, create
from mien.engine.verdicts import find_verdicts
from mien.errors import ModelError, PluginError
from mien.sdk.descriptors import FusionInfo, Writes
from mien.sdk.fusion import FusionParams
from mien.sdk.protocols import Fused, FusedCurve
from mien.tracks.quantity import probability
from mien.tracks.track import AnyTrack, Curve

STRETCH = 2400
"""Steps of the grid that a fusion gets at once: ten minutes at the usual spacing, so that memory stays flat."""
VERDICTS = Writes("fusion.verdicts", "spans")
"""There even when nothing was judged: that there is none is a finding too."""
OWN = ("score", "weights", "verdicts")
"""Names under `fusion.` that the host writes itself."""
_NAME = re.compile(r"[a-z][a-z0-9_]*")


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
        ModelError: its weights are missing; the message holds the command that makes them.
    """
    if not choice.fusion:
        return None
    info = registry.fusion(choice.fusion)
    if info.needs_training:
        raise ModelError(f"{info.title} ({info.id}) has no weights yet; train it first with: {info.needs_training}")
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
    plan: FusionPlan,
    tracks: Mapping[str, AnyTrack],
    duration: float,
    context: RunContext,
    build: Callable[[FusionInfo], Any] = lambda info: create(info.factory),
) -> tuple[AnyTrack, ...]:
    """The fused curve, each modality's weight over time and the verdicts.

    Args:
        tracks: those of `plan.reads` that have readings.
        duration: s.
        build: makes the object behind the descriptor; by default in this process.

    Raises:
        PluginError: the fusion raised or returned nonsense.
    """
    there = {name: track for name, track in tracks.items() if name in plan.reads and len(track)}
    modality = {name: node.info.modality for name, node in plan.reads.items()}
    reach = {name: reach_of(node.inputs) for name, node in plan.reads.items()}
    grid = Grid(there, modality, reach, duration, plan.params.hop)
    fusion = build(plan.info)
    parts = []
    try:
        fusion.prepare(tuple(there), plan.params, context)
        for first in range(0, grid.times.size, STRETCH):
            context.check_cancelled()
            stretch = grid.stretch(first, first + STRETCH)
            part = fusion.fuse(stretch)
            _check(plan.info, part, stretch.times.size)
            parts.append(part)
    finally:
        if isinstance(fusion, IsolatedFusion):
            fusion.close()
    fused = _join(plan.info, parts)
    score = ~np.isnan(fused.score)
    curve = Curve("fusion.score", grid.times[score], fused.score[score, None], (fused.quantity,))
    weights = Curve(
        "fusion.weights",
        grid.times[score],
        fused.weights[score],
        tuple(probability(m, low_means="ignored", high_means="decides alone") for m in fused.modalities),
    )
    verdicts = find_verdicts(grid.times, fused, plan.params, duration)
    further = (Curve(f"fusion.{c.name}", grid.times[score], c.values[score], c.quantities) for c in fused.curves)
    written: tuple[AnyTrack, ...] = (curve, weights, verdicts, *further)
    return tuple(track for track in written if len(track))


def _join(info: FusionInfo, parts: Sequence[Fused]) -> Fused:
    """The readings of successive stretches as one."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if len({(p.modalities, p.quantity, tuple((c.name, c.quantities) for c in p.curves)) for p in parts}) > 1:
        raise PluginError(
            f"{info.id} read other modalities or quantities in one stretch of the medium than in another."
        )
    return Fused(
        np.concatenate([p.score for p in parts]),
        np.concatenate([p.weights for p in parts]),
        first.modalities,
        np.concatenate([p.contributions for p in parts]),
        first.quantity,
        tuple(
            FusedCurve(c.name, np.concatenate([p.curves[i].values for p in parts]), c.quantities)
            for i, c in enumerate(first.curves)
        ),
    )


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
    names = [c.name for c in fused.curves]
    if len(set(names)) != len(names) or any(n in OWN or not _NAME.fullmatch(n) for n in names):
        raise PluginError(f"{info.id} returned curves with names that cannot be stored: {', '.join(names)}.")
    for further in fused.curves:
        _check_curve(info, further, there)


def _check_curve(info: FusionInfo, curve: FusedCurve, there: npt.NDArray[np.bool_]) -> None:
    if curve.values.shape != (there.size, len(curve.quantities)) or not curve.quantities:
        raise PluginError(f"{info.id} returned a curve {curve.name} that does not fit the grid of {there.size} steps.")
    values = curve.values[there]
    if not np.isfinite(values).all():
        raise PluginError(f"{info.id} returned a curve {curve.name} with gaps where there is a score.")
    for quantity, column in zip(curve.quantities, values.T, strict=True):
        low = -np.inf if quantity.low is None else quantity.low
        high = np.inf if quantity.high is None else quantity.high
        if column.size and (column.min() < low - 1e-3 or column.max() > high + 1e-3):
            raise PluginError(f"{info.id} returned {curve.name} outside the extent of {quantity.name}.")
