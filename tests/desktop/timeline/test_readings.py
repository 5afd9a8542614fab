"""How values are written, the same in every part of the window, and what a lane without readings says."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics

from mien.tracks import AROUSAL, HOSTILITY
from mien_desktop.library import catalogue
from mien_desktop.player import drawing
from mien_desktop.player.overlay import Level
from mien_desktop.timeline.lanes import CurvesLane
from mien_desktop.timeline.readings import figure
from mien_desktop.timeline.view import TimelineView

WORDS = "Nobody is told apart here: that takes another model, or subtitles with names. " * 3


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.42, "+0.42"), (-0.42, "−0.42"), (0.0, "0.00"), (-0.0, "0.00"), (-0.004, "0.00"), (0.004, "0.00"),
        (-0.006, "−0.01"), (float("nan"), "–"),
    ],
)  # fmt: skip
def test_a_value_has_a_sign_and_nothing_has_none(value: float, told: str) -> None:
    assert figure(value, signed=True) == told
    assert drawing.signed(Level("arousal", "arousal", value, -1.0)) == told
    assert catalogue.signed(value, AROUSAL) == told


def test_a_value_that_is_never_negative_has_no_sign() -> None:
    assert (
        figure(0.42) == drawing.signed(Level("fused", "hostility", 0.42)) == catalogue.signed(0.42, HOSTILITY) == "0.42"
    )
    assert figure(-12.34, "dBFS") == "−12.3 dBFS"
    assert drawing.signed(Level("fused", "hostility", None)) == "–"


def test_what_an_empty_lane_says_ends_in_dots_where_it_is_too_long(view: TimelineView) -> None:
    empty = CurvesLane("who", "Speakers", height=40)
    empty.waiting = WORDS
    view.add_lane(empty)
    view.show()
    room = view.plot.width() - 24
    cut = QFontMetrics(view.small_font).elidedText(WORDS, Qt.TextElideMode.ElideRight, int(room))
    assert cut.endswith("…")
    told = view.grab().toImage()
    empty.waiting = cut
    view.repaint()
    assert view.grab().toImage() == told
