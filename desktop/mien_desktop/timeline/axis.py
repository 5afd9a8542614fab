"""The ruler of time: where its ticks lie and what they say."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from mien_desktop.look.palette import Palette
from mien_desktop.timeline.window import Range, Window

STEPS = (
    *(m * 10.0**e for e in (-3, -2, -1) for m in (1, 2, 5)),
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10800.0, 21600.0, 43200.0, 86400.0,
)  # fmt: skip
"""s between ticks that carry a time."""


@dataclass(frozen=True)
class Ticks:
    """Ticks of a window.

    Args:
        step: s between those with a time.
        major: s, those with a time.
        minor: s, those between.
    """

    step: float
    major: tuple[float, ...]
    minor: tuple[float, ...]


def clock(seconds: float, *, digits: int = 0, hours: bool = False) -> str:
    """A time as `mm:ss`, or `h:mm:ss` from an hour on or where asked, with so many digits behind the second."""
    unit = 10**digits
    whole = round(abs(seconds) * unit)
    sign = "−" if seconds < 0 and whole else ""
    total, part = divmod(whole, unit)
    minutes, second = divmod(total, 60)
    tail = f".{part:0{digits}d}" if digits else ""
    if hours or minutes >= 60:
        hour, minute = divmod(minutes, 60)
        return f"{sign}{hour}:{minute:02d}:{second:02d}{tail}"
    return f"{sign}{minutes:02d}:{second:02d}{tail}"


def digits_for(step: float) -> int:
    """Digits behind the second that ticks so far apart need."""
    return max(0, min(3, math.ceil(-math.log10(step) - 1e-9))) if step < 1 else 0


def ticks(start: float, end: float, most: int) -> Ticks:
    """Ticks from `start` to `end` (s): at most about `most` with a time, and smaller ones that divide these evenly."""
    wanted = (end - start) / max(1, most)
    step = next((s for s in STEPS if s >= wanted), STEPS[-1] * math.ceil(wanted / STEPS[-1]))
    parts = next(p for p in (5, 4, 6, 3, 2, 1) if _even(step / p))
    fine = step / parts
    first, last = math.ceil(start / fine - 1e-9), math.floor(end / fine + 1e-9)
    every = [(n, n * fine) for n in range(first, last + 1)]
    return Ticks(
        step,
        tuple(time for n, time in every if n % parts == 0),
        tuple(time for n, time in every if n % parts),
    )


def _even(fine: float) -> bool:
    """Whether a distance is one that people count in."""
    return any(math.isclose(fine, s, rel_tol=1e-6) for s in STEPS) or fine < STEPS[0]


def paint(painter: QPainter, area: QRectF, window: Window, shown: Ticks, within: Range, palette: Palette) -> None:
    """Draw the ruler.

    Args:
        painter: with the font for the times; logical pixels.
        area: where; its left edge is the window's.
        window: what is shown, in columns of device pixels.
        shown: its ticks.
        within: what is shown of how much, drawn as a thin bar along the lower edge.
    """
    scale = window.width / area.width()
    metrics = QFontMetricsF(painter.font())
    digits = digits_for(shown.step)
    hours = within.duration >= 3600
    painter.fillRect(area, QColor(palette.panel))

    def x(time: float) -> float:
        return area.left() + math.floor(window.x(time)) / scale

    foot = area.bottom() - 1
    for times, height, colour in ((shown.minor, 4.0, palette.line), (shown.major, 8.0, palette.faint)):
        for time in times:
            painter.fillRect(QRectF(x(time), foot - height, 1 / scale if scale >= 2 else 1, height), QColor(colour))
    painter.setPen(QColor(palette.dim))
    for time in shown.major:
        text = clock(time, digits=digits, hours=hours)
        if x(time) + 4 + metrics.horizontalAdvance(text) <= area.right():  # half a time would be a wrong one
            painter.drawText(QPointF(x(time) + 4, area.top() + 3 + metrics.ascent()), text)
    painter.fillRect(QRectF(area.left(), foot, area.width(), 1), QColor(palette.line))
    if not within.whole():
        share = area.width() / within.duration
        bar = QRectF(area.left() + within.start * share, foot - 1, max(8.0, within.length * share), 2)
        painter.fillRect(bar, QColor(palette.accent))


def most_ticks(width: float, font_metrics: QFontMetricsF, step_guess: float, hours: bool) -> int:
    """How many times fit beside each other into so many logical pixels."""
    sample = clock(3600 if hours else 0, digits=digits_for(step_guess), hours=hours)
    return max(2, int(width / (font_metrics.horizontalAdvance(sample) + 36)))
