"""The transcript as people read it: an utterance a line, with words, offence, hate and what drove them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from mien.exchange.text import one_line
from mien.sdk.protocols import Analysis
from mien.tracks.track import Spans

TRANSCRIPT, WORDS = "speech.transcript", "speech.words"
OFFENCE, HATE, DRIVERS, ATTENTION = "text.offence", "text.hate", "text.words", "text.attention"

_NAN = float("nan")
_LONGEST = 30.0
"""s: no single word takes longer."""
_SHARE = 0.25
"""A word counts as a driver when its attribution is at least this share of the strongest one's."""


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word: start and end in s, confidence NaN where none was given."""

    start: float
    end: float
    text: str
    confidence: float = _NAN


@dataclass(frozen=True, slots=True)
class Line:
    """One utterance.

    Args:
        start, end: s.
        text: the words on one line.
        speaker: who, or empty.
        confidence: of the recogniser; NaN where none was given.
        words: with their own times, where the recogniser gave them.
        offence: P(offence), NaN where the text was not judged.
        offensive: whether the analyzer called it so.
        hate: P(hate), NaN where the text was not judged.
        hate_label: hate, offensive, normal or empty.
        drivers: (word, attribution) pairs; above zero speaks for offence.
        attention: (word, share of its attention that a network paid it) pairs, which sum to 1.
    """

    start: float
    end: float
    text: str
    speaker: str = ""
    confidence: float = _NAN
    words: tuple[Word, ...] = ()
    offence: float = _NAN
    offensive: bool = False
    hate: float = _NAN
    hate_label: str = ""
    drivers: tuple[tuple[str, float], ...] = ()
    attention: tuple[tuple[str, float], ...] = ()

    @property
    def flagged(self) -> bool:
        """Whether offence or hate was found."""
        return self.offensive or self.hate_label in ("hate", "offensive")

    def marked(self) -> list[tuple[str, float]]:
        """The text cut into (piece, attribution): zero but for words that drove a flagged line, spaces
        included.
        """
        if not self.flagged or not self.drivers:
            return [(self.text, 0.0)]
        return [(piece, value) for piece, value, _ in self.pieces()]

    def pieces(self) -> list[tuple[str, float, float]]:
        """The text cut into (piece, attribution as in `marked`, share of attention), spaces included."""
        drivers = self.drivers if self.flagged else ()
        floor = _SHARE * max((value for _, value in drivers), default=0.0)
        drove = [(_bare(word), value) for word, value in drivers if value > max(floor, 0.0)]
        seen = [(_bare(word), value) for word, value in self.attention]
        tokens = re.findall(r"\s+|\S+", self.text)
        return [(token, _taken(drove, token), _taken(seen, token)) for token in tokens]


def lines(analysis: Analysis) -> tuple[Line, ...]:
    """The utterances of the transcript in time order.

    Empty ones are left out; the text tracks are matched by time.
    """
    transcript = _spans(analysis, TRANSCRIPT)
    if transcript is None:
        return ()
    words, drivers, attention = (_spans(analysis, name) for name in (WORDS, DRIVERS, ATTENTION))
    offence, hate = _spans(analysis, OFFENCE), _spans(analysis, HATE)
    found = []
    for start, end, _, text, score, speaker in transcript.rows():
        if not (text := one_line(text)):
            continue
        o, h = _match(offence, start, end), _match(hate, start, end)
        found.append(
            Line(
                start,
                end,
                text,
                one_line(speaker),
                score,
                _words(words, start, end, speaker),
                offence=float(offence.score[o]) if offence is not None and o is not None else _NAN,
                offensive=offence is not None and o is not None and offence.label[o] == "offensive",
                hate=float(hate.score[h]) if hate is not None and h is not None else _NAN,
                hate_label=hate.label[h] if hate is not None and h is not None else "",
                drivers=_judged(drivers, start, end, speaker),
                attention=_judged(attention, start, end, speaker),
            )
        )
    return tuple(found)


def _spans(analysis: Analysis, name: str) -> Spans | None:
    track = analysis.tracks.get(name)
    return track if isinstance(track, Spans) else None


def _match(track: Spans | None, start: float, end: float) -> int | None:
    """Row of the span that covers most of the stretch, or None."""
    if track is None or not len(track):
        return None
    shared = np.minimum(track.end, end) - np.maximum(track.start, start)
    shared = np.where((track.start == start) & (track.end == end), math.inf, shared)
    best = int(np.argmax(shared))
    return best if shared[best] > 0 else None


def _words(track: Spans | None, start: float, end: float, speaker: str) -> tuple[Word, ...]:
    if track is None:
        return ()
    return tuple(
        Word(float(track.start[i]), float(track.end[i]), one_line(track.text[i]), float(track.score[i]))
        for i in _inside(track, start, end)
        if one_line(track.text[i]) and track.speaker[i] in ("", speaker)
    )


def _judged(track: Spans | None, start: float, end: float, speaker: str) -> tuple[tuple[str, float], ...]:
    if track is None:
        return ()
    rows = [i for i in _inside(track, start, end) if track.speaker[i] in ("", speaker)]
    return tuple((track.text[i], float(track.score[i])) for i in rows if np.isfinite(track.score[i]))


def _inside(track: Spans, start: float, end: float) -> list[int]:
    """Rows whose middle lies in the stretch. Starts are sorted, so that only a few rows need a look."""
    first, last = np.searchsorted(track.start, (start - _LONGEST, end + 1e-6))
    middle = (track.start[first:last] + track.end[first:last]) / 2
    return [int(i) + int(first) for i in np.flatnonzero((middle >= start - 1e-6) & (middle <= end + 1e-6))]


def _taken(left: list[tuple[str, float]], token: str) -> float:
    """The value of the first word left that is this token, which is then used up; 0 where there is none."""
    bare = _bare(token)
    hit = next((i for i, (word, _) in enumerate(left) if word and word == bare), None)
    return left.pop(hit)[1] if hit is not None else 0.0


def _bare(word: str) -> str:
    return re.sub(r"^\W+|\W+$", "", word).casefold()
