"""What a plugin returns is checked before anybody sees it: declared track, kind, quantities, times, extents, no NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.errors import PluginError
from mien.sdk.descriptors import AnalyzerInfo, Writes
from mien.tracks.track import AnyTrack, Boxes, Curve, Features, Spans

TOLERANCE = 1e-3
"""How far rounding may carry a value over its extent; it is clipped then, further out is refused."""


def check_piece(info: AnalyzerInfo, piece: object, duration: float | None) -> AnyTrack:
    """A piece as it may be stored.

    Args:
        info: who wrote it.
        piece: what it returned.
        duration: s of the medium, or None when not known yet.

    Raises:
        PluginError: in one sentence, what is not as declared.
    """
    if not isinstance(piece, Curve | Spans | Boxes | Features):
        raise PluginError(f"{info.id} returned {type(piece).__name__}, which is no track.")
    declared = next((w for w in info.outputs if w.name == piece.name), None)
    if declared is None:
        raise PluginError(f"{info.id} wrote the track {piece.name}, which its descriptor does not name.")
    if piece.kind != declared.kind:
        raise PluginError(f"{info.id} wrote {piece.name} as {piece.kind}; its descriptor says {declared.kind}.")
    if len(piece):
        start, end = piece.extent
        limit = np.inf if duration is None else duration + max(0.1, 0.002 * duration)
        if start < -1e-6 or end > limit:
            raise PluginError(f"{info.id} wrote {piece.name} from {start:.3f} s to {end:.3f} s, outside the medium.")
    return _check_values(info, declared, piece)


def _check_values(info: AnalyzerInfo, declared: Writes, piece: AnyTrack) -> AnyTrack:
    if isinstance(piece, Curve):
        names = tuple(q.name for q in declared.quantities)
        if piece.channels != names:
            raise PluginError(f"{info.id} wrote {piece.name} with channels {piece.channels}, not {names}.")
        _no_nan(info, piece.name, piece.values)
        return replace(piece, quantities=declared.quantities, values=_inside(info, declared, piece.name, piece.values))
    if isinstance(piece, Spans):
        known = ~np.isnan(piece.score)  # an absent score is none that could lie outside
        _no_nan(info, piece.name, piece.score[known])
        if not (declared.quantities and known.any()):
            return piece
        kept = piece.score.copy()
        kept[known] = _inside(info, declared, piece.name, piece.score[known][:, None])[:, 0]
        return replace(piece, score=kept)
    if isinstance(piece, Features):
        _no_nan(info, piece.name, piece.vectors)
        return piece
    for values in (piece.xywh, piece.score, piece.landmarks):
        if values is not None:
            _no_nan(info, piece.name, values)
    return piece


def _no_nan(info: AnalyzerInfo, name: str, values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise PluginError(f"{info.id} wrote {name} with values that are not numbers.")


def _inside(info: AnalyzerInfo, declared: Writes, name: str, values: np.ndarray) -> np.ndarray:
    low = np.array([-np.inf if q.low is None else q.low for q in declared.quantities], np.float32)
    high = np.array([np.inf if q.high is None else q.high for q in declared.quantities], np.float32)
    if values.size and ((values < low - TOLERANCE).any() or (values > high + TOLERANCE).any()):
        raise PluginError(f"{info.id} wrote {name} with values outside the extent it declared.")
    clipped: np.ndarray = np.clip(values, low, high)
    return clipped
