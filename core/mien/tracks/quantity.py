"""What a channel measures: its name, unit, extent and the meaning of its ends. Light: imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["curve", "spans", "boxes", "features"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """One measured quantity.

    Args:
        name: what is measured; also the channel's name (`arousal`).
        unit: the physical unit, empty for a ratio or a score.
        low: smallest value that can occur, or None when unbounded.
        high: largest value that can occur, or None when unbounded.
        low_means: what the lower end means in plain words (`calm`).
        high_means: what the upper end means in plain words (`excited`).
        about: one sentence on what the numbers are where name and extent do not say it: that they are no probabilities, say.
    """

    name: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    low_means: str = ""
    high_means: str = ""
    about: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a quantity needs a name")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError(f"the extent of {self.name} is empty: {self.low} to {self.high}")

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON-ready values."""
        return {slot: getattr(self, slot) for slot in self.__slots__}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Quantity:
        """The inverse of `to_dict`; unknown keys are ignored, so that newer files still open."""
        return cls(**{slot: fields[slot] for slot in cls.__slots__ if slot in fields})


def probability(name: str, *, low_means: str = "absent", high_means: str = "certain", about: str = "") -> Quantity:
    """A probability in [0, 1] of `name`; `about` as of `Quantity`, for one that nobody has calibrated, say."""
    return Quantity(name, "", 0.0, 1.0, low_means, high_means, about)


VALENCE = Quantity("valence", "", -1.0, 1.0, "unpleasant", "pleasant")
AROUSAL = Quantity("arousal", "", -1.0, 1.0, "calm", "excited")
DOMINANCE = Quantity("dominance", "", -1.0, 1.0, "submissive", "dominant")
CONFLICT = Quantity("conflict", "", -1.0, 1.0, "no conflict", "high conflict")
HOSTILITY = probability("hostility", low_means="peaceful", high_means="hostile")

EXPRESSIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The seven expressions of FER2013, in its order."""

EXPRESSION_QUANTITIES = tuple(probability(name) for name in EXPRESSIONS)
