"""Muon (Jordan et al. 2024): momentum whose matrices are made orthogonal before they are applied.

Every direction of a layer's weights then moves by the same amount, however small its gradients are, which takes the
face net as far in about three quarters of the updates that AdamW needs. Convolutions learn so; norms, biases and the
few linear layers learn by AdamW, as do kernels with less than 16 rows or columns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

# Quintic iteration whose slope at 0 is steep: five rounds bring singular values from (0, 1] to about 0.7-1.2.
_A, _B, _C = 3.4445, -4.7750, 2.0315
_ROUNDS = 5
_LEAST = 16
_BETAS, _EPSILON = (0.9, 0.999), 1e-8


def is_matrix(weight: Tensor) -> bool:
    """Whether a weight is a convolution's and, flattened to (outputs, rest), large enough to be made orthogonal."""
    return weight.ndim == 4 and min(weight.shape[0], weight[0].numel()) >= _LEAST


def orthogonal(matrices: Tensor) -> Tensor:
    """About U V^T of each matrix U S V^T in (N, m, n), by Newton-Schulz iteration."""
    x = matrices / (matrices.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    for _ in range(_ROUNDS):
        square = x @ x.mT
        x = _A * x + (_B * square + _C * square @ square) @ x
    done: Tensor = x.mT if tall else x
    return done


class Muon(torch.optim.Optimizer):
    """Muon for convolutions, AdamW for the rest.

    parameters: what to train. rate: of the convolutions (spectral norm of an update). rest_rate: AdamW's. momentum:
    Nesterov's. decay: weight decay of both, per unit of their rate.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        rate: float = 0.02,
        rest_rate: float = 2e-3,
        momentum: float = 0.95,
        decay: float = 0.02,
    ) -> None:
        every = list(parameters)
        groups = [
            {"params": [p for p in every if is_matrix(p)], "lr": rate, "matrices": True},
            {"params": [p for p in every if not is_matrix(p)], "lr": rest_rate, "matrices": False},
        ]
        super().__init__([g for g in groups if g["params"]], {"momentum": momentum, "weight_decay": decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """One update from the gradients that are there."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                changes = self._matrices(weights, group) if group["matrices"] else self._adam(weights)
                torch._foreach_mul_(weights, 1.0 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(weights, changes, alpha=-group["lr"])
        return loss

    def _kept(self, weights: list[Tensor], name: str) -> list[Tensor]:
        """What the state keeps of each weight under a name, zeros at first."""
        for weight in weights:
            if name not in self.state[weight]:
                self.state[weight][name] = torch.zeros_like(weight)
        return [self.state[weight][name] for weight in weights]

    def _matrices(self, weights: list[Tensor], group: dict[str, Any]) -> list[Tensor]:
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        mean = self._kept(weights, "mean")
        torch._foreach_lerp_(mean, gradients, 1.0 - group["momentum"])
        ahead = [g.flatten(1) for g in torch._foreach_lerp(gradients, mean, group["momentum"])]
        alike: dict[torch.Size, list[int]] = defaultdict(list)
        for i, matrix in enumerate(ahead):
            alike[matrix.shape].append(i)
        changes = list(ahead)
        for (rows, columns), index in alike.items():  # one product for all of a shape: most are small
            # A matrix with more outputs than inputs changes its outputs less per unit of spectral norm.
            scale = max(1.0, rows / columns) ** 0.5
            for i, change in zip(index, orthogonal(torch.stack([ahead[i] for i in index])) * scale, strict=True):
                changes[i] = change.view_as(weights[i])
        return changes

    def _adam(self, weights: list[Tensor]) -> list[Tensor]:
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        mean, square = self._kept(weights, "mean"), self._kept(weights, "square")
        steps = 0
        for weight in weights:
            state = self.state[weight]
            state["steps"] = steps = state.get("steps", 0) + 1
        torch._foreach_lerp_(mean, gradients, 1.0 - _BETAS[0])
        torch._foreach_lerp_(square, torch._foreach_mul(gradients, gradients), 1.0 - _BETAS[1])
        size = torch._foreach_sqrt(torch._foreach_div(square, 1.0 - _BETAS[1] ** steps))
        torch._foreach_add_(size, _EPSILON)
        return list(torch._foreach_div(torch._foreach_div(mean, 1.0 - _BETAS[0] ** steps), size))
