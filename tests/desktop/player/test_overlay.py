"""What is looked up at a time is what was read of it: no reading is stretched over time that nothing was read of."""

from __future__ import annotations

import numpy as np
import pytest

from mien.tracks.quantity import Quantity
from mien.tracks.track import Boxes, Curve, Provenance, Spans
from mien_desktop.player.overlay import Level, Readings, person_name, short

PROBABILITY = [Quantity(name, "", 0.0, 1.0, "absent", "certain") for name in ("angry", "neutral")]
AFFECT = [Quantity(name, "", -1.0, 1.0, "low", "high") for name in ("valence", "arousal")]


def boxes(times: list[float], lefts: list[float], person: list[int] | None = None) -> Boxes:
    xywh = np.array([[left, 20.0, 40.0, 50.0] for left in lefts], np.float32).reshape(-1, 4)
    return Boxes("face.boxes", times, person or [1] * len(times), xywh, [0.9] * len(times))  # type: ignore[arg-type]


def curve(name: str, times: list[float], values: list[list[float]], of: list[Quantity], **more: object) -> Curve:
    return Curve(name, times, np.array(values, np.float32).reshape(len(times), -1), tuple(of), **more)  # type: ignore[arg-type]


def levels(readings: Readings, time: float) -> dict[str, Level]:
    return {level.title: level for level in readings.at(time).levels}


def test_boxes_move_evenly_between_analysed_frames_and_end_where_the_person_leaves() -> None:
    readings = Readings({"face.boxes": boxes([0.0, 0.2, 0.4, 0.6, 2.0, 2.2], [0, 10, 20, 30, 100, 110])})
    assert [mark.box[0] for mark in readings.at(0.3).marks] == pytest.approx([15.0])
    assert readings.at(0.2).marks[0].box == pytest.approx((10.0, 20.0, 40.0, 50.0))
    assert readings.at(0.69).marks[0].box[0] == 30.0
    assert readings.at(0.8).marks == ()
    assert readings.at(1.3).marks == ()
    assert readings.at(1.95).marks[0].box[0] == 100.0
    assert readings.at(9.0).marks == ()


def test_a_label_tells_the_expression_and_arousal_of_the_nearest_analysed_frame() -> None:
    readings = Readings()
    readings.put(boxes([0.0, 0.0, 0.2, 0.2, 0.4, 0.4], [0, 200] * 3, [1, 2] * 3))
    person = np.array([1, 2, 1], np.int32)
    readings.put(
        curve("face.expression", [0.0, 0.2, 0.2], [[0.71, 0.29], [0.1, 0.9], [0.3, 0.7]], PROBABILITY, person=person)
    )
    readings.put(curve("face.affect", [0.0], [[0.1, -0.62]], AFFECT, person=np.array([1], np.int32)))
    first, second = readings.at(0.05).marks
    assert (first.name, first.label) == ("A", "angry .71 · arousal −.62")
    assert (second.name, second.label) == ("B", "")
    assert [mark.label for mark in readings.at(0.2).marks] == ["neutral .70", "neutral .90"]


def test_levels_stand_in_a_fixed_order_and_say_when_nothing_was_read() -> None:
    readings = Readings()
    fused = [Quantity("hostility", "", 0.0, 1.0, "none", "certain")]
    made = Provenance("fusion.late", "1", params={"threshold": 0.7})
    readings.put(curve("fusion.score", [0.0, 0.25, 0.5], [[0.2], [0.7], [0.9]], fused, provenance=made))
    readings.put(curve("emotion.attributes", [1.0, 2.0, 3.0, 7.0], [[0.1, 0.5]] * 4, AFFECT))
    readings.put(Spans.of("text.offence", [(1.0, 2.0, "offensive", "you", 0.8), (4.0, 5.0, "", "me")]))
    readings.put(Spans.of("text.hate", [(1.0, 2.0, "hate", "you", 0.7)]))
    assert list(levels(readings, 0.25)) == ["valence", "arousal", "offence", "hate", "fused"]
    assert levels(readings, 1.4)["hate"] == Level("hate", "hate", pytest.approx(0.7))
    assert levels(readings, 0.25)["fused"].over
    assert not levels(readings, 0.0)["fused"].over
    assert levels(readings, 1.4)["valence"] == Level("valence", "valence", pytest.approx(0.1), -1.0, 1.0)
    assert levels(readings, 1.4)["offence"].value == pytest.approx(0.8)
    assert levels(readings, 5.0)["arousal"].value is None
    assert levels(readings, 4.5)["offence"].value is None
    assert levels(readings, 2.0)["offence"].value is None
    readings.threshold = 0.1
    assert levels(readings, 0.0)["fused"].over


def test_pieces_are_joined_and_a_track_can_be_replaced_and_dropped() -> None:
    readings = Readings()
    readings.add(boxes([0.0, 0.2], [0, 10]))
    assert readings.at(0.5).marks == ()
    readings.add(boxes([0.4, 0.6], [20, 30]))
    assert readings.at(0.5).marks[0].box[0] == pytest.approx(25.0)
    readings.put(boxes([0.0, 0.2, 0.4, 0.6], [5, 5, 5, 5]))
    assert readings.at(0.5).marks[0].box[0] == 5.0
    readings.drop("face.boxes")
    assert readings.at(0.5).marks == ()
    readings.put(boxes([0.0], [5]))
    readings.clear()
    assert readings.at(0.0).marks == ()
    assert readings.reads("face.boxes")
    assert not readings.reads("face.embedding")


def test_what_is_said_is_the_utterance_that_lasts() -> None:
    rows = [(0.0, 4.0, "", "all the while", 0.5, "A"), (1.0, 2.0, "", "let me", 0.5, "B")]
    readings = Readings({"speech.transcript": Spans.of("speech.transcript", rows)})
    told = [(readings.at(time).caption, readings.at(time).speaker) for time in (0.5, 1.0, 2.0, 4.0)]
    assert told == [("all the while", "A"), ("let me", "B"), ("all the while", "A"), ("", "")]


def test_numbers_and_names_in_short() -> None:
    assert [short(v) for v in (0.714, -0.12, 1.0, -0.997, 0.0, -0.001)] == [".71", "−.12", "1.0", "−1.0", ".00", ".00"]
    assert [person_name(n) for n in (1, 26, 27)] == ["A", "Z", "P27"]


def test_the_first_and_the_last_reading_reach_as_far_as_their_window_did() -> None:
    conflict = [Quantity("conflict", "", -10.0, 10.0, "calm", "conflict")]
    alone = curve("conflict.intensity", [11.0], [[3.0]], conflict)
    readings = Readings({alone.name: alone}, outwards=lambda track: 5.0 if track.name == alone.name else 0.0)
    for time, value in ((5.5, None), (6.5, 3.0), (15.9, 3.0), (16.5, None)):
        assert levels(readings, time)["conflict"].value == value, time
    readings.put(curve(alone.name, [*np.arange(5.0, 15.0), *np.arange(40.0, 50.0)], [[1.0]] * 20, conflict))
    for time, value in ((0.5, 1.0), (16.0, None), (38.0, None), (53.5, 1.0), (54.5, None)):  # gaps are not reached over
        assert levels(readings, time)["conflict"].value == value, time
