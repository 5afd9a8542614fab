"""From an utterance to the words that are read, and back: each of them knows its place and its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from mien_plugins.text.clean import Mode, as_spoken, clean

Times = NDArray[np.float64]


@dataclass(frozen=True)
class Wording:
    """An utterance word by word.

    Attributes:
        words: N words as they were transcribed.
        text: what the model reads.
        origin: for each white-space word of ``text``, which of ``words`` it comes from.
    """

    words: tuple[str, ...]
    text: str
    origin: tuple[int, ...]

    @classmethod
    def of(cls, utterance: str, mode: Mode) -> Wording:
        """Clean each word by itself, so that what is found in the cleaned text can be said of the words."""
        words = tuple(utterance.split())
        parts: list[str] = []
        origin: list[int] = []
        for i, word in enumerate(words):
            cleaned = clean(word, mode).split()
            parts += cleaned
            origin += [i] * len(cleaned)
        return cls(words, " ".join(parts), tuple(origin))

    def to_words(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values of the cleaned words (M,) → of the words (N,): those of one word add up."""
        found = np.zeros(len(self.words), np.float32)
        np.add.at(found, np.asarray(self.origin, np.intp), values)
        return found


def word_times(
    words: Sequence[str], start: float, end: float, heard: Sequence[tuple[float, float, str]] = ()
) -> tuple[Times, Times]:
    """When each word is spoken.

    Args:
        words: N words of an utterance.
        start, end: of the utterance, in seconds.
        heard: recognised words as (start, end, text) in time order, those of other utterances included.

    Returns:
        (N,) starts and (N,) ends in seconds, non-decreasing and inside the utterance. Words that were heard
        have their own times; the others share the room between their neighbours by length.
    """
    count = len(words)
    own = [(a, b, text) for a, b, text in heard if b > start and a < end]
    matcher = SequenceMatcher(None, [as_spoken(w) for w in words], [as_spoken(t) for _, _, t in own], autojunk=False)
    found: dict[int, tuple[float, float]] = {}
    for block in matcher.get_matching_blocks():
        for k in range(block.size):
            found[block.a + k] = own[block.b + k][:2]
    starts, ends = np.zeros(count), np.zeros(count)
    i, at = 0, start
    while i < count:
        if i in found:
            starts[i], ends[i] = found[i]
            at = ends[i]
            i += 1
            continue
        stop = next((j for j in range(i, count) if j in found), count)
        until = max(at, found[stop][0] if stop < count else end)
        # A word takes time by its letters, and a little for itself.
        edges = at + (until - at) * np.cumsum([0.0, *(len(w) + 1.0 for w in words[i:stop])]) / sum(
            len(w) + 1.0 for w in words[i:stop]
        )
        starts[i:stop], ends[i:stop] = edges[:-1], edges[1:]
        i, at = stop, until
    starts = np.maximum.accumulate(np.clip(starts, start, end)) if count else starts
    return starts, np.clip(np.maximum(ends, starts), start, end)
