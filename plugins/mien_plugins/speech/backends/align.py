"""Word times from a recogniser's cross-attention, and words from its sub-word tokens.

The method is the one published with Whisper (Radford et al. 2022, `whisper/timing.py`): normalise the
attention of the heads that follow the sound, smooth it, and find the monotone path of tokens through frames
by dynamic time warping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import median_filter

_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages written without spaces: every character is a word."""


def token_frames(attention: npt.NDArray[np.float32], smooth: int = 7) -> npt.NDArray[np.int64]:
    """First frame of each token.

    Args:
        attention: (H, N, F) of H heads, from each of N output positions to F frames of sound.
        smooth: width of the median filter over frames (odd).

    Returns:
        (N,) non-decreasing indices of frames.
    """
    spread = attention.std(axis=1, keepdims=True)
    scaled = (attention - attention.mean(axis=1, keepdims=True)) / np.maximum(spread, 1e-9)
    if scaled.shape[2] > smooth // 2:
        scaled = median_filter(scaled, size=(1, 1, smooth), mode="reflect")
    return warp(-scaled.mean(axis=0))


def warp(cost: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Dynamic time warping of rows along columns: for each row of `cost` (N, F), the first column of its
    stretch of the cheapest path from the first cell to the last with steps right, down and diagonal.
    """
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    # Cells of one anti-diagonal depend only on the two before it, so each is one vector operation.
    for diagonal in range(2, rows + columns + 1):
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        j = diagonal - i
        best = np.minimum(total[i - 1, j - 1], np.minimum(total[i - 1, j], total[i, j - 1]))
        total[i, j] = cost[i - 1, j - 1] + best
    first = np.zeros(rows, np.int64)
    i, j = rows, columns
    while i > 0 and j > 0:
        first[i - 1] = j - 1
        step = int(np.argmin((total[i - 1, j - 1], total[i - 1, j], total[i, j - 1])))
        i, j = (i - 1, j - 1) if step == 0 else (i - 1, j) if step == 1 else (i, j - 1)
    return first


def group_words(
    tokens: Sequence[int], decode: Callable[[list[int]], str], language: str = ""
) -> list[tuple[str, list[int]]]:
    """Words and the positions of their tokens.

    A word begins at a space; in languages without spaces every complete character is one. Tokens that hold a
    part of a character stay together until it is complete.

    Args:
        tokens: ids of text tokens only.
        decode: ids → text, keeping leading spaces.
        language: two-letter code.
    """
    words: list[tuple[str, list[int]]] = []
    held: list[int] = []
    for position in range(len(tokens)):
        held.append(position)
        text = decode([tokens[p] for p in held])
        if "\ufffd" in text and position + 1 < len(tokens):
            continue  # a character is still incomplete
        text = text.replace("\ufffd", "")
        mark = bool(text.strip()) and not any(c.isalnum() for c in text)
        starts = text.startswith(" ") or (language in _UNSPACED and not mark)
        if words and not starts:
            words[-1] = (words[-1][0] + text, words[-1][1] + held)
        else:
            words.append((text, held))
        held = []
    return [(text.strip(), positions) for text, positions in words if text.strip()]
