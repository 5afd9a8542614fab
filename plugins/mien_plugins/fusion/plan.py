"""How the attention fusions that ship are trained: a plan in full and a quick one."""

from __future__ import annotations

from dataclasses import dataclass, field

from mien_plugins.fusion.items import Budget


@dataclass(frozen=True)
class Plan:
    """How to train, and how large the nets are.

    steps: of a training sequence; batch: sequences of an update, copies included; remembered: training moments that
    imputation looks among; noise: deviation of what is added to the vectors, in units of their own; held: sequences that
    validate and test.
    """

    epochs: int = 5
    updates: int = 50
    batch: int = 32
    steps: int = 24
    rate: float = 2e-3
    decay: float = 1e-3
    noise: float = 1.5
    remembered: int = 128
    held: int = 240
    width: int = 32
    inner: int = 16
    heads: int = 4
    hidden: int = 48
    dropout: float = 0.3
    encoder: int = 16
    dense: int = 48
    repeats: int = 200
    budget: Budget = field(default_factory=Budget)


FULL = Plan()
QUICK = Plan(epochs=3, updates=20, held=60, repeats=50, budget=Budget((60, 30, 30), (60, 30, 30), 1))
