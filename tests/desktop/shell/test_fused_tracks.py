"""What an earlier fusion wrote besides its score goes when another one has read."""

from __future__ import annotations

import numpy as np
import pytest

from mien.engine.events import Piece
from mien.tracks import AROUSAL, HOSTILITY, Curve
from mien_desktop.document import Document

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
