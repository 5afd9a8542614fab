"""Readers of the public corpora the text model learns from; each reads a user's own copy under ``--data``.

Layout (one folder per corpus under ``text/``):

* ``olid/olid-training-v1.0.tsv``, ``testset-levela.tsv``, ``labels-levela.csv`` — OffensEval 2019
  (Zampieri et al. 2019), task A: OFF/NOT. The test set is the published one; validation is cut from training.
* ``hatexplain/{train,valid,test}.tsv`` — Mathew et al. 2021, the official split.
* ``davidson/labeled_data.csv`` — Davidson et al. 2017; no official split.
* ``emobank/emobank.csv`` — Buechel & Hahn 2017, the official split; ratings of 1–5 become [−1, 1].
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import CorpusError, shown
from mien.training.rows import opened, read_rows
from mien_plugins.text.clean import clean

OFFENCE = ("not", "offensive")
HATE = ("hate", "offensive", "normal")
ATTRIBUTES = ("valence", "arousal", "dominance")
_HATEXPLAIN = {"hatespeech": 0, "hate": 0, "offensive": 1, "normal": 2}
_OLID = {"NOT": 0, "OFF": 1}
_DAVIDSON = {"0": 0, "1": 1, "2": 2}
_EMOBANK = {"train": "train", "dev": "valid", "test": "test"}


@dataclass(frozen=True)
class Texts:
    """Labelled texts of one split.

    Attributes:
        text: N strings as the corpus has them (not cleaned).
        target: (N,) int64 class indices, or (N, 3) float32 valence, arousal, dominance in [−1, 1].
    """

    text: tuple[str, ...]
    target: np.ndarray

    def __post_init__(self) -> None:
        if len(self.text) != len(self.target):
            raise ValueError(f"{len(self.text)} texts but {len(self.target)} targets")

    def __len__(self) -> int:
        return len(self.text)

    def take(self, index: Iterable[int]) -> Texts:
        """The rows at ``index``, in that order."""
        rows = list(index)
        return Texts(tuple(self.text[i] for i in rows), self.target[rows])

    def join(self, other: Texts) -> Texts:
        """These and then the others."""
        return Texts(self.text + other.text, np.concatenate([self.target, other.target]))


Splits = dict[str, Texts]


def _rows(path: Path, columns: tuple[str, ...], delimiter: str = "\t", quoted: bool = False) -> list[dict[str, str]]:
    """The table's rows; a file that is missing or no such table is a CorpusError."""
    _need(path)
    return read_rows(path, columns, delimiter=delimiter, quoted=quoted)


def _need(path: Path) -> None:
    if not path.is_file():
        raise CorpusError(f"A corpus of the text recipe is missing; put a copy of your own there: {shown(path)}")


def _known(cell: str, classes: Mapping[str, int], path: Path, number: int) -> int:
    """The class that a cell names; one that is not known is a CorpusError."""
    if cell not in classes:
        raise CorpusError(
            f"Row {number} has the label “{shown(cell[:20])}”, which is none of {', '.join(classes)}: {shown(path)}"
        )
    return classes[cell]


def _texts(pairs: Iterable[tuple[str, int]]) -> Texts:
    pairs = list(pairs)
    return Texts(tuple(text for text, _ in pairs), np.array([label for _, label in pairs], dtype=np.int64))


def split_off(texts: Texts, share: float, seed: int) -> tuple[Texts, Texts]:
    """(rest, part): ``part`` holds about ``share`` of each class; texts equal after cleaning stay together.

    The order of both follows ``texts``. Deterministic in ``seed``.
    """
    rng = np.random.default_rng(seed)
    group: dict[str, list[int]] = {}
    for i, text in enumerate(texts.text):
        group.setdefault(clean(text).lower(), []).append(i)
    part: set[int] = set()
    for label in np.unique(texts.target):
        groups = [rows for rows in group.values() if texts.target[rows[0]] == label]
        wanted, taken = share * int(np.sum(texts.target == label)), 0
        for g in rng.permutation(len(groups)):
            if taken >= wanted:
                break
            part.update(groups[g])
            taken += len(groups[g])
    inside = np.isin(np.arange(len(texts)), sorted(part))
    return texts.take(np.flatnonzero(~inside)), texts.take(np.flatnonzero(inside))


def read_olid(data: Path, seed: int = 0, share: float = 0.1) -> Splits:
    """OLID task A: ``train``, ``valid`` (``share`` of the training file, stratified), ``test`` as published.

    Training texts that equal a test text after cleaning are left out.
    """
    folder = data / "text" / "olid"
    training, answers = folder / "olid-training-v1.0.tsv", folder / "labels-levela.csv"
    train = _rows(training, ("tweet", "subtask_a"))
    tests = folder / "testset-levela.tsv"
    tweets = {row["id"]: row["tweet"] for row in _rows(tests, ("id", "tweet"))}
    _need(answers)
    with opened(answers) as file:
        rows = [row for row in csv.reader(file) if row]
    labels: list[tuple[str, int]] = []
    for line, row in enumerate(rows, 1):
        if line == 1 and len(row) == 2 and row[1] not in _OLID:
            continue  # some copies have a header line, the published file has none
        if len(row) != 2:
            raise CorpusError(f"Row {line} should read id,OFF or id,NOT: {shown(answers)}")
        if row[0] not in tweets:
            raise CorpusError(f"Row {line} labels a tweet that is not in {tests.name}: {shown(answers)}")
        labels.append((tweets[row[0]], _known(row[1], _OLID, answers, line)))
    test = _texts(labels)
    seen = {clean(text).lower() for text in test.text}
    rest = _texts(
        (row["tweet"], _known(row["subtask_a"], _OLID, training, number))
        for number, row in enumerate(train, 1)
        if clean(row["tweet"]).lower() not in seen
    )
    train_part, valid = split_off(rest, share, seed)
    return {"train": train_part, "valid": valid, "test": test}


def read_hatexplain(data: Path) -> Splits:
    """HateXplain's official split; classes in the order of :data:`HATE`."""
    folder = data / "text" / "hatexplain"
    splits: Splits = {}
    for split in ("train", "valid", "test"):
        path = folder / f"{split}.tsv"
        rows = _rows(path, ("label", "text"))
        splits[split] = _texts((r["text"], _known(r["label"], _HATEXPLAIN, path, n)) for n, r in enumerate(rows, 1))
    return splits


def read_davidson(data: Path) -> Texts:
    """All of Davidson et al.'s tweets; classes hate, offensive, neither in the order of :data:`HATE`."""
    path = data / "text" / "davidson" / "labeled_data.csv"
    rows = _rows(path, ("class", "tweet"), ",", quoted=True)
    return _texts((row["tweet"], _known(row["class"], _DAVIDSON, path, number)) for number, row in enumerate(rows, 1))


def read_emobank(data: Path) -> Splits:
    """EmoBank's official split (its ``dev`` is our ``valid``); target (N, 3) = (rating − 3) / 2."""
    path = data / "text" / "emobank" / "emobank.csv"
    parts: dict[str, tuple[list[str], list[list[float]]]] = {name: ([], []) for name in _EMOBANK.values()}
    for number, row in enumerate(_rows(path, ("text", "split", "V", "A", "D"), ",", quoted=True), 1):
        if row["split"] not in _EMOBANK:
            raise CorpusError(
                f"Row {number} is of the split “{shown(row['split'][:20])}”, which is none of {', '.join(_EMOBANK)}: "
                f"{shown(path)}"
            )
        if clean(row["text"], "transcript"):
            texts, target = parts[_EMOBANK[row["split"]]]
            texts.append(row["text"])
            target.append([(_rating(row[k], number, path) - 3.0) / 2.0 for k in "VAD"])
    return {
        name: Texts(tuple(texts), np.array(target, dtype=np.float32).reshape(-1, 3))
        for name, (texts, target) in parts.items()
    }


def _rating(cell: str, number: int, path: Path) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not 1.0 <= value <= 5.0:
        raise CorpusError(f"Row {number} has no rating from 1 to 5 but “{shown(cell[:20])}”: {shown(path)}")
    return value


READERS = {"offence": read_olid, "hate": read_hatexplain, "attributes": read_emobank}
