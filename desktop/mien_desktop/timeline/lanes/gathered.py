"""What lanes of a Curve have in common: its rows, of one person or all, gathered as they come."""

from __future__ import annotations

from mien.tracks import Curve
from mien_desktop.timeline.lanes.base import Lane
from mien_desktop.timeline.readings import Readings


class GatheredLane(Lane):
    """Shows the rows of a Curve.

    Args:
        person: whose rows; None takes all.
    """

    def __init__(
        self, lane_id: str, title: str, *, height: int = 48, about: str = "", person: int | None = None
    ) -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self._readings = Readings(person)

    @property
    def outwards(self) -> float:
        """s that the first and the last reading reach outwards: half the window that they were computed on."""
        return self._readings.outwards

    @outwards.setter
    def outwards(self, seconds: float) -> None:
        if seconds != self._readings.outwards:
            self._readings.outwards = seconds
            self.touch()

    @property
    def empty(self) -> bool:
        return not self._readings

    def clear(self) -> None:
        """Forget the data."""
        self._readings.clear()
        self.touch()

    def set_track(self, track: Curve | None) -> None:
        """Show this track and no other."""
        self._readings.clear()
        if track is not None:
            self._readings.append(track)
            self.credit(track.provenance)
        self._measure()
        self.touch()

    def append(self, piece: Curve) -> None:
        """Add a piece behind what is there.

        Raises:
            ValueError: it has other channels, or lies before what is there.
        """
        if self._readings.append(piece):
            self.credit(piece.provenance)
            self._measure()
            self.touch()

    def _measure(self) -> None:
        """Take what is needed from rows that are new, before they are drawn."""
