"""Pitch from the sound, speaking rate from the words."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from mien.sdk import Block, Context, MediaInfo, Params, Windows
from mien.tracks import AnyTrack, Curve, Spans
from mien_prosody.info import PITCH, SPEED, ProsodyParams

STEP = 0.5
"""s between readings of the speaking rate."""
_BATCH = 512


class Prosody:
    """Keeps the words of the last few seconds, and nothing else."""

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Keep the parameters."""
        assert isinstance(params, ProsodyParams)
        self._params, self._ctx = params, ctx
        self._words: deque[float] = deque()
        self._next = 0.0
        self._last = 0.0

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """A row for each window that has a pitch; the rate up to where all words are known."""
        if block.windows is not None:
            yield from self._pitch(block.windows)
        for piece in block.tracks.get("speech.words", ()):
            assert isinstance(piece, Spans)
            self._words.extend(((piece.start + piece.end) / 2).tolist())
            self._last = max(self._last, float(piece.end.max(initial=0.0)))
            if len(piece):
                # Words come in order: what lies before the newest is complete.
                yield from self._rate(float(piece.start[-1]) - self._params.span / 2)

    def finish(self) -> Iterable[AnyTrack]:
        """The rate up to the last word."""
        yield from self._rate(self._last)

    def close(self) -> None:
        """Forget the words."""
        self._words = deque()

    def _pitch(self, windows: Windows) -> Iterator[Curve]:
        for first in range(0, windows.starts.size, _BATCH):
            self._ctx.check_cancelled()
            rows = slice(first, first + _BATCH)
            whole = windows.valid[rows] == windows.samples.shape[1]  # a padded one has no period of its own
            found = pitches(windows.samples[rows], windows.rate, self._params)
            there = ~np.isnan(found) & whole
            times = windows.starts[rows][there] + windows.length / 2
            yield Curve("prosody.pitch", times, found[there, None], (PITCH,))

    def _rate(self, until: float) -> Iterator[Curve]:
        half = self._params.span / 2
        rows = []
        while self._next <= until:
            words = sum(self._next - half <= word < self._next + half for word in self._words)
            if words:
                rows.append((self._next, min(words / self._params.span, 20.0)))
            self._next += STEP
            while self._words and self._words[0] < self._next - half:
                self._words.popleft()
        if rows:
            times, values = zip(*rows, strict=True)
            yield Curve("prosody.rate", np.array(times), np.array(values, np.float32)[:, None], (SPEED,))


def pitches(samples: npt.NDArray[np.float32], rate: int, params: ProsodyParams) -> npt.NDArray[np.float32]:
    """(B,) fundamental frequencies in Hz of (B, n) windows, NaN where there is none.

    The autocorrelation of the windowed sound over that of the window (Boersma 1993, eq. 9), its highest peak between the
    two ends, refined by a parabola.
    """
    size = samples.shape[1]
    taper = np.hanning(size + 2)[1:-1]
    sound = samples.astype(np.float64)
    power = (sound**2).mean(axis=1)
    sound = (sound - sound.mean(axis=1, keepdims=True)) * taper
    length = 1 << (2 * size - 1).bit_length()
    lags = np.fft.irfft(np.abs(np.fft.rfft(sound, length)) ** 2, length)[:, :size]
    own = np.fft.irfft(np.abs(np.fft.rfft(taper, length)) ** 2, length)[:size]
    first, last = max(2, int(rate / params.highest)), min(size - 2, int(np.ceil(rate / params.lowest)))
    energy = np.maximum(lags[:, :1], 1e-12)
    alike = (lags[:, first - 1 : last + 2] / energy) / (own[first - 1 : last + 2] / own[0])
    inner = alike[:, 1:-1]
    # Equal periods in a row are equally alike: a longer one must be clearly better than a shorter.
    weighed = inner - 0.01 * np.log2(np.arange(first, last + 1) / first)
    peak = weighed.argmax(axis=1)
    row = np.arange(peak.size)
    left, top, right = alike[row, peak], alike[row, peak + 1], alike[row, peak + 2]
    bend = left - 2 * top + right
    shift = np.divide(0.5 * (left - right), bend, out=np.zeros_like(bend), where=np.abs(bend) > 1e-9)
    found = rate / (first + peak + shift.clip(-0.5, 0.5))
    voiced = (top >= params.voicing) & (10 * np.log10(power + 1e-12) >= params.quietest) & (top > left) & (top >= right)
    return np.where(voiced, found.clip(PITCH.low, PITCH.high), np.nan).astype(np.float32)
