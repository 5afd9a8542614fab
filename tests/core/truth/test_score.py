"""Figures against values computed by hand, and the four kinds of agreement."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from mien.truth.labels import Label, column_of, read_labels
from mien.truth.match import Match, Sample, match
from mien.truth.readings import Reading
from mien.truth.report import FIGURES, figure_rows, write_all
from mien.truth.score import Group, Scored, score

CONFLICT = Reading("conflict.intensity", "conflict", "scale", -1.0, 1.0, "no conflict", "high conflict", (), 0.0)
OFFENCE = Reading("text.offence", "", "binary")
FACE = Reading("face.expression", "", "class", classes=("angry", "happy", "sad", "neutral"))
WORDS = Reading("speech.transcript", "", "words")


def pair(reading: Reading, *values: object) -> Match:
    name = "text" if reading is WORDS else "label"
    return match(column_of(name, [Label(Path("l.csv"), "", 0.0, 1.0, str(v)) for v in values]), reading)


def samples(truth: Sequence[float | str], said: Sequence[float | str | None], medium: str = "a") -> list[Sample]:
    return [
        Sample(medium, Path(f"{medium}.mp4"), float(n), n + 1.0, t, p)
        for n, (t, p) in enumerate(zip(truth, said, strict=True))
    ]


def value(group: Group, name: str) -> float:
    found = group.figure(name)
    assert found is not None
    return found.value


def kinds(scored: Scored) -> list[str]:
    return [scored.kind_names[k] for k in scored.kinds]


def test_a_scale_by_hand() -> None:
    scored = score(pair(CONFLICT, -0.8, 0.2), samples([-0.8, -0.2, 0.2, 0.8], [-0.6, 0.2, 0.4, 0.4]))
    # truth: mean 0, variance 0.34; reading: mean 0.1, variance 0.17; covariance (0.48 - 0.04 + 0.08 + 0.32) / 4 = 0.21.
    assert value(scored.whole, "CCC") == pytest.approx(2 * 0.21 / (0.34 + 0.17 + 0.01))
    assert value(scored.whole, "Pearson") == pytest.approx(0.21 / math.sqrt(0.34 * 0.17))
    assert value(scored.whole, "RMSE") == pytest.approx(math.sqrt((0.04 + 0.16 + 0.04 + 0.16) / 4))
    assert value(scored.whole, "UAR") == pytest.approx((1 / 2 + 2 / 2) / 2)
    assert value(scored.whole, "WAR") == pytest.approx(3 / 4)
    assert scored.whole.n == 4
    ccc = scored.whole.figure("CCC")
    assert ccc is not None
    assert ccc.low <= ccc.value <= ccc.high


@pytest.mark.parametrize(
    ("truth", "said", "kind"),
    [
        (0.3, 0.8, "Agree"),
        (0.3, 0.81, "Far off"),
        (-0.3, -0.9, "Far off"),
        (-0.3, -0.1, "Agree"),
        (0.1, -0.1, "Missed"),
        (-0.1, 0.1, "False alarm"),
        (0.0, -0.01, "Missed"),  # zero belongs to the high side
        (-0.01, 0.0, "False alarm"),
        (0.0, 0.0, "Agree"),
    ],
)
def test_the_four_categories_of_the_thesis(truth: float, said: float, kind: str) -> None:
    assert kinds(score(pair(CONFLICT, 0.5), samples([truth], [said]))) == [kind]


def test_yes_and_no_by_hand() -> None:
    scored = score(pair(OFFENCE, 0, 1), samples([1.0, 1.0, 1.0, 0.0, 0.0], [0.9, 0.5, 0.1, 0.7, 0.2]))
    assert kinds(scored) == ["Hit", "Hit", "Missed", "False alarm", "Correct rejection"]
    assert value(scored.whole, "F1") == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert value(scored.whole, "UAR") == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert value(scored.whole, "WAR") == pytest.approx(3 / 5)
    assert scored.confusion is not None
    assert scored.confusion.counts.tolist() == [[1, 1], [1, 2]]
    assert [s.prediction for s in scored.worst()] == [0.1, 0.7]


def test_classes_by_hand_and_those_that_the_reading_does_not_know() -> None:
    truth = ["happy", "happy", "sad", "sad", "neutral", "bored"]
    scored = score(pair(FACE, *truth), samples(truth, ["happy", "sad", "sad", "sad", "happy", "sad"]))
    # F1: happy 1/2, sad 4/5, neutral 0.
    assert value(scored.whole, "F1 macro") == pytest.approx((0.5 + 0.8 + 0) / 3)
    assert value(scored.whole, "UAR") == pytest.approx((0.5 + 1 + 0) / 3)
    assert value(scored.whole, "WAR") == pytest.approx(3 / 5)
    assert scored.confusion is not None
    assert scored.confusion.classes == ("happy", "sad", "neutral")
    assert scored.confusion.counts.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert [s.truth for s in scored.apart] == ["bored"]
    assert any("bored" in note for note in scored.notes)


def test_words_by_hand() -> None:
    truth = ["The cat sat.", "on the mat", ""]
    scored = score(pair(WORDS, *truth), samples(truth, ["the cat", "on a mat now", "oh"]))
    # one deleted; one substituted and one inserted; one inserted where nothing was said: 4 errors in 6 words.
    assert value(scored.whole, "WER") == pytest.approx(4 / 6)
    assert kinds(score(pair(WORDS, "Hi!"), samples(["Hi!"], ["hi"]))) == ["Word for word"]
    assert scored.worst()[0].truth == "on the mat"


def test_several_media_and_stretches_without_a_reading() -> None:
    one = samples([0.5, 0.5], [0.5, None], "a")
    two = samples([-0.5, -0.5, 0.1], [0.5, 0.5, 0.1], "b")
    scored = score(pair(CONFLICT, 0.5), [*one, *two])
    assert (scored.whole.n, scored.whole.missing) == (4, 1)
    assert [(g.medium, g.n, g.missing) for g in scored.media] == [("a", 1, 1), ("b", 3, 0)]
    assert value(scored.media[1], "RMSE") == pytest.approx(math.sqrt(2 / 3))
    assert "1 labelled stretch without any reading, left out of the figures." in scored.notes
    assert any("only 2" in note for note in scored.notes)


def test_whole_media_are_drawn_where_there_are_many() -> None:
    """Ten media whose stretches are all alike know no more than ten stretches do."""
    rng = np.random.default_rng(1)
    made = []
    for n in range(10):
        truth, said = rng.uniform(-1, 1, 2)
        made += samples([float(truth)] * 50, [float(said)] * 50, f"m{n}")
    rmse = score(pair(CONFLICT, 0.5), made).whole.figure("RMSE")
    assert rmse is not None
    assert rmse.n == 10
    assert rmse.high - rmse.low > 0.2


def test_labels_on_a_foreign_scale_are_pointed_out() -> None:
    scored = score(pair(CONFLICT, 1, 5), samples([1.0, 5.0], [0.0, 0.5]))
    assert any("reach from 1 to 5" in note and "scale" in note for note in scored.notes)


def test_nothing_to_score() -> None:
    scored = score(pair(CONFLICT, 0.5), samples([0.5], [None]))
    assert scored.whole.figures == ()
    assert scored.whole.missing == 1
    assert figure_rows([scored]) == []


def test_the_files(tmp_path: Path) -> None:
    made = [*samples([0.5, -0.5], [0.25, -0.75], "a"), *samples([0.1, -0.1], [0.1, None], "b")]
    scored = score(pair(CONFLICT, 0.5), made)
    table, whole, every = write_all([scored], tmp_path / "new", ["It is so."])
    lines = table.read_text().splitlines()
    assert lines[0].split(",") == list(FIGURES)
    assert len(lines) == 1 + 5 * 3
    told = json.loads(whole.read_text())
    assert told["problems"] == ["It is so."]
    assert told["matches"][0]["all"]["figures"]["RMSE"]["value"] == pytest.approx(math.sqrt(0.125 / 3))
    assert told["matches"][0]["kinds"] == {"Agree": 3, "Missed": 0, "False alarm": 0, "Far off": 0}
    rows = every.read_text().splitlines()
    assert rows[1].split(",") == [
        "label",
        "conflict.intensity.conflict",
        "a.mp4",
        "0",
        "1",
        "",
        "0.5",
        "0.25",
        "Agree",
        "0.125",
    ]
    assert rows[-1].endswith("-0.1,,,")
    # The table of samples is itself a table of labels.
    assert "truth" in [c.name for c in read_labels(every).columns]


def test_five_thousand_stretches_are_scored_in_seconds() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(-1, 1, 5000)
    made = samples(truth.tolist(), (truth * 0.5).tolist())
    began = time.process_time()
    score(pair(CONFLICT, 0.5), made)
    assert time.process_time() - began < 10
