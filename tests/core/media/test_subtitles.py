"""Subtitles beside and within a medium, in every encoding that turns up, whole and broken."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MediaError
from mien.media.ffmpeg import ffmpeg_path
from mien.media.probe import probe
from mien.media.subtitles import MAX_BYTES, decode_text, find_cues, parse, read_file, side_cars
from mien.sdk.media import Cue

SRT = """1
00:00:00,100 --> 00:00:00,600
<i>Good</i> morning,
{\\an8}Zoë.

2
00:00:01,000 --> 00:00:01,500
It is <b>late</b> &amp; cold.
"""
VTT = """WEBVTT

NOTE nobody reads this

00:00.100 --> 00:00.600 align:start position:10%
<v Ann Lee>Good morning,
Zoë.</v>

late
00:00:01.000 --> 00:00:01.500
<v.loud Bob>It is <c.big>late</c> &amp; cold.
"""
ASS = """[Script Info]
ScriptType: v4.00+

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:00.10,Default,,0,0,0,,not said
Dialogue: 0,0:00:01.00,0:00:01.50,Default,Bob,0,0,0,,It is {\\b1}late{\\b0} & cold.
Dialogue: 0,0:00:00.10,0:00:00.60,Default,Ann Lee,0,0,0,,Good morning,\\NZoë.
Dialogue: 0,0:00:00.10,0:00:00.60,Default,,0,0,0,,{\\p1}m 0 0 l 10 10{\\p0}
"""
TEXTS = ["Good morning, Zoë.", "It is late & cold."]


def check(cues: tuple[Cue, ...], speakers: tuple[str, str] = ("", "")) -> None:
    assert [c.text for c in cues] == TEXTS
    np.testing.assert_allclose([(c.start, c.end) for c in cues], [(0.1, 0.6), (1.0, 1.5)], atol=1e-3)
    assert tuple(c.speaker for c in cues) == speakers


@pytest.fixture
def clip(make, sine):
    return make("my clip.mkv", times=np.arange(50) / 25, sounds=[sine(2.0, 16_000)], languages=["eng"])


@pytest.mark.parametrize(
    ("suffix", "text", "speakers"),
    [(".srt", SRT, ("", "")), (".vtt", VTT, ("Ann Lee", "Bob")), (".ass", ASS, ("Ann Lee", "Bob"))],
)
def test_side_cars(clip, suffix, text, speakers):
    side = clip.with_suffix(suffix)
    side.write_text(text, encoding="utf-8")
    cues, source = find_cues(probe(clip))
    check(cues, speakers)
    assert source == side.name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_encodings(tmp_path, encoding):
    path = tmp_path / "clip.srt"
    path.write_bytes(SRT.replace("\n", "\r\n").encode(encoding))
    check(read_file(path))


def test_which_side_car_comes_first(clip):
    folder = clip.parent
    for name in (
        "my clip.de.srt",
        "my clip.fr.vtt",
        "my clip.eng.ass",
        "my clip 2.srt",
        "my clip.notes-on-it.srt",
        "other.srt",
    ):
        (folder / name).write_text(SRT)
    assert [p.name for p in side_cars(clip, "eng")] == ["my clip.eng.ass", "my clip.de.srt", "my clip.fr.vtt"]
    assert next(p.name for p in side_cars(clip, "ger")) == "my clip.eng.ass"
    assert next(p.name for p in side_cars(clip, "de")) == "my clip.de.srt"
    (folder / "my clip.srt").write_text(SRT)
    (folder / "my clip.mkv.vtt").write_text(VTT)
    assert [p.name for p in side_cars(clip, "eng")][:2] == ["my clip.srt", "my clip.mkv.vtt"]


@pytest.mark.parametrize(
    ("container", "codec", "text", "kind", "speakers"),
    [
        ("mkv", "subrip", SRT, "srt", ("", "")),
        ("mkv", "ass", ASS, "ass", ("Ann Lee", "Bob")),
        ("mp4", "mov_text", SRT, "srt", ("", "")),
        ("webm", "webvtt", VTT, "vtt", None),
    ],
)
def test_embedded(make, sine, tmp_path, container, codec, text, kind, speakers):
    webm = container == "webm"
    video = make(
        f"plain.{container}", times=np.arange(50) / 25, vcodec="libvpx" if webm else "mpeg4",
        acodec="libopus" if webm else "aac", rate=48_000, sounds=[sine(2.0, 48_000)],
    )  # fmt: skip
    side = tmp_path / f"words.{kind}"
    side.write_text(text, encoding="utf-8")
    path = tmp_path / f"with.{container}"
    command = [
        str(ffmpeg_path()),
        "-v",
        "error",
        "-i",
        str(video),
        "-i",
        str(side),
        "-c",
        "copy",
        "-c:s",
        codec,
    ]
    subprocess.run([*command, "-metadata:s:s:0", "language=eng", str(path)], check=True)
    medium = probe(path)
    cues, source = find_cues(medium)
    check(cues, speakers or tuple(c.speaker for c in cues))
    assert source == f"embedded stream {medium.subtitles[0].index} ({codec}, eng)"
    assert medium.info(cues=cues, cue_source=source).cues == cues


def test_nasa_talks(shared):
    cues, source = find_cues(probe(shared / "media/odd/six_streams_nasa.mp4"))
    assert "space telescope" in cues[1].text
    assert source.startswith("embedded stream 2 (mov_text")
    assert cues[-1].end <= 13.06


@pytest.mark.parametrize(
    "content", [b"", b"no subtitles here", bytes(100), b"\xff\xfe", b"WEBVTT\n\n", b"1\n00:00:0x --> y\n?"]
)
def test_a_broken_side_car_is_told_and_stops_nothing(clip, content):
    clip.with_suffix(".srt").write_bytes(content)
    notes: list[str] = []
    assert find_cues(probe(clip), notes) == ((), "")
    assert len(notes) == 1
    assert "\n" not in notes[0]
    assert "my clip.srt" in notes[0]


def test_behind_a_broken_side_car_comes_the_next(clip):
    clip.with_suffix(".srt").write_bytes(b"broken")
    clip.with_suffix(".vtt").write_text(VTT, encoding="utf-8")
    cues, source = find_cues(probe(clip))
    assert source == "my clip.vtt"
    assert len(cues) == 2


def test_behind_one_of_another_medium_comes_the_next(clip):
    clip.with_suffix(".srt").write_text("1\n01:00:00,000 --> 01:00:02,000\nan hour later\n")
    notes: list[str] = []
    assert find_cues(probe(clip), notes) == ((), "")
    assert len(notes) == 1
    assert "behind the medium's end" in notes[0]
    clip.with_suffix(".vtt").write_text(VTT)
    cues, source = find_cues(probe(clip))
    assert (len(cues), source) == (2, "my clip.vtt")


def test_limits(tmp_path):
    path = tmp_path / "huge.srt"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(MediaError, match="larger than"):
        read_file(path)
    with pytest.raises(MediaError, match=r"\.srt"):
        read_file(tmp_path / "a.sub")
    assert len(parse("1\n00:00:00,000 --> 00:00:01,000\n" + "word " * 5_000, "srt")[0].text) <= 4_000


def test_cues_outside_the_medium_are_left_out(clip):
    late = "\n2\n00:00:01,900 --> 00:00:09,000\nrest\n\n3\n00:01:00,000 --> 00:01:01,000\nnever\n"
    clip.with_suffix(".srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nhi\n" + late)
    cues, _ = find_cues(probe(clip))
    assert [c.text for c in cues] == ["hi", "rest"]
    assert cues[-1].end == pytest.approx(probe(clip).duration)


def test_one_broken_line_costs_only_itself():
    broken = ASS.replace("0:00:01.00,", "soon,")
    assert [c.text for c in parse(broken, "ass")] == TEXTS[:1]
    assert next(c.text for c in parse(SRT.replace("00:00:01,000", "soon"), "srt")).startswith(TEXTS[0])


@settings(deadline=None, max_examples=150)
@given(text=st.text(max_size=400), kind=st.sampled_from(["srt", "vtt", "ass", "ssa"]), cut=st.integers(0, 500))
def test_no_text_breaks_it(text, kind, cut):
    whole = {"srt": SRT, "vtt": VTT}.get(kind, ASS)
    for candidate in (text, whole[:cut] + text + whole[cut:]):
        for cue in parse(candidate, kind):
            assert 0 <= cue.start < cue.end
            assert cue.text == cue.text.strip() != ""


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_any_bytes_are_text(data):
    assert isinstance(decode_text(data), str)
