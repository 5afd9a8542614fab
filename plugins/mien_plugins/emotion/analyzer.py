"""`emotion.attributes` and `emotion.embedding`: how something is said, from windows of sound."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from mien.errors import ModelError
from mien.sdk import Block, Context, MediaInfo, Params
from mien.tracks.quantity import AROUSAL, DOMINANCE, VALENCE
from mien.tracks.track import AnyTrack, Curve, Features, FloatArray, Spans
from mien_plugins.emotion.edges import Edges, Part
from mien_plugins.emotion.features import MID_TERM, Recipe
from mien_plugins.emotion.gate import Reading, VoiceGate, loud_share
from mien_plugins.emotion.info import ATTRIBUTES, EMBEDDING, MODEL, VOICE, EmotionParams
from mien_plugins.emotion.net import EmotionNet, NetConfig


class EmotionAnalyzer:
    """Reads each window on its own: features, net, and a gate that leaves gaps where nobody speaks."""

    def __init__(self) -> None:
        self._params = EmotionParams()
        self._net: EmotionNet | None = None
        self._recipe: Recipe | None = None
        self._gate: VoiceGate | None = None
        self._ctx: Context | None = None
        self._edges = Edges(self._params.hop)
        self._device = "cpu"

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Load the weights.

        Raises:
            mien.errors.ModelError: they are missing, damaged or of another net.
        """
        assert isinstance(params, EmotionParams)
        self._params, self._ctx, self._device = params, ctx, ctx.device
        self._net, self._recipe = load(ctx.model(MODEL))
        self._net.to(self._device)
        self._edges = Edges(params.hop)
        self._gate = VoiceGate(params.min_speech) if params.gate == "voice" else None

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """The readings that are known by now to be of speech."""
        ready = self._read(self._edges.parts(block.windows)) if block.windows is not None else []
        if self._gate is None:
            return _pieces(ready)
        self._gate.hear(p for p in block.tracks.get(VOICE, ()) if isinstance(p, Spans))
        for reading in ready:
            self._gate.hold(reading)
        return _pieces(self._gate.release(block.end))

    def finish(self) -> Iterable[AnyTrack]:
        """The last seconds, and what was held back until all speech is known."""
        ready = self._read(self._edges.rest())
        if self._gate is None:
            return _pieces(ready)
        for reading in ready:
            self._gate.hold(reading)
        return _pieces(self._gate.release(np.inf))

    def move(self, device: str) -> None:
        """Go on computing on another device."""
        self._device = device
        if self._net is not None:
            self._net.to(device)

    def close(self) -> None:
        """Free the weights."""
        self._net = self._gate = self._ctx = None

    def _read(self, parts: Iterable[Part]) -> list[Reading]:
        if self._net is None or self._recipe is None or self._ctx is None:
            raise RuntimeError("prepare comes first")
        kept: list[Part] = []
        mids = []
        for part in parts:
            self._ctx.check_cancelled()
            # What is silent needs no voice activity to be told so.
            share = loud_share(part.sound, self._recipe.rate, self._params.silence)
            if share == 0.0 or (self._gate is None and share < self._params.min_speech):
                continue
            mid = self._recipe.mid_of(part.sound)
            if len(mid):
                mids.append(mid)
                kept.append(part)
        if not mids:
            return []
        values, vectors = infer(self._net, mids, self._device)
        rate = self._recipe.rate
        return [
            Reading(p.time, p.start, p.start + len(p.sound) / rate, v, x)
            for p, v, x in zip(kept, values, vectors, strict=True)
        ]


def load(folder: Path) -> tuple[EmotionNet, Recipe]:
    """The net of a model's folder, ready to use, and how its features are made; raises ModelError."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        net = EmotionNet(NetConfig.from_dict(config["net"]))
        net.load_state_dict(load_file(folder / "model.safetensors"))
        recipe = Recipe(**config["features"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"the emotion model cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0]}); "
            f"fetch or train it again: {folder}"
        ) from error
    return net.eval(), recipe


def infer(net: EmotionNet, mids: list[NDArray[np.float64]], device: str = "cpu") -> tuple[FloatArray, FloatArray]:
    """Mid-term windows (rows, 136) of B windows -> attributes (B, 3) in [-1, 1] and embeddings (B, 510)."""
    rows = np.array([len(m) for m in mids])
    packed = np.zeros((len(mids), max(net.config.rows, int(rows.max())), len(MID_TERM)), np.float32)
    for row, mid in enumerate(mids):
        packed[row, : len(mid)] = mid
    with torch.inference_mode():
        values, vectors = net(torch.from_numpy(packed).to(device), torch.from_numpy(rows).to(device))
    return values.clamp(-1.0, 1.0).cpu().numpy(), vectors.cpu().numpy()


def _pieces(readings: list[Reading]) -> list[AnyTrack]:
    if not readings:
        return []
    times = np.array([r.time for r in readings])
    return [
        Curve(ATTRIBUTES, times, np.stack([r.values for r in readings]), (VALENCE, AROUSAL, DOMINANCE)),
        Features(EMBEDDING, times, np.stack([r.embedding for r in readings])),
    ]
