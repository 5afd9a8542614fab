"""Word vectors that a user has, such as fastText's: one line a word in a text file (`.vec`), kept with the model.

Only words of the corpus are kept, so that a model needs nothing else to read; a word that it has never met is zeros, as in the
code of Tzirakis et al. (2021).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, shown
from mien.training.checks import as_float32
from mien_plugins.text.clean import as_spoken

Vectors = NDArray[np.float32]
LARGEST = 4096
"""Numbers a word: a line with more is of no such file."""


class WordTable:
    """Vectors by word, in lower case and without punctuation.

    Args:
        words: V distinct words.
        vectors: (V, D).
    """

    def __init__(self, words: Sequence[str], vectors: Vectors) -> None:
        self.words, self.vectors = tuple(words), vectors
        self._row = {word: n for n, word in enumerate(self.words)}

    @property
    def width(self) -> int:
        """Numbers a word."""
        return int(self.vectors.shape[1])

    @classmethod
    def read(cls, path: Path, texts: Iterable[str]) -> WordTable:
        """The vectors of the words of these texts, from a file whose lines are a word and its numbers.

        Raises:
            CorpusError: it cannot be read, is no such file, or knows none of the words.
        """
        wanted = {as_spoken(word) for text in texts for word in text.split()} - {""}
        found: dict[str, Vectors] = {}
        width = 0
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                for number, line in enumerate(file, 1):
                    word, *numbers = line.rstrip().split(" ")
                    if number == 1 and len(numbers) == 1:
                        continue  # how many words there are, and of what width
                    width = width or len(numbers)
                    if len(numbers) != width or not 1 < width <= LARGEST:
                        raise CorpusError(f"Line {number} is no word with its {width} numbers: {shown(path)}")
                    spoken = word.lower()
                    if spoken in wanted and spoken not in found:
                        found[spoken] = as_float32(f"Line {number}", np.array(numbers, np.float64))
        except OSError as error:
            raise CorpusError(f"The word vectors cannot be read ({error.strerror}): {shown(path)}") from error
        except ValueError as error:
            raise CorpusError(f"Line {number} holds something that is no number: {shown(path)}") from error
        if not found:
            raise CorpusError(f"None of the corpus' words is in these word vectors: {shown(path)}")
        words = sorted(found)
        return cls(words, np.stack([found[word] for word in words]))

    def of(self, texts: Sequence[str]) -> list[Vectors]:
        """(words, D) of each text; zeros for words that are not known."""
        out = []
        for text in texts:
            rows = [self._row.get(as_spoken(word), -1) for word in text.split()]
            own = np.zeros((len(rows), self.width), np.float32)
            known = [at for at, row in enumerate(rows) if row >= 0]
            own[known] = self.vectors[[rows[at] for at in known]]
            out.append(own)
        return out
