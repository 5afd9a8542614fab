"""Picture, playhead, overlay and transcript tell of the same moment, within a frame, in every kind of medium."""

from __future__ import annotations

import random
from bisect import bisect_right
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mien.library.library import Library
from mien.media.decode import Decoder
from mien.media.identity import content_id
from mien.media.probe import probe
from mien.tracks.track import Boxes, Spans

from .conftest import PATIENCE, MakeWindow

MEDIA = [
    "odd/vfr.mkv",
    "odd/vfr_hevc_face_appears.mov",
    "odd/rotate90_metadata.mp4",
    "odd/rotate180_metadata.mp4",
    "odd/no_duration.webm",
    "real/talking_1_vfr.mp4",
    "real/grid_lrwp9a.mpg",
    "real/crowd_50fps.avi",
]
SPOKEN = 0.4
"""s that every line of the transcript lasts."""


def readings(times: tuple[float, ...]) -> tuple[Boxes, Spans]:
    """A face whose place tells the number of the frame, and a transcript whose words tell their place."""
    boxes = np.array([[n % 40, n // 40, 12.0, 12.0] for n in range(len(times))])
    lines = [(n * SPOKEN, (n + 1) * SPOKEN, "speaker", f"line {n}", 0.9) for n in range(int(times[-1] / SPOKEN) + 2)]
    return (
        Boxes("face.boxes", np.array(times), np.ones(len(times), np.int32), boxes, np.ones(len(times))),
        Spans.of("speech.transcript", lines),
    )


@pytest.mark.parametrize("name", MEDIA)
def test_all_tell_of_the_same_moment(
    shared: Path, tmp_path: Path, make_window: MakeWindow, qtbot: QtBot, name: str
) -> None:
    path = shared / "media" / name
    with Decoder(path, audio=None) as decoder:
        times = tuple(piece.time for piece in decoder)  # type: ignore[union-attr]
    with Library(tmp_path / "library.db") as library:
        known = library.add_medium(probe(path), content_id(path))
        run = library.begin_run(known, key="key", analyzer="odd", version="1", params={})
        for track in readings(times):
            run.write(track)
        run.complete()
    window = make_window(tmp_path / "library.db")
    window.open(path)
    space, player = window.workspace, window.workspace.player
    qtbot.waitUntil(lambda: bool(window.document.readings.parts) and player.frame is not None, timeout=PATIENCE)
    qtbot.waitUntil(lambda: player.index.complete, timeout=PATIENCE)
    qtbot.waitUntil(lambda: len(space.transcript.view.script) > 0, timeout=PATIENCE)  # lines are gathered for a moment
    chance = random.Random(name)
    for n in range(4):
        at = chance.choice(times) if n % 2 else chance.uniform(0.0, times[-1])
        space.timeline.seek_requested.emit(at)
        number = max(0, bisect_right(times, player.position + 1e-6) - 1)
        qtbot.waitUntil(lambda number=number: player.frame_time == times[number], timeout=PATIENCE)
        frame, overlay = space.canvas.frame, space.canvas.overlay
        assert frame is player.frame
        assert frame is not None
        assert overlay is not None
        assert space.timeline.playhead == player.position == pytest.approx(at)
        assert overlay.time == frame.time == times[number]
        assert overlay.marks[0].box[:2] == (number % 40, number // 40)
        assert overlay.caption == f"line {int(frame.time / SPOKEN + 1e-6)}"
        row = space.transcript.view.script.row_at(player.position)
        assert row is not None
        end = times[number + 1] if number + 1 < len(times) else frame.end
        assert row in {int(moment / SPOKEN) for moment in (frame.time, player.position, end)}
    # Turned as the medium says: boxes are given in the upright picture's pixels.
    video = player.medium.video if player.medium else None
    assert video is not None
    assert player.frame is not None
    assert player.frame.size == video.size
