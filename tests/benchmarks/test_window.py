"""The window: on screen, a saved two-hour analysis opened and fused anew, an answer within 100 ms, cancel, scrubbing, memory
while it plays (`make bench`)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QTimer

from mien.library.library import Library
from mien.media.identity import content_id
from mien.media.probe import probe
from mien.tracks import AROUSAL, CONFLICT, DOMINANCE, EXPRESSION_QUANTITIES, HOSTILITY, VALENCE, Curve, Spans

pytestmark = pytest.mark.benchmark(group="window")

DEMO = Path(str(files("mien_resources") / "demo" / "demo.mp4"))
ON_SCREEN, OPENED, ANSWER, GROWTH = 2.0, 1.0, 0.100, 1.05
FUSED, SHOWN, FREE, FOUND = 1.0, 0.100, 2.0, 2.0
FUSIONS = ("fusion.late", "fusion.majority")
HOURS = 2 * 3600.0
REVIEWER = 5_000
"""ms that somebody looks at what was opened before choosing another fusion."""
START = """
import time; began = time.perf_counter()
from mien_desktop.app import application, open_window
app = application()
window = open_window()
window.resize(1600, 1000)
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
    with run_window(tmp_path / "library.db") as made:
        qtbot.waitExposed(made)
        yield made


def two_hours():
    """Tracks such as an analysis of two hours leaves: words, utterances, curves, faces' expressions, the fused score."""
    rng = np.random.default_rng(0)
    words = np.arange(0.0, HOURS, 0.4)
    said = [(float(t), float(t) + 0.35, "speaker", f"word{n % 997}", 0.9) for n, t in enumerate(words)]
    talk = [(float(t), float(t) + 4.0, "offensive", "you never listen to me", float(p))
            for t, p in zip(np.arange(0.0, HOURS, 5.0), rng.beta(0.6, 5.0, int(HOURS / 5)), strict=True)]  # fmt: skip
    each = np.arange(0.5, HOURS, 1.0)
    voice = np.clip(rng.normal(0.0, 0.25, (each.size, 3)), -1.0, 1.0).astype(np.float32)
    face = np.arange(0.0, HOURS, 0.2)
    shares = rng.dirichlet(np.ones(7), face.size).astype(np.float32)
    grid = np.arange(0.125, HOURS, 0.25)
    return (
        Spans.of("speech.words", said),
        Spans.of("speech.transcript", talk),
        Spans.of("text.offence", talk),
        Curve("emotion.attributes", each, voice, (VALENCE, AROUSAL, DOMINANCE)),
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


def stored_two_hours(place: Path, path: Path, choice, registry) -> None:
    """A library in which two hours with sound are analysed: readings as `two_hours`, under the keys of a real plan."""
    from mien.engine.plan import make_plan
    from mien.engine.run import open_medium

    medium, media = open_medium(path, choice)
    known = medium.content_id()
    tracks = {track.name: track for track in two_hours()}
    with Library(place) as library:
        library.add_medium(medium, known)
        for node in make_plan(choice, registry, media, known).nodes:
            if node.skipped:
                continue
            run = library.begin_run(
                known, key=node.key, analyzer=node.id, version=node.info.version,
                params=node.params.model_dump(mode="json"), models=node.models,
            )  # fmt: skip
            for written in node.info.outputs_for(node.params):
                if written.name in tracks:
                    run.write(tracks[written.name])
            run.complete()


def with_sound(path: Path) -> None:
    """Two hours: a small picture a second and 8 kHz of silence, which is 60 MB."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        sound = container.add_stream("pcm_u8", rate=8000, layout="mono")
        quiet = np.full((1, 8000), 128, np.uint8)
        for n in range(int(HOURS)):
            picture = np.full((64, 64, 3), n % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            piece = av.AudioFrame.from_ndarray(quiet, format="u8", layout="mono")
            piece.sample_rate, piece.pts = 8000, n * 8000
            container.mux(sound.encode(piece))
        container.mux(stream.encode())
        container.mux(sound.encode())


@pytest.mark.parametrize("seconds", [20, 7200])
def test_another_fusion(benchmark, window, qtbot, tmp_path, seconds):
    """From choosing another fusion in the tool bar to its lane redrawn, ten times, each with a threshold never used before."""
    conductor, path = window.conductor, DEMO
    if seconds > 20:
        path = tmp_path / "two_hours.mkv"
        with_sound(path)
        stored_two_hours(tmp_path / "library.db", path, conductor.choice, window.registry)
    window.open(path)
    if seconds <= 20:
        with qtbot.waitSignal(window.document.finished, timeout=300_000):
            conductor.analyse()
    qtbot.waitUntil(lambda: "face.expression" in window.document.readings.parts, timeout=60_000)
    qtbot.waitUntil(lambda: conductor.analyst.pid is not None and conductor._job is None, timeout=60_000)
    qtbot.wait(REVIEWER)
    taken = []

    def choose():
        settings = {fusion: {"threshold": 0.4 + 0.01 * len(taken)} for fusion in FUSIONS}
        conductor.choose(replace(conductor.choice, settings=settings))
        taken.append(switched(window, qtbot, FUSIONS[(len(taken) + 1) % 2]))

    benchmark.pedantic(choose, rounds=10)
    benchmark.extra_info |= {"median_s": float(np.median(taken)), "worst_s": max(taken), "medium_s": seconds}
    print(f"another fusion after {np.median(taken):.2f} s, worst {max(taken):.2f} s")
    assert max(taken) <= FUSED


@pytest.mark.parametrize("fusion", ["fusion.majority", "fusion.hierarchical"])
def test_the_first_fusion(benchmark, qapp, qtbot, tmp_path, fusion):
    """The same for the first one that is chosen after a saved analysis was opened, each time in a new window, whose worker has
    done nothing before; by a vote and by a net with weights."""
    kept, taken, memory = tmp_path / "kept.db", [], []
    with run_window(kept) as window:
        window.open(DEMO)
        with qtbot.waitSignal(window.document.finished, timeout=300_000):
            window.conductor.analyse()

    def choose():
        place = tmp_path / f"{len(taken)}.db"
        for file in tmp_path.glob("kept.db*"):
            shutil.copyfile(file, file.with_name(file.name.replace(kept.name, place.name)))
        with run_window(place) as window:
            qtbot.waitExposed(window)
            window.open(DEMO)
            qtbot.waitUntil(lambda: "fusion.score" in window.document.readings.parts, timeout=60_000)
            qtbot.wait(REVIEWER)
            memory.append(resident(window.conductor.analyst.pid))
            taken.append(switched(window, qtbot, fusion))

    benchmark.pedantic(choose, rounds=5)
    benchmark.extra_info |= {
        "median_s": float(np.median(taken)), "worst_s": max(taken), "worker_mib": float(np.median(memory))
    }  # fmt: skip
    print(
        f"the first {fusion} after {np.median(taken):.2f} s, worst {max(taken):.2f} s; "
        f"the worker that waits for it holds {np.median(memory):.0f} MiB"
    )
    assert max(taken) <= FUSED


@contextmanager
def run_window(place):
    """A window over that library, closed in the end."""
    from mien_desktop.app import open_window

    made = open_window(str(place))
    made.resize(1600, 1000)
    try:
        yield made
    finally:
        made.close()
        made.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)


def switched(window, qtbot, fusion) -> float:
    """s from choosing a fusion in the tool bar to its lane redrawn; nothing else was computed."""
    box, before = window.tools.fusion, window.document.readings.get("fusion.score")
    box.setCurrentIndex(box.findData(fusion))
    begun = time.perf_counter()
    box.activated.emit(box.currentIndex())
    qtbot.waitUntil(lambda: window.document.readings.get("fusion.score") is not before, timeout=60_000)
    window.workspace.timeline.repaint()
    taken = time.perf_counter() - begun
    standings = {plugin: standing.state for plugin, standing in window.document.standings.items()}
    assert all(state != "done" for plugin, state in standings.items() if not plugin.startswith("fusion."))
    qtbot.waitUntil(lambda: window.conductor._job is None, timeout=60_000)
    qtbot.wait(200)
    return taken


def test_cancel(benchmark, qapp, qtbot, tmp_path):
    """From the click to the word that it is stopping, and to a window that is free for the next analysis, at moments from the
    start of the worker to past the middle of the analysis; each time in a new window, that nothing is stored yet."""
    shown, free, whole = [], [], []

    def analyse():
        with analysing(tmp_path / "whole.db", qtbot) as window:
            begun = time.perf_counter()
            qtbot.waitUntil(lambda: window.conductor._job is None, timeout=300_000)
            whole.append(time.perf_counter() - begun)

    def cancel(part):
        with analysing(tmp_path / f"{part}.db", qtbot) as window:
            qtbot.wait(round(1000 * part * whole[0]))
            assert window.conductor._job is not None
            begun = time.perf_counter()
            window.tools.analyse.click()
            window.tools.repaint()
            shown.append(time.perf_counter() - begun)
            assert window.tools.analyse.text().startswith("Stopping")
            qtbot.waitUntil(lambda: window.conductor._job is None, timeout=60_000)
            free.append(time.perf_counter() - begun)
            assert window.tools.analyse.isEnabled()

    analyse()
    parts = iter((0.0, 0.1, 0.25, 0.4, 0.6))
    benchmark.pedantic(cancel, setup=lambda: ((next(parts),), {}), rounds=5)
    benchmark.extra_info |= {
        "shown_ms": max(shown) * 1e3, "free_median_s": float(np.median(free)), "free_worst_s": max(free)
    }  # fmt: skip
    print(f"cancel shown after {max(shown) * 1e3:.0f} ms, free after {np.median(free):.2f} s, worst {max(free):.2f} s")
    assert max(shown) <= SHOWN
    assert max(free) <= FREE


@contextmanager
def analysing(place, qtbot):
    """A window over that library in which the demo clip has just begun to be analysed."""
    with run_window(place) as window:
        qtbot.waitExposed(window)
        window.open(DEMO)
        window.conductor.analyse()
        yield window


def test_after_a_scrub(benchmark, window, qtbot, tmp_path):
    """From the last of 40 seeks to the right picture of 1920 x 1080, in ten seconds in which decoding can begin only once."""
    import av

    path = tmp_path / "one_gop.mp4"
    ground = np.random.default_rng(0).integers(0, 255, (27, 48, 3), np.uint8).repeat(40, 0).repeat(40, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=25, options={"preset": "veryfast", "x264-params": "scenecut=0"})
        stream.width, stream.height, stream.pix_fmt = 1920, 1080, "yuv420p"
        stream.codec_context.gop_size = 10_000
        for n in range(250):
            image = np.roll(ground, (2 * n, 5 * n), (0, 1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    window.open(path)
    player = window.workspace.player
    qtbot.waitUntil(lambda: player.frame is not None and player.index.complete, timeout=60_000)
    taken = []
    ends = iter((9.5, 2.5, 8.1, 0.7, 6.3, 9.9))

    def scrub():
        end = next(ends)
        for n in range(40):
            window.workspace.timeline.seek_requested.emit(abs(end - 0.1 * (39 - n)))
            qtbot.wait(16)
        begun = time.perf_counter()
        want = int(player.position * 25 + 1e-6)
        qtbot.waitUntil(lambda: player.index.number(player.frame_time) == want, timeout=60_000)
        taken.append(time.perf_counter() - begun)

    benchmark.pedantic(scrub, rounds=6)
    benchmark.extra_info |= {"median_s": float(np.median(taken)), "worst_s": max(taken)}
    print(f"the right picture {np.median(taken):.2f} s after a scrub, worst {max(taken):.2f} s")
    assert max(taken) <= FOUND


def test_answers_while_it_analyses(benchmark, window, qtbot):
    """How long an event waits for its turn in the window from the moment it stands: a medium is opened at once, and analysed.

    Told apart where the system says so: how long the window's thread worked or waited for others of its own process, and how
    long it was ready and no core was free, which on a machine that is shared is others' doing.
    """
    gaps, own, last = [], [], [time.perf_counter(), queued()]

    def beat():
        now, ready = time.perf_counter(), queued()
        gaps.append(now - last[0] - 0.010)
        own.append(gaps[-1] - (ready - last[1]))
        last[:] = now, ready

    timer = QTimer()
    timer.setInterval(10)
    timer.timeout.connect(beat)

    def analyse():
        timer.start()
        last[:] = time.perf_counter(), queued()
        window.open(DEMO)
        with qtbot.waitSignal(window.document.finished, timeout=300_000):
            window.conductor.analyse()
        qtbot.wait(500)
        timer.stop()

    benchmark.pedantic(analyse, rounds=1)
    worst, high = float(np.max(gaps)), float(np.percentile(gaps, 99))
    alone = float(np.max(own))
    benchmark.extra_info |= {"worst_ms": worst * 1e3, "p99_ms": high * 1e3, "worst_without_the_queue_ms": alone * 1e3}
    print(
        f"waits: p99 {high * 1e3:.0f} ms, worst {worst * 1e3:.0f} ms ({alone * 1e3:.0f} but for cores) of {len(gaps)}"
    )
    assert worst <= ANSWER


def test_memory_while_playing(benchmark, window, qtbot, tmp_path):
    """Resident memory while an hour of a medium is played at 4 × with readings on all lanes: a medium of ten minutes in a
    loop, a quarter of an hour by the clock. Before, it plays until 400 pictures were shown: the player keeps up to 160 MB of
    them, which a crowded machine makes slowly."""
    path = tmp_path / "ten_minutes.mp4"
    length = repeated(path, 600.0)
    with Library(tmp_path / "library.db") as library:
        known = library.add_medium(probe(path).info(duration=length), content_id(path))
        run = library.begin_run(known, key="key", analyzer="fusion.late", version="1", params={"threshold": 0.7})
        for track in two_hours():
            run.write(track)
        run.complete()
    window.open(path)
    player = window.workspace.player
    qtbot.waitUntil(lambda: player.frame is not None and bool(window.document.readings.parts), timeout=60_000)
    player.set_loop((0.0, player.duration))
    player.set_rate(4.0)
    used, frames = [], []
    player.frame_changed.connect(lambda frame: frames.append(frame.time))

    def play():
        player.play()
        qtbot.waitUntil(lambda: len(frames) > 400, timeout=600_000)
        for _ in range(60):
            qtbot.wait(15_000)
            used.append(resident())
        player.pause()

    benchmark.pedantic(play, rounds=1)
    laps = sum(b < a for a, b in pairwise(frames))
    early, late = float(np.median(used[:5])), float(np.median(used[-5:]))
    slope = float(np.polyfit(np.arange(len(used)) / 4, used, 1)[0])
    benchmark.extra_info |= {
        "early_mib": early, "late_mib": late, "ratio": late / early, "growth_mib_a_minute": slope,
        "laps_of_ten_minutes": laps, "pictures": len(frames),
    }  # fmt: skip
    print(
        f"playing: {early:.0f} MiB, then {late:.0f} MiB, {slope:.2f} MiB a minute; {laps} laps, {len(frames)} pictures"
    )
    assert late / early <= GROWTH


def repeated(path: Path, seconds: float) -> float:
    """The demo clip over and over, as long as that, its packets copied; the length in s."""
    import av

    with av.open(str(DEMO)) as source, av.open(str(path), "w") as target:
        given = [source.streams.video[0], source.streams.audio[0]]
        copies = {stream.index: target.add_stream_from_template(stream) for stream in given}
        packets = [packet for packet in source.demux(given) if packet.dts is not None]
        length = max(float((packet.pts + packet.duration) * packet.time_base) for packet in packets)
        for lap in range(int(seconds / length) + 1):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                shift = round(lap * (length + 0.1) / packet.time_base)  # times may begin a little before 0
                copy.pts, copy.dts, copy.duration = packet.pts + shift, packet.dts + shift, packet.duration
                copy.time_base, copy.is_keyframe, copy.stream = (
                    packet.time_base,
                    packet.is_keyframe,
                    copies[packet.stream.index],
                )
                target.mux(copy)
    return probe(path).duration or seconds


def queued() -> float:
    """s that this thread has been ready to run while no core was free; 0 where the system does not say."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) * 1e-9
    except OSError:
        return 0.0


def resident(pid: int | str = "self") -> float:
    """MiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    pytest.skip("resident memory is read from /proc")
