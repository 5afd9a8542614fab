"""Whatever a third party's plugin does, its lane says so within 2 s and every other reading is complete."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from _pytest.mark.structures import ParameterSet

from mien.engine.events import Done, Failed, Finished

SOON = 2.0
"""s from the deed to the reason."""
TRIES = 3
"""A machine that others keep busy may make a single try late."""
CASES: list[ParameterSet] = [
    pytest.param("raises", r"bad.raises failed with KeyError: .*this.*key.*; details are in the log\.", id="raises"),
    pytest.param("raisesours", r"The disk of this plugin is full\.", id="raises what would stop the run"),
    pytest.param("segfaults", r"bad.segfaults crashed \(SIGSEGV\) while reading from 0.0 s", id="segfaults"),
    pytest.param("exits", r"bad.exits ended its own process \(exit code 3\) while reading", id="exits"),
    pytest.param("exitswithchildren", r"ended its own process \(exit code 3\)", id="exits, children hold its pipes"),
    pytest.param("sysexits", r"bad.sysexits failed with SystemExit: no more", id="sys.exit"),
    # Each copy of it holds memory: which limit it meets first depends on how fast the machine lets it fork.
    pytest.param(
        "forks", r"bad.forks (started more than 20 processes, so it was ended\.|held more than 0.4 GB)", id="forks"
    ),
    pytest.param("leaks", r"bad.leaks held more than 0.4 GB of memory while reading", id="leaks"),
    pytest.param("nonsense", r"bad.nonsense returned dict, which is no track\.", id="nonsense"),
    pytest.param("wrongtypes", r"bytes cannot be handed over", id="wrong types"),
    pytest.param("pickles", r"bad.pickles sent what cannot be read \(a message is no JSON\)\.", id="a pickle"),
    pytest.param(
        "forges", r"sent what cannot be read \(an array lies outside the shared memory\)", id="a forged array"
    ),
    pytest.param("shrinks", r"bad.shrinks failed with RuntimeError: it could not", id="shared memory cut short"),
]


def analyse(bench: Any, clip: Path, choice: Any) -> tuple[list[Any], dict[str, float]]:
    """The events, and when each plugin's reason came."""
    events, when = [], {}
    for event in bench.worker.analyze(clip, choice):
        events.append(event)
        if isinstance(event, Failed):
            when[event.plugin] = time.monotonic()
    assert isinstance(events[-1], Done), events[-1]
    return events, when


@pytest.fixture(scope="module")
def alone(bench: Any, short: Path) -> dict[str, Any]:
    """What the good plugin reads when there is no bad one."""
    bench.settings(plugin_processes=20, plugin_memory=400)
    choice = bench.choice("good")
    events, _ = analyse(bench, short, choice)
    assert events[-1].failed == {}
    return bench.tracks(short, choice)


def same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert set(one) == set(other) == {"bad.good", "bad.where", "bad.drawn"}
    assert len(one["bad.good"]) >= 8
    assert np.array_equal(one["bad.good"].times, other["bad.good"].times)
    assert np.array_equal(one["bad.good"].values, other["bad.good"].values)


def gone(pid: int) -> bool:
    """Whether a process and all of its session are gone."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                rest = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if (int(name) == pid or int(rest[3]) == pid) and rest[0] != "Z":
                return False
    return True


@pytest.mark.parametrize(("verb", "reason"), CASES)
def test_the_reason_comes_soon_and_the_other_reading_is_complete(
    bench: Any, short: Path, alone: dict[str, Any], verb: str, reason: str
) -> None:
    pid = bench.worker.pid
    for _ in range(TRIES):
        choice = bench.choice("good", verb)
        events, when = analyse(bench, short, choice)
        [failed] = [e for e in events if isinstance(e, Failed)]
        deed, child = (bench.deeds / verb).read_text().split()
        late = when[f"bad.{verb}"] - float(deed)
        if late < SOON:
            break
    assert late < SOON
    assert failed.plugin == f"bad.{verb}"
    assert re.search(reason, failed.reason), failed.reason
    assert len(failed.reason.splitlines()) == 1
    assert "\x1b" not in failed.reason
    assert bench.worker.pid == pid  # the worker never noticed
    same(bench.tracks(short, choice), alone)
    if verb not in ("raises", "raisesours", "sysexits", "nonsense", "wrongtypes", "shrinks"):
        # Killed processes that held memory take the system a moment to take apart; one that escaped would stay.
        until = time.monotonic() + 5.0
        while not gone(int(child)) and time.monotonic() < until:
            time.sleep(0.05)
        assert gone(int(child))
    assert not (bench.deeds / "pwned").exists()
    assert not (bench.deeds / "shrunk").exists()


def test_a_hang_is_ended_soon_after_its_limit(bench: Any, short: Path, alone: dict[str, Any]) -> None:
    """In native code, where nothing inside the process could end it."""
    bench.settings(plugin_seconds=4)
    try:
        for _ in range(TRIES):
            choice = bench.choice("good", "hangs")
            events, when = analyse(bench, short, choice)
            deed, child = (bench.deeds / "hangs").read_text().split()
            late = when["bad.hangs"] - float(deed) - 4
            if late < SOON:
                break
    finally:
        bench.settings(plugin_processes=20, plugin_memory=400)
    [failed] = [e for e in events if isinstance(e, Failed)]
    assert failed.reason.startswith("bad.hangs gave no sign of life for 4 s while reading from 0.0 s, so it was ended")
    assert -0.5 < late < SOON
    same(bench.tracks(short, choice), alone)
    assert gone(int(child))


def test_what_it_prints_goes_to_the_log_and_is_noted(bench: Any, short: Path, alone: dict[str, Any]) -> None:
    choice = bench.choice("good", "prints")
    events, _ = analyse(bench, short, choice)
    assert events[-1].failed == {}
    [finished] = [e for e in events if isinstance(e, Finished) and e.plugin == "bad.prints"]
    assert finished.notes == ("It printed 3 lines, which went to the log.",)
    log = bench.log.read_text()
    for line in ("printed by python", "complained \\x1b[31m by python", "written by hand"):
        assert f"mien.plugin.bad.prints: printed: {line}\n" in log
    same(bench.tracks(short, choice), alone)


def test_copies_of_itself_do_not_confuse_and_do_not_stay(bench: Any, short: Path, alone: dict[str, Any]) -> None:
    choice = bench.choice("good", "forksandreturns")
    events, _ = analyse(bench, short, choice)
    assert events[-1].failed == {}
    [finished] = [e for e in events if isinstance(e, Finished) and e.plugin == "bad.forksandreturns"]
    # One copy ends by itself, as soon as it is given a turn.
    assert re.fullmatch(r"It still runs (1 process|2 processes) of its own, which ends? with it\.", finished.notes[0])
    assert gone(int((bench.deeds / "astray").read_text()))
    same(bench.tracks(short, choice), alone)


def test_a_fusion_that_dies_leaves_the_readings_alone(bench: Any, short: Path, alone: dict[str, Any]) -> None:
    choice = bench.choice("good", fusion="fusion.bad")
    events, _ = analyse(bench, short, choice)
    assert list(events[-1].failed) == ["fusion.bad"]
    assert events[-1].failed["fusion.bad"].startswith("fusion.bad crashed (SIGABRT) while fusing")
    same(bench.tracks(short, choice), alone)
    choice = bench.choice("good", fusion="fusion.good")
    events, _ = analyse(bench, short, choice)
    assert events[-1].failed == {}
