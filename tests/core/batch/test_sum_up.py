"""Summing up what somebody else went through: as a scan of the same files does, or nothing at all."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mien.batch.find import MARKER, Unread
from mien.batch.places import OutFolder
from mien.batch.sum_up import Order, sum_up
from mien.batch.survey import Item
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import Cancelled, StorageError, UsageError
from mien.library import Library

TINY = ("tiny.brightness", "tiny.level", "tiny.raises")
TABLES = ("summary.csv", "summary.parquet")


@pytest.fixture
def order(scan: Any, folder: Path, make_clip: Any, tmp_path: Path) -> Order:
    """What a scan knows after it has gone through a folder; its own summary lies in `out`."""
    for n, name in enumerate(("loud.m4a", "mute.mp4", "sub/loud.m4a"), 1):
        (folder / name).parent.mkdir(exist_ok=True)
        make_clip(folder / name, 0.5 * n, audio="mute" not in name, video="mute" in name)
    (folder / "bad.mp4").write_bytes(b"no medium")
    items, _, stopped = scan(analyzers=TINY, fusion="", rank="highest level")
    assert stopped is None
    choice = Choice(analyzers=TINY, fusion="", device="cpu").checked(Registry.load())
    known = [replace(item, standing=None) for item in items.values()]
    return Order(known, (), str(tmp_path / "library.db"), choice, "highest level", tmp_path / "again", "They wait.")


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "summary.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_tables_are_those_of_the_scan(order: Order, tmp_path: Path) -> None:
    shares: list[float] = []
    written = sum_up(order, Registry.load(), shares.append)
    assert [path.name for path in written] == ["summary.html", *TABLES]
    for name in TABLES:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    states = {row["file"]: row["state"] for row in _rows(tmp_path / "again")}
    assert list(states)[2:] == ["bad.mp4", "mute.mp4"]  # there is nothing to rank them by
    assert set(states.items()) == {
        ("bad.mp4", "failed"),
        ("loud.m4a", "some failed"),
        ("mute.mp4", "done"),
        ("sub/loud.m4a", "some failed"),
    }
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_runs_that_are_not_known_are_looked_for_in_the_library(order: Order, tmp_path: Path) -> None:
    for item in order.items:
        item.runs, item.failed, item.medium = {}, {}, ""
    choice = replace(order.choice, analyzers=("tiny.brightness", "tiny.level"))
    sum_up(replace(order, choice=choice), Registry.load())
    rows = {row["file"]: row for row in _rows(tmp_path / "again")}
    assert {row["state"] for name, row in rows.items() if name != "bad.mp4"} == {"done"}
    assert rows["sub/loud.m4a"]["value"] == rows["sub/loud.m4a"]["tiny.level.level.max"] != ""


def test_what_left_the_library_is_not_analysed_and_says_so(order: Order, tmp_path: Path) -> None:
    gone = next(item for item in order.items if item.path.name == "mute.mp4")
    with Library(order.library) as library:
        library.remove(gone.medium)
    sum_up(order, Registry.load())
    row = next(row for row in _rows(tmp_path / "again") if row["file"] == "mute.mp4")
    assert row["state"] == "not analysed"
    assert "analyse it again" in row["reason"]


def test_what_was_read_counts_whatever_is_chosen_by_now_and_wherever_the_file_is(order: Order, tmp_path: Path) -> None:
    for item in order.items:
        item.path.unlink()
    choice = replace(order.choice, analyzers=("tiny.brightness",))
    sum_up(replace(order, choice=choice, rank="highest brightness"), Registry.load())
    rows = {row["file"]: row for row in _rows(tmp_path / "again")}
    assert {name: row["state"] for name, row in rows.items()} == {
        "bad.mp4": "failed",
        "loud.m4a": "some failed",
        "mute.mp4": "done",
        "sub/loud.m4a": "some failed",
    }
    assert next(iter(rows)) == "mute.mp4"
    assert rows["loud.m4a"]["tiny.level.level.max"]
    assert '<span class="tag">tiny.level</span>' in (tmp_path / "again" / "summary.html").read_text(encoding="utf-8")


def test_what_waits_and_folders_that_could_not_be_read_are_told(order: Order, folder: Path, tmp_path: Path) -> None:
    first = order.items[0]
    waiting = Item(replace(first.found, path=folder / "later.m4a"), seconds=3.0)
    unread = (Unread(folder / "shut", "The folder cannot be read."),)
    sum_up(replace(order, items=[waiting, *order.items], unread=unread), Registry.load())
    rows = {row["file"]: row for row in _rows(tmp_path / "again")}
    assert (rows["later.m4a"]["state"], rows["later.m4a"]["seconds"]) == ("not analysed", "3.000000")
    page = (tmp_path / "again" / "summary.html").read_text(encoding="utf-8")
    assert "They wait." in page
    assert "The folder cannot be read." in page


def test_what_cannot_be_leaves_what_was_there(order: Order, tmp_path: Path) -> None:
    registry, out = Registry.load(), tmp_path / "again"
    with pytest.raises(UsageError, match="None of the chosen plugins reads"):
        sum_up(replace(order, rank="highest valence"), registry)
    assert not out.exists()
    sum_up(order, registry)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def stop(share: float) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        sum_up(replace(order, rank="lowest level"), registry, stop)
    with OutFolder(out), pytest.raises(UsageError, match="Another scan writes"):
        sum_up(replace(order, rank="lowest level"), registry)
    (out / MARKER).unlink()
    (out / MARKER).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="cannot be written"):
        sum_up(replace(order, rank="lowest level"), registry)
    assert not (tmp_path / "elsewhere").exists()
    (out / MARKER).unlink()
    (out / MARKER).touch()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
