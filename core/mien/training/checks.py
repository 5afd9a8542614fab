"""What every recipe refuses before it trains on it, each as one sentence. Imports no torch; tensors on the CPU are welcome.

A loss that becomes NaN is refused by `mien.training.kit.RecipeBrain`, at the update where it happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import CorpusError


def require_splits(corpus: str, splits: Mapping[str, Sized | int]) -> None:
    """Refuse a split without items.

    Args:
        corpus: as a user knows it.
        splits: name of the split → its items, or how many there are.

    Raises:
        CorpusError: it names the first empty one.
    """
    for name, items in splits.items():
        if not (items if isinstance(items, int) else len(items)):
            raise CorpusError(
                f"The {name} split of {corpus} is empty; a training needs items in each of {_listed(splits)}."
            )


def require_known_labels(corpus: str, split: str, labels: Iterable[Any], known: Iterable[Any]) -> None:
    """Refuse labels that training has not seen, or that the recipe does not know.

    Args:
        labels: those of the split, NaN included where a label is missing.
        known: those that may occur.

    Raises:
        CorpusError: it names those that may not.
    """
    allowed = set(_plain(known))
    unseen = sorted({str(label) for label in _plain(labels) if label not in allowed})
    if unseen:
        raise CorpusError(
            f"The {split} split of {corpus} has labels that training does not know: {_listed(unseen)}; "
            f"known are {_listed(str(label) for label in sorted(allowed, key=str))}."
        )


def require_shape(name: str, value: Any, wanted: Sequence[int | None]) -> None:
    """Refuse an array (or a bare shape) that is not of the shape wanted; None stands for any length.

    Raises:
        CorpusError: it names both shapes.
    """
    found = tuple(int(n) for n in getattr(value, "shape", value))
    if len(found) != len(wanted) or any(w is not None and f != w for f, w in zip(found, wanted, strict=True)):
        raise CorpusError(
            f"{name} has the shape {_shape(found)}, but {_shape(wanted)} is needed; "
            "it was made for another net, or with other features."
        )


def require_finite(name: str, values: ArrayLike) -> None:
    """Refuse NaN and infinite numbers.

    Raises:
        CorpusError: it says how many there are, and where the first is.
    """
    array = np.asarray(values)
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = ", ".join(str(int(i)) for i in bad[0])
        raise CorpusError(
            f"{name} has {len(bad)} value{'s' if len(bad) > 1 else ''} that are no numbers, the first at index {where}; "
            "repair or leave out those rows."
        )


def as_float32(name: str, values: ArrayLike) -> NDArray[np.float32]:
    """Numbers as nets take them; refused as by `require_finite`, and where float32 has no such numbers.

    Raises:
        CorpusError: one is NaN, infinite or too large.
    """
    with np.errstate(over="ignore"):
        made = np.asarray(values, np.float32)
    require_finite(name, made)
    return made


def require_equal_lengths(corpus: str, counts: Mapping[str, int]) -> None:
    """Refuse parts that must describe the same items and do not (features of two modalities, labels).

    Raises:
        CorpusError: it names all lengths.
    """
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise CorpusError(f"The parts of {corpus} must have a row for each item alike, but have {told}.")


def require_disjoint(corpus: str, groups: Mapping[str, Iterable[Any]], what: str = "speakers") -> None:
    """Refuse splits that share a speaker (or video, or whatever `what` names).

    Raises:
        CorpusError: it names two splits and what they share.
    """
    seen = {name: {str(member) for member in members} for name, members in groups.items()}
    names = list(seen)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            if shared := sorted(seen[first] & seen[second]):
                raise CorpusError(
                    f"The splits {first} and {second} of {corpus} share {what}: {_listed(shared)}; "
                    "what is learnt from must not be met again in a test."
                )


def _plain(values: Iterable[Any]) -> list[Any]:
    """NumPy's and torch's scalars as Python's, so that 1 and np.int64(1) are one label; NaN as a word."""
    plain = (value.item() if hasattr(value, "item") else value for value in values)
    return ["nothing (NaN)" if isinstance(value, float) and value != value else value for value in plain]


def _listed(names: Iterable[str], limit: int = 8) -> str:
    names = list(names)
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _shape(shape: Iterable[int | None]) -> str:
    return " × ".join("any" if n is None else str(n) for n in shape) or "no dimension"
