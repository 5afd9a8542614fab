"""`mien plugins check`: the conformance kit, each plugin in a process that it may take with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import typer

from mien.cli import say
from mien.errors import PluginError, shown
from mien.sdk.conformance import Finding, Level, Report

_COLOURS = {Level.PASS: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.ERROR: "red"}


def check_plugins(names: list[str], limit: float, strict: bool, as_json: bool) -> int:
    """Check every plugin that the names mean, and say what was found.

    Args:
        limit: s after which a check is given up.
        strict: whether a WARNING counts as an ERROR does.

    Returns:
        0 when all is well, 8 when there is an ERROR.
    """
    from mien.engine.conformance.find import find

    found = [(plugin, module) for name in names for ids, module in [find(name)] for plugin in ids]
    reports = []
    for plugin, module in found:
        report = check(plugin, module, limit)
        reports.append(report)
        if not as_json:
            _say(report)
    if as_json:
        say.emit_json([r.to_dict() for r in reports])
    worst = max(r.worst for r in reports)
    return PluginError.exit_code if worst >= (Level.WARNING if strict else Level.ERROR) else 0


def check(plugin: str, module: str, limit: float) -> Report:
    """The findings on one plugin."""
    from mien.engine.conformance.find import Found, check_light
    from mien.engine.isolation.environment import python

    source = Found.by_id(plugin, module).source
    findings = [check_light(source)]
    interpreter = python(source.environment) if source.environment else sys.executable
    command = [interpreter, "-m", "mien.engine.conformance", plugin, *([module] if module else [])]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8", errors="replace",
        env=os.environ | {"MIEN_ISOLATE": "0"},  # this process is one that the plugin may take with it
    )  # fmt: skip
    late = threading.Event()

    def give_up() -> None:
        late.set()
        child.kill()

    clock = threading.Timer(limit, give_up)
    clock.start()
    ended = False
    try:
        assert child.stdout is not None
        with child.stdout as told:
            for line in told:
                found = _finding(line)
                ended = found is None
                if found is not None:
                    findings.append(found)
        child.wait()
    finally:
        clock.cancel()
        if child.poll() is None:
            child.kill()
            child.wait()
    if not ended:
        after = findings[-1].check
        why = f"took longer than {limit:g} s" if late.is_set() else f"ended its process with {child.returncode}"
        findings.append(Finding(Level.ERROR, "survival", f"It {why}, in the check that follows {after}."))
    return Report(plugin, tuple(findings))


def _finding(line: str) -> Finding | None:
    """What a line of the child says; None where it is the last. A plugin may have written into the pipe, too."""
    try:
        entry = json.loads(line)
        return None if "end" in entry else Finding.from_dict(entry)
    except (LookupError, RecursionError, TypeError, ValueError):
        return Finding(Level.WARNING, "quiet", f"It writes where only the check should: “{shown(line.strip()[:40])}”.")


def _say(report: Report) -> None:
    first, *lines = str(report).splitlines()
    typer.secho(first, bold=True)
    for line in lines:
        level, _, rest = line.strip().partition(" ")
        typer.echo(f"  {typer.style(f'{level:<7}', fg=_COLOURS[Level[level]])} {rest.lstrip()}")
