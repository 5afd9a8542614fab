"""Palette colours as pixels: 0xffRRGGBB, mixtures and tables of them. Names no colour; all come from `look.palette`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from mien_desktop.look.palette import Palette

Pixels = npt.NDArray[np.uint32]
FloatColour = npt.NDArray[np.float64]


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green, blue of `#rrggbb`, 0 to 255."""
    number = int(colour.lstrip("#"), 16)
    return number >> 16 & 255, number >> 8 & 255, number & 255


def pixel(colour: str) -> int:
    """`#rrggbb` as an opaque pixel."""
    return 0xFF000000 | int(colour.lstrip("#"), 16)


@lru_cache(maxsize=1024)
def mixed(below: str, above: str, share: float) -> str:
    """`share` of the colour above over the colour below, in sRGB, as a translucent layer looks."""
    parts = (round(b + (a - b) * share) for b, a in zip(rgb(below), rgb(above), strict=True))
    return "#" + "".join(f"{part:02x}" for part in parts)


@lru_cache(maxsize=256)
def table(below: str, above: str, size: int = 256) -> Pixels:
    """(size,) pixels from one colour to the other."""
    low, high = np.array(rgb(below), float), np.array(rgb(above), float)
    return pack(low + (high - low) * np.linspace(0, 1, size)[:, None])


def pack(colours: FloatColour) -> Pixels:
    """(n, 3) of 0 to 255 to (n,) pixels."""
    parts = np.clip(np.rint(colours), 0, 255).astype(np.uint32)
    return np.asarray(0xFF000000 | parts[:, 0] << 16 | parts[:, 1] << 8 | parts[:, 2], np.uint32)


def _linear(srgb: FloatColour) -> FloatColour:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _srgb(linear: FloatColour) -> FloatColour:
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


# Björn Ottosson, "A perceptual color space for image processing", 2020: linear sRGB → LMS → Lab.
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(colours: Sequence[str]) -> FloatColour:
    """(n, 3) lightness, a, b of colours in OKLab."""
    linear = _linear(np.array([rgb(c) for c in colours], float) / 255)
    return np.asarray(np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T, np.float64)


def from_oklab(lab: FloatColour) -> FloatColour:
    """(n, 3) of OKLab to (n, 3) sRGB of 0 to 255; what lies outside the gamut is cut."""
    lms = (lab @ np.linalg.inv(_TO_LAB).T) ** 3
    return _srgb(lms @ np.linalg.inv(_TO_LMS).T) * 255


@lru_cache(maxsize=8)
def _heat(stops: tuple[str, ...]) -> Pixels:
    lab = oklab(stops)
    at = np.linspace(0, len(stops) - 1, 256)
    mixed_lab = np.column_stack([np.interp(at, np.arange(len(stops)), lab[:, i]) for i in range(3)])
    mixed_lab[:, 0] = np.linspace(lab[0, 0], lab[-1, 0], 256)
    return pack(from_oklab(mixed_lab))


def heat(palette: Palette) -> Pixels:
    """(256,) from nothing to most, through the palette's blue, violet and orange.

    Lightness changes evenly from the panel's to the text's (OKLab), so equal steps look equal and the order stays
    readable without colour.
    """
    series = palette.series
    return _heat((palette.panel, series[0], series[2], series[1], palette.text))
