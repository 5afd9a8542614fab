"""Colours that stand for different things are told apart, also by those who see fewer of them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from mien.tracks import EXPRESSION_QUANTITIES
from mien_desktop.look.palette import DARK, LIGHT, Palette

Floats = npt.NDArray[np.float64]

EYES = {
    "all colours": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB: protan-, deuteran- and tritanopia."""
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> Floats:
    """Linear RGB of `#rrggbb` (IEC 61966-2-1)."""
    value = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb: Floats) -> Floats:
    """CIE L*a*b* under D65."""
    ratio = XYZ @ np.clip(rgb, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""
    light, dark = sorted((float(XYZ[1] @ linear(c)) for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def beside_each_other(palette: Palette) -> dict[str, tuple[str, ...]]:
    """Colours that are seen together."""
    groups = {
        "voice": ("valence", "arousal", "dominance"),
        "weights": ("text", "voice", "face", "conflict"),
        "text": ("offence", "hate"),
        "expressions": tuple(q.name for q in EXPRESSION_QUANTITIES),
    }
    named = {name: tuple(palette.quantity(q) for q in group) for name, group in groups.items()}
    return named | {"people": palette.people, "series": palette.series}


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_what_stands_together_is_told_apart_by_everybody(palette: Palette) -> None:
    close = {}
    for group, colours in beside_each_other(palette).items():
        for eyes, seen in EYES.items():
            for one, other in combinations(colours, 2):
                far = float(np.linalg.norm(lab(seen @ linear(one)) - lab(seen @ linear(other))))
                if far < 10:  # a difference of 2 is just seen side by side
                    close[group, eyes, one, other] = round(far, 1)
    assert not close


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])
def test_everything_stands_out_from_its_ground(palette: Palette) -> None:
    drawn = {c for colours in beside_each_other(palette).values() for c in colours}
    drawn |= set(palette.quantities.values()) | {palette.playhead, palette.good, palette.warn, palette.bad}
    assert {c: contrast(c, palette.panel) for c in drawn if contrast(c, palette.panel) < 3.0} == {}
    for ground in (palette.panel, palette.window, palette.raised):
        assert contrast(palette.text, ground) >= 7.0
        assert contrast(palette.dim, ground) >= 4.5
    assert contrast(palette.on_accent, palette.accent) >= 4.5
