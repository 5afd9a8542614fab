"""What the nets of Khare et al. read: sequences of three modalities, each with its own width and length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

MODALITIES: Final = ("audio", "video", "text")
"""In the order of a mask's columns."""

Sequences = Mapping[str, npt.NDArray[np.float32]]
"""Modality → (T_m, D_m) of one sample; absent modalities are left out or have no row."""


@dataclass(frozen=True)
class Streams:
    """A batch of B samples.

    Args:
        values: modality → (B, T_m, D_m), zeros behind each sample's end; T_m is 1 at least.
        padded: modality → (B, T_m) bool, True behind the end. Where a modality is absent its first step counts as one that is
            there, so that attention has something to look at; its vector is then left out.
        present: (B, 3) bool.
    """

    values: Mapping[str, Tensor]
    padded: Mapping[str, Tensor]
    present: Tensor

    def __len__(self) -> int:
        return len(self.present)

    def to(self, device: Any) -> Streams:
        """The same on another device."""
        return Streams(
            {name: value.to(device) for name, value in self.values.items()},
            {name: value.to(device) for name, value in self.padded.items()},
            self.present.to(device),
        )

    def lengths(self, modality: str) -> Tensor:
        """(B,) steps of each sample, at least 1."""
        return (~self.padded[modality]).sum(1)


def batch(samples: Sequence[Sequences], widths: Mapping[str, int]) -> Streams:
    """Samples laid side by side; NaN and infinite values are refused with a ValueError."""
    values, padded = {}, {}
    present = np.zeros((len(samples), len(MODALITIES)), np.bool_)
    for m, name in enumerate(MODALITIES):
        parts = [np.asarray(sample.get(name, np.zeros((0, widths[name]))), np.float32) for sample in samples]
        longest = max(1, *(len(part) for part in parts))
        block = np.zeros((len(samples), longest, widths[name]), np.float32)
        behind = np.ones((len(samples), longest), np.bool_)
        for row, part in enumerate(parts):
            if len(part) and part.shape[1:] != (widths[name],):
                raise ValueError(f"{name} has {part.shape[-1]} numbers a step where {widths[name]} belong")
            block[row, : len(part)] = part
            behind[row, : max(1, len(part))] = False
            present[row, m] = bool(len(part))
        if not np.isfinite(block).all():
            raise ValueError(f"{name} holds values that are not finite")
        values[name], padded[name] = torch.from_numpy(block), torch.from_numpy(behind)
    return Streams(values, padded, torch.from_numpy(present))


def widths_of(fields: Mapping[str, Any]) -> dict[str, int]:
    """Modality → width, from anything that has them by name."""
    return {name: int(fields[name]) for name in MODALITIES}
