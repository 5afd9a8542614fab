"""The timeline as hands use it: seek, select, zoom, pan, move lanes, thresholds and events."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QScrollBar
from pytestqt.qtbot import QtBot

from mien.tracks import Spans
from mien_desktop.timeline.lanes import CurvesLane, EventsLane, FusedLane
from mien_desktop.timeline.view import TimelineView

from .conftest import DURATION, drag, middle, place

LEFT = Qt.MouseButton.LeftButton
SHIFT, CONTROL, ALT = (getattr(Qt.KeyboardModifier, n) for n in ("ShiftModifier", "ControlModifier", "AltModifier"))
Wheel = Callable[..., None]


def shown(view: TimelineView) -> tuple[float, float]:
    assert view.range is not None
    return view.range.start, view.range.end


def pixel(view: TimelineView) -> float:
    """s that a pixel stands for."""
    assert view.window_shown is not None
    return view.window_shown.step


def test_a_click_seeks(view: TimelineView, qtbot: QtBot) -> None:
    with qtbot.waitSignal(view.seek_requested) as sought:
        qtbot.mouseClick(view, LEFT, pos=place(view, 40.0, "vad"))
    assert sought.args[0] == pytest.approx(40.0, abs=pixel(view))
    assert view.selection is None


def test_dragging_on_the_ruler_scrubs(view: TimelineView) -> None:
    sought: list[float] = []
    view.seek_requested.connect(sought.append)
    drag(view, place(view, 10.0, 10), place(view, 60.0, 10))
    assert sought[0] == pytest.approx(10.0, abs=pixel(view))
    assert sought[-1] == pytest.approx(60.0, abs=pixel(view))
    assert sought == sorted(sought)
    assert view.selection is None


def test_dragging_selects_either_way_and_an_edge_can_be_taken_again(view: TimelineView) -> None:
    sought: list[float] = []
    view.seek_requested.connect(sought.append)
    drag(view, place(view, 60.0, "vad"), place(view, 20.0, "weights"))
    assert view.selection == pytest.approx((20.0, 60.0), abs=2 * pixel(view))
    drag(view, place(view, 60.0, "vad"), place(view, 80.0, "vad"))
    assert view.selection == pytest.approx((20.0, 80.0), abs=2 * pixel(view))
    assert sought == []


def test_the_selection_survives_zoom_pan_and_lanes(view: TimelineView, wheel: Wheel) -> None:
    told: list[object] = []
    view.select(20.0, 45.0)
    view.selection_changed.connect(told.append)
    wheel(place(view, 30.0, "vad"), 5)
    view.pan(7.0)
    view.lane("vad").visible = False
    view.resize(700, 300)
    view.fit()
    assert view.selection == (20.0, 45.0)
    assert told == []
    view.zoom_to_selection()
    start, end = shown(view)
    assert 18.0 < start < 20.0 < 45.0 < end < 47.0


@pytest.mark.parametrize("notches", [1, 4, -2])
@pytest.mark.parametrize("time", [5.0, 33.3, 95.0])
def test_the_wheel_zooms_about_the_pointer(view: TimelineView, wheel: Wheel, time: float, notches: float) -> None:
    view.set_range(2.0, 98.0)
    at = place(view, time, "vad")
    before, length = view.time_at(at.x()), shown(view)[1] - shown(view)[0]
    wheel(at, notches)
    start, end = shown(view)
    assert (end - start < length) == (notches > 0)
    if start > 0 and end < DURATION:
        assert view.time_at(at.x()) == pytest.approx(before, abs=1.01 * pixel(view))


def test_shift_and_the_wheel_pan(view: TimelineView, wheel: Wheel) -> None:
    view.set_range(20.0, 40.0)
    wheel(place(view, 30.0, "vad"), -1, SHIFT)
    start, end = shown(view)
    assert start > 20.5
    assert end - start == pytest.approx(20.0)
    wheel(place(view, 30.0, "vad"), 1, SHIFT)
    assert shown(view) == pytest.approx((20.0, 40.0), abs=0.01)


def test_zooming_stops_at_the_ends(view: TimelineView) -> None:
    for _ in range(100):
        view.zoom(0.5, 50.0)
    start, end = shown(view)
    assert 0.005 < end - start < 0.02
    for _ in range(100):
        view.zoom(2.0, 50.0)
    assert shown(view) == (0.0, DURATION)


def test_keys_zoom_pan_and_fit(view: TimelineView, qtbot: QtBot) -> None:
    view.set_playhead(50.0)
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    start, end = shown(view)
    assert end - start == pytest.approx(DURATION / 1.5)
    assert (start + end) / 2 == pytest.approx(50.0)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert shown(view)[0] > start
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert shown(view) == pytest.approx((start, end))
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert shown(view)[0] == 0.0
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert shown(view)[1] == DURATION
    qtbot.keyClick(view, Qt.Key.Key_F)
    assert shown(view) == (0.0, DURATION)
    qtbot.keyClick(view, Qt.Key.Key_I)
    assert view.selection == (50.0, DURATION)
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert view.selection is None


def test_panning_by_less_than_a_pixel_adds_up_and_changes_no_column(view: TimelineView) -> None:
    view.set_range(10.0, 30.0)
    step = pixel(view)
    for _ in range(997):
        view.pan(0.3 * step)
        assert pixel(view) == step  # to the bit: the columns are the same, only moved
    assert shown(view)[0] == pytest.approx(10.0 + 997 * 0.3 * step)


def test_the_view_turns_pages_with_the_playhead(view: TimelineView) -> None:
    view.set_range(0.0, 10.0)
    view.set_playing(True)
    view.set_playhead(9.99)
    assert shown(view) == (0.0, 10.0)
    view.set_playhead(10.03)
    start, end = shown(view)
    assert start < 10.03 < end
    assert start > 9.0
    view.pan(50.0)  # someone looks elsewhere: the view stays there
    looked_at = shown(view)
    view.set_playhead(10.07)
    assert shown(view) == looked_at
    view.set_playhead(30.0)  # put somewhere, not played there: that is what is looked at now
    assert shown(view)[0] < 30.0 < shown(view)[1]


def test_a_playhead_that_moves_repaints_two_strips(view: TimelineView, qtbot: QtBot) -> None:
    painted: list[int] = []
    original = view._painter.paint
    view._painter.paint = lambda p, r: (painted.append(r.width()), original(p, r))[1]  # type: ignore[method-assign]
    view.set_playing(True)
    QApplication.processEvents()
    painted.clear()
    view.set_playhead(70.0)
    QApplication.processEvents()
    assert painted
    assert max(painted) <= 20


def test_lanes_hide_move_and_grow_and_their_layout_comes_back(view: TimelineView, qtbot: QtBot) -> None:
    told: list[None] = []
    view.lanes_changed.connect(lambda: told.append(None))
    view.setFocus()
    view.choose(view.lane("fused"))
    qtbot.keyClick(view, Qt.Key.Key_Down, ALT)
    qtbot.keyClick(view, Qt.Key.Key_Down, CONTROL)
    view.choose(view.lane("vad"))
    qtbot.keyClick(view, Qt.Key.Key_H)
    assert [s.lane.id for s in view.slots] == ["weights", "fused", "events"]
    assert view.lane("fused").height == 108
    assert told
    kept = json.loads(json.dumps(view.layout()))

    other = TimelineView()
    qtbot.addWidget(other)
    other.set_layout(kept)  # before the lanes are there, as at start
    for lane in (
        EventsLane("events", "E"),
        FusedLane("fused", "F"),
        CurvesLane("vad", "V"),
        CurvesLane("weights", "W"),
    ):
        other.add_lane(lane)
    assert other.layout() == kept
    assert [s.lane.id for s in other.slots] == ["weights", "fused", "events"]
    qtbot.keyClick(view, Qt.Key.Key_H, SHIFT)
    assert [s.lane.id for s in view.slots] == ["vad", "weights", "fused", "events"]


def test_a_layout_that_makes_no_sense_is_passed_over(view: TimelineView) -> None:
    before = view.layout()
    for broken in ({}, {"lanes": 3}, {"lanes": [{"id": 7}, "x", {"id": "gone", "height": "tall"}]}):
        view.set_layout(broken)
        assert view.layout() == before


def test_a_title_is_dragged_to_its_new_place(view: TimelineView) -> None:
    drag(view, QPoint(30, middle(view, view.lane("events"))), QPoint(30, view.plot.top() + 4))
    assert [lane.id for lane in view.lanes] == ["events", "vad", "fused", "weights"]


def test_a_lane_is_made_higher_by_its_lower_edge(view: TimelineView) -> None:
    slot = next(s for s in view.slots if s.lane.id == "vad")
    y = view.plot.top() + slot.bottom
    drag(view, QPoint(30, y), QPoint(30, y + 25))
    assert view.lane("vad").height == 105
    drag(view, QPoint(30, y + 25), QPoint(30, 0))
    assert view.lane("vad").height >= 18


def test_many_lanes_scroll(view: TimelineView, wheel: Wheel) -> None:
    view.resize(1000, 200)
    QApplication.processEvents()
    wheel(QPoint(30, 100), -20)
    assert view.scrolled == 280 - (200 - view.plot.top())
    lane = view.slot_at(195)
    assert lane is not None
    assert lane.lane.id == "events"


def test_the_threshold_is_dragged_on_the_lane(view: TimelineView) -> None:
    told: list[tuple[str, float]] = []
    view.threshold_changed.connect(lambda lane, value: told.append((lane, value)))
    fused = view.lane("fused")
    assert isinstance(fused, FusedLane)
    slot = next(s for s in view.slots if s.lane is fused)
    top = view.plot.top() + slot.top

    def line(value: float) -> QPoint:
        return place(view, 40.0, top + round(fused.share_of(value, slot.height) * slot.height))

    drag(view, line(0.7), line(0.4))
    assert told[-1] == ("fused", pytest.approx(0.4, abs=0.02))
    assert fused.threshold == told[-1][1]
    assert view.selection is None
    drag(view, line(fused.threshold), QPoint(line(0).x(), 0))
    assert fused.threshold == 1.0  # not beyond the reading's extent
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_BracketLeft)
    assert told[-1] == ("fused", 0.99)


def test_the_edge_of_an_event_is_dragged(view: TimelineView) -> None:
    told: list[tuple[object, ...]] = []
    sought: list[float] = []
    view.event_moved.connect(lambda *what: told.append(what))
    view.seek_requested.connect(sought.append)
    lane = view.lane("events")
    assert isinstance(lane, EventsLane)
    drag(view, place(view, 30.0, "events"), place(view, 36.0, "events"))
    assert told == [("events", 0, 20.0, pytest.approx(36.0, abs=2 * pixel(view)))]
    assert lane.held is not None  # until the correction has been written
    lane.set_track(Spans.of("events", [(20.0, 36.0, "hostility", "", 0.8)]))
    assert lane.held is None
    drag(view, place(view, 20.0, "events"), place(view, 60.0, "events"))
    _, row, start, end = told[-1]
    assert (row, end) == (0, 36.0)
    assert isinstance(start, float)
    assert 35.9 < start < 36.0  # the edges do not pass each other
    assert sought == []
    assert view.selection is None


def test_an_edge_keeps_to_the_playhead(view: TimelineView, qtbot: QtBot) -> None:
    view.set_playhead(65.4321)
    with qtbot.waitSignal(view.event_moved) as moved:
        drag(view, place(view, 70.0, "events"), place(view, 65.4321, "events"))
    assert moved.args == ["events", 2, 65.4321, 90.0]


def test_escape_and_new_events_end_the_drag(view: TimelineView) -> None:
    told: list[object] = []
    view.event_moved.connect(lambda *what: told.append(what))
    lane = view.lane("events")
    assert isinstance(lane, EventsLane)
    start, end = place(view, 30.0, "events"), place(view, 36.0, "events")
    drag(view, start, end, release=False)
    assert lane.held is not None
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, LEFT, Qt.KeyboardModifier.NoModifier, end)
    assert lane.held is None
    drag(view, start, end, release=False)
    lane.set_track(Spans.of("events", []))
    QTest.mouseMove(view, end + QPoint(5, 0))
    QTest.mouseRelease(view, LEFT, Qt.KeyboardModifier.NoModifier, end)
    assert told == []


def test_an_event_that_is_clicked_is_told_and_sought(view: TimelineView, qtbot: QtBot) -> None:
    told: list[object] = []
    view.event_picked.connect(lambda *which: told.append(which))
    view.seek_requested.connect(told.append)
    qtbot.mouseClick(view, LEFT, pos=place(view, 80.0, "events"))
    assert told == [pytest.approx(80.0, abs=pixel(view)), ("events", 2)]
    with qtbot.waitSignal(view.event_picked) as again:
        qtbot.mouseClick(view, LEFT, pos=place(view, 70.0, "events"))  # a click on its edge drags nothing
    assert again.args == ["events", 2]
    qtbot.mouseDClick(view, LEFT, pos=place(view, 80.0, "events"))
    assert view.selection == (70.0, 90.0)


def test_values_are_read_at_the_pointer_with_unit_and_extent(view: TimelineView) -> None:
    QTest.mouseMove(view, place(view, 20.0, "vad"))
    assert view.readout is not None
    said = view.readout.text
    assert said.startswith("00:20.")
    for part in ("valence −0.42", "arousal +0.62", "dominance +0.31", "−1", "+1", "emotion 1.2.0"):
        assert part in said
    QTest.mouseMove(view, place(view, 50.0, "vad"))
    assert "no reading here" in view.readout.text
    QTest.mouseMove(view, place(view, 25.0, "weights"))
    assert "voice 1.00" in view.readout.text
    QTest.mouseMove(view, place(view, 80.0, "events"))
    assert "hostility 0.80" in view.readout.text


def test_the_readout_stays_inside(view: TimelineView) -> None:
    for x in (view.plot.left() + 1, view.width() - 2):
        for lane in view.lanes:
            QTest.mouseMove(view, QPoint(x, middle(view, lane)))
            assert view.readout is not None
            assert view.rect().contains(view.readout_rect.toAlignedRect())


def test_screen_readers_hear_the_values_at_the_playhead(view: TimelineView) -> None:
    view.choose(view.lane("vad"))
    view.set_playhead(20.0)
    assert "arousal 0.62" in view.accessibleDescription()
    view.set_playhead(50.0)
    assert "no reading" in view.accessibleDescription()


def test_nothing_happens_without_a_medium(qtbot: QtBot) -> None:
    view = TimelineView()
    qtbot.addWidget(view)
    view.show()
    for key in (Qt.Key.Key_Plus, Qt.Key.Key_Left, Qt.Key.Key_F, Qt.Key.Key_I, Qt.Key.Key_BracketLeft):
        qtbot.keyClick(view, key)
    drag(view, QPoint(50, 50), QPoint(200, 60))
    view.set_playhead(3.0)
    view.set_playing(True)
    view.fit()
    assert view.range is None
    assert view.selection is None


def test_another_medium_starts_anew(view: TimelineView) -> None:
    view.set_range(10.0, 20.0)
    view.set_duration(0.0)
    assert view.range is None
    view.set_duration(50.0)
    assert shown(view) == (0.0, 50.0)
    view.set_duration(60.0)  # a live medium grows: all stays in sight
    assert shown(view) == (0.0, 60.0)


def test_what_fails_while_it_paints_does_not_leave_the_painter_at_work(
    view: TimelineView, qtlog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Qt ends the whole program when a picture is shown that somebody still draws on."""

    def fails(*_: object) -> None:
        raise ValueError("nothing to draw with")

    with monkeypatch.context() as patch:
        patch.setattr(view._painter, "paint", fails)
        with pytest.raises(ValueError, match="nothing to draw with"):
            view.repaint()
    view.repaint()
    assert not [r.message for r in qtlog.records if "active painter" in r.message or "being painted" in r.message]


def test_lanes_that_are_not_seen_are_not_scrolled(view: TimelineView) -> None:
    """A medium that cannot be read has no length: there is a sentence, and no bar beside it."""
    view.resize(1000, 160)
    view.show()
    (bar,) = view.findChildren(QScrollBar)
    assert bar.isVisible()
    view.set_duration(0.0)
    assert not bar.isVisible()
    view.resize(1000, 150)
    assert not bar.isVisible()
    view.set_duration(DURATION)
    assert bar.isVisible()
