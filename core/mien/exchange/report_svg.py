"""The few SVG elements that the charts are made of, and what they share: the time axis and its ticks."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass

from mien.exchange.text import clean

WIDTH, LEFT, RIGHT = 1000.0, 132.0, 14.0

_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_TICKS = 9


def esc(text: object) -> str:
    """Text for HTML or SVG, in elements and in quoted attributes."""
    return html.escape(clean(str(text)), quote=True)


def fixed(value: float) -> str:
    """A coordinate: one digit behind the point, no needless zero."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text


@dataclass(frozen=True, slots=True)
class Axis:
    """Time from `begin` to `end` seconds, on the width of all charts."""

    end: float
    begin: float = 0.0

    @property
    def length(self) -> float:
        """Seconds on it."""
        return self.end - self.begin

    def x(self, time: float) -> float:
        """Horizontal position of a time."""
        share = min(max((time - self.begin) / self.length, 0.0), 1.0)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Times on round numbers with their labels, at most nine or so."""
        step = next((s for s in _STEPS if self.length / s <= _TICKS), _STEPS[-1])
        first, last = math.ceil(self.begin / step - 1e-6), int(self.end / step + 1e-6)
        return [(n * step, _label(n * step, step)) for n in range(first, last + 1)]


def _label(time: float, step: float) -> str:
    if step < 1:
        return f"{time:.1f} s"
    hours, rest = divmod(round(time), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def grid(axis: Axis, top: float, bottom: float) -> str:
    """Vertical lines at the ticks."""
    path = "".join(f"M{fixed(axis.x(t))} {fixed(top)}V{fixed(bottom)}" for t, _ in axis.ticks)
    return f'<path class="g" d="{path}"/>'


def time_labels(axis: Axis, y: float) -> str:
    """The ticks' labels."""
    parts = []
    for n, (time, label) in enumerate(axis.ticks):
        x = axis.x(time)
        anchor = "start" if n == 0 else "end" if x > WIDTH - RIGHT - 12 else "middle"
        parts.append(f'<text class="t" x="{fixed(x)}" y="{fixed(y)}" text-anchor="{anchor}">{label}</text>')
    return "".join(parts)


def rect(x: float, y: float, width: float, height: float, kind: str, tip: str = "", more: str = "") -> str:
    """A filled box, with a tooltip if there is something to say."""
    head = f'<rect class="{kind}" x="{fixed(x)}" y="{fixed(y)}" width="{fixed(width)}" height="{fixed(height)}"'
    return f"{head}{more}><title>{esc(tip)}</title></rect>" if tip else f"{head}{more}/>"


def bar(axis: Axis, start: float, end: float, y: float, height: float, kind: str, tip: str = "") -> str:
    """A box over a stretch of time, wide enough to be seen."""
    x = axis.x(start)
    return rect(x, y, max(axis.x(end) - x, 1.5), height, kind, tip)


def label(y: float, text: str, kind: str = "l", x: float = LEFT - 12) -> str:
    """Text at the left of a row, ending before the plot; cut when there is no room for it."""
    shown = text if len(text) <= 20 else text[:19] + "…"
    tip = f"<title>{esc(text)}</title>" if shown != text else ""
    return f'<text class="{kind}" x="{fixed(x)}" y="{fixed(y)}" text-anchor="end">{esc(shown)}{tip}</text>'


def figure(height: float, title: str, description: str, body: str) -> str:
    """A chart that tells its content to those who cannot see it."""
    size = f'viewBox="0 0 {WIDTH:.0f} {fixed(height)}"'
    return (
        f'<div class="plot" tabindex="0"><svg {size} role="img">'
        f"<title>{esc(title)}</title><desc>{esc(description)}</desc>{body}</svg></div>"
    )
