"""The multimodal fusion net of Rana & Jha 2022 (arXiv 2202.06218; SEEDS §8): dense layers over laid-together embeddings.

E = [E_text; E_speech] → three dense layers (ReLU) with dropout between them → sigmoid. Both encoders are frozen: the net gets
their embeddings. Widths and dropout are not given in the paper; those of the defaults are SEEDS' reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from mien.errors import ModelError
from mien.models.damage import UNREADABLE, reason
from mien.models.size import bounded
from mien.training.card import load_model
from mien_plugins.fusion import sigmoids
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.scaling import SubsetScaling

MODALITIES = ("text", "voice")
"""In the order in which their embeddings are laid together."""
TEXT_WIDTH, SPEECH_WIDTH = 384, 510
"""Of the embeddings of the models that come with Mien; the paper's text encoder gives 768."""
MEMORY = "memory."
"""What stands before a modality's name in the weights file for the vectors that imputation looks among."""
_LEAST = 1e-3
"""Deviations below this count as this: a number that hardly ever moved must not become huge when it does."""

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class MmlConfig:
    """Widths of the embeddings and of the dense layers, and the share of units that dropout silences."""

    text: int = TEXT_WIDTH
    speech: int = SPEECH_WIDTH
    widths: tuple[int, ...] = (512, 256, 64)
    dropout: float = 0.3

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {**asdict(self), "widths": list(self.widths)}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> MmlConfig:
        """The inverse of `to_dict`."""
        return cls(**{**fields, "widths": tuple(fields["widths"])})


class MmlNet(nn.Module):
    """Embeddings → logit of hostility.

    Each number of an embedding is laid at mean 0 and deviation 1 of the training data (`fit_scale`), and an absent
    modality is zeros there.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: MmlConfig) -> None:
        super().__init__()
        self.config = config
        width = config.text + config.speech
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("deviation", torch.ones(width))
        layers: list[nn.Module] = []
        for number, size in enumerate(config.widths):
            layers += [nn.Dropout(config.dropout)] if number else []
            layers += [nn.Linear(width, size), nn.ReLU()]
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)
        # A He start of the last layer would begin with probabilities near 0 and 1.
        nn.init.normal_(self.layers[-1].weight, std=0.02)  # type: ignore[arg-type]

    def fit_scale(self, text: Tensor, speech: Tensor) -> None:
        """Set the scaling from training embeddings (N, text) and (M, speech)."""
        self.mean.copy_(torch.cat([text.mean(0), speech.mean(0)]))
        spread = torch.cat([text.std(0, correction=0), speech.std(0, correction=0)])
        self.deviation.copy_(spread.clamp_min(_LEAST))

    def forward(self, text: Tensor, speech: Tensor, present: Tensor) -> Tensor:
        """(B, text), (B, speech), (B, 2) bool → (B,) logits."""
        scaled = (torch.cat([text, speech], 1) - self.mean) / self.deviation
        sizes = torch.tensor([self.config.text, self.config.speech], device=present.device)
        # Not multiplied: whatever stands in an absent row must not come through, NaN neither.
        there = present.repeat_interleave(sizes, dim=1)
        logit: Tensor = self.layers(torch.where(there, scaled, torch.zeros((), device=scaled.device)))[:, 0]
        return logit

    def penalty(self) -> Tensor:
        """The sum of the squared weights of all dense layers (the L2 constraint; the paper prints its root)."""
        squares = [module.weight.square().sum() for module in self.modules() if isinstance(module, nn.Linear)]
        return torch.stack(squares).sum()


@dataclass(frozen=True)
class Mml:
    """A trained net: it reads as calibrated for what is there (`sigmoids`), with the absent imputed where it was trained so."""

    net: MmlNet
    config: Mapping[str, Any]
    scaling: SubsetScaling
    imputer: KnnImputer | None = None

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> Mml:
        """The model in a folder.

        Raises:
            ModelError: it is damaged, or of another net.
        """
        try:
            weights, config = load_model(folder)
            net = bounded(lambda: MmlNet(MmlConfig.from_dict(config["net"])))
            kept = {name: value.float() for name, value in weights.items()}
            memory = {m: kept.pop(MEMORY + m).numpy() for m in MODALITIES if MEMORY + m in kept}
            net.load_state_dict(kept)
            imputer = KnnImputer(memory, int(config["neighbours"])) if memory else None
            scaling = sigmoids.read(config, MODALITIES)
        except UNREADABLE as error:
            raise ModelError(f"The fusion model cannot be read ({reason(error)}); train it again: {folder}") from error
        return cls(net.to(device).eval(), config, scaling, imputer)

    def read(self, text: Floats, voice: Floats, present: Mask) -> Floats:
        """Calibrated probability of hostility of N moments.

        Args:
            text, voice: (N, D) embeddings; rows of absent modalities are not looked at.
            present: (N, 2) bool.

        Returns:
            (N,) in [0, 1]; NaN where nothing is present.
        """
        logit = self.logits(text, voice, present)
        said = sigmoids.probability(self.scaling, np.nan_to_num(logit), present, self.imputer is not None)
        return np.where(np.isnan(logit), np.nan, said).astype(np.float32)

    def logits(self, text: Floats, voice: Floats, present: Mask) -> Floats:
        """What the net itself says of them, before any calibration: (N,), NaN where nothing is present."""
        there = present.copy()
        if self.imputer is not None:
            filled = self.imputer.fill({"text": text, "voice": voice}, present)
            text, voice = filled["text"], filled["voice"]
            there[present.any(axis=1)] = True
        device = self.net.mean.device
        logit = np.full(len(text), np.nan, np.float32)
        with torch.inference_mode():
            for first in range(0, len(text), 1024):
                rows = slice(first, first + 1024)
                inputs = (
                    torch.from_numpy(np.ascontiguousarray(part[rows])).to(device) for part in (text, voice, there)
                )
                logit[rows] = self.net(*inputs).float().cpu().numpy()
        return np.where(present.any(axis=1), logit, np.nan).astype(np.float32)
