"""Many files, many writers, a large library."""

from __future__ import annotations

import os
import runpy
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

pytestmark = pytest.mark.faults
MIB = 1 << 20


def _rss(pid: int) -> int:
    """Resident memory of a process in bytes, 0 once it has ended."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_a_thousand_media_in_one_scan(start: Any, many: Any, tools: Any, tmp_path: Path) -> None:
    count = int(os.environ.get("MIEN_MEDIA", "1000"))
    folder = many(count)
    command = start("scan", folder, *tools.LIGHT, "-j", 1, "--out", tmp_path / "out", patience=7200.0)
    samples: list[tuple[int, int, int]] = []  # files done, memory of the scan, memory of its largest child
    while command.read(1):
        if command.lines[-1]["event"] == "result":
            done = len(command.of("result")) if not samples else samples[-1][0] + 1
            samples.append((done, _rss(command.process.pid), max(map(_rss, command.children()), default=0)))
        if len(command.lines) > 5000:  # what is measured is the scan, not this test
            command.lines = [line for line in command.lines if line["event"] in ("result", "end")]
    code, err = command.end()
    assert code == 1, err  # one is no medium
    assert samples[-1][0] == count
    for what, column in (("scan", 1), ("worker", 2)):
        early = statistics.median(s[column] for s in samples[count // 10 : count // 5])
        late = statistics.median(s[column] for s in samples[-count // 5 : -count // 10])
        print(f"{what}: {early / MIB:.1f} MiB after a tenth, {late / MIB:.1f} MiB at the end of {count} media")
        assert late < 1.15 * early + 8 * MIB
    with (tmp_path / "out" / "summary.csv").open() as file:
        assert sum(1 for _ in file) == count + 1 + 1  # the heading, and a name with a line break


def test_eight_processes_write_one_library(start: Any, many: Any, tools: Any, tmp_path: Path) -> None:
    folder = many(8)
    alone = start("scan", folder, *tools.LIGHT, "-j", 1, "--library", tmp_path / "alone.db", "--out", "alone")
    assert alone.end()[0] == 1
    begun = time.monotonic()
    scans = []
    for number in range(8):
        copy = tmp_path / f"copy {number}"
        shutil.copytree(folder, copy)
        options = ("-j", 1, "--library", tmp_path / "one.db", "--out", f"out {number}")
        scans.append(
            start("scan", copy, *tools.LIGHT, *options, environ={"MIEN_HOME": str(tmp_path / f"home {number}")})
        )
    ended = [scan.end() for scan in scans]
    print(f"8 processes, {8 * 8} files, one library: {time.monotonic() - begun:.1f} s")
    assert [code for code, _ in ended] == [1] * 8, ended
    for scan in scans:
        assert len(scan.of("result")) == 8
        assert sum(line["state"] == "done" for line in scan.of("result")) == 7
    tools.check_file(tmp_path / "one.db")
    assert tools.contents(tmp_path / "one.db") == tools.contents(tmp_path / "alone.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def large(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Callable[[], float]]:
    """Where a large library is to be, and a clock of the processor time that its answers take, in s.

    `MIEN_LARGE` is a file that an earlier trial made, and may be used again.
    """
    if request.param == "sqlite":
        return os.environ.get("MIEN_LARGE") or str(tmp_path / "large.db"), time.process_time
    server = request.getfixturevalue("postgres")
    return server.library(), lambda: time.process_time() + _spent_by_children(server.pid)


def _spent_by_children(parent: int) -> float:
    """Processor time in s of all living children of a process."""
    spent = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended meanwhile
        if int(fields[1]) == parent:
            spent += int(fields[11]) + int(fields[12])
    return spent / os.sysconf("SC_CLK_TCK")


def test_a_large_library_answers_at_once(large: tuple[str, Callable[[], float]], tmp_path: Path) -> None:
    """100,000 runs and 10 million spans, a million utterances of spoken words among them, half of them without spaces."""
    from mien.library import Library
    from mien.library.find import Finder
    from mien.library.overview import overview
    from mien.library.peaks import Peaks
    from mien.library.query import parse
    from mien.library.readings import known_readings

    media = int(os.environ.get("MIEN_RUNS", "100000")) // 10
    program = Path(__file__).with_name("large.py")
    known = runpy.run_path(str(program))
    words, letters = known["WORDS"], known["LETTERS"]
    place, clock = large
    if not Path(place).exists():
        begun = time.monotonic()
        subprocess.run([sys.executable, str(program), place, str(media)], check=True)
        print(f"made in {time.monotonic() - begun:.0f} s")
    with Library(place) as library:
        with library._database.read() as connection:
            counts = sa.text("SELECT (SELECT count(*) FROM run), (SELECT sum(rows) FROM piece)")
            runs, spans = connection.execute(counts).one()
        print(f"{connection.dialect.name}: {runs} runs, {spans} spans")
        took = {}
        first, second, usual, rare = (words[rank] for rank in (1, 2, 500, 15_000))
        for what, asked in (
            ("a rare word", f"{rare} "),
            ("a usual word", usual),
            ("two frequent words", f"{first} {second}"),
            ("a phrase of frequent words", f'"{first} {second}"'),
            ("the most frequent word", first),
            ("the beginning of many words", first[:2]),
            ("nothing", "nothinglikeit"),
            ("the most frequent letter of a script without spaces", letters[0]),
            ("two frequent letters", letters[0] + letters[1]),
            ("two usual letters", letters[40] + letters[60]),
            ("four frequent letters", letters[0] + letters[1] + letters[0] + letters[2]),
            ("two rare letters", letters[1500] + letters[2500]),
        ):
            hits = library.search(asked)
            took[f"search {what} ({len(hits)} shown)"] = _best(lambda asked=asked: library.search(asked), clock)
        begun = clock()
        entries = overview(library)
        print(f"the list of all media: {clock() - begun:.2f} s")
        peaks = Peaks(library, tmp_path / "peaks.db")
        begun = clock()
        peaks.fill(entry.tracks["text.hate"] for entry in entries)
        peaks.fill(entry.tracks["text.offence"] for entry in entries)
        print(f"peaks, once: {clock() - begun:.2f} s")
        readings = known_readings((t.name, t.kind, t.quantities) for t in entries[0].tracks.values())
        finder = Finder(library, peaks)
        for asked in ("hate above 0.95", "hate above 0.95 and offence above 0.95 for 5 s", f"hate above 0.95 {usual}"):
            query = parse(asked, readings)
            begun = clock()
            found = finder.find(query, entries)
            print(f"filter {asked}: {len(found)} media, the first time {1000 * (clock() - begun):.0f} ms")
            took[f"filter {asked}"] = _best(lambda query=query: finder.find(query, entries), clock)
        for asked, seconds in took.items():
            print(f"{asked}: {1000 * seconds:.1f} ms")
        peaks.close()
    assert max(took.values()) < 0.2, took


def _best(call: Any, clock: Callable[[], float], times: int = 5) -> float:
    """The least of several times in s: others use the machine too, and the file is in memory by then."""
    spent = []
    for _ in range(times):
        begun = clock()
        call()
        spent.append(clock() - begun)
    return min(spent)
