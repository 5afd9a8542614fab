"""Whose word it is where several speak at once: the text of each utterance says which word it waits for. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.tracks.track import TimeArray

Index = npt.NDArray[np.int64]
_BESIDE = 0.05
"""s that a word may reach beyond its utterance."""


def sort_out(
    owner: Index,
    words: Sequence[str],
    word_start: TimeArray,
    word_end: TimeArray,
    start: TimeArray,
    end: TimeArray,
    texts: Sequence[str],
) -> None:
    """Correct `owner` (W,) in place for words that fall into several utterances.

    Each utterance waits for the words of its text in order. A word goes to the one that waits for it; where several do,
    to the one that has about as much time left as its words need; where none does, it stays where it was.
    """
    latest = np.maximum.accumulate(end)
    joined = np.flatnonzero(start[1:] < latest[:-1] - 1e-6)
    if not joined.size:
        return
    breaks = np.flatnonzero(np.diff(joined) > 1) + 1
    for group in np.split(joined, breaks):
        first, last = int(group[0]), int(group[-1]) + 1
        waiting: dict[
            int, list[str]
        ] = {}  # utterance that goes on → the words of its text that are to come, last first
        coming = first
        begin, stop = np.searchsorted(word_start, (start[first] - _BESIDE, latest[last] + _BESIDE))
        for n in range(int(begin), int(stop)):
            while coming <= last and start[coming] <= word_start[n] + _BESIDE:
                waiting[coming] = [_bare(word) for word in texts[coming].split()][::-1]
                coming += 1
            bare, best, off = _bare(words[n]), -1, np.inf
            for row in [row for row in waiting if end[row] < word_start[n]]:
                del waiting[row]
            for row, left in waiting.items():
                if not left or left[-1] != bare or word_end[n] > end[row] + _BESIDE:
                    continue
                # By the time that is left for as many words.
                away = abs(float(end[row] - word_start[n]) - len(left) * float(word_end[n] - word_start[n]))
                if away < off:
                    best, off = row, away
            if best >= 0:
                owner[n] = best
                waiting[best].pop()


def _bare(word: str) -> str:
    return "".join(c for c in word.casefold() if c.isalnum()) or word
