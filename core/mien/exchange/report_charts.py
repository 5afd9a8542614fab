"""The report's charts as inline SVG: every curve with axes, units and extents; strips for spans and what
prevails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mien.exchange.decimate import strokes
from mien.exchange.findings import describe, number
from mien.exchange.lines import Line
from mien.exchange.report_svg import (
    LEFT,
    RIGHT,
    WIDTH,
    Axis,
    bar,
    esc,
    figure,
    fixed,
    grid,
    label,
    rect,
    time_labels,
)
from mien.exchange.text import clock
from mien.exchange.tiers import binned, dominant, is_distribution, persons, spacing
from mien.sdk.protocols import Analysis
from mien.tracks.quantity import EXPRESSIONS, Quantity
from mien.tracks.track import Boxes, Curve, FloatArray, Spans, TimeArray

COLOURS = 8
"""Colours of persons and lines; the ninth person has the first's."""

_BUDGET = 12_000
"""Points of one track's chart, over all of its lines: what keeps the page small enough to mail."""
_SPARSE = 40
"""A line of so few readings, or one alone between gaps, has a dot at each."""
_DENSE, _MEANS = 900, 200
"""A line of more readings than this is drawn faintly, with its mean over the cells of so many on top."""
_ROW, _GAP, _FOOT = 20.0, 6.0, 20.0


@dataclass(frozen=True)
class Frame:
    """What all charts share: the time axis, the verdicts behind the lines, points a line has at most."""

    axis: Axis
    verdicts: tuple[tuple[float, float], ...] = ()
    points: int = 1500


def curve_chart(track: Curve, frame: Frame, threshold: float | None = None) -> str:
    """Panels, one a channel, a line a person; above them what prevails, where the channels are shares of one
    whole.
    """
    if track.name == "fusion.weights":
        return _weights_chart(track, frame)
    people = persons(track)
    shares = is_distribution(track.quantities)
    height = 34.0 if shares else 70.0 if len(track.quantities) > 1 else 92.0
    lines = max(len(track.quantities) * len(people), 1)
    points = int(min(frame.points, max(_BUDGET // lines, 80)))
    body, y = [], 4.0
    if shares and len(track):
        for person in people:
            body.append(_strip(track, person, frame.axis, y))
            y += _ROW + 3
        y += _GAP
    top = y
    between = _GAP if shares else 14.0
    panels = []
    for channel in range(len(track.quantities)):
        panels.append(_panel(track, channel, people, frame.axis, y, height, points, threshold))
        y += height + between
    bottom = y - between
    bands = "".join(bar(frame.axis, a, b, top, bottom - top, "band") for a, b in frame.verdicts)
    body += [bands, grid(frame.axis, top, bottom), *panels, time_labels(frame.axis, bottom + 15)]
    return legend(track, people) + figure(bottom + _FOOT, track.name, describe(track), "".join(body))


def overview(analysis: Analysis, lines: Sequence[Line], frame: Frame) -> str:
    """When there was a verdict, who spoke, what was offensive, whose face was seen: one row each."""
    rows = list(_overview_rows(analysis, lines, frame.axis))
    if not rows:
        return ""
    bottom = 4 + len(rows) * (_ROW + _GAP)
    body = [grid(frame.axis, 4, bottom - _GAP)]
    for n, (name, marks) in enumerate(rows):
        y = 4 + n * (_ROW + _GAP)
        body.append(rect(LEFT, y, WIDTH - LEFT - RIGHT, _ROW, "lane"))
        body.append(label(y + 14, name))
        body += [mark.replace("@y", fixed(y)).replace("@h", fixed(_ROW)) for mark in marks]
    body.append(time_labels(frame.axis, bottom + 9))
    told = "; ".join(f"{name}: {len(marks)} marks" for name, marks in rows)
    return figure(bottom + 14, "What happens when", told, "".join(body))


def legend(track: Curve, people: Sequence[int | None]) -> str:
    """Colours and what they stand for, where there are several."""
    items = []
    if track.name == "fusion.weights":
        items = [(f"m{n % COLOURS}", name) for n, name in enumerate(track.channels)]
    else:
        if is_distribution(track.quantities):
            items = [(_expression_class(n, track), name) for n, name in enumerate(track.channels)]
        if people != [None]:
            items += [(f"p{n % COLOURS} line", f"person {p}") for n, p in enumerate(people)]
        if len(track) > _DENSE * max(len(people), 1):
            items.append(("p0 line f", "thin: all readings, thick: their mean"))
    if not items:
        return ""
    return '<ul class="legend">' + "".join(f'<li><i class="{c}"></i>{esc(t)}</li>' for c, t in items) + "</ul>"


def _panel(
    track: Curve,
    channel: int,
    people: Sequence[int | None],
    axis: Axis,
    top: float,
    height: float,
    points: int,
    threshold: float | None,
) -> str:
    quantity = track.quantities[channel]
    low, high = _extent(track, channel)
    bottom = top + height

    def y(value: float) -> float:
        return bottom - (min(max(value, low), high) - low) / (high - low) * height

    parts = [rect(LEFT, top, WIDTH - LEFT - RIGHT, height, "frame")]
    if low < 0 < high:
        parts.append(f'<path class="zero" d="M{fixed(LEFT)} {fixed(y(0))}H{fixed(WIDTH - RIGHT)}"/>')
    parts.append(_scale(quantity, low, high, top, height))

    def line(times: TimeArray, values: FloatArray, kind: str) -> str:
        pieces = strokes(times, values, points)
        path = "".join(_path([(axis.x(t), y(v)) for t, v in zip(*piece, strict=True)]) for piece in pieces)
        sparse = sum(t.size for t, _ in pieces) <= _SPARSE
        dots = "".join(
            f'<circle class="d {kind}" cx="{fixed(axis.x(t))}" cy="{fixed(y(v))}" r="2.5"/>'
            for piece in pieces
            if sparse or piece[0].size == 1
            for t, v in zip(*piece, strict=True)
        )
        return (f'<path class="c {kind}" d="{path}"/>' if path else "") + dots

    means = []
    for n, person in enumerate(people):
        rows = slice(None) if person is None else track.person == person
        times, values = track.times[rows], track.values[rows, channel]
        dense = times.size > _DENSE
        parts.append(line(times, values, f"p{n % COLOURS}{' f' if dense else ''}"))
        if dense:
            step = axis.length / _MEANS
            starts, mean, _ = binned(track, step, person)
            means.append(line(starts + step / 2, mean[:, channel], f"p{n % COLOURS} w"))
    parts += means
    if threshold is not None and low < threshold < high:
        level_ = fixed(y(threshold))
        parts.append(f'<path class="limit" d="M{fixed(LEFT)} {level_}H{fixed(WIDTH - RIGHT)}"/>')
        place = f'x="{fixed(LEFT + 6)}" y="{fixed(y(threshold) - 4)}"'
        parts.append(f'<text class="limit" {place}>threshold {threshold:.2f}</text>')
    return "".join(parts)


def _scale(quantity: Quantity, low: float, high: float, top: float, height: float) -> str:
    """The channel's name, and the ends of its extent with what they mean."""
    edge, bottom = LEFT - 8, top + height
    unit = f" {quantity.unit}" if quantity.unit else ""
    if height < 50:
        ends = label(top + 9, f"{high:g}{unit}", "u", edge) + label(bottom - 1, f"{low:g}".replace("-", "−"), "u", edge)
        return label(top + height / 2 + 4, quantity.name, "l", edge - 26) + ends
    tops = f"{quantity.high_means} {high:g}{unit}".strip()
    lows = f"{quantity.low_means} {low:g}{unit}".strip().replace("-", "−")
    middle = label(top + height / 2 + 4, quantity.name, "l", edge)
    return label(top + 10, tops, "u", edge) + middle + label(bottom - 1, lows, "u", edge)


def _extent(track: Curve, channel: int) -> tuple[float, float]:
    quantity = track.quantities[channel]
    values = track.values[:, channel][np.isfinite(track.values[:, channel])]
    low = quantity.low if quantity.low is not None else float(values.min()) if values.size else 0.0
    high = quantity.high if quantity.high is not None else float(values.max()) if values.size else low + 1
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _path(points: list[tuple[float, float]]) -> str:
    head, *rest = points
    start = f"M{fixed(head[0])} {fixed(head[1])}"
    return start + ("h.1" if not rest else "L" + " ".join(f"{fixed(x)} {fixed(y)}" for x, y in rest))


def _strip(track: Curve, person: int | None, axis: Axis, y: float) -> str:
    """What prevails over time, as coloured stretches; named where there is room."""
    step = max(axis.length / 400, 0.2)
    parts = [rect(LEFT, y, WIDTH - LEFT - RIGHT, _ROW, "lane")]
    parts.append(label(y + 14, "prevails" if person is None else f"person {person}"))
    for start, end, channel, mean in dominant(track, step, person):
        name = track.channels[channel]
        tip = f"{name} {mean:.2f}, {clock(start)}–{clock(end)}"
        parts.append(bar(axis, start, end, y, _ROW, f"e {_expression_class(channel, track)}", tip))
        x, width = axis.x(start), axis.x(end) - axis.x(start)
        if width > 7.5 * len(name) + 8:
            parts.append(f'<text class="in" x="{fixed(x + width / 2)}" y="{fixed(y + 14)}">{esc(name)}</text>')
    return "".join(parts)


def _expression_class(channel: int, track: Curve) -> str:
    name = track.channels[channel]
    return f"e{EXPRESSIONS.index(name)}" if name in EXPRESSIONS else f"m{channel % COLOURS}"


def _weights_chart(track: Curve, frame: Frame) -> str:
    """Each modality's share of the fused score, stacked to one."""
    height, top = 92.0, 4.0
    step = max(frame.axis.length / 500, spacing(track.times))
    starts, shares, numbers = binned(track, step)
    values = np.nan_to_num(shares)
    edges = np.concatenate([np.zeros((values.shape[0], 1)), np.cumsum(values, 1)], 1)
    parts = [rect(LEFT, top, WIDTH - LEFT - RIGHT, height, "frame")]
    cuts = np.flatnonzero(np.diff(numbers) != 1) + 1
    for rows in np.split(np.arange(starts.size), cuts) if starts.size else []:
        for channel in range(values.shape[1]):
            upper = [(t, float(edges[r, channel + 1])) for r in rows for t in (starts[r], starts[r] + step)]
            lower = [(t, float(edges[r, channel])) for r in rows[::-1] for t in (starts[r] + step, starts[r])]
            ring = [(frame.axis.x(float(t)), top + height * (1 - min(v, 1.0))) for t, v in upper + lower]
            tip = f"<title>{esc(track.channels[channel])}</title>"
            parts.append(f'<path class="a m{channel % COLOURS}" d="{_path(ring)}Z">{tip}</path>')
    parts.append(label(top + 10, "1", "u", LEFT - 8) + label(top + height - 1, "0", "u", LEFT - 8))
    parts.append(label(top + height / 2 + 4, "share", "l", LEFT - 8))
    bottom = top + height
    parts += [grid(frame.axis, top, bottom), time_labels(frame.axis, bottom + 15)]
    return legend(track, [None]) + figure(bottom + _FOOT, track.name, describe(track), "".join(parts))


def _overview_rows(analysis: Analysis, lines: Sequence[Line], axis: Axis) -> Iterator[tuple[str, list[str]]]:
    verdicts = analysis.tracks.get("fusion.verdicts")
    if isinstance(verdicts, Spans):
        marks = [
            _mark(axis, start, end, "hot", f"{label_} {score:.2f}, {clock(start)}–{clock(end)}: {text}")
            for start, end, label_, text, score, _ in verdicts.rows()
        ]
        yield "verdicts", marks
    if lines:
        offensive = [line for line in lines if line.flagged]
        marks = [_mark(axis, o.start, o.end, f"s{level(o)}", f"{judged(o)}, {clock(o.start)}") for o in offensive]
        yield "offence and hate", marks
    for name, spans in _speech(analysis, lines).items():
        yield name, [_mark(axis, start, end, "talk") for start, end in spans]
    boxes = analysis.tracks.get("face.boxes")
    if isinstance(boxes, Boxes) and len(boxes):
        for person in np.unique(boxes.person)[:12]:
            yield f"face of person {person}", _presence(boxes, int(person), axis)


def _speech(analysis: Analysis, lines: Sequence[Line]) -> dict[str, list[tuple[float, float]]]:
    """Speech by speaker where speakers are known, else all of it."""
    found: dict[str, list[tuple[float, float]]] = {}
    if any(line.speaker for line in lines):
        for line in lines:
            found.setdefault(f"speech: {line.speaker or '?'}", []).append((line.start, line.end))
        return found if len(found) <= 8 else {"speech": [(line.start, line.end) for line in lines]}
    voice = analysis.tracks.get("speech.voice")
    if isinstance(voice, Spans) and len(voice):
        return {"speech": list(zip(voice.start.tolist(), voice.end.tolist(), strict=True))}
    return {"speech": [(line.start, line.end) for line in lines]} if lines else {}


def _presence(boxes: Boxes, person: int, axis: Axis) -> list[str]:
    times = np.unique(boxes.times[boxes.person == person])
    step = max(spacing(boxes.times), 0.04)
    cuts = np.flatnonzero(np.diff(times) > max(1.0, 2 * step, axis.length / 800)) + 1
    return [_mark(axis, float(t[0]), float(t[-1]) + step, "seen") for t in np.split(times, cuts)]


def _mark(axis: Axis, start: float, end: float, kind: str, tip: str = "") -> str:
    """A bar whose row is not known yet."""
    x = axis.x(start)
    head = f'<rect class="{kind}" x="{fixed(x)}" y="@y" width="{fixed(max(axis.x(end) - x, 1.5))}" height="@h"'
    return f"{head}><title>{esc(tip).replace('@', '&#64;')}</title></rect>" if tip else f"{head}/>"


def level(line: Line) -> int:
    """0 to 4: how strongly an utterance is coloured, by the larger of its two scores."""
    score = max((s for s in (line.offence, line.hate if line.flagged else 0.0) if s == s), default=0.0)
    return int(np.digitize(score, (0.3, 0.5, 0.7, 0.85)))


def judged(line: Line) -> str:
    """The judgement of an utterance in words and numbers."""
    parts = []
    if line.offence == line.offence:
        parts.append(f"offence {number(line.offence)}")
    if line.hate == line.hate:
        parts.append(f"hate {number(line.hate)}")
    if line.hate_label in ("hate", "offensive"):
        parts.append(f"judged {line.hate_label}")
    return " · ".join(parts)
