"""What works in the worker works the same in a process of its own: readings, explanations, export; and it ends with its host."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.engine.choice import Choice
from mien.engine.events import Done, MediumFailed, Started
from mien.engine.explain import explain
from mien.engine.registry import Registry
from mien.engine.run import analyze_medium
from mien.errors import PluginError, UsageError, WorkerError
from mien.exchange.write import export
from mien.library.library import Library
from mien.sdk import Analysis, MediaInfo
from mien.tracks import Curve, Quantity

NAMES = ("level", "loud", "heard", "brightness", "cropmean")


def readings(place: Path, clip: Path) -> dict[str, Any]:
    """What the tiny plugins read, every kind of input among them."""
    choice = Choice(analyzers=tuple(f"tiny.{n}" for n in NAMES), fusion="tiny", device="cpu", threads=1)
    with Library(place) as library:
        done = analyze_medium(clip, choice, Registry.load(), library, lambda event: None, threading.Event())
        assert done.failed == {}
        return dict(library.tracks(done.medium))


def test_readings_are_those_that_it_gives_in_the_worker(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = readings(tmp_path / "apart.db", clip)
    monkeypatch.setenv("MIEN_ISOLATE", "0")
    inside = readings(tmp_path / "inside.db", clip)
    assert set(apart) == set(inside)
    assert {"tiny.level", "tiny.loud", "tiny.heard", "tiny.boxes", "tiny.crops", "fusion.score"} <= set(apart)
    for name, track in inside.items():
        assert len(track)
        for column in track._columns():
            mine, its = getattr(track, column), getattr(apart[name], column)
            same = np.array_equal(mine, its, equal_nan=True) if isinstance(mine, np.ndarray) else mine == its
            assert same, (name, column)


def test_one_process_serves_all_media(bench: Any, short: Path) -> None:
    where = []
    for _ in range(2):
        choice = bench.choice("good")
        assert isinstance(list(bench.worker.analyze(short, choice))[-1], Done)
        where.append(bench.tracks(short, choice)["bad.where"].values[0, 0])
    assert where[0] == where[1]


def test_explanations_are_those_that_it_gives_in_the_worker(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for isolate in ("1", "0"):
        monkeypatch.setenv("MIEN_ISOLATE", isolate)
        choice, registry = Choice(fusion="", device="cpu", threads=1), Registry.load()
        told: list[float] = []
        face = explain(clip, "tiny.cropmean", 3.0, choice, registry, progress=told.append)
        found.append((explain(clip, "tiny.level", 3.0, choice, registry), face))
        assert told == [0.5]
    (sound, face), (sound_inside, face_inside) = found
    assert sound.parts.start.tolist() == sound_inside.parts.start.tolist()
    assert np.array_equal(face.heat, face_inside.heat)
    assert np.array_equal(face.crop, face_inside.crop)


def test_what_cannot_explain_still_says_so(clip: Path) -> None:
    with pytest.raises(UsageError, match="cannot explain its readings"):
        explain(clip, "tiny.loud", 3.0, Choice(fusion="", device="cpu"), Registry.load())


def test_files_are_written_by_the_plugins_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    track = Curve("a.level", [0.0, 1.0], [[1.0], [2.0]], (Quantity("level"),))
    analysis = Analysis(MediaInfo(tmp_path / "clip.mp4", 2.0), {"a.level": track}, "A title")
    exporters = Registry.load().exporters
    [written] = export(analysis, ["good-text"], Path("out"), exporters)
    pid, *lines = written.read_text().splitlines()
    assert int(pid) != os.getpid()
    assert lines == ["A title", "a.level 2"]
    with pytest.raises(PluginError, match=r"bad-text ended its own process \(exit code 5\) while writing"):
        export(analysis, ["bad-text"], Path("out"), exporters)
    assert [path.name for path in Path("out").iterdir()] == [written.name]


def waiting(bench: Any, name: str) -> int:
    """The process that noted its deed, once it has."""
    file = bench.deeds / name
    late = time.monotonic() + 30
    while not file.exists() or len(file.read_text().split()) < 2:
        assert time.monotonic() < late
        time.sleep(0.01)
    return int(file.read_text().split()[1])


def gone_soon(pid: int) -> bool:
    late = time.monotonic() + 10
    while time.monotonic() < late:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_a_cancel_ends_a_plugin_that_does_not_listen_and_nothing_else(bench: Any, short: Path) -> None:
    bench.worker.start()
    for _ in range(3):  # a machine that others keep busy may make a single try late
        (bench.deeds / "hangs").unlink(missing_ok=True)
        worker = bench.worker.pid
        events = bench.worker.analyze(short, bench.choice("hangs"))
        assert isinstance(next(events), Started)
        child = waiting(bench, "hangs")
        begun = time.monotonic()
        bench.worker.cancel()
        last = list(events)[-1]
        taken = time.monotonic() - begun
        assert isinstance(last, MediumFailed)
        assert last.exit_code == 130
        assert gone_soon(child)
        if taken < 2 and bench.worker.pid == worker:
            break
    assert taken < 2
    assert bench.worker.pid == worker


def test_it_does_not_outlive_its_host(bench: Any, short: Path) -> None:
    """However it hangs: in native code, where no thread of Python's would get a turn."""
    (bench.deeds / "hangs").unlink(missing_ok=True)
    events = bench.worker.analyze(short, bench.choice("hangs"))
    next(events)
    child = waiting(bench, "hangs")
    os.kill(bench.worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerError, match="SIGKILL"):
        list(events)
    assert gone_soon(child)


def test_what_it_prints_never_reaches_standard_output(short: Path, capfd: Any) -> None:
    from mien.cli.app import run

    assert run(["analyze", str(short), "--plugins", "bad.prints", "--fusion", "", "--device", "cpu", "--json"]) == 0
    out, err = capfd.readouterr()
    assert all(line.startswith("{") for line in out.splitlines())
    assert "printed by python" not in out + err
    assert "written by hand" not in out + err


def test_ours_stay_in_the_worker_and_a_setting_lets_others_in(monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.engine.isolation.choose import Builder

    registry = Registry.load()
    others = {i for i in registry.analyzers if Builder(registry).isolated(registry.analyzers[i])}
    assert others == {i for i in registry.analyzers if i.startswith(("tiny.", "bad."))}
    assert "text" in registry.analyzers
    monkeypatch.setenv("MIEN_ISOLATE", "0")
    assert not any(Builder(registry).isolated(info) for info in registry.analyzers.values())
