"""A file is taken once it has stopped growing."""

from __future__ import annotations

import os
from pathlib import Path

from mien.batch.find import Found, find
from mien.batch.settle import Settling


def test_a_growing_file_waits_and_each_state_passes_once(tmp_path: Path) -> None:
    path, now = tmp_path / "a.mp4", 100.0
    settling = Settling(5.0, clock=lambda: now, now=lambda: path.stat().st_mtime + 1.0)

    def look() -> list[str]:
        return [found.path.name for found in settling.ready(find([tmp_path]).files)]

    for size in (1, 2, 3):
        path.write_bytes(b"x" * size)
        assert look() == []
        assert settling.is_waiting()
        now += 6.0
    now -= 2.0
    assert look() == []
    now += 2.0
    assert look() == ["a.mp4"]
    now += 60.0
    assert look() == []
    assert not settling.is_waiting()
    (tmp_path / "a.srt").write_text("subtitles that come later")
    assert look() == []
    now += 6.0
    assert look() == ["a.mp4"]


def test_at_the_first_look_the_date_decides(tmp_path: Path) -> None:
    for name in ("old.mp4", "new.mp4"):
        (tmp_path / name).write_bytes(b"x")
    os.utime(tmp_path / "old.mp4", (1e9, 1e9))
    settling = Settling(5.0)
    found: list[Found] = find([tmp_path]).files
    assert [f.path.name for f in settling.ready(found, by_date=True)] == ["old.mp4"]
