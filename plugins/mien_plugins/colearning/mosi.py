"""CMU-MOSI as utterance features: text 100, audio 73, video 100 numbers for each of 2,199 utterances in 93 videos.

The files are those of SenticNet's `contextual-sentiment-analysis` (Poria et al. 2017), gzipped or not, in `mosi/`:
`{text,audio,video}_{train,test}.csv` with the label (1 positive, 0 negative) in the last column, `rows_{train,test}.csv` with
the row in `transcripts.csv` in the first, and `transcripts.csv` with the name `VIDEO_UTTERANCE` in the first.

The text and video features were themselves learnt with the labels of all training videos (a logistic regression reads 98 and
92 % of the validation labels off them, and 76 and 52 % of the test labels): on the validation videos they look better than
they are. The sound's were not.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import CorpusError, shown
from mien.training import checks
from mien_plugins.colearning.sequences import Sequences

CORPUS = "CMU-MOSI"
FILES = {"text": "text", "acoustic": "audio", "visual": "video"}
"""Modality → the name of its files."""
VALID_VIDEOS, VALID_UTTERANCES = 10, 296
RULE = "the first permutation of the sorted training videos that numpy's default_rng(0) draws whose first ten hold 296 utterances"


@dataclass(frozen=True)
class Splits:
    """52, 10 and 31 videos; features as in the files."""

    train: Sequences
    valid: Sequences
    test: Sequences


def read(data: Path) -> Splits:
    """All three parts, utterances in the order in which they are spoken.

    Raises:
        CorpusError: a file is missing, or is not what it should be.
    """
    folder = data / "mosi"
    names = [row[0] for row in _rows(folder, "transcripts")]
    seen, test = (_sequences(folder, part, names) for part in ("train", "test"))
    checks.require_disjoint(CORPUS, {"train": seen.names, "test": test.names}, "videos")
    valid = validation_videos({name: len(y) for name, y in zip(seen.names, seen.labels, strict=True)})
    train = [name for name in seen.names if name not in valid]
    checks.require_splits(CORPUS, {"train": train, "valid": valid, "test": test})
    return Splits(seen.take(train), seen.take(valid), test)


def validation_videos(
    utterances: dict[str, int], videos: int = VALID_VIDEOS, total: int = VALID_UTTERANCES
) -> list[str]:
    """The videos to validate on, by `RULE`; the thesis gives only their number and that of their utterances.

    Args:
        utterances: training video → how many it has.

    Raises:
        CorpusError: no draw of a hundred thousand fits, so these are not the published files.
    """
    names = sorted(utterances)
    rng = np.random.default_rng(0)
    for _ in range(100_000):
        drawn = [names[i] for i in rng.permutation(len(names))[:videos]]
        if sum(utterances[name] for name in drawn) == total:
            return sorted(drawn)
    raise CorpusError(
        f"No {videos} training videos of {CORPUS} have {total} utterances together; "
        "the files are not the published ones, which have 62 training videos with 1447 utterances."
    )


def _sequences(folder: Path, part: str, names: list[str]) -> Sequences:
    index = [_whole(row[0], folder, f"rows_{part}") for row in _rows(folder, f"rows_{part}")]
    if index and max(index) >= len(names):
        raise CorpusError(
            f"rows_{part}.csv names row {max(index)}, but transcripts.csv ends at {len(names) - 1}: {shown(folder)}"
        )
    tables = {m: _table(folder, f"{file}_{part}") for m, file in FILES.items()}
    checks.require_equal_lengths(f"{CORPUS} ({part})", {"rows": len(index), **{m: len(t) for m, t in tables.items()}})
    checks.require_splits(CORPUS, {part: index})
    labels = checks.as_float32(f"text_{part}.csv", tables["text"][:, -1])
    for modality, table in tables.items():
        tables[modality] = table = checks.as_float32(f"{FILES[modality]}_{part}.csv", table)
        if not (table[:, -1] == labels).all():
            raise CorpusError(
                f"The labels of {FILES[modality]}_{part}.csv are not those of text_{part}.csv: {shown(folder)}"
            )
    checks.require_known_labels(CORPUS, part, labels, (0.0, 1.0))
    spoken: dict[str, list[tuple[int, int]]] = {}
    for row, i in enumerate(index):
        video, _, number = names[i].rpartition("_")
        spoken.setdefault(video, []).append((_whole(number, folder, "transcripts"), row))
    order = {video: [row for _, row in sorted(rows)] for video, rows in sorted(spoken.items())}
    return Sequences(
        CORPUS,
        tuple(order),
        {m: tuple(t[rows, :-1] for rows in order.values()) for m, t in tables.items()},
        tuple(labels[rows] for rows in order.values()),
    )


def _table(folder: Path, name: str) -> np.ndarray:
    try:
        table = np.asarray(_rows(folder, name), dtype=np.float64)
    except ValueError as error:
        raise CorpusError(f"{name}.csv must hold numbers, as many in each row ({error}): {shown(folder)}") from error
    if table.ndim != 2 or table.shape[1] < 2:
        raise CorpusError(f"{name}.csv must hold features and a label in each row: {shown(folder)}")
    return table


def _whole(text: str, folder: Path, name: str) -> int:
    """The whole number from 0 on in a cell."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if not 0 <= value < 1e9:
        raise CorpusError(f"{name}.csv should hold a whole number and not “{shown(text[:40])}”: {shown(folder)}")
    return int(value)


def _rows(folder: Path, name: str) -> list[list[str]]:
    packed, plain = folder / f"{name}.csv.gz", folder / f"{name}.csv"
    if not packed.is_file() and not plain.is_file():
        raise CorpusError(
            f"{CORPUS} misses {name}.csv (or .csv.gz); put SenticNet's utterance features there: {shown(folder)}"
        )
    try:
        with gzip.open(packed, "rt", encoding="utf-8") if packed.is_file() else plain.open(encoding="utf-8") as file:
            return [row for row in csv.reader(file) if row]
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{name}.csv cannot be read as a table ({error}); get it again: {shown(folder)}") from error
