"""Who is who over time: one number per person, kept while the face moves, is lost and comes back.

Faces of neighbouring pictures are one person if their boxes overlap or lie close, assigned jointly
(Hungarian method). A face that fits nobody who is on screen is compared with everyone seen before by how
they look.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien_plugins.face.found import Floats, Found, iou

# Measured on talking heads of sixteen people (dot product of `looks.look`): one person half a second to six
# seconds apart 0.78 and more, 0.93 in the middle; different people 0.57 in the middle, 99 % below 0.81.
KNOWN_AGAIN = 0.82
# A face in the same place that looks like this is still another person (the picture was cut).
STRANGER = 0.6
_GALLERY = 8
# s: a place on the screen is remembered for so long after its face was lost.
_PLACE_KEPT = 1.0
_NEAR = 0.6
# People are forgotten, those longest unseen first, beyond this many: a day in a crowd must not fill the memory.
_REMEMBERED = 300


@dataclass
class Person:
    """Somebody seen: id, where and when last, and up to eight ways they looked.

    placed: whether the place still means anything; a cut ends that.
    """

    id: int
    box: Floats
    time: float
    placed: bool = True
    gallery: list[Floats] = field(default_factory=list)

    def likeness(self, look: Floats) -> float:
        """How much this look resembles the best remembered one, 0 to 1; 0 if none is remembered."""
        return max((float(look @ known) for known in self.gallery), default=0.0)

    def remember(self, look: Floats) -> None:
        """Keep a look that adds something; the one nearest to its fellows makes room."""
        if self.gallery and self.likeness(look) > 0.97:
            return
        self.gallery.append(look)
        if len(self.gallery) > _GALLERY:
            known = np.stack(self.gallery)
            alike = (known @ known.T).sum(axis=1)
            del self.gallery[int(alike.argmax())]


class Tracker:
    """Gives faces the numbers of their persons: 1, 2, 3 … in order of appearance."""

    def __init__(self, known_again: float = KNOWN_AGAIN) -> None:
        self.known_again = known_again
        self.people: dict[int, Person] = {}
        self._last = 0

    def present(self, time: float) -> list[Person]:
        """Those whose place on the screen is still remembered."""
        return [p for p in self.people.values() if p.placed and time - p.time <= _PLACE_KEPT]

    def forget_places(self) -> None:
        """The picture was cut: nobody is where they were."""
        for person in self.people.values():
            person.placed = False

    def assign(self, time: float, found: Found, looks: Floats) -> NDArray[np.int32]:
        """Ids (N,) of the faces (N) found at this time, given how each looks (N, D)."""
        ids = np.zeros(len(found), np.int32)
        here = self.present(time)
        for row, person in self._by_place(here, found, looks):
            ids[row] = self._seen(person, time, found.boxes[row], looks[row])
        taken = set(ids[ids > 0].tolist())
        gone = [person for person in self.people.values() if person.id not in taken]
        for row, person in self._by_look(gone, looks, np.flatnonzero(ids == 0)):
            ids[row] = self._seen(person, time, found.boxes[row], looks[row])
        for row in np.flatnonzero(ids == 0).tolist():
            self._last += 1
            person = self.people[self._last] = Person(self._last, found.boxes[row], time)
            ids[row] = self._seen(person, time, found.boxes[row], looks[row])
        while len(self.people) > _REMEMBERED:
            del self.people[min(self.people.values(), key=lambda person: person.time).id]
        return ids

    def moved(self, person_id: int, time: float, box: Floats) -> None:
        """A followed face: where its person is now."""
        person = self.people[person_id]
        person.box, person.time, person.placed = box, time, True

    def _seen(self, person: Person, time: float, box: Floats, look: Floats) -> int:
        person.box, person.time, person.placed = box, time, True
        person.remember(look)
        return person.id

    def _by_place(self, people: list[Person], found: Found, looks: Floats) -> list[tuple[int, Person]]:
        if not people or not len(found):
            return []
        places = np.stack([person.box for person in people])
        fit = iou(found.boxes, places)
        side = np.maximum(found.boxes[:, None, 2:].max(-1), places[None, :, 2:].max(-1))
        centres = (
            found.boxes[:, None, :2] + found.boxes[:, None, 2:] / 2 - places[None, :, :2] - places[None, :, 2:] / 2
        )
        apart = np.linalg.norm(centres, axis=2) / np.maximum(side, 1.0)
        alike = np.array([[person.likeness(look) for person in people] for look in looks])
        possible = ((fit > 0.2) | (apart < _NEAR)) & (alike > STRANGER)
        # Place decides; looks settle what places leave open (two faces that cross).
        gain = np.where(possible, fit + np.maximum(0.0, 1.0 - apart) + alike, 0.0)
        return [(r, people[c]) for r, c in _assign(gain) if possible[r, c]]

    def _by_look(self, people: list[Person], looks: Floats, rows: NDArray[np.intp]) -> list[tuple[int, Person]]:
        if not people or not len(rows):
            return []
        alike = np.array([[person.likeness(looks[row]) for person in people] for row in rows])
        return [(int(rows[r]), people[c]) for r, c in _assign(alike) if alike[r, c] >= self.known_again]


def _assign(gain: Floats) -> list[tuple[int, int]]:
    """Pairs (row, column) that together gain most (Hungarian method)."""
    if gain.shape[0] == 1:
        # The usual case, without loading scipy's optimisers.
        return [(0, int(gain[0].argmax()))]
    if gain.shape[1] == 1:
        return [(int(gain[:, 0].argmax()), 0)]
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(-gain)
    return list(zip(rows.tolist(), columns.tolist(), strict=True))
