"""Readings of the library as exporters get them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np

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


def test_an_analysis_tells_which_stream_was_heard_last(run: Any, two_sounds: Path, tmp_path: Path) -> None:
    """And an annotated video carries it: what is seen and what is heard belong together."""
    from mien.exchange import info
    from mien.exchange.write import export

    def loudest(path: Path) -> float:
        with av.open(str(path)) as container:
            assert len(container.streams.audio) == 1
            return max(float(np.abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0))

    exporters = {entry.id: entry for entry in info.ALL}
    for stream, tells, heard in ((None, None, True), ("eng", 2, False), ("deu", None, True), (2, 2, False)):
        done, _ = run(two_sounds, "level", "brightness", audio_stream=stream)
        with Library(tmp_path / "library.db") as library:
            analysis = analysis_of(library, done.medium)
            assert analysis.media.audio_stream == tells
            assert (float(analysis.tracks["tiny.level"].values.max()) > -20) is heard
            assert analysis.tracks["tiny.brightness"].provenance.details == {}
            for span in (None, (0.5, 1.5)) if stream in (None, "eng") else ():
                (video,) = export(analysis, ["video"], tmp_path / f"{tells}", exporters, span=span)
                assert (loudest(video) > 0.1) is heard
