"""The transcript as columns: utterances, their words, how sure each was and what it did to the score. No Qt.

Everything is numpy over all words at once, so that two hours are put together in some tens of milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from mien.exchange.text import clock
from mien.tracks.track import AnyTrack, FloatArray, Spans, TimeArray
from mien_desktop.transcript.overlap import sort_out

TRANSCRIPT, WORDS, DRIVERS, ATTENTION = "speech.transcript", "speech.words", "text.words", "text.attention"
OFFENCE, HATE, SPEAKERS = "text.offence", "text.hate", "speech.speakers"
TRACKS = (TRANSCRIPT, WORDS, DRIVERS, ATTENTION, OFFENCE, HATE, SPEAKERS)

DRIVER_SHARE = 0.25
"""A word drove the score when its evidence is at least this share of the strongest one's (as exports mark them)."""
_SURE = 0.999
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Script:
    """U utterances of W words, in time order.

    Args:
        start, end: (U,) s.
        speaker: (U,) index into `speakers`, −1 where nobody is named.
        speakers: names in order of appearance; initials: what stands for each in one or two letters.
        offence, hate: (U,) probabilities, NaN where the text was not judged; flagged: (U,) whether either was found.
        first: (U + 1,) words of utterance u are `first[u]` up to `first[u + 1]`.
        words: W texts; word_start, word_end: (W,) s.
        confidence: (W,) in [0, 1], NaN where the recogniser gave none.
        share: (W,) the word's evidence over the utterance's score, in [0, 1]; 0 where it has none.
        driver: (W,) whether it is one of the words that drove the score of a flagged utterance.
        attention: (W,) share of its attention that a network paid the word in its utterance; 0 where there is none.
        backend: who heard it; language: two-letter code or empty; sure: mean confidence of the words, NaN without any.
    """

    start: TimeArray
    end: TimeArray
    speaker: Index
    speakers: tuple[str, ...]
    initials: tuple[str, ...]
    offence: FloatArray
    hate: FloatArray
    flagged: npt.NDArray[np.bool_]
    first: Index
    words: tuple[str, ...]
    word_start: TimeArray
    word_end: TimeArray
    confidence: FloatArray
    share: FloatArray
    driver: npt.NDArray[np.bool_]
    attention: FloatArray
    backend: str = ""
    language: str = ""
    sure: float = float("nan")

    def __len__(self) -> int:
        return int(self.start.size)

    def text(self, row: int) -> str:
        """The words of an utterance."""
        return " ".join(self.words[self.first[row] : self.first[row + 1]])

    def initial(self, row: int) -> str:
        """Who speaks, in one or two letters, or empty."""
        who = int(self.speaker[row])
        return self.initials[who] if who >= 0 else ""

    def row_of(self, word: int) -> int:
        """The utterance that a word belongs to."""
        return int(np.searchsorted(self.first, word, side="right")) - 1

    def row_at(self, time: float) -> int:
        """The utterance spoken at a time, or the last one before it; −1 before the first."""
        return int(np.searchsorted(self.start, time + 1e-6, side="right")) - 1

    def word_at(self, time: float) -> int:
        """The word spoken at a time, or −1."""
        row = self.row_at(time)
        if row < 0:
            return -1
        first, last = int(self.first[row]), int(self.first[row + 1])
        word = first + int(np.searchsorted(self.word_start[first:last], time + 1e-6, side="right")) - 1
        return (
            word
            if word >= first and time < max(float(self.word_end[word]), float(self.word_start[word]) + 0.05)
            else -1
        )

    def about(self, word: int) -> str:
        """What is known of a word: when it is said, how surely it was heard, what it counts in its utterance's score."""
        parts = [stamp(float(self.word_start[word]))]
        if np.isfinite(self.confidence[word]):
            parts.append(f"the recogniser is {self.confidence[word]:.2f} sure (not calibrated)")
        if self.share[word] > 0:
            parts.append(f"{100 * self.share[word]:.0f} % of offence {self.offence[self.row_of(word)]:.2f}")
        if self.attention[word] > 0:
            parts.append(f"{100 * self.attention[word]:.0f} % of the network's attention")
        return " · ".join(parts)

    def spoken(self, row: int) -> str:
        """An utterance as a line for a screen reader."""
        who = f"speaker {self.speakers[self.speaker[row]]}, " if self.speaker[row] >= 0 else ""
        judged = f", offence {self.offence[row]:.2f}" if np.isfinite(self.offence[row]) else ""
        return f"{stamp(self.start[row])}, {who}{self.text(row)}{judged}"

    def copied(self, first: int, last: int) -> str:
        """Words `first` to `last` (both included) as lines with time and speaker."""
        lines = []
        for row in range(self.row_of(first), self.row_of(last) + 1):
            a, b = max(first, int(self.first[row])), min(last + 1, int(self.first[row + 1]))
            if a >= b:
                continue
            time = self.start[row] if a == self.first[row] else self.word_start[a]
            who = f" {self.speakers[self.speaker[row]]}:" if self.speaker[row] >= 0 else ""
            lines.append(f"[{stamp(float(time))}]{who} {' '.join(self.words[a:b])}")
        return "\n".join(lines)

    def find(self, phrase: str) -> list[tuple[int, int]]:
        """Where a phrase stands: first and last word of each place, in order. Case does not matter."""
        wanted = " ".join(phrase.casefold().split())
        if not wanted:
            return []
        text, offsets = self._folded
        places = [hit.span() for hit in re.finditer(re.escape(wanted), text)]
        ends = np.array(places, np.int64).reshape(-1, 2) - (0, 1)
        found = np.searchsorted(offsets, ends, side="right") - 1
        return [(first, last) for first, last in found.tolist()]

    @cached_property
    def looked_at(self) -> FloatArray:
        """(W,) attention beside the most that a word of the same utterance got: 1 for that one, 0 where there is none."""
        row = np.repeat(np.arange(len(self)), np.diff(self.first))
        most = np.zeros(len(self), np.float32)
        np.maximum.at(most, row, self.attention)
        return np.divide(self.attention, np.maximum(most[row], 1e-9), dtype=np.float32)

    @cached_property
    def _folded(self) -> tuple[str, Index]:
        """All words on one line, utterances parted so that no phrase reaches over; and where each word begins."""
        folded = [word.casefold() for word in self.words]
        sizes = np.fromiter(map(len, folded), np.int64, len(folded)) + 1
        offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if folded else np.empty(0, np.int64)
        ends = set(self.first[1:].tolist())
        text = "".join(w + ("\n" if i + 1 in ends else " ") for i, w in enumerate(folded))
        return text, offsets


def script(tracks: Mapping[str, AnyTrack | None], language: str = "") -> Script:
    """Put the tracks together.

    Args:
        tracks: those of `TRACKS` that are there.
        language: of the medium, when the transcript does not say its own.
    """
    said = _spans(tracks, TRANSCRIPT)
    rows = np.flatnonzero(np.fromiter(map(bool, map(str.strip, said.text)), bool, len(said)))
    start, end = said.start[rows], said.end[rows]
    texts = _taken(said.text, rows)
    first, words, word_start, word_end, confidence = _words(_spans(tracks, WORDS), start, end, texts, said.score[rows])
    speakers, speaker = _speakers(_taken(said.speaker, rows), _spans(tracks, SPEAKERS), start, end)
    offence, by_offence = _judged(_spans(tracks, OFFENCE), start, end, ("offensive",))
    hate, by_hate = _judged(_spans(tracks, HATE), start, end, ("hate", "offensive"))
    flagged = by_offence | by_hate
    share, driver = _shares(_spans(tracks, DRIVERS), start, first, word_start, word_end, offence, flagged)
    attention = np.clip(_on_words(_spans(tracks, ATTENTION), word_start, word_end, np.add), 0.0, 1.0)
    backend = max(set(said.label), key=said.label.count) if said.label else ""
    known = confidence[np.isfinite(confidence)]
    return Script(
        start, end, speaker, speakers, _initials(speakers), offence, hate, flagged, first, words, word_start, word_end,
        confidence, share, driver, attention, backend, _language(said, backend, language),
        float(known.mean()) if known.size else float("nan"),
    )  # fmt: skip


def stamp(seconds: float) -> str:
    """`01:12.4`, `1:02:03.4`: a time, as wide for all of the first hour."""
    shown = clock(seconds)
    return shown if shown.count(":") > 1 or shown.index(":") > 1 else f"0{shown}"


def _spans(tracks: Mapping[str, AnyTrack | None], name: str) -> Spans:
    track = tracks.get(name)
    return track if isinstance(track, Spans) else Spans.of(name, ())


def _words(
    heard: Spans, start: TimeArray, end: TimeArray, texts: list[str], sure: FloatArray
) -> tuple[Index, tuple[str, ...], TimeArray, TimeArray, FloatArray]:
    """Words by utterance. An utterance without words of its own has its text cut at spaces, times by length."""
    owner, order = _owners(heard, start, end, texts)
    counts = np.bincount(owner, minlength=start.size)
    missing = np.flatnonzero(counts[: start.size] == 0)
    parts = [
        (owner, heard.start[order], heard.end[order], heard.score[order].astype(np.float32)),
    ]
    text = list(heard.text) if order.size == len(heard) and (np.diff(order) == 1).all() else _taken(heard.text, order)
    for row in missing.tolist():
        cut = texts[row].split()
        edges = np.cumsum([0, *(len(w) + 1 for w in cut)]) / max(sum(len(w) + 1 for w in cut), 1)
        times = start[row] + edges * (end[row] - start[row])
        parts.append((np.full(len(cut), row), times[:-1], times[1:], np.full(len(cut), sure[row], np.float32)))
        text += cut
    rows, begin, stop, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    if missing.size:
        again = np.lexsort((begin, rows))
        rows, begin, stop, score = rows[again], begin[again], stop[again], score[again]
        text = _taken(text, again)
    first = np.searchsorted(rows, np.arange(start.size + 1)).astype(np.int64)
    return first, tuple(text), begin, stop, score


def _taken(texts: Sequence[str], rows: Index) -> list[str]:
    return list(map(texts.__getitem__, rows.tolist()))


def _owners(heard: Spans, start: TimeArray, end: TimeArray, texts: Sequence[str]) -> tuple[Index, Index]:
    """The utterance of each word (by its middle) and the words' order by utterance; words of none are left out."""
    if not len(heard) or not start.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    middle = (heard.start + heard.end) / 2
    owner = np.searchsorted(start, middle + 1e-6, side="right") - 1
    # Where two speak at once the word may belong to the one who began earlier.
    late = (owner > 0) & (middle > end[np.maximum(owner, 0)] + 1e-6)
    owner[late & (middle <= end[np.maximum(owner - 1, 0)] + 1e-6)] -= 1
    sort_out(owner, heard.text, heard.start, heard.end, start, end, texts)
    inside = (owner >= 0) & (middle <= end[np.maximum(owner, 0)] + 0.5)
    if not all(map(str.strip, heard.text)):
        inside &= np.fromiter((bool(t.strip()) for t in heard.text), bool, len(heard))
    order = np.flatnonzero(inside)
    if (np.diff(owner[order]) < 0).any():
        order = order[np.lexsort((heard.start[order], owner[order]))]
    return owner[order].astype(np.int64), order


def _speakers(
    names: list[str], turns: Spans, start: TimeArray, end: TimeArray
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """Who speaks: the transcript's own word, else whose turn covers the utterance's middle."""
    if len(turns):
        row = np.searchsorted(turns.start, (start + end) / 2, side="right") - 1
        for i in np.flatnonzero(row >= 0).tolist():
            turn = int(row[i])
            if not names[i] and turns.end[turn] >= start[i]:
                names[i] = turns.speaker[turn] or turns.label[turn]
    known = tuple(dict.fromkeys(name for name in names if name))
    number = {name: i for i, name in enumerate(known)}
    return known, np.fromiter((number.get(name, -1) for name in names), np.int64, len(names))


def _initials(names: tuple[str, ...]) -> tuple[str, ...]:
    """The first letter of each name where that tells them apart, else A, B, C in order of appearance."""
    letters = tuple(next((c.upper() for c in name if c.isalnum()), "?") for name in names)
    if len(set(letters)) == len(letters):
        return letters
    return tuple(_LETTERS[i] if i < len(_LETTERS) else str(i + 1) for i in range(len(names)))


def _judged(
    track: Spans, start: TimeArray, end: TimeArray, bad: tuple[str, ...]
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """The probability of each utterance and whether its label is one of `bad`."""
    score, flagged = np.full(start.size, np.nan, np.float32), np.zeros(start.size, bool)
    if len(track) and start.size:
        middle = (start + end) / 2
        row = np.searchsorted(track.start, middle, side="right") - 1
        # Where several speak at once the judgement is the one that begins as the utterance does.
        same = np.minimum(np.searchsorted(track.start, start - 1e-3), len(track) - 1)
        row = np.where(np.abs(track.start[same] - start) <= 1e-3, same, row)
        there = (row >= 0) & (track.end[np.maximum(row, 0)] >= middle)
        score[there] = track.score[row[there]]
        labels = np.fromiter((label in bad for label in track.label), bool, len(track))
        flagged[there] = labels[row[there]]
    return score, flagged


def _shares(
    drivers: Spans,
    start: TimeArray,
    first: Index,
    word_start: TimeArray,
    word_end: TimeArray,
    offence: FloatArray,
    flagged: npt.NDArray[np.bool_],
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Each word's evidence over its utterance's score, and whether it drove a score that was flagged."""
    evidence = _on_words(drivers, word_start, word_end, np.maximum)
    row = np.repeat(np.arange(first.size - 1), np.diff(first))
    total = np.where(np.isfinite(offence), offence, 1.0)[row]
    share = np.clip(evidence / np.maximum(total, 1e-3), 0.0, 1.0).astype(np.float32)
    strongest = np.zeros(first.size - 1, np.float32)
    np.maximum.at(strongest, row, evidence)
    drove = flagged[row] & (evidence > 0) & (evidence >= DRIVER_SHARE * strongest[row])
    return share, drove


def _on_words(scored: Spans, word_start: TimeArray, word_end: TimeArray, gather: np.ufunc) -> FloatArray:
    """(W,) the scores of words judged elsewhere, each given to the shown word nearest in time; 0 where none falls."""
    found = np.zeros(word_start.size, np.float32)
    if not len(scored) or not word_start.size:
        return found
    middle, own = (scored.start + scored.end) / 2, (word_start + word_end) / 2
    order = np.argsort(own, kind="stable")
    after = np.clip(np.searchsorted(own[order], middle), 1, max(own.size - 1, 1))
    left, right = order[after - 1], order[np.minimum(after, own.size - 1)]
    nearest = np.where(middle - own[left] <= own[right] - middle, left, right)
    near = np.isfinite(scored.score) & (np.abs(own[nearest] - middle) < 1.0)
    gather.at(found, nearest[near], scored.score[near])
    return found


def _language(said: Spans, backend: str, medium: str) -> str:
    params = said.provenance.params if said.provenance is not None else {}
    details = said.provenance.details if said.provenance is not None else {}
    told = str(details.get("language") or params.get("language") or "")
    if told and told != "auto":
        return told
    return "en" if backend == "pocketsphinx" else medium


def utterances(of: Script) -> Iterator[str]:
    """Every utterance as a line for a screen reader."""
    return (of.spoken(row) for row in range(len(of)))
