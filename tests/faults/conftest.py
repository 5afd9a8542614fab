"""Faults are done to real processes: `mien scan` with the engine tests' tiny plugins, in a session of its own.

Short forms run with all tests; the long ones are marked `faults` and run by `make faults`.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

TINY = Path(__file__).resolve().parent.parent / "core" / "engine"
LIGHT = ("--plugins", "tiny.level,tiny.loud,tiny.brightness", "--fusion", "tiny", "--device", "cpu", "--json")


class Command:
    """A `mien` that runs: its JSON lines, its process, and its end at the latest with the test."""

    def __init__(
        self, *arguments: object, cwd: Path, patience: float = 900.0, before: Sequence[str] = (), **options: Any
    ) -> None:
        program = "from mien.cli.app import main; main()"
        environ = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(TINY), os.environ.get("PYTHONPATH")))),
            "MIEN_PLUGINS": "tiny_plugins",
            "MIEN_ISOLATE": "0",
            **options.pop("environ", {}),
        }
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", program, *map(str, arguments)],
            cwd=cwd,
            env=environ,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )
        self._timer = threading.Timer(patience, self.process.kill)
        self._timer.daemon = True
        self._timer.start()
        self.lines: list[dict[str, Any]] = []

    def read(self, most: int = 1 << 60) -> int:
        """Read that many lines, or all there are; how many there were."""
        assert self.process.stdout is not None
        count = 0
        while count < most and (line := self.process.stdout.readline()):
            if line.endswith("\n"):  # what was killed may not have finished its last one
                self.lines.append(json.loads(line))
            count += 1
        return count

    def end(self) -> tuple[int, str]:
        """Read to the end; exit code and standard error."""
        assert self.process.stderr is not None
        self.read()
        err = self.process.stderr.read()
        code = self.close()
        assert "Traceback" not in err, err
        return code, err

    def close(self) -> int:
        """Wait for its end and forget its pipes; exit code."""
        code = self.process.wait()
        self._timer.cancel()
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return code

    def children(self) -> list[int]:
        """Process ids of what it started."""
        found: list[int] = []
        for listed in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            found += [int(pid) for pid in listed.read_text().split()]
        return found

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event") == event]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """`start("scan", …)` → Command."""
    begun: list[Command] = []

    def begin(*arguments: object, **options: Any) -> Command:
        begun.append(Command(*arguments, **{"cwd": tmp_path, **options}))
        return begun[-1]

    yield begin
    for command in begun:
        if command.process.poll() is None:
            command.process.kill()
            command.process.wait()


@pytest.fixture
def tools() -> SimpleNamespace:
    """`LIGHT` (options), `check_file` and `contents` for tests, which cannot import from here."""
    return SimpleNamespace(LIGHT=LIGHT, check_file=check_file, contents=contents)


@pytest.fixture
def many(make_clip: Any, tmp_path: Path) -> Callable[[int], Path]:
    """`many(n)` → a folder tree with n media, all different but for one copy; one is none, and one is cut off."""

    def make(n: int) -> Path:
        folder = tmp_path / "media"
        for number in range(n - 3):
            place = folder / f"{number % 4}" / f"clip {number}.mp4"
            place.parent.mkdir(parents=True, exist_ok=True)
            make_clip(place, 0.6 + 0.1 * (number % 5), size=32 + 2 * (number // 5), video=number % 3 != 2)
        shutil.copy(folder / "0" / "clip 0.mp4", folder / "copy\nof 0.mp4")
        (folder / "bad.mp4").write_bytes(b"\0" * 1000)
        whole = make_clip(folder / "cut off.mkv", 3.0).read_bytes()
        (folder / "cut off.mkv").write_bytes(whole[: 2 * len(whole) // 3])
        return folder

    return make


def check_file(place: Path) -> None:
    """SQLite's own words on a library: it is whole, and every row belongs to something."""
    raw = sqlite3.connect(place)
    try:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        if raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'utterance_text'").fetchone():
            raw.execute("INSERT INTO utterance_text(utterance_text) VALUES ('integrity-check')")
            raw.rollback()
    finally:
        raw.close()


def contents(place: Path) -> dict[str, dict[str, dict[str, bytes]]]:
    """Every complete reading: medium → key → track → its rows as Arrow bytes."""
    import pyarrow as pa

    from mien.library import Library
    from mien.tracks.arrow import to_table

    found: dict[str, dict[str, dict[str, bytes]]] = {}
    with Library(place) as library:
        for medium in library.media():
            runs = [run for run in medium.runs(current=False) if run.status == "complete"]
            assert len({run.key for run in runs}) == len(runs)
            for run in runs:
                tracks = library.tracks([run])
                for name in tracks:
                    table = to_table(tracks[name]).combine_chunks()
                    sink = pa.BufferOutputStream()
                    with pa.ipc.new_stream(sink, table.schema) as writer:
                        writer.write_table(table)
                    found.setdefault(medium.id, {}).setdefault(run.key, {})[name] = sink.getvalue().to_pybytes()
    return found
