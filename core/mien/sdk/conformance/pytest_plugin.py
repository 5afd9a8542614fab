"""The conformance kit in pytest: name this module in `pytest_plugins` of a `conftest.py`, and tests get `mien_check`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from mien.sdk.conformance.report import Finding, Level, Report

Check = Callable[..., Report]


@pytest.fixture(scope="session")
def mien_check() -> Check:
    """`mien_check("my_plugin.info")` → Report on all that the module offers; it need not be installed.

    It is `mien plugins check` in a process of its own, with this one's `sys.path`. `limit`: s after which it is given up.
    """

    def check(name: str, limit: float = 300.0) -> Report:
        done = subprocess.run(
            [sys.executable, "-m", "mien.cli", "plugins", "check", name, "--limit", str(limit), "--json"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            check=False,
        )
        try:
            told = json.loads(done.stdout.splitlines()[0])
        except (IndexError, ValueError):
            told = {"error": done.stderr.strip() or "it said nothing"}
        if isinstance(told, dict):
            return Report(name, (Finding(Level.ERROR, "found", str(told["error"])),))
        reports = [Report.from_dict(entry) for entry in told]
        return Report(", ".join(r.plugin for r in reports), tuple(f for r in reports for f in r.findings))

    return check
