"""Trained nets on raw samples in the form of `reader.Reader`: they hear windows and read batches of them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from mien.errors import ModelError, shown
from mien.models.damage import UNREADABLE
from mien.models.size import bounded
from mien.tracks.track import FloatArray
from mien_plugins.conflict.features import normalise
from mien_plugins.emotion import lflb, rawnet
from mien_plugins.emotion.info import LFLB, RAW
from mien_plugins.emotion.lflb import LflbConfig, LflbNet, probabilities
from mien_plugins.emotion.rawnet import PER_FRAME, SAMPLES, RawConfig, RawNet, halves

AT_ONCE = 16


def as_frames(sound: NDArray[Any], config: RawConfig, own: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
    """Sound at `rawnet.RATE` -> (T, 4410), of RMS 1; with silence behind it where T must be a multiple of 25.

    own: for each frame whether the target speaks, by default all are the target's.
    """
    frames = halves(normalise(sound), own)
    whole = PER_FRAME.get(config.steps, 1)
    return np.pad(frames, ((0, -len(frames) % whole), (0, 0)))


class RawReader:
    """The raw-audio network of Tzirakis et al.: valence and arousal, the mean over a window's frames.

    All sound counts as the target's, for nobody tells whose turn it is: whoever speaks in the window is read.
    """

    rate = rawnet.RATE
    columns = ("valence", "arousal")

    def __init__(self, net: RawNet, outputs: Sequence[str]) -> None:
        self.net = net.eval()
        self._order = [list(outputs).index(name) for name in self.columns]

    def hear(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sound (N,); nothing if it fills no frame."""
        return np.asarray(sound if len(sound) >= SAMPLES else sound[:0], np.float32)

    def read(self, heard: Sequence[NDArray[Any]], device: str = "cpu") -> tuple[FloatArray, FloatArray]:
        """What was heard of B sounds -> valence and arousal (B, 2) in [-1, 1], mean hidden states (B, units)."""
        values, vectors = [], []
        for sound in heard:
            count = len(sound) // SAMPLES
            frames = torch.from_numpy(as_frames(sound, self.net.config))[None].to(device)
            with torch.inference_mode():
                said, hidden = self.net(frames)
            values.append(said[0, :count, self._order].mean(0).clamp(-1.0, 1.0).float().cpu().numpy())
            vectors.append(hidden[0, :count].mean(0).float().cpu().numpy())
        return np.stack(values), np.stack(vectors)


class LflbReader:
    """1D-SER: how probable each emotion's name is, the mean over segments as long as those it learnt from."""

    rate = lflb.RATE
    columns: tuple[str, ...] = ()

    def __init__(self, net: LflbNet, seconds: float, temperature: float = 1.0) -> None:
        if not 0 < temperature < math.inf:
            raise ValueError(f"its temperature is {temperature}")
        self.net, self.temperature = net.eval(), temperature
        self.names = net.config.classes
        self._length = round(seconds * lflb.RATE)

    def hear(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Its segments (S, n), each of RMS 1; none if it is too short."""
        if len(sound) < self.net.config.shortest:
            return np.zeros((0, self._length), np.float32)
        return segments(sound, self._length)

    def read(self, heard: Sequence[NDArray[Any]], device: str = "cpu") -> tuple[FloatArray, FloatArray]:
        """What was heard of B sounds -> probabilities (B, classes), which add up to 1, mean hidden states (B, units)."""
        flat = np.concatenate(heard)
        chances, vectors = [], []
        for first in range(0, len(flat), 4 * AT_ONCE):
            with torch.inference_mode():
                logits, hidden = self.net(torch.from_numpy(flat[first : first + 4 * AT_ONCE]).to(device))
            chances.append(probabilities(logits, self.temperature).cpu().numpy())
            vectors.append(hidden.float().cpu().numpy())
        ends = np.cumsum([len(own) for own in heard])[:-1]
        parts = np.split(np.concatenate(chances), ends), np.split(np.concatenate(vectors), ends)
        return np.stack([own.mean(0) for own in parts[0]]), np.stack([own.mean(0) for own in parts[1]])


def segments(sound: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """(S, length): segments that overlap by half, each of RMS 1; a sound that is shorter than one is padded with zeros."""
    padded = np.pad(sound, (0, max(0, length - len(sound))))
    starts = range(0, len(padded) - length + 1, max(1, length // 2))
    return normalise(np.stack([padded[start : start + length] for start in starts]))


def load_raw(folder: Path) -> RawReader:
    """The model in a folder, ready to use; raises ModelError if it is missing, damaged, or reads something else."""
    try:
        config = _config(folder)
        net = bounded(lambda: RawNet(RawConfig.from_dict(config["net"])))
        net.load_state_dict(_weights(folder))
        outputs = [str(name) for name in config["outputs"]]
    except UNREADABLE as error:
        raise ModelError(f"The model {RAW} cannot be read; train it again: {shown(folder)}") from error
    if missing := set(RawReader.columns) - set(outputs):
        raise ModelError(
            f"The model {RAW} has not learnt {' and '.join(sorted(missing))}, which a reading needs: {shown(folder)}"
        )
    return RawReader(net, outputs)


def load_lflb(folder: Path) -> LflbReader:
    """The model in a folder, ready to use; raises ModelError if it is missing or damaged."""
    try:
        config = _config(folder)
        net = bounded(lambda: LflbNet(LflbConfig.from_dict(config["net"])))
        net.load_state_dict(_weights(folder))
        # Models of before have none: what they say was not calibrated.
        return LflbReader(net, float(config["segment"]), float(config.get("temperature", 1.0)))
    except UNREADABLE as error:
        raise ModelError(f"The model {LFLB} cannot be read; train it again: {shown(folder)}") from error


def _config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in load_file(folder / "model.safetensors").items()
    }
