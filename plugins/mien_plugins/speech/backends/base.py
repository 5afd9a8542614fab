"""What every transcriber shares: the words it answers with, and how an analyzer talks to it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from mien.sdk import Utterance


@dataclass(frozen=True, slots=True)
class Word:
    """One word: start and end in seconds of the medium, and the backend's confidence in [0, 1]."""

    start: float
    end: float
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What was recognised in one utterance or subtitle: its times in seconds and its words, in order."""

    start: float
    end: float
    words: tuple[Word, ...]
    speaker: str = ""

    @property
    def text(self) -> str:
        """The words joined."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words, 0 without any."""
        return sum(word.confidence for word in self.words) / len(self.words) if self.words else 0.0


class Transcriber(Protocol):
    """A backend at work on one medium. Answers come in the order in which utterances went in."""

    name: str

    def submit(self, utterance: Utterance) -> None:
        """Take an utterance; does not wait for its words."""

    def ready(self) -> list[Heard]:
        """What is known by now and was not handed out before."""

    def drain(self) -> Iterable[Heard]:
        """All the rest; waits for it."""

    def close(self) -> None:
        """Stop at once and free everything."""


def tidy(words: Sequence[Word], start: float, end: float) -> tuple[Word, ...]:
    """The words with text, inside [start, end], none starting before the last or reaching into the next."""
    kept: list[Word] = []
    earliest = start
    for word in words:
        text = word.text.strip()
        if not text:
            continue
        begin = min(max(word.start, earliest), end)
        kept.append(Word(begin, min(max(word.end, begin), end), text, min(max(float(word.confidence), 0.0), 1.0)))
        earliest = begin
    trimmed = [replace(word, end=min(word.end, after.start)) for word, after in pairwise(kept)]
    return (*trimmed, *kept[-1:])
