"""No cell of a table that Mien writes begins a formula; numbers stay numbers."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.batch.find import Found
from mien.batch.rank import Rank, Standing
from mien.batch.summary import Asked, Summary, write_summary
from mien.batch.survey import Item
from mien.exchange.csv import guarded, table

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
PAYLOADS = (
    "=cmd|'/C calc'!A0", "+1+cmd|'/C calc'!A0", "-2+3+cmd|'/C calc'!A0", "@SUM(1+1)*cmd|'/C calc'!A0",
    "\t=1+1", "\r=1+1", "\n=1+1", '=HYPERLINK("http://127.0.0.1?"&A1,"x")', "＝1+1", "＋1", "－1", "＠SUM(1)",
    '"=1+1', '","=1+1', "x,=1+1", 'x"\n=1+1', "-1", "+1", "=", "\0=1+1", "\ufeff=1+1", "\v=1+1",
)  # fmt: skip
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def harmless(path: Path, delimiter: str = ",") -> list[list[str]]:
    """The rows, after every cell was seen not to begin a formula; negative numbers are none."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=delimiter))
    for row in rows:
        for cell in row:
            assert not cell.startswith(STARTS) or _NUMBER.fullmatch(cell), cell
    return rows


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_exports(poisoned: Callable[..., Any], written: Callable[..., Path], payload: str) -> None:
    """Tables of every track, with headings, and of corrections; also beside Parquet."""
    for kind in ("csv", "parquet"):
        folder = written(poisoned(payload), kind)
        tables = sorted(folder.glob("*.csv"))
        assert tables
        rows = [row for table in tables for row in harmless(table)]
        assert any("1" in cell or "SUM" in cell or "cmd" in cell or "=" in cell for row in rows for cell in row)
    curve = next(table for table in written(poisoned("plain"), "csv").glob("plain*.csv"))
    assert [row[-1] for row in harmless(curve)[1:]] == ["-0.5000"] * 5  # a number, not text


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_the_summary_of_a_scan(tmp_path: Path, payload: str) -> None:
    name = payload.replace("/", "_").replace("\0", "")
    root = tmp_path / name
    item = Item(Found(root / name, root, 1, "s"), state="done", seconds=3.0, partial=payload, failed={payload: payload})
    item.medium, item.side_car, item.standing = "id", payload, Standing(-0.25, 1.0)
    asked = Asked([root], Rank("highest x", "highest", reading="x"), [payload])
    summary = Summary([item], [], asked, lambda _: {payload: -1.5, "n": -2})
    rows = harmless(write_summary(summary, tmp_path)[1])
    cells = dict(zip(*rows, strict=True))
    assert (cells["value"], cells["n"]) == ("-0.250000", "-2")


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_tables_of_truth_and_of_explanations(tmp_path: Path, payload: str) -> None:
    path = tmp_path / "check.csv"
    path.write_text(table(("label", "value"), [(payload, -1.5), (payload, 3)]), encoding="utf-8", newline="")
    assert [row[1] for row in harmless(path)[1:]] == ["-1.5", "3"]


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_manifests(tmp_path: Path, payload: str, suffix: str) -> None:
    """Texts are guarded, and read back as they were; names of media and columns may not be formulas at all."""
    from mien.errors import CorpusError
    from mien.training.manifest import Label, Manifest, Row
    from mien.training.manifest_file import read_manifest
    from mien.training.manifest_write import write_manifest

    path = tmp_path / f"m{suffix}"
    text = payload.replace("\0", "")
    label = Label("valence", low=-1.0, high=1.0)
    row = Row("a.wav", 0.0, 1.0, "", "", "", text, (-0.5,))
    write_manifest(Manifest(tmp_path, (label,), (row,), ""), path)
    rows = harmless(path, "\t" if suffix == ".tsv" else ",")
    assert rows[1][-1] == "-0.5"
    again = read_manifest(path, files=False)
    assert again.rows[0].text == text
    try:
        named = Label.of(f"{text} [-1 1]")
    except ValueError:
        return
    except CorpusError:
        return
    assert not named.heading.startswith(STARTS)


def test_what_is_guarded_is_guarded_once() -> None:
    assert guarded("=1") == "'=1"
    assert guarded(guarded("=1")) == "'=1"
    assert guarded("plain = 1") == "plain = 1"


def test_every_writer_of_tables_is_known() -> None:
    """A new place that writes CSV needs its attack above."""
    root = Path(__file__).resolve().parents[2]
    writers = {
        path.relative_to(root).as_posix()
        for room in ("core", "plugins/mien_plugins", "desktop")
        for path in (root / room).rglob("*.py")
        if re.search(r"csv\.(writer|DictWriter)\(|\.to_csv\(|write_csv\(", path.read_text(encoding="utf-8"))
    }
    assert writers == {
        "core/mien/exchange/csv.py",
        "core/mien/exchange/corrections.py",
        "core/mien/batch/summary.py",
        "core/mien/training/manifest_write.py",
    }
