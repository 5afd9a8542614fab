"""Tables of labels, as people and programs write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mien.errors import Cancelled, UsageError
from mien.exchange.csv import CsvExporter
from mien.exchange.params import CsvParams
from mien.sdk import MediaInfo
from mien.sdk.protocols import Analysis
from mien.tracks import AROUSAL, VALENCE, Curve
from mien.truth.labels import Labels, read_labels, seconds

Write = Callable[[str, str | bytes], Path]


def rows(labels: Labels, column: str) -> list[tuple[object, ...]]:
    found = next(c for c in labels.columns if c.name == column)
    return [(one.medium, one.start, one.end, one.value) for one in found.labels]


def test_reading_ends_when_a_look_up_says_so(write: Write) -> None:
    table = write("l.csv", "medium,start,end,valence\n" + "a.mp4,0,1,0.5\n" * 20_000)
    element = '<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a"/></ANNOTATION>'
    elan = write("l.eaf", f"<ANNOTATION_DOCUMENT><TIER>{element * 5_000}</TIER></ANNOTATION_DOCUMENT>")
    for path, whole in ((table, 60), (elan, 10)):
        for after in (0, 1, whole // 3):
            looks = iter(range(1000))

            def look_up(looks: Iterator[int] = looks, after: int = after) -> None:
                if next(looks) == after:
                    raise Cancelled("Stopped.")

            with pytest.raises(Cancelled):
                read_labels(path, look_up)
    looked: list[None] = []
    assert len(read_labels(table, lambda: looked.append(None)).columns[0].labels) == 20_000
    assert len(looked) >= 60


def test_spans_of_several_media(write: Write) -> None:
    labels = read_labels(
        write(
            "l.csv",
            "medium,start,end,valence,expression,text\na.mp4,0,2.5,0.5,happy,hello there\nb.mp4,1:02.5,01:03,-0.25,,\n",
        )
    )
    assert [(c.name, c.kind) for c in labels.columns] == [
        ("valence", "number"),
        ("expression", "class"),
        ("text", "words"),
    ]
    assert rows(labels, "valence") == [("a.mp4", 0.0, 2.5, 0.5), ("b.mp4", 62.5, 63.0, -0.25)]
    assert rows(labels, "expression") == [("a.mp4", 0.0, 2.5, "happy")]
    assert [name for name, _ in labels.media] == ["a.mp4", "b.mp4"]


@pytest.mark.parametrize(
    "text",
    [
        "File;Onset;Offset;Valence\na.mp4;0,5;1,5;-0,25\n",
        "\ufeffVIDEO\tStart (s)\tEnd (s)\tValence\r\n\r\na.mp4\t0.5\t1.5\t-0.25\r\n",
        "# labelled by hand\nfilename|start [ms]|end [ms]|Valence\na.mp4|500|1500|−0.25\n",
        "name,start_ms,duration_ms,Valence\na.mp4,500,1000,-.25\n",
        '"Media","Begin Time","End Time","Valence"\n"a.mp4","00:00:00.500","00:00:01.500","-0.25"\n',
    ],
)
def test_delimiters_units_and_names_are_understood(write: Write, text: str) -> None:
    assert rows(read_labels(write("l.csv", text)), "Valence") == [("a.mp4", 0.5, 1.5, -0.25)]
    utf16 = read_labels(write("wide.csv", text.encode("utf-16")))
    assert rows(utf16, "Valence") == [("a.mp4", 0.5, 1.5, -0.25)]


def test_a_table_of_names_and_values_is_about_whole_media(write: Write) -> None:
    labels = read_labels(write("l.csv", "Name,Value\n05-05-06_1,-3.5\n05-05-06_2,7\n"))
    assert rows(labels, "Value") == [("05-05-06_1", 0.0, math.inf, -3.5), ("05-05-06_2", 0.0, math.inf, 7.0)]


def test_a_trace_holds_until_its_next_value(write: Write) -> None:
    labels = read_labels(write("a.csv", "time,arousal\n0,0.1\n0.5,0.2\n1.5,0.3\n2.0,nan\n"))
    assert rows(labels, "arousal") == [("", 0.0, 0.5, 0.1), ("", 0.5, 1.5, 0.2), ("", 1.5, 2.0, 0.3)]


def test_what_mien_exports_is_read_again(tmp_path: Path) -> None:
    curve = Curve(
        "emotion.attributes", [0.5, 1.5, 2.5], [[0.1, -0.2], [float("nan"), 0.3], [0.5, 0.6]], (VALENCE, AROUSAL)
    )
    analysis = Analysis(MediaInfo(tmp_path / "a.mp4", 3.0), {curve.name: curve}, "a.mp4")
    CsvExporter().export(analysis, tmp_path / "a-csv", CsvParams())
    labels = read_labels(tmp_path / "a-csv" / "emotion.attributes.csv")
    assert rows(labels, "valence") == [("", 0.5, 1.5, 0.1), ("", 2.5, 3.5, 0.5)]
    assert [one[3] for one in rows(labels, "arousal")] == [-0.2, 0.3, 0.6]


def test_files_of_one_column_become_one(write: Write) -> None:
    a, b = write("a.csv", "time,valence\n0,0.5\n"), write("b.csv", "time,valence\n0,-0.5\n")
    labels = read_labels([a, b])
    assert [(label.path, label.value) for label in labels.columns[0].labels] == [(a, 0.5), (b, -0.5)]
    with pytest.raises(UsageError, match=r"“valence” holds numbers in a\.csv and names of classes here"):
        read_labels([a, write("c.csv", "time,valence\n0,good\n")])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "The label file is empty"),
        ("\n\n , \n", "The label file is empty"),
        (
            "0,1,0.5\n1,2,0.25\n",
            "The first line must name the columns, like medium,start,end,valence, but it is “0, 1, 0.5”",
        ),
        ("medium,start,end\na,0,1\n", "There is no column with labels beside medium, start, end"),
        (
            "start,end,valence\n0,1,0.5\nsoon,2,1\n",
            "Line 3 needs a time in seconds or as mm:ss for its start, not “soon”",
        ),
        ("start,end,valence\n0,,0.5\n", "Line 2 needs a time in seconds or as mm:ss for its end, not “”"),
        ("start,end,valence\n-1,1,0.5\n", "Line 2 needs a time in seconds or as mm:ss for its start, not “-1”"),
        ("start,end,valence\n5,4,0.5\n", "Line 2 ends before it starts"),
        ("end,valence\n5,0.5\n", "There is a column of ends but none called start"),
        ("start,end,valence,valence\n0,1,1,1\n", "Two columns are called “valence”"),
        ("medium,start,end,valence\na,0,1,1\n,1,2,1\n", "Line 3 names no medium"),
        ("start,end,person,valence\n0,1,Anna,1\n", "Line 2 needs the number of a person, not “Anna”"),
        ("start,end,valence\n0,1,\n", "There is no label in this file"),
        ('start,end,valence\n0,1,"' + "x" * 200_000 + '"\n', "Line 2 cannot be read as a table"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "This is not a table of text in UTF-8"),
    ],
)
def test_a_bad_table_is_one_sentence_that_names_the_file(write: Write, text: str | bytes, said: str) -> None:
    path = write("labels of mine.csv", text)
    with pytest.raises(UsageError) as caught:
        read_labels(path)
    sentence = str(caught.value)
    assert said in sentence
    assert sentence.endswith(f": {path}")
    assert "\n" not in sentence


def test_no_file_and_no_label_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="The labels cannot be read"):
        read_labels(tmp_path / "absent.csv")
    with pytest.raises(UsageError, match="The labels cannot be read"):
        read_labels(tmp_path.with_suffix("") / ".." / tmp_path.name / "x.csv" / "y.csv")
    with pytest.raises(UsageError, match=r"Labels are read from \.csv"):
        read_labels(tmp_path / "talk.mp4")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", 12.5),
        ("0:05", 5.0),
        ("1:02:03,5", 3723.5),
        ("90:00", 5400.0),
        ("1:75", None),
        ("1:2:3:4", None),
        ("x", None),
    ],
)
def test_times(text: str, value: float | None) -> None:
    assert seconds(text) == value
