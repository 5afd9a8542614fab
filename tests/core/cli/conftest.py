"""Runs `mien` as its users do: a process of its own, in a fresh folder. The engine tests' tiny plugins are listed too."""

from __future__ import annotations

import csv
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TINY = Path(__file__).resolve().parent.parent / "engine"


@dataclass(frozen=True)
class Result:
    """What a command printed and ended with."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def mien(tmp_path: Path) -> Callable[..., Result]:
    """`mien("probe", path)` → Result; never a traceback on the terminal."""

    def call(*arguments: object, **environ: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-c", "from mien.cli.app import main; main()", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=300,
            env={
                **os.environ,
                "PYTHONPATH": str(TINY),
                "MIEN_PLUGINS": "tiny_plugins",
                "MIEN_ISOLATE": "0",
                "COLUMNS": "140",
                **environ,
            },
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        return Result(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Any]]:
    """`here("scan", …)` → exit code, output, errors: the command in this process, where no worker is needed."""
    from mien.cli.app import run

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(TINY))
    monkeypatch.setenv("MIEN_PLUGINS", "tiny_plugins")
    monkeypatch.setenv("MIEN_ISOLATE", "0")  # in the worker itself; how others run is tested in engine/isolation
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield lambda *arguments: (run([str(a) for a in arguments]), *capsys.readouterr())
    logging.captureWarnings(False)
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:], root.level = handlers, level
    sys.modules.pop("tiny_plugins", None)


@pytest.fixture
def clip(tmp_path: Path, make_clip: Any) -> Path:
    return make_clip(tmp_path / "clip.mp4", 3.0)


@pytest.fixture
def corpora(tmp_path: Path) -> Path:
    """A folder of corpora with one: points on a line."""
    folder = tmp_path / "corpora"
    (folder / "points").mkdir(parents=True)
    with (folder / "points" / "points.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(("x", "y", "part"))
        table.writerows((k / 40 - 1, 2 * (k / 40 - 1) + 0.1, "test" if k % 4 == 0 else "train") for k in range(80))
    return folder


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str], int, str], None]:
    """`refused(arguments, code, words)`: the command ends with that code and one sentence that has these words."""

    def check(arguments: list[str], code: int, said: str) -> None:
        from mien.cli.app import run

        assert run(arguments) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert said in err
        assert len(err.splitlines()) == 1

    return check
