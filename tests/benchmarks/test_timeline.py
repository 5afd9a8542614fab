"""The timeline beside plain pyqtgraph: 20 lanes of 1,000,000 points at 1600 × 1000, drawn in software (`make bench`)."""

from __future__ import annotations

import os
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest

from mien.tracks import EXPRESSION_QUANTITIES, VALENCE, Curve, Quantity, Spans

pytestmark = pytest.mark.benchmark(group="timeline")

LANES, POINTS, WIDTH, HEIGHT = 20, 1_000_000, 1600, 1000
DURATION = 7200.0
FRAMES = 60
REDRAW_P95, PLAYHEAD_P95, AT_LEAST = 25e-3, 5e-3, 5.0
PLAIN = 104e-3
"""s, median of plain pyqtgraph on the machine that the target was set on; what ours would take there is told besides."""


@pytest.fixture(scope="module")
def recordings():
    """Times (T,) that are not quite even, and LANES series (T,): slow movement under noise."""
    rng = np.random.default_rng(0)
    steps = rng.uniform(0.5, 1.5, POINTS)
    times = np.cumsum(steps) * (DURATION / steps.sum())
    series = []
    for _ in range(LANES):
        slow = np.interp(times, np.linspace(0, DURATION, 2000), rng.uniform(-0.8, 0.8, 2000))
        series.append((slow + rng.uniform(-0.2, 0.2, POINTS)).astype(np.float32))
    return times, series


def looks():
    """What is looked at, frame by frame: every frame shows other columns, by panning or by zooming."""
    start, length = 0.0, DURATION
    for frame in range(FRAMES):
        if frame % 3 == 2:
            length = DURATION if length < 30 else length * 0.61
        start = (start + 0.37 * length) % max(1e-3, DURATION - length)
        yield start, start + length


def percentiles(times):
    return {"p50_ms": float(np.percentile(times, 50)) * 1e3, "p95_ms": float(np.percentile(times, 95)) * 1e3}


def frames(redraw):
    """s for each look."""
    taken = []
    for start, end in looks():
        begin = time.perf_counter()
        redraw(start, end)
        taken.append(time.perf_counter() - begin)
    return np.array(taken)


@pytest.fixture
def view(qapp, qtbot, recordings):
    """The timeline with a lane for each series."""
    from mien_desktop.timeline.lanes import CurvesLane
    from mien_desktop.timeline.view import TimelineView

    times, series = recordings
    view = TimelineView()
    qtbot.addWidget(view)
    view.resize(WIDTH, HEIGHT)
    for number, values in enumerate(series):
        lane = view.add_lane(CurvesLane(f"lane{number}", f"Lane {number}", height=(HEIGHT - 28) // LANES))
        lane.set_track(Curve(f"lane{number}", times, values[:, None], (Quantity(f"q{number}", "", -1.0, 1.0),)))
    view.set_duration(DURATION)
    view.show()
    qtbot.waitExposed(view)
    return view


def plain_pyqtgraph(qapp, qtbot, times, series):
    """s for each look of twenty plots under each other with pyqtgraph's own peak downsampling and clipping."""
    import pyqtgraph as pg

    widget = pg.GraphicsLayoutWidget()
    qtbot.addWidget(widget)
    widget.resize(WIDTH, HEIGHT)
    plots = []
    for number, values in enumerate(series):
        plot = widget.addPlot(row=number, col=0)
        plot.setDownsampling(auto=True, mode="peak")
        plot.setClipToView(True)
        plot.setYRange(-1, 1)
        plot.plot(times, values)
        if plots:
            plot.setXLink(plots[0])
        plots.append(plot)
    widget.show()
    qtbot.waitExposed(widget)

    def redraw(start, end):
        plots[0].setXRange(start, end, padding=0)
        qapp.processEvents()
        widget.viewport().repaint()

    redraw(0, DURATION)
    taken = frames(redraw)
    widget.close()
    return taken


def test_redraw_beside_pyqtgraph(benchmark, qapp, qtbot, view, recordings):
    def redraw(start, end):
        view.set_range(start, end)
        view.repaint()
        qapp.processEvents()

    redraw(0, DURATION)
    ours = frames(redraw)
    theirs = plain_pyqtgraph(qapp, qtbot, *recordings)
    again = frames(redraw)  # before and after the other, should the machine have become busier
    ours = np.concatenate([ours, again])
    looked = iter(list(looks()) * 2)
    benchmark.pedantic(redraw, setup=lambda: (next(looked), {}), rounds=FRAMES)
    ratio = float(np.median(theirs) / np.median(ours))
    slower = max(1.0, float(np.median(theirs)) / PLAIN)
    told = percentiles(ours / slower)["p95_ms"]
    benchmark.extra_info |= {
        "lanes": LANES,
        "points each": POINTS,
        **percentiles(ours),
        "pyqtgraph_p50_ms": percentiles(theirs)["p50_ms"],
        "pyqtgraph_p95_ms": percentiles(theirs)["p95_ms"],
        "ratio": ratio,
        "p95_ms where pyqtgraph takes 104 ms": told,
    }
    print(
        f"redraw {percentiles(ours)}, pyqtgraph {percentiles(theirs)}, {ratio:.1f} times faster; scaled {told:.1f} ms"
    )
    assert np.percentile(ours, 95) <= REDRAW_P95
    assert ratio >= AT_LEAST


def test_playhead_only(benchmark, qapp, view):
    moments = iter(np.arange(10.0, 1000.0, 0.04))
    view.set_playing(True)
    qapp.processEvents()

    def frame():
        view.set_playhead(float(next(moments)))
        qapp.processEvents()

    benchmark.pedantic(frame, rounds=300, warmup_rounds=5)
    taken = benchmark.stats.stats.data
    benchmark.extra_info |= {"lanes": LANES, "points each": POINTS, **percentiles(taken)}
    print(f"playhead {percentiles(taken)}")
    assert np.percentile(taken, 95) <= PLAYHEAD_P95


def test_pointer(benchmark, qapp, view):
    """The values at the pointer, as it moves over the lanes."""
    from PySide6.QtCore import QPointF

    places = iter((300 + 3 * n % 1200, 60 + 7 * n % 900) for n in range(10_000))

    def frame():
        view.hover(QPointF(*next(places)), None)
        qapp.processEvents()

    benchmark.pedantic(frame, rounds=200, warmup_rounds=5)
    benchmark.extra_info |= percentiles(benchmark.stats.stats.data)
    assert np.percentile(benchmark.stats.stats.data, 95) <= 2 * PLAYHEAD_P95


def test_lanes_of_every_kind(benchmark, qapp, qtbot, recordings):
    """Twelve lanes as they are in the application, two hours long: full redraw on each look."""
    from mien_desktop.timeline import lanes
    from mien_desktop.timeline.spectrum import BANDS, HOP, RATE
    from mien_desktop.timeline.view import TimelineView

    times, series = recordings
    rng = np.random.default_rng(1)
    view = TimelineView()
    qtbot.addWidget(view)
    view.resize(WIDTH, HEIGHT)
    wave = view.add_lane(lanes.WaveformLane())
    wave.begin(0.0, 1000.0)
    peaks = rng.integers(0, 20000, int(DURATION * 1000)).astype(np.int16)
    wave.append(-peaks, peaks)
    spectrogram = view.add_lane(lanes.SpectrogramLane())
    spectrogram.begin(0.0, HOP / RATE)
    spectrogram.append(rng.integers(0, 255, (int(DURATION * RATE / HOP), BANDS)).astype(np.uint8))
    begins = np.arange(0, DURATION, 0.35)
    count = begins.size
    spans = Spans(
        "text.offence",
        begins,
        begins + 0.3,
        ("word",) * count,
        ("hello",) * count,
        rng.random(count),
        ("A", "B") * (count // 2),
    )
    view.add_lane(lanes.WordsLane("words", "Transcript")).set_track(spans)
    view.lane("words").set_scores(spans)
    view.add_lane(lanes.SpeakersLane("speakers", "Speakers")).set_track(spans)
    view.add_lane(lanes.ScoresLane("scores", "Offence", {"text.offence": "offence"})).set_track(spans)
    view.add_lane(lanes.EventsLane("events", "Events")).set_track(spans.take(slice(None, None, 40)))
    vad = np.stack(series[:3], 1)
    view.add_lane(lanes.CurvesLane("vad", "Val · Aro · Dom")).set_track(Curve("vad", times, vad, (VALENCE,) * 3))
    many = np.abs(np.stack(series[:7], 1))
    view.add_lane(lanes.StripsLane("faces", "Expressions")).set_track(Curve("f", times, many, EXPRESSION_QUANTITIES))
    one = Curve("c", times, series[7][:, None], (Quantity("conflict", "", -1.0, 1.0),))
    view.add_lane(lanes.FilledLane("conflict", "Conflict")).set_track(one)
    fused = view.add_lane(lanes.FusedLane("fused", "Fused"))
    fused.set_track(one)
    fused.set_comparison(Curve("c", times, series[8][:, None], one.quantities))
    view.add_lane(lanes.StripsLane("weights", "Weights")).set_track(
        Curve("w", times, many[:, :4], EXPRESSION_QUANTITIES[:4])
    )
    view.set_duration(DURATION)
    view.show()
    qtbot.waitExposed(view)

    def redraw(start, end):
        view.set_range(start, end)
        view.repaint()
        qapp.processEvents()

    redraw(0, DURATION)
    taken = frames(redraw)
    looked = iter(list(looks()) * 2)
    benchmark.pedantic(redraw, setup=lambda: (next(looked), {}), rounds=FRAMES)
    benchmark.extra_info |= {"lanes": len(view.lanes), **percentiles(taken)}
    print(f"every kind {percentiles(taken)}")
    assert np.percentile(taken, 95) <= 2 * REDRAW_P95
