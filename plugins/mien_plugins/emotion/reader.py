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
from safetensors.torch import load_file, save_file

from mien.errors import ModelError
from mien.models.damage import UNREADABLE, reason
from mien.models.size import bounded
from mien.tracks.track import FloatArray
from mien.training.card import save_model, sha256_of
from mien_plugins.emotion.features import MID_TERM, Recipe
from mien_plugins.emotion.joint import JointConfig, JointNet, OneConfig, OneNet, one_config, one_net
from mien_plugins.emotion.logmel import LogMel
from mien_plugins.emotion.spectral import SpectralConfig, SpectralNet, padded

NAMES = "names.safetensors"
"""The layers that name the emotion lie beside the weights, which stay what other models were trained on."""
AT_ONCE = 64
"""Sounds read in one batch: more would only cost memory."""

AnyConfig = OneConfig | JointConfig
AnyNet = OneNet | JointNet


def config_of(fields: Mapping[str, Any]) -> AnyConfig:
    """The settings of a net from the `net` part of a model's config.json, by its representation."""
    return JointConfig.from_dict(fields) if "members" in fields else one_config(fields)


def make(config: AnyConfig) -> AnyNet:
    """A net with random weights."""
    return bounded(lambda: JointNet(config) if isinstance(config, JointConfig) else one_net(config))


@dataclass(frozen=True)
class Heard:
    """What a joint net gets of one sound: log-mel frames (T, bands), mid-term windows (R, 136)."""

    frames: NDArray[Any]
    mid: NDArray[Any]

    def __len__(self) -> int:
        return min(len(self.frames), len(self.mid))


@dataclass(frozen=True)
class Ears:
    """What a joint net hears with."""

    logmel: LogMel
    f1: Recipe

    @property
    def rate(self) -> int:
        """Samples per second of the sounds to hand over."""
        return self.f1.rate

    def of(self, sound: NDArray[Any]) -> Heard:
        """Frames and mid-term windows of a mono sound (N,)."""
        return Heard(self.logmel.of(sound), self.f1.mid_of(sound))

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Ears:
        """The inverse of `dataclasses.asdict`."""
        return cls(LogMel(**fields["logmel"]), Recipe(**fields["f1"]))


def ears_of(config: AnyConfig, fields: Mapping[str, Any]) -> LogMel | Recipe | Ears:
    """What a net hears with, from the `features` part of a model's config.json."""
    if isinstance(config, JointConfig):
        return Ears.from_dict(fields)
    return LogMel(**fields) if isinstance(config, SpectralConfig) else Recipe(**fields)


@dataclass(frozen=True)
class Reader:
    """A net and how its input is made."""

    net: AnyNet
    features: Recipe | LogMel | Ears

    @property
    def rate(self) -> int:
        """Samples per second of the sounds to hand over."""
        return self.features.rate

    def hear(self, sound: NDArray[np.float32]) -> Any:
        """What the net gets of a mono sound (N,): something whose length is 0 if it is too short to tell anything."""
        if isinstance(self.features, Recipe):
            return self.features.mid_of(sound)
        return self.features.of(sound)

    def read(self, heard: Sequence[Any], device: str = "cpu") -> tuple[FloatArray, FloatArray]:
        """What was heard of B sounds -> attributes (B, 3) in [-1, 1] and embeddings (B, 510)."""
        values, vectors = [], []
        for first in range(0, len(heard), AT_ONCE):
            batch = self._batch(heard[first : first + AT_ONCE])
            with torch.inference_mode():
                v, x = self.net(*(part.to(device) for part in batch))
            values.append(v.clamp(-1.0, 1.0).float().cpu().numpy())
            vectors.append(x.float().cpu().numpy())
        return np.concatenate(values), np.concatenate(vectors)

    def _batch(self, heard: Sequence[Any]) -> tuple[torch.Tensor, ...]:
        if isinstance(self.net, JointNet):
            return *padded([h.frames for h in heard]), *_packed([h.mid for h in heard], 1)
        return padded(heard) if isinstance(self.net, SpectralNet) else _packed(heard, self.net.config.rows)


def _packed(mids: Sequence[NDArray[Any]], least: int) -> tuple[torch.Tensor, torch.Tensor]:
    rows = np.array([len(mid) for mid in mids])
    packed = np.zeros((len(mids), max(least, int(rows.max())), len(MID_TERM)), np.float32)
    for row, mid in enumerate(mids):
        packed[row, : len(mid)] = mid
    return torch.from_numpy(packed), torch.from_numpy(rows)


def save(folder: Path, net: AnyNet, config: Mapping[str, Any]) -> None:
    """Write a net's weights and config.json into `folder`; the names' layers, if it has any that count, into a file beside."""
    weights = net.state_dict()
    beside = {name: weights.pop(name).contiguous() for name in list(weights) if name.startswith("names.")}
    (folder / NAMES).unlink(missing_ok=True)
    if beside and "naming" in config["net"]:
        folder.mkdir(parents=True, exist_ok=True)
        partial = folder / f"{NAMES}.part"
        save_file(beside, partial)
        partial.chmod(0o644)  # safetensors writes for the owner alone
        partial.replace(folder / NAMES)
        config = {**config, "beside": {NAMES: sha256_of(folder / NAMES)}}
    save_model(folder, weights, config)


def _beside(folder: Path, net: AnyNet, config: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The layers of `NAMES` where the net has such; ValueError if they are not those that config.json tells of."""
    if not isinstance(net, JointNet) or net.names is None:
        return {}
    if sha256_of(folder / NAMES) != config["beside"][NAMES]:
        raise ValueError(f"{NAMES} is not the file config.json describes")
    return load_file(folder / NAMES)


def load(folder: Path) -> Reader:
    """The model in a folder, ready to use; raises ModelError if it is missing, damaged or of another net."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        net = make(config_of(config["net"]))
        net.load_state_dict(load_file(folder / "model.safetensors") | _beside(folder, net, config))
        features = ears_of(net.config, config["features"])
    except UNREADABLE as error:
        raise ModelError(
            f"The emotion model cannot be loaded ({reason(error)}); fetch or train it again: {folder}"
        ) from error
    return Reader(net.eval(), features)
