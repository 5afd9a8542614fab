"""Where the words of all utterances stand: rows, lines and places in pixels, for any number of them at once. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.int64]
Pixels = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """Args:
    first_line: (U + 1,) lines of utterance u are `first_line[u]` up to `first_line[u + 1]`.
    line_start: (L + 1,) first word of each line.
    top: (U + 1,) px, where each row begins; the last is the height of all.
    x: (W,) px from the left edge of the words' column; width: (W,) px.
    """

    first_line: Index
    line_start: Index
    top: Pixels
    x: Pixels
    width: Pixels

    @property
    def height(self) -> float:
        """Of everything, px."""
        return float(self.top[-1])

    def row_at(self, y: float) -> int:
        """The row at a height; the first or last one beyond the ends, −1 when there is none."""
        count = self.top.size - 1
        return min(max(int(np.searchsorted(self.top, y, side="right")) - 1, 0), count - 1)

    def line_of(self, word: int) -> int:
        """The line that a word stands in."""
        return int(np.searchsorted(self.line_start, word, side="right")) - 1


def lay_out(first: Index, widths: Pixels, *, column: float, space: float, line: float, pad: float) -> Layout:
    """Break utterances into lines as a text editor does: as many words a line as fit, one at least.

    Args:
        first: (U + 1,) first word of each utterance.
        widths: (W,) px.
        column: width of the words' column; space: between words; line: height of a line; pad: above and below a row.
    """
    # Over the running width of all words, the last word that fits is one binary search; every utterance's n-th line is
    # found in the same step.
    running = np.concatenate([[0.0], np.cumsum(widths + space)])
    at, end = first[:-1].copy(), first[1:]
    starts, owners = [at.copy()], [np.arange(at.size)]
    rows = np.flatnonzero(at < end)
    while rows.size:
        reach = np.searchsorted(running, running[at[rows]] + max(column, 1.0) + space + 1e-6, side="right") - 1
        at[rows] = np.maximum(reach, at[rows] + 1)
        rows = rows[at[rows] < end[rows]]
        if rows.size:
            starts.append(at[rows].copy())
            owners.append(rows)
    start, owner = np.concatenate(starts), np.concatenate(owners)
    order = np.lexsort((start, owner))
    start, owner = start[order], owner[order]
    lines = np.bincount(owner, minlength=first.size - 1)
    first_line = np.concatenate([[0], np.cumsum(lines)]).astype(np.int64)
    line_start = np.concatenate([start, first[-1:]]).astype(np.int64)
    top = np.concatenate([[0.0], np.cumsum(lines * line + 2 * pad)])
    of_word = np.repeat(np.arange(start.size), np.diff(line_start))
    x = running[:-1] - running[start[of_word]] if widths.size else np.empty(0)
    return Layout(first_line, line_start, top, x, widths)
