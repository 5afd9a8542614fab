"""What lanes of a Curve have in common: its rows, of one person or all, gathered as they come; a second run's beside them."""

from __future__ import annotations

from mien.tracks import Curve
from mien_desktop.timeline.lanes.levels import LevelledLane
from mien_desktop.timeline.readings import Readings

SECOND = " (second run)"
"""Behind the name of a value that the second run read."""


class GatheredLane(LevelledLane):
    """Shows the rows of a Curve.

    Args:
        person: whose rows; None takes all.
    """

    def __init__(
        self, lane_id: str, title: str, *, height: int = 48, about: str = "", person: int | None = None
    ) -> None:
        super().__init__(lane_id, title, height=height, about=about)
        self._readings, self._other = Readings(person), Readings(person)
        self.marked = False
        """Whether the colour of the person stands before the title: where there are several."""

    @property
    def person(self) -> int | None:
        """Whose rows it shows; None for all. What is there of another one is forgotten."""
        return self._readings.person

    @person.setter
    def person(self, person: int | None) -> None:
        if person != self._readings.person:
            for readings in (self._readings, self._other):
                readings.clear()
                readings.person = person
            self.touch()

    def dot(self) -> str:
        people = self.palette.people
        return people[(self.person - 1) % len(people)] if self.marked and self.person is not None else ""

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
        return not self._readings and not self._other

    def clear(self) -> None:
        """Forget both runs."""
        self._readings.clear()
        self._other.clear()
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

    @property
    def compares(self) -> bool:
        return len(self._other.series) > 0

    def compare_nothing(self) -> None:
        self.set_comparison(None)

    def set_comparison(self, track: Curve | None, outwards: float = 0.0) -> None:
        """Show a second run's track as well; None takes it away. outwards: as of the lane's own."""
        if track is None and not self._other.quantities:
            return
        self._other.clear()
        self._other.outwards = outwards
        if track is not None:
            self._other.append(track)
        self._measure()
        self.touch()

    def _measure(self) -> None:
        """Take what is needed from rows that are new, before they are drawn."""
