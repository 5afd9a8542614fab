"""Whatever is said, labelled or named comes out of every format as it went in, or as the format's rules have it."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from mien.exchange import info
from mien.exchange.text import clean, one_line
from mien.exchange.write import export
from mien.sdk.media import MediaInfo
from mien.sdk.protocols import Analysis
from mien.tracks import AROUSAL, Curve, Features, Provenance, Spans
from mien.tracks.track import AnyTrack

FEW = 12
MANY = int(os.environ.get("MIEN_EXAMPLES", "20000"))
EVERY = {entry.id: entry for entry in info.ALL}

said = st.one_of(
    st.text(min_size=1, max_size=40),
    st.text(st.characters(), min_size=1, max_size=20),  # half characters among them
    st.text(
        st.sampled_from("=+-@'\"<>&;{}\\,\t\r\n\0\x0b\x1f\x7f\ufeff\u2028\u202e\ud800 ab1-–]"), min_size=1, max_size=20
    ),
    st.sampled_from(
        [
            "]]>",
            "-->",
            "<b>",
            "&amp;",
            "{\\an8}",
            "\\N",
            "1",
            "''",
            '""',
            "'=1",
            "</v>",
            "<v Ann>",
            "angry 0.71",
            "NOTE",
        ]
    ),
)
texts = st.lists(said, min_size=1, max_size=4)


def _analysis(words: list[str]) -> Analysis:
    made = Provenance("speech", "1", {}, {}, "r", {})
    rows = [(2.0 * n, 2.0 * n + 1.5, word, word, 0.5, "") for n, word in enumerate(words)]
    tracks: list[AnyTrack] = [Spans.of("speech.transcript", rows, made), Spans.of("odd", rows, made)]
    media = MediaInfo(Path("/media/clip.mp4"), 60.0, True, False)
    return Analysis(media, {track.name: track for track in tracks}, "clip", {"speech": words})


def _written(words: list[str], folder: Path, name: str, **params: Any) -> Path:
    return export(_analysis(words), [name], folder, EVERY, {name: params})[0]


def _lines(words: list[str]) -> list[str]:
    return [line for word in words if (line := one_line(word))]


def _annotations(words: list[str]) -> list[str]:
    """In tiers a stretch without words has its score alone."""
    return [one_line(word) or "0.50" for word in words]


# -- each format with its second reader ------------------------------------------------------------------------------


def _srt(words: list[str], folder: Path) -> None:
    import pysubs2

    from mien.exchange.subtitles import _plain

    path = _written(words, folder, "srt", line_length=0)
    found = pysubs2.load(str(path), encoding="utf-8", keep_html_tags=True, format_="srt")
    expected = [_plain(line) for line in _lines(words)]
    assert [" ".join(event.text.replace("\\N", "\n").split()) for event in found] == [
        " ".join(e.split()) for e in expected
    ]


def _vtt(words: list[str], folder: Path) -> None:
    from mien.media.subtitles import read_file

    path = _written(words, folder, "vtt", line_length=0, colour=False)
    expected = [line.replace("\\", "＼") for line in _lines(words)]
    assert [cue.text for cue in read_file(path)] == expected if expected else True


def _elan(words: list[str], folder: Path) -> None:
    from pympi.Elan import Eaf

    path = _written(words, folder, "eaf")
    eaf = Eaf(str(path))
    values = sorted(eaf.get_annotation_data_for_tier("speech.transcript"))
    assert [value for *_, value in values] == _annotations(words)
    assert [(start, end) for start, end, _ in values] == [(2000 * n, 2000 * n + 1500) for n in range(len(words))]


def _textgrid(words: list[str], folder: Path) -> None:
    from pympi.Praat import TextGrid

    grid = TextGrid(str(_written(words, folder, "textgrid")), codec="utf-8")
    tier = next(t for t in grid.get_tiers() if t.name == "speech.transcript")
    found = [text for _, _, text in tier.get_intervals() if text]
    assert found == _annotations(words)


def _csv(words: list[str], folder: Path) -> None:
    from mien.training.manifest_file import unguarded

    path = _written(words, folder, "csv") / "odd.csv"
    with path.open(encoding="utf-8", newline="") as file:
        heading, *rows = list(csv.reader(file))
    column = heading.index("text")
    for row, word in zip(rows, words, strict=True):
        cell, plain = row[column], clean(word)
        assert cell == plain or cell == f"'{plain}"
        assert plain.startswith("'") or unguarded(cell) == plain


def _json(words: list[str], folder: Path) -> None:
    told = json.loads(_written(words, folder, "json").read_text(encoding="utf-8"))
    track = next(t for t in told["tracks"] if t["name"] == "odd")
    column = [c["name"] for c in track["columns"]].index("text")
    assert [row[column] for row in track["rows"]] == [clean(word) for word in words]
    assert told["notes"]["speech"] == [clean(word) for word in words]


def _parquet(words: list[str], folder: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(_written(words, folder, "parquet") / "odd.parquet")
    assert table.column("text").to_pylist() == [word.encode("utf-8", "replace").decode() for word in words]


def _report(words: list[str], folder: Path) -> None:
    from html.parser import HTMLParser

    class Text(HTMLParser):
        lines: list[str]
        inside = False

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "span" and ("class", "x") in attrs:
                self.inside = True
                self.lines.append("")
            assert tag != "script"

        def handle_endtag(self, tag: str) -> None:
            self.inside = self.inside and tag != "span"

        def handle_data(self, data: str) -> None:
            if self.inside:
                self.lines[-1] += data

    reader = Text()
    reader.lines = []
    reader.feed(_written(words, folder, "report", thumbnails=0).read_text(encoding="utf-8"))
    assert reader.lines == _lines(words)


def _library(words: list[str], folder: Path) -> None:
    from mien.library.codec import decode, encode

    times = np.arange(float(len(words)))
    for track in (
        _analysis(words).tracks["odd"],
        Curve(words[0], times, np.full((len(words), 1), np.nan, np.float32), (replace(AROUSAL, name=words[0]),)),
        Features(words[0], times, np.zeros((len(words), 2), np.float32)),
    ):
        again = decode(encode(replace(track, provenance=None)), Provenance("", ""))
        assert again.name == track.name
        if isinstance(track, Spans):
            assert list(again.text) == [word.encode("utf-8", "replace").decode() for word in words]  # type: ignore[union-attr]
            np.testing.assert_array_equal(again.start, track.start)  # type: ignore[union-attr]
        if isinstance(track, Curve):
            assert again.quantities == track.quantities  # type: ignore[union-attr]
            assert np.isnan(again.values).all()  # type: ignore[union-attr]


def _labels(words: list[str], folder: Path) -> None:
    """Mien's own ELAN files and tables, read again as labels."""
    from mien.truth.labels import read_labels

    path = _written(words, folder, "eaf")
    (column,) = [c for c in read_labels(path).columns if c.name == "speech.transcript"]
    assert [label.value for label in column.labels] == _annotations(words)


FORMATS: dict[str, Callable[[list[str], Path], None]] = {
    function.__name__.strip("_"): function
    for function in (_srt, _vtt, _elan, _textgrid, _csv, _json, _parquet, _report, _library, _labels)
}


def _run(name: str, folder: Path, examples: int, *, same: bool) -> None:
    def check(words: list[str]) -> None:
        FORMATS[name](words, folder)

    phases = (Phase.explicit, Phase.generate, Phase.shrink)
    run = settings(
        max_examples=examples, derandomize=same, deadline=None, database=None, phases=phases,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )(given(texts)(check))  # fmt: skip
    (run if same else seed(6)(run))()


@pytest.mark.parametrize("name", FORMATS)
def test_any_text_comes_back(name: str, tmp_path: Path) -> None:
    _run(name, tmp_path, FEW, same=True)


@pytest.mark.faults
@pytest.mark.parametrize("name", FORMATS)
def test_very_many_texts_come_back(name: str, tmp_path: Path) -> None:
    _run(name, tmp_path, MANY, same=False)
    print(f"{name}: {MANY} lists of texts came back", flush=True)
