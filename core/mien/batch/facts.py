"""One medium in a few figures: what a row of the summary says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np

from mien.exchange.findings import covered
from mien.library.peaks import peaks_of
from mien.library.tracks import Tracks
from mien.tracks.track import AnyTrack, Boxes, Curve, Spans

VERSION: Final = 1
"""Raised when the figures change, so that kept ones are made anew."""

_MOST_LABELS = 12
"""A track with more labels than this has no classes, but texts."""

Facts = Mapping[str, float | int]


def facts_of(tracks: Tracks) -> dict[str, float | int]:
    """The figures of every track but vectors, by names such as `conflict.intensity.conflict.max`.

    Curves tell mean, min, max and when in s the maximum is (`max_at`) of every channel; spans their number, the seconds
    they cover, the highest score with its time, and number and seconds of each label; transcripts also their words; boxes the
    number of persons. What is not known is left out.

    Raises:
        LibraryError: a track cannot be read.
    """
    found: dict[str, float | int] = {}
    for info in sorted(tracks.infos(), key=lambda i: i.name):
        if info.kind == "features":
            continue
        for name, value in _of(tracks[info.name]).items():
            found[f"{info.name}.{name}"] = value
    return found


def _of(track: AnyTrack) -> dict[str, float | int]:
    if isinstance(track, Curve):
        return _curve(track)
    if isinstance(track, Spans):
        return _spans(track)
    if isinstance(track, Boxes):
        return {"persons": int(np.unique(track.person).size)}
    return {}


def _curve(curve: Curve) -> dict[str, float | int]:
    found: dict[str, float | int] = {}
    for channel, peak in enumerate(peaks_of(curve)):
        if peak is not None:
            name = curve.channels[channel]
            mean = float(np.nanmean(curve.values[:, channel], dtype=np.float64))
            found |= {f"{name}.mean": mean, f"{name}.min": peak.low, f"{name}.max": peak.high}
            found[f"{name}.max_at"] = peak.high_at
    return found


def _spans(spans: Spans) -> dict[str, float | int]:
    found: dict[str, float | int] = {"count": len(spans), "seconds": covered(spans)}
    (peak,) = peaks_of(spans)
    if peak is not None:
        found |= {"score.max": peak.high, "score.max_at": peak.high_at}
    labels = Counter(label for label in spans.label if label)
    if len(labels) <= _MOST_LABELS and not spans.name.startswith("speech."):
        for label in sorted(labels):
            rows = np.array([one == label for one in spans.label], bool)
            found |= {f"{label}.count": labels[label], f"{label}.seconds": covered(spans.take(rows))}
    if spans.name == "speech.transcript":
        found["words"] = sum(len(text.split()) for text in spans.text)
    return found
