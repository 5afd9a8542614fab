"""Manifests: read, written, refused where something is wrong with the row named; speakers never on two sides."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.errors import CorpusError, StorageError, UsageError
from mien.training.manifest import Label, Manifest, Row
from mien.training.manifest_file import find_manifest, read_manifest
from mien.training.manifest_write import moved, write_manifest
from mien.training.split import clusters, folds, resplit

HEADING = "path,start,end,speaker,split,text,emotion,liking[1..5],hate{no|yes}"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines below a heading as manifest.csv, with empty files for a.wav and b.wav beside it."""
    for name in ("a.wav", "b.wav"):
        (tmp_path / name).write_bytes(b"x")

    def write(*lines: str, heading: str = HEADING) -> Path:
        path = tmp_path / "manifest.csv"
        path.write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")
        return path

    return write


def test_reads_every_column(write: Callable[..., Path]) -> None:
    path = write('a.wav,1.5,0:03,anna,train,"well, yes",happy,3,yes', "", "b.wav,,,ben,dev,,,,")
    found = read_manifest(path)
    first, second = found.rows
    assert (first.path, first.start, first.end, first.speaker, first.split) == ("a.wav", 1.5, 3.0, "anna", "train")
    assert (first.text, first.labels, first.number) == ("well, yes", ("happy", 3.0, "yes"), 2)
    assert (second.start, second.end, second.split, second.labels) == (0.0, math.inf, "valid", (None, None, None))
    assert second.number == 4  # as a spreadsheet counts
    assert [label.heading for label in found.labels][1:] == ["liking[1..5]", "hate{no|yes}"]
    assert found.file(first) == path.parent / "a.wav"
    assert read_manifest(path.parent) == found


def test_numbers_come_in_the_projects_scales(write: Callable[..., Path]) -> None:
    path = write("a.wav,5,3,yes", "a.wav,1,,no", heading="path,arousal[1..5],liking[1..5],hate{no|yes}")
    found = read_manifest(path)
    assert found.numbers("arousal").tolist() == [1.0, -1.0]
    assert found.numbers("arousal", 0, 1).tolist() == [1.0, 0.0]
    assert found.numbers("liking")[0] == 3.0
    assert np.isnan(found.numbers("liking")[1])
    assert found.numbers("hate").tolist() == [1.0, 0.0]
    assert found.codes("hate").tolist() == [1, 0]
    assert found.codes("hate", ("yes", "no")).tolist() == [0, 1]
    assert len(found.labelled("liking")) == 1


@pytest.mark.parametrize("text", ["path;speaker;arousal\na.wav;s;-0,5\n", "path\tspeaker\tarousal\na.wav\ts\t-0.5\n"])
def test_semicolons_decimal_commas_and_tabs(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    (tmp_path / "m.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_manifest(tmp_path / "m.csv").rows[0].labels == (-0.5,)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.wav,3,2,,train,,happy,,", "Row 2 ends at 2 s, which is not after its start at 3 s"),
        ("a.wav,-1,2,,train,,happy,,", "Row 2: start must be a time in seconds from 0 on"),
        ("a.wav,soon,2,,train,,happy,,", "Row 2: start must be a time .* not “soon”"),
        ("a.wav,,,,train,,glad,,", "Row 2: emotion must be one of angry, disgust.*not “glad”"),
        ("a.wav,,,,train,,,7,", "Row 2: liking must be a number from 1 to 5, not “7”"),
        ("a.wav,,,,train,,,=1+1,", "Row 2: liking must be a number .* not “=1\\+1”"),
        ("a.wav,,,,train,,,nan,", "Row 2: liking must be a number"),
        ("a.wav,,,,holdout,,happy,,", "Row 2: split must be train, valid, test or empty"),
        (",,,,train,,happy,,", "Row 2 names no recording and has no text"),
        ("c.wav,,,,train,,happy,,", "Row 2 names a recording that is not there; expected at: .*c.wav"),
        ("../a.wav,,,,train,,happy,,", "leads upwards"),
        ("/etc/passwd,,,,train,,happy,,", "is not relative"),
        ("C:/a.wav,,,,train,,happy,,", "is not relative"),
        ("http://host/a.wav,,,,train,,happy,,", "is not relative"),
        ("~/a.wav,,,,train,,happy,,", "is not relative"),
        ("..\\a.wav,,,,train,,happy,,", "has backslashes"),
        ("a\x1b.wav,,,,train,,happy,,", "path holds characters"),
        ("=cmd(),,,,train,,happy,,", "path begins like a formula"),
        ("a.wav,,,@sum(1),train,,happy,,", "speaker begins like a formula"),
        (f"{'a/' * 600}a.wav,,,,train,,happy,,", "is too long"),
        (f"a.wav,,,,train,{'x' * 70_000},happy,,", "Row 2: text has 70,000 characters"),
        ("a.wav,,,,train,,happy,,,,", "Row 2 has 11 cells where the heading has 9"),
        ('a.wav,,,,train,"open,happy,,', "Row 2 cannot be read as a table"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_row(write: Callable[..., Path], line: str, said: str) -> None:
    with pytest.raises(CorpusError, match=said) as failure:
        read_manifest(write(line))
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("path,start,end", "no column of labels"),
        ("start,emotion", "no column path or text"),
        ("path,mood", r"needs its scale in the heading, such as mood\[1..5\]"),
        ("path,mood[5..1]", "lower one first"),
        ("path,mood[1-5]", "must read"),
        ("path,mood{one}", "two classes or more"),
        ("path,emotion,emotion", "Two columns are called “emotion”"),
        ("path,,emotion", "Column 2 has no name"),
        ("path,=mood[1..5]", "is no name of a label"),
        ("path," + ",".join(f"m{i}[0..1]" for i in range(300)), "200 columns at most"),
    ],
)
def test_headings_that_say_too_little(write: Callable[..., Path], heading: str, said: str) -> None:
    with pytest.raises(CorpusError, match=said):
        read_manifest(write("a.wav,1,2", heading=heading))


def test_files_that_are_no_manifest(
    tmp_path: Path, write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CorpusError, match=r"no manifest.csv"):
        find_manifest(tmp_path)
    with pytest.raises(CorpusError, match="cannot be read"):
        read_manifest(tmp_path / "none.csv")
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(CorpusError, match="none of them"):
        read_manifest(tmp_path / "a.xlsx")
    for content, said in ((b"", "is empty"), (b"\xff\xfe\x00", "not text in UTF-8"), (HEADING.encode(), "no rows")):
        (tmp_path / "manifest.csv").write_bytes(content)
        with pytest.raises(CorpusError, match=said):
            read_manifest(tmp_path)
    (tmp_path / "m.parquet").write_bytes(b"PAR1 nonsense PAR1")
    with pytest.raises(CorpusError, match="no Parquet file"):
        read_manifest(tmp_path / "m.parquet")
    monkeypatch.setattr("mien.training.manifest_file.MOST_ROWS", 2)
    with pytest.raises(CorpusError, match="2 rows at most"):
        read_manifest(write("a.wav,,,,train,,happy,,", "a.wav,,,,train,,happy,,"))
    monkeypatch.setattr("mien.training.manifest_file.LARGEST", 10)
    with pytest.raises(CorpusError, match="MB at most"):
        read_manifest(tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "a.wav").write_bytes(b"x")
    (inside / "sub").symlink_to(outside)
    (inside / "manifest.csv").write_text("path,emotion\nsub/a.wav,happy\n")
    with pytest.raises(CorpusError, match="through a link"):
        read_manifest(inside)
    (tmp_path / "link").symlink_to(inside)
    (inside / "a.wav").write_bytes(b"x")
    (inside / "manifest.csv").write_text("path,emotion\na.wav,happy\n")
    assert len(read_manifest(tmp_path / "link")) == 1  # the folder itself may be one


LABELS = (Label("arousal", 1, 5), Label("hate", classes=("no", "yes")))
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            lambda said, start, length, split, group, number, hate: Row(
                "a.wav", start, start + length, "anna", split, group, said, (number, hate)
            ),
            WORDS | st.sampled_from(["=1+1", "-2", "@you", "'quoted", "'=x", "a,b", 'say "x"', "two\nlines"]),
            st.floats(0, 1000).map(lambda t: round(t, 3)),
            st.sampled_from([0.25, 3.0, math.inf]),
            st.sampled_from(["", "train", "test"]),
            st.sampled_from(["", "v1"]),
            st.none() | st.floats(1, 5).map(lambda v: round(v, 4)),
            st.sampled_from([None, "no", "yes"]),
        ),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from([".csv", ".tsv", ".parquet"]),
)
def test_what_is_written_is_read_again(tmp_path: Path, rows: list[Row], suffix: str) -> None:
    (tmp_path / "a.wav").write_bytes(b"x")
    written = Manifest(tmp_path, LABELS, tuple(rows))
    target = tmp_path / f"manifest{suffix}"
    write_manifest(written, target)
    again = read_manifest(target)
    assert again.labels == written.labels
    for one, other in zip(again.rows, written.rows, strict=True):
        for field in ("path", "speaker", "split", "group", "text"):
            assert getattr(one, field) == getattr(other, field)
        assert one.start == pytest.approx(other.start)
        assert one.labels[1] == other.labels[1]
        assert one.labels[0] == (None if other.labels[0] is None else pytest.approx(other.labels[0]))
        assert one.end == (math.inf if math.isinf(other.end) else pytest.approx(other.end))
    assert not list(tmp_path.glob(".manifest-*"))


def test_no_cell_of_a_written_table_is_a_formula(tmp_path: Path) -> None:
    rows = (Row(text="=HYPERLINK(1)", labels=(-1.0, "no")), Row(text="@you", labels=(1.0, None)))
    write_manifest(Manifest(tmp_path, (Label("arousal", -1, 1), LABELS[1]), rows), tmp_path / "m.csv")
    with (tmp_path / "m.csv").open(newline="") as file:
        cells = [cell for line in csv.reader(file) for cell in line]
    assert "'=HYPERLINK(1)" in cells
    assert not [c for c in cells if c.startswith(("=", "+", "@")) or (c.startswith("-") and c != "-1")]


def test_parquet_of_other_types_and_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table({"text": ["a", None], "hate{0|1}": [1, 0], "arousal": [0.5, None]}), path)
    with pytest.raises(CorpusError, match="Row 3 names no recording and has no text"):
        read_manifest(path)
    pq.write_table(pa.table({"text": ["a", "b"], "hate{0|1}": [1, 0], "arousal": [0.5, None]}), path)
    assert [row.labels for row in read_manifest(path).rows] == [("1", 0.5), ("0", None)]
    pq.write_table(pa.table({"text": [["a"]], "arousal": [0.5]}), path)
    with pytest.raises(CorpusError, match="holds list"):
        read_manifest(path)
    pq.write_table(pa.table({"text": ["a" * 1000] * 2000, "arousal": [0.5] * 2000}), path)
    assert path.stat().st_size < 10_000
    monkeypatch.setattr("mien.training.manifest_file.LARGEST", 100_000)
    with pytest.raises(CorpusError, match="unpacked"):
        read_manifest(path)


def test_writing_elsewhere_or_in_no_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    one = Manifest(tmp_path / "corpus", LABELS, (Row("a.wav", labels=(1.0, None)),))
    assert moved(one, tmp_path).rows[0].path == "corpus/a.wav"
    assert moved(one, tmp_path / "corpus").rows == one.rows
    with pytest.raises(UsageError, match="may not lead out"):
        moved(one, tmp_path / "elsewhere")
    texts = Manifest(tmp_path / "corpus", LABELS, (Row(text="a", labels=(1.0, None)),))
    assert moved(texts, tmp_path / "elsewhere").folder == tmp_path / "elsewhere"
    with pytest.raises(UsageError, match="is written as"):
        write_manifest(one, tmp_path / "m.xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_manifest(one, tmp_path / "file" / "m.csv")


def table(*rows: tuple[str, str, str, str]) -> Manifest:
    """A manifest of (path, speaker, group, split)."""
    made = (Row(p, speaker=s, group=g, split=k, labels=("happy",), number=n) for n, (p, s, g, k) in enumerate(rows, 2))
    return Manifest(Path("."), (Label.of("emotion"),), tuple(made), "m.csv")


def test_splits_that_share_a_speaker_are_refused_by_name() -> None:
    mixed = table(
        ("a", "anna", "", "train"), ("b", "ben", "", "test"), ("c", "anna", "", "test"), ("d", "", "", "valid")
    )
    with pytest.raises(
        CorpusError, match=r"share a speaker, and anna is on both sides \(row 2 in train, row 4 in test\)"
    ):
        mixed.check()
    with pytest.raises(CorpusError, match="share a group, and v1 is"):
        table(("a", "anna", "v1", "train"), ("b", "ben", "v1", "test")).check_disjoint()
    with pytest.raises(CorpusError, match="share a medium, and a is"):
        table(("a", "", "", "train"), ("a", "", "", "test")).check_disjoint()
    table(("a", "anna", "", "train"), ("a", "ben", "", "test"), ("b", "anna", "", "")).check_disjoint()


def test_empty_parts_missing_columns_and_unseen_classes_are_refused() -> None:
    one = table(("a", "anna", "", "train"), ("b", "ben", "", "test"))
    with pytest.raises(CorpusError, match="part “valid” has no row"):
        one.check()
    one.check(splits=("train", "test"))
    with pytest.raises(CorpusError, match=r"no label “valence” .*add a column valence\[-1..1\]"):
        one.check(splits=("train",), labels=("valence",))
    with pytest.raises(CorpusError, match="holds numbers"):
        Manifest(Path("."), LABELS, ()).codes("arousal")
    rows = (Row("a", split="train", labels=("happy",)), Row("b", split="test", labels=("sad",), number=3))
    odd = Manifest(Path("."), one.labels, rows)
    with pytest.raises(CorpusError, match="Row 3: the class “sad” of emotion is in test but never in train"):
        odd.check(labels=("emotion",), splits=("train", "test"))
    odd.check(labels=("emotion",), splits=("train", "test"), seen=False)
    with pytest.raises(CorpusError, match="Row 3: the class “sad” of emotion is unknown here"):
        odd.codes("emotion", ("happy",))


def people(count: int, each: int = 4) -> Manifest:
    made = (
        Row(f"{s}-{i}.wav", speaker=f"s{s}", labels=("happy" if (s + i) % 3 else "sad",), number=2 + s * each + i)
        for s in range(count)
        for i in range(each)
    )
    return Manifest(Path("."), (Label.of("emotion"),), tuple(made))


def test_resplit_keeps_speakers_together_and_repeats_itself() -> None:
    parts = resplit(people(20), seed=3, label="emotion")
    parts.check(labels=("emotion",))
    sizes = [len(parts.part(split)) for split in ("train", "valid", "test")]
    assert sizes == [56, 12, 12]
    assert resplit(people(20), seed=3, label="emotion") == parts
    assert resplit(people(20), seed=4, label="emotion") != parts
    with pytest.raises(CorpusError, match="2 speakers or videos cannot be parted into 3"):
        resplit(people(2))


def test_who_is_heard_together_stays_together() -> None:
    linked = table(
        ("a", "anna", "", ""), ("a", "ben", "", ""), ("b", "ben", "", ""), ("c", "", "v", ""), ("d", "", "v", "")
    )
    assert clusters(linked.rows) == [[0, 1, 2], [3, 4]]
    texts = Manifest(Path("."), LABELS, (Row(text="One  two"), Row(text="one two"), Row(text="three")))
    assert clusters(texts.rows) == [[0, 1], [2]]


def test_folds_measure_every_row_once_without_its_speaker() -> None:
    whole = people(10)
    pairs = folds(whole, 5, seed=1, label="emotion")
    assert sorted(i for _, part in pairs for i in part) == list(range(40))
    for learn, measure in pairs:
        assert not {whole.rows[i].speaker for i in learn} & {whole.rows[i].speaker for i in measure}
        assert len(learn) + len(measure) == 40


def refusal(path: Path) -> str:
    """Why a manifest is refused, empty where it is not; anything else that is raised fails the test."""
    try:
        read_manifest(path)
    except CorpusError as error:
        return str(error)
    return ""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=200) | st.text(max_size=120).map(lambda text: f"{HEADING}\n{text}".encode("utf-8", "replace"))
)
def test_whatever_a_table_holds_is_read_or_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.csv").write_bytes(data)
    said = refusal(tmp_path / "m.csv")
    assert said.isprintable()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 2000))
def test_damaged_parquet_is_read_or_refused(tmp_path: Path, flips: list[tuple[int, int]], cut: int) -> None:
    path = tmp_path / "m.parquet"
    if not (tmp_path / "good.parquet").exists():
        pq.write_table(pa.table({"text": ["a", "b"] * 20, "arousal": [0.5, None] * 20}), tmp_path / "good.parquet")
    data = bytearray((tmp_path / "good.parquet").read_bytes())
    for place, value in flips:
        data[place % len(data)] = value
    path.write_bytes(bytes(data[: len(data) - cut % 40 if cut > 1500 else len(data)]))
    assert refusal(path).isprintable()
