"""What the classical pipeline reads from a clip: pixels, a mean of short-term features, words counted (SEEDS §10).

Image: pictures of 50×50 grey pixels, flattened (2500,) in [0, 1]; each stands for its clip. Sound: at 22,050 Hz, frames of
512 samples every 256, the mean of each feature over the frames: energy, zero crossings, centroid, roll-off, 13 MFCC and 12
chroma (29), and the four that the paper's selection dropped (entropy of energy, spread, spectral entropy, flux). They are
those of `mien_plugins.emotion.features` with its roll-off of 90 %. Text: lower case, a–z only, no URLs or stop words;
counts, tf = count / words, and idf = ln(N / df) without smoothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mien_plugins.emotion.features import SHORT_TERM, short_term

Floats = NDArray[np.float32]

SIDE = 50
RATE, FRAME, HOP = 22_050, 512, 256
SOUND = tuple(name for name in SHORT_TERM[: len(SHORT_TERM) // 2] if name != "chroma_std")
"""Names of the 33 features of sound."""

Counting = Literal["counts", "tfidf", "both"]

_AT = [SHORT_TERM.index(name) for name in SOUND]
_URL = re.compile(r"(https?://|www\.)\S+")
_WORD = re.compile(r"[a-z]+")


def image(picture: NDArray[Any]) -> Floats:
    """(2500,) of a picture (H, W, 3) uint8 RGB: stretched to 50×50, grey, in [0, 1]."""
    import cv2

    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return (small.astype(np.float32) / 255.0).ravel()


def sound(samples: NDArray[Any]) -> Floats | None:
    """(33,) of mono sound at `RATE`; None where it is shorter than a frame."""
    if len(samples) < FRAME:
        return None
    mean: Floats = short_term(samples, RATE, FRAME, HOP)[:, _AT].mean(axis=0).astype(np.float32)
    return mean


def words(text: str) -> list[str]:
    """The words that count: lower case, a–z, without URLs and English stop words."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return [word for word in _WORD.findall(_URL.sub(" ", text.lower())) if word not in ENGLISH_STOP_WORDS]


@dataclass(frozen=True)
class Vocabulary:
    """The words that occur in training, with their idf.

    Args:
        terms: V words, sorted.
        idf: (V,) ln(N / df).
        counting: `counts` and `tfidf` give V features, `both` gives counts and then TF-IDF, 2V.
    """

    terms: tuple[str, ...]
    idf: Floats
    counting: Counting = "both"

    @classmethod
    def fit(cls, texts: Sequence[str], counting: Counting = "both", least: int = 2, most: int = 5000) -> Vocabulary:
        """From training texts: words in `least` of them or more, the `most` frequent ones (then by alphabet)."""
        df: Counter[str] = Counter()
        for text in texts:
            df.update(set(words(text)))
        usual = sorted((word for word, n in df.items() if n >= least), key=lambda word: (-df[word], word))[:most]
        terms = tuple(sorted(usual or sorted(df)[:most]))
        idf = np.log(len(texts) / np.array([df[word] for word in terms], np.float64)) if terms else np.zeros(0)
        return cls(terms, idf.astype(np.float32), counting)

    def read(self, texts: Iterable[str]) -> Floats:
        """(N, V) or (N, 2V)."""
        place: Mapping[str, int] = {word: n for n, word in enumerate(self.terms)}
        rows = [words(text) for text in texts]
        counts = np.zeros((len(rows), len(self.terms)), np.float32)
        for at, row in enumerate(rows):
            for word in row:
                if word in place:
                    counts[at, place[word]] += 1
        if self.counting == "counts":
            return counts
        length = np.array([max(1, len(row)) for row in rows], np.float32)[:, None]
        tfidf = counts / length * self.idf
        return tfidf if self.counting == "tfidf" else np.hstack([counts, tfidf])
