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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from mien.errors import CorpusError
from mien_plugins.text.clean import clean

OFFENCE = ("not", "offensive")
HATE = ("hate", "offensive", "normal")
ATTRIBUTES = ("valence", "arousal", "dominance")
_HATEXPLAIN = {"hatespeech": 0, "hate": 0, "offensive": 1, "normal": 2}


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


def _rows(path: Path, delimiter: str, quoting: Literal[0, 3]) -> list[dict[str, str]]:
    if not path.is_file():
        raise CorpusError(f"A corpus of the text recipe is missing; put a copy of your own there: {path}")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter, quoting=quoting))


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
    train = _rows(folder / "olid-training-v1.0.tsv", "\t", csv.QUOTE_NONE)
    tweets = {row["id"]: row["tweet"] for row in _rows(folder / "testset-levela.tsv", "\t", csv.QUOTE_NONE)}
    with (folder / "labels-levela.csv").open(encoding="utf-8", newline="") as file:
        # Some copies have a header line, the published file has none.
        labels = [row for row in csv.reader(file) if len(row) == 2 and row[1] in ("OFF", "NOT")]
    test = _texts((tweets[number], int(label == "OFF")) for number, label in labels)
    seen = {clean(text).lower() for text in test.text}
    rest = _texts(
        (row["tweet"], int(row["subtask_a"] == "OFF")) for row in train if clean(row["tweet"]).lower() not in seen
    )
    train_part, valid = split_off(rest, share, seed)
    return {"train": train_part, "valid": valid, "test": test}


def read_hatexplain(data: Path) -> Splits:
    """HateXplain's official split; classes in the order of :data:`HATE`."""
    folder = data / "text" / "hatexplain"
    return {
        split: _texts(
            (row["text"], _HATEXPLAIN[row["label"]]) for row in _rows(folder / f"{split}.tsv", "\t", csv.QUOTE_NONE)
        )
        for split in ("train", "valid", "test")
    }


def read_davidson(data: Path) -> Texts:
    """All of Davidson et al.'s tweets; classes hate, offensive, neither in the order of :data:`HATE`."""
    rows = _rows(data / "text" / "davidson" / "labeled_data.csv", ",", csv.QUOTE_MINIMAL)
    return _texts((row["tweet"], int(row["class"])) for row in rows)


def read_emobank(data: Path) -> Splits:
    """EmoBank's official split (its ``dev`` is our ``valid``); target (N, 3) = (rating − 3) / 2."""
    splits: Splits = {}
    rows = [
        row
        for row in _rows(data / "text" / "emobank" / "emobank.csv", ",", csv.QUOTE_MINIMAL)
        if clean(row["text"], "transcript")
    ]
    for name, ours in (("train", "train"), ("dev", "valid"), ("test", "test")):
        part = [row for row in rows if row["split"] == name]
        target = np.array([[(float(row[k]) - 3.0) / 2.0 for k in "VAD"] for row in part], dtype=np.float32)
        splits[ours] = Texts(tuple(row["text"] for row in part), target.reshape(-1, 3))
    return splits


READERS = {"offence": read_olid, "hate": read_hatexplain, "attributes": read_emobank}
