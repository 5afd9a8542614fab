"""Which reading a column means, which medium a file means, and what a reading says of a stretch."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.errors import UsageError
from mien.library import Library, Medium
from mien.tracks import AROUSAL, CONFLICT, Curve, Spans
from mien.truth.labels import Label, read_labels
from mien.truth.match import by_medium, match, matches, readings_in, samples_of
from mien.truth.media import find_media
from mien.truth.predict import curve_means, predict
from mien.truth.readings import Reading, find_reading, suggest, yes_or_no

Write = Callable[[str, str | bytes], Path]


def label(start: float, end: float, person: int | None = None) -> Label:
    return Label(Path(), "", start, end, 0.0, person)


def mean(curve: Curve, start: float, end: float, person: int | None = None) -> float:
    return float(curve_means(curve, np.array([start]), np.array([end]), [person])[0, 0])


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (0.5, 1.5, 1.0),  # just the second reading's cell
        (0.0, 2.0, (0.5 * 0 + 1.0 * 1 + 0.5 * 2) / 2),
        (0.75, 1.75, (0.75 * 1 + 0.25 * 2) / 1),
        (1.5, 3.5, 2.0),  # the fourth is unknown
        (2.5, 3.4, math.nan),
        (1.0, 1.0, 1.0),  # a moment
        (4.0, 9.0, 4.0),
        (4.6, 9.4, math.nan),  # a gap without readings
        (0.0, math.inf, (0.5 * 0 + 1 + 2 + 4 + 10) / 4.5),
    ],
)
def test_the_mean_is_weighted_by_overlap_and_gaps_count_for_nothing(start: float, end: float, expected: float) -> None:
    values = np.array([[0.0], [1], [2], [math.nan], [4], [10]])
    curve = Curve("c", [0, 1, 2, 3, 4, 10], values, (CONFLICT,))
    assert mean(curve, start, end) == pytest.approx(expected, nan_ok=True)


def test_several_people_count_alike_unless_a_label_is_about_one() -> None:
    curve = Curve("c", [0, 0, 1, 1], [[0.0], [1.0], [0.0], [1.0]], (AROUSAL,), [1, 2, 1, 2])
    assert mean(curve, 0, 1) == pytest.approx(0.5)
    assert mean(curve, 0, 1, 2) == pytest.approx(1.0)
    assert math.isnan(mean(curve, 0, 1, 7))


def test_a_long_curve_is_read_as_exactly_as_a_short_one() -> None:
    times = np.arange(200_000) * 0.04
    curve = Curve("c", times, np.sin(times / 9)[:, None], (AROUSAL,))
    starts = np.linspace(0, 7990, 500)
    found = curve_means(curve, starts, starts + 1.0, [None] * 500)[:, 0]
    exact = 9 * (np.cos(starts / 9) - np.cos((starts + 1) / 9))
    assert np.abs(found - exact).max() < 2e-3


def test_a_class_is_the_one_of_largest_mass_and_a_probability_the_weighted_mean(library: Library, clip: Medium) -> None:
    tracks = {name: clip.tracks()[name] for name in clip.tracks()}
    readings = {r.name: r for r in readings_in(library, [clip])}
    said = predict(tracks, readings["face.expression"], [label(0, 6), label(0, math.inf), label(8, 30)], 10.0)
    assert [one.value for one in said] == ["happy", "happy", "sad"]
    assert said[0].mass == pytest.approx((5 * 0.7 + 0.05) / 6, abs=1e-3)
    offence = predict(tracks, readings["text.offence"], [label(3, 5), label(3, 9), label(8.5, 9)], 10.0)
    assert [one.value for one in offence[:2]] == pytest.approx([0.5, (0.1 + 4 * 0.9) / 5])
    assert offence[2].value is None
    verdicts = predict(tracks, readings["fusion.verdicts"], [label(5, 7), label(0, 4), label(20, 30)], 10.0)
    assert [one.value for one in verdicts] == [0.5, 0.0, None]
    words = predict(tracks, readings["speech.transcript"], [label(0, 2), label(2.5, 5), label(0, math.inf)], 10.0)
    assert words[0].value == "we have"
    assert words[1].value == "of this"
    assert str(words[2].value).split()[-1] == "already"


def test_without_single_words_the_utterances_stand_for_them(library: Library, add: Callable[..., Medium]) -> None:
    medium = add("u.mp4", [Spans.of("speech.transcript", [(0, 2, "w", "hello"), (2, 6, "w", "good bye")])])
    reading = readings_in(library, [medium])[0]
    tracks = {"speech.transcript": medium.tracks()["speech.transcript"]}
    assert [s.value for s in predict(tracks, reading, [label(0, 3), label(3, 9)], 10.0)] == ["hello", "good bye"]


def test_columns_find_their_readings_by_name_and_synonym(library: Library, clip: Medium) -> None:
    readings = readings_in(library, [clip])

    def named(name: str) -> str:
        found = find_reading(readings, name)
        return found.name if found else ""

    assert named("Valence_mean") == "emotion.attributes.valence"
    assert named("activation") == "emotion.attributes.arousal"
    assert named("emotion.attributes valence") == "emotion.attributes.valence"
    assert named("Conflict intensity") == "conflict.intensity.conflict"
    assert named("gold offense") == "text.offence"
    assert named("emotion") == "face.expression"
    assert named("verdict") == "fusion.verdicts"
    assert named("hostile") == "fusion.score.hostility"
    assert named("transcript") == "speech.transcript"
    assert named("anger") == "face.expression.angry"
    assert named("face.valence") == ""
    assert named("notes") == ""


def test_columns_without_a_telling_name_are_known_by_their_classes(
    library: Library, clip: Medium, write: Write
) -> None:
    readings = readings_in(library, [clip])
    labels = read_labels(write("l.csv", "start,end,coder1,remark\n0,1,joy,ok\n1,2,sadness,bad light\n2,3,calm,ok\n"))
    coder, remark = labels.columns
    found = suggest(coder, readings)
    assert found is not None
    assert found.name == "face.expression"
    assert suggest(remark, readings) is None


def test_yes_and_no_in_many_words() -> None:
    offence = Reading("text.offence", "", "binary", low_means="inoffensive", high_means="offensive")
    assert yes_or_no(["OFF", "NOT"], offence) == {"OFF": True, "NOT": False}
    assert yes_or_no(["offensive", "not offensive"], offence) == {"offensive": True, "not offensive": False}
    assert yes_or_no(["yes", "no"], offence) == {"yes": True, "no": False}
    assert yes_or_no(["happy", "no"], offence) is None
    conflict = Reading("conflict.intensity", "conflict", "scale", -1, 1, "no conflict", "high conflict", (), 0.0)
    assert yes_or_no(["high", "low"], conflict) == {"high": True, "low": False}
    assert yes_or_no(["high conflict", "no conflict"], conflict) == {"high conflict": True, "no conflict": False}


def test_labels_on_another_scale_are_mapped(library: Library, clip: Medium, write: Write) -> None:
    labels = read_labels(write("clip.csv", "start,end,arousal\n0,1,1\n1,2,3\n2,3,5\n"))
    pair = matches(labels, readings_in(library, [clip]), scales={"arousal": (1, 5)})[0]
    of = by_medium(labels.columns[0].labels, find_media(labels, library.media()).media)
    samples = samples_of(library, clip, of[clip.id][1], pair)
    assert [s.truth for s in samples] == [-1.0, 0.0, 1.0]
    assert [s.prediction for s in samples] == pytest.approx([-0.9, -0.7, -0.5])


def test_what_cannot_be_compared_is_said(library: Library, clip: Medium, write: Write) -> None:
    labels = read_labels(write("clip.csv", "start,end,arousal,mood\n0,1,0.5,great\n"))
    readings = readings_in(library, [clip])
    by_name = {r.name: r for r in readings}
    with pytest.raises(
        UsageError, match=r"The numbers of “arousal” cannot be compared with face\.expression, which tells"
    ):
        match(labels.columns[0], by_name["face.expression"])
    with pytest.raises(UsageError, match=r"“mood” \(great\) cannot be compared with text\.offence"):
        matches(labels, readings, {"mood": "text.offence"})
    with pytest.raises(UsageError, match="The labels have no column “valence”; they have arousal, mood"):
        matches(labels, readings, {"valence": "arousal"})
    with pytest.raises(UsageError, match="The media have no reading “boredom”; they have"):
        matches(labels, readings, {"mood": "boredom"})
    with pytest.raises(UsageError, match="needs two different numbers"):
        matches(labels, readings, scales={"arousal": (1, 1)})
    assert [m.column.name for m in matches(labels, readings, {"arousal": ""})] == []


def test_media_are_found_by_path_name_stem_and_the_label_files_own_name(
    library: Library, add: Callable[..., Medium], write: Write
) -> None:
    one, two = add("one.mp4", []), add("sub/two.mkv", [])
    add("x/same.mp4", [])
    add("y/same.mp4", [])
    named = {
        str(one.path): one,
        "media/one.mp4": one,  # beside the label file
        "ONE.MP4": one,
        "two": two,
        "two.wav": two,
        "C:\\clips\\two.mkv": two,
    }
    table = "medium,valence\n" + "".join(f'"{name}",1\n' for name in named)
    labels = read_labels(write("l.csv", table + "same.mp4,1\nnone.mp4,1\n"))
    found = find_media(labels, library.media())
    assert {name: medium.id for (name, _), medium in found.media.items()} == {n: m.id for n, m in named.items()}
    assert found.problems == (
        "2 analysed media are called same.mp4; give the whole path in the labels.",
        "The library does not know this medium; analyze it first: none.mp4",
    )
    for name in ("two.csv", "two-mien.csv"):
        assert find_media(read_labels(write(name, "time,valence\n0,1\n")), library.media()).distinct == (two,)
    alone = read_labels(write("labels.csv", "time,valence\n0,1\n"))
    assert "says nothing of the medium" in find_media(alone, library.media()).problems[0]
    assert find_media(alone, library.media(), fallback=one).distinct == (one,)
    assert find_media(alone, [two]).distinct == (two,)
