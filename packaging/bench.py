"""Runs benchmarks and writes docs/benchmarks.md: figures with date, machine and commit (`make bench`).

`make bench` measures everything; `make bench TESTS=tests/benchmarks/test_face.py` measures some and leaves the other
rows as they are. What was measured is kept in docs/benchmarks.json, the page is made from it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs" / "benchmarks.json"
PAGE = ROOT / "docs" / "benchmarks.md"


def machine() -> str:
    """Processor, cores, memory, versions."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        name = models[0] if models else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else 0
    return f"{name}, {cores} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def measure(tests: list[str]) -> tuple[int, dict[str, Any]]:
    """Run them; pytest's exit code and pytest-benchmark's report."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "benchmark", "-s", f"--benchmark-json={report}", *tests]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        text = report.read_text() if report.exists() else ""
    return code, json.loads(text) if text else {}


def rows(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What is kept of a report: name of a benchmark → its figures, and when, where and at which commit."""
    info = report["commit_info"]
    about = {
        "date": report["datetime"][:10],
        "commit": f"{(info.get('id') or 'unknown')[:7]}{'+' if info.get('dirty') else ''}",
        "machine": machine(),
    }
    return {
        entry["fullname"]: {
            "median_s": entry["stats"]["median"],
            "rounds": entry["stats"]["rounds"],
            "besides": entry.get("extra_info", {}),
            **about,
        }
        for entry in report["benchmarks"]
    }


def render(kept: dict[str, dict[str, Any]]) -> str:
    """The page: a table of times, and what each benchmark measured besides."""
    machines = list(dict.fromkeys(row["machine"] for row in kept.values()))
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench` from [benchmarks.json](benchmarks.json); never by hand. Times are medians; the machines may be "
        "shared, so compare",
        "within one row or one commit. A `+` marks a commit with local changes.",
        "",
        *(f"- machine {number}: {name}" for number, name in enumerate(machines, 1)),
        "",
        "| benchmark | median | rounds | measured besides | date | commit | machine |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in sorted(kept):
        row = kept[name]
        besides = "; ".join(f"{key}: {_figure(value)}" for key, value in row["besides"].items())
        lines.append(
            f"| {name.removeprefix('tests/benchmarks/')} | {_time(row['median_s'])} | {row['rounds']} | {besides} "
            f"| {row['date']} | {row['commit']} | {machines.index(row['machine']) + 1} |"
        )
    return "\n".join(lines) + "\n"


def _time(seconds: float) -> str:
    if seconds < 1e-5:
        return "–"  # the benchmark takes its times itself
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.2f} ms"


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", nargs="*", help="benchmarks to run, as pytest takes them; all by default")
    parser.add_argument("--report", type=Path, help="take this report of pytest-benchmark instead of measuring")
    given = parser.parse_args()
    code, report = (
        (0, json.loads(given.report.read_text())) if given.report else measure(given.tests or ["tests/benchmarks"])
    )
    if not report:
        return code or 1
    everything = not given.tests and not given.report
    kept = {} if everything or not KEPT.exists() else json.loads(KEPT.read_text(encoding="utf-8"))
    kept |= rows(report)
    KEPT.write_text(json.dumps(dict(sorted(kept.items())), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(render(kept), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
