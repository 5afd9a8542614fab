"""CMU-MOSI and MOSEI, clips with hate, tweets, each on a tiny copy of its own layout. Words of offence are placeholders."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mien.errors import CorpusError
from mien_plugins.corpora import hate, opinion, tweets

VIDEOS = ("03bSnISJMiM", "aaa", "b-b_b", "ccc")


@pytest.fixture
def mosi(put: Any, corpus: Path) -> Path:
    rows = []
    for video in VIDEOS:
        for n in (1, 2):
            rows.append(f"{n - 1}.5,{n}.5,{video},{n},{1.8 if n == 1 else -1.5}")
            put(f"Audio/WAV_16000/Segmented/{video}_{n}.wav")
        put(f"Transcript/Segmented/{video}.annotprocessed", "1_DELIM_IT WAS GOOD\n2_DELIM_AND NOT\n")
    put("Labels/OpinionLevelSentiment.csv", "\n".join(rows))
    return corpus


def test_mosi(mosi: Path) -> None:
    found = opinion.read_mosi(mosi)
    first, second = found.rows[:2]
    assert (first.path, first.group, first.text) == (
        "Audio/WAV_16000/Segmented/03bSnISJMiM_1.wav", "03bSnISJMiM", "IT WAS GOOD",
    )  # fmt: skip
    assert first.labels[2] == "yes"
    assert first.labels[:2] == pytest.approx((1.8, 0.6))
    assert second.labels[2] == "no"
    assert first.split == "test"
    assert Counter(row.split for row in found.rows) == {"train": 4, "valid": 2, "test": 2}
    found.check(labels=("sentiment", "positive"))
    assert len(opinion.TEST) == 31
    with pytest.raises(CorpusError, match=r"Row 1 of .* not there; expected at: .*Video/Segmented/03bSnISJMiM_1\.mp4"):
        opinion.read_mosi(mosi, media="video")


def test_mosis_test_videos_are_those_of_the_features(shared: Path) -> None:
    import csv
    import gzip

    folder = shared / "data" / "mosi"
    with gzip.open(folder / "transcripts.csv.gz", "rt", encoding="utf-8") as file:
        names = [row[0].rpartition("_")[0] for row in csv.reader(file)]
    with gzip.open(folder / "rows_test.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row[0] for row in csv.reader(file)]
    assert {names[int(row)] for row in rows if row.isdigit()} == opinion.TEST


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("Labels/OpinionLevelSentiment.csv", "0,1,aaa,1\n", "should read start,end,video,segment,sentiment"),
        ("Labels/OpinionLevelSentiment.csv", "0,1,../aaa,1,2\n", "should name a video"),
        ("Labels/OpinionLevelSentiment.csv", "0,1,aaa,one,2\n", "should name a video"),
        ("Labels/OpinionLevelSentiment.csv", "0,1,aaa,1,4\n", "has no sentiment from -3 to 3"),
        ("Labels/OpinionLevelSentiment.csv", "0,1,zzz,1,2\n", r"missing; expected at: .*zzz\.annotprocessed"),
        ("Labels/OpinionLevelSentiment.csv", "", "Nothing of CMU-MOSI"),
    ],
)
def test_mosi_says_what_is_wrong(mosi: Path, put: Any, name: str, text: str, said: str) -> None:
    put(name, text)
    with pytest.raises(CorpusError, match=said):
        opinion.read_mosi(mosi)


def test_mosi_and_mosei_as_mmsa_has_them(put: Any, corpus: Path) -> None:
    rows = ["video_id,clip_id,text,label,label_T,label_A,label_V,annotation,mode"]
    for n, mode in enumerate(("train", "valid", "test")):
        rows.append(f'v{n},1,"good, really",{n - 1},,,,Positive,{mode}')
        put(f"Raw/v{n}/1.mp4", "x")
    put("label.csv", "\n".join(rows))
    for read in (opinion.read_mosi, opinion.read_mosei):
        found = read(corpus)
        found.check(labels=("sentiment",))
        assert found.rows[0].path == "Raw/v0/1.mp4"
        assert [row.labels[0] for row in found.rows] == [-1.0, 0.0, 1.0]
        assert [row.labels[2] for row in found.rows] == ["no", "yes", "yes"]
    (corpus / "Raw/v2/1.mp4").unlink()
    with pytest.raises(CorpusError, match=r"Row 4 of .* expected at: .*Raw/v2/1\.mp4"):
        opinion.read_mosei(corpus)


def test_mosei(put: Any, corpus: Path) -> None:
    heading = "file,start,end,sentiment,happy,sad,anger,surprise,disgust,fear,split"
    rows = [f"v{n},-0.0{n},7.5,{n - 1},0.666,0,{n},0,0,0,{n}" for n in range(4)]
    put("CMU_MOSEI_Labels.csv", "\n".join([heading, *rows]))
    for n in range(4):
        put(f"Audio/Full/WAV_16000/v{n}.wav", seconds=8)
        put(f"Transcript/Segmented/Combined/v{n}.txt", f"v{n}___0___0.0___7.5___And so___on\n")
    found = opinion.read_mosei(corpus)
    assert [label.name for label in found.labels][3:] == ["angry", "disgust", "fear", "happy", "sad", "surprise"]
    row = found.rows[2]
    assert (row.path, row.start, row.end, row.split, row.group) == (
        "Audio/Full/WAV_16000/v2.wav", 0.0, 7.5, "test", "v2",
    )  # fmt: skip
    assert row.text == "And so___on"
    assert row.labels[0] == 1.0
    assert row.labels[3:] == (2.0, 0.0, 0.0, 0.666, 0.0, 0.0)
    assert found.rows[3].split == ""
    found.check(labels=("happy",))
    put("CMU_MOSEI_Labels.csv", ",file,index,start,end,label2a,label2b,label6,label7,split\n0,v0,0,0,7.5,1,1,0,2,0\n")
    assert opinion.read_mosei(corpus).rows[0].labels[:1] == (2.0,)
    put("CMU_MOSEI_Labels.csv", "file,start,end,sentiment,happy\nv0,0,1,0,0\n")
    with pytest.raises(CorpusError, match="'anger' is missing"):
        opinion.read_mosei(corpus)
    put("CMU_MOSEI_Labels.csv", "file,start,end,label7\nv0,2,1,0\n")
    with pytest.raises(CorpusError, match="has no end"):
        opinion.read_mosei(corpus)
    put("CMU_MOSEI_Labels.csv", "file,start,end\n")
    with pytest.raises(CorpusError, match="'label7' is missing"):
        opinion.read_mosei(corpus)
    (corpus / "CMU_MOSEI_Labels.csv").unlink()
    with pytest.raises(CorpusError, match=r"keeps its labels in CMU_MOSEI_Labels\.csv or Labels or"):
        opinion.read_mosei(corpus)


def test_mosei_as_its_raters_gave_it(put: Any, corpus: Path) -> None:
    names = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "sentiment")
    heading = '"HITId","Input.VIDEO_ID","Input.CLIP",' + ",".join(f'"Answer.{name}"' for name in names)
    rows = [f'"h","v{n}","{c}","{r}","0","","2","0","0","{r - 1}"' for n in range(5) for c in (0, 1) for r in (0, 1, 2)]
    put("Raw/Labels/5000_batch_raw.csv", "\n".join([heading, *rows]))
    for n in range(5):
        put(f"Raw/Audio/Full/WAV_16000/v{n}.wav", seconds=9)
        told = "".join(f"v{n}___{c}___{4 * c}.5___{4 * c + 3}.5___words {c}\n" for c in (0, 1, 2))
        put(f"Raw/Transcript/Segmented/Combined/v{n}.txt", told)
    found = opinion.read_mosei(corpus)
    assert len(found) == 10  # nobody rated the third segments
    row = found.rows[1]
    assert (row.path, row.start, row.end, row.text) == ("Raw/Audio/Full/WAV_16000/v0.wav", 4.5, 7.5, "words 1")
    assert row.labels == (0.0, 0.0, "yes", 1.0, 0.0, 0.0, 2.0, 0.0, 0.0)
    found.check(labels=("happy",))
    put("Raw/Labels/5000_batch_raw.csv", heading.replace("Answer.fear", "Answer.joy") + "\n" + rows[0])
    with pytest.raises(CorpusError, match=r"column 'Answer\.fear' is missing"):
        opinion.read_mosei(corpus)
    put("Raw/Labels/5000_batch_raw.csv", "\n".join([heading, rows[0].replace('"v0"', '"v9"')]))
    with pytest.raises(CorpusError, match=r"missing; expected at: .*v9\.txt"):
        opinion.read_mosei(corpus)
    (corpus / "Raw/Labels/5000_batch_raw.csv").unlink()
    with pytest.raises(CorpusError, match="no tables of raters"):
        opinion.read_mosei(corpus)


@pytest.fixture
def clips(put: Any, corpus: Path) -> Path:
    for n in range(10):
        for part in (1, 2):
            put(f"{'hate' if n % 2 else 'no_hate'}/talk{n}_{part:02d}.mp4", "x")
    put("hate/talk1_01.txt", "two\nlines")
    return corpus


def test_clips_in_folders(clips: Path, put: Any) -> None:
    found = hate.read(clips)
    assert Counter(row.labels[0] for row in found.rows) == {"yes": 10, "no": 10}
    found.check(labels=("hate",))
    one = next(row for row in found.rows if row.path == "hate/talk1_01.mp4")
    assert (one.group, one.text, one.labels) == ("talk1", "two lines", ("yes",))
    assert hate.read(clips) == found
    put("transcripts.csv", "file,text\ntalk0_01.mp4,said here\nno_hate/talk0_02.mp4,and here\n")
    put("speakers.csv", "file,speaker\n" + "".join(f"talk{n}_0{p},s{n % 5}\n" for n in range(10) for p in (1, 2)))
    found = hate.read(clips)
    assert [row.text for row in found.rows if row.group == "talk0"] == ["said here", "and here"]
    found.check()
    assert len({row.speaker for row in found.rows}) == 5
    put("splits.csv", "file,split\n" + "".join(f"talk{n}_01,train\n" for n in range(10)))
    assert Counter(row.split for row in hate.read(clips).rows) == {"train": 10, "": 10}


def test_clips_in_a_table_and_as_hatemm(clips: Path, put: Any) -> None:
    put("labels.csv", "file,label,split,text\nhate/talk1_01.mp4,hate,train,words\ntalk0_02.mp4,0,test,\n")
    found = hate.read(clips)
    assert [(r.path, r.labels[0], r.split, r.text) for r in found.rows] == [
        ("hate/talk1_01.mp4", "yes", "train", "words"), ("no_hate/talk0_02.mp4", "no", "test", ""),
    ]  # fmt: skip
    (clips / "labels.csv").unlink()
    for n in range(6):
        put(f"{'hate' if n % 2 else 'non_hate'}_videos/video_{n}.mp4", "x")
    rows = "".join(f"video_{n}.mp4,{'Hate' if n % 2 else 'Non Hate'},,\n" for n in range(6))
    put("HateMM_annotation.csv", "video_file_name,label,hate_snippet,target\n" + rows)
    assert [row.labels[0] for row in hate.read(clips).rows] == ["no", "yes"] * 3


def test_hatemms_numbers_are_videos_of_their_own(put: Any, corpus: Path) -> None:
    # As it is handed out: 431 hate_video_1.mp4 …, 652 non_hate_video_1.mp4 …; neither name is one video cut in clips.
    names = [f"hate_video_{n}" for n in range(12)] + [f"non_hate_video_{n}" for n in range(18)]
    for name in names:
        put(f"{name.rpartition('_')[0]}s/{name}.mp4", "x")
    rows = "".join(f"{name}.mp4,{'Non Hate' if name.startswith('non') else 'Hate'}\n" for name in names)
    put("HateMM_annotation.csv", "video_file_name,label\n" + rows)
    found = hate.read(corpus)
    assert {row.group for row in found.rows} == {""}
    found.check(labels=("hate",))
    assert {row.labels[0] for row in found.part("test").rows} == {"yes", "no"}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("labels.csv", "file,label\ntalk77.mp4,hate\n", r"Row 2 of .* names a clip that is not there: talk77\.mp4"),
        (
            "labels.csv",
            "file,label\ntalk1_01.mp4,perhaps\n",
            "Row 2 of .* label should be hate or no_hate, not “perhaps”",
        ),
        ("labels.csv", "clip,label\ntalk1_01.mp4,hate\n", "column 'file' is missing"),
        ("labels.csv", "file,label,split\ntalk1_01.mp4,hate,third\n", "should be train, valid or test"),
        ("labels.csv", "file,label\ntalk1_01.mp4,hate\ntalk1_01,no\n", "Row 3 of .* names a clip for the second time"),
        ("speakers.csv", "file,speaker\nnobody.mp4,a\n", "Row 2 of .*speakers.csv names a clip that is not there"),
    ],
)
def test_clips_say_what_is_wrong(clips: Path, put: Any, name: str, text: str, said: str) -> None:
    put(name, text)
    with pytest.raises(CorpusError, match=said):
        hate.read(clips)


def test_no_clips_at_all(corpus: Path, put: Any) -> None:
    put("hate/talk.mp4", "x")
    with pytest.raises(CorpusError, match=r"two folders, hate and no_hate, or a labels\.csv"):
        hate.read(corpus)


@pytest.fixture
def olid(put: Any, corpus: Path) -> Path:
    rows = ["id\ttweet\tsubtask_a\tsubtask_b\tsubtask_c"]
    for n in range(40):
        level = ("NOT\tNULL\tNULL", "OFF\tUNT\tNULL", "OFF\tTIN\tGRP", "OFF\tTIN\tIND")[n % 4]
        rows.append(f'{n}\t@USER says "slur-word {n}\t{level}')
    rows.append("99\ttest text 1\tNOT\tNULL\tNULL")
    put("olid-training-v1.0.tsv", "\n".join(rows) + "\n")
    put("testset-levela.tsv", "id\ttweet\n1001\ttest text 1\n1002\ttest text 2\n")
    put("labels-levela.csv", "1001,OFF\n1002,NOT\n")
    return corpus


def test_olid(olid: Path, put: Any) -> None:
    found = tweets.read_olid(olid)
    assert Counter(row.split for row in found.rows) == {"train": 36, "valid": 4, "": 1, "test": 2}
    assert found.rows[2].text == '@USER says "slur-word 2'
    assert found.rows[2].labels == ("yes", "yes", "group")
    assert [row.labels for row in found.part("test").rows] == [("yes", None, None), ("no", None, None)]
    assert found.notes == ("1 training texts are in the test set, too, and are left unused.",)
    found.check(labels=("offence",))
    put("labels-levela.csv", "id,label\n1001,OFF\n1002,MAYBE\n")
    with pytest.raises(CorpusError, match=r"Row 3 of .* OFF or NOT, not “MAYBE”"):
        tweets.read_olid(olid)
    put("labels-levela.csv", "1001,OFF\n")
    with pytest.raises(CorpusError, match="whose label is not in labels-levela"):
        tweets.read_olid(olid)
    put("olid-training-v1.0.tsv", "id\ttweet\tsubtask_a\n")
    put("labels-levela.csv", "1001,OFF\n1002,NOT\n")
    with pytest.raises(CorpusError, match="column 'subtask_b' is missing"):
        tweets.read_olid(olid)
    (olid / "testset-levela.tsv").unlink()
    with pytest.raises(CorpusError, match=r"its test tweets here, .*testset-levela\.tsv"):
        tweets.read_olid(olid)


def test_davidson_and_waseem(put: Any, corpus: Path) -> None:
    rows = [f'{n},3,0,0,3,{n % 3},"RT @you: slur-word, {n}\nmore"' for n in range(30)]
    put("labeled_data.csv", ",count,hate_speech,offensive_language,neither,class,tweet\n" + "\n".join(rows))
    found = tweets.read_davidson(corpus)
    assert found.rows[0].labels == ("yes", "yes", "hate")
    assert found.rows[1].labels == ("yes", "no", "offensive")
    assert found.rows[2].labels == ("no", "no", "neither")
    assert found.rows[0].text == "RT @you: slur-word, 0\nmore"
    found.check(labels=("kind",))
    put("NAACL_SRW_2016.csv", "572342978255048705,racism\n")
    with pytest.raises(CorpusError, match=r"numbers of tweets but not their texts; .*labeled_data_all\.csv"):
        tweets.read_waseem(corpus)
    put("labeled_data_all.csv", "class,tweet\n" + "\n".join(f"{n % 3},slur-word {n}" for n in range(30)))
    found = tweets.read_waseem(corpus)
    assert [row.labels for row in found.rows[:3]] == [("yes", "racism"), ("yes", "sexism"), ("no", "neither")]
    found.check(labels=("hate",))
    put("labeled_data_all.csv", "class,tweet\n4,x\n")
    with pytest.raises(CorpusError, match=r"Row 2 of .* class should be 0, 1 or 2"):
        tweets.read_waseem(corpus)


def test_the_public_tweets_as_they_are(shared: Path) -> None:
    olid = tweets.read_olid(shared / "data" / "text" / "olid")
    assert len(olid.part("test")) == 860
    assert len(olid) == 14_100
    assert Counter(olid.part("test").values("offence")) == {"no": 620, "yes": 240}
    davidson = tweets.read_davidson(shared / "data" / "text" / "davidson")
    assert Counter(davidson.values("kind")) == {"hate": 1_430, "offensive": 19_190, "neither": 4_163}
    davidson.check(labels=("kind",))
