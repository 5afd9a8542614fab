"""Several nets that read one sound and say what they think together: their mean, and their branches side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mien_plugins.emotion.mixing import Mix
from mien_plugins.emotion.naming import Naming
from mien_plugins.emotion.net import BRANCH, TASKS, EmotionNet, NetConfig
from mien_plugins.emotion.spectral import SpectralConfig, SpectralNet

OneConfig = NetConfig | SpectralConfig
OneNet = EmotionNet | SpectralNet


@dataclass(frozen=True)
class JointConfig:
    """The nets that read together. Their branches make up `BRANCH` units a task between them.

    weights: of each one's word in the mean while they are trained; they add up to 1. mix: what they come to afterwards, if it
    was fitted. naming: how the names that they give become attributes too, the mix's last member.
    """

    members: tuple[OneConfig, ...]
    weights: tuple[float, ...]
    representation: Literal["logmel+f1"] = "logmel+f1"
    mix: Mix | None = None
    naming: Naming | None = None

    def __post_init__(self) -> None:
        if sum(member.branch for member in self.members) != BRANCH:
            raise ValueError(f"the members' branches must add up to {BRANCH} units a task")
        if len(self.weights) != len(self.members) or abs(sum(self.weights) - 1.0) > 1e-6:
            raise ValueError("each member needs a weight, and weights must add up to 1")
        if self.naming is not None and (self.mix is None or len(self.naming.weights) != len(self.members)):
            raise ValueError("names need a mix, and each member a weight in them")
        if self.mix is not None and len(self.mix.shares) != len(self.members) + (self.naming is not None):
            raise ValueError("each member needs its shares in the mix")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        members = [member.to_dict() for member in self.members]
        fields: dict[str, Any] = {
            "representation": self.representation,
            "members": members,
            "weights": list(self.weights),
        }
        fields |= {} if self.mix is None else {"mix": self.mix.to_dict()}
        return fields if self.naming is None else {**fields, "naming": self.naming.to_dict()}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> JointConfig:
        """The inverse of `to_dict`."""
        members = tuple(one_config(member) for member in fields["members"])
        mix = Mix.from_dict(fields["mix"]) if "mix" in fields else None
        naming = Naming.from_dict(fields["naming"]) if "naming" in fields else None
        return cls(members, tuple(fields["weights"]), fields["representation"], mix, naming)


class JointNet(nn.Module):
    """Log-mel frames and mid-term windows of the same sounds -> attributes (B, 3), embedding (B, 510).

    The members share nothing and are trained each on its own error (`apart`): what they get wrong differs, so their mean
    is nearer to the truth than any of them. `names` holds the layers that name the emotion from each one's embedding, None
    where there are none; what they say counts if the config has a `naming`.
    """

    size = BRANCH * len(TASKS)
    places: Tensor

    def __init__(self, config: JointConfig) -> None:
        super().__init__()
        self.config = config
        self.members = nn.ModuleList(one_net(member) for member in config.members)
        self.names: nn.ModuleList | None = None
        if config.naming is not None:
            self.names = name_layers(self.members, len(config.naming.families))
            self.register_buffer("places", torch.from_numpy(config.naming.places), persistent=False)

    def apart(self, frames: Tensor, length: Tensor, mid: Tensor, rows: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Attributes (B, 3), unbounded, and embedding (B, 3 * branch) by each member.

        frames: (B, T, bands), `length` (B,) of them real; mid: (B, R, 136), `rows` (B,) of them real.
        """
        heard = ((frames, length) if isinstance(member, SpectralNet) else (mid, rows) for member in self.members)
        return [member(*own) for member, own in zip(self.members, heard, strict=True)]

    def forward(self, frames: Tensor, length: Tensor, mid: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """What the members' attributes come to; the embedding has the first task's units first, by all members."""
        values, vectors = zip(*self.apart(frames, length, mid, rows), strict=True)
        parts = [vector.unflatten(1, (len(TASKS), -1)) for vector in vectors]
        if self.config.naming is not None:
            values = (*values, self._told(self.named(vectors)))
        return self.together(values), torch.cat(parts, dim=2).flatten(1)

    def named(self, vectors: Sequence[Tensor]) -> list[Tensor]:
        """Logits (B, K) of the emotions' names by each member from its embedding; none without `names`."""
        if self.names is None:
            return []
        return [layer(vector) for layer, vector in zip(self.names, vectors, strict=True)]

    def _told(self, logits: Sequence[Tensor]) -> Tensor:
        naming = self.config.naming
        assert naming is not None
        pooled = torch.stack([w * own for w, own in zip(naming.weights, logits, strict=True)]).sum(dim=0)
        told: Tensor = (pooled + pooled.new_tensor(naming.bias)).softmax(dim=1) @ self.places
        return told

    def together(self, values: Sequence[Tensor]) -> Tensor:
        """What the members' attributes (B, 3) come to, those of their names last if they count."""
        mix = self.config.mix
        if mix is None:
            return torch.stack([w * value for w, value in zip(self.config.weights, values, strict=True)]).sum(dim=0)
        shares = [values[0].new_tensor(own) for own in mix.shares]
        mean = torch.stack([share * value for share, value in zip(shares, values, strict=True)]).sum(dim=0)
        centre, spread = mean.new_tensor(mix.centre), mean.new_tensor(mix.spread)
        return centre + spread * (mean - centre)


def one_config(fields: Mapping[str, Any]) -> OneConfig:
    """The settings of one net from JSON, by its representation."""
    kind = SpectralConfig if fields["representation"] == "logmel" else NetConfig
    return kind.from_dict(dict(fields))


def one_net(config: OneConfig) -> OneNet:
    """One net with random weights."""
    return EmotionNet(config) if isinstance(config, NetConfig) else SpectralNet(config)


def name_layers(members: Iterable[Any], names: int) -> nn.ModuleList:
    """A layer for each member that names the emotion from its embedding: (B, size) -> logits (B, names)."""
    return nn.ModuleList(nn.Linear(member.size, names) for member in members)
