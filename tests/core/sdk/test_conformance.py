"""The conformance kit finds what is wrong with plugins that have one fault each, and nothing where there is none."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mien.sdk.conformance import Finding, Level, Report

HERE = Path(__file__).resolve().parent


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from mien.engine.registry import Registry

    monkeypatch.syspath_prepend(str(HERE))
    monkeypatch.setenv("MIEN_PLUGINS", "odd_plugins")
    yield Registry.load()
    sys.modules.pop("odd_plugins", None)


def found(registry: Any, plugin: str) -> dict[str, Level]:
    """Check → its gravest level, run in this process."""
    from mien.engine.conformance.checks import check_running
    from mien.engine.conformance.host import AnalyzerHost, FusionHost

    host = (
        AnalyzerHost(registry.analyzers[plugin], registry)
        if plugin in registry.analyzers
        else FusionHost(registry.fusions[plugin], registry)
    )
    levels: dict[str, Level] = {}
    for finding in check_running(host):
        levels[finding.check] = max(finding.level, levels.get(finding.check, Level.PASS))
    return levels


def errors(levels: dict[str, Level]) -> set[str]:
    return {check for check, level in levels.items() if level is Level.ERROR}


def test_a_sound_plugin_passes(registry: Any) -> None:
    levels = found(registry, "odd.good")
    assert set(levels.values()) == {Level.PASS}
    assert {"silence", "noise", "clipping", "one-frame", "no-face", "no-audio", "very-short", "very-long"} <= set(
        levels
    )
    assert {"nan-in-reads", "determinism", "two-at-once", "cancel", "memory-flat", "parameter-bounds"} <= set(levels)


@pytest.mark.parametrize(
    ("plugin", "wrong"),
    [
        ("odd.outside", {"clipping"}),
        ("odd.random", {"determinism", "two-at-once"}),
        ("odd.edge", {"parameter-bounds"}),
        ("odd.slow", {"cancel"}),
    ],
)
def test_each_fault_is_found_where_it_is(registry: Any, plugin: str, wrong: set[str]) -> None:
    assert errors(found(registry, plugin)) == wrong


@pytest.mark.parametrize(
    ("plugin", "wrong", "says"),
    [
        ("odd.hushed", {"silence"}, "nothing is heard"),
        ("odd.once", {"one-frame"}, "no two pictures"),
        ("odd.lonely", {"no-face"}, "nobody"),
        ("odd.mute", {"no-audio"}, "sound"),
        ("odd.blind", {"no-picture"}, "division by zero"),
        ("odd.brief", {"very-short"}, "no window fits"),
        ("odd.gappy", {"nan-in-reads"}, "values that are not numbers"),
        ("odd.outside", {"clipping"}, "outside the extent it declared"),
    ],
)
def test_each_medium_finds_the_plugin_that_cannot_do_with_it(
    registry: Any, plugin: str, wrong: set[str], says: str
) -> None:
    found = usual_findings(registry, plugin)
    assert {finding.check for finding in found if finding.level > Level.PASS} == wrong
    assert all(says in finding.text for finding in found if finding.check in wrong)


@pytest.mark.parametrize(
    ("plugin", "level", "says"),
    [
        ("odd.backwards", Level.ERROR, "must not go backwards"),
        ("odd.beyond", Level.ERROR, "outside the medium"),
        ("odd.unordered", Level.ERROR, "1 piece begins before the one that was handed on before"),
    ],
)
def test_times_are_in_order_and_inside(registry: Any, plugin: str, level: Level, says: str) -> None:
    (first,) = usual_findings(registry, plugin, 1)
    assert (first.check, first.level) == ("noise", level)
    assert says in first.text


def usual_findings(registry: Any, plugin: str, most: int = 9) -> list[Finding]:
    """What the kit's usual media find; what follows them takes seconds, and is left out."""
    from mien.engine.conformance.checks import check_running
    from mien.engine.conformance.host import AnalyzerHost
    from mien.sdk.conformance.material import usual

    findings = list(itertools.islice(check_running(AnalyzerHost(registry.analyzers[plugin], registry)), most))
    assert [finding.check for finding in findings] == [material.name for material in usual()][:most]
    return findings


@pytest.mark.parametrize("plugin", ["odd.tires", "odd.dazzled"])
def test_a_plugin_that_does_not_come_to_the_end_of_a_long_medium(registry: Any, plugin: str) -> None:
    """Of sound, and of pictures."""
    from mien.engine.conformance.checks import check_long
    from mien.engine.conformance.host import AnalyzerHost

    (finding,) = check_long(AnalyzerHost(registry.analyzers[plugin], registry), 30.0)
    assert (finding.check, finding.level, finding.text) == ("very-long", Level.ERROR, "RuntimeError: no more")


def test_two_instances_that_disturb_each_other_are_found(registry: Any) -> None:
    from mien.engine.conformance.checks import _side_by_side
    from mien.engine.conformance.host import AnalyzerHost
    from mien.sdk.conformance.material import usual

    host = AnalyzerHost(registry.analyzers["odd.jealous"], registry)
    alone = host.run(usual()[0])
    assert alone.error is None
    assert _side_by_side(host, alone) == Finding(
        Level.ERROR, "two-at-once", "Two instances side by side do not read the same."
    )


def test_a_choice_that_needs_what_is_not_there_is_a_note(registry: Any) -> None:
    from mien.engine.conformance.checks import check_ends
    from mien.engine.conformance.host import AnalyzerHost

    assert {(f.level, f.text) for f in check_ends(AnalyzerHost(registry.analyzers["odd.edge"], registry))} == {
        (Level.NOTE, "source=subtitles was not run: The medium has no subtitles."),
        (Level.ERROR, "shift=1: ZeroDivisionError: no room is left"),
    }


def test_a_fusion_whose_weights_do_not_sum_to_one(registry: Any) -> None:
    levels = found(registry, "fusion.everybody")
    assert {"noise", "silence", "one-modality"} <= errors(levels)


def test_memory_that_grows_is_found(registry: Any) -> None:
    from mien.engine.conformance.checks import check_long
    from mien.engine.conformance.host import AnalyzerHost

    levels = {f.check: f.level for f in check_long(AnalyzerHost(registry.analyzers["odd.hoards"], registry), 90.0)}
    assert levels["very-long"] is Level.PASS
    assert levels["memory-flat"] >= Level.WARNING


def test_parameters_without_bounds_are_told(registry: Any) -> None:
    from mien.sdk.conformance.descriptor import check_descriptor

    told = {(f.level, f.text) for f in check_descriptor(registry.analyzers["odd.edge"])}
    assert (Level.WARNING, "loose is a number without two bounds.") in told
    assert (Level.WARNING, "loose has no description.") in told
    assert not any("shift" in text for _, text in told)


def test_bounds_that_are_not_kept_and_unknown_fields_are_errors() -> None:
    from mien.sdk.conformance.descriptor import check_params
    from mien.sdk.params import Params

    class Open(Params, extra="allow", frozen=False):
        """Takes everything."""

    assert [f.level for f in check_params(Open)] == [Level.ERROR, Level.ERROR]


def run_check(*arguments: str) -> tuple[int, list[dict[str, Any]]]:
    done = subprocess.run(
        [sys.executable, "-m", "mien.cli", "plugins", "check", *arguments, "--json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE), "MIEN_PLUGINS": "odd_plugins"},
        check=False,
    )
    return done.returncode, json.loads(done.stdout.splitlines()[0])


def test_a_plugin_that_takes_its_process_along_or_calls_out_is_reported() -> None:
    code, reports = run_check("odd.dies", "odd.calls")
    assert code == 8
    dies, calls = (Report.from_dict(r) for r in reports)
    assert dies.at(Level.ERROR) == (
        Finding(Level.ERROR, "survival", "It ended its process with 3, in the check that follows noise."),
    )
    assert [f.check for f in calls.at(Level.ERROR)] == ["no-network"]
    assert "example.invalid" in calls.at(Level.ERROR)[0].text


def test_a_plugin_that_hangs_is_given_up() -> None:
    code, reports = run_check("odd.slow", "--limit", "3")
    assert code == 8
    assert reports[0]["findings"][-1]["check"] in ("survival",)
    assert "took longer than 3 s" in reports[0]["findings"][-1]["text"]


@pytest.mark.parametrize("plugin", ["csv", "json", "srt", "fusion.majority"])
def test_what_comes_with_mien_passes(registry: Any, plugin: str) -> None:
    """A few light ones."""
    from mien.engine.conformance.exporters import check_exporter

    if plugin in registry.fusions:
        levels = set(found(registry, plugin).values())
    else:
        levels = {finding.level for finding in check_exporter(registry.exporter(plugin))}
    assert levels == {Level.PASS}


def test_a_heavy_module_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mien.engine.conformance.find import check_light
    from mien.engine.registry import Source

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "idle_info.py").write_text("import time\nfrom mien.sdk import hookimpl\n")
    busy = "import time\nend = time.process_time() + 0.2\nwhile time.process_time() < end:\n    pass\n"
    (tmp_path / "busy_info.py").write_text(busy)
    assert check_light(Source("idle", "idle_info")).level is Level.PASS
    found = check_light(Source("busy", "busy_info"))
    assert (found.level, found.check) == (Level.ERROR, "light")


@pytest.mark.parametrize(("library", "level"), [("torch", Level.ERROR), ("scipy", Level.WARNING)])
def test_a_module_that_brings_a_heavy_library_along_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str, level: Level
) -> None:
    """However quickly it is imported."""
    from mien.engine.conformance.find import check_light
    from mien.engine.registry import Source

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / f"{library}.py").write_text("")
    (tmp_path / "heavy_info.py").write_text(f"import {library}\n")
    finding = check_light(Source("heavy", "heavy_info"))
    assert (finding.level, finding.text) == (level, f"heavy_info imports {library}.")


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("import time\ntime.sleep(60)\n", "still being imported after 2 s"),
        ("import sys\nsys.exit(0)\n", "ends its process"),
        ("import atexit\natexit.register(print, 'bye')\n", "or prints"),
        ("raise RuntimeError\n", "cannot be imported by itself"),
    ],
    ids=["waits", "exits", "prints", "raises"],
)
def test_a_module_that_cannot_be_measured_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, says: str
) -> None:
    from mien.engine.conformance import find
    from mien.engine.registry import Source

    if "sleep" in module:
        monkeypatch.setattr(find, "_PATIENCE", 2.0)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "odd_info.py").write_text(module)
    finding = find.check_light(Source("odd", "odd_info"))
    assert (finding.level, finding.check) == (Level.ERROR, "light")
    assert says in finding.text


def test_names_that_are_not_there_are_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    from mien.cli.app import run

    assert run(["plugins", "check", "nothing"]) == 2
    assert run(["plugins", "check", "nothing.like.it"]) == 8
    assert [line.partition(";")[0] for line in capsys.readouterr().err.splitlines()] == [
        "mien: There is no plugin named 'nothing'",
        "mien: nothing.like.it could not be loaded: No module named 'nothing'",
    ]


def test_a_report_reads_gravest_first_and_survives_json() -> None:
    report = Report("a.b", (Finding(Level.PASS, "noise", "Fine."), Finding(Level.ERROR, "cancel", "It hangs.")))
    assert str(report).splitlines() == [
        "a.b: 1 ERROR, 1 PASS",
        "  ERROR    cancel  It hangs.",
        "  PASS     noise   Fine.",
    ]
    assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report
    assert not report.ok
