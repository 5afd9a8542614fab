"""What each modality found, as sentences with their numbers, units and times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mien.exchange.text import clean, clock
from mien.exchange.tiers import is_distribution, persons, spacing
from mien.sdk.protocols import Analysis
from mien.tracks.quantity import Quantity
from mien.tracks.track import AnyTrack, Boxes, Curve, FloatArray, Spans, TimeArray

MODALITIES = {
    "speech": "Speech",
    "text": "Words",
    "emotion": "Voice",
    "face": "Faces",
    "conflict": "Conflict",
    "fusion": "Together",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One track's sentence.

    Args:
        modality: its heading (`Speech`); of a third party's track, the first part of its name.
        track: the track's name.
        text: what was found.
        analyzer: id and version of who found it, or empty.
    """

    modality: str
    track: str
    text: str
    analyzer: str = ""


def findings(analysis: Analysis) -> tuple[Finding, ...]:
    """One finding a track, embeddings left out, in the order of the modalities."""
    # The share of a selection is not told: the sentence speaks of the medium.
    whole = analysis.media.duration if analysis.span is None else None
    found = [
        Finding(modality_of(name), clean(name), describe(track, whole), _by(track))
        for name, track in analysis.tracks.items()
        if track.kind != "features"
    ]
    order = list(MODALITIES.values())
    return tuple(sorted(found, key=lambda f: order.index(f.modality) if f.modality in order else len(order)))


def modality_of(track: str) -> str:
    """The heading that a track belongs under."""
    first = track.split(".", 1)[0]
    return MODALITIES.get(first, clean(first).capitalize())


def describe(track: AnyTrack, duration: float | None = None) -> str:
    """What a track found, in one sentence."""
    if not len(track):
        return "Nothing found."
    known = _KNOWN.get(track.name)
    if known is not None and isinstance(track, Spans):
        return known(track, duration)
    if isinstance(track, Spans):
        return _spans(track)
    if isinstance(track, Curve):
        return _distribution(track) if is_distribution(track.quantities) else _curve(track)
    if isinstance(track, Boxes):
        return _boxes(track)
    return f"{len(track)} vectors."


def peak(curve: Curve, channel: int = 0) -> tuple[float, float] | None:
    """The largest value of a channel and its time in s, or None without a reading."""
    values = curve.values[:, channel]
    if not np.isfinite(values).any():
        return None
    row = int(np.nanargmax(values))
    return float(values[row]), float(curve.times[row])


def covered(track: Spans) -> float:
    """Seconds that the spans cover, overlaps counted once."""
    total, reached = 0.0, -np.inf
    for start, end in zip(track.start, track.end, strict=True):
        total += max(0.0, float(end) - max(float(start), reached))
        reached = max(reached, float(end))
    return total


def verdict_threshold(analysis: Analysis) -> float | None:
    """The score at which a verdict begins, as the fusion's parameters say."""
    for name in ("fusion.verdicts", "fusion.score"):
        track = analysis.tracks.get(name)
        value = track.provenance.params.get("threshold") if track is not None and track.provenance else None
        if isinstance(value, int | float):
            return float(value)
    return None


def number(value: float, quantity: Quantity | None = None) -> str:
    """A value with its sign where the extent has both, and its unit."""
    signed = quantity is not None and quantity.low is not None and quantity.low < 0
    unit = f" {quantity.unit}" if quantity is not None and quantity.unit else ""
    return f"{value:{'+' if signed else ''}.2f}{unit}".replace("-", "−")


def count(n: int, noun: str) -> str:
    """`1 person`, `2 persons`."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _by(track: AnyTrack) -> str:
    return clean(f"{track.provenance.analyzer} {track.provenance.version}") if track.provenance else ""


def _voice(track: Spans, duration: float | None) -> str:
    seconds = covered(track)
    share = f" ({100 * seconds / duration:.0f} % of the medium)" if duration else ""
    return f"{clock(seconds)} of speech{share} in {len(track):,} stretch{'' if len(track) == 1 else 'es'}."


def _transcript(track: Spans, _: float | None) -> str:
    words = sum(len(text.split()) for text in track.text)
    speakers = {speaker for speaker in track.speaker if speaker}
    parts = [f"{count(len(track), 'utterance')}, {count(words, 'word')}"]
    if speakers:
        parts.append(count(len(speakers), "speaker"))
    backends = sorted({label for label in track.label if label})
    if backends:
        parts.append(f"written by {', '.join(clean(label) for label in backends)}")
    if np.isfinite(track.score).any():
        parts.append(f"mean confidence {np.nanmean(track.score):.2f}")
    return "; ".join(parts) + "."


def _words(track: Spans, _: float | None) -> str:
    sure = f"; mean confidence {np.nanmean(track.score):.2f}" if np.isfinite(track.score).any() else ""
    return f"{count(len(track), 'word')} with their times{sure}."


def _drivers(track: Spans, _: float | None) -> str:
    positive = int((np.nan_to_num(track.score) > 0).sum())
    return f"{count(len(track), 'word')} weighed; {positive:,} of them spoke for offence."


def _attended(track: Spans, _: float | None) -> str:
    if not np.isfinite(track.score).any():
        return f"{count(len(track), 'word')} read."
    row = int(np.nanargmax(track.score))
    most = f"{100 * track.score[row]:.0f} % of an utterance's, to “{clean(track.text[row])}”"
    return f"{count(len(track), 'word')} read; the most attention, {most} at {clock(float(track.start[row]))}."


def _labels(track: Spans, _: float | None) -> str:
    labels = Counter("not offensive" if label == "not" else clean(label) for label in track.label if label)
    told = ", ".join(f"{n:,} {label}" for label, n in labels.most_common())
    return f"{count(len(track), 'utterance')}: {told}{_highest(track)}."


def _verdicts(track: Spans, _: float | None) -> str:
    return f"{count(len(track), 'verdict')}, {clock(covered(track))} in all{_highest(track)}."


def _spans(track: Spans) -> str:
    labels = Counter(label for label in track.label if label)
    told = ", ".join(f"{clean(label)} {n:,}" for label, n in labels.most_common(4))
    rest = f" ({told}{', …' if len(labels) > 4 else ''})" if labels else ""
    return f"{count(len(track), 'span')}, {clock(covered(track))} in all{rest}{_highest(track)}."


def _highest(track: Spans) -> str:
    if not np.isfinite(track.score).any():
        return ""
    row = int(np.nanargmax(track.score))
    return f"; highest score {track.score[row]:.2f} at {clock(float(track.start[row]))}"


def _curve(track: Curve) -> str:
    told = []
    for channel, quantity in enumerate(track.quantities):
        best = peak(track, channel)
        if best is None:
            told.append(f"{clean(quantity.name)}: no reading")
            continue
        mean = float(np.nanmean(track.values[:, channel]))
        top = number(best[0], quantity)
        told.append(f"{clean(quantity.name)} {number(mean, quantity)} on average, at most {top} at {clock(best[1])}")
    people = persons(track)
    who = f" ({count(len(people), 'person')})" if people != [None] else ""
    return "; ".join(told) + who + "."


def _distribution(track: Curve) -> str:
    """What prevails. Of weights the mean share tells; of classes, how often each is the likeliest."""
    known = np.isfinite(track.values).all(1)
    if not known.any():
        return "No reading."
    values = track.values[known]
    if track.name == "fusion.weights":
        shares = values.mean(0)
        lead = "Counted on average: "
    else:
        shares = np.bincount(values.argmax(1), minlength=values.shape[1]) / values.shape[0]
        lead = "Mostly "
    order = [int(c) for c in np.argsort(-shares, kind="stable") if shares[c] >= 0.005]
    told = ", ".join(f"{clean(track.channels[c])} {100 * shares[c]:.0f} %" for c in order[:4])
    people = persons(track)
    who = f" ({count(len(people), 'person')})" if people != [None] else ""
    return f"{lead}{told}{who}."


def _boxes(track: Boxes) -> str:
    seen: list[tuple[int, FloatArray | TimeArray]] = [
        (int(p), np.unique(track.times[track.person == p])) for p in np.unique(track.person)
    ]
    step = spacing(track.times)
    told = [f"person {p} for {clock(times.size * step)}" for p, times in seen[:4]]
    more = f" and {len(seen) - 4} more" if len(seen) > 4 else ""
    return f"{count(len(seen), 'person')}: {', '.join(told)}{more}."


_KNOWN: dict[str, Callable[[Spans, float | None], str]] = {
    "speech.voice": _voice,
    "speech.transcript": _transcript,
    "speech.words": _words,
    "text.offence": _labels,
    "text.hate": _labels,
    "text.words": _drivers,
    "text.attention": _attended,
    "fusion.verdicts": _verdicts,
}
