"""How good a reading is: figures with bootstrap intervals, per medium and over all, and the four kinds of agreement."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.evaluation.metrics import (
    Interval,
    accuracy,
    balanced_accuracy,
    bootstrap_ci,
    ccc,
    class_scores,
    macro_f1,
    pearson,
    rmse,
    wer,
)
from mien.truth.match import Match, Sample

_REPEATS, _REPEATS_FEW = 1000, 250  # drawings for an interval; the few for one medium, or for very many samples
_VERY_MANY = 2000
_MANY = 5  # media from which on whole media are drawn for the interval
_MOST = 50  # media beyond which a medium's own figures have no intervals

_ROUNDING = 1e-6  # what readings, stored as float32, may fall short of a threshold that they reach

Metric = Callable[..., float]
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Figure:
    """One metric with its interval of 95 %; the ends are NaN where there is none."""

    name: str
    interval: Interval


@dataclass(frozen=True)
class Group:
    """Figures of one medium, or of all together.

    Args:
        medium: id, empty for all; path: None for all.
        n: samples with a reading; missing: labelled stretches without one.
    """

    medium: str
    path: Path | None
    n: int
    missing: int
    figures: tuple[Figure, ...]

    def figure(self, name: str) -> Interval | None:
        """A figure by its name."""
        return next((f.interval for f in self.figures if f.name == name), None)


@dataclass(frozen=True)
class Confusion:
    """How often each true class (rows) was read as each class (columns); counts (K, K)."""

    classes: tuple[str, ...]
    counts: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """All that is known of one match.

    Args:
        samples: those with a reading, in the labels' order; kinds: for each its number in `kind_names`.
        missing: labelled stretches without a reading; apart: samples of classes that the reading does not know.
        whole: figures over all media; media: over each.
        notes: what has to be known when reading the figures.
    """

    match: Match
    samples: tuple[Sample, ...]
    kinds: tuple[int, ...]
    missing: tuple[Sample, ...]
    apart: tuple[Sample, ...]
    whole: Group
    media: tuple[Group, ...]
    confusion: Confusion | None
    notes: tuple[str, ...]

    @property
    def kind_names(self) -> tuple[str, ...]:
        """The kinds of agreement and error."""
        return KINDS[self.match.task]

    def count(self, kind: int) -> int:
        """How many samples are of a kind."""
        return self.kinds.count(kind)

    def worst(self, most: int = 100) -> list[Sample]:
        """The samples with the largest errors, those without one left out."""
        errors = [(error(self.match, s), -n, s) for n, s in enumerate(self.samples)]
        return [s for e, _, s in sorted(errors, key=lambda one: one[:2], reverse=True)[:most] if e > 0]


KINDS = {
    "scale": ("Agree", "Missed", "False alarm", "Far off"),
    "binary": ("Hit", "Missed", "False alarm", "Correct rejection"),
    "class": ("Right", "Wrong"),
    "words": ("Word for word", "With errors"),
}
"""Kinds of agreement by task. On a scale they are the four categories of the ConflictNET thesis' analysis GUI: truth and
reading on one side of the middle and near each other; truth high and reading low; truth low and reading high; on one
side, but more than a quarter of the extent apart. The middle counts as high."""


def score(match: Match, samples: Iterable[Sample]) -> Scored:
    """Score the samples of one match, in the order of the media.

    On a scale: CCC, Pearson, RMSE, and UAR and WAR of the sides of the middle. Yes or no: F1 of yes, UAR and WAR at the
    threshold. Classes: macro F1, UAR, WAR. Words: WER over all. Intervals draw whole media where there are five or
    more, else stretches; those of one medium always draw stretches.
    """
    everything = list(samples)
    apart = [
        s
        for s in everything
        if match.task == "class" and match.reading.classes and s.truth not in match.reading.classes
    ]
    left = {id(s) for s in apart}
    missing = [s for s in everything if s.prediction is None and id(s) not in left]
    there = [s for s in everything if s.prediction is not None and id(s) not in left]
    media: dict[str, list[Sample]] = {}
    for sample in everything:
        media.setdefault(sample.medium, [])
    for sample in there:
        media[sample.medium].append(sample)
    lost = Counter(s.medium for s in missing)
    paths = {s.medium: s.path for s in everything}
    groups = None
    if len({s.medium for s in there}) >= _MANY:
        groups = np.unique([s.medium for s in there], return_inverse=True)[1]
    whole = Group(
        "",
        None,
        len(there),
        len(missing),
        _figures(match, there, groups, _REPEATS if len(there) <= _VERY_MANY else _REPEATS_FEW),
    )
    repeats = _REPEATS_FEW if len(media) <= _MOST else 0
    each = tuple(
        Group(medium, paths[medium], len(own), lost[medium], _figures(match, own, None, repeats))
        for medium, own in media.items()
    )
    return Scored(
        match,
        tuple(there),
        tuple(kind(match, s) for s in there),
        tuple(missing),
        tuple(apart),
        whole,
        each,
        _confusion(match, there),
        tuple(_notes(match, there, missing, apart)),
    )


def kind(match: Match, sample: Sample) -> int:
    """The number in `KINDS` of a sample with a reading; on a scale the middle belongs to the high side."""
    truth, said = sample.truth, sample.prediction
    if match.task == "class":
        return int(truth != said)
    if match.task == "words":
        return int(word_errors(sample) > 0)
    assert isinstance(truth, float)
    assert isinstance(said, float)
    high, read_high = _sides(match, truth, said)
    if high != read_high:
        return 1 if high else 2
    if match.task == "binary":
        return 0 if high else 3
    return 0 if abs(truth - said) <= tolerance(match) + 1e-9 else 3


def _sides(match: Match, truth: float, said: float) -> tuple[bool, bool]:
    if match.task == "binary":
        return truth >= 0.5, said >= match.threshold - _ROUNDING
    return truth >= middle(match), said >= middle(match)


def middle(match: Match) -> float:
    """What parts high from low on a scale: the middle of the extent, or 0 without one."""
    centre = (match.reading.low + match.reading.high) / 2
    return centre if math.isfinite(centre) else 0.0


def tolerance(match: Match) -> float:
    """How far from the truth a reading may be to agree: a quarter of the extent, 0.5 from −1 to 1."""
    extent = match.reading.high - match.reading.low
    return extent / 4 if math.isfinite(extent) else math.inf


def error(match: Match, sample: Sample) -> float:
    """How wrong a sample is, 0 when it is right: distance as a share of the extent, share of the wrong class, wrong words."""
    truth, said = sample.truth, sample.prediction
    if match.task == "class":
        return sample.mass if truth != said else 0.0
    if match.task == "words":
        return float(word_errors(sample))
    assert isinstance(truth, float)
    assert isinstance(said, float)
    extent = match.reading.high - match.reading.low
    extent = extent if math.isfinite(extent) else 1.0
    if match.task == "binary":
        high, read_high = _sides(match, truth, said)
        return abs(truth - (said - match.reading.low) / extent) if high != read_high else 0.0
    return abs(truth - said) / extent


def words_of(text: float | str | None) -> int:
    """How many words a transcript has, counted as the word error rate counts them."""
    kept = "".join(c if c.isalnum() or c == "'" else " " for c in str(text or ""))
    return len(kept.split())


def word_errors(sample: Sample) -> int:
    """Words substituted, deleted and inserted."""
    truth, said = str(sample.truth), str(sample.prediction or "")
    words = words_of(truth)
    return round(wer(truth, said) * words) if words else words_of(said)


def _figures(
    match: Match, samples: Sequence[Sample], groups: npt.NDArray[np.int64] | None, repeats: int
) -> tuple[Figure, ...]:
    if not samples:
        return ()
    arrays, metrics = _arrays(match, samples)
    made = []
    for name, metric in metrics:
        if repeats and len(samples) > 1:
            interval = bootstrap_ci(metric, *arrays, groups=groups, repeats=repeats)
        else:
            interval = Interval(metric(*arrays), math.nan, math.nan, len(samples))
        made.append(Figure(name, interval))
    return tuple(made)


def _arrays(match: Match, samples: Sequence[Sample]) -> tuple[tuple[Array, ...], list[tuple[str, Metric]]]:
    if match.task == "words":
        errors = np.array([word_errors(s) for s in samples], np.float64)
        return (errors, np.array([words_of(s.truth) for s in samples], np.float64)), [("WER", _error_rate)]
    if match.task == "class":
        names = sorted({str(s.truth) for s in samples} | {str(s.prediction) for s in samples})
        codes = {name: n for n, name in enumerate(names)}
        pair = tuple(np.array([codes[str(v)] for v in column]) for column in _columns(samples))
        return pair, [("F1 macro", macro_f1), ("UAR", balanced_accuracy), ("WAR", accuracy)]
    truth, said = (np.array(column, np.float64) for column in _columns(samples))
    if match.task == "binary":
        sides = (truth >= 0.5).astype(int), (said >= match.threshold - _ROUNDING).astype(int)
        return sides, [("F1", _f1_of_yes), ("UAR", balanced_accuracy), ("WAR", accuracy)]
    centre = middle(match)

    def on_sides(metric: Metric) -> Metric:
        return lambda x, y: metric(x >= centre, y >= centre)

    both: list[tuple[str, Metric]] = [("CCC", ccc), ("Pearson", pearson), ("RMSE", rmse)]
    return (truth, said), [*both, ("UAR", on_sides(balanced_accuracy)), ("WAR", on_sides(accuracy))]


def _columns(samples: Sequence[Sample]) -> tuple[list[Any], list[Any]]:
    return [s.truth for s in samples], [s.prediction for s in samples]


def _error_rate(errors: Array, words: Array) -> float:
    total = float(words.sum())
    return float(errors.sum()) / total if total else float(errors.sum() > 0)


def _f1_of_yes(truth: Array, said: Array) -> float:
    labels, _, _, f1, _ = class_scores(truth, said)
    return float(f1[labels == 1][0]) if (labels == 1).any() else 0.0


def _confusion(match: Match, samples: Sequence[Sample]) -> Confusion | None:
    if match.task not in ("class", "binary") or not samples:
        return None
    if match.task == "binary":
        counts = np.zeros((2, 2), np.int64)
        for s in samples:
            high, read_high = _sides(match, float(s.truth), float(s.prediction or 0.0))
            counts[int(high), int(read_high)] += 1
        return Confusion(("no", "yes"), counts)
    seen = {str(s.truth) for s in samples} | {str(s.prediction) for s in samples}
    known = match.reading.classes
    names = (*(c for c in known if c in seen), *sorted(seen - set(known)))
    place = {name: n for n, name in enumerate(names)}
    counts = np.zeros((len(names), len(names)), np.int64)
    for s in samples:
        counts[place[str(s.truth)], place[str(s.prediction)]] += 1
    return Confusion(names, counts)


def _notes(match: Match, there: Sequence[Sample], missing: Sequence[Sample], apart: Sequence[Sample]) -> Iterable[str]:
    if missing:
        yield f"{_stretches(len(missing))} without any reading, left out of the figures."
    if apart:
        names = ", ".join(sorted({str(s.truth) for s in apart}))
        yield f"{_stretches(len(apart))} of classes that {match.reading.name} does not tell ({names}), left out."
    low, high = match.reading.low, match.reading.high
    truths = [s.truth for s in there if isinstance(s.truth, float)]
    if match.task == "scale" and truths and (min(truths) < low - 1e-6 or max(truths) > high + 1e-6):
        yield (
            f"The labels reach from {min(truths):g} to {max(truths):g}, the reading from {low:g} to {high:g}: "
            "give the labels' own scale, or CCC, RMSE and the sides mean nothing."
        )
    media = len({s.medium for s in there})
    if 1 < media < _MANY:
        yield f"The intervals draw stretches, not media: there are only {media}, and stretches of one are alike."


def _stretches(n: int) -> str:
    return "1 labelled stretch" if n == 1 else f"{n} labelled stretches"
