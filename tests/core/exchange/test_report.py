"""The HTML report: well formed, escaped, self-contained, small, and it says what the tracks say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from mien.exchange.decimate import min_max, strokes
from mien.exchange.findings import describe, findings
from mien.exchange.lines import lines
from mien.sdk.protocols import Analysis
from mien.tracks import CONFLICT, Curve, Quantity, Spans

Write = Callable[..., Path]
_VOID = {"meta", "br", "img"}


class _Page(HTMLParser):
    """Checks nesting and gathers elements and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]


def _page(path: Path) -> _Page:
    return _Page(path.read_text(encoding="utf-8"))


def test_report_shows_every_reading(analysis: Analysis, written: Write) -> None:
    page = _page(written(analysis, "report", thumbnails=0))
    for name, track in analysis.tracks.items():
        if track.kind != "features":
            assert name in page.text
    for line in lines(analysis):
        assert line.text.split()[0] in page.text
    assert "pleasant 1" in page.text  # the extents' ends and what they mean
    assert "calm −1" in page.text
    assert "threshold 0.70" in page.text
    assert "text 0.93 (weight 60 %)" in page.text
    assert "The transcript was written by pocketsphinx." in page.text
    assert "speech-net" in page.text
    curves = [t for t in analysis.tracks.values() if t.kind == "curve"]
    assert len(page.all("svg")) == len(curves) + 1
    assert all(attrs["role"] == "img" for attrs in page.all("svg"))
    assert len(page.all("desc")) == len(curves) + 1
    assert any(attrs.get("scope") == "col" for attrs in page.all("th"))


def test_report_needs_nothing_from_outside(analysis: Analysis, written: Write) -> None:
    path = written(analysis, "report")
    page, text = _page(path), path.read_text(encoding="utf-8")
    assert "http:" not in text.replace("http-equiv", "")
    assert "https:" not in text
    assert "url(" not in text
    assert not page.all("script")
    assert not page.all("link")
    for _, attrs in page.elements:
        assert not any(name.startswith("on") for name in attrs)
        assert (attrs.get("href") or "#").startswith("#")
        assert (attrs.get("src") or "data:").startswith("data:")
    assert any("default-src 'none'" in (attrs.get("content") or "") for attrs in page.all("meta"))
    targets = {attrs["id"] for _, attrs in page.elements if "id" in attrs}
    assert {attrs["href"][1:] for attrs in page.all("a") if attrs.get("href")} <= targets


def test_report_escapes_everything(hostile_analysis: Analysis, written: Write) -> None:
    path = written(hostile_analysis, "report")
    page = _page(path)
    assert not page.all("script")
    assert not page.all("i") or all("src" not in attrs for attrs in page.all("i"))
    assert not page.all("img")
    assert not page.all("b") or "Eve" in page.text
    assert "<script>alert('x')</script>" in page.text
    assert "note </p><script>" in page.text
    assert "cut <off> at 3 s" in page.text
    assert "odd.<curve>" in page.text
    assert path.name == "_img src=x_ clip-mien.html"
    assert "\x00" not in path.read_text(encoding="utf-8")


def test_report_of_nothing(empty_analysis: Analysis, written: Write) -> None:
    page = _page(written(empty_analysis, "report"))
    assert "Nothing found." in page.text
    bare = replace(empty_analysis, tracks={}, media=replace(empty_analysis.media, duration=None))
    assert "of unknown length" in _page(written(bare, "report")).text


def test_report_of_two_hours_is_quick_and_small(long_analysis: Analysis, written: Write) -> None:
    begin = time.process_time()
    path = written(long_analysis, "report")
    assert time.process_time() - begin < 30  # a guard against quadratic code, not a measurement
    assert path.stat().st_size < 3_000_000
    _page(path)


@pytest.mark.parametrize("name", ["csv", "parquet", "json", "srt", "vtt", "eaf", "textgrid"])
def test_two_hours_in_every_format(long_analysis: Analysis, written: Write, name: str) -> None:
    begin = time.process_time()
    assert written(long_analysis, name).exists()
    assert time.process_time() - begin < 30


def test_words_that_drove_a_flagged_line_are_marked(analysis: Analysis, written: Write) -> None:
    rows = [(0.0, 2.0, "asr", "you said the plan, you did", 0.9, ""), (3.0, 5.0, "asr", "fine you", 0.9, "")]
    drivers = [(0.1, 0.3, "offence", "you", 0.5), (0.4, 0.6, "offence", "the", -0.4)]
    tracks = {
        "speech.transcript": Spans.of("speech.transcript", rows),
        "text.offence": Spans.of("text.offence", [(0.0, 2.0, "offensive", "", 0.92), (3.0, 5.0, "not", "", 0.1)]),
        "text.words": Spans.of("text.words", [*drivers, (3.1, 3.3, "offence", "you", 0.3)]),
    }
    text = written(replace(analysis, tracks=tracks), "report").read_text(encoding="utf-8")
    assert '<mark title="attribution +0.50">you</mark> said the plan, you did' in text
    assert text.count("<mark title") == 1
    assert '<li id="u0" class="o4">' in text
    assert '<li id="u1">' in text


def test_a_fusion_of_ones_own_is_not_called_hostile(analysis: Analysis, written: Write) -> None:
    assert "Stretches judged hostile." in written(analysis, "report").read_text(encoding="utf-8")
    score = analysis.tracks["fusion.score"]
    assert isinstance(score, Curve)
    aroused = replace(score, quantities=(Quantity("aroused", "", 0.0, 1.0, "calm", "excited"),))
    text = written(replace(analysis, tracks={**analysis.tracks, "fusion.score": aroused}), "report").read_text("utf-8")
    assert "Stretches judged aroused. The fused score reached 0.70. Scores from 0, calm, to 1, excited" in text
    assert "hostile" not in text.split('id="verdicts"')[1].split("<table>")[0]


def test_the_attention_of_a_network_is_drawn_over_the_words(analysis: Analysis, written: Write) -> None:
    rows = [(0.0, 2.0, "asr", "you said the plan, you did", 0.9, ""), (3.0, 5.0, "asr", "fine", 0.9, "")]
    shares = zip(("you", "said", "the", "plan,", "you", "did"), (0.5, 0.01, 0.14, 0.25, 0.1, 0.0), strict=True)
    looked = [(0.3 * i, 0.3 * i + 0.2, "attention", word, share) for i, (word, share) in enumerate(shares)]
    tracks = {
        "speech.transcript": Spans.of("speech.transcript", rows),
        "text.offence": Spans.of("text.offence", [(0.0, 2.0, "offensive", "", 0.92)]),
        "text.words": Spans.of("text.words", [(0.9, 1.1, "offence", "plan,", 0.5)]),
        "text.attention": Spans.of("text.attention", looked),
    }
    text = written(replace(analysis, tracks=tracks), "report").read_text(encoding="utf-8")
    assert '<span class="at4" title="50 % of attention">you</span> said <span class="at1"' in text
    assert '<span class="at2" title="25 % of attention"><mark title="attribution +0.50">plan,</mark></span>' in text
    assert '<span class="at1" title="10 % of attention">you</span> did</span>' in text
    assert "got most of a network's attention" in text
    assert "to “you” at 0:00.0" in text
    without = replace(analysis, tracks={n: t for n, t in tracks.items() if n != "text.attention"})
    assert "attention" not in written(without, "report").read_text(encoding="utf-8").split("</style>")[1]


def test_models_are_shown_with_licence_and_measured_figures(analysis: Analysis, written: Write) -> None:
    from mien.models import store
    from mien.training.card import Card, DataSource, Metric, save_model, write_card

    folder = store.user_models() / "text-net"
    save_model(folder, {"w": torch.zeros(3)}, {})
    data = (DataSource("A <corpus>", "CC-BY-4.0", "training"),)
    metrics = (Metric("macro-F1", 0.741, 0.712, 0.768, 860),)
    write_card(folder, Card("text-net", "Text & more", "t", "MIT", data, "s", (0,), metrics, ("English only",), "c"))
    track = analysis.tracks["text.offence"]
    assert track.provenance is not None
    ours = replace(track, provenance=replace(track.provenance, models={"text-net": store.fingerprint("text-net")}))
    text = _page(written(replace(analysis, tracks={"text.offence": ours}), "report")).text
    for part in ("Text & more", "MIT", "macro-F1 0.741 (0.712 … 0.768), test, n = 860", "A <corpus>", "English only"):
        assert part in text
    text = _page(written(replace(analysis, tracks={"text.offence": track}), "report")).text
    assert "0.741" not in text  # other weights than those that spoke
    assert "the weights that are here now are others" in text


def test_pictures_come_from_the_medium(analysis: Analysis, written: Write, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(100):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 90, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    page = _page(written(replace(analysis, media=replace(analysis.media, duration=10.0)), "report", thumbnails=3))
    shots = page.all("img")
    assert 1 <= len(shots) <= 3
    assert all((shot["src"] or "").startswith("data:image/jpeg;base64,") for shot in shots)


def test_decimation_keeps_peaks_and_ends() -> None:
    times = np.linspace(0, 100, 50_001)
    values = np.sin(times).astype(np.float32)
    values[33_333], values[12_345] = 9.0, -9.0
    rows = min_max(times, values, 1500)
    assert rows.size <= 1500
    assert {0, 12_345, 33_333, 50_000} <= set(rows.tolist())
    assert (np.diff(rows) > 0).all()
    assert min_max(times[:10], values[:10], 1500).tolist() == list(range(10))


def test_lines_break_at_gaps_and_nan() -> None:
    times = np.array([0, 1, 2, 10, 11, 12, 13], float)
    values = np.array([0, 1, np.nan, 3, 4, np.nan, 5], np.float32)
    pieces = strokes(times, values, 100)
    assert [t.tolist() for t, _ in pieces] == [[0, 1], [10, 11, 13]]
    assert strokes(times[:0], values[:0], 100) == []


def test_findings_name_numbers_with_units_and_times(analysis: Analysis) -> None:
    told = {finding.track: finding for finding in findings(analysis)}
    assert "emotion.embedding" not in told
    assert told["speech.transcript"].modality == "Speech"
    assert told["speech.transcript"].text.startswith("14 utterances, 137 words; 2 speakers; written by pocketsphinx")
    assert told["face.boxes"].text.startswith("2 persons: person 1 for 1:00.0")
    nothing = Curve("conflict.intensity", np.array([1.0]), np.array([[np.nan]]), (CONFLICT,))
    assert describe(nothing) == "conflict: no reading."
