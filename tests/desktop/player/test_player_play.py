"""Playing keeps real time, loops, ends, and leaves nothing behind."""

from __future__ import annotations

import gc
import itertools
import resource
import threading
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mien_desktop.player.output import STOPPED
from mien_desktop.player.picture import Frame
from mien_desktop.player.player import Player

from .conftest import Heartbeat, Loudspeakerless, MakePlayer, shown_at, true_times


class Watch:
    """What a player shows, and where its playhead was then."""

    def __init__(self, player: Player, *, keep_frames: bool = True) -> None:
        self.frames: list[tuple[float, Frame]] = []
        self.moves: list[tuple[float, float]] = []
        if keep_frames:
            player.frame_changed.connect(lambda frame: self.frames.append((monotonic(), frame)))
        player.moved.connect(lambda position: self.moves.append((monotonic(), position)))


@pytest.mark.parametrize(
    ("rate", "seconds", "sound"), [(1.0, 1.2, False), (4.0, 1.0, True), (4.0, 1.0, False), (0.25, 1.2, True)]
)
def test_playing_keeps_time(
    shared: Path,
    make_player: MakePlayer,
    qtbot: QtBot,
    rate: float,
    seconds: float,
    sound: bool,
    card: Loudspeakerless,
    heartbeat: Heartbeat,
) -> None:
    path = shared / "media" / "real" / "two_faces_talking.mp4"
    true_times(path)
    player = make_player(path, card if sound else None)
    player.set_rate(rate)
    player.seek(0.5)
    watch = Watch(player)
    heartbeat.start()
    player.play()
    assert player.playing
    qtbot.waitUntil(lambda: len(watch.moves) > 1 and watch.moves[-1][1] > 0.5, timeout=20_000)
    begun = len(watch.moves)
    qtbot.wait(round(seconds * 1e3))
    player.pause()
    # The slope, as single moments are told late where others have the cores.
    when, where = np.array(watch.moves[begun:-1]).T
    assert np.polyfit(when - when[0], where, 1)[0] == pytest.approx(rate, rel=0.15)
    heartbeat.check()
    times = [frame.time for _, frame in watch.frames[1:]]
    assert times == sorted(set(times))
    assert set(times) <= set(true_times(path))
    qtbot.waitUntil(lambda: player.frame_time == shown_at(path, player.position), timeout=20_000)


def test_the_frame_shown_while_playing_contains_the_clock(shared: Path, make_player: MakePlayer, qtbot: QtBot) -> None:
    path = shared / "media" / "odd" / "vfr.mkv"
    player = make_player(path)
    pairs: list[tuple[float, float, float]] = []
    player.moved.connect(
        lambda position: pairs.append((position, player.frame.time, player.frame.end) if player.frame else (0, 0, 0))
    )
    player.play()
    qtbot.waitUntil(lambda: pairs[-1:] and pairs[-1][0] > 1.0, timeout=20_000)
    player.pause()
    right = [start - 1e-3 <= position <= end + 1e-3 for position, start, end in pairs[5:-1]]
    assert np.mean(right) > 0.8


def test_pausing_shows_exactly_the_frame_under_the_playhead(
    shared: Path, make_player: MakePlayer, qtbot: QtBot
) -> None:
    path = shared / "media" / "real" / "talking_1_vfr.mp4"
    player = make_player(path)
    player.toggle()
    qtbot.waitUntil(lambda: player.position > 0.3, timeout=20_000)
    player.toggle()
    assert not player.playing
    place = player.position
    qtbot.waitUntil(lambda: player.frame_time == shown_at(path, place), timeout=20_000)
    assert player.position == place > 0.3


def test_the_end_is_told_and_play_begins_anew(shared: Path, make_player: MakePlayer, qtbot: QtBot) -> None:
    path = shared / "media" / "real" / "single_face_2s.mp4"
    player = make_player(path)
    player.seek(player.duration - 0.4)
    with qtbot.waitSignal(player.ended, timeout=20_000):
        player.play()
    assert not player.playing
    assert player.position == pytest.approx(player.duration, abs=0.05)
    qtbot.waitUntil(lambda: player.frame_time == true_times(path)[-1], timeout=20_000)
    player.play()
    assert player.position == 0.0
    player.pause()


def test_what_breaks_off_ends_there(shared: Path, make_player: MakePlayer, qtbot: QtBot) -> None:
    path = shared / "media" / "odd" / "truncated_faststart_half.mp4"
    player = make_player(path)
    player.seek(3.4)
    with qtbot.waitSignal(player.ended, timeout=20_000):
        player.play()
    assert player.position < 4.2
    assert player.duration == 8.0
    # That is its end, although the file announces more behind it.
    player.play()
    assert player.position == 0.0
    player.pause()


def test_a_selection_is_looped_without_a_gap(
    shared: Path, make_player: MakePlayer, qtbot: QtBot, card: Loudspeakerless
) -> None:
    path = shared / "media" / "real" / "two_faces_talking.mp4"
    player = make_player(path, card)
    qtbot.waitUntil(lambda: player.index.complete, timeout=20_000)
    player.set_loop((2.013, 2.613))
    watch = Watch(player)
    player.play()

    def round_the_corner() -> list[float]:
        """Time from the last picture of a lap to the first of the next, s, for each time round."""
        return [b[0] - a[0] for a, b in itertools.pairwise(watch.frames) if b[1].time < a[1].time]

    qtbot.waitUntil(lambda: len(round_the_corner()) >= 4, timeout=20_000)
    player.pause()
    played = [position for _, position in watch.moves]
    assert all(2.012 <= position < 2.614 for position in played)
    laps = sum(b < a - 0.3 for a, b in itertools.pairwise(played))
    assert laps >= 3
    shown = [(when, frame.time) for when, frame in watch.frames[:-1]]
    wanted = {t for t in true_times(path) if 2.0 <= t < 2.613}
    assert {time for _, time in shown} <= wanted
    # Round the corner the next picture comes as quickly as anywhere else.
    usual = np.median([b[0] - a[0] for a, b in itertools.pairwise(shown)])
    assert np.median(round_the_corner()) < 3 * usual + 0.1
    # The sound of each lap is that of the first, sample for sample, and no sample lacks between them.
    sound, lap = card.sound(), round(0.6 * card.rate)
    assert len(sound) > 3 * lap
    first, second, third = (sound[n * lap + 2000 : (n + 1) * lap - 2000, 0] for n in range(3))
    assert np.abs(first).max() > 0.01
    assert np.abs(second - third).max() < 0.02
    assert np.corrcoef(first, second)[0, 1] > 0.99


def test_the_loop_can_be_changed_and_left_while_playing(shared: Path, make_player: MakePlayer, qtbot: QtBot) -> None:
    player = make_player(shared / "media" / "odd" / "old.avi")
    player.play()
    player.set_loop((4.0, 4.3))
    qtbot.waitUntil(lambda: 4.0 <= player.position < 4.3, timeout=20_000)
    player.set_loop(None)
    qtbot.waitUntil(lambda: player.position > 4.6, timeout=20_000)
    player.set_loop((1.0, 1.001))
    assert player.loop is None


def test_seeking_while_playing_goes_on_from_there(
    shared: Path, make_player: MakePlayer, qtbot: QtBot, card: Loudspeakerless
) -> None:
    path = shared / "media" / "odd" / "two_audio_tracks.mkv"
    player = make_player(path, card)
    player.play()
    qtbot.wait(300)
    for moment in (6.0, 5.0, 3.0, 4.0):  # as when the playhead is dragged
        player.seek(moment)
        qtbot.wait(20)
    assert player.playing
    assert player.position == 4.0
    qtbot.waitUntil(lambda: player.position > 4.1, timeout=20_000)
    assert player.position < 5.0


def test_sound_alone_is_played(shared: Path, make_player: MakePlayer, qtbot: QtBot, card: Loudspeakerless) -> None:
    for name in ("audio_only.mp3", "attached_picture.mp3"):
        player = make_player(shared / "media" / "odd" / name, card)
        assert not player.has_picture
        assert player.has_sound
        assert player.size == (0, 0)
        player.seek(player.duration - 0.4)
        player.step(-1)
        assert player.position == pytest.approx(player.duration - 0.44)
        with qtbot.waitSignal(player.ended, timeout=20_000):
            player.play()
        assert np.abs(card.sound()).max() > 0.0


def test_a_device_that_fails_is_left_and_told(
    shared: Path, make_player: MakePlayer, qtbot: QtBot, card: Loudspeakerless
) -> None:
    player = make_player(shared / "media" / "odd" / "old.avi", card)
    assert player.sound_problem == ""
    player.play()
    qtbot.waitUntil(lambda: player.position > 0.2, timeout=20_000)
    with qtbot.waitSignal(player.state_changed, timeout=20_000):
        card.broken = True
    place = player.position
    qtbot.waitUntil(lambda: player.position > place + 0.2, timeout=20_000)
    assert player.sound_problem == STOPPED


def test_without_a_device_it_is_silent_and_says_why(shared: Path, make_player: MakePlayer) -> None:
    player = make_player(shared / "media" / "odd" / "old.avi")
    assert player.has_sound
    assert "no loudspeaker" in player.sound_problem
    silent = make_player(shared / "media" / "odd" / "no_audio.mp4")
    assert not silent.has_sound
    assert silent.sound_problem == ""


@pytest.mark.parametrize("name", ["zero_byte.mp4", "text_renamed.mp4", "truncated_no_moov.mp4", "nowhere.mp4"])
def test_what_is_no_medium_is_told_in_one_sentence(shared: Path, qtbot: QtBot, name: str) -> None:
    player = Player()
    with qtbot.waitSignal(player.failed, timeout=20_000) as caught:
        player.open(shared / "media" / "odd" / name)
    assert name in caught.args[0]
    player.play()
    player.seek(3.0)
    player.step(1)
    player.close()


def test_closing_at_any_moment_leaves_no_thread(shared: Path, qtbot: QtBot) -> None:
    before = threading.active_count()
    player = Player()
    for pause in (0, 1, 30, 200):
        player.open(shared / "media" / "odd" / "vfr_hevc_face_appears.mov")
        player.play()
        qtbot.wait(pause)
        player.seek(5.0)
        begun = monotonic()
        player.close()
        assert monotonic() - begun < 1.0
        assert threading.active_count() == before
    assert player.medium is None
    assert player.frame is None


def test_memory_is_bounded_however_long_it_plays(shared: Path, make_player: MakePlayer, qtbot: QtBot) -> None:
    """Three laps make up to 600 MB of pictures; at most 160 MB of them are kept."""
    player = make_player(shared / "media" / "odd" / "old.avi")
    player.set_room(512, 512)
    player.set_rate(4.0)
    player.set_loop((0.0, 7.9))
    watch = Watch(player, keep_frames=False)

    def used() -> float:
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20

    before = used()
    player.play()
    qtbot.waitUntil(lambda: sum(b[1] < a[1] for a, b in itertools.pairwise(watch.moves)) >= 3, timeout=40_000)
    assert used() - before < 260
