"""Offence and hate in tweets; rows are texts, without recordings. Who wrote them is not told: equal texts stay on one side.

* OffensEval 2019 / OLID (Zampieri et al. 2019): `olid-training-v1.0.tsv` (id, tweet, subtask_a, subtask_b, subtask_c),
  `testset-levela.tsv` (id, tweet), `labels-levela.csv` (id,label; no heading). `offence` is level A, `targeted` level B,
  `target` level C. The published test set tests, a tenth of the training file validates; training texts that are in the test
  set, too, are left unused.
* Davidson et al. 2017: `labeled_data.csv` with the columns class (0 hate, 1 offensive, 2 neither) and tweet. No published
  split.
* Waseem & Hovy 2016, with texts: `labeled_data_all.csv` with class (0 racism, 1 sexism, 2 neither) and tweet, as in the
  repository ziqizhang/chase. The authors' own `NAACL_SRW_2016.csv` has the numbers of tweets only, which nothing can be
  learnt from.

OLID's and Davidson's files were read as they are; of Waseem & Hovy's only the columns' names could not be checked.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mien.errors import CorpusError, shown
from mien.training.manifest import Label, Manifest, Row, Value
from mien.training.split import divide, resplit
from mien_plugins.corpora.reading import NO_YES, made, need, records, table

OLID, DAVIDSON, WASEEM = "OffensEval 2019 (OLID)", "Davidson et al. 2017", "Waseem & Hovy 2016"
OFFENCE, HATE = Label("offence", classes=NO_YES), Label("hate", classes=NO_YES)
TARGETED = Label("targeted", classes=NO_YES)
TARGET = Label("target", classes=("individual", "group", "other"))
DAVIDSON_CLASSES = Label("kind", classes=("hate", "offensive", "neither"))
WASEEM_CLASSES = Label("kind", classes=("racism", "sexism", "neither"))
SHARES = (0.8, 0.1, 0.1)
_VALID = 0.1


def read_olid(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """Training and test tweets with the three levels.

    Raises:
        CorpusError: one of the three files is missing, or a row makes no sense.
    """
    training = need(folder / "olid-training-v1.0.tsv", OLID, "its training tweets")
    tests = need(folder / "testset-levela.tsv", OLID, "its test tweets")
    answers = need(folder / "labels-levela.csv", OLID, "the labels of its test tweets")
    labels: dict[str, Value] = {}
    for where, cells in table(answers, OLID):
        if len(cells) < 2:
            raise CorpusError(f"{where} should read id,OFF or id,NOT")
        if cells[1].strip() in _LEVEL_A:
            labels[cells[0].strip()] = _LEVEL_A[cells[1].strip()]
        elif labels:
            raise CorpusError(f"{where} should have the label OFF or NOT, not “{shown(cells[1][:20])}”")
    test: list[Row] = []
    for where, record in _tabbed(tests, ("id", "tweet")):
        if record["id"] not in labels:
            raise CorpusError(f"{where} has a tweet whose label is not in {answers.name}: {shown(record['id'][:20])}")
        test.append(Row(text=record["tweet"], split="test", labels=(labels[record["id"]], None, None)))
    train: list[Row] = []
    for where, record in _tabbed(training, ("id", "tweet", "subtask_a", "subtask_b", "subtask_c")):
        values = tuple(
            _level(record[name], known, where, name)
            for name, known in (("subtask_a", _LEVEL_A), ("subtask_b", _LEVEL_B), ("subtask_c", _LEVEL_C))
        )
        train.append(Row(text=record["tweet"], split="train", labels=values))
    seen = {_plain(row.text) for row in test}
    again = [row for row in train if _plain(row.text) in seen]
    train = [row for row in train if _plain(row.text) not in seen]
    whole = made(folder, OLID, (OFFENCE, TARGETED, TARGET), train)
    _, valid = divide(whole, (1 - _VALID, _VALID), seed, "offence")
    held = set(valid.tolist())
    train = [replace(row, split="valid") if at in held else row for at, row in enumerate(train)]
    note = f"{len(again)} training texts are in the test set, too, and are left unused." if again else ""
    rows = [*train, *(replace(row, split="") for row in again), *test]
    return made(folder, OLID, whole.labels, rows, note)


def read_davidson(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """All tweets: `hate` is their class hate, `offence` hate or offensive; raises CorpusError."""
    path = need(folder / "labeled_data.csv", DAVIDSON, "its tweets")
    rows = []
    for where, cells in records(path, DAVIDSON, ("class", "tweet")):
        kind = _number(cells["class"], where)
        values = ("no" if kind == 2 else "yes", "yes" if kind == 0 else "no", DAVIDSON_CLASSES.classes[kind])
        rows.append(Row(text=cells["tweet"], labels=values))
    return resplit(made(folder, DAVIDSON, (OFFENCE, HATE, DAVIDSON_CLASSES), rows), seed, SHARES, "kind")


def read_waseem(folder: Path, *, seed: int = 0, media: str = "sound") -> Manifest:
    """All tweets: racism and sexism are hate; raises CorpusError."""
    path = folder / "labeled_data_all.csv"
    if not path.is_file() and (folder / "NAACL_SRW_2016.csv").is_file():
        raise CorpusError(
            f"NAACL_SRW_2016.csv has the numbers of tweets but not their texts; the texts are expected at: {shown(path)}"
        )
    rows = []
    for where, cells in records(need(path, WASEEM, "its tweets"), WASEEM, ("class", "tweet")):
        kind = _number(cells["class"], where)
        rows.append(Row(text=cells["tweet"], labels=("no" if kind == 2 else "yes", WASEEM_CLASSES.classes[kind])))
    return resplit(made(folder, WASEEM, (HATE, WASEEM_CLASSES), rows), seed, SHARES, "kind")


_LEVEL_A: dict[str, Value] = {"NOT": "no", "OFF": "yes"}
_LEVEL_B: dict[str, Value] = {"UNT": "no", "TIN": "yes", "NULL": None}
_LEVEL_C: dict[str, Value] = {"IND": "individual", "GRP": "group", "OTH": "other", "NULL": None}


def _tabbed(path: Path, columns: tuple[str, ...]) -> list[tuple[str, dict[str, str]]]:
    return list(records(path, OLID, columns, delimiter="\t", quoted=False))


def _level(cell: str, known: dict[str, Value], where: str, name: str) -> Value:
    if cell.strip() not in known:
        raise CorpusError(f"{where}: {name} should be one of {', '.join(known)}, not “{shown(cell.strip()[:20])}”")
    return known[cell.strip()]


def _number(cell: str, where: str) -> int:
    if cell.strip() not in ("0", "1", "2"):
        raise CorpusError(f"{where}: class should be 0, 1 or 2, not “{shown(cell.strip()[:20])}”")
    return int(cell)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
