"""Sound comes when its libraries are there; nothing waits for them."""

from __future__ import annotations

from pathlib import Path

from pytestqt.qtbot import QtBot

from mien_desktop.player.output import LIBRARIES, NO_DEVICE, NO_LIBRARY, Libraries
from mien_desktop.player.player import Player


def test_all_who_wait_for_the_libraries_are_called_once(qtbot: QtBot) -> None:
    libraries, called = Libraries(), []
    for n in range(4):
        libraries.load(lambda n=n: called.append(n))
    qtbot.waitUntil(lambda: len(called) == 4, timeout=20_000)
    libraries.load(lambda: called.append(4))  # at once, as they are there
    assert sorted(called) == [0, 1, 2, 3, 4]


def test_a_medium_is_open_before_its_sound_is(make_clip: object, tmp_path: Path, qtbot: QtBot) -> None:
    path = make_clip(tmp_path / "clip.mp4", 2.0)  # type: ignore[operator]
    player = Player()  # on the system's own device, which a machine for tests mostly lacks
    with qtbot.waitSignal(player.opened, timeout=20_000):
        player.open(path)
    player.play()
    assert player.playing
    loaded: list[bool] = []
    LIBRARIES.load(lambda: loaded.append(True))
    qtbot.waitUntil(lambda: bool(loaded) and player.position > 0.1, timeout=20_000)
    assert player.sound_problem in ("", NO_DEVICE, NO_LIBRARY)
    assert player.playing
    player.close()
    player.deleteLater()


def test_another_medium_does_not_wait_for_the_threads_of_the_last_one(
    make_clip: object, tmp_path: Path, qtbot: QtBot
) -> None:
    paths = [make_clip(tmp_path / f"{n}.mp4", 2.0) for n in range(3)]  # type: ignore[operator]
    player = Player()
    for path in paths:
        with qtbot.waitSignal(player.opened, timeout=20_000):
            player.open(path)
        player.play()
        assert player.medium is not None
        assert player.medium.path == path
    assert len(player._left) <= 6  # those that have ended are forgotten
    qtbot.waitUntil(lambda: player.frame is not None, timeout=20_000)
    player.close()
    assert player._left == []
    player.deleteLater()
