"""What a plugin returns is stored only if it is what the plugin declared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mien.engine.check import check_piece
from mien.errors import PluginError
from mien.sdk import AnalyzerInfo, Writes
from mien.tracks import Boxes, Quantity, Spans, probability

PITCH = Quantity("pitch", "Hz", 20.0, 2000.0)
INFO = AnalyzerInfo(
    id="test.check", title="Check", version="1", factory="nowhere:Nothing",
    outputs=(
        Writes("test.pitched", "spans", (PITCH,)), Writes("test.sure", "spans", (probability("sure"),)),
        Writes("test.plain", "spans"), Writes("test.boxes", "boxes"),
    ),
)  # fmt: skip


def spans(name: str, *scores: float) -> Spans:
    return Spans.of(name, [(n, n + 0.5, "x", "", score) for n, score in enumerate(scores)])


def checked(piece: Any) -> Any:
    return check_piece(INFO, piece, 10.0)


def test_spans_may_go_without_a_score_whatever_its_extent() -> None:
    for scores in ((math.nan, 440.0, math.nan), (math.nan,), ()):
        np.testing.assert_array_equal(checked(spans("test.pitched", *scores)).score, np.array(scores, np.float32))
    # Rounding may carry a score a little over its end.
    assert checked(spans("test.sure", math.nan, 1.0005)).score[1] == 1.0


@pytest.mark.parametrize("name", ["test.pitched", "test.plain"])
def test_scores_of_spans_are_numbers_or_absent(name: str) -> None:
    with pytest.raises(PluginError, match=r"not numbers|outside the extent"):
        checked(spans(name, math.nan, math.inf))


def test_scores_outside_their_extent_are_refused() -> None:
    with pytest.raises(PluginError, match=r"test\.pitched with values outside the extent"):
        checked(spans("test.pitched", 440.0, 0.0))


@pytest.mark.parametrize("broken", ["xywh", "score", "landmarks"])
def test_boxes_are_numbers_throughout(broken: str) -> None:
    columns = {"xywh": np.ones((2, 4)), "score": np.ones(2), "landmarks": np.ones((2, 5, 2))}
    good = Boxes("test.boxes", np.array([0.0, 1.0]), np.array([1, 1]), **columns)
    assert checked(good) is good
    columns[broken].flat[-1] = math.nan
    with pytest.raises(PluginError, match="not numbers"):
        checked(Boxes("test.boxes", np.array([0.0, 1.0]), np.array([1, 1]), **columns))
