"""The medium's own subtitles as a transcript.

A person wrote them, so their text counts as certain (confidence 1). They carry no word times: a cue's words
share its time in proportion to their length, which is an estimate and noted as such.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mien.sdk import Cue
from mien_plugins.speech.backends.base import Heard, Word, tidy

_SOUND = re.compile(r"\[[^\]]*\]|[♪♫#]+")  # [door slams], music signs
_ASIDE = re.compile(r"^\([^)]*\)$")  # a whole line in parentheses: (laughter)
_DASH = re.compile(r"^[-–—]\s*(?=\S)")  # a dash before a change of speaker


def heard(cues: Sequence[Cue], duration: float | None = None) -> list[Heard]:
    """What the cues say, in time order.

    Descriptions of sounds and lines that scroll from one cue into the next are left out, and so is what lies
    behind `duration` (s), if it is known.
    """
    result = []
    previous: tuple[str, ...] = ()
    for cue in sorted(cues, key=lambda c: (c.start, c.end)):
        lines = tuple(line.strip() for line in cue.text.splitlines() if line.strip())
        fresh = _fresh(lines, previous, cue.end - cue.start)
        previous = lines or previous
        start, end = max(cue.start, 0.0), cue.end
        if duration is not None:
            end = min(end, duration)
        text = " ".join(filter(None, map(_spoken, fresh)))
        if text and end > start:
            result.append(Heard(start, end, spread(text.split(), start, end), cue.speaker))
    return result


def spread(words: Sequence[str], start: float, end: float) -> tuple[Word, ...]:
    """The words laid out over [start, end] s, each in proportion to its letters (plus one for the gap)."""
    total = sum(len(word) + 1 for word in words)
    scale = (end - start) / total if total else 0.0
    placed, letters = [], 0
    for word in words:
        begin = start + letters * scale
        letters += len(word) + 1
        placed.append(Word(begin, start + letters * scale, word, 1.0))
    return tidy(placed, start, end)


def _fresh(lines: tuple[str, ...], previous: tuple[str, ...], length: float) -> tuple[str, ...]:
    """The lines that are new: automatic captions repeat the last line on top of the next cue while they
    scroll.
    """
    scrolls = len(lines) > 1 or length < 0.05
    if lines and previous and scrolls and lines[0] == previous[-1]:
        return lines[1:]
    return lines


def _spoken(line: str) -> str:
    line = " ".join(_SOUND.sub(" ", line).split())
    return "" if _ASIDE.match(line) else _DASH.sub("", line)
