"""Which of the classes that a fusion was trained on speak of hostility, and what its score measures where none does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from mien.tracks.quantity import HOSTILITY, Quantity, probability

CLASSES: Final = frozenset(
    {"angry", "anger", "ang", "disgust", "disgusted", "dis", "hate", "hateful", "hostile", "offensive"}
)
"""Names of classes that speak of hostility by themselves."""
COLUMNS: Final = frozenset(
    {"abuse", "abusive", "anger", "angry", "hate", "hateful", "hostile", "hostility", "offence", "offense", "offensive"}
)
"""Columns whose `yes` does."""
YES: Final = frozenset({"yes", "1", "true"})


def hostile(classes: Sequence[str], column: str = "") -> tuple[int, ...]:
    """Places of the classes that speak of hostility: by their name, or as the yes of a column that asks for it."""
    asked = column.casefold() in COLUMNS
    names = [name.casefold() for name in classes]
    return tuple(at for at, name in enumerate(names) if name in CLASSES or (asked and name in YES))


def scored(classes: Sequence[str], column: str = "") -> tuple[int, ...]:
    """Places of the classes whose probabilities add up to the score: the hostile ones, else a column's yes, else the first."""
    yes = tuple(at for at, name in enumerate(classes) if name.casefold() in YES)
    return hostile(classes, column) or yes[:1] or (0,)


def measures(places: Sequence[int], classes: Sequence[str], column: str = "") -> Quantity:
    """What a score of these classes measures; never hostility where one of them speaks of something else."""
    if set(places) <= set(hostile(classes, column)):
        return HOSTILITY
    names = [column if column and classes[at].casefold() in YES else classes[at] for at in places]
    return probability(" or ".join(names))
