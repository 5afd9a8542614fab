"""Every medium that the analysis reads is played to its end, by the same decoder; what neither reads is told once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from mien_desktop.player.player import Player

from .conftest import Loudspeakerless, MakePlayer

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
    player.set_rate(4.0)
    lacks = 3.0 if "truncated" in name else 0.0  # s that are announced and not there: it breaks off after 5 of 8
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
