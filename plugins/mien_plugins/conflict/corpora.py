"""Corpora of real conversations that people have rated, as their owners hand them out; none comes with Mien.

* SSPNet Conflict Corpus (Kim et al. 2012, ACM Multimedia; on request): `conflictlevel.csv` with a clip's name and its level,
  -10 to 10, in each row, and the 1,430 clips of 30 s of `audiodata.zip` anywhere below the folder. A clip is named after its
  debate (`06-04-03_318_348` is of the debate of 3 April 2006).
* Glasgow Disagreement Corpus (ICMI 2025; public): `metadata.csv` with the columns `File name`, `Rating` (per cent) and
  `Fold`, and `Audio/*.wav`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import CorpusError, shown

SSPNET, GLASGOW = "conflictlevel.csv", "metadata.csv"


@dataclass(frozen=True)
class Clip:
    """A recording that was rated: `rating` from -1 (none) to 1 (high conflict). Clips of one `group` belong together."""

    path: Path
    rating: float
    group: str


@dataclass(frozen=True)
class Rated:
    """A corpus: its name, how it was rated and split, and its clips by part (`train`, `valid`, `test`)."""

    name: str
    licence: str
    citation: str
    split: str
    parts: dict[str, tuple[Clip, ...]]


def read_rated(folder: Path, seed: int = 0) -> Rated:
    """The corpus that lies in `folder`, split by debate or by its own folds.

    Raises:
        CorpusError: it is neither of the two, or a row or a recording of it is missing or makes no sense.
    """
    if (folder / SSPNET).is_file():
        return _sspnet(folder, seed)
    if (folder / GLASGOW).is_file():
        return _glasgow(folder)
    raise CorpusError(
        f"There is no rated corpus here: neither {SSPNET} (SSPNet Conflict) nor {GLASGOW} (Glasgow Disagreement): {shown(folder)}"
    )


def _sspnet(folder: Path, seed: int) -> Rated:
    recordings = {path.stem: path for path in sorted(folder.rglob("*.wav"))}
    clips: list[Clip] = []
    for place, row in _rows(folder / SSPNET):
        if len(row) < 2:
            raise CorpusError(f"{place} has no clip and level")
        name = Path(row[0].strip()).stem
        if not _number(row[1]) and not clips:
            continue  # a heading
        level = _rating(row[1], -10, 10, place)
        clips.append(Clip(_there(recordings.get(name), name, place), level / 10, name.split("_")[0]))
    debates = sorted({clip.group for clip in clips})
    order = [debates[i] for i in np.random.default_rng(seed).permutation(len(debates))]
    if len(order) < 3:
        raise CorpusError(f"{len(order)} debates cannot be split in three parts: {shown(folder / SSPNET)}")
    test, valid = max(1, round(0.25 * len(order))), max(1, round(0.15 * len(order)))
    groups = {"test": order[:test], "valid": order[test : test + valid], "train": order[test + valid :]}
    return Rated(
        "SSPNet Conflict",
        "on request, research",
        "Kim et al. 2012",
        f"By debate (seed {seed}): {len(groups['train'])} to train on, {valid} to validate on, {test} to test on; moderators "
        "speak in several.",
        _parts(clips, groups),
    )


def _glasgow(folder: Path) -> Rated:
    rows = list(_rows(folder / GLASGOW))
    if not rows:
        raise CorpusError(f"There are no rows: {shown(folder / GLASGOW)}")
    heading = [cell.strip().casefold() for cell in rows[0][1]]
    missing = [name for name in ("File name", "Rating", "Fold") if name.casefold() not in heading]
    if missing:
        raise CorpusError(f"The column {missing[0]!r} is missing: {shown(folder / GLASGOW)}")
    column = {name: heading.index(name) for name in ("file name", "rating", "fold")}
    clips: list[Clip] = []
    for place, row in rows[1:]:
        if len(row) < len(heading):
            raise CorpusError(f"{place} is too short")
        name = row[column["file name"]].strip()
        path = folder / "Audio" / (name if Path(name).suffix else f"{name}.wav")
        share = _rating(row[column["rating"]].strip().removesuffix("%"), 0, 100, place) / 100
        clips.append(Clip(_there(path, name, place), 2 * share - 1, row[column["fold"]].strip()))
    folds = sorted({clip.group for clip in clips}, key=lambda f: (not f.isdigit(), int(f) if f.isdigit() else 0, f))
    if len(folds) < 3:
        raise CorpusError(f"{len(folds)} folds cannot be split in three parts: {shown(folder / GLASGOW)}")
    groups = {"test": folds[-1:], "valid": folds[-2:-1], "train": folds[:-2]}
    return Rated(
        "Glasgow Disagreement",
        "as its owners state",
        "Glasgow Disagreement Corpus, ICMI 2025",
        f"By the corpus' folds: {', '.join(groups['train'])} to train on, {folds[-2]} to validate on, {folds[-1]} to test on.",
        _parts(clips, groups),
    )


def _parts(clips: list[Clip], groups: dict[str, list[str]]) -> dict[str, tuple[Clip, ...]]:
    return {part: tuple(clip for clip in clips if clip.group in own) for part, own in groups.items()}


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """(where it stands, cells) of the rows that are not empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            sample = file.read(4096)
            file.seek(0)
            separator = ";" if sample.count(";") > sample.count(",") else ","
            for number, row in enumerate(csv.reader(file, delimiter=separator), 1):
                if any(cell.strip() for cell in row):
                    yield f"Line {number} of {shown(path)}", row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"The list cannot be read ({error}): {shown(path)}") from error


def _number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _rating(text: str, low: float, high: float, place: str) -> float:
    if not _number(text) or not low <= float(text) <= high:
        raise CorpusError(f"{place} has no rating from {low:g} to {high:g} but {text.strip()!r}")
    return float(text)


def _there(path: Path | None, name: str, place: str) -> Path:
    if path is None or not path.is_file():
        raise CorpusError(f"{place} names a recording that is not there: {name}")
    return path
