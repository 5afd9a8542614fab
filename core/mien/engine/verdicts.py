"""From a fused curve to verdicts: spans over a threshold, with hysteresis, minimum length and reasons."""

from __future__ import annotations

import numpy as np

from mien.sdk.fusion import FusionParams
from mien.sdk.protocols import Fused
from mien.tracks.track import Provenance, Spans, TimeArray


def find_verdicts(
    times: TimeArray, fused: Fused, params: FusionParams, duration: float, provenance: Provenance | None = None
) -> Spans:
    """Verdict spans of a fused score.

    Args:
        times: (T,) s, the grid's cell centres.
        fused: the reading.
        duration: s; no verdict reaches beyond it.

    Returns:
        Spans labelled with the quantity (`hostility`); score = mean of the fused score, text = the reasons: which
        modality said what and how much it counted.
    """
    half = params.hop / 2
    spans: list[list[int]] = []
    inside = False
    # Compared at once: step by step, two hours would take a tenth of a second.
    begins = fused.score >= params.threshold
    ends = np.isnan(fused.score) | (fused.score < params.threshold - params.hysteresis)
    for index, (over, under) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        if over and not inside:
            spans.append([index, index])
            inside = True
        elif under:
            inside = False
        if inside:
            spans[-1][1] = index
    merged: list[list[int]] = []
    for span in spans:
        if merged and times[span[0]] - times[merged[-1][1]] - params.hop < params.merge_gap - 1e-9:
            merged[-1][1] = span[1]
        else:
            merged.append(span)
    rows = []
    for first, stop in merged:
        start, end = max(0.0, float(times[first]) - half), min(float(times[stop]) + half, duration)
        if end - start + 1e-9 < params.min_length:
            continue
        part = slice(first, stop + 1)
        score = float(np.nanmean(fused.score[part]))
        rows.append((start, end, fused.quantity.name, reasons(fused, part), score))
    return Spans.of("fusion.verdicts", rows, provenance)


def reasons(fused: Fused, part: slice) -> str:
    """What each modality said over a stretch, the weightiest first: `text 0.93 (weight 60 %), voice 0.71 (weight 40 %)`."""
    if not fused.modalities:
        return ""
    scores = fused.score[part]
    weights = fused.weights[part]
    there = ~np.isnan(scores)
    if not there.any():
        return ""
    share = weights[there].mean(0)
    told = []
    for column in np.argsort(-share, kind="stable"):
        said = fused.contributions[part][:, column]
        said = said[~np.isnan(said)]
        if share[column] > 0 and said.size:
            told.append(f"{fused.modalities[column]} {said.mean():.2f} (weight {100 * share[column]:.0f} %)")
    return ", ".join(told)
