"""A trained emotion model, whichever it is: what it hears of a sound, and what it reads from that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file

from mien.errors import ModelError
from mien.tracks.track import FloatArray
from mien_plugins.emotion.features import MID_TERM, Recipe
from mien_plugins.emotion.logmel import LogMel
from mien_plugins.emotion.net import EmotionNet, NetConfig
from mien_plugins.emotion.spectral import SpectralConfig, SpectralNet, padded

AT_ONCE = 64
"""Sounds read in one batch: more would only cost memory."""

AnyConfig = NetConfig | SpectralConfig
AnyNet = EmotionNet | SpectralNet


def config_of(fields: Mapping[str, Any]) -> AnyConfig:
    """The settings of a net from the `net` part of a model's config.json, by its representation."""
    kind = SpectralConfig if fields["representation"] == SpectralConfig.representation else NetConfig
    return kind.from_dict(dict(fields))


def make(config: AnyConfig) -> AnyNet:
    """A net with random weights."""
    return EmotionNet(config) if isinstance(config, NetConfig) else SpectralNet(config)


@dataclass(frozen=True)
class Reader:
    """A net and how its input is made."""

    net: AnyNet
    features: Recipe | LogMel

    @property
    def rate(self) -> int:
        """Samples per second of the sounds to hand over."""
        return self.features.rate

    def hear(self, sound: NDArray[np.float32]) -> NDArray[Any]:
        """What the net gets of a mono sound (N,): rows of numbers, none if it is too short to tell anything."""
        if isinstance(self.features, LogMel):
            return self.features.of(sound)
        return self.features.mid_of(sound)

    def read(self, heard: Sequence[NDArray[Any]], device: str = "cpu") -> tuple[FloatArray, FloatArray]:
        """What was heard of B sounds -> attributes (B, 3) in [-1, 1] and embeddings (B, 510)."""
        values, vectors = [], []
        for first in range(0, len(heard), AT_ONCE):
            batch, rows = self._batch(heard[first : first + AT_ONCE])
            with torch.inference_mode():
                v, x = self.net(batch.to(device), rows.to(device))
            values.append(v.clamp(-1.0, 1.0).float().cpu().numpy())
            vectors.append(x.float().cpu().numpy())
        return np.concatenate(values), np.concatenate(vectors)

    def _batch(self, heard: Sequence[NDArray[Any]]) -> tuple[torch.Tensor, torch.Tensor]:
        if isinstance(self.net, SpectralNet):
            return padded(heard)
        rows = np.array([len(h) for h in heard])
        packed = np.zeros((len(heard), max(self.net.config.rows, int(rows.max())), len(MID_TERM)), np.float32)
        for row, mid in enumerate(heard):
            packed[row, : len(mid)] = mid
        return torch.from_numpy(packed), torch.from_numpy(rows)


def load(folder: Path) -> Reader:
    """The model in a folder, ready to use; raises ModelError if it is missing, damaged or of another net."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        net = make(config_of(config["net"]))
        net.load_state_dict(load_file(folder / "model.safetensors"))
        features = (LogMel if isinstance(net, SpectralNet) else Recipe)(**config["features"])
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"the emotion model cannot be loaded ({type(error).__name__}: {str(error).splitlines()[0]}); "
            f"fetch or train it again: {folder}"
        ) from error
    return Reader(net.eval(), features)
