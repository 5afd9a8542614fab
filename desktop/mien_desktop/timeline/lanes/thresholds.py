"""The line over which readings are events, in the scale of its lane."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Threshold:
    """Where a threshold lies in a lane.

    Args:
        channel: what it is about: a quantity's name, the name of a track of spans, or empty where the lane has but one.
        value: where it lies, in the reading's unit; low, high: where it may lie.
        top, bottom: where `high` and `low` are, as shares of the lane's height from the top.
        colour: `#rrggbb`.
    """

    channel: str
    value: float
    low: float
    high: float
    top: float
    bottom: float
    colour: str

    def share(self, value: float | None = None) -> float:
        """Where a value (else its own) lies, as a share of the lane's height from the top."""
        value = self.value if value is None else value
        return self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def at(self, share: float) -> float:
        """The inverse of `share`, kept within the limits."""
        value = self.low + (self.bottom - share) / (self.bottom - self.top) * (self.high - self.low)
        return min(max(value, self.low), self.high)
