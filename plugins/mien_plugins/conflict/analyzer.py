"""`conflict.intensity`: ConflictNET over 30 s windows, where there is speech."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mien.errors import ModelError
from mien.sdk import Block, Context, Explanation, MediaInfo, Params, Windows
from mien.tracks.quantity import CONFLICT, HOSTILITY
from mien.tracks.track import AnyTrack, Curve, Spans
from mien_plugins.conflict.features import SILENCE, Samples, normalise, rms
from mien_plugins.conflict.info import HOSTILE, RATE, RATED, ConflictParams
from mien_plugins.conflict.lime import explain_window
from mien_plugins.conflict.model import MODEL, load_net
from mien_plugins.conflict.net import ConflictNet
from mien_plugins.fusion.calibration import Logistic
from mien_plugins.lime import parts

LATE = 35.0
"""s; speech is known at most this long after it was heard (the longest utterance, its pause, denoising)."""


class ConflictAnalyzer:
    """Reads windows of 30 s and writes one value for each, at the middle of what it heard.

    A window is read once enough speech is known to lie in it. Where there is too little, and in silence,
    there is no value at all. A medium of less than 30 s is padded with zeros and gives one value.
    """

    def __init__(self) -> None:
        self._net: ConflictNet | None = None
        self._params = ConflictParams()
        self._hostility: Logistic | None = None
        self._ctx: Context | None = None
        self._voice: deque[tuple[float, float]] = deque()
        self._waiting: deque[_Window] = deque()
        self._ready: list[_Window] = []
        self._begun = False

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Load the net, and the calibration of one that does not ship.

        Raises:
            mien.errors.ModelError: its weights or its calibration are missing or damaged.
        """
        assert isinstance(params, ConflictParams)
        self._params, self._ctx = params, ctx
        folder = _weights(params, ctx)
        self._net = load_net(folder, ctx.device)
        self._hostility = Logistic.read(folder) if params.model == "rated" else None

    def move(self, device: str) -> None:
        """Go on on another device."""
        if self._net is not None:
            self._net.to(torch.device(device))

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """Take new windows and speech; read the windows that are known to hold speech."""
        before = self._voice.copy(), self._waiting.copy(), self._ready.copy()
        try:
            return self._take(block)
        except BaseException:
            # Had the device run out of memory, the host would call again with the same windows and speech.
            self._voice, self._waiting, self._ready = before
            raise

    def _take(self, block: Block) -> list[AnyTrack]:
        for piece in block.tracks.get("speech.voice", ()):
            if isinstance(piece, Spans):
                self._voice.extend(zip(piece.start.tolist(), piece.end.tolist(), strict=True))
        windows = block.windows
        if windows is not None:
            for start, samples, valid in zip(windows.starts, windows.samples, windows.valid, strict=True):
                if rms(samples) > SILENCE:
                    self._waiting.append(_Window(float(start), float(start) + int(valid) / RATE, samples))
        self._sort_out(block.end)
        # The first reading comes at once, so that something shows; later ones in batches.
        if len(self._ready) >= (self._params.batch if self._begun else 1):
            return self._read()
        return []

    def finish(self) -> Iterable[AnyTrack]:
        """Read what is left."""
        self._sort_out(np.inf)
        return self._read() if self._ready else []

    def close(self) -> None:
        """Free the net."""
        self._net = None
        self._waiting.clear()
        self._ready.clear()

    def explain(self, window: Windows, params: Params, ctx: Context) -> Explanation:
        """Which 3 s of a window raised or lowered its reading: LIME over its ten super-samples (`lime.py`).

        What lies behind the end of the sound is left out.

        Raises:
            mien.errors.ModelError: its weights are missing or damaged.
        """
        assert isinstance(params, ConflictParams)

        def tick(done: float) -> None:
            ctx.check_cancelled()
            ctx.progress(done)

        net = load_net(_weights(params, ctx), ctx.device)
        seed, heard = int(ctx.rng.integers(2**31)), int(window.valid[0])
        found = explain_window(net, window.samples[0], heard=heard, seed=seed, tick=tick)
        # (1 + intensity) / 2, of which the linear model is, is no probability that anything has calibrated: what is shown
        # is in the unit of the reading.
        told = replace(found, coefficients=2.0 * found.coefficients)
        return Explanation(
            parts("conflict.explanation", told, float(window.starts[0]), window.length, heard / window.rate),
            reading=2.0 * found.reading - 1.0,
            intercept=2.0 * found.intercept - 1.0,
            fit=found.score,
            of=CONFLICT.name,
        )

    def _sort_out(self, now: float) -> None:
        """Move windows with enough speech to `_ready`, and drop those that are known to hold too little."""
        while self._waiting:
            window = self._waiting[0]
            speech = sum(max(0.0, min(e, window.end) - max(s, window.start)) for s, e in self._voice)
            if speech >= self._params.min_speech:
                self._ready.append(self._waiting.popleft())
            elif now >= window.end + LATE:
                self._waiting.popleft()
            else:
                break
        # Windows still to come start at or after the first that waits, or after `now` less their own length.
        oldest = self._waiting[0].start if self._waiting else now - LATE
        while self._voice and self._voice[0][1] < oldest:
            self._voice.popleft()

    def _read(self) -> list[AnyTrack]:
        assert self._net is not None, "prepare comes first"
        assert self._ctx is not None
        taken = list(self._ready)
        device = next(self._net.parameters()).device
        values = []
        for i in range(0, len(taken), self._params.batch):
            self._ctx.check_cancelled()
            batch = normalise(np.stack([w.samples for w in taken[i : i + self._params.batch]]))
            with torch.inference_mode():
                values.append(self._net(torch.from_numpy(batch).to(device)).float().cpu().numpy())
        self._ready, self._begun = [], True
        times = np.array([w.middle for w in taken], np.float64)
        reading = np.clip(np.concatenate(values), -1.0, 1.0)[:, None].astype(np.float32)
        found: list[AnyTrack] = [Curve("conflict.intensity", times, reading, (CONFLICT,))]
        if self._hostility is not None:
            chance = self._hostility(reading, (CONFLICT.name,))[:, None].astype(np.float32)
            found.append(Curve(HOSTILE, times, chance, (HOSTILITY,)))
        return found


def _weights(params: ConflictParams, ctx: Context) -> Path:
    """Folder of the model that the parameters choose."""
    folder = ctx.optional_model(RATED) if params.model == "rated" else ctx.model(MODEL)
    if folder is None:
        raise ModelError(
            f"The model {RATED} is not installed: make it with 'mien train {RATED} --data CORPUS --out DIR', then "
            f"'mien models import {RATED} DIR'; or choose conflict.model=simulated."
        )
    return folder


class _Window:
    """One window that may be read: start and end of its real sound in s, and its samples, padded."""

    __slots__ = ("end", "samples", "start")

    def __init__(self, start: float, end: float, samples: Samples) -> None:
        self.start, self.end, self.samples = start, end, samples

    @property
    def middle(self) -> float:
        """Time of the reading, in seconds."""
        return 0.5 * (self.start + self.end)
