"""The window: on screen, a saved two-hour analysis opened, an answer within 100 ms, memory while it plays (`make bench`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QTimer

from mien.library.library import Library
from mien.media.identity import content_id
from mien.media.probe import probe
from mien.tracks import AROUSAL, CONFLICT, EXPRESSION_QUANTITIES, HOSTILITY, VALENCE, Curve, Spans

pytestmark = pytest.mark.benchmark(group="window")

DEMO = Path(str(files("mien_resources") / "demo" / "demo.mp4"))
ON_SCREEN, OPENED, ANSWER, GROWTH = 2.0, 1.0, 0.100, 1.05
HOURS = 2 * 3600.0
START = """
import time; began = time.perf_counter()
from mien_desktop.app import application
app = application()
from mien_desktop.shell.window import MainWindow
window = MainWindow(); window.resize(1600, 1000); window.show()
while not (window.isVisible() and window.windowHandle().isExposed()): app.processEvents()
window.repaint(); app.processEvents()
print(time.perf_counter() - began, flush=True)
window.close()
"""


def test_on_screen(benchmark, tmp_path):
    """From the interpreter's first line to the painted welcome page, in a process of its own each time."""
    environment = {**os.environ, "MIEN_HOME": str(tmp_path / "home"), "MIEN_OFFLINE": "1"}
    taken = []

    def start():
        done = subprocess.run(
            [sys.executable, "-c", START], env=environment, capture_output=True, text=True, check=True
        )
        taken.append(float(done.stdout.split()[0]))

    benchmark.pedantic(start, rounds=5, warmup_rounds=1)
    benchmark.extra_info["on_screen_s"] = float(np.median(taken))
    print(f"on screen after {np.median(taken):.2f} s")
    assert np.median(taken) <= ON_SCREEN


@pytest.fixture
def window(qapp, qtbot, tmp_path):
    """The window over a library of its own."""
    from mien_desktop.shell.window import MainWindow

    made = MainWindow(library=str(tmp_path / "library.db"))
    made.resize(1600, 1000)
    made.show()
    qtbot.waitExposed(made)
    yield made
    made.close()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def two_hours():
    """Tracks such as an analysis of two hours leaves: words, utterances, curves, faces' expressions, the fused score."""
    rng = np.random.default_rng(0)
    words = np.arange(0.0, HOURS, 0.4)
    said = [(float(t), float(t) + 0.35, "speaker", f"word{n % 997}", 0.9) for n, t in enumerate(words)]
    talk = [(float(t), float(t) + 4.0, "offensive", "you never listen to me", float(p))
            for t, p in zip(np.arange(0.0, HOURS, 5.0), rng.uniform(0, 1, int(HOURS / 5)), strict=True)]  # fmt: skip
    each = np.arange(0.5, HOURS, 1.0)
    voice = rng.uniform(-1, 1, (each.size, 2)).astype(np.float32)
    face = np.arange(0.0, HOURS, 0.2)
    shares = rng.dirichlet(np.ones(7), face.size).astype(np.float32)
    grid = np.arange(0.125, HOURS, 0.25)
    return (
        Spans.of("speech.words", said),
        Spans.of("speech.transcript", talk),
        Spans.of("text.offence", talk),
        Curve("emotion.attributes", each, voice, (VALENCE, AROUSAL)),
        Curve("face.expression", face, shares, EXPRESSION_QUANTITIES, np.ones(face.size, np.int64)),
        Curve("conflict.intensity", each, voice[:, :1], (CONFLICT,)),
        Curve("fusion.score", grid, rng.uniform(0, 1, (grid.size, 1)).astype(np.float32), (HOSTILITY,)),
    )


def long_video(path: Path) -> None:
    """Two hours at one small picture a second."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for n in range(int(HOURS)):
            picture = np.full((64, 64, 3), n % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def test_saved_two_hours(benchmark, window, qtbot, tmp_path):
    """From the call to the first picture and the painted lanes."""
    path = tmp_path / "long.mp4"
    long_video(path)
    medium = probe(path)
    with Library(tmp_path / "library.db") as library:
        known = library.add_medium(medium.info(duration=HOURS), content_id(path))
        run = library.begin_run(known, key="key", analyzer="fusion.late", version="1", params={"threshold": 0.7})
        for track in two_hours():
            run.write(track)
        run.complete()
    taken = []

    def close():
        window.close_medium()
        qtbot.wait(50)

    def open_it():
        begun = time.perf_counter()
        window.open(path)
        space = window.workspace
        qtbot.waitUntil(lambda: "fusion.score" in window.document.readings.parts and space.player.frame is not None,
                        timeout=60_000)  # fmt: skip
        window.repaint()
        taken.append(time.perf_counter() - begun)

    benchmark.pedantic(open_it, setup=close, rounds=5, warmup_rounds=1)
    benchmark.extra_info["opened_s"] = float(np.median(taken))
    print(f"two hours open after {np.median(taken):.2f} s")
    assert np.median(taken) <= OPENED


def test_answers_while_it_analyses(benchmark, window, qtbot):
    """How long an event waits for its turn in the window while the worker analyses the demo clip."""
    gaps, last = [], [time.perf_counter()]

    def beat():
        now = time.perf_counter()
        gaps.append(now - last[0] - 0.010)
        last[0] = now

    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(beat)
    qtbot.wait(2000)  # starting up is measured by itself

    def analyse():
        window.open(DEMO)
        timer.start()
        last[0] = time.perf_counter()
        with qtbot.waitSignal(window.document.finished, timeout=300_000):
            window.conductor.analyse()
        qtbot.wait(500)
        timer.stop()

    benchmark.pedantic(analyse, rounds=1)
    worst, high = float(np.max(gaps)), float(np.percentile(gaps, 99))
    benchmark.extra_info |= {"worst_ms": worst * 1e3, "p99_ms": high * 1e3}
    print(f"waits: p99 {high * 1e3:.0f} ms, worst {worst * 1e3:.0f} ms of {len(gaps)}")
    assert worst <= ANSWER


def test_memory_while_playing(benchmark, window, qtbot, tmp_path):
    """Resident memory after five minutes of playing at 4 ×, beside that after one: twenty minutes of the clip in all."""
    path = tmp_path / "demo.mp4"
    shutil.copyfile(DEMO, path)
    window.open(path)
    player = window.workspace.player
    qtbot.waitUntil(lambda: player.frame is not None, timeout=60_000)
    player.set_loop((0.0, player.duration))
    player.set_rate(4.0)

    def play():
        player.play()
        qtbot.wait(60_000)
        early = resident()
        qtbot.wait(240_000)
        player.pause()
        return early, resident()

    early, late = benchmark.pedantic(play, rounds=1)
    benchmark.extra_info |= {"early_mib": early, "late_mib": late, "ratio": late / early}
    print(f"playing: {early:.0f} MiB, then {late:.0f} MiB")
    assert late / early <= GROWTH


def resident() -> float:
    """MiB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    pytest.skip("resident memory is read from /proc")
