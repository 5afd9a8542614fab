"""Transcripts made of tracks, as the analyzers write them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mien.tracks import Provenance, Spans
from mien.tracks.track import AnyTrack
from mien_desktop.document import Document

LINES = (
    (12.4, "B", "we agreed on this last week"),
    (16.0, "A", "no you agreed with yourself"),
    (19.8, "B", "let me explain the numbers"),
    (22.1, "A", "you never let me finish that is exactly the problem"),
    (25.0, "B", "I am sorry go on"),
    (27.7, "A", "every single time"),
)
EVIDENCE = {16.0: (0.05, 0.1, 0.02, 0.0, 0.25), 22.1: (0.1, 0.3, 0.02, 0.04, 0.28, 0.03, 0.02, 0.16, 0.0, 0.2)}
ATTENTION = {12.4: (0.05, 0.4, 0.05, 0.1, 0.0, 0.4), 22.1: (0.1, 0.05, 0.05, 0.0, 0.6, 0.0, 0.0, 0.0, 0.05, 0.15)}
"""What a network looked at, as `text.attention` has it."""
OFFENCE = {12.4: 0.04, 16.0: 0.55, 19.8: 0.05, 22.1: 0.81, 25.0: 0.03, 27.7: 0.22}


def tracks(lines: tuple[tuple[float, str, str], ...] = LINES) -> dict[str, AnyTrack]:
    """The tracks of a talk; each word takes 0.2 s."""
    said, words, drivers, offence, hate = [], [], [], [], []
    for start, who, text in lines:
        cut = text.split()
        end = start + 0.2 * len(cut)
        said.append((start, end, "pocketsphinx", text, 0.8, who))
        p = OFFENCE.get(start, 0.1)
        offence.append((start, end, "offensive" if p > 0.5 else "not", text, p, who))
        hate.append((start, end, "offensive" if p > 0.5 else "normal", text, p / 5, who))
        for i, word in enumerate(cut):
            at = start + 0.2 * i
            words.append((at, at + 0.2, "pocketsphinx", word, (0.95, 0.8, 0.6, 0.4)[i % 4], who))
            if start in EVIDENCE:
                drivers.append((at, at + 0.2, "offence", word, EVIDENCE[start][i], who))
    made = Provenance("speech.transcript", "1.0.0", params={"language": "auto", "backend": "auto"})
    return {
        "speech.transcript": Spans.of("speech.transcript", said, made),
        "speech.words": Spans.of("speech.words", words, made),
        "text.offence": Spans.of("text.offence", offence),
        "text.hate": Spans.of("text.hate", hate),
        "text.words": Spans.of("text.words", drivers),
    }


def attention() -> Spans:
    """`text.attention` of the talk."""
    rows = [
        (start + 0.2 * i, start + 0.2 * i + 0.2, "attention", word, ATTENTION[start][i], who)
        for start, who, text in LINES
        if start in ATTENTION
        for i, word in enumerate(text.split())
    ]
    return Spans.of("text.attention", rows)


def long_talk(utterances: int) -> dict[str, AnyTrack]:
    """A talk of that many utterances of 4 to 16 words, one every 0.72 s."""
    rng = np.random.default_rng(1)
    vocabulary = [
        f"{a}{b}" for a in ("spo", "ta", "ken", "lo", "mi") for b in ("ra", "n", "tion", "s", "ly", "wards", "e")
    ]
    lines = tuple(
        (0.72 * n * 5, "AB"[n % 2], " ".join(rng.choice(vocabulary, rng.integers(4, 17)))) for n in range(utterances)
    )
    return tracks(lines)


@pytest.fixture
def talk() -> dict[str, AnyTrack]:
    return tracks()


@pytest.fixture
def long() -> Callable[[int], dict[str, AnyTrack]]:
    return long_talk


@pytest.fixture
def document(talk: dict[str, AnyTrack]) -> Document:
    made = Document()
    made.load(talk)
    return made
