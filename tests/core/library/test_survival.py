"""Writes survive: a kill at any moment, several processes at once, a full disk."""

from __future__ import annotations

import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from mien.library import Library

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks its writers")

ACTIONS = Path(__file__).with_name("actions.py")


def _start(*arguments: object, **options) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ACTIONS), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def _finish(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, out + errors
    return out


def _check_acknowledged(library: Library, log: Path) -> int:
    """Every acknowledged piece is there with its values; how many there were."""
    rows: dict[str, int] = {}
    complete = set()
    for line in log.read_text().splitlines() if log.exists() else ():
        run, pieces, what = line.split()
        rows[run] = int(pieces)
        if what == "complete":
            complete.add(run)
    for run, pieces in rows.items():
        track = library.tracks([run])["emotion.attributes"]
        # One more may have been written and not yet told.
        assert len(track) in (3 * pieces, 3 * pieces + 3)
        assert track.times.tolist() == track.values[:, 0].tolist() == list(range(len(track)))
        record = library.run(run)
        if run in complete:
            assert record.status == "complete"
        else:
            assert record.status in ("interrupted", "complete")
    return sum(rows.values())


def test_a_kill_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    rng = random.Random(20)
    acknowledged = 0
    # Writers to one library, then some that are still making theirs.
    trials = [("shared", "writing", rng.uniform(0.0, 0.15)) for _ in range(10)]
    trials += [(f"new{i}", "opening", rng.uniform(0.0, 0.6)) for i in range(5)]
    process = _start("kill")
    assert process.stdin is not None
    assert process.stdout is not None
    for number, (name, moment, delay) in enumerate(trials):
        place, log = tmp_path / f"{name}.db", tmp_path / f"{number}.log"
        process.stdin.write(json.dumps([str(place), str(log), moment, delay]) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "killed\n", process.stderr and process.stderr.read()
        with Library(place) as library:
            assert library.verify() == []
            acknowledged += _check_acknowledged(library, log)
            assert all(run.status != "running" for m in library.media() for run in m.runs(current=False))
        raw = sqlite3.connect(place)
        raw.execute("INSERT INTO utterance_text(utterance_text) VALUES ('integrity-check')")
        raw.close()
    _finish(process)
    assert acknowledged > 10
    # What was there before a later kill is still there after it.
    with Library(tmp_path / "shared.db") as library:
        for number in range(10):
            _check_acknowledged(library, tmp_path / f"{number}.log")


def test_four_writers_and_a_reader(tmp_path: Path) -> None:
    place = tmp_path / "library.db"
    process = _start("crowd", place, 4, 16)
    seen = 0
    with Library(place) as library:
        while process.poll() is None:
            time.sleep(0.05)
            for medium in library.media():
                for run in medium.runs(current=False):
                    for piece in library.pieces(run, "emotion.attributes"):
                        times = piece.track.times.tolist()
                        assert times == list(range(int(times[0]), int(times[0]) + len(times)))
                        seen += 1
        assert _finish(process) == ""
        assert {m.id for m in library.media()} == {"0", "1"}
        runs = [run for m in library.media() for run in m.runs()]
        assert len(runs) == 4
        for run in runs:
            assert len(library.tracks(run)["emotion.attributes"]) == 48
        assert len(library.search("word7")) == 2  # of two transcripts of one medium the last is current
        assert library.verify() == []
    assert seen > 0


def _check_full(output: str, place: Path) -> None:
    done, kind, message = output.split(" ", 2)
    assert kind == "LibraryUnwritable"
    assert "what was in it is kept" in message
    assert str(place) in message
    assert message.count("\n") == 1
    with Library(place) as library:
        assert library.verify() == []
        (run,) = library.medium("h").runs(current=False)
        assert run.status == "interrupted"
        track = library.tracks(run)["e"]
        assert len(track) == 2000 * int(done)
        assert int(done) > 0


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on file size")
def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    place = tmp_path / "library.db"
    _check_full(_finish(_start("fill", place, 2_000_000)), place)


def test_a_full_disk(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can be mounted only by root, and not in every container")
    try:
        place = folder / "library.db"
        output = _finish(_start("fill", place, 0))
        assert "The disk is full" in output
        # Space for the checkpoint on opening; the log of what was written is still there.
        subprocess.run(["mount", "-o", "remount,size=8m", str(folder)], check=True)
        _check_full(output, place)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_folder_that_may_not_be_written(probed) -> None:
    # Not below pytest's folder, which lets nobody else through.
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "locked" / "library.db"
        with Library(place) as library:
            library.add_medium(probed(Path("clip.mp4")), "h")
        before = place.read_bytes()
        Path(folder).chmod(0o755)
        place.chmod(0o444)
        place.parent.chmod(0o555)
        # Root may write anything, so it steps down.
        output = _finish(_start("as_nobody" if os.geteuid() == 0 else "as_self", place))
        place.parent.chmod(0o755)
        kind, message = output.split(" ", 1)
        assert kind == "LibraryUnwritable", output
        assert "MIEN_HOME or --library" in message
        assert place.read_bytes() == before
