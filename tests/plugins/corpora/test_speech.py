"""IEMOCAP, RECOLA, SEWA, rated conflict and acted emotions, each on a tiny copy of its own layout."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mien.errors import CorpusError
from mien_plugins.corpora import acted, iemocap, rated, traced

EVALUATION = """% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[0.5000 - 1.2000]\tSes0{n}F_impro01_F000\tneu\t[3.0000, 3.0000, 3.0000]
C-E2:\tNeutral;\t()

[1.2000 - 2.0000]\tSes0{n}F_impro01_M000\texc\t[4.5000, 5.0000, 3.5000]
[2.0000 - 2.5000]\tSes0{n}F_impro01_M001\tfru\t[1.5000, 4.0000, 5.5000]
[2.5000 - 3.0000]\tSes0{n}F_impro01_F001\txxx\t[2.0000, 2.0000, 2.0000]
"""
TRANSCRIPT = """Ses0{n}F_impro01_F000 [000.5000-001.2000]: Excuse me.
Ses0{n}F_impro01_M000 [001.2000-002.0000]: Do you have: forms?
Ses0{n}F_impro01_M001 [002.0000-002.5000]: No
"""


@pytest.fixture
def sessions(put: Any, corpus: Path) -> Path:
    for n in range(1, 6):
        base = f"Session{n}"
        put(f"{base}/dialog/EmoEvaluation/Ses0{n}F_impro01.txt", EVALUATION.replace("{n}", str(n)))
        put(f"{base}/dialog/EmoEvaluation/._Ses0{n}F_impro01.txt", "left by a Mac")
        put(f"{base}/dialog/EmoEvaluation/Categorical/Ses0{n}F_impro01_e1_cat.txt", "one rater's")
        put(f"{base}/dialog/transcriptions/Ses0{n}F_impro01.txt", TRANSCRIPT.replace("{n}", str(n)))
        put(f"{base}/dialog/avi/DivX/Ses0{n}F_impro01.avi", "x")
        for turn in ("F000", "F001", "M000", "M001"):
            put(f"{base}/sentences/wav/Ses0{n}F_impro01/Ses0{n}F_impro01_{turn}.wav")
    return corpus


def test_iemocap(sessions: Path) -> None:
    found = iemocap.read(sessions)
    assert len(found) == 20
    first, second, third, fourth = found.rows[:4]
    assert first.path == "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav"
    assert (first.start, first.end, first.speaker, first.group) == (0.0, math.inf, "Ses01F", "Session1")
    assert (first.text, first.labels) == ("Excuse me.", ("neutral", "neu", 0.0, 0.0, 0.0))
    assert (second.speaker, second.text) == ("Ses01M", "Do you have: forms?")
    assert second.labels == ("happy", "exc", 0.75, 1.0, 0.25)
    assert third.labels == (None, "fru", -0.75, 0.5, 1.0)
    assert fourth.labels[:2] == (None, None)
    assert {row.speaker[:5]: row.split for row in found.rows} == {
        "Ses01": "train", "Ses02": "train", "Ses03": "train", "Ses04": "valid", "Ses05": "test",
    }  # fmt: skip
    found.check(labels=("valence",))
    seen = iemocap.read(sessions, media="video").rows[1]
    assert (seen.path, seen.start, seen.end) == ("Session1/dialog/avi/DivX/Ses01F_impro01.avi", 1.2, 2.0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("Session3", "keeps a session's recordings and labels here"),
        ("Session2/dialog/EmoEvaluation", "keeps the raters' labels of a session here"),
        (
            "Session1/dialog/transcriptions/Ses01F_impro01.txt",
            "A file of IEMOCAP is missing; expected at: .*transcriptions",
        ),
        (
            "Session5/sentences/wav/Ses05F_impro01/Ses05F_impro01_M001.wav",
            r"Line 7 of .* not there; expected at: .*M001\.wav",
        ),
    ],
)
def test_iemocap_says_what_is_missing(sessions: Path, change: str, said: str) -> None:
    (sessions / change).rename(sessions / "elsewhere")
    with pytest.raises(CorpusError, match=said) as failure:
        iemocap.read(sessions)
    assert "\n" not in str(failure.value)


def test_iemocap_says_which_line_is_wrong(sessions: Path) -> None:
    path = sessions / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt"
    whole = path.read_text()
    for old, new, said in (
        ("[4.5000,", "[9.5000,", "Line 6 of .* ratings should lie from 1 to 5"),
        ("[4.5000, 5.0000", "[4.5000; 5.0000", "Line 6 of .* should read"),
        ("_M000", "_X000", "names no speaker"),
    ):
        path.write_text(whole.replace(old, new))
        with pytest.raises(CorpusError, match=said):
            iemocap.read(sessions)
    path.write_text("nothing\n")
    assert len(iemocap.read(sessions)) == 16


def _trace(times: list[float], value: float) -> str:
    names = ("Instance_name string", "frameTime numeric", "GoldStandard numeric")
    head = "@relation gold\n" + "".join(f"@attribute {name}\n" for name in names) + "@data\n"
    return head + "".join(f"'x',{t:.2f},{value + n / 100:.4f}\n" for n, t in enumerate(times))


@pytest.fixture
def avec2016(put: Any, corpus: Path) -> Path:
    for name in ("train_1", "train_2", "train_10", "dev_1"):
        for attribute, value in (("arousal", 0.1), ("valence", -0.2)):
            put(f"ratings_gold_standard/{attribute}/{name}.arff", _trace([0.0, 0.04, 0.08], value))
        put(f"recordings_audio/{name}.wav")
    put("ratings_gold_standard/arousal/train_all.arff", "made by somebody")
    return corpus


def test_recola_as_the_challenge_has_it(avec2016: Path) -> None:
    found = traced.read_recola(avec2016)
    assert len(found) == 12
    row = found.rows[4]
    assert (row.path, row.start, row.end, row.speaker, row.split) == (
        "recordings_audio/train_1.wav", 0.04, 0.08, "train_1", "train",
    )  # fmt: skip
    assert row.labels == pytest.approx((0.11, -0.19))
    assert [r.speaker for r in found.rows[::3]] == ["dev_1", "train_1", "train_2", "train_10"]
    assert Counter(r.split for r in found.rows) == {"train": 9, "valid": 3}
    found.check_disjoint()
    with pytest.raises(CorpusError, match="part “test” has no row"):
        found.check()


def test_recola_says_what_is_wrong(avec2016: Path, put: Any) -> None:
    put("ratings_gold_standard/valence/dev_1.arff", _trace([0.0, 0.04], 0))
    with pytest.raises(CorpusError, match="valence was rated at other times than arousal"):
        traced.read_recola(avec2016)
    put("ratings_gold_standard/valence/dev_1.arff", _trace([0.0, 0.04, 0.08], 7))
    with pytest.raises(CorpusError, match=r"Line 6 of .* has no rating"):
        traced.read_recola(avec2016)
    (avec2016 / "ratings_gold_standard/valence/dev_1.arff").unlink()
    with pytest.raises(CorpusError, match=r"missing; expected at: .*valence/dev_1\.arff"):
        traced.read_recola(avec2016)
    put("ratings_gold_standard/valence/dev_1.arff", _trace([0.0, 0.04, 0.08], 0))
    with pytest.raises(CorpusError, match=r"expected at: .*recordings_video/dev_1\.mp4"):
        traced.read_recola(avec2016, media="video")
    with pytest.raises(CorpusError, match=r"ratings_gold_standard .* or emotional_behaviour"):
        traced.read_recola(avec2016 / "recordings_audio")


def test_recola_as_its_owners_have_it(put: Any, corpus: Path) -> None:
    for person in (16, 17, 19, 21, 23):
        for attribute in ("arousal", "valence"):
            put(
                f"RECOLA-Annotation/emotional_behaviour/{attribute}/P{person}.csv",
                "time;FM1 ;FM2 ;FF1\n0.00;0.1;0.2;0.3\n0.04;-0.1;-0.2;-0.3\n",
            )
        put(f"RECOLA-Audio-recordings/P{person}.wav")
    found = traced.read_recola(corpus)
    assert len(found) == 10
    assert found.rows[0].labels == pytest.approx((0.2, 0.2))
    found.check(labels=("arousal", "valence"))
    assert traced.read_recola(corpus) == found


@pytest.fixture
def avec2017(put: Any, corpus: Path) -> Path:
    for name in ("Train_01", "Train_02", "Devel_01", "Test_01"):
        put(f"labels/{name}.csv", "".join(f"'{name}';{t / 10:.1f};0.{t};-0.{t};0.5\n" for t in range(10)))
        put(f"transcriptions/{name}.csv", "0.2;0.4;hallo; du\n0.7;0.9;gut\n")
        put(f"turns/{name}.csv", "0.2;0.4\n0.7;0.9\n")
        put(f"audio/{name}.wav")
    return corpus


def test_sewa(avec2017: Path) -> None:
    found = traced.read_sewa(avec2017)
    assert [label.name for label in found.labels] == ["arousal", "valence", "liking"]
    assert Counter(row.split for row in found.rows) == {"train": 20, "valid": 10, "test": 10}
    row = next(r for r in found.rows if r.speaker == "Train_02" and r.start == pytest.approx(0.3))
    assert (row.path, row.end, row.labels) == ("audio/Train_02.wav", 0.4, (0.3, -0.3, 0.5))
    said = [r.text for r in found.rows if r.speaker == "Train_01"]
    assert [bool(text) for text in said] == [False, False, True, True, True, False, False, True, True, True]
    assert said[7] == "gut"
    found.check(labels=("arousal",))


def test_sewa_says_what_is_wrong(avec2017: Path, put: Any) -> None:
    put("labels/Train_02.csv", "'Train_02';0.0;0.1\n")
    with pytest.raises(CorpusError, match=r"Row 1 of .* should read name;time;arousal;valence;liking"):
        traced.read_sewa(avec2017)
    put("labels/Train_02.csv", "'Train_02';0.0;much;0;0\n")
    with pytest.raises(CorpusError, match=r"Row 1 of .* has no arousal"):
        traced.read_sewa(avec2017)
    put("labels/Train_02.csv", "")
    with pytest.raises(CorpusError, match="no ratings"):
        traced.read_sewa(avec2017)
    put("labels/Train_02.csv", "'Train_02';0.0;0;0;0\n")
    (avec2017 / "audio/Train_01.wav").unlink()
    with pytest.raises(CorpusError, match=r"expected at: .*audio/Train_01\.wav"):
        traced.read_sewa(avec2017)
    (avec2017 / "transcriptions").rename(avec2017 / "words")
    with pytest.raises(CorpusError, match="keeps what was said in transcriptions or"):
        traced.read_sewa(avec2017)


def test_sspnet_and_glasgow(put: Any, corpus: Path) -> None:
    rows = []
    for debate in range(8):
        for clip in range(2):
            name = f"06-04-{debate + 10}_{300 + 30 * clip}_{330 + 30 * clip}"
            put(f"audiodata/{name}.wav")
            rows.append(f"{name},{10 * (debate / 3.5 - 1):.2f}")
    put("conflictlevel.csv", "Name,Value\n" + "\n".join(rows))
    found = rated.read_sspnet(corpus)
    found.check(labels=("conflict",))
    assert {row.path: row.labels for row in found.rows}["audiodata/06-04-10_300_330.wav"] == (-1.0,)
    put("metadata.csv", "Fold;File name;Rating\n" + "\n".join(f"{n % 4};talk {n};{n * 12.5}%" for n in range(8)))
    for n in range(8):
        put(f"Audio/talk {n}.wav")
    found = rated.read_glasgow(corpus)
    found.check(labels=("conflict",))
    assert {row.group: row.split for row in found.rows} == {"0": "train", "1": "train", "2": "valid", "3": "test"}
    assert found.numbers("conflict").tolist() == [n / 4 - 1 for n in range(8)]
    put("../outside.wav")
    put("metadata.csv", "Fold,File name,Rating\n1,../../outside.wav,50\n")
    with pytest.raises(CorpusError, match="names a recording outside of it"):
        rated.read_glasgow(corpus)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("1,{outside},50", "names a recording outside of it"),
        (f"1,{'a' * 300},50", "names a recording of .* that is not there"),
        (",talk,50", "Row 2 of .* names no fold"),
    ],
)
def test_glasgow_refuses_names_that_cannot_be(put: Any, corpus: Path, row: str, said: str) -> None:
    put("Audio/talk.wav")
    row = row.replace("{outside}", str(put("../outside.wav").resolve()))
    put("metadata.csv", f"Fold,File name,Rating\n{row}\n")
    with pytest.raises(CorpusError, match=said):
        rated.read_glasgow(corpus)


def test_digits_of_other_kinds_are_no_numbers(put: Any, corpus: Path) -> None:
    put("Actor_01/03-01-01-01-02-01-0².wav")
    with pytest.raises(CorpusError, match="names a take 03-01"):
        acted.read_ravdess(corpus)
    for n in range(3):
        put(f"Audio/{n}.wav")
    put("metadata.csv", "Fold,File name,Rating\n" + "".join(f"{fold},{n},50\n" for n, fold in enumerate("12²")))
    assert {row.group: row.split for row in rated.read_glasgow(corpus).rows} == {
        "1": "train",
        "2": "valid",
        "²": "test",
    }


def test_copies_of_a_picture_stay_on_one_side(put: Any, corpus: Path) -> None:
    for n in range(40):
        put(f"train/happy/{n}.png", f"face {n // 2}")  # each of them twice
        put(f"train/sad/{n}.png", f"other {n // 2}")
    put("train/sad/again.png", "tested")
    put("test/sad/1.png", "tested")
    found = acted.read_fer(corpus)
    part = {row.path: row.split for row in found.rows}
    assert part["train/sad/again.png"] == ""
    assert all(
        part[f"train/{e}/{n}.png"] == part[f"train/{e}/{n + 1}.png"] for e in ("happy", "sad") for n in range(0, 40, 2)
    )
    assert Counter(part.values()) == {"train": 72, "valid": 8, "test": 1, "": 1}
    assert any("1 training picture" in note for note in found.notes)


def test_acted_corpora(put: Any, corpus: Path) -> None:
    for actor in range(1, 7):
        for emotion in (1, 2, 8):
            put(f"Audio_Speech/Actor_{actor:02d}/03-01-{emotion:02d}-01-02-01-{actor:02d}.wav")
        put(f"Audio_Song/Actor_{actor:02d}/03-02-01-01-02-01-{actor:02d}.wav")
    found = acted.read_ravdess(corpus)
    assert len(found) == 18
    assert {row.labels for row in found.rows} == {("neutral", "neutral"), (None, "calm"), ("surprise", "surprised")}
    assert found.rows[0].text == "Dogs are sitting by the door."
    found.check(labels=("acted",))
    for speaker in ("03", "08", "09", "10"):
        for letter in "WLN":
            put(f"wav/{speaker}a01{letter}a.wav")
    found = acted.read_emodb(corpus)
    assert {row.labels for row in found.rows} == {("angry", "anger"), (None, "boredom"), ("neutral", "neutral")}
    found.check()
    for part, count in (("train", 10), ("test", 2)):
        for emotion in ("angry", "happy"):
            for n in range(count):
                put(f"{part}/{emotion}/{n}.png", f"{part} {emotion} {n}")
    found = acted.read_fer(corpus)
    assert Counter(row.split for row in found.rows) == {"train": 18, "valid": 2, "test": 4}
    put("train/bored/1.png", "x")
    with pytest.raises(CorpusError, match="none called so"):
        acted.read_fer(corpus)
    put("wav/strange.wav")
    with pytest.raises(CorpusError, match="names a take 03a01Fa"):
        acted.read_emodb(corpus)
    put("Audio_Speech/Actor_01/take1.wav")
    with pytest.raises(CorpusError, match="names a take 03-01"):
        acted.read_ravdess(corpus)
