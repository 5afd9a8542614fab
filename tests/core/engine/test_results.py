"""Readings of the library as exporters get them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mien.engine.results import analysis_of
from mien.exchange.params import ReportParams
from mien.exchange.report import page
from mien.library.library import Library
from mien.media.medium import Medium, StreamInfo


def test_exporters_are_told_of_the_streams_that_were_analysed(tmp_path: Path) -> None:
    streams = (
        StreamInfo(0, "video", size=(64, 64), rate=1.0, attached_picture=True, default=True),
        StreamInfo(1, "video", size=(4096, 2160), rate=50.0, default=True, readable=False),
        StreamInfo(2, "video", size=(160, 120), rate=5.0),
        StreamInfo(3, "video", size=(640, 360), rate=25.0, default=True),
        StreamInfo(4, "audio", sample_rate=8000, channels=1),
        StreamInfo(5, "audio", sample_rate=48_000, channels=6, default=True),
    )
    medium = Medium(tmp_path / "clip.mkv", 1, "matroska", 2.0, 0.0, streams)
    with Library(tmp_path / "library.db") as library:
        library.add_medium(medium, "some medium")
        library.begin_run("some medium", key="k", analyzer="a", version="1").complete()
        media = analysis_of(library, "some medium").media
        assert (media.width, media.height, media.frame_rate) == (*medium.video.size, medium.video.rate)  # type: ignore[union-attr]
        assert (media.sample_rate, media.channels) == (48_000, 6)
        library.add_medium(Medium(medium.path, 1, "matroska", 2.0, 0.0, streams[:2]), "some medium")
        nothing = analysis_of(library, "some medium").media
    assert (nothing.has_video, nothing.has_audio, nothing.width) == (False, False, 0)


def test_that_there_is_no_verdict_is_told(run: Any, clip: Path, tmp_path: Path) -> None:
    done, _ = run(clip, "level", fusion="tiny")  # nothing is loud for it
    with Library(tmp_path / "library.db") as library:
        analysis = analysis_of(library, done.medium)
    assert len(analysis.tracks["fusion.score"])
    assert len(analysis.tracks["fusion.verdicts"]) == 0
    told = page(analysis, ReportParams(thumbnails=0))
    assert "None: the fused score did not stay above 0.70 for long enough" in told
    assert "<b>0</b><span>verdicts</span>" in told
