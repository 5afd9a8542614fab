"""After a seek or a step the picture is the one whose interval contains the playhead, by its true time."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from time import monotonic

import av
import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mien.media.decode import Decoder
from mien_desktop.player.picture import Frame
from mien_desktop.player.player import Player

from .conftest import Heartbeat, MakePlayer, shown_at, true_times

MEDIA = [
    "real/grid_lrwp9a.mpg",
    "real/hamilton_interview.mp4",
    "real/talking_1_vfr.mp4",
    "odd/animation.gif",
    "odd/av1_video.mkv",
    "odd/corrupt_bytes.mp4",
    "odd/no_duration.webm",
    "odd/odd_dims.webm",
    "odd/odd_timebase_no_speech.mp4",
    "odd/old.avi",
    "odd/one_frame.mp4",
    "odd/rotate90_metadata.mp4",
    "odd/truncated_faststart_half.mp4",
    "odd/vfr.mkv",
    "odd/vfr_hevc_face_appears.mov",
]


def seek(qtbot: QtBot, player: Player, moment: float) -> Frame:
    """Seek, and wait for the picture: as long as the thread takes to deliver it, whether it is another one or not."""
    count = len(arrived(player))
    player.seek(moment)
    qtbot.waitUntil(lambda: len(arrived(player)) > count, timeout=20_000)
    assert player.frame is not None
    return player.frame


def arrived(player: Player) -> list[object]:
    """What the player's thread has delivered since this was asked first; the player has taken it by then."""
    if not hasattr(player, "_delivered"):
        player._delivered = []
        player._arrived.connect(lambda _, frame: player._delivered.append(frame), Qt.ConnectionType.QueuedConnection)
    return player._delivered


@pytest.mark.parametrize("name", MEDIA)
def test_a_seek_shows_the_frame_that_contains_the_moment(
    shared: Path, name: str, make_player: MakePlayer, qtbot: QtBot
) -> None:
    path = shared / "media" / name
    times = true_times(path)
    player = make_player(path)
    chance = random.Random(name)
    for n in range(4):
        moment = chance.choice(times) if n % 2 else chance.uniform(0.0, times[-1] + 0.5)
        frame = seek(qtbot, player, moment)
        assert frame.time == shown_at(path, player.position)
        assert player.frame_time == frame.time


@pytest.mark.parametrize("name", ["odd/vfr.mkv", "odd/odd_dims.webm", "real/talking_1_vfr.mp4", "real/grid_sbia1a.mpg"])
def test_steps_visit_the_true_times_there_and_back(
    shared: Path, name: str, make_player: MakePlayer, qtbot: QtBot
) -> None:
    path = shared / "media" / name
    times = true_times(path)
    player = make_player(path)
    qtbot.waitUntil(lambda: player.index.complete, timeout=20_000)
    start = len(times) // 2
    seek(qtbot, player, times[start])
    visited = []
    for count in [1] * 12 + [-1] * 12:
        with qtbot.waitSignal(player.frame_changed, timeout=20_000) as caught:
            player.step(count)
        visited.append(caught.args[0])
        assert player.position == visited[-1].time
    numbers = [start + n for n in [*range(1, 13), *range(11, -1, -1)]]
    assert [frame.time for frame in visited] == [times[n] for n in numbers]
    assert [frame.index for frame in visited] == numbers
    assert [frame.end for frame in visited] == [times[n + 1] for n in numbers]


def test_steps_asked_for_at_once_are_all_made(shared: Path, make_player: MakePlayer, qtbot: QtBot) -> None:
    path = shared / "media" / "odd" / "old.avi"
    player = make_player(path)
    for _ in range(30):
        player.step(1)
    qtbot.waitUntil(lambda: player.position == true_times(path)[30], timeout=20_000)
    for _ in range(40):
        player.step(-1)
    qtbot.waitUntil(lambda: player.frame_time == true_times(path)[0], timeout=20_000)


def test_stepping_stops_at_both_ends(shared: Path, make_player: MakePlayer, qtbot: QtBot) -> None:
    path = shared / "media" / "real" / "single_face_2s.mp4"
    player = make_player(path)
    for count, moment in ((-1, 0.0), (1, 99.0)):
        before = seek(qtbot, player, moment)
        told: list[Frame] = []
        player.frame_changed.connect(told.append)
        delivered = len(arrived(player))
        player.step(count)
        qtbot.waitUntil(lambda delivered=delivered: len(arrived(player)) > delivered, timeout=20_000)
        assert player.frame is before
        assert before.time == shown_at(path, moment)
        assert told == []


def test_scrubbing_ends_on_the_right_frame_and_shows_some_on_the_way(
    shared: Path, make_player: MakePlayer, qtbot: QtBot, heartbeat: Heartbeat
) -> None:
    path = shared / "media" / "odd" / "concat_8speakers_48s.mp4"
    player = make_player(path)
    shown: list[Frame] = []
    player.frame_changed.connect(shown.append)
    chance = random.Random(7)
    true_times(path)
    heartbeat.start()
    until = monotonic() + 20.0
    while len(shown) < 3 and monotonic() < until:  # a busy machine needs longer for them
        for _ in range(50):
            player.seek(chance.uniform(0.0, player.duration))
            qtbot.wait(8)
    qtbot.waitUntil(lambda: player.frame_time == shown_at(path, player.position), timeout=20_000)
    assert len(shown) >= 3
    assert set(frame.time for frame in shown) <= set(true_times(path))
    heartbeat.check()


@pytest.fixture(scope="module")
def one_gop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 s at 25 Hz in which decoding can begin at the first frame only."""
    path = tmp_path_factory.mktemp("long") / "one_gop.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (9, 16, 3), np.uint8).repeat(20, 0).repeat(20, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=25, options={"preset": "ultrafast", "x264-params": "scenecut=0"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.gop_size = 10_000
        for n in range(600):
            image = np.roll(noise, (n, 2 * n), (0, 1))
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_the_right_frame_is_there_soon_after_a_scrub_through_a_long_group_of_pictures(
    one_gop: Path, make_player: MakePlayer, qtbot: QtBot
) -> None:
    player = make_player(one_gop)
    qtbot.waitUntil(lambda: player.index.complete, timeout=20_000)
    assert player.index.keys.size == 1
    told: list[float] = []
    player.frame_changed.connect(lambda frame: told.append(frame.time))
    for end in (22.5, 3.3, 17.1):
        for n in range(15):
            player.seek(abs(end - (14 - n)) % 24.0)
            qtbot.wait(8)
        begun = monotonic()
        qtbot.waitUntil(lambda end=end: player.frame_time == shown_at(one_gop, end), timeout=20_000)
        taken = monotonic() - begun
        begun = monotonic()
        with Decoder(one_gop, audio=None) as decoder:
            next(piece for piece in decoder if piece.time > end)  # type: ignore[union-attr]
        # On a machine that is crowded just now, what must be decoded takes its time; the player may not add much to it.
        assert taken < max(2.0, 3.0 * (monotonic() - begun))
    assert all(a != b for a, b in itertools.pairwise(told))


def test_no_picture_is_told_twice(shared: Path, make_player: MakePlayer, qtbot: QtBot) -> None:
    path = shared / "media" / "odd" / "vfr.mkv"
    player = make_player(path)
    told: list[float] = []
    player.frame_changed.connect(lambda frame: told.append(frame.time))
    first = seek(qtbot, player, 2.0)
    for within in (0.25, 0.5, 0.75):
        assert seek(qtbot, player, first.time + within * (first.end - first.time)) is first
    for count in (1, -1, 1):
        player.step(count)
        qtbot.waitUntil(lambda: not player._stepping, timeout=20_000)
    player.play()
    qtbot.waitUntil(lambda: player.position > 2.6, timeout=20_000)
    player.pause()
    qtbot.waitUntil(lambda: player.frame_time == shown_at(path, player.position), timeout=20_000)
    seek(qtbot, player, player.position)
    assert len(told) > 4
    assert all(a != b for a, b in itertools.pairwise(told))


def test_what_is_asked_for_before_the_file_is_open_is_done_then(
    shared: Path, qtbot: QtBot, make_player: MakePlayer
) -> None:
    path = shared / "media" / "odd" / "vfr.mkv"
    player = make_player(shared / "media" / "odd" / "one_frame.mp4")
    player.open(path)
    player.seek(3.3)
    assert player.frame is None
    qtbot.waitUntil(lambda: player.frame is not None, timeout=20_000)
    assert player.position == 3.3
    assert player.frame_time == shown_at(path, 3.3)


def test_a_seek_is_not_lost_where_the_room_changes_before_its_picture_comes(
    shared: Path, make_player: MakePlayer, qtbot: QtBot
) -> None:
    path = shared / "media/real/talking_1_vfr.mp4"
    player = make_player(path)
    moment = true_times(path)[-3]
    player.seek(moment)
    player.set_room(320, 320)
    qtbot.waitUntil(lambda: player.frame is not None and player.frame.time == moment, timeout=20_000)
    qtbot.wait(100)  # nor is it taken back
    assert player.frame is not None
    assert player.frame.time == moment == player.position
    assert max(player.frame.image.width(), player.frame.image.height()) <= 320


@pytest.mark.parametrize("count", [1, -2])
def test_a_step_goes_from_the_playhead_where_its_picture_has_not_come(
    shared: Path, make_player: MakePlayer, qtbot: QtBot, count: int
) -> None:
    path = shared / "media/real/talking_1_vfr.mp4"
    player = make_player(path)
    times = true_times(path)
    player.seek(times[20] + 0.001)
    player.step(count)
    qtbot.waitUntil(lambda: player.position == times[20 + count], timeout=20_000)
    assert player.frame is not None
    assert player.frame.time == times[20 + count]


def test_pictures_are_made_for_the_room_and_stand_upright(shared: Path, make_player: MakePlayer, qtbot: QtBot) -> None:
    from mien.media.decode import Decoder
    from mien.media.picture import to_rgb

    path = shared / "media" / "odd" / "vfr_hevc_face_appears.mov"
    player = make_player(path)
    assert player.size == (960, 540)
    with qtbot.waitSignal(player.frame_changed, timeout=20_000) as caught:
        player.set_room(480, 480)
    frame = caught.args[0]
    assert (frame.image.width(), frame.image.height()) == (480, 270)
    assert frame.size == (960, 540)
    turned = shared / "media" / "odd" / "rotate90_metadata.mp4"
    player = make_player(turned)
    player.set_room(700, 700)
    qtbot.waitUntil(lambda: player.frame is not None and player.frame.image.width() == 700, timeout=20_000)
    with Decoder(turned, audio=None) as decoder:
        piece = next(iter(decoder))
    wanted, _ = to_rgb(piece.frame, None, piece.rotation, piece.aspect)  # type: ignore[union-attr]
    for x, y in ((10, 10), (680, 20), (350, 350), (30, 690)):
        colour = player.frame.image.pixelColor(x, y)  # type: ignore[union-attr]
        assert abs(wanted[y, x].astype(int) - (colour.red(), colour.green(), colour.blue())).max() <= 2
