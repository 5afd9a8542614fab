"""A selection of an analysis: what lies in a stretch of time. Times stay those of the medium."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from mien.errors import ExportError
from mien.exchange.corrections import judged
from mien.exchange.text import clock
from mien.sdk.protocols import Analysis
from mien.tracks.track import AnyTrack, Spans

Span = tuple[float, float]
"""(start, end) in s from the medium's beginning, end excluded."""


def cut(analysis: Analysis, span: Span | None) -> Analysis:
    """The analysis of one stretch.

    Rows of curves, boxes and features are those in [start, end). Spans that touch it are kept with their whole text;
    what of their time lies outside is cut off. Corrections of what touches it are kept, as it was predicted or where
    people put it. `partial` says what the stretch is.

    Args:
        span: None takes everything, and gives the analysis as it is.

    Raises:
        mien.errors.ExportError: the stretch has no length, or lies behind the medium's end.
    """
    if span is None:
        return analysis
    start, end = checked_span(span, analysis.media.duration)
    of = "" if analysis.media.duration is None else f" of {clock(analysis.media.duration)}"
    told = f"Only {clock(start)} to {clock(end)}{of} was exported."
    return replace(
        analysis,
        tracks={name: _cut(track, start, end) for name, track in analysis.tracks.items()},
        partial=f"{told} {analysis.partial}".strip(),
        # Whole, and all that was said of one stretch: each names the reading that it speaks of, and they add up.
        corrections=tuple(c for one in judged(analysis.corrections) if one.touches(start, end) for c in one.changes),
        span=(start, end),
    )


def checked_span(span: Span, duration: float | None) -> Span:
    """The stretch, ended where the medium ends.

    Raises:
        mien.errors.ExportError: it has no length, or lies behind the medium's end.
    """
    start, end = max(float(span[0]), 0.0), float(span[1])
    if not (math.isfinite(start) and end > start):  # never true of NaN
        raise ExportError(f"The selection must end after it begins, not run from {span[0]:g} s to {span[1]:g} s.")
    if duration is not None and start >= duration:
        raise ExportError(f"The selection begins at {start:g} s, but the medium ends at {duration:g} s.")
    if duration is not None:
        end = min(end, duration)
    if not math.isfinite(end):
        raise ExportError("The medium's length is not known; say where the selection ends.")
    return start, end


def begin_and_end(analysis: Analysis) -> Span:
    """The stretch that an analysis speaks of, in s; the last reading's end where the medium's is not known."""
    if analysis.span is not None:
        return analysis.span
    return 0.0, analysis.media.duration or max((t.extent[1] for t in analysis.tracks.values()), default=0.0)


def _cut(track: AnyTrack, start: float, end: float) -> AnyTrack:
    inside = track.slice(start, end)
    if isinstance(inside, Spans):
        return replace(inside, start=np.clip(inside.start, start, end), end=np.clip(inside.end, start, end))
    return inside
