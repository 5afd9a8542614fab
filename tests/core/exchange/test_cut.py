"""A selection: what lies in it, at the medium's times, in every format."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pympi
import pysubs2
import pytest

from mien.errors import Cancelled, ExportError
from mien.exchange.cut import cut
from mien.exchange.write import export
from mien.sdk import MediaInfo
from mien.sdk.correction import Correction
from mien.sdk.protocols import Analysis
from mien.tracks import Curve, Spans

SPAN = (10.0, 20.0)


def test_tracks_are_cut_and_spans_clipped(analysis: Analysis) -> None:
    part = cut(analysis, SPAN)
    assert part.span == SPAN
    assert part.partial == "Only 0:10.0 to 0:20.0 of 1:00.0 was exported."
    assert set(part.tracks) == set(analysis.tracks)
    for name, track in part.tracks.items():
        assert len(track) < len(analysis.tracks[name])
        if isinstance(track, Spans):
            assert ((track.start >= 10) & (track.end <= 20)).all()
        else:
            assert ((track.onsets >= 10) & (track.onsets < 20)).all()
    before, after = analysis.tracks["fusion.score"], part.tracks["fusion.score"]
    assert isinstance(before, Curve)
    assert isinstance(after, Curve)
    np.testing.assert_array_equal(after.values, before.values[20:40])
    assert cut(analysis, None) is analysis


def test_a_span_that_touches_is_kept_with_its_words(analysis: Analysis) -> None:
    whole, part = (a.tracks["speech.transcript"] for a in (analysis, cut(analysis, (2.0, 3.0))))
    assert isinstance(whole, Spans)
    assert isinstance(part, Spans)
    assert (part.start.tolist(), part.end.tolist(), part.text) == ([2.0], [3.0], whole.text[:1])


def test_corrections_are_cut_too(analysis: Analysis) -> None:
    said = Correction("fusion.verdicts", 8.0, 12.0, None, "state", None, "accepted", "", "me", datetime.now(UTC))
    later = replace(said, start=30.0, end=31.0)
    part = cut(replace(analysis, corrections=(said, later)), SPAN)
    assert [(c.start, c.end) for c in part.corrections] == [(8.0, 12.0)]


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ((5.0, 5.0), "end after it begins"),
        ((9.0, 5.0), "end after it begins"),
        ((float("nan"), 5.0), "end after it begins"),
        ((1.0, float("nan")), "end after it begins"),
        ((60.0, 70.0), "the medium ends at 60 s"),
    ],
)
def test_a_selection_that_is_none_is_told(analysis: Analysis, tmp_path: Path, span: tuple, told: str) -> None:
    with pytest.raises(ExportError, match=told):
        export(analysis, ["srt"], tmp_path / "out", {}, span=span)
    assert not (tmp_path / "out").exists()


def test_it_ends_where_the_medium_does(analysis: Analysis) -> None:
    assert cut(analysis, (-3.0, 99.0)).span == (0.0, 60.0)
    unknown = replace(analysis, media=MediaInfo(analysis.media.path))
    assert cut(unknown, (5.0, 99.0)).span == (5.0, 99.0)
    with pytest.raises(ExportError, match="length is not known"):
        cut(unknown, (5.0, float("inf")))


def test_every_format_reads_back_as_the_selection(analysis: Analysis, exporters: dict, tmp_path: Path) -> None:
    names = ["csv", "parquet", "json", "srt", "vtt", "eaf", "textgrid", "report"]
    whole = export(analysis, names, tmp_path, exporters)
    part = dict(zip(names, export(analysis, names, tmp_path, exporters, span=(10.0, 20.5)), strict=True))
    assert all(path.exists() for path in whole)
    assert part["srt"].name == "clip-10s-20.5s-mien.srt"
    score = pd.read_csv(part["csv"] / "fusion.score.csv")
    assert (score.time.min(), score.time.max(), len(score)) == (10.0, 20.0, 21)
    assert len(pd.read_parquet(part["parquet"] / "fusion.score.parquet")) == 21
    stored = json.loads(part["json"].read_text(encoding="utf-8"))
    assert stored["span"] == [10.0, 20.5]
    assert stored["partial"].startswith("Only 0:10.0 to 0:20.5")
    assert json.loads(whole[2].read_text(encoding="utf-8"))["span"] is None
    for name in ("srt", "vtt"):
        subs = pysubs2.load(str(part[name]))
        assert len(subs)
        assert all(10_000 <= s.start < s.end <= 20_501 for s in subs)
    tiers = pympi.Eaf(str(part["eaf"]))
    ends = [
        t for tier in tiers.get_tier_names() for a, b, *_ in tiers.get_annotation_data_for_tier(tier) for t in (a, b)
    ]
    assert ends
    assert min(ends) >= 9_500  # levels of curves are told in whole steps
    assert max(ends) <= 21_500
    page = part["report"].read_text(encoding="utf-8")
    assert "Only 0:10.0 to 0:20.5" in page
    assert ">0:12<" in page
    assert ">0:30<" not in page


@pytest.fixture
def clip(tmp_path: Path, make_clip: Callable[..., Path]) -> Path:
    return make_clip(tmp_path / "clip.mp4", 6.0)


def _lengths(path: Path) -> dict[str, float]:
    with av.open(str(path)) as container:
        return {s.type: float(s.duration * s.time_base) for s in container.streams if s.duration and s.time_base}


def test_of_the_video_only_the_selection_is_written(exporters: dict, clip: Path, tmp_path: Path) -> None:
    analysis = Analysis(MediaInfo(clip, 6.0, True, True, 64, 64, 10.0, 8000, 1), {})
    shares: list[float] = []
    out = export(analysis, ["video"], tmp_path, exporters, span=(2.0, 4.5), watch=shares.append)[0]
    lengths = _lengths(out)
    assert lengths["video"] == pytest.approx(2.5, abs=0.11)
    assert lengths["audio"] == pytest.approx(2.5, abs=0.2)
    assert shares == sorted(shares)
    assert len(shares) > 20
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    with av.open(str(out)) as container:
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert abs(float(first.mean()) - 20 * 5) < 12  # the clip's 21st picture, of a grey of 100
    with av.open(str(out)) as container:
        sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    rate = 8000
    assert np.abs(sound[rate // 4 : 3 * rate // 4]).mean() > 0.1  # loud from 2 s to 3 s of the clip,
    assert np.abs(sound[5 * rate // 4 : 7 * rate // 4]).mean() < 0.02  # quiet from 3 s to 4 s


def test_stopped_it_leaves_nothing_half_written(exporters: dict, clip: Path, tmp_path: Path) -> None:
    analysis = Analysis(MediaInfo(clip, 6.0, True, True, 64, 64, 10.0, 8000, 1), {})

    def watch(share: float) -> None:
        if share > 0.5:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        export(analysis, ["srt", "video", "json"], tmp_path / "out", exporters, watch=watch)
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["clip-mien.srt"]
