"""Reliability diagrams (Guo et al. 2017): what a model claims beside how often it is right, as an SVG beside the card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.evaluation.metrics import ece
from mien.training.card import Plot

FILE = "reliability.svg"
_SIDE, _COUNTS, _LEFT, _TOP, _GAP = 200, 40, 44, 44, 34
_BAR, _OFF, _INK, _GRID = "#3b6ea5", "#d8863b", "#333333", "#cccccc"


@dataclass(frozen=True)
class Reliability:
    """One diagram: equal-width bins over [0, 1].

    Args:
        name: what was claimed of which items ("P(offensive), OLID test").
        count: items per bin.
        claimed: mean probability per bin, None where it is empty.
        observed: share of those items that were right (or positive), None where it is empty.
        ece: expected calibration error over these bins (`mien.evaluation.metrics.ece`), in [0, 1].
    """

    name: str
    count: tuple[int, ...]
    claimed: tuple[float | None, ...]
    observed: tuple[float | None, ...]
    ece: float

    @property
    def n(self) -> int:
        """Items in all."""
        return sum(self.count)


def reliability(truth: ArrayLike, probability: ArrayLike, name: str, bins: int = 15) -> Reliability:
    """The diagram of N probabilities, binned as `mien.evaluation.metrics.ece` bins them.

    Args:
        truth: (N,) class indices, or 0/1 outcomes.
        probability: (N,) P(outcome 1), compared with the share of ones; or (N, K) class posteriors, of which the
            likeliest class's is compared with how often that class is the true one.
        name: what the diagram is of.
        bins: equal-width bins over [0, 1].

    Raises:
        ValueError: unequal lengths, nothing at all, or a probability outside of [0, 1].
    """
    error = ece(truth, probability, bins)
    claim, y = np.asarray(probability, dtype=np.float64), np.asarray(truth)
    if not ((claim >= 0) & (claim <= 1)).all():
        raise ValueError(f"{name}: probabilities lie in [0, 1], not in [{claim.min():g}, {claim.max():g}]")
    if claim.ndim == 2:
        right, claim = (claim.argmax(axis=1) == y).astype(np.float64), claim.max(axis=1)
    else:
        right = y.astype(np.float64)
    where = np.minimum((claim * bins).astype(int), bins - 1)
    count = np.bincount(where, minlength=bins)
    return Reliability(
        name,
        tuple(int(c) for c in count),
        _means(np.bincount(where, claim, bins), count),
        _means(np.bincount(where, right, bins), count),
        error,
    )


def reliability_plot(*diagrams: Reliability) -> Plot:
    """The diagrams side by side, ready for `Card.plots`; `write_card` writes them as `reliability.svg`."""
    says = "; ".join(f"{d.name}: ECE {d.ece:.3f} over {d.n} items" for d in diagrams)
    return Plot(
        name="Reliability",
        file=FILE,
        svg=draw(diagrams),
        alt=f"Reliability diagrams. {says}.",
        data=[asdict(d) for d in diagrams],
    )


def draw(diagrams: Sequence[Reliability], per_row: int = 3) -> str:
    """A self-contained SVG: per diagram a panel with the diagonal, observed shares as bars, and how many items each has.

    Bars are marked where they fall short of the diagonal or rise above it; no script, no external font or style.
    """
    rows = -(-len(diagrams) // per_row)
    wide, high = _LEFT + _SIDE + _GAP // 2, _TOP + _SIDE + _COUNTS + _GAP
    width, height = wide * min(per_row, max(1, len(diagrams))), high * max(1, rows)
    panels = "\n".join(
        f'<g transform="translate({wide * (i % per_row)} {high * (i // per_row)})">\n{_panel(diagram)}\n</g>'
        for i, diagram in enumerate(diagrams)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="sans-serif" font-size="11" fill="{_INK}">\n'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>\n{panels}\n</svg>\n'
    )


def _panel(diagram: Reliability) -> str:
    bins, largest = len(diagram.count), max(1, *diagram.count)
    step = _SIDE / bins
    bottom, base = _TOP + _SIDE, _TOP + _SIDE + _COUNTS
    parts = [
        f'<text x="{_LEFT}" y="16" font-weight="bold"{_fit(diagram.name)}>{escape(diagram.name)}</text>',
        f'<text x="{_LEFT}" y="32">ECE {diagram.ece:.3f}, n = {diagram.n:,}</text>',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="{_GRID}"/>',
    ]
    for k in range(bins):
        claimed, observed = diagram.claimed[k], diagram.observed[k]
        if claimed is None or observed is None:
            continue
        x = _LEFT + k * step
        parts.append(_rect(x, bottom - observed * _SIDE, step, observed * _SIDE, _BAR, 0.75))
        low, size = min(claimed, observed), abs(claimed - observed)
        parts.append(_rect(x, bottom - (low + size) * _SIDE, step, size * _SIDE, _OFF, 0.6))
        share = diagram.count[k] / largest * (_COUNTS - 8)
        parts.append(_rect(x, base - share, step, share, _GRID, 1.0))
    parts += [
        f'<path d="M{_LEFT} {bottom}L{_LEFT + _SIDE} {_TOP}" stroke="{_INK}" stroke-dasharray="4 3" fill="none"/>',
        *(
            f'<text x="{_LEFT - 6}" y="{bottom - tick * _SIDE + 4:.1f}" text-anchor="end">{tick:g}</text>'
            f'<text x="{_LEFT + tick * _SIDE:.1f}" y="{base + 14}" text-anchor="middle">{tick:g}</text>'
            for tick in (0.0, 0.5, 1.0)
        ),
        f'<text transform="translate(14 {_TOP + _SIDE / 2:.0f}) rotate(-90)" text-anchor="middle">observed</text>',
        f'<text x="{_LEFT + _SIDE / 2:.0f}" y="{base + 28}" text-anchor="middle">claimed (grey: how many)</text>',
    ]
    return "\n".join(parts)


def _fit(name: str) -> str:
    # Fonts differ; a long name is squeezed rather than drawn over the next panel.
    return f' textLength="{_SIDE}" lengthAdjust="spacingAndGlyphs"' if len(name) > 32 else ""


def _rect(x: float, y: float, width: float, height: float, colour: str, opacity: float) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, width - 1):.1f}" height="{height:.1f}" '
        f'fill="{colour}" fill-opacity="{opacity:g}"/>'
    )


def _means(total: NDArray[Any], count: NDArray[Any]) -> tuple[float | None, ...]:
    return tuple(float(t / c) if c else None for t, c in zip(total, count, strict=True))
