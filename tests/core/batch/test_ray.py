"""Scans on a real Ray cluster of two nodes: the same command and the same results as here, whatever dies meanwhile."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs the extra mien[ray]"),
    pytest.mark.skipif(sys.platform != "linux", reason="finds worker processes in /proc"),
]

HERE = Path(__file__).resolve().parent
CHOICE = ("--plugins", "held.peak,tiny.level,tiny.loud", "--fusion", "tiny", "--device", "cpu", "--json", "-e", "json")
FILES = 6
PATIENCE = 300.0


class Scan:
    """`mien scan` that runs: its JSON lines so far, and its end at the latest with the test."""

    def __init__(self, *arguments: object, cwd: Path, environ: dict[str, str]) -> None:
        command = [sys.executable, "-c", "from mien.cli.app import main; main()", "scan", *map(str, arguments)]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        # A group of its own, as a shell makes: Ctrl-C is for all of it.
        self.process = subprocess.Popen(command, cwd=cwd, env=environ, start_new_session=True, **pipes)
        self.lines: list[dict[str, Any]] = []
        self.timer = threading.Timer(PATIENCE, self.process.kill)
        self.timer.daemon = True
        self.timer.start()

    def end(self) -> tuple[int, str]:
        """Exit code and what it said on standard error."""
        out, err = self.process.communicate()
        self.timer.cancel()
        self.lines = [json.loads(line) for line in out.splitlines()]
        assert "Traceback" not in err, err
        return self.process.returncode, err

    def of(self, event: str, name: str = "") -> list[dict[str, Any]]:
        """Its lines of one kind (about one file)."""
        return [x for x in self.lines if x.get("event") == event and x.get("path", "").endswith(name)]


class Place:
    """The cluster, what all scans share, and the marks of plugins that are held in mid-file."""

    def __init__(self, folder: Path, cluster: Any, environ: dict[str, str]) -> None:
        self.folder, self.cluster, self.environ = folder, cluster, environ
        self.marks = Path(environ["HELD"])
        self.second: Any = None
        self.running: list[Scan] = []

    def scan(self, out: str, library: str | Path, *more: object, media: str | Path = "media") -> Scan:
        """Begin a scan on the cluster."""
        here = ("--engine", "ray", "--address", self.cluster.address) if "--engine" not in more else ()
        options = ("--library", library, "--out", self.folder / out)
        scan = Scan(media, *CHOICE, *here, *options, *more, cwd=self.folder, environ=self.environ)
        self.running.append(scan)
        return scan

    def two_nodes(self) -> Any:
        """The second node, which an earlier test may have killed."""
        if self.second is None:
            self.second = self.cluster.add_node(num_cpus=1, num_gpus=0, object_store_memory=80 << 20)
        return self.second

    def hold(self, *names: str) -> None:
        for name in names:
            (self.marks / f"{name}.hold").touch()

    def let_go(self) -> None:
        for mark in self.marks.iterdir():
            mark.unlink()

    def held(self, name: str, but: int = 0) -> int:
        """The process that is held in that file, once there is one (that is not `but`)."""

        def found() -> int:
            numbers = [int(m.suffix[1:]) for m in self.marks.glob(f"{name}.*") if m.suffix != ".hold"]
            return next((n for n in numbers if n != but), 0)

        until(lambda: found() > 0, f"{name} is not being analysed")
        return found()


def until(there: Callable[[], bool], why: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline, why
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def parents(pid: int) -> list[int]:
    found = []
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        found.append(pid)
    return found


def results(out: Path, library: str | Path) -> tuple[Any, ...]:
    """Tables, names of the exports, and every complete reading: medium → key → track → its rows."""
    from mien.library import Library
    from mien.tracks.arrow import to_table

    tables = [(out / name).read_bytes() for name in ("summary.csv", "summary.parquet")]
    exports = sorted(path.relative_to(out).as_posix() for path in out.rglob("*-mien.json"))
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with Library(library) as opened:
        for medium in opened.media():
            runs = [run for run in medium.runs(current=False) if run.status == "complete"]
            assert len({run.key for run in runs}) == len(runs)
            for run in runs:
                tracks = opened.tracks([run])
                found.setdefault(medium.id, {})[run.key] = {n: to_table(tracks[n]).to_pydict() for n in tracks}
    return tables, exports, found


@pytest.fixture(scope="module")
def place(make_clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("ray")
    (folder / "media" / "more").mkdir(parents=True)
    (folder / "held").mkdir()
    for n in range(FILES - 1):
        make_clip(folder / "media" / ("more" if n % 2 else "") / f"m{n}.mp4", 0.5 + 0.5 * n)
    (folder / "media" / "bad.mp4").write_bytes(b"no medium " * 100)
    environ = {
        "PYTHONPATH": os.pathsep.join([str(HERE.parent / "engine"), str(HERE)]),
        "MIEN_PLUGINS": "tiny_plugins,held_plugins",
        "MIEN_HOME": str(folder / "home"),
        "MIEN_OFFLINE": "1",
        "MIEN_ISOLATE": "0",
        "HELD": str(folder / "held"),
        "OMP_NUM_THREADS": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "disabled",
    }
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own
        for name, value in environ.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80 << 20, "include_dashboard": False}
        swift = {"health_check_period_ms": 300, "health_check_timeout_ms": 2000, "health_check_failure_threshold": 4}
        cluster = Cluster(initialize_head=True, head_node_args={**head, "_system_config": swift})
        made = Place(folder, cluster, {**os.environ, **environ})
        try:
            made.two_nodes()
            yield made
        finally:
            for scan in made.running:
                scan.timer.cancel()
                scan.process.kill()
                scan.process.communicate()
            cluster.shutdown()


@pytest.fixture(scope="module")
def expected(place: Place) -> tuple[Any, ...]:
    """What the local engine makes of the media."""
    scan = place.scan("here", place.folder / "here.db", "--engine", "local")
    code, err = scan.end()
    assert code == 1, err  # one is no medium
    return results(place.folder / "here", place.folder / "here.db")


def test_a_worker_killed_in_mid_file_changes_nothing(place: Place, expected: tuple[Any, ...]) -> None:
    place.two_nodes()
    place.hold("m1")
    scan = place.scan("there", place.folder / "there.db")
    worker = place.held("m1")
    os.kill(worker, signal.SIGKILL)
    again = place.held("m1", but=worker)
    place.let_go()
    code, err = scan.end()
    assert code == 1, err
    assert err.count("\n") == 1  # of the one that is no medium
    assert [line["attempt"] for line in scan.of("begin", "m1.mp4")] == [1, 2]
    assert scan.of("planned")[0]["workers"] == ["cpu", "cpu"]
    assert scan.of("end")[0] | {"event": ""} == {
        "event": "", "files": FILES, "done": FILES - 1, "earlier": 0, "left": 0, "failed": 1
    }  # fmt: skip
    assert results(place.folder / "there", place.folder / "there.db") == expected
    until(lambda: not is_alive(again), "a worker outlives the scan")


def test_an_actor_keeps_its_models_from_file_to_file(place: Place) -> None:
    place.two_nodes()
    loads = place.folder / "loads"
    loads.unlink(missing_ok=True)
    # Held, the first of each node, so that both have one.
    place.hold("m0", "m1")
    scan = place.scan("models", place.folder / "models.db", "--set", "held.peak.level=0.5")
    workers = {place.held("m0"), place.held("m1")}
    place.let_go()
    code, err = scan.end()
    assert code == 1, err
    assert len(scan.of("result")) == FILES
    assert len(scan.of("begin")) == FILES - 1 > len(workers) == 2
    assert sorted(loads.read_text().split("\n")) == sorted(["", *(f"{pid} 0.5" for pid in workers)])


def test_stopped_by_ctrl_c_and_gone_on_with_while_a_node_dies(
    place: Place, expected: tuple[Any, ...], request: pytest.FixtureRequest
) -> None:
    node = place.two_nodes()
    try:
        library = request.getfixturevalue("postgres").library()
    except pytest.skip.Exception:
        library = str(place.folder / "shared.db")
    place.hold("m0", "m1")
    scan = place.scan("shared", library)
    workers = [place.held("m0"), place.held("m1")]
    os.killpg(scan.process.pid, signal.SIGINT)
    code, err = scan.end()
    assert code == 130, err
    assert "the same command goes on" in err
    until(lambda: not any(is_alive(pid) for pid in workers), "a worker outlives the scan")

    place.let_go()
    place.hold("m0", "m1")
    scan = place.scan("shared", library)
    workers = [place.held("m0"), place.held("m1")]
    raylet = node.all_processes["raylet"][0].process.pid
    on_it = [raylet in parents(pid) for pid in workers]
    assert sorted(on_it) == [False, True]  # each node has one
    place.cluster.remove_node(node, allow_graceful=False)
    place.second = None
    lost = f"m{on_it.index(True)}"
    # Let go earlier it might be done with its file before it learns that its node is gone.
    until(lambda: not is_alive(workers[on_it.index(True)]), "a worker outlives its node")
    place.let_go()
    code, err = scan.end()
    assert code == 1, err
    assert [line["attempt"] for line in scan.of("begin", f"{lost}.mp4")] == [1, 2]
    assert results(place.folder / "shared", library) == expected
    until(lambda: not any(is_alive(pid) for pid in workers), "a worker outlives the scan")


def test_a_node_that_cannot_see_the_media_says_so(place: Place) -> None:
    # Every process has a current folder of its own, as every computer has disks of its own.
    scan = place.scan("blind", place.folder / "blind.db", media="/proc/self/cwd/media")
    code, err = scan.end()
    assert code == 9, err
    assert "cannot see this file; media must lie in a folder that all nodes share" in err
    assert scan.of("end")[0]["left"] == FILES - 1
