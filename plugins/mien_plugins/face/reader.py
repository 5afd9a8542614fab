"""Reads faces with trained weights: calibrated expressions, the affect they imply, embeddings, where the
net looked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from mien.tracks.quantity import AROUSAL, EXPRESSIONS, VALENCE
from mien.training.card import load_model
from mien_plugins.emotion.norms import PAD
from mien_plugins.face.data import resized, standardise
from mien_plugins.face.found import Floats, Images
from mien_plugins.face.hrnet import fold_norms
from mien_plugins.face.views import FaceEnsemble

_PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# ITU-R BT.601, as OpenCV weighs colours.
_GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class Expressions:
    """probability (B, 7), rows sum to 1; affect (B, 2): valence, arousal in [-1, 1]; embedding (B, 256).

    attention (B, h, w): where the net looked, each map sums to 1, only if it was asked for.
    """

    probability: Floats
    affect: Floats
    embedding: Floats
    attention: Floats | None = None


class ExpressionReader:
    """Trained face nets on one device."""

    def __init__(
        self,
        ensemble: FaceEnsemble,
        classes: tuple[str, ...],
        size: int,
        temperature: float,
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        self.device, self.size, self.temperature, self.classes = device, size, temperature, classes
        self.ensemble, self.dtype = _ready(ensemble, device, precision)
        self.norms = np.array([PAD[name][:2] for name in classes], np.float32)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", precision: str = "float32") -> ExpressionReader:
        """From a model's folder. Raises OSError, KeyError, ValueError, RuntimeError where that is damaged or of other classes."""
        weights, config = load_model(folder)
        classes, size, temperature = tuple(config["classes"]), _side(config), float(config["temperature"])
        # The channels of the tracks have their names by place.
        if classes != EXPRESSIONS:
            raise ValueError("it reads other expressions, or in another order")
        if not 0 < temperature < math.inf:
            raise ValueError(f"its temperature is {temperature}")
        ensemble = FaceEnsemble.from_config(config)
        ensemble.load_state_dict({name: value.float() for name, value in weights.items()})
        return cls(ensemble, classes, size, temperature, device, precision)

    @torch.inference_mode()
    def read(self, images: Images, batch: int = 64, attention: bool = False) -> Expressions:
        """Read square faces (B, s, s, 3) uint8 RGB."""
        logits, embedding, maps = [], [], []
        for start in range(0, len(images), batch):
            part = torch.from_numpy(np.ascontiguousarray(images[start : start + batch])).to(self.device)
            reading = self.ensemble(self.prepared(part))
            logits.append(reading.logits.double().cpu().numpy())
            embedding.append(reading.embedding.float().cpu().numpy())
            if attention:
                maps.append(looked_at(reading.saliency, reading.branch_weights))
        probability = _softmax(np.concatenate(logits) / self.temperature)
        return Expressions(
            probability,
            affect=np.clip(probability @ self.norms, -1.0, 1.0),
            embedding=np.concatenate(embedding),
            attention=np.concatenate(maps) if attention else None,
        )

    def prepared(self, images: torch.Tensor) -> torch.Tensor:
        """Faces (B, s, s, 3) RGB as the net gets them: (B, 1, size, size), grey and standardised."""
        return as_nets_read(images, self.size).to(self.dtype)


class RatingReader:
    """Trained face nets that learnt valence and arousal from ratings (`mien train face-affect --set task=affect`)."""

    def __init__(self, ensemble: FaceEnsemble, size: int, device: str = "cpu", precision: str = "float32") -> None:
        self.device, self.size = device, size
        self.ensemble, self.dtype = _ready(ensemble, device, precision)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", precision: str = "float32") -> RatingReader:
        """From a model's folder. Raises OSError, KeyError, ValueError, RuntimeError where that is damaged or rates nothing."""
        weights, config = load_model(folder)
        size = _side(config)
        if tuple(config.get("outputs", ())) != (VALENCE.name, AROUSAL.name):
            raise ValueError("it has not learnt valence and arousal")
        ensemble = FaceEnsemble.from_config(config)
        ensemble.load_state_dict({name: value.float() for name, value in weights.items()})
        return cls(ensemble, size, device, precision)

    @torch.inference_mode()
    def read(self, images: Images, batch: int = 64) -> Floats:
        """Valence and arousal (B, 2) in [-1, 1] of square faces (B, s, s, 3) uint8 RGB."""
        said = []
        for start in range(0, len(images), batch):
            part = torch.from_numpy(np.ascontiguousarray(images[start : start + batch])).to(self.device)
            given = as_nets_read(part, self.size).to(self.dtype)
            said.append(rated(self.ensemble(given).logits).cpu().numpy())
        return np.concatenate(said)


def _ready(ensemble: FaceEnsemble, device: str, precision: str) -> tuple[FaceEnsemble, torch.dtype]:
    """The nets as readers use them, on the device, and the numbers they compute in."""
    # Half precision is slower than float32 on most CPUs, and this net is small.
    dtype = _PRECISIONS[precision] if device != "cpu" else torch.float32
    ensemble.eval().requires_grad_(False)
    fold_norms(ensemble)
    return ensemble.to(device, dtype, memory_format=torch.channels_last), dtype  # type: ignore[call-overload]


def _side(config: dict[str, Any]) -> int:
    """The side of the faces that a model's nets read, in pixels; raises ValueError where it cannot be."""
    size = int(config["size"])
    if not 16 <= size <= 1024:
        raise ValueError(f"it reads faces of {size} pixels")
    return size


def rated(outputs: torch.Tensor) -> torch.Tensor:
    """Valence and arousal (B, 2) in [-1, 1], of what a net that learnt ratings puts out."""
    return outputs.float().tanh()


def as_nets_read(images: torch.Tensor, size: int) -> torch.Tensor:
    """Faces (B, s, s, 3) RGB -> (B, 1, size, size) float32, grey and standardised."""
    weights = torch.tensor(_GREY, device=images.device)
    grey = (images.float() * weights).sum(dim=3).unsqueeze(1)
    return standardise(resized(grey, size))


def _softmax(logits: NDArray[np.float64]) -> Floats:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float32)


def looked_at(saliency: tuple[torch.Tensor, ...], weights: torch.Tensor) -> Floats:
    """One map (B, h, w) at the finest branch's size: each branch's attention, weighed as the net weighed the
    branch."""
    size = saliency[0].shape[-2:]
    total = torch.zeros_like(saliency[0], dtype=torch.float32)
    for branch, part in enumerate(saliency):
        strength = part.float().abs()
        strength = strength / strength.sum(dim=(1, 2), keepdim=True).clamp_min(1e-9)
        big = functional.interpolate(strength.unsqueeze(1), size=size, mode="bilinear")[:, 0]
        total += weights[:, branch, None, None].float() * big
    total = total / total.sum(dim=(1, 2), keepdim=True).clamp_min(1e-9)
    return np.asarray(total.cpu().numpy(), np.float32)
