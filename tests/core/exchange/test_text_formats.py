"""SRT, WebVTT, ELAN and TextGrid, read back by pysubs2 and pympi."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pympi
import pysubs2
import pytest

from mien.sdk.protocols import Analysis
from mien.tracks import Spans

Write = Callable[..., Path]


def _spoken(analysis: Analysis) -> list[tuple[float, float, str]]:
    track = analysis.tracks["speech.transcript"]
    return [(s, e, t) for s, e, _, t, _, _ in track.rows()]


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_subtitles_come_back_through_pysubs2(analysis: Analysis, written: Write, name: str) -> None:
    path = written(analysis, name, line_length=0, speaker=False)
    back = pysubs2.load(str(path))
    spoken = _spoken(analysis)
    assert [html.unescape(e.plaintext) for e in back] == [text for _, _, text in spoken]
    assert [(e.start, e.end) for e in back] == [(round(s * 1000), round(e * 1000)) for s, e, _ in spoken]


@pytest.mark.parametrize("name", ["srt", "vtt"])
def test_long_utterances_become_cues(analysis: Analysis, written: Write, name: str) -> None:
    long = [(10.0, 20.0, "x", "word " * 60 + "end", 0.9, "")]
    analysis = replace(analysis, tracks={"speech.transcript": Spans.of("speech.transcript", long)})
    back = pysubs2.load(str(written(analysis, name, line_length=30, max_lines=2)))
    assert len(back) > 3
    rows = [row for event in back for row in event.plaintext.split("\n")]
    assert max(map(len, rows)) <= 30
    assert " ".join(rows).split() == long[0][3].split()
    assert back[0].start == 10_000
    assert back[-1].end == 20_000
    assert all(a.end == b.start for a, b in itertools.pairwise(back))


def test_cues_begin_with_their_words(analysis: Analysis, written: Write) -> None:
    back = pysubs2.load(str(written(analysis, "srt", line_length=20, max_lines=1, speaker=False)))
    starts = {round(s * 1000) for s in analysis.tracks["speech.words"].start}
    assert len(back) > len(analysis.tracks["speech.transcript"])
    assert {event.start for event in back} <= starts


def test_unsure_utterances_are_left_out(analysis: Analysis, written: Write) -> None:
    sure = analysis.tracks["speech.transcript"].score >= 0.7
    back = pysubs2.load(str(written(analysis, "srt", line_length=0, min_confidence=0.7)))
    assert 0 < len(back) == int(sure.sum()) < sure.size


def test_vtt_marks_offence_and_speakers(analysis: Analysis, written: Write) -> None:
    text = written(analysis, "vtt").read_text(encoding="utf-8")
    assert text.startswith("WEBVTT\n\nSTYLE\n::cue(.offence-some)")
    assert "<v Anna>" in text
    assert "<c.offence-strong>" in text
    assert re.search(r"<c\.driver>\w+</c>", text)
    plain = written(analysis, "vtt", colour=False, speaker=False).read_text(encoding="utf-8")
    assert "<" not in plain


def test_hostile_text_stays_text_in_subtitles(hostile_analysis: Analysis, written: Write) -> None:
    for name in ("srt", "vtt"):
        path = written(hostile_analysis, name, line_length=0, speaker=False)
        back = pysubs2.load(str(path), keep_html_tags=True)
        assert len(back) == len(hostile_analysis.tracks["speech.transcript"])
        raw = path.read_text(encoding="utf-8")
        assert "<script" not in raw
        assert all(line.count("-->") <= 1 for line in raw.splitlines())
        assert raw.count("-->") == len(back)
        assert "مرحبا" in raw


def test_eaf_comes_back_through_pympi(analysis: Analysis, written: Write) -> None:
    path = written(analysis, "eaf")
    eaf = pympi.Eaf(str(path))
    spoken = [r for r in analysis.tracks["speech.transcript"].rows() if r[5] == "Anna"]
    back = sorted(eaf.get_annotation_data_for_tier("speech.transcript Anna"))
    assert [(s, e, t) for s, e, t in back] == [(round(r[0] * 1000), round(r[1] * 1000), r[3]) for r in spoken]
    names = set(eaf.get_tier_names())
    assert {
        "speech.words Bo",
        "text.offence",
        "text.hate",
        "fusion.verdicts",
        "conflict.intensity conflict",
    } <= names
    assert {"face.expression person 1", "face.expression person 2", "emotion.attributes arousal"} <= names
    assert not any("embedding" in name for name in names)
    assert eaf.media_descriptors[0]["MIME_TYPE"] == "video/mp4"
    assert eaf.media_descriptors[0]["RELATIVE_MEDIA_URL"] == "../clip.mp4"
    slots = list(eaf.timeslots.values())
    assert slots == sorted(slots)
    assert eaf.get_parameters_for_tier("face.expression person 2")["PARTICIPANT"] == "person 2"
    assert not list(path.parent.glob("*.bak"))
    written(analysis, "eaf")
    assert [p.name for p in path.parent.iterdir()] == ["clip-mien.eaf"]


def _overlaps(marks: list[tuple[float, float, str]]) -> bool:
    marks = sorted(marks)
    return any(a[1] > b[0] for a, b in itertools.pairwise(marks))


def test_no_tier_overlaps(analysis: Analysis, hostile_analysis: Analysis, written: Write) -> None:
    for each in (analysis, hostile_analysis):
        eaf = pympi.Eaf(str(written(each, "eaf")))
        for name in eaf.get_tier_names():
            assert not _overlaps([a[:3] for a in eaf.get_annotation_data_for_tier(name)]), name
        grid = pympi.TextGrid(str(written(each, "textgrid")))
        for tier in grid.get_tiers():
            assert not _overlaps(list(tier.get_intervals())), tier.name


def test_overlapping_spans_keep_their_times(hostile_analysis: Analysis, written: Write) -> None:
    eaf = pympi.Eaf(str(written(hostile_analysis, "eaf", tracks="speech.*")))
    lanes = [n for n in eaf.get_tier_names() if n.startswith("speech.transcript <b>Eve</b>")]
    assert len(lanes) == 3  # 2.5 s long, one a second
    times = sorted(a[:2] for n in lanes for a in eaf.get_annotation_data_for_tier(n))
    assert times == [(n * 1000, n * 1000 + 2500) for n in range(8)]
    assert eaf.get_annotation_data_for_tier('speech.transcript ="Mal"') == [(3000, 3001, "no length")]
    texts = {a[2] for n in lanes for a in eaf.get_annotation_data_for_tier(n)}
    assert "<script>alert('x')</script> & \"quotes\"" in texts
    assert "nul�bell�" in texts


def test_textgrid_comes_back_through_pympi(analysis: Analysis, written: Write) -> None:
    grid = pympi.TextGrid(str(written(analysis, "textgrid")))
    assert grid.xmax >= 60
    words = [i for i in grid.get_tier("speech.words Anna").get_intervals() if i[2]]
    spoken = [r for r in analysis.tracks["speech.words"].rows() if r[5] == "Anna"]
    assert [w[2] for w in words] == [r[3] for r in spoken]
    assert all(abs(w[0] - r[0]) < 1e-6 and abs(w[1] - r[1]) < 1e-6 for w, r in zip(words, spoken, strict=True))
    for tier in grid.get_tiers():  # an interval tier covers everything, once
        intervals = list(tier.get_intervals())
        assert intervals[0][0] == grid.xmin
        assert intervals[-1][1] == grid.xmax
        assert all(a[1] == b[0] for a, b in itertools.pairwise(intervals))


def test_textgrid_points(analysis: Analysis, written: Write) -> None:
    path = written(analysis, "textgrid", curves="point", step=1.0, tracks="emotion.attributes")
    tier = pympi.TextGrid(str(path)).get_tier("emotion.attributes arousal")
    assert tier.tier_type == "TextTier"
    curve = analysis.tracks["emotion.attributes"]
    points = list(tier.get_intervals())
    assert len(points) == len(curve)
    assert all(abs(float(mark) - v) < 6e-5 for (_, mark), v in zip(points, curve.channel("arousal"), strict=True))
    assert abs(points[0][0] - 0.5) < 1e-9


def test_hostile_text_in_a_textgrid(hostile_analysis: Analysis, written: Write) -> None:
    grid = pympi.TextGrid(str(written(hostile_analysis, "textgrid")))
    texts = {i[2] for tier in grid.get_tiers() for i in tier.get_intervals()}
    assert "<script>alert('x')</script> & \"quotes\"" in texts
    assert any("second line --> third" in text for text in texts)


@pytest.mark.parametrize("name", ["srt", "vtt", "eaf", "textgrid"])
def test_nothing_to_write_gives_a_valid_empty_file(empty_analysis: Analysis, written: Write, name: str) -> None:
    path = written(empty_analysis, name)
    if name in ("srt", "vtt"):
        assert len(pysubs2.load(str(path), format_=name)) == 0
    elif name == "eaf":
        assert all(
            pympi.Eaf(str(path)).get_annotation_data_for_tier(t) == [] for t in pympi.Eaf(str(path)).get_tier_names()
        )
    else:
        assert pympi.TextGrid(str(path)).xmax == 60
