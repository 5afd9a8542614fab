"""Readings that arrive while lanes are shown: another fusion's, and pieces out of order."""

from __future__ import annotations

import numpy as np
import pytest

from mien.engine.events import Piece
from mien.tracks import AROUSAL, HOSTILITY, Curve
from mien_desktop.document import Document
from mien_desktop.look.palette import DARK
from mien_desktop.shell.lanes import LaneSet
from mien_plugins.fusion.late import SCORE as INDEX

pytestmark = pytest.mark.usefixtures("qapp")
TIMES = np.arange(3.0)
SCORE = Curve("fusion.score", TIMES, np.zeros((3, 1)), (HOSTILITY,))
AFFECT = Curve("fusion.affect", TIMES, np.zeros((3, 1)), (AROUSAL,))
VOICE = Curve("emotion.attributes", TIMES, np.zeros((3, 1)), (AROUSAL,))


def test_the_tracks_of_an_earlier_fusion_go_with_its_score() -> None:
    document = Document()
    document.load({"fusion.score": SCORE, "fusion.affect": AFFECT, "emotion.attributes": VOICE})
    assert set(document.readings.names()) == {"fusion.score", "fusion.affect", "emotion.attributes"}
    told: list[str] = []
    document.replaced.connect(told.append)
    document.begin()
    document.take(Piece("fusion.late", SCORE))
    assert set(document.readings.names()) == {"fusion.score", "emotion.attributes"}
    assert told == ["fusion.score", "fusion.affect"]
    document.take(Piece("fusion.late", AFFECT))
    assert document.readings.get("fusion.affect") is not None
    document.load({"fusion.score": SCORE})
    assert document.readings.get("fusion.affect") is None


def test_the_lane_says_that_the_late_score_is_no_probability() -> None:
    """As long as that fusion's reading is shown."""
    document = Document()
    lanes = LaneSet(document, DARK)
    plain = lanes.fused.about
    assert "probab" not in plain
    document.load(
        {"fusion.score": Curve("fusion.score", TIMES, np.zeros((3, 1)), (INDEX,)), "emotion.attributes": VOICE}
    )
    assert lanes.fused.about == f"{plain}. {INDEX.about.rstrip('.')}"
    assert "probab" not in lanes.curves["emotion.attributes"].about
    document.begin()
    document.take(Piece("fusion.mml", SCORE))
    assert lanes.fused.about == plain


def test_a_piece_that_comes_late_stands_in_its_lane_where_it_belongs() -> None:
    """The conformance kit calls it an error; who looks at the lane has to see it nevertheless."""
    document = Document()
    lanes = LaneSet(document, DARK)
    document.begin()
    for begin in (3.0, 6.0, 0.0, 9.0):
        values = np.full((3, 1), begin / 10)
        document.take(Piece("fusion.mml", Curve("fusion.score", TIMES + begin, values, (HOSTILITY,))))
    readings = lanes.fused._readings
    assert [float(readings.at(time)[0]) for time in (1.0, 4.0, 7.0, 10.0)] == pytest.approx([0.0, 0.3, 0.6, 0.9])
    assert readings.rows == 12
