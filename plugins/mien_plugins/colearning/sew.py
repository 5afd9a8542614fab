"""The networks of SEW, one frame at a time (V. Rajan, thesis 2022, ch. 5.2.2).

Two auto-encoders share a latent space: W_E reads the weak modality, S_E the strong one; S_D1 and S_D2 give the strong
modality's features from either latent, and the regressor R reads the label from the weak one. What is kept is W_E and R.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

ENCODERS: dict[str, tuple[int, ...]] = {
    "geometric": (632, 512, 256, 128),
    "audio": (88, 108, 128),
    "appearance": (168, 168),
}
"""Widths of each modality's encoder; its decoder has them the other way round."""


@dataclass(frozen=True)
class SewConfig:
    """Which modality is taught by which, and what the net is built from.

    Args:
        weak, strong: names of modalities; those of RECOLA have the thesis' widths (`ENCODERS`).
        weak_widths, strong_widths: from the features to the latent; empty for those of `ENCODERS`.
    """

    weak: str
    strong: str
    weak_widths: tuple[int, ...] = ()
    strong_widths: tuple[int, ...] = ()

    def widths(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Of both encoders. Both end in one latent: 168 where appearance takes part, else 128."""
        weak = self.weak_widths or ENCODERS[self.weak]
        strong = self.strong_widths or ENCODERS[self.strong]
        latent = max(weak[-1], strong[-1])
        return (*weak[:-1], latent), (*strong[:-1], latent)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SewConfig:
        """What `to_dict` gave."""
        return cls(
            values["weak"], values["strong"], tuple(values.get("weak_widths", ())), tuple(values["strong_widths"])
        )


def dense(widths: tuple[int, ...]) -> nn.Sequential:
    """Linear layers with Tanh between them and nothing behind the last."""
    layers: list[nn.Module] = []
    for size, following in pairwise(widths):
        layers += [nn.Tanh()] if layers else []
        layers.append(nn.Linear(size, following))
    return nn.Sequential(*layers)


class Regressor(nn.Module):
    """R: four GRU layers of 120 units run for a single step, then a linear unit (EmoBed's regressor): (B, z) → (B,)."""

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.gru = nn.GRU(latent, 120, 4, batch_first=True)
        self.out = nn.Linear(120, 1)

    def forward(self, m: Tensor) -> Tensor:
        states, _ = self.gru(m[:, None])
        read: Tensor = self.out(states[:, 0]).squeeze(-1)
        return read


class WeakReader(nn.Module):
    """W_E and R: what is left when training is over. Features of the weak modality (B, d) → label (B,) and m_sw (B, z)."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.encoder = dense(widths)
        self.regressor = Regressor(widths[-1])

    def forward(self, weak: Tensor) -> tuple[Tensor, Tensor]:
        m = self.encoder(weak)
        return self.regressor(m), m


@dataclass(frozen=True)
class SewOutput:
    """Everything the losses need.

    label: (B,). m_weak, m_strong: latents (B, z). from_weak, from_strong: the strong features by S_D1 and S_D2, (B, D).
    """

    label: Tensor
    m_weak: Tensor
    m_strong: Tensor
    from_weak: Tensor
    from_strong: Tensor


class Sew(nn.Module):
    """All of it, for training."""

    def __init__(self, config: SewConfig) -> None:
        super().__init__()
        weak, strong = config.widths()
        self.reader = WeakReader(weak)
        self.strong_encoder = dense(strong)
        self.from_weak, self.from_strong = dense(strong[::-1]), dense(strong[::-1])

    def forward(self, weak: Tensor, strong: Tensor) -> SewOutput:
        """Features of both modalities, (B, d) and (B, D)."""
        label, m_weak = self.reader(weak)
        m_strong = self.strong_encoder(strong)
        return SewOutput(label, m_weak, m_strong, self.from_weak(m_weak), self.from_strong(m_strong))


def parameters_of(module: nn.Module) -> int:
    """How many numbers a module learns."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
