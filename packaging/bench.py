"""Runs tests/benchmarks and writes docs/benchmarks.md: figures with the machine and the commit (`make bench`)."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "benchmarks.md"


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


def commit() -> str:
    """The commit that was measured, with a mark if files had changed."""
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    dirty = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    return f"{head.stdout.strip() or 'unknown'}{' with local changes' if dirty.stdout.strip() else ''}"


def main() -> int:
    """Measure and write."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        wanted = sys.argv[1:] or ["tests/benchmarks"]
        command = [sys.executable, "-m", "pytest", "-q", "-m", "benchmark", "-s", f"--benchmark-json={report}", *wanted]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        if not report.exists():
            return code or 1
        found = json.loads(report.read_text())["benchmarks"]
    page = render(found)
    if sys.argv[1:]:
        print(page)
    else:
        TARGET.write_text(page, encoding="utf-8")
        print(f"wrote {TARGET.relative_to(ROOT)}")
    return code


def render(found: list[dict[str, Any]]) -> str:
    """The page: a table of times, and what each benchmark measured besides."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; never by hand. Times are medians; the machine may be shared, so compare within one run.",
        "",
        f"- date: {dt.datetime.now(dt.UTC):%Y-%m-%d}",
        f"- commit: {commit()}",
        f"- machine: {machine()}",
        "",
        "| benchmark | median | rounds | measured besides |",
        "|---|---|---|---|",
    ]
    for entry in sorted(found, key=lambda e: (e["group"] or "", e["name"])):
        extra = "; ".join(f"{key}: {_figure(value)}" for key, value in entry.get("extra_info", {}).items())
        stats = entry["stats"]
        lines.append(f"| {entry['name']} | {_time(stats['median'])} | {stats['rounds']} | {extra} |")
    return "\n".join(lines) + "\n"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.2f} ms"


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    raise SystemExit(main())
