"""The journal is a cache: whatever happens to its file, nothing but time is lost."""

from __future__ import annotations

import os
from pathlib import Path

from mien.batch.journal import Journal, Past


def test_it_keeps_what_it_is_told_for_just_that_file_and_question(tmp_path: Path) -> None:
    path = Path(os.fsdecode(b"/odd \xff\nname.mp4"))
    past = Past("id", {"a": "k1"}, 3.5, {"b": "no picture"})
    with Journal("library", tmp_path / "j.db") as journal:
        journal.remember(path, "sign", "asked", past)
        journal.keep_facts("key", {"x": 1, "y": 2.5})
        here = tmp_path / "here.csv"
        here.touch()
        journal.keep_written(path, "export", [here])
    with Journal("library", tmp_path / "j.db") as journal:
        assert journal.past(path, "sign", "asked") == past
        assert journal.past(path, "other", "asked") is None
        assert journal.past(path, "sign", "other") is None
        assert journal.facts("key") == {"x": 1, "y": 2.5}
        assert journal.written(path, "export") == [here]
        here.unlink()
        assert journal.written(path, "export") is None


def test_a_damaged_or_foreign_file_is_made_anew(tmp_path: Path) -> None:
    place = tmp_path / "j.db"
    place.write_bytes(b"this is no database at all, and long enough to be one" * 40)
    with Journal("library", place) as journal:
        journal.keep_facts("key", {"x": 1})
        assert journal.facts("key") == {"x": 1}
    (tmp_path / "folder").mkdir()
    with Journal("library", tmp_path / "folder") as journal:  # cannot be made
        journal.keep_facts("key", {"x": 1})
        assert journal.facts("key") is None
