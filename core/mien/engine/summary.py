"""What each track says, in one line: for the table at the end of a run, the report and lists of media."""

from __future__ import annotations

from collections import Counter

import numpy as np

from mien.tracks.track import AnyTrack, Boxes, Curve, Features, Spans


def clock(seconds: float) -> str:
    """Seconds as `1:02:03` or `2:03`, tenths below a minute: `5.3 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def describe(track: AnyTrack) -> str:
    """One line on what a track holds."""
    if not len(track):
        return "nothing found"
    if isinstance(track, Curve):
        return _curve(track)
    if isinstance(track, Spans):
        return _spans(track)
    if isinstance(track, Boxes):
        persons = np.unique(track.person).size
        pictures = np.unique(track.times).size
        return f"{_count(persons, 'person')} in {_count(pictures, 'picture')}"
    assert isinstance(track, Features)
    return f"{_count(len(track), 'vector')} of {track.vectors.shape[1]} numbers"


def _curve(track: Curve) -> str:
    if len(track.quantities) > 4:  # a distribution over classes: what prevails
        top = Counter(track.channels[i] for i in track.values.argmax(1).tolist())
        shares = [f"{name} {100 * n / len(track):.0f} %" for name, n in top.most_common(3)]
        return f"mostly {', '.join(shares)}"
    parts = []
    for column, quantity in enumerate(track.quantities):
        values = track.values[:, column]
        peak = int(np.nanargmax(np.abs(values - np.nanmean(values)))) if values.size > 1 else 0
        signed = "+" if quantity.low is not None and quantity.low < 0 else ""
        unit = f" {quantity.unit}" if quantity.unit else ""
        parts.append(
            f"{quantity.name} {np.nanmean(values):{signed}.2f}{unit} "
            f"({values[peak]:{signed}.2f} at {clock(float(track.times[peak]))})"
        )
    return " · ".join(parts)


def _spans(track: Spans) -> str:
    covered = float((track.end - track.start).sum())
    labels = Counter(label for label in track.label if label)
    words = sum(len(text.split()) for text in track.text)
    parts = [f"{_count(len(track), 'span')}, {clock(covered)}"]
    if words > 3 * len(track):
        parts.append(_count(words, "word"))
    if labels and len(labels) <= 4:
        parts.append(", ".join(f"{name} {n}" for name, n in labels.most_common()))
    scores = track.score[~np.isnan(track.score)]
    if scores.size:
        at = int(np.nanargmax(track.score))
        parts.append(f"highest {track.score[at]:.2f} at {clock(float(track.start[at]))}")
    return " · ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}".replace(",", "\u2009")
