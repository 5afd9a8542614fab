"""What lanes with thresholds have in common: where they lie, and how they are moved."""

from __future__ import annotations

from collections.abc import Mapping

from mien_desktop.timeline.lanes.base import Lane


class LevelledLane(Lane):
    """Keeps the thresholds of its channels; where each lies in the picture its kind of lane knows (`thresholds`)."""

    def __init__(self, lane_id: str, title: str, *, height: int = 48, about: str = "") -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self._levels: dict[str, float] = {}

    def show_thresholds(self, levels: Mapping[str, float]) -> None:
        """Draw these thresholds and no others: channel → where it lies, in the reading's unit; the first stands foremost."""
        if list(levels.items()) != list(self._levels.items()):
            self._levels = dict(levels)
            self.touch()

    def move_threshold(self, value: float, channel: str = "") -> bool:
        known = next((one for one in self.thresholds(self.height) if one.channel == channel), None)
        if known is None:
            return False
        value = min(max(value, known.low), known.high)
        if value == known.value:
            return False
        self.show_thresholds({**self._levels, channel: value})
        return True
