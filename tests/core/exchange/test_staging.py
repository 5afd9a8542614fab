"""What an export that was killed has left is cleared by the next one; what another writes at that moment is left alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mien.exchange.staging import clear, noted
from mien.exchange.write import export
from mien.sdk.protocols import Analysis

WRITES = """
import sys
from pathlib import Path
from mien.exchange.staging import noted
places = [Path(place) for place in sys.argv[1:]]
under_way = [noted(place) for place in places]
for place, one in zip(places, under_way):
    one.__enter__()
    if place.suffix:
        place.write_text("half")
    else:
        place.mkdir()
        (place / "a.csv").write_text("half")
print("writing", flush=True)
sys.stdin.read()
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_next_export_clears_what_a_killed_one_left(analysis: Analysis, exporters: dict, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    out.mkdir()
    other.mkdir()
    places = [out / ".part-01234567-a-mien.mp4", out / ".part-89abcdef-a-mien-csv", other / ".part-01234567-b.mp4"]
    command = [sys.executable, "-c", WRITES, *map(str, places)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        export(analysis, ["srt"], out, exporters)
        assert names(out) == [".part-01234567-a-mien.mp4", ".part-89abcdef-a-mien-csv", "clip-mien.srt"]
        process.kill()
        process.wait()
    export(analysis, ["srt"], out, exporters)
    assert names(out) == ["clip-mien.srt"]
    assert names(other) == [".part-01234567-b.mp4"]  # it is cleared when something is written there
    clear(other)
    assert names(other) == []


def test_one_of_this_process_is_left_alone_and_gone_at_its_end(mien_home: Path, tmp_path: Path) -> None:
    staged = tmp_path / ".part-01234567-a-mien.mp4"
    with noted(staged):
        staged.write_text("half")
        clear(tmp_path)
        assert staged.exists()
    assert not staged.exists()
    assert names(mien_home / "cache" / "exports") == []


def test_a_note_that_names_anything_else_removes_nothing(mien_home: Path, tmp_path: Path) -> None:
    notes = mien_home / "cache" / "exports"
    notes.mkdir(parents=True)
    mine = tmp_path / "mine.txt"
    mine.write_text("by hand")
    (notes / "bad").write_bytes(str(mine).encode())
    (notes / "empty").touch()
    (notes / "odd").write_bytes(b"\0\xff")
    (notes / "folder").mkdir()
    clear(tmp_path)
    assert mine.read_text() == "by hand"


def test_where_no_note_can_be_kept_it_is_written_all_the_same(
    analysis: Analysis, exporters: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "file"))
    export(analysis, ["srt"], tmp_path / "out", exporters)
    assert names(tmp_path / "out") == ["clip-mien.srt"]
