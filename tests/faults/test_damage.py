"""Damaged media: whatever is wrong with a file, it is read as far as it goes, or there is a reason; nothing dies or hangs."""

from __future__ import annotations

import os
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

KINDS = ("truncated", "flipped", "spliced", "cut", "header", "zeroed")
LIMIT = 30  # s without a sign of life


def damage(kind: str, data: bytes, other: bytes, rng: random.Random) -> bytes:
    """A damaged form of a file.

    Args:
        other: another file, which lends a piece or its beginning.
    """
    size = len(data)
    at, length = rng.randrange(size), max(1, int(size * rng.uniform(0.001, 0.3)))
    if kind == "truncated":
        return data[: max(1, int(size * rng.uniform(0.02, 0.98)))]
    if kind == "flipped":
        flipped = bytearray(data)
        for _ in range(round(2 ** rng.uniform(0, 9))):
            flipped[rng.randrange(size)] ^= 1 << rng.randrange(8)
        return bytes(flipped)
    if kind == "spliced":
        begin = rng.randrange(len(other))
        return data[:at] + other[begin : begin + length] + data[at + length :]
    if kind == "cut":
        return data[:at] + data[at + length :]
    if kind == "header":
        count = rng.choice((4, 12, 64, 512))
        return (other[:count] if rng.random() < 0.5 else rng.randbytes(count)) + data[count:]
    return data[:at] + bytes(len(data[at : at + length])) + data[at + length :]


def make(originals: Sequence[Path], folder: Path, count: int, seed: int) -> Counter[str]:
    """Write that many damaged files, the same for the same seed; how many of each kind."""
    rng = random.Random(seed)
    made: Counter[str] = Counter()
    folder.mkdir()
    for number in range(count):
        path, other = originals[number % len(originals)], rng.choice(originals)
        kind = KINDS[(number // len(originals) + number) % len(KINDS)]
        data = damage(kind, path.read_bytes(), other.read_bytes(), rng)
        (folder / f"{number:04d} {kind} {path.stem[:20]}{path.suffix}").write_bytes(data)
        made[kind] += 1
    return made


def check(command: Any, count: int) -> None:
    """Every file has its result, and every one that is not whole a reason in one line."""
    code, err = command.end()
    assert code in (0, 1), err
    results = command.of("result")
    assert len({line["path"] for line in results}) == len(results) == count
    states: Counter[str] = Counter()
    for line in results:
        reason = line["reason"] + "".join(line["failed"].values()) + line["partial"]
        some = "some plugins failed" if line["failed"] else "partial" if line["partial"] else "read"
        states["failed" if line["state"] == "failed" else some] += 1
        assert "worker process died" not in reason, line
        assert "no sign of life" not in reason, line
        assert "ended the process" not in reason, line
        assert "longer than" not in reason, line
        assert "details are in the log" not in reason, line  # nothing that nobody expected
        assert not line["failed"], line  # no damage of a medium is a plugin's fault
        if line["state"] == "failed":
            assert line["reason"].strip(), line
            assert "\n" not in line["reason"], line
    print(dict(states), flush=True)


def test_a_few_damaged_media(start: Any, tools: Any, make_clip: Any, tmp_path: Path) -> None:
    originals = [make_clip(tmp_path / "a.mp4", 1.5), make_clip(tmp_path / "b.mkv", 1.0, size=48)]
    make(originals, tmp_path / "damaged", 12, seed=1)
    command = start("scan", tmp_path / "damaged", *tools.LIGHT, "-j", 1, "--patience", 120, "--out", tmp_path / "out")
    check(command, 12)


@pytest.mark.faults
def test_five_hundred_damaged_media(start: Any, tools: Any, shared: Path, tmp_path: Path) -> None:
    count = int(os.environ.get("MIEN_DAMAGED", "500"))
    media = (path for path in sorted((shared / "media").rglob("*")) if path.suffix not in (".csv", ".rttm"))
    originals = [path for path in media if path.is_file() and 0 < path.stat().st_size < 700_000]
    print(f"{len(originals)} originals", dict(make(originals, tmp_path / "damaged", count, seed=500)))
    command = start(
        "scan",
        tmp_path / "damaged",
        *tools.LIGHT,
        "-j",
        1,
        "--patience",
        LIMIT,
        "--out",
        tmp_path / "out",
        patience=7200,
    )
    memory: list[int] = []
    while command.read(1):
        if command.lines[-1]["event"] == "result":
            memory.append(max((_rss(pid) for pid in command.children()), default=0))
    check(command, count)
    begin = statistics.median(memory[len(memory) // 5 : 2 * len(memory) // 5]) / 2**20
    end = statistics.median(memory[-len(memory) // 5 :]) / 2**20
    print(f"memory of the worker: {begin:.0f} MiB after a fifth, {end:.0f} MiB at the end")
    assert end < 1.3 * begin + 50


def _rss(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
