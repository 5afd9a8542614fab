"""Short-, mid- and long-term audio features: those of pyAudioAnalysis 0.3.14 (Giannakopoulos 2015),
vectorised.

`compat=True` gives the values of that package. The default corrects what it computes by mistake:

| feature | compat | default |
|---|---|---|
| spectrum | rectangular frame | Hann frame |
| bin k lies at | (k+1) rate / frame (centroid, spread) | k rate / frame |
| mfcc filters | at half their nominal frequency | at it, and none beyond half the rate |
| mfcc input | log10 of magnitude, floor 2e-16 | log10 of power, floor 1e-8 |
| chroma | one bin per pitch, off by one, most dropped | every bin, nearest semitone |

Signals are made free of their mean and divided by their peak, over all that is passed: energies are relative
to it. A stream has no peak of the whole; hand over windows of a few seconds one by one, in training as in
use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.fft import rfft

from mien_plugins.emotion.chroma import CLASSES, chroma_matrix
from mien_plugins.emotion.mfcc import COEFFICIENTS, cepstrum, filterbank

Floats = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)
BLOCKS, ROLLOFF = 10, 0.90
AT_ONCE = 1 << 17
"""Samples worked on at a time: small enough for the processor's cache, and memory stays flat."""

_BASE = (
    ["zcr", "energy", "energy_entropy", "spectral_centroid", "spectral_spread", "spectral_entropy"]
    + ["spectral_flux", "spectral_rolloff"]
    + [f"mfcc_{i}" for i in range(1, COEFFICIENTS + 1)]
    + [f"chroma_{i}" for i in range(1, CLASSES + 1)]
    + ["chroma_std"]
)
SHORT_TERM = tuple(_BASE + [f"delta {name}" for name in _BASE])
"""Names of the 68 short-term features: 34 and their differences to the frame before."""
MID_TERM = tuple([f"{n}_mean" for n in SHORT_TERM] + [f"{n}_std" for n in SHORT_TERM])
"""Names of the 136 mid-term features: 68 means, then 68 standard deviations."""


def short_term(
    signal: NDArray[Any], rate: int, window: int, step: int | None = None, *, compat: bool = False
) -> Floats:
    """Features of each frame: signal (N,) -> (frames, 68), in the order of `SHORT_TERM`.

    rate in Hz, window and step (default: the window) in samples. Frames begin at 0, step, … and end inside
    the signal; a shorter signal gives none. Integers are taken for 16-bit samples, floats for [-1, 1].
    """
    step = step or window
    if signal.ndim != 1 or window < 2 * BLOCKS or step < 1:
        raise ValueError(f"short_term needs a mono signal and frames of 20 samples: {signal.shape}, {window}, {step}")
    if len(signal) < window:
        return np.zeros((0, len(SHORT_TERM)))
    table = _table(rate, window, compat)
    offset, scale = _level(signal)
    frames = sliding_window_view(signal, window)[::step]
    out = np.empty((len(frames), len(SHORT_TERM)))
    before: Floats | None = None
    at_once = max(1, AT_ONCE // window)
    for first in range(0, len(frames), at_once):
        chunk = np.subtract(frames[first : first + at_once], offset, dtype=np.float64)
        chunk *= scale
        before = _features(chunk, table, before, out[first : first + at_once, : len(_BASE)])
    half = len(_BASE)
    out[0, half:] = 0.0
    np.subtract(out[1:, :half], out[:-1, :half], out=out[1:, half:])
    return out


def mid_term(short: Floats, window: int, step: int | None = None) -> Floats:
    """Means and population deviations over `window` frames every `step`: (frames, 68) -> (windows, 136).

    The last windows hold what is left, be it one frame.
    """
    step = step or window
    starts = range(0, len(short), step)
    out = np.empty((len(starts), 2 * short.shape[1]))
    whole = len(short) // window if step == window else 0
    if whole:
        cut = short[: whole * window].reshape(whole, window, -1)
        out[:whole, : short.shape[1]] = cut.mean(axis=1)
        out[:whole, short.shape[1] :] = cut.std(axis=1)
    for row, start in list(enumerate(starts))[whole:]:
        part = short[start : start + window]
        out[row, : short.shape[1]] = part.mean(axis=0)
        out[row, short.shape[1] :] = part.std(axis=0)
    return np.nan_to_num(out)


@dataclass(frozen=True)
class Recipe:
    """How a model's features are made: sampling rate in Hz, lengths in seconds.

    Frames of `frame` seconds without overlap, mid-term windows of `mid` seconds without overlap.
    """

    rate: int
    frame: float = 0.05
    mid: float = 1.0
    compat: bool = False

    def mid_of(self, signal: NDArray[Any]) -> Floats:
        """Mid-term features of one window of sound: (samples,) -> (round(seconds / mid), 136).

        What is left at the end counts if it is half a mid-term window, or all there is: deviations over a
        frame or two say nothing.
        """
        window = round(self.frame * self.rate)
        short = short_term(signal, self.rate, window, compat=self.compat)
        frames = round(round(self.mid * self.rate) / window)
        rest = len(short) % frames
        if len(short) > frames and rest < frames / 2:
            short = short[: len(short) - rest]
        return mid_term(short, frames)


@dataclass(frozen=True)
class _Table:
    """What depends on rate and frame length only. `taper` is None for a rectangular frame."""

    rate: int
    taper: Floats | None
    moments: Floats
    band_at: slice
    bands: Floats
    chroma_at: NDArray[np.intp]
    chroma: Floats
    compat: bool


@lru_cache(maxsize=16)
def _table(rate: int, window: int, compat: bool) -> _Table:
    bins = window // 2
    place = (np.arange(1, bins + 1) * rate / (2 * bins)) if compat else np.arange(bins) * rate / window
    bank = filterbank(rate, window, compat)
    used = np.flatnonzero(bank.any(axis=0))
    span = slice(int(used[0]), int(used[-1]) + 1)
    matrix = chroma_matrix(rate, window, compat)
    where = np.flatnonzero(matrix.any(axis=0))
    # A periodic Hann frame, scaled so that a sine keeps its magnitude.
    taper = None if compat else 1.0 - np.cos(2.0 * np.pi * np.arange(window) / window)
    return _Table(
        rate,
        taper,
        np.stack([np.ones(bins), place, place**2], axis=1),
        span,
        np.ascontiguousarray(bank[:, span].T),
        where,
        np.ascontiguousarray(matrix[:, where].T),
        compat,
    )


def _level(signal: NDArray[Any]) -> tuple[float, float]:
    """Mean to take off and factor to apply, so that the signal has its peak at 1."""
    unit = 1.0 / 32768.0 if np.issubdtype(signal.dtype, np.integer) else 1.0
    mean = float(signal.mean(dtype=np.float64))
    peak = max(float(signal.max()) - mean, mean - float(signal.min())) * unit
    return mean, unit / (peak + 1e-10)


def _features(x: Floats, table: _Table, before: Floats | None, out: Floats) -> Floats:
    """Fill out (T, 34) from frames x (T, window); `before`: normalised spectrum of the frame ahead."""
    size = x.shape[1]
    out[:, 0] = _crossings(x) / (size - 1)
    energy, out[:, 2] = _energy_and_entropy(x)
    out[:, 1] = energy / size

    if table.taper is not None:
        x = x * table.taper
    spectrum = rfft(x, axis=1)
    bins = size // 2
    power = spectrum.real[:, :bins] ** 2
    power += spectrum.imag[:, :bins] ** 2
    power /= float(bins) ** 2
    magnitude = np.sqrt(power)

    total, first, second = (magnitude @ table.moments).T
    top = magnitude.max(axis=1)
    top[top == 0.0] = 1.0
    weight = total / top + EPS
    centre = first / top / weight
    spread = (second - 2.0 * centre * first + centre**2 * total) / top / weight
    out[:, 3] = centre / (table.rate / 2.0)
    out[:, 4] = np.sqrt(np.maximum(spread, 0.0)) / (table.rate / 2.0)
    summed, out[:, 5] = _energy_and_entropy(magnitude)

    share = magnitude * (1.0 / (total + bins * EPS))[:, None]
    change = np.empty_like(share)
    change[0] = share[0] - (share[0] if before is None else before)
    np.subtract(share[1:], share[:-1], out=change[1:])
    out[:, 6] = np.einsum("tk,tk->t", change, change)
    out[:, 7] = _first_above(power, ROLLOFF * summed) / bins

    source = magnitude if table.compat else power
    out[:, 8:21] = cepstrum(source[:, table.band_at] @ table.bands, table.compat)
    classes = power[:, table.chroma_at] @ table.chroma
    classes /= np.where(summed > 0.0, summed, EPS)[:, None]
    out[:, 21:33] = classes
    out[:, 33] = classes.std(axis=1)
    last: Floats = share[-1].copy()
    return last


def _crossings(x: Floats) -> Floats:
    """Sign changes along each row (T,); to or from an exact zero counts half."""
    below = x < 0
    changes: Floats = np.count_nonzero(below[:, 1:] != below[:, :-1], axis=1).astype(np.float64)
    exact = np.flatnonzero((x == 0).any(axis=1))
    if len(exact):
        changes[exact] = np.abs(np.diff(np.sign(x[exact]), axis=1)).sum(axis=1) / 2.0
    return changes


def _first_above(power: Floats, threshold: Floats) -> Floats:
    """First bin (T,) at which the running sum of each row exceeds its threshold, 0 where none does."""
    width = 32
    begin = np.arange(0, power.shape[1], width)
    # Only the block that crosses is summed bin by bin.
    upto = np.cumsum(np.add.reduceat(power, begin, axis=1), axis=1) + EPS
    above = upto > threshold[:, None]
    block = above.argmax(axis=1)
    row = np.arange(len(power))
    before = np.where(block > 0, upto[row, block - 1], EPS)
    at = np.minimum(begin[block][:, None] + np.arange(width), power.shape[1] - 1)
    running = before[:, None] + np.cumsum(power[row[:, None], at], axis=1)
    inside = running > threshold[:, None]
    # Rounding may leave a sum that just crossed at the end of its block below it there: then it is the last bin.
    last = np.minimum(width, power.shape[1] - begin[block]) - 1
    index = begin[block] + np.where(inside.any(axis=1), inside.argmax(axis=1), last)
    result: Floats = np.where(above.any(axis=1), index, 0).astype(np.float64)
    return result


def _energy_and_entropy(x: Floats) -> tuple[Floats, Floats]:
    """Energy of each row (T,), and the entropy in bits over its 10 equal blocks, relative to the whole row."""
    length = x.shape[1] // BLOCKS
    blocks = x[:, : length * BLOCKS].reshape(len(x), BLOCKS, length)
    part = np.einsum("tbn,tbn->tb", blocks, blocks)
    rest = x[:, length * BLOCKS :]
    energy = part.sum(axis=1) + np.einsum("tn,tn->t", rest, rest)
    share = part / (energy + EPS)[:, None]
    return energy, -(share * np.log2(share + EPS)).sum(axis=1)
