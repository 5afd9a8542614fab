"""Label tables, ELAN files and manifests: no size and no kind of file makes them take more than a table needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.errors import CorpusError, UsageError
from mien.training import manifest_file
from mien.training.manifest_file import read_manifest
from mien.truth import table
from mien.truth.labels import read_labels

NAMES = {"labels": ("a.csv", "a.tsv", "a.eaf", "a.txt"), "manifest": ("a.csv", "a.parquet")}
EVERY = [(what, name) for what, names in NAMES.items() for name in names]


@pytest.mark.parametrize(("what", "name"), EVERY)
def test_what_is_no_plain_file_is_not_read(attack: Callable[..., Any], tmp_path: Path, what: str, name: str) -> None:
    """A link to a device has no end, a pipe may have none to write into it."""
    path = tmp_path / name
    for target in ("/dev/zero", "/dev/stdin", "/proc/self/mem"):
        path.symlink_to(target)
        outcome = attack(what, path)
        outcome.refused("this is no plain file" if target.startswith("/dev") else "")
        outcome.bounded(mib=80)  # pyarrow itself takes some
        path.unlink()
    path.mkdir()
    attack(what, path).refused()


@pytest.mark.parametrize(("what", "name"), EVERY)
def test_a_file_of_gigabytes_is_not_read(attack: Callable[..., Any], tmp_path: Path, what: str, name: str) -> None:
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(4 << 30)  # a hole: it takes no place on the disk
    outcome = attack(what, path)
    outcome.refused("MB at most")
    outcome.bounded(mib=20)


@pytest.mark.parametrize("what", ["labels", "manifest"])
def test_a_cell_without_end_and_a_line_without_end(attack: Callable[..., Any], tmp_path: Path, what: str) -> None:
    """Python's own limit of a cell, and ours of cells, hold before much is made of them."""
    path = tmp_path / "a.csv"
    path.write_text('path,start,end,valence[-1..1]\n"' + "x" * (8 << 20))
    attack(what, path).refused("cannot be read")
    path.write_text("path,valence[-1..1]" + ",a" * 1_000_000 + "\na.wav,0\n")
    outcome = attack(what, path)
    outcome.refused("columns")
    outcome.bounded(mib=400)


def test_more_cells_columns_and_rows_than_a_table_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("start,end,label\n" + "0,1,a\n" * 10)
    assert len(read_labels(path).columns[0].labels) == 10
    monkeypatch.setattr(table, "MOST_CELLS", 30)
    with pytest.raises(UsageError, match="30 cells at most"):
        read_labels(path)
    monkeypatch.undo()
    monkeypatch.setattr(table, "MOST_COLUMNS", 2)
    with pytest.raises(UsageError, match="columns"):
        read_labels(path)
    path.write_text("text,valence[-1..1]\n" + "a,0\n" * 10)
    assert len(read_manifest(path, files=False).rows) == 10
    monkeypatch.setattr(manifest_file, "MOST_COLUMNS", 1)
    with pytest.raises(CorpusError, match="columns"):
        read_manifest(path, files=False)
