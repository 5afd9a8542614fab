"""Conversations whose conflict people have rated.

* SSPNet Conflict Corpus (Kim et al. 2012, ACM Multimedia; on request): `conflictlevel.csv` with a clip's name and its level,
  -10 to 10, in each row, and the 1,430 clips of 30 s of `audiodata.zip` anywhere below the folder. A clip is named after its
  debate (`06-04-03_318_348` is of the debate of 3 April 2006). The speakers' tables that the published split (by moderator)
  needs are not read, since their layout could not be checked: debates are parted by chance.
* Glasgow Disagreement Corpus (ICMI 2025; public): `metadata.csv` with the columns `File name`, `Rating` (per cent) and
  `Fold`, and `Audio/*.wav`. Its folds are the split: the last tests, the one before validates.

`conflict` is on [-1, 1]: a tenth of SSPNet's level; Glasgow's 0 % is -1 and 100 % is 1.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from mien.errors import CorpusError, shown
from mien.training.manifest import KNOWN, Manifest, Row
from mien_plugins.corpora.reading import amount, beside, found, lines, made, onto, records, table

SSPNET, GLASGOW = "conflictlevel.csv", "metadata.csv"
LABELS = (KNOWN["conflict"],)


def read_sspnet(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """The rated clips, by debate: a quarter of the debates tests, 15 % validate.

    Raises:
        CorpusError: the list or a recording is missing, or a row makes no sense.
    """
    title = "SSPNet Conflict"
    path = folder / SSPNET
    recordings = {one.stem: one for one in sorted(folder.rglob("*.wav"))}
    rows: list[Row] = []
    for number, (where, cells) in enumerate(table(path, title, delimiter=_separator(path, title))):
        if len(cells) < 2:
            raise CorpusError(f"{where} has no clip and level")
        if number == 0 and not _is_number(cells[1]):
            continue  # a heading
        name = Path(cells[0].strip()).stem
        level = amount(cells[1], -10, 10, where, "level")
        clip = found(recordings.get(name), title, where, folder / "audiodata" / f"{name}.wav")
        rows.append(Row(beside(folder, clip), group=name.split("_")[0], labels=(level / 10,)))
    debates = sorted({row.group for row in rows})
    order = [debates[i] for i in np.random.default_rng(seed).permutation(len(debates))]
    if len(order) < 3:
        raise CorpusError(f"{len(order)} debates cannot be split in three parts: {shown(path)}")
    test, valid = max(1, round(0.25 * len(order))), max(1, round(0.15 * len(order)))
    part = dict.fromkeys(order, "train") | dict.fromkeys(order[:test], "test")
    part |= dict.fromkeys(order[test : test + valid], "valid")
    split = (
        f"By debate (seed {seed}): {len(order) - test - valid} to train on, {valid} to validate on, {test} to test on; "
    )
    return made(
        folder, title, LABELS, [replace(r, split=part[r.group]) for r in rows], split + "moderators speak in several."
    )


def read_glasgow(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """The rated clips, split by the corpus' own folds.

    Raises:
        CorpusError: as `read_sspnet`.
    """
    title = "Glasgow Disagreement"
    path = folder / GLASGOW
    rows: list[Row] = []
    columns = ("File name", "Rating", "Fold")
    for where, cells in records(path, title, columns, delimiter=_separator(path, title)):
        name = cells["File name"].strip()
        share = amount(cells["Rating"].strip().removesuffix("%"), 0, 100, where, "rating")
        place = folder / "Audio" / (name if Path(name).suffix else f"{name}.wav")
        clip = found(place, title, where, place)
        fold = cells["Fold"].strip()
        if not fold:
            raise CorpusError(f"{where} names no fold")
        rows.append(Row(beside(folder, clip), group=fold, labels=(onto(share, 0, 100),)))
    folds = sorted(
        {row.group for row in rows}, key=lambda fold: (not fold.isdecimal(), int(fold) if fold.isdecimal() else 0, fold)
    )
    if not rows:
        raise CorpusError(f"There are no rows below the heading: {shown(path)}")
    if len(folds) < 3:
        raise CorpusError(f"{len(folds)} folds cannot be split in three parts: {shown(path)}")
    part = dict.fromkeys(folds, "train") | {folds[-1]: "test", folds[-2]: "valid"}
    split = f"By the corpus' folds: {', '.join(folds[:-2])} to train on, {folds[-2]} to validate on, {folds[-1]} to test on."
    return made(folder, title, LABELS, [replace(row, split=part[row.group]) for row in rows], split)


def _separator(path: Path, title: str) -> str:
    sample = "\n".join(lines(path, title)[:50])
    return ";" if sample.count(";") > sample.count(",") else ","


def _is_number(text: str) -> bool:
    try:
        return float(text) == float(text)
    except ValueError:
        return False
