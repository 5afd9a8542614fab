"""Every medium that the analysis reads is played to its end, by the same decoder; what neither reads is told once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mien_desktop.player.player import Player

from .conftest import Loudspeakerless, MakePlayer, true_times

# Name, whether it has pictures, whether sound.
MEDIA = [
    ("odd/-leading-dash-1x1px.mp4", True, False),
    ("odd/spaces & ünïcødé 视频 (1).avi", True, True),
    ("odd/audio_starts_1.5s_late.mp4", True, True),
    ("odd/failing_audio.mp4", True, True),
    ("odd/fps5_8khz.mp4", True, True),
    ("odd/hevc10bit_5.1.mkv", True, True),
    ("odd/six_streams_nasa.mp4", True, True),
    ("odd/truncated.mkv", True, True),
    ("odd/audio_only_in.mp4", False, True),
    ("odd/audio_only_16k.wav", False, True),
    ("conversation/phone_sample.flac", False, True),
]


@pytest.mark.parametrize(("name", "pictures", "sound"), MEDIA)
def test_it_plays_to_its_end(
    shared: Path,
    name: str,
    pictures: bool,
    sound: bool,
    make_player: MakePlayer,
    qtbot: QtBot,
    card: Loudspeakerless,
) -> None:
    player = make_player(shared / "media" / name, card)
    said: list[str] = []
    player.failed.connect(said.append)
    assert (player.has_picture, player.has_sound) == (pictures, sound)
    lacks = 3.0 if "truncated" in name else 0.0  # s that are announced and not there: it breaks off after 5 of 8
    player.set_rate(1.0 if lacks else 4.0)  # where it breaks off is to be found before the announced end is reached
    player.seek(player.duration - lacks - 3.0)
    with qtbot.waitSignal(player.ended, timeout=20_000):
        player.play()
    assert said == []
    assert player.sound_problem == ""
    assert player.position == pytest.approx(player.duration - lacks, abs=2.1)
    if sound:
        assert np.isfinite(card.sound()).all()
        assert len(card.sound()) > 0.1 * card.rate


def test_a_file_that_is_taken_away_is_told_in_one_sentence(make_clip: object, tmp_path: Path, qtbot: QtBot) -> None:
    path = make_clip(tmp_path / "gone.mp4", 2.0)  # type: ignore[operator]
    player = Player()
    path.unlink()
    with qtbot.waitSignal(player.failed, timeout=20_000) as caught:
        player.open(path)
    told = caught.args[0]
    assert "gone.mp4" in told
    assert "\n" not in told
    assert "Traceback" not in told
    player.close()
    player.deleteLater()


# Codec, file's ending, pixels, whether the container keeps any time. System players need a converted copy of most of them.
UNUSUAL = [
    ("ffv1", "mkv", "yuv444p10le", True),
    ("prores_ks", "mov", "yuv422p10le", True),
    ("mjpeg", "mov", "yuvj420p", True),
    ("png", "mov", "rgb24", True),
    ("huffyuv", "avi", "yuv422p", False),
    ("msmpeg4v2", "avi", "yuv420p", False),
    ("wmv2", "asf", "yuv420p", False),
    ("flv1", "flv", "yuv420p", False),
]


@pytest.mark.parametrize(("codec", "ending", "pixels", "any_time"), UNUSUAL)
def test_what_a_system_player_cannot_play_is_played_at_its_true_times_without_a_copy(
    tmp_path: Path, make_player: MakePlayer, qtbot: QtBot, codec: str, ending: str, pixels: str, any_time: bool
) -> None:
    path = tmp_path / f"clip.{ending}"
    stamps = [0, 40, 120, 200, 240, 400, 440, 480] if any_time else [40 * n for n in range(8)]
    write(path, codec, pixels, stamps)
    times = true_times(path)
    assert times == pytest.approx([stamp / 1000 for stamp in stamps], abs=2e-3)
    player = make_player(path)
    qtbot.waitUntil(lambda: player.index.complete, timeout=20_000)
    for n in (5, 2, 7, 3, 0):
        player.seek(times[n] + 0.01)
        qtbot.waitUntil(lambda n=n: player.frame_time == times[n], timeout=20_000)
        assert player.frame is not None
        assert player.index.number(player.frame.time) == n
        assert abs(player.frame.image.pixelColor(20, 20).lightness() - (40 + 20 * n)) < 12
    shown: list[float] = []
    player.frame_changed.connect(lambda frame: shown.append(frame.time))
    with qtbot.waitSignal(player.ended, timeout=20_000):
        player.play()
    assert shown == sorted(set(shown))
    assert set(shown) <= set(times)
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name]


def write(path: Path, codec: str, pixels: str, stamps: list[int]) -> None:
    """Grey pictures, each lighter than the last, shown at these ms."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec.replace("flv1", "flv"), rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        stream.codec_context.time_base = Fraction(1, 25)
        for n, stamp in enumerate(stamps):
            grey = np.full((48, 64, 3), 40 + 20 * n, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = stamp // 40, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
