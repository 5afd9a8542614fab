"""The lanes of one track, one for each person that it is about; a track about nobody in particular has one."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from mien.tracks.track import Curve
from mien_desktop.player.overlay import person_name
from mien_desktop.timeline.lanes import Lane
from mien_desktop.timeline.lanes.gathered import GatheredLane

SHOWN = 3
"""Persons whose lanes are shown by themselves: those that are seen most."""
MOST = 12
"""Persons that have a lane; more would be no list to choose from."""


class PersonLanes:
    """Gives each person a lane beside the first, which is always there.

    Args:
        first: for the track while it is about one person or none; the others are of its kind, height and visibility.
        come: called with a lane that is new, and the one that it stands below.
        gone: called with a lane that is no more.
    """

    def __init__(self, first: GatheredLane, come: Callable[[Lane, Lane], None], gone: Callable[[Lane], None]) -> None:
        self.lanes = [first]
        self._title, self._about = first.title, first.about
        self._come, self._gone = come, gone
        self._own: list[int] = []
        self._other: Curve | None = None
        self._outwards = self._other_outwards = 0.0

    def clear(self) -> None:
        """Another medium: nobody is known."""
        self._own, self._other = [], None
        self._seat()
        self.lanes[0].clear()

    def set_track(self, track: Curve, outwards: float) -> None:
        """Show this track and no other. outwards: s that its first and last reading reach outwards."""
        self._own, self._outwards = _ranked(track), outwards
        self._seat()
        for lane in self.lanes:
            lane.outwards = outwards
            lane.set_track(track)

    def append(self, piece: Curve) -> None:
        """Add a piece behind what is there; persons that are new come last."""
        new = [person for person in _ranked(piece) if person not in self._own]
        if new:
            self._own = [*self._own, *new]
            self._seat()
        for lane in self.lanes:
            lane.append(piece)

    def set_comparison(self, track: Curve | None, outwards: float = 0.0) -> None:
        """Show a second run's track as well; None takes it away."""
        if track is None and self._other is None:
            return
        self._other, self._other_outwards = track, outwards
        self._seat()
        for lane in self.lanes:
            lane.set_comparison(track, outwards)

    def about(self, lane: Lane) -> str:
        """What the lane shows, and of whom."""
        person = lane.person if isinstance(lane, GatheredLane) and lane.marked else None
        return self._about if person is None else f"{self._about}: person {person_name(person)}"

    def _seat(self) -> None:
        """As many lanes as persons, each with its own."""
        others = [] if self._other is None else [p for p in _ranked(self._other) if p not in self._own]
        persons = [*self._own, *others]
        first = self.lanes[0]
        while len(self.lanes) > max(1, min(len(persons), MOST)):
            self._gone(self.lanes.pop())
        while len(self.lanes) < min(len(persons), MOST):
            number = len(self.lanes) + 1
            lane = type(first)(f"{first.id} {number}", self._title, height=first.height)
            lane.visible = first.visible and number <= SHOWN
            lane.outwards = self._outwards
            self.lanes.append(lane)
            self._put(lane, persons[number - 1], several=True)
            self._come(lane, self.lanes[-2])
        for lane, person in zip(self.lanes, [*persons, None], strict=False):
            self._put(lane, person, several=len(persons) > 1)
            lane.note = _rest(persons)

    def _put(self, lane: GatheredLane, person: int | None, *, several: bool) -> None:
        if person != lane.person:
            lane.person = person
            if self._other is not None:
                lane.set_comparison(self._other, self._other_outwards)
        lane.marked = several
        lane.title = titled(self._title, person) if several and person is not None else self._title


def titled(title: str, person: int) -> str:
    """A lane's title with the person before its colon, or last: `Face A: val · aro`, `Expressions A`."""
    head, colon, rest = title.partition(":")
    return f"{head} {person_name(person)}{colon}{rest}"


def _ranked(track: Curve) -> list[int]:
    """Who there is: those that are seen most, as many as are shown, in order of their numbers; then the others so."""
    if track.person is None:
        return []
    persons, rows = np.unique(track.person, return_counts=True)
    often = [int(person) for person in persons[np.argsort(-rows, kind="stable")]]
    return [*sorted(often[:SHOWN]), *sorted(often[SHOWN:MOST]), *often[MOST:]]


def _rest(persons: list[int]) -> str:
    """A word on those whose lanes are not shown by themselves."""
    hidden, none = persons[SHOWN:MOST], len(persons[MOST:])
    if not hidden:
        return ""
    told = f"Also seen: {_listed(hidden)} (right-click, Lanes)"
    return f"{told}; {none} more have no lane" if none else told


def _listed(persons: Iterable[int]) -> str:
    return ", ".join(person_name(person) for person in persons)
