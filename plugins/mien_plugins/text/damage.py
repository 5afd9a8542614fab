"""What a speech recogniser does to a sentence, simulated: the copies the offence model is also trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien_plugins.text.clean import as_spoken


@dataclass(frozen=True)
class Damage:
    """Rates of word errors, each per word; together they are about the word error rate of the copies.

    Attributes:
        delete: a word is missing.
        substitute: a word is another one of the corpus' vocabulary.
        insert: a word of the vocabulary stands before this one.
        join: this word and the next are printed as one.
    """

    delete: float = 0.04
    substitute: float = 0.05
    insert: float = 0.02
    join: float = 0.02

    def __call__(self, text: str, vocabulary: Sequence[str], rng: np.random.Generator) -> str:
        """``text`` in lower case, unpunctuated and with word errors; never empty if ``text`` had a word."""
        words = as_spoken(text).split()
        if not words:
            return ""
        draw = rng.random((len(words), 3))
        spoken: list[str] = []
        for word, (fate, extra, glue) in zip(words, draw, strict=True):
            if extra < self.insert:
                spoken.append(str(vocabulary[int(rng.integers(len(vocabulary)))]))
            if fate < self.delete:
                continue
            if fate < self.delete + self.substitute:
                word = str(vocabulary[int(rng.integers(len(vocabulary)))])
            if spoken and glue < self.join:
                spoken[-1] += word
            else:
                spoken.append(word)
        return " ".join(spoken or words)
