"""`mien scan` as its users run it: before, while, stopped and again."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

TINY = ("--plugins", "tiny.level", "--fusion", "none", "--device", "cpu", "--json")
ENGINE = Path(__file__).resolve().parent.parent / "engine"


@pytest.fixture
def folder(tmp_path: Path, make_clip: Any) -> Path:
    (tmp_path / "talks" / "more").mkdir(parents=True)
    for n, name in enumerate(("a.mp4", "more/b.mp4", "more/c.mp4"), 1):
        make_clip(tmp_path / "talks" / name, 0.5 * n)
    return tmp_path / "talks"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """`start("scan", …)` → a running process, which ends with the test at the latest."""
    running: list[subprocess.Popen[str]] = []
    environ = {**os.environ, "PYTHONPATH": str(ENGINE), "MIEN_PLUGINS": "tiny_plugins", "MIEN_ISOLATE": "0"}

    def begin(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from mien.cli.app import main; main()", *map(str, arguments)]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(command, cwd=tmp_path, env=environ, **pipes)
        running.append(process)
        # Whatever happens, a test does not wait for ever.
        timer = threading.Timer(300, process.kill)
        timer.daemon = True
        timer.start()
        return process

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def _of(lines: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


def _until(process: subprocess.Popen[str], event: str, name: str = "") -> list[dict[str, Any]]:
    """Lines up to and with the first of that event (about that file)."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if lines[-1]["event"] == event and lines[-1].get("path", "").endswith(name):
            return lines
    raise AssertionError(f"it ended before {event}: {lines[-3:]} {process.stderr and process.stderr.read()}")


def test_a_dry_run_tells_all_and_changes_nothing(mien: Any, folder: Path, tmp_path: Path, mien_home: Path) -> None:
    (folder / "empty.wav").touch()
    (folder / "a.srt").write_text("1\n00:00:00,000 --> 00:00:00,400\nhello\n")
    before = sorted(tmp_path.rglob("*"))
    done = mien("scan", "talks", *TINY, "--dry-run", "--workers", 2)
    assert done.code == 1
    plans = {Path(line["path"]).name: line for line in _of(done.lines, "plan")}
    assert {name: line["state"] for name, line in plans.items()} == {
        "a.mp4": "todo",
        "b.mp4": "todo",
        "c.mp4": "todo",
        "empty.wav": "failed",
    }
    assert plans["a.mp4"]["side_car"] == "a.srt"
    assert "empty" in plans["empty.wav"]["reason"]
    (planned,) = _of(done.lines, "planned")
    assert (planned["files"], planned["todo"], planned["failed"], planned["dry_run"]) == (4, 3, 1, True)
    assert planned["seconds"] == pytest.approx(3.0, abs=0.5)
    assert planned["workers"] == ["cpu", "cpu"]
    after = [path for path in sorted(tmp_path.rglob("*")) if mien_home not in (path, *path.parents)]
    assert after == [path for path in before if mien_home not in (path, *path.parents)]
    assert not (mien_home / "library.db").exists()


def test_stopped_with_ctrl_c_it_goes_on_where_it_was(
    mien: Any, here: Any, start: Any, folder: Path, tmp_path: Path
) -> None:
    recipe = ("--save-recipe", "choice.json")
    process = start("scan", "talks", *TINY, "-j", 1, "--rank", "highest level", "--export", "json", *recipe)
    _until(process, "begin")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130, err
    assert "the same command goes on" in err
    assert "Traceback" not in out + err
    assert (tmp_path / "talks-mien" / "summary.csv").is_file()
    again = mien("scan", "talks", *TINY, "--rank", "highest level", "--export", "json")
    assert (again.code, again.err) == (0, "")
    results = _of(again.lines, "result")
    assert sorted(Path(line["path"]).name for line in results) == ["a.mp4", "b.mp4", "c.mp4"]
    earlier = {Path(line["path"]).name for line in results if line["earlier"]}
    told = [json.loads(line) for line in out.splitlines()]
    assert {Path(line["path"]).name for line in _of(told, "result")} <= earlier
    assert not {Path(line["path"]).name for line in _of(again.lines, "begin")} & earlier
    (end,) = _of(again.lines, "end")
    assert (end["files"], end["done"], end["left"], end["failed"]) == (3, 3, 0, 0)
    fractions = [line["fraction"] for line in _of(again.lines, "progress")]
    assert fractions == sorted(fractions)
    # As if nobody had stopped it: another library, another journal, another folder.
    options = ("--rank", "highest level", "--library", "other.db", "--out", "other")
    assert mien("scan", "talks", *TINY, *options, MIEN_HOME=str(tmp_path / "home")).code == 0
    for name in ("summary.csv", "summary.parquet"):
        assert (tmp_path / "other" / name).read_bytes() == (tmp_path / "talks-mien" / name).read_bytes()
    assert (tmp_path / "talks-mien" / "more" / "b-mien.json").is_file()
    code, out, err = here("scan", "talks", "--recipe", "choice.json", "--device", "cpu", "--rank", "highest level")
    assert (code, err) == (0, "")
    assert "3 of 3 files analysed, 3 of them before." in out
    assert "highest level" in out


def test_watching_takes_what_comes_and_ends_with_ctrl_c(
    start: Any, folder: Path, make_clip: Any, tmp_path: Path
) -> None:
    process = start("scan", "talks", *TINY, "--watch", "--every", "0.5")
    _until(process, "wrote")
    clip = make_clip(tmp_path / "new.mp4", 1.0).read_bytes()
    with (folder / "new.mp4").open("wb") as file:  # it grows for a while
        for at in range(0, len(clip), len(clip) // 4):
            file.write(clip[at : at + len(clip) // 4])
            file.flush()
    # On a busy machine it may seem to have settled in between; then it is taken again.
    while _until(process, "result", "new.mp4")[-1]["state"] != "done":
        pass
    _until(process, "wrote")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["files"] == 4
    assert "new.mp4" in (tmp_path / "talks-mien" / "summary.csv").read_text()


def test_it_ranks_by_what_was_asked_and_lists_failures_with_their_reasons_at_the_end(
    mien: Any, folder: Path, tmp_path: Path
) -> None:
    (folder / "more" / "bad.mp4").write_bytes(b"no medium " * 100)
    (folder / "empty.wav").touch()
    options = ("--plugins", "tiny.level,tiny.loud", "--fusion", "none", "--device", "cpu")
    done = mien("scan", "talks", *options, "--rank", "verdict: loud")
    assert done.code == 1
    lines = [line.rstrip() for line in done.out.splitlines()]
    at = lines.index("2 failed:")
    assert lines[at - 4].startswith("3 of 5 files analysed")
    assert len(lines) == at + 3
    assert "empty.wav" in lines[at + 1]
    assert "is empty" in lines[at + 1]
    assert "bad.mp4" in lines[at + 2]
    ranking = lines[next(n for n, line in enumerate(lines) if line.split()[:2] == ["verdict:", "loud"]) :]
    out = tmp_path / "talks-mien"
    assert {path.name for path in out.glob("summary.*")} == {"summary.html", "summary.csv", "summary.parquet"}
    with (out / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    # The tone sounds in each file's first second: half of it in the shortest.
    assert [row["rank"] for row in rows] == ["1", "2", "3", "", ""]
    assert [row["file"] for row in rows[2:]] == ["a.mp4", "empty.wav", "more/bad.mp4"]
    values = [float(row["value"]) for row in rows[:3]]
    assert values == sorted(values, reverse=True)
    assert values[1] > values[2] > 0
    assert [line.split()[-1] for line in ranking[1:4]] == [row["file"] for row in rows[:3]]
    assert [row["state"] for row in rows] == ["done"] * 3 + ["failed"] * 2
    assert all(row["reason"] for row in rows[3:])


def test_it_takes_every_option_of_analyze_and_means_the_same(here: Any, folder: Path, tmp_path: Path) -> None:
    from typer.main import get_command

    from mien.cli.app import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    scan = {option.name: option for option in commands["scan"].params}
    for option in commands["analyze"].params:
        theirs = scan[option.name]
        for what in ("opts", "secondary_opts", "default", "multiple", "is_flag", "envvar", "nargs", "min", "max"):
            assert getattr(option, what, None) == getattr(theirs, what, None), (option.name, what)
        assert option.type_descriptor.annotation == theirs.type_descriptor.annotation, option.name

    choice = ("--plugins", "tiny.level,tiny.loud", "--fusion", "tiny", "--set", "tiny.level.window=0.25", "--json")
    choice += ("--device", "cpu", "--precision", "float32", "--threads", "1", "--audio-stream", "1")
    assert here("analyze", "talks/a.mp4", "talks/more/b.mp4", *choice, "--quiet")[0] == 0
    for changed, states in (
        ((), {"a.mp4": "done", "b.mp4": "done", "c.mp4": "todo"}),
        (("--exclude", "more/c.*", "--include", "*.mp4"), {"a.mp4": "done", "b.mp4": "done"}),
        (("--set", "tiny.level.window=0.5"), dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), "todo")),
        (("--fusion", "none", "--plugins", "tiny.level"), {"a.mp4": "done", "b.mp4": "done", "c.mp4": "todo"}),
    ):
        code, out, err = here("scan", "talks", *choice, *changed, "--dry-run")
        assert code == 0, err
        plans = _of([json.loads(line) for line in out.splitlines()], "plan")
        assert {Path(line["path"]).name: line["state"] for line in plans} == states, changed


def test_the_bar_says_how_many_are_done_and_how_long_the_rest_takes(tmp_path: Path) -> None:
    from mien.batch.find import Found
    from mien.batch.scan import Pace, Running
    from mien.batch.survey import Item
    from mien.cli.scan_screens import TextScanScreen

    half, unknown = (
        Item(Found(tmp_path / name, tmp_path, 1, "s"), seconds=s) for name, s in (("a", 40.0), ("b", None))
    )
    running = [Running(half, 0.5, None), Running(unknown, 0.0, None)]
    pace = Pace(4, 1, todo=160.0, covered=20.0, running=running, begun=time.monotonic() - 100.0)
    assert pace.progress == pytest.approx(0.25)
    assert pace.left == pytest.approx(300.0, abs=20.0)  # 40 of 160 s took 100 s
    with TextScanScreen() as screen:
        screen.begun(half)
        screen.moved(pace)
        assert re.fullmatch(r"1 of 4, (5:0\d|4:5\d) left", screen._bars.tasks[0].fields["state"])
        assert [task.completed for task in screen._bars.tasks] == pytest.approx([0.25, 0.5])
    assert Pace(4, todo=160.0).left is None  # nothing to go by yet
    assert (Pace().progress, Pace().left) == (1.0, None)


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["scan", "nowhere"], 3, "no such file or folder"),
        (["scan", "talks", "--rank", "highest levl", "--plugins", "tiny.level"], 2, "did you mean level?"),
        (["scan", "talks", "--device", "cpu,tpu"], 4, "no device 'tpu'"),
        (["scan", "talks", "--plugins", "tiny.level", "--set", "text.threshold=0.4"], 2, "text does not take part"),
        (["scan", "talks", "--include", "*.nothing"], 3, "no medium in the folder"),
        (["scan", "talks", "--engine", "sun"], 2, "no engine 'sun'"),
        (["scan", "talks", "--address", "auto"], 2, "say --engine ray as well"),
        (["scan", "talks", "--engine", "ray", "--address", "nowhere"], 2, "must read HOST:PORT"),
        (["scan", "talks", "--engine", "ray", "--address", "127.0.0.1:9"], 9, "No Ray cluster answers at 127.0.0.1:9"),
        (["scan", "talks", "--engine", "ray", "--device", "cuda:1"], 4, "each actor gets its device from its node"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_every_mistake_is_one_sentence(here: Any, folder: Path, arguments: list[str], code: int, says: str) -> None:
    done, _, err = here(*arguments)
    assert (done, says in err) == (code, True), err
    assert err.startswith("mien: ")
    assert err.count("\n") == 1
