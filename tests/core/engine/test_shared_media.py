"""Every real and odd medium through the whole engine: readings, or one sentence and an unchanged library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import MediaError
from mien.library.library import Library

SHARED = Path(__file__).resolve().parents[4] / "shared" / "media"
FILES = [p for kind in ("real", "odd") for p in sorted((SHARED / kind).glob("*"))] if SHARED.is_dir() else []
REFUSED = {"text_renamed.mp4", "truncated_no_moov.mp4", "zero_byte.mp4"}
PARTIAL = {"corrupt_bytes.mp4", "truncated.mkv", "truncated_faststart_half.mp4"}
SILENT = {"-leading-dash-1x1px.mp4", "animation.gif", "av1_video.mkv", "no_audio.mp4", "one_frame.mp4"}


@pytest.mark.parametrize("path", FILES or [None], ids=lambda p: p.name if p else "absent")
def test_a_medium_gives_readings_or_a_sentence(run: Any, shared: Path, tmp_path: Path, path: Path | None) -> None:
    assert path is not None
    if path.name in REFUSED:
        with pytest.raises(MediaError) as caught:
            run(path, "level", "brightness")
        assert "\n" not in str(caught.value)
        with Library(tmp_path / "library.db") as library:
            assert library.media() == []
        return
    done, _ = run(path, "heard", "cropmean")
    assert done.failed == {}
    assert bool(done.partial) == (path.name in PARTIAL), done.partial
    with Library(tmp_path / "library.db") as library:
        medium = library.medium(done.medium)
        tracks = medium.tracks()
        assert len(tracks.get("tiny.level", ())) + len(tracks.get("tiny.brightness", ())) > 0
        assert bool(set(tracks) & {"tiny.level"}) == (path.name not in SILENT and not path.name.startswith("face_no"))
        for track in tracks.values():
            start, end = track.extent
            assert start >= 0
            assert end <= done.duration + 0.2
            assert (np.diff(track.onsets) >= 0).all()
        if "tiny.crops" in tracks:
            assert tracks["tiny.crops"].times.tolist() == tracks["tiny.boxes"].times.tolist()
