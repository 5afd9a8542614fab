"""`emotion.attributes` (or `emotion.wav2vec2`) and `emotion.embedding`: how something is said, from windows of sound."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import ModelError, UsageError
from mien.sdk import Block, Context, Explanation, MediaInfo, Params, Windows
from mien.tracks.quantity import AROUSAL, DOMINANCE, VALENCE
from mien.tracks.track import AnyTrack, Curve, Features, Spans
from mien_plugins.emotion.edges import Edges, Part
from mien_plugins.emotion.explain import READINGS, explain_window
from mien_plugins.emotion.gate import Reading, VoiceGate, loud_share
from mien_plugins.emotion.info import (
    ATTRIBUTES,
    DIMENSIONS,
    EMBEDDING,
    LFLB,
    MODEL,
    NAMED,
    RAW,
    SAMPLED,
    VOICE,
    WAV2VEC2,
    EmotionParams,
)
from mien_plugins.emotion.reader import Reader, load

if TYPE_CHECKING:
    from mien_plugins.emotion.rawreader import LflbReader, RawReader
    from mien_plugins.emotion.wav2vec2 import Wav2Vec2Reader

    AnyReader = Reader | Wav2Vec2Reader | RawReader | LflbReader

TRACKS = {"mtl": ATTRIBUTES, "wav2vec2": DIMENSIONS, RAW: SAMPLED, LFLB: NAMED}
QUANTITIES = {
    ATTRIBUTES: (VALENCE, AROUSAL, DOMINANCE),
    DIMENSIONS: (VALENCE, AROUSAL, DOMINANCE),
    SAMPLED: (VALENCE, AROUSAL),
}


class EmotionAnalyzer:
    """Reads each window on its own: features, net, and a gate that leaves gaps where nobody speaks."""

    explains = READINGS

    def __init__(self) -> None:
        self._params = EmotionParams()
        self._reader: AnyReader | None = None
        self._track = ATTRIBUTES
        self._gate: VoiceGate | None = None
        self._ctx: Context | None = None
        self._edges = Edges(self._params.hop)
        self._device = "cpu"
        self._ends: float | None = None

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Load the weights.

        Raises:
            mien.errors.ModelError: they are missing, damaged or of another net.
        """
        assert isinstance(params, EmotionParams)
        self._params, self._ctx, self._device = params, ctx, ctx.device
        self._reader, self._track, self._ends = _reader(params, ctx), TRACKS[params.model], media.duration
        self._reader.net.to(self._device)
        self._edges = Edges(params.hop)
        self._gate = VoiceGate(params.min_speech) if params.gate == "voice" else None

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """The readings that are known by now to be of speech."""
        edges = copy.copy(self._edges)
        ready = self._read(edges.parts(block.windows)) if block.windows is not None else []
        # Only now: had the device run out of memory, the host would call again with the same windows.
        self._edges = edges
        if self._gate is None:
            return self._pieces(ready)
        self._gate.hear(p for p in block.tracks.get(VOICE, ()) if isinstance(p, Spans))
        for reading in ready:
            self._gate.hold(reading)
        return self._pieces(self._gate.release(block.end))

    def finish(self) -> Iterable[AnyTrack]:
        """The last seconds, and what was held back until all speech is known."""
        ready = self._read(self._edges.rest())
        if self._gate is None:
            return self._pieces(ready)
        for reading in ready:
            self._gate.hold(reading)
        return self._pieces(self._gate.release(np.inf))

    def move(self, device: str) -> None:
        """Go on computing on another device."""
        self._device = device
        if self._reader is not None:
            self._reader.net.to(device)

    def close(self) -> None:
        """Free the weights."""
        self._reader = self._gate = self._ctx = None

    def explain(self, window: Windows, params: Params, ctx: Context, of: str) -> Explanation:
        """Which half seconds of a window raised or lowered a reading (`explain.py`)."""
        assert isinstance(params, EmotionParams)
        own = params.model == "mtl"
        if params.model == LFLB:
            raise UsageError(f"{LFLB} gives names, not degrees, that could be explained; choose another emotion.model.")
        reader = _reader(params, ctx)
        reader.net.to(ctx.device)
        return explain_window(reader, window, of, params.silence, ctx.model(MODEL) if own else None, ctx)

    def _read(self, parts: Iterable[Part]) -> list[Reading]:
        if self._reader is None or self._ctx is None:
            raise RuntimeError("prepare comes first")
        kept: list[Part] = []
        heard = []
        rate = self._reader.rate
        for part in parts:
            self._ctx.check_cancelled()
            # What is silent needs no voice activity to be told so.
            share = loud_share(part.sound, rate, self._params.silence)
            if share == 0.0 or (self._gate is None and share < self._params.min_speech):
                continue
            rows = self._reader.hear(part.sound)
            if len(rows):
                heard.append(rows)
                kept.append(part)
        if not heard:
            return []
        values, vectors = self._reader.read(heard, self._device)
        return [
            Reading(p.time, p.start, p.start + len(p.sound) / rate, v, x)
            for p, v, x in zip(kept, values, vectors, strict=True)
        ]

    def _pieces(self, readings: list[Reading]) -> list[AnyTrack]:
        if not readings:
            return []
        times = np.array([r.time for r in readings])
        said: AnyTrack
        if self._track == NAMED:
            said = self._named(readings)
        else:
            said = Curve(self._track, times, np.stack([r.values for r in readings]), QUANTITIES[self._track])
        return [
            said,
            Features(EMBEDDING, times, np.stack([r.embedding for r in readings])),
        ]

    def _named(self, readings: list[Reading]) -> Spans:
        """The likeliest name around the middle of each window."""
        names: tuple[str, ...] = getattr(self._reader, "names", ())
        half, end = 0.5 * self._params.hop, np.inf if self._ends is None else self._ends
        return Spans.of(
            NAMED,
            [
                # A medium may go on beyond what it announces.
                (max(0.0, r.time - half), min(max(end, r.end), r.time + half), names[i], "", float(r.values[i]))
                for r in readings
                for i in (int(r.values.argmax()),)
            ],
        )


def _reader(params: EmotionParams, ctx: Context) -> AnyReader:
    """Who reads under these parameters."""
    if params.model == "mtl":
        return load(ctx.model(MODEL))
    return _wav2vec2(ctx) if params.model == "wav2vec2" else _trained(params.model, ctx)


def _trained(model: str, ctx: Context) -> RawReader | LflbReader:
    folder = ctx.optional_model(model)
    if folder is None:
        raise ModelError(
            f"emotion.model={model} needs training: make the model with 'mien train {model} --data CORPUS --out DIR', then "
            f"'mien models import {model} DIR'"
        )
    from mien_plugins.emotion.rawreader import load_lflb, load_raw

    ctx.note(
        f"The voice is read by {model}; no probability of anger is fitted on it, so that fusions leave the voice out."
    )
    return load_raw(folder) if model == RAW else load_lflb(folder)


def _wav2vec2(ctx: Context) -> Wav2Vec2Reader:
    folder = ctx.optional_model(WAV2VEC2)
    if folder is None:
        raise ModelError(
            f"emotion.model=wav2vec2 needs the model {WAV2VEC2}, which is not installed; "
            f"'mien models show {WAV2VEC2}' says where to get it and 'mien models import {WAV2VEC2} DIR' installs it"
        )
    from mien_plugins.emotion.wav2vec2 import load

    ctx.note(
        "Valence, arousal and dominance are by wav2vec 2.0; Mien has fitted no probability of anger on them, so that "
        "fusions leave the voice out."
    )
    return load(folder, ctx.precision, ctx.note)
