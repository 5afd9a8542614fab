"""What the engine costs beside its models, how fast a talking head is analysed, first piece, start-up, peak memory."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from mien.engine import branch as engine_branch
from mien.engine.backend import Backend, cores
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.registry import Registry, create
from mien.engine.run import analyze_medium
from mien.library.library import Library
from mien.media.ffmpeg import ffmpeg_path
from mien.sdk.blocks import Block

pytestmark = pytest.mark.benchmark

SECONDS = tuple(float(s) for s in os.environ.get("MIEN_BENCH_SECONDS", "48,240").split(","))
"""Lengths of the clips that the engine's overhead is measured on: starting up and loading weigh less on a longer one."""
MINUTES = tuple(float(m) for m in os.environ.get("MIEN_BENCH_MINUTES", "1,12").split(","))
"""Lengths of the media whose peak memory is compared; "10,120" takes an hour or more on two cores."""


def repeated(source: Path, target: Path, seconds: float) -> Path:
    """The clip again and again, `seconds` long."""
    command = [str(ffmpeg_path()), "-v", "error", "-stream_loop", "-1", "-i", str(source), "-t", str(seconds)]
    subprocess.run([*command, "-c", "copy", "-y", str(target)], check=True)
    return target


def command_line(clip: Path, home: Path, *options: str) -> tuple[float, list[tuple[float, dict[str, Any]]], float]:
    """`mien analyze --json` in a fresh home: wall time, its lines with the moment each came, CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "mien.cli", "analyze", str(clip), "--device", "cpu", "--json", *options],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "MIEN_HOME": str(home)},
    )
    with process:
        assert process.stdout is not None
        lines = [(time.perf_counter() - begun, json.loads(line)) for line in process.stdout]
    assert process.returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - begun, lines, cpu


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Block]]:
    """Every block that a member was given, in order."""
    blocks: list[tuple[Any, Block]] = []
    parts = engine_branch.Branch._parts

    def record(self: Any, member: Any, block: Block) -> Any:
        blocks.append((member.node, block))
        return parts(self, member, block)

    monkeypatch.setattr(engine_branch.Branch, "_parts", record)
    return blocks


def bare(blocks: list[tuple[Any, Block]], media: Any) -> dict[str, float]:
    """Seconds that each analyzer needs for its blocks, called alone, loading of weights left out.

    With one thread or with all cores, whichever is faster: small recurrent nets lose by a second thread.
    """
    import torch
    from threadpoolctl import threadpool_limits

    spent: dict[str, float] = {}
    infos = {node.id: node for node, _ in blocks}
    for node_id, node in infos.items():
        for threads in dict.fromkeys((cores(), 1)):
            torch.set_num_threads(threads)
            threadpool_limits(threads, "blas")
            context = RunContext(
                node, Backend("cpu", "float32", "CPU", threads), threading.Event(), models=node.info.models,
                optional_models=node.info.optional_models, threads=threads,
            )  # fmt: skip
            analyzer = create(node.info.factory)
            analyzer.prepare(media, node.params, context)
            if node_id == "speech.transcript":
                time.sleep(5)  # its helpers load their dictionary in processes of their own
            begun = time.perf_counter()
            for owner, block in blocks:
                if owner.id == node_id:
                    for _ in analyzer.process(block):
                        pass
            for _ in analyzer.finish():
                pass
            taken = time.perf_counter() - begun
            spent[node_id] = min(taken, spent.get(node_id, taken))
            analyzer.close()
            if node_id == "speech.transcript":
                break  # torch has no part in it
    return spent


@pytest.mark.parametrize("seconds", SECONDS)
def test_overhead_of_the_engine(
    benchmark: Any, shared: Path, tmp_path: Path, recorded: list[Any], seconds: float
) -> None:
    """Wall time of `mien analyze` over its models called bare on the same inputs plus ffmpeg's decode to null.

    The clip is a talking head with sound, 512×512.
    """
    talk = repeated(shared / "media/real/weekly_address_hill.mp4", tmp_path / "talk.mp4", seconds)
    started: list[Any] = []
    with Library(tmp_path / "warm.db") as library:
        analyze_medium(
            talk, Choice(device="cpu", fusion="late"), Registry.load(), library, started.append, threading.Event()
        )
    models, decode, walls, firsts, cpus = [], [], [], [], []
    for turn in range(3):
        models.append(bare(recorded, started[0].media))
        begun = time.perf_counter()
        subprocess.run([str(ffmpeg_path()), "-v", "error", "-i", str(talk), "-f", "null", "-"], check=True)
        decode.append(time.perf_counter() - begun)
        wall, lines, cpu = command_line(talk, tmp_path / f"home{turn}")
        walls.append(wall)
        cpus.append(cpu)
        firsts.append(next(at for at, line in lines if line["event"] == "piece"))
    benchmark.pedantic(lambda: None, rounds=1)
    sums = [sum(m.values()) + d for m, d in zip(models, decode, strict=True)]
    benchmark.extra_info |= {
        "clip, s": seconds,
        "mien analyze, s": statistics.median(walls),
        "models bare + ffmpeg decode, s": statistics.median(sums),
        "ratio": statistics.median(w / s for w, s in zip(walls, sums, strict=True)),
        "times real time": seconds / statistics.median(walls),
        "first piece after, s": statistics.median(firsts),
        "CPU seconds of mien analyze": statistics.median(cpus),
        **{f"{name} bare, s": statistics.median(m[name] for m in models) for name in models[0]},
    }


def test_peak_memory_on_long_media(benchmark: Any, shared: Path, tmp_path: Path) -> None:
    """Peak of the worker (the largest process) on a long medium over that on one a twelfth as long, all default plugins."""
    program = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from mien.engine.choice import Choice\n"
        "from mien.engine.registry import Registry\n"
        "from mien.engine.run import analyze_medium\n"
        "from mien.library.library import Library\n"
        "with Library(sys.argv[2]) as library:\n"
        "    analyze_medium(Path(sys.argv[1]), Choice(device='cpu'), Registry.load(), library, lambda e: None,\n"
        "        threading.Event())\n"
        "# ru_maxrss would count the parent, whose memory a new process shares until it has begun.\n"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
    )
    peaks, spent = [], []
    for length in MINUTES:
        clip = repeated(shared / "media/real/weekly_address_hill.mp4", tmp_path / f"{length:g}.mp4", 60 * length)
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", program, str(clip), str(tmp_path / f"{length:g}.db")],
            capture_output=True,
            text=True,
            check=True,
        )
        spent.append(time.perf_counter() - begun)
        peaks.append(int(done.stdout.split()[-1]) / 1024)
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info |= {
        **{f"peak on {n:g} min, MiB": p for n, p in zip(MINUTES, peaks, strict=True)},
        "ratio": peaks[1] / peaks[0],
        **{f"{n:g} min, times real time": 60 * n / s for n, s in zip(MINUTES, spent, strict=True)},
    }


@pytest.mark.parametrize("arguments", [["--help"], ["plugins"]], ids=lambda a: " ".join(a))
def test_start_up(benchmark: Any, arguments: list[str], tmp_path: Path) -> None:
    """Wall time of a short command; its CPU time must stay under half a second."""
    environ = {**os.environ, "MIEN_HOME": str(tmp_path)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    rounds = 8

    def call() -> None:
        subprocess.run([sys.executable, "-m", "mien.cli", *arguments], check=True, capture_output=True, env=environ)

    benchmark.pedantic(call, rounds=rounds, warmup_rounds=1)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    benchmark.extra_info["CPU seconds"] = cpu / (rounds + 1)
    assert cpu / (rounds + 1) < 0.5
