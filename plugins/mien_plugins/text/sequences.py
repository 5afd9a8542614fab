"""Turns over time with labels, as the network of turns learns from them: frames of 0.1 s where times are known.

A traced recording (a row a moment, its words those of the turn then spoken) becomes frames that name their turn; a text
without a time is a sequence of one frame.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import CorpusError, shown
from mien.training.card import DataSource
from mien.training.manifest import SPLITS, Manifest, Row
from mien_plugins.text.clean import clean
from mien_plugins.text.data import ATTRIBUTES, Texts, read_emobank, read_olid

RATE = 10.0
"""Frames per second: labels of its corpus come ten times a second."""
MOST_SECONDS = 24 * 3600.0
"""s that one recording may have."""
DELAY = 5
"""Frames by which words come later than they are said, as people need that long to rate them."""
NOBODY = -1
OFFENCE = "offence"


@dataclass(frozen=True)
class Turns:
    """One sequence of T frames.

    Attributes:
        turn: (T,) which of the corpus' texts is being said, `NOBODY` where none is.
        target: (T, K) float32 labels, NaN where there is none.
        group: speaker or recording, which figures are drawn by.
    """

    turn: NDArray[np.int64]
    target: NDArray[np.float32]
    group: str

    def __len__(self) -> int:
        return len(self.turn)


@dataclass(frozen=True)
class Corpus:
    """Sequences by split (`train`, `valid`, `test`) over distinct `texts`, cleaned; `outputs` names the K labels."""

    texts: tuple[str, ...]
    parts: dict[str, tuple[Turns, ...]]
    outputs: tuple[str, ...]
    timed: bool
    split: str
    sources: tuple[DataSource, ...] = field(default=())

    @property
    def licence(self) -> str:
        """That of the weights, which the data's may restrict."""
        return "; ".join(dict.fromkeys(source.licence for source in self.sources)) or "bound by that of the corpus"


def first_words(text: str, most: int) -> str:
    """A turn as the net sees it: cleaned as a transcript, no more than so many words."""
    return " ".join(clean(text, "transcript").split()[:most])


class _Texts:
    """Gives each distinct text its number."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.number: dict[str, int] = {}

    def of(self, text: str) -> int:
        kept = first_words(text, self.most)
        return self.number.setdefault(kept, len(self.number)) if kept else NOBODY


def public(data: Path, task: str, words: int, seed: int) -> Corpus:
    """EmoBank (`attributes`) or OLID (`offence`) under `data`, by their own splits.

    Raises:
        CorpusError: it is not there.
    """
    known = _Texts(words)

    def sequences(part: Texts) -> tuple[Turns, ...]:
        target = part.target.reshape(len(part), -1).astype(np.float32)
        rows = zip(part.text, target, strict=True)
        return tuple(Turns(np.array([known.of(text)]), row[None], str(n)) for n, (text, row) in enumerate(rows))

    name, read = ("emobank", read_emobank) if task == "attributes" else ("olid", lambda d: read_olid(d, seed))
    if not (data / "text" / name).is_dir():
        raise CorpusError(
            f"text-004 with task={task} learns from text/{name}, which is not in the folder of corpora, or from a "
            f"manifest.csv there (mien manifest makes one): {data}"
        )
    parts = {split: sequences(part) for split, part in read(data).items()}
    if task == "attributes":
        source = DataSource("EmoBank", "CC BY-SA 4.0", "its official split", "Buechel & Hahn 2017, EACL")
        return Corpus(tuple(known.number), parts, ATTRIBUTES, False, "EmoBank's own, by document.", (source,))
    source = DataSource(
        "OLID", "cite", "its official test set, a tenth of training to validate on", "Zampieri et al. 2019"
    )
    return Corpus(tuple(known.number), parts, (OFFENCE,), False, "OLID's own test set.", (source,))


def of_manifest(manifest: Manifest, task: str, words: int, length: int) -> Corpus:
    """A user's own texts or traced recordings.

    Args:
        task: `attributes` (those of valence, arousal, dominance and liking that it has) or `offence`.
        words: most of a turn. length: frames of a sequence; longer recordings are cut.

    Raises:
        CorpusError: no such label, no text, an empty split, speakers on both sides of a split.
    """
    names = [label.name for label in manifest.labels]
    wanted = ("arousal", "valence", "dominance", "liking") if task == "attributes" else (OFFENCE,)
    outputs = tuple(name for name in wanted if name in names)
    if not outputs:
        manifest.label(wanted[0])
    for name in outputs or wanted[:1]:  # each is learnt, chosen by and measured
        manifest.check(labels=(name,))
    if not any(row.text for row in manifest.rows):
        raise CorpusError("This manifest has no words: text-004 needs what is said in the column text.")
    low = -1.0 if task == "attributes" else 0.0
    target = np.stack([manifest.numbers(name, low, 1.0) for name in outputs], axis=1).astype(np.float32)
    known = _Texts(words)
    parts: dict[str, tuple[Turns, ...]] = {}
    timed = False
    for split in SPLITS:
        rows = [(row, target[at]) for at, row in enumerate(manifest.rows) if row.split == split]
        found: list[Turns] = []
        for group in _groups(rows):
            first = group[0][0]
            name = first.speaker or first.group or first.path
            if not first.path or any(math.isinf(row.end) for row, _ in group):
                # Texts of which nobody knows who wrote them stand for themselves.
                found += [
                    Turns(np.array([known.of(row.text)]), own[None], name or f"{split} {len(found) + n}")
                    for n, (row, own) in enumerate(group)
                ]
                continue
            timed = True
            found += _frames(group, known, name, length)
        parts[split] = tuple(found)
    source = DataSource(
        manifest.source or "a manifest", "as its owners state", f"{len(manifest)} rows, by the column split"
    )
    return Corpus(tuple(known.number), parts, outputs, timed, "As the manifest has it, speakers apart.", (source,))


Labelled = tuple[Row, NDArray[np.float32]]


def _groups(rows: Iterable[Labelled]) -> list[list[Labelled]]:
    """Rows of one person in one medium, by time; texts without a medium apart."""
    found: dict[tuple[str, ...], list[Labelled]] = {}
    for number, (row, own) in enumerate(rows):
        found.setdefault((row.path, row.speaker) if row.path else ("", str(number)), []).append((row, own))
    return [sorted(group, key=lambda pair: pair[0].start) for group in found.values()]


def _frames(group: Sequence[Labelled], known: _Texts, name: str, length: int) -> list[Turns]:
    begin = group[0][0].start
    seconds = max(row.end for row, _ in group) - begin
    if seconds > MOST_SECONDS:
        row = group[0][0]
        raise CorpusError(
            f"The moments of {shown(row.path)} lie up to {seconds:.0f} s apart, and a recording may have "
            f"{MOST_SECONDS / 3600:g} hours; part it, or look for a time that is wrong."
        )
    count = max(1, round(seconds * RATE))
    turn = np.full(count, NOBODY, np.int64)
    target = np.full((count, len(group[0][1])), np.nan, np.float32)
    for row, own in group:
        first = round((row.start - begin) * RATE)
        own_frames = slice(min(first, count - 1), max(first + 1, round((row.end - begin) * RATE)))
        turn[own_frames] = known.of(row.text)
        target[own_frames] = own
    turn = np.concatenate([np.full(DELAY, NOBODY), turn])[:count]
    cuts = [Turns(turn[at : at + length], target[at : at + length], name) for at in range(0, count, length)]
    return [cut for cut in cuts if np.isfinite(cut.target).any()]
