"""Scans killed at random moments and run again: no file lost or done twice, and the results of an undisturbed scan."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds worker processes in /proc")


def test_some_kills(start: Any, many: Any, tools: Any, tmp_path: Path) -> None:
    _Trial(start, tools, many(8), tmp_path).run(kills=2, seed=6)


@pytest.mark.faults
def test_two_hundred_kills(start: Any, many: Any, tools: Any, tmp_path: Path) -> None:
    _Trial(start, tools, many(40), tmp_path).run(
        kills=int(os.environ.get("MIEN_KILLS", "200")), seed=int(os.environ.get("MIEN_SEED", "200"))
    )


class _Trial:
    """One folder, scanned undisturbed and disturbed.

    Args:
        start, tools: the fixtures.
        folder: of media, one of which is none.
        place: where all that is written goes.
    """

    def __init__(self, start: Any, tools: Any, folder: Path, place: Path) -> None:
        self._start, self._tools, self._folder, self._place = start, tools, folder, place
        self._files = sum(path.is_file() for path in folder.rglob("*"))

    def run(self, kills: int, seed: int) -> None:
        """Kill that many scans, in rounds: each begins with an empty library and goes on until all is done."""
        rng = random.Random(seed)
        self._last(self._place / "undisturbed")
        expected = self._results(self._place / "undisturbed")
        done = rounds = 0
        while done < kills:
            place = self._place / f"round {rounds}"
            rounds += 1
            ended = False
            while not ended and done < kills:
                ended = not self._kill(self._scan(place), rng)
                done += not ended
                if (place / "library.db").exists():
                    self._tools.check_file(place / "library.db")
                print(f"{done} kills in {rounds} rounds", flush=True)
            self._last(place)
            self._tools.check_file(place / "library.db")
            assert self._results(place) == expected

    def _scan(self, place: Path) -> Any:
        home = {"MIEN_HOME": str(place)}  # its journal too is its own
        options = (*self._tools.LIGHT, "-j", 1, "--out", place / "out", "-e", "json")
        return self._start("scan", self._folder, *options, environ=home)

    def _last(self, place: Path) -> None:
        """A scan that nobody disturbs: it tells of each file once."""
        command = self._scan(place)
        code, err = command.end()
        assert code == 1, err  # one is no medium
        results = [line["path"] for line in command.of("result")]
        assert len(results) == len(set(results)) == self._files

    def _kill(self, command: Any, rng: random.Random) -> bool:
        """Kill the scan, or all of its processes, or only a worker (which it must survive); False if it had ended before."""
        if command.read(rng.randint(0, 4 * self._files)) == 0 and rng.random() < 0.5:
            time.sleep(rng.uniform(0.0, 1.0))  # before it has said anything
        time.sleep(rng.uniform(0.0, 0.1))
        if command.process.poll() is not None:
            code, err = command.end()
            assert code == 1, err
            return False
        what = rng.random()
        children = command.children()
        if what < 0.15 and children:
            with contextlib.suppress(ProcessLookupError):  # it was ending by itself
                os.kill(rng.choice(children), signal.SIGKILL)
            code, err = command.end()
            assert code == 1, err
            return True
        if what < 0.5:
            os.killpg(command.process.pid, signal.SIGKILL)
        else:
            command.process.kill()
        command.read()
        command.close()
        return True

    def _results(self, place: Path) -> tuple[Any, ...]:
        tables = [(place / "out" / name).read_bytes() for name in ("summary.csv", "summary.parquet")]
        exports = sorted(path.relative_to(place / "out").as_posix() for path in (place / "out").rglob("*-mien.json"))
        return tables, exports, self._tools.contents(place / "library.db")
