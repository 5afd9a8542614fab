"""Where the dots of a scatter lie, what its axes say and which regions are marked. No widgets."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mien.exchange.text import clock
from mien.truth.match import Sample
from mien.truth.score import Scored, middle, tolerance, word_errors, words_of

Floats = npt.NDArray[np.float64]

_MARGIN = 0.05  # of the extent, as in the thesis' canvas of ±105
_SPREAD = 0.34  # to each side of a class, so that equal dots lie beside each other
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Axis:
    """One axis.

    Args:
        low, high: its ends.
        ticks: (value, text).
        low_means, high_means: the ends in words, or empty.
    """

    title: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    low_means: str = ""
    high_means: str = ""


@dataclass(frozen=True)
class Region:
    """A kind of agreement as it is marked on the plane.

    Args:
        kind: its number; name: what it is called, empty where that is not written; count: samples in it.
        outlines: polygons, each (P, 2) in the axes' units.
        at: where its name stands, and with which corner of the text (−1 left or lower, 1 right or upper).
    """

    kind: int
    name: str
    count: int
    outlines: tuple[tuple[tuple[float, float], ...], ...]
    at: tuple[float, float]
    corner: tuple[int, int]


@dataclass(frozen=True)
class Dots:
    """A scatter of truth (x) against reading (y).

    Args:
        x, y: (N,); kinds: (N,) numbers into `names`.
        lines: the lines that part the regions: (x1, y1, x2, y2).
        diagonal: whether truth equals reading on the diagonal.
        cells: (x, y, count) of each pair of classes, where there are classes.
    """

    scored: Scored
    x: Floats
    y: Floats
    kinds: npt.NDArray[np.int64]
    names: tuple[str, ...]
    across: Axis
    up: Axis
    regions: tuple[Region, ...]
    lines: tuple[tuple[float, float, float, float], ...]
    diagonal: bool
    cells: tuple[tuple[float, float, int], ...] = ()

    def sample(self, number: int) -> Sample:
        """The sample behind a dot."""
        return self.scored.samples[number]


def dots(scored: Scored) -> Dots:
    """Lay out the samples of a match."""
    task = scored.match.task
    if task == "scale":
        return _scale(scored)
    if task == "binary":
        return _binary(scored)
    return _classes(scored) if task == "class" else _words(scored)


def told(scored: Scored, number: int) -> tuple[str, str]:
    """Two lines on a sample: where it is, and what was labelled and read."""
    sample = scored.samples[number]
    end = "end" if not math.isfinite(sample.end) else clock(sample.end)
    who = "" if sample.person is None else f" · person {sample.person}"
    where = f"{sample.path.name} · {clock(sample.start)} – {end}{who}"
    truth, read = value(scored, sample.truth, True), value(scored, sample.prediction)
    return where, f"truth {truth} · read {read} · {scored.kind_names[scored.kinds[number]].lower()}"


def value(scored: Scored, of: float | str | None, truth: bool = False) -> str:
    """A truth or a reading as it is shown."""
    if of is None:
        return "–"
    if isinstance(of, str):
        return of if scored.match.task == "class" else f"“{of}”"
    if scored.match.task == "binary" and truth:
        return "yes" if of >= 0.5 else "no"
    signed = scored.match.reading.low < 0
    return f"{of:+z.2f}".replace("-", "−") if signed else f"{of:.2f}"


def _scale(scored: Scored) -> Dots:
    match = scored.match
    x, y = _numbers(scored)
    low, high = match.reading.low, match.reading.high
    if not (math.isfinite(low) and math.isfinite(high)):
        both = np.concatenate([x, y]) if x.size else np.array([0.0, 1.0])
        low, high = float(both.min()), float(max(both.max(), both.min() + 1e-6))
    # Labels beyond the extent are shown where they are.
    left, right = min(low, float(x.min(initial=low))), max(high, float(x.max(initial=high)))
    centre, near = middle(match), min(tolerance(match), high - low)
    ends = match.reading.low_means, match.reading.high_means
    across = Axis(f"{match.column.name} (truth)", *_padded(left, right), _ticks(left, right), *ends)
    up = Axis(match.reading.name, *_padded(low, high), _ticks(low, high), *ends)
    a, b, c, d = across.low, across.high, up.low, up.high
    agree = (_band(centre, b, centre, d, near), _band(a, centre, c, centre, near))
    names = scored.kind_names
    regions = (
        Region(0, names[0], scored.count(0), agree, (b, d), (1, 1)),
        Region(1, names[1], scored.count(1), (_box(centre, b, c, centre),), (b, c), (1, -1)),
        Region(2, names[2], scored.count(2), (_box(a, centre, centre, d),), (a, d), (-1, 1)),
        Region(3, names[3], scored.count(3), (), (b, centre), (1, -1)),
    )
    return _dots(scored, x, y, across, up, regions, ((centre, c, centre, d), (a, centre, b, centre)), True)


def _binary(scored: Scored) -> Dots:
    match = scored.match
    x, y = _numbers(scored)
    low, high = match.reading.low, match.reading.high
    cut = match.threshold
    across = Axis(f"{match.column.name} (truth)", -0.5, 1.5, ((0.0, "no"), (1.0, "yes")))
    up = Axis(
        match.reading.name, *_padded(low, high), _ticks(low, high), match.reading.low_means, match.reading.high_means
    )
    a, b, c, d = across.low, across.high, up.low, up.high
    places = (
        (_box(0.5, b, cut, d), (b, d), (1, 1)),
        (_box(0.5, b, c, cut), (b, c), (1, -1)),
        (_box(a, 0.5, cut, d), (a, d), (-1, 1)),
        (_box(a, 0.5, c, cut), (a, c), (-1, -1)),
    )
    names = scored.kind_names
    regions = tuple(Region(n, names[n], scored.count(n), (box,), at, side) for n, (box, at, side) in enumerate(places))
    lines = ((0.5, c, 0.5, d), (a, cut, b, cut))
    return _dots(scored, x + _SPREAD * _jitter(x.size), y, across, up, regions, lines, False)


def _classes(scored: Scored) -> Dots:
    confusion = scored.confusion
    names = confusion.classes if confusion is not None else ()
    place = {name: n for n, name in enumerate(names)}
    x = np.array([place[str(s.truth)] for s in scored.samples], np.float64)
    y = np.array([place[str(s.prediction)] for s in scored.samples], np.float64)
    top = max(len(names), 1) - 0.5
    ticks = tuple((float(n), name) for name, n in place.items())
    across = Axis(f"{scored.match.column.name} (truth)", -0.5, top, ticks)
    up = Axis(scored.match.reading.name, -0.5, top, ticks)
    squares = tuple(_box(n - 0.5, n + 0.5, n - 0.5, n + 0.5) for n in range(len(names)))
    regions = (Region(0, "", scored.count(0), squares, (top, top), (1, 1)),)
    cuts = [n + 0.5 for n in range(len(names) - 1)]
    lines = tuple((c, -0.5, c, top) for c in cuts) + tuple((-0.5, c, top, c) for c in cuts)
    counts = confusion.counts.tolist() if confusion is not None else []
    cells = tuple((float(t), float(p), n) for t, row in enumerate(counts) for p, n in enumerate(row) if n)
    spread = _SPREAD * _jitter(x.size), _SPREAD * _jitter(x.size, 0.5)
    made = _dots(scored, x + spread[0], y + spread[1], across, up, regions, lines, False)
    return replace(made, cells=cells)


def _words(scored: Scored) -> Dots:
    x = np.array([words_of(s.truth) for s in scored.samples], np.float64)
    wrong = np.array([word_errors(s) for s in scored.samples], np.float64)
    y = np.maximum(x - wrong, 0.0)
    most = max(1.0, float(x.max(initial=1.0)))
    across, up = (
        Axis(title, -0.5, most + 0.5, _whole_ticks(most)) for title in ("words said (truth)", "words heard rightly")
    )
    # Equal counts lie beside each other, not upon each other.
    return _dots(scored, x + 0.35 * _jitter(x.size), y + 0.2 * _jitter(x.size, 0.5), across, up, (), (), True)


def _dots(
    scored: Scored,
    x: Floats,
    y: Floats,
    across: Axis,
    up: Axis,
    regions: tuple[Region, ...],
    lines: tuple[tuple[float, float, float, float], ...],
    diagonal: bool,
) -> Dots:
    kinds = np.array(scored.kinds, np.int64)
    return Dots(scored, x, y, kinds, scored.kind_names, across, up, regions, lines, diagonal)


def _numbers(scored: Scored) -> tuple[Floats, Floats]:
    pairs = [(float(s.truth), float(s.prediction or 0.0)) for s in scored.samples]
    both = np.array(pairs, np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _jitter(count: int, phase: float = 0.0) -> Floats:
    """Numbers from −1 to 1 that fill the range evenly, the same every time."""
    step = _GOLDEN if not phase else math.sqrt(2) - 1
    return np.asarray((np.arange(count) * step + phase) % 1.0 * 2.0 - 1.0, np.float64)


def _padded(low: float, high: float) -> tuple[float, float]:
    margin = _MARGIN * (high - low) / 2
    return low - margin, high + margin


def _ticks(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Round numbers, four to eight of them."""
    rough = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next((m * unit for m in (1, 2, 2.5, 5, 10) if m * unit >= rough * 0.999), unit)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (1 if round(step / unit, 3) == 2.5 else 0)
    values = [(first + n) * step for n in range(count)]
    return tuple((v, f"{v if abs(v) > step / 2 else 0:.{digits}f}".replace("-", "−")) for v in values)


def _whole_ticks(most: float) -> tuple[tuple[float, str], ...]:
    step = max(1, math.ceil(most / 5))
    return tuple((float(n), str(n)) for n in range(0, int(most) + 1, step))


def _box(left: float, right: float, bottom: float, top: float) -> tuple[tuple[float, float], ...]:
    return ((left, bottom), (right, bottom), (right, top), (left, top))


def _band(left: float, right: float, bottom: float, top: float, near: float) -> tuple[tuple[float, float], ...]:
    """The part of a box where x and y are at most `near` apart."""
    shape = [(left, bottom), (right, bottom), (right, top), (left, top)]
    for sign in (1.0, -1.0):
        cut: list[tuple[float, float]] = []
        for n, (x, y) in enumerate(shape):
            px, py = shape[n - 1]
            here, before = sign * (x - y) - near, sign * (px - py) - near
            if (here <= 0) != (before <= 0):
                share = before / (before - here)
                cut.append((px + share * (x - px), py + share * (y - py)))
            if here <= 0:
                cut.append((x, y))
        shape = cut
    return tuple(shape)
