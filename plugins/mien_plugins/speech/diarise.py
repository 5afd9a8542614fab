"""Who speaks when, from vectors of voices: windows of utterances, groups of like voices, turns. No model, no media."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int32]

AT_ONCE = 2000
"""Vectors that are compared each with each: twice as many take four times the memory."""
_FINER = 8
"""Of more vectors than that, this many each on average are joined before."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one utterance (its number) in s, heard as one voice."""

    utterance: int
    start: float
    end: float

    @property
    def middle(self) -> float:
        return 0.5 * (self.start + self.end)


@dataclass(frozen=True, slots=True)
class Turn:
    """One speaker (a number, in order of appearance) speaks from start to end (s); how like its mean voice it sounds."""

    start: float
    end: float
    speaker: int
    likeness: float


def cut(count: int, size: int, hop: int) -> list[tuple[int, int]]:
    """First sample and the one behind the last of the windows of an utterance of `count` samples.

    A window is `size` long, or the whole utterance where that is shorter. They lie evenly, at most `hop` apart, from the
    first sample to the last.
    """
    if count <= size:
        return [(0, count)]
    number = 1 + math.ceil((count - size) / hop)
    return [(first, first + size) for first in np.linspace(0, count - size, number).round().astype(int).tolist()]


def group(vectors: FloatArray, threshold: float, speakers: int = 0) -> IntArray:
    """Agglomerative clustering by average linkage.

    Args:
        vectors: (N, D), N at least 1.
        threshold: cosine distance (0 to 2) up to which groups are joined.
        speakers: how many groups there are to be; 0 when that is not known.

    Returns:
        (N,) the group of each.
    """
    count = len(vectors)
    if count <= AT_ONCE:
        return _join(vectors, threshold, speakers)
    # All against all does not fit: each part of the medium is thinned out to near-identical voices first.
    fine, first = np.zeros(count, np.int32), 0
    for rows in np.array_split(np.arange(count), math.ceil(count / AT_ONCE)):
        fine[rows] = first + _join(vectors[rows], threshold, max(1, len(rows) // _FINER))
        first = int(fine[rows].max()) + 1
    return group(_means(vectors, fine), threshold, speakers)[fine]


def tell_apart(
    vectors: FloatArray, lengths: FloatArray, threshold: float, *, speakers: int = 0, shortest: float = 1.0
) -> tuple[IntArray, FloatArray]:
    """Which speaker each window is of.

    Args:
        vectors: (N, D) of length one, in order of time.
        lengths: (N,) s; a window shorter than `shortest` says too little to make a speaker: it goes to the likest one.

    Returns:
        (N,) numbers from 0 in order of appearance, and (N,) cosine of the window with its speaker's mean.
    """
    if not len(vectors):
        return np.zeros(0, np.int32), np.zeros(0, np.float32)
    counts = lengths >= shortest
    if not counts.any():
        counts[:] = True
    groups = group(vectors[counts], threshold, speakers)
    alike = vectors @ _means(vectors[counts], groups).T
    owner = alike.argmax(1)
    owner[counts] = groups
    _, first, number = np.unique(owner, return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    return rank[number].astype(np.int32), alike[np.arange(len(owner)), owner].astype(np.float32)


def turns(windows: Sequence[Window], owner: IntArray, likeness: FloatArray) -> list[Turn]:
    """Windows of utterances as turns: a moment belongs to the window of its utterance whose middle is nearest."""
    found: list[Turn] = []
    members: list[float] = []
    for i, window in enumerate(windows):
        inside = i > 0 and windows[i - 1].utterance == window.utterance
        follows = i + 1 < len(windows) and windows[i + 1].utterance == window.utterance
        start = 0.5 * (windows[i - 1].middle + window.middle) if inside else window.start
        end = 0.5 * (window.middle + windows[i + 1].middle) if follows else window.end
        if inside and found[-1].speaker == owner[i]:
            members.append(float(likeness[i]))
            found[-1] = Turn(found[-1].start, end, found[-1].speaker, sum(members) / len(members))
        else:
            members = [float(likeness[i])]
            found.append(Turn(start, end, int(owner[i]), members[0]))
    return found


def letters(number: int) -> str:
    """A, B, … Z, AA, AB, …"""
    name = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _join(vectors: FloatArray, threshold: float, groups: int) -> IntArray:
    from sklearn.cluster import AgglomerativeClustering

    if len(vectors) == 1:
        return np.zeros(1, np.int32)
    wanted = (
        {"n_clusters": min(groups, len(vectors))} if groups else {"n_clusters": None, "distance_threshold": threshold}
    )
    clustering = AgglomerativeClustering(metric="cosine", linkage="average", **wanted)
    return np.asarray(clustering.fit_predict(vectors), np.int32)


def _means(vectors: FloatArray, groups: IntArray) -> FloatArray:
    """Mean of each group, of length one."""
    sums = np.zeros((int(groups.max()) + 1, vectors.shape[1]), np.float32)
    np.add.at(sums, groups, vectors)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9), np.float32)
