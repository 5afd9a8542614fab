"""The summary's three forms: ranked, complete, and harmless whatever files are called."""

from __future__ import annotations

import csv
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mien.batch.find import Found, Unread
from mien.batch.rank import Rank, Standing
from mien.batch.summary import Asked, Summary, ranked, write_summary
from mien.batch.survey import Item
from mien.errors import StorageError

EVIL = '=cmd|"/c calc"!A1<script>alert(1)</script>\n.mp4'


def _item(root: Path, name: str, value: float | None = None, **fields: object) -> Item:
    item = Item(Found(root / name, root, 1, "s"), state="done", medium="id", seconds=3.0)
    item.standing = None if value is None else Standing(value, 1.0)
    for field, given in fields.items():
        setattr(item, field, given)
    return item


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    root = tmp_path / "media"
    items = [
        _item(root, "low.mp4", 0.1),
        _item(root, EVIL, 0.9, written=(tmp_path / "a b" / "x<y-mien.html",)),
        _item(root, "none.mp4"),
        _item(root, "bad.mp4", state="failed", reason="@SUM(1) it <b>is</b> empty"),
        _item(root, "later.mp4", state="todo"),
        _item(root, "some.mp4", 0.5, failed={"a": "why"}, partial="half"),
    ]
    rank = Rank("highest fused", "highest", reading="fused")
    asked = Asked([root], rank, ["a 1"])
    unread = [Unread(root / "shut", "The folder cannot be read <i>")]
    facts = {"low.mp4": {"n": 1, "x": 2}, "some.mp4": {"x": 0.5, "=evil": 1}}
    return Summary(ranked(items, rank), unread, asked, lambda item: facts.get(item.path.name, {}))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_all_three_forms_say_the_same_and_nothing_in_them_runs(summary: Summary, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    html, table, parquet = write_summary(summary, tmp_path)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["file"] for row in rows]
    assert names == ["'" + EVIL, "some.mp4", "low.mp4", "none.mp4", "bad.mp4", "later.mp4"]
    assert [row["rank"] for row in rows] == ["1", "2", "3", "", "", ""]
    states = ["done", "some failed", "done", "done", "failed", "not analysed"]
    assert [row["state"] for row in rows] == states
    cells = [cell for row in rows for cell in (*row, *row.values())]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert (rows[2]["n"], rows[2]["x"], rows[1]["x"], rows[0]["x"]) == ("1", "2.000000", "0.500000", "")

    stored = pq.read_table(parquet).to_pylist()
    assert [row["file"] for row in stored] == [EVIL, *names[1:]]
    assert (stored[2]["n"], stored[2]["x"], stored[0]["x"], stored[1]["=evil"]) == (1, 2.0, None, 1)

    page = _Tags()
    page.feed(html.read_text(encoding="utf-8"))
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert all(link.startswith(("#", "./")) for link in page.links)
    assert "./a%20b/x%3Cy-mien.html" in page.links
    assert "<script>alert(1)</script>" in page.text
    assert "The folder cannot be read <i>" in page.text
    assert "default-src 'none'" in html.read_text(encoding="utf-8")


def test_it_depends_on_nothing_but_what_was_found(summary: Summary, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in write_summary(summary, tmp_path)]
    assert [path.read_bytes() for path in write_summary(summary, tmp_path)] == first
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".part")]


def test_a_folder_that_may_not_be_written_is_one_sentence(summary: Summary, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        write_summary(summary, tmp_path / "nowhere")
