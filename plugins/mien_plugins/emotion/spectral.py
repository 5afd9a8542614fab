"""The net on spectra: log-mel frames, convolutions, a recurrent layer, attention over time, three branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import avg_pool1d, pad
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mien_plugins.emotion.net import BRANCH, TASKS

ACTIVE = 30.0
"""Frames less than this many decibels below the loudest say how a voice and its channel are coloured."""
FLOOR = 2.0
"""Decibels that a band's deviation counts at least, lest the noise of an empty band be blown up."""
SHORTEST = 16
"""Frames that the convolutions need at least; shorter sounds are lengthened by silence."""


@dataclass(frozen=True)
class SpectralConfig:
    """What the net is built from.

    view: what is taken from a sound before the convolutions: the mean and deviation of each band ("bands": the
    channel goes, and with it the timbre), or one mean and deviation over all bands ("level": the timbre stays).
    channels: of the four convolutions; width: of the recurrent layer, each way; colour: of the layer that sees the mean
    and deviation of each band, 0 for none; shared: of the layer that the tasks share; branch: of each task's branch;
    pool: frames that are averaged into one.
    """

    representation: Literal["logmel"] = "logmel"
    view: Literal["bands", "level"] = "bands"
    bands: int = 64
    channels: tuple[int, ...] = (24, 32, 64, 96)
    width: int = 96
    colour: int = 48
    shared: int = 256
    dropout: float = 0.2
    branch: int = BRANCH
    pool: int = 1

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {**asdict(self), "channels": list(self.channels)}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> SpectralConfig:
        """The inverse of `to_dict`."""
        return cls(**{"pool": 2, **fields, "channels": tuple(fields["channels"])})


class SpectralNet(nn.Module):
    """Frames in decibels (B, T, bands), `length` (B,) of them real -> attributes (B, 3), embedding (B, 3 * branch).

    What stands beyond a sound's length changes nothing in its reading.
    """

    def __init__(self, config: SpectralConfig) -> None:
        super().__init__()
        self.config = config
        self.size = config.branch * len(TASKS)
        layers = []
        width = 1
        for number, size in enumerate(config.channels):
            kernel, stride = (5, (2, 2)) if number == 0 else (3, (2 if number == 1 else 1, 2))
            layers.append(
                nn.Sequential(
                    nn.Conv2d(width, size, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(size), nn.ReLU()
                )
            )
            width = size
        self.layers = nn.ModuleList(layers)
        bands = config.bands >> len(config.channels)
        self.recurrent = nn.GRU(width * bands, config.width, batch_first=True, bidirectional=True)
        self.attention = nn.Sequential(nn.Linear(2 * config.width, 64), nn.Tanh(), nn.Linear(64, len(TASKS)))
        self.dropout = nn.Dropout(config.dropout)
        if config.colour:
            self.colour = nn.Sequential(
                nn.BatchNorm1d(2 * config.bands), nn.Linear(2 * config.bands, config.colour), nn.ReLU(), nn.Dropout(0.5)
            )
        self.shared = nn.Sequential(
            nn.Linear(len(TASKS) * 2 * config.width + config.colour, config.shared),
            nn.ReLU(),
            nn.Dropout(config.dropout),
        )
        self.branches = nn.ModuleList(nn.Sequential(nn.Linear(config.shared, config.branch), nn.ReLU()) for _ in TASKS)
        self.heads = nn.ModuleList(nn.Linear(config.branch, 1) for _ in TASKS)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, frames: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """Attributes (B, 3), unbounded, and the embedding (B, 3 * branch)."""
        pool = self.config.pool
        if frames.shape[1] < SHORTEST * pool:
            frames = pad(frames, (0, 0, 0, SHORTEST * pool - frames.shape[1]), value=-80.0)
        length = length.clamp(min=SHORTEST * pool) // pool
        if pool > 1:
            frames = avg_pool1d(frames.transpose(1, 2), pool).transpose(1, 2)
        whole = bool((length == frames.shape[1]).all())
        x, colour = self.normalise(frames, length)
        x = x.contiguous(memory_format=torch.channels_last)
        steps = length
        for number, layer in enumerate(self.layers):
            x = layer(x)
            steps = (steps + 1) // 2 if number < 2 else steps
            if not whole:
                x = x * _real(steps, x.shape[2])[:, None, :, None]
        heard = self._follow(x.permute(0, 2, 1, 3).flatten(2), None if whole else steps)
        beyond = ~_real(steps, x.shape[2])
        weight = self.attention(heard).masked_fill(beyond[..., None], float("-inf")).softmax(dim=1)
        pooled = torch.einsum("bts,btd->bsd", weight, heard).flatten(1)
        seen = [self.dropout(pooled), *([self.colour(colour)] if self.config.colour else [])]
        shared = self.shared(torch.cat(seen, dim=1))
        parts = [branch(shared) for branch in self.branches]
        values = torch.cat([head(part) for head, part in zip(self.heads, parts, strict=True)], dim=1)
        return values, torch.cat(parts, dim=1)

    def _follow(self, x: Tensor, steps: Tensor | None) -> Tensor:
        if steps is None:
            heard: Tensor = self.recurrent(x)[0]
            return heard
        packed = pack_padded_sequence(x, steps.cpu(), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.recurrent(packed)[0], batch_first=True, total_length=x.shape[1])[0]

    def normalise(self, frames: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T, bands) decibels -> (B, 1, T, bands) as the view has it; mean and deviation of each band (B, 2 bands).

        The first is zero beyond a sound's length.
        """
        real = _real(length, frames.shape[1])
        loudness = frames.amax(dim=2).masked_fill(~real, float("-inf"))
        active = (loudness > loudness.amax(dim=1, keepdim=True) - ACTIVE).to(frames.dtype)[..., None]
        count = active.sum(dim=1, keepdim=True).clamp(min=1.0)
        mean = (frames * active).sum(dim=1, keepdim=True) / count
        square = (frames**2 * active).sum(dim=1, keepdim=True) / count
        spread = _spread(square, mean)
        if self.config.view == "level":
            middle = mean.mean(dim=2, keepdim=True)
            x = (frames - middle) / _spread(square.mean(dim=2, keepdim=True), middle)
        else:
            x = (frames - mean) / spread
        return (x * real[..., None])[:, None], torch.cat([mean, spread], dim=2)[:, 0]


def _spread(square: Tensor, mean: Tensor) -> Tensor:
    return torch.sqrt((square - mean**2).clamp(min=0.0) + FLOOR**2)


def _real(length: Tensor, size: int) -> Tensor:
    return torch.arange(size, device=length.device)[None] < length[:, None]


def padded(heard: Sequence[NDArray[Any]]) -> tuple[Tensor, Tensor]:
    """Spectra (T_i, bands) of B sounds -> (B, T, bands) and their lengths (B,)."""
    length = torch.tensor([len(h) for h in heard])
    out = torch.full((len(heard), int(length.max()), heard[0].shape[1]), -80.0)
    for row, h in enumerate(heard):
        out[row, : len(h)] = torch.from_numpy(h)
    return out, length
