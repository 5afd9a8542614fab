"""What lanes look like, by their pixels."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mien.tracks import HOSTILITY, VALENCE, Curve, Spans
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.timeline.axis import Ticks
from mien_desktop.timeline.colours import heat, oklab, pixel
from mien_desktop.timeline.lanes import CurvesLane, EventsLane, FusedLane, Lane, StripsLane, WaveformLane
from mien_desktop.timeline.pictures import Pictures
from mien_desktop.timeline.raster import Raster
from mien_desktop.timeline.view import TimelineView
from mien_desktop.timeline.window import Window

from .conftest import attributes, colours, score, weights

HEIGHT = 80


def drawn(lane: Lane, start: float = 0.0, end: float = 100.0, width: int = 800, scale: float = 1.0) -> Raster:
    """The lane's picture."""
    raster = Raster(width, round(HEIGHT * scale), DARK.panel, scale)
    lane.draw(raster, Window.over(start, end, width))
    return raster


def inked(raster: Raster) -> np.ndarray:
    """(W,) whether a column has anything that does not go through the whole picture as a level line does."""
    changed = raster.pixels != pixel(DARK.panel)
    return changed[~changed.all(1)].any(0) if changed.all(1).any() else changed.any(0)


def test_a_gap_is_drawn_as_one() -> None:
    lane = CurvesLane("vad", "VAD")
    lane.set_track(attributes())
    there = inked(drawn(lane))
    assert not there[330:470].any()
    assert there[5:315].all()
    assert there[485:795].all()


def test_nan_in_a_row_is_a_gap_too() -> None:
    times = np.arange(0, 100, 0.01)
    values = np.sin(times).astype(np.float32)
    values[5000:6000] = np.nan
    lane = FusedLane("f", "F", threshold=1.0)
    lane.set_track(Curve("fusion.score", times, values[:, None], (HOSTILITY,)))
    raster = drawn(lane)
    line = raster.pixels == pixel(DARK.quantity("hostility"))
    assert not line[:, 402:478].any()


@pytest.mark.parametrize("width", [50, 333, 1600])
def test_a_single_high_reading_is_seen_at_every_zoom(width: int) -> None:
    times = np.arange(0, 7200, 0.01)
    values = np.zeros(times.size, np.float32)
    values[300_000] = 1.0
    lane = CurvesLane("valence", "Valence")
    lane.set_track(Curve("v", times, values[:, None], (VALENCE,)))
    for length in (0.5, 20.0, 900.0, 7200.0):
        start = min(max(0.0, 3000.0 - length / 2), 7200.0 - length)
        raster = drawn(lane, start, start + length, width)
        assert (raster.pixels[:12] != pixel(DARK.panel)).any()


def test_pieces_of_an_analysis_appear_as_they_come(view: TimelineView, qtbot: QtBot) -> None:
    lane = FusedLane("new", "New", height=60)
    view.add_lane(lane, 0)
    whole = score()
    assert "New: no reading" not in view.told()
    seen = []
    for start in range(0, 100, 25):
        lane.append(whole.slice(start, start + 25))
        QApplication.processEvents()
        image = view.grab().toImage()
        line = pixel(DARK.quantity("hostility")) & 0xFFFFFF
        found = [
            x
            for x in range(view.plot.left(), view.plot.right(), 3)
            if any(image.pixel(x, y) & 0xFFFFFF == line for y in range(view.plot.top(), view.plot.top() + 59))
        ]
        seen.append(max(found))
    assert seen == sorted(seen)
    assert seen[-1] - seen[0] > 0.6 * view.plot.width()
    before = lane.revision
    lane.append(whole.slice(0.0, 0.0))
    assert lane.revision == before
    with pytest.raises(ValueError, match="before what was shown"):
        lane.append(whole.slice(0.0, 10.0))


def test_weights_are_a_heat_strip() -> None:
    lane = StripsLane("weights", "Weights")
    lane.set_track(weights())
    pixels = drawn(lane).pixels
    voice, text, face = (pixels[round(HEIGHT * share)] for share in (1 / 6, 3 / 6, 5 / 6))
    full, none = pixel(DARK.quantity("voice")), voice[600]
    assert voice[200] == full
    assert text[200] == face[200] == none != full

    def apart(a: int, b: int) -> float:
        first, second = oklab([f"#{value & 0xFFFFFF:06x}" for value in (a, b)])
        return float(np.linalg.norm(first - second))

    half = apart(int(text[600]), int(none))
    assert 0.3 < half / apart(pixel(DARK.quantity("text")), int(none)) < 0.7
    assert dict(lane.legend())["face"] == DARK.quantity("face")


def test_what_lies_over_the_threshold_is_shaded() -> None:
    lane = FusedLane("f", "F", threshold=0.7)
    lane.set_track(score())
    raster = drawn(lane)
    top = raster.pixels[2]
    assert top[400] == pixel(DARK.panel)
    assert top[700] != pixel(DARK.panel)
    lane.threshold = 0.95
    assert drawn(lane).pixels[2][700] == pixel(DARK.panel)


def test_states_of_events_differ_by_shape_as_well() -> None:
    lane = EventsLane("e", "E")
    lane.set_track(Spans.of("events", [(10.0, 30.0), (50.0, 70.0)]))
    lane.set_states({1: "rejected"})
    pixels = drawn(lane).pixels
    middle = HEIGHT // 2
    filled, hollow = int(pixels[middle, 160]), int(pixels[middle, 480])
    light = [oklab([f"#{p & 0xFFFFFF:06x}"])[0, 0] for p in (pixel(DARK.panel), hollow, filled)]
    assert light[1] - light[0] < 0.3 * (light[2] - light[0])
    assert pixels[middle, 400] != hollow  # the rim


def test_an_event_that_is_held_shows_its_new_extent() -> None:
    lane = EventsLane("e", "E")
    lane.set_track(Spans.of("events", [(10.0, 30.0)]))
    middle = HEIGHT // 2
    before = drawn(lane).pixels[middle, 320]
    lane.hold(0, 10.0, 50.0)
    pixels = drawn(lane).pixels[middle]
    assert pixels[320] != before
    assert pixels[320] == pixels[100]
    lane.let_go()
    assert drawn(lane).pixels[middle, 320] == before
    lane.hold(0, 60.0, 70.0)
    assert drawn(lane, 55.0, 75.0).pixels[middle, 400] != pixel(DARK.panel)  # though what it was is out of sight


def test_the_heat_scale_grows_lighter_evenly() -> None:
    lightness = oklab([f"#{value & 0xFFFFFF:06x}" for value in heat(DARK).tolist()])[:, 0]
    steps = np.diff(lightness)
    assert (steps > -0.004).all()
    assert lightness[-1] - lightness[0] > 0.6


def test_loud_sound_is_taller_than_quiet() -> None:
    lane = WaveformLane()
    lane.begin(0.0, 100.0)
    sound = (np.sin(np.arange(10_000)) * np.where(np.arange(10_000) < 5000, 20_000, 2_000)).astype(np.int16)
    lane.append(sound)
    tall = (drawn(lane).pixels != pixel(DARK.panel)).sum(0)
    assert tall[50:350].mean() > 4 * tall[450:750].mean()
    assert lane.values_at(20.0)[0].value == pytest.approx(20 * np.log10(20_000 / 32_768), abs=1.0)


def test_a_palette_is_worn_everywhere(view: TimelineView) -> None:
    for palette in (LIGHT, DARK):
        view.wear(palette)
        image = view.grab().toImage()
        seen = {image.pixelColor(x, y).name() for x in range(0, 1000, 7) for y in range(0, 420, 3)}
        other = LIGHT if palette is DARK else DARK
        assert palette.panel in seen
        assert other.grid not in seen
        assert other.line not in seen
        assert all(lane.palette is palette for lane in view.lanes)


def test_pictures_are_kept_until_something_changes(view: TimelineView) -> None:
    drawn: list[str] = []
    for lane in view.lanes:
        lane.draw = lambda r, w, lane=lane: (drawn.append(lane.id), type(lane).draw(lane, r, w))[1]  # type: ignore
    view.repaint()
    view.set_playhead(30.0)
    view.select(1.0, 2.0)
    view.repaint()
    assert drawn == []
    view.lane("vad").touch()
    view.repaint()
    assert drawn == ["vad"]
    view.pan(0.001)  # less than a column
    view.repaint()
    assert drawn == ["vad"]


def test_a_band_is_as_thick_as_it_covers_each_pixel() -> None:
    """The quick way that dense readings are drawn in, beside the share of each pixel; also thin, hollow and far-off columns."""
    rng = np.random.default_rng(5)
    width, height = 4000, 30
    top = rng.uniform(-5, height + 2, width).astype(np.float32)
    bottom = top + rng.choice([0.0, 0.2, 1.0, 1.6, 9.3, 60.0, -0.1], width).astype(np.float32)
    whole = rng.random(width) < 0.3
    top[whole], bottom[rng.random(width) < 0.3] = np.round(top[whole]), 12.0
    top[::17], bottom[::23], top[::29] = np.nan, np.nan, -1e9
    quick, careful = (Raster(width, height, DARK.panel) for _ in range(2))
    quick.band(top, bottom, DARK.accent)
    rows, cover = careful.coverage(top, bottom)
    assert cover is not None
    careful.lay(rows, cover, DARK.accent)
    by_channel = (raster.pixels.view(np.uint8).astype(np.int16) for raster in (quick, careful))
    assert np.abs(next(by_channel) - next(by_channel)).max() <= 1
    assert (quick.pixels != pixel(DARK.panel)).mean() > 0.1
    empty = Raster(width, height, DARK.panel)
    empty.band(np.full(width, np.nan, np.float32), bottom, DARK.accent)
    assert (empty.pixels == pixel(DARK.panel)).all()


def test_the_playhead_is_on_its_time(view: TimelineView) -> None:
    view.set_playhead(55.5)
    image = view.grab().toImage()
    x = int(view.plot.left() + view.offset(55.5))
    assert set(colours(image, x, view.plot.top() + 2, view.plot.bottom() - 2)) == {DARK.playhead}


SHARP = """
from PySide6.QtWidgets import QApplication
app = QApplication([])
from mien_desktop.timeline.lanes import FusedLane
from mien_desktop.timeline.view import TimelineView
import numpy as np
from mien.tracks import HOSTILITY, Curve
view = TimelineView()
lane = view.add_lane(FusedLane("fused", "Fused", height=60))
t = np.arange(0, 100, 0.1)
lane.set_track(Curve("fusion.score", t, (0.5 + 0.5 * np.sin(t))[:, None].astype(np.float32), (HOSTILITY,)))
view.resize(640, 200)
view.set_duration(100.0)
view.show()
app.processEvents()
image = view.grab().toImage()
kept = view.pictures._kept["fused"]
print(view.devicePixelRatioF(), image.width(), view.plot.width(), view.window_shown.width)
print(kept.image.width(), kept.image.height())
"""


@pytest.mark.parametrize("scale", [2.0, 1.5])
def test_lanes_are_sharp_on_dense_screens(scale: float) -> None:
    environment = {**os.environ, "QT_SCALE_FACTOR": str(scale), "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", SHARP],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    ratio, image, plot, columns, width, height = (float(part) for part in done.stdout.split())
    assert ratio == scale
    assert image == 640 * scale
    assert columns == width == round(plot * scale)
    assert height == 60 * scale


def test_a_lane_that_cannot_be_drawn_shows_no_old_picture_of_another_window() -> None:
    """The picture's memory is drawn into again: what a fault leaves in it must not pass for the window before."""

    class Broken(CurvesLane):
        broken = False

        def draw(self, raster: Raster, window: Window) -> None:
            super().draw(raster, window)
            if self.broken:
                raise RuntimeError("in the middle of it")

    lane, pictures = Broken("a", "A"), Pictures()
    lane.set_track(score())
    here, there = Window(0, 0.5, 120), Window(60, 0.5, 120)
    ticks, font = Ticks(10.0, (10.0, 20.0, 50.0), ()), QFont()

    def pixels(window: Window) -> bytes:
        image = pictures.of(lane, window, 48, 1.0, DARK, ticks, font)
        return bytes(image.constBits())

    first = pixels(here)
    lane.broken = True
    with pytest.raises(RuntimeError):
        pixels(there)
    lane.broken = False
    assert pixels(here) == first != pixels(there)
    assert pixels(here) == first
