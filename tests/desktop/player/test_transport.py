"""The bar under the picture acts on the player, shows how it stands, and speaks to those who cannot see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QShortcut
from PySide6.QtWidgets import QAbstractButton, QApplication, QHBoxLayout, QLabel, QSlider, QWidget
from pytestqt.qtbot import QtBot

from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.look.style import dress
from mien_desktop.player.buttons import SPEEDS
from mien_desktop.player.canvas import Canvas
from mien_desktop.player.player import Player
from mien_desktop.player.transport import Transport

from .conftest import Loudspeakerless, MakePlayer, true_times

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def transport(qtbot: QtBot) -> Iterator[Transport]:
    host = QWidget()
    made = Transport(DARK)
    row = QHBoxLayout(host)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(made)
    qtbot.addWidget(host)
    host.resize(900, 44)
    host.show()
    yield made
    host.close()


def open_clip(shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot) -> Player:
    """A video of variable frame rate, bound, with all its frames known."""
    player = make_player(shared / "media" / "odd" / "vfr.mkv")
    transport.bind(player)
    qtbot.waitUntil(lambda: player.index.complete, timeout=20_000)
    return player


def test_play_and_pause(shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot) -> None:
    player = open_clip(shared, make_player, transport, qtbot)
    assert (transport.play.glyph, transport.play.accessibleName()) == ("play", "Play")
    qtbot.mouseClick(transport.play, LEFT)
    assert player.playing
    assert (transport.play.glyph, transport.play.accessibleName()) == ("pause", "Pause")
    assert transport.play.toolTip() == "Pause (Space)"
    qtbot.mouseClick(transport.play, LEFT)
    assert not player.playing
    assert transport.play.glyph == "play"


def test_steps_go_by_true_frame_times_and_are_read_out(
    shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot
) -> None:
    player = open_clip(shared, make_player, transport, qtbot)
    times = true_times(shared / "media" / "odd" / "vfr.mkv")
    player.seek(times[30])
    qtbot.waitUntil(lambda: player.frame_time == times[30], timeout=20_000)
    for button, number in ((transport.frame_on, 31), (transport.frame_on, 32), (transport.frame_back, 31)):
        qtbot.mouseClick(button, LEFT)
        qtbot.waitUntil(lambda number=number: player.position == times[number], timeout=20_000)
        assert player.frame_time == times[number]
        assert transport.frame.text().startswith(f"frame {number} · ")
        assert transport.frame.text().endswith("fps (variable)")
        seconds = times[number]
        assert transport.time.text() == f"00:{seconds:06.3f} / 00:{player.duration:06.3f}"


def test_the_number_of_the_frame_is_told_as_soon_as_it_is_known(
    shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot
) -> None:
    """A picture may be there before the file was read as far as it; its own number is None then."""
    player = make_player(shared / "media" / "real" / "two_faces_talking.mp4")
    player.seek(3.0)
    transport.bind(player)
    qtbot.waitUntil(lambda: player.index.complete and player.frame_time == 3.0, timeout=20_000)
    qtbot.waitUntil(lambda: transport.frame.text() == "frame 75 · 25 fps", timeout=20_000)


def test_speed_is_chosen_from_a_list_and_follows_the_player(
    shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot
) -> None:
    player = open_clip(shared, make_player, transport, qtbot)
    actions = transport.speed.choices.actions()
    assert [action.data() for action in actions] == list(SPEEDS)
    assert (SPEEDS[0], SPEEDS[-1]) == (0.25, 4.0)
    for index in (0, len(SPEEDS) - 1):
        actions[index].trigger()
        assert player.rate == SPEEDS[index]
        assert transport.speed.text() == f"{SPEEDS[index]:g}×"
    width = transport.speed.width()
    player.set_rate(1.25)
    assert transport.speed.text() == "1.25×"
    assert [action.data() for action in actions if action.isChecked()] == [1.25]
    player.set_rate(1.1)
    assert transport.speed.text() == "1.1×"
    assert not any(action.isChecked() for action in actions)
    assert transport.speed.width() == width


def test_sound_is_muted_and_turned_down(
    shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot, card: Loudspeakerless
) -> None:
    player = make_player(shared / "media" / "odd" / "vfr.mkv", card)
    player.set_volume(0.5)
    transport.bind(player)
    assert transport.volume.value() == 50
    qtbot.mouseClick(transport.mute, LEFT)
    assert player.muted
    assert (transport.mute.glyph, transport.mute.toolTip()) == ("muted", "Sound on (M)")
    transport.volume.setValue(30)
    assert (player.volume, player.muted) == (0.3, False)
    assert (transport.mute.glyph, transport.mute.toolTip()) == ("sound", "Mute (M)")
    player.set_muted(True)
    assert transport.mute.glyph == "muted"
    player.set_volume(0.7)
    assert transport.volume.value() == 70
    assert player.muted


def test_why_there_is_no_sound_is_told_at_the_button(
    shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot
) -> None:
    player = open_clip(shared, make_player, transport, qtbot)
    assert player.sound_problem
    assert transport.mute.toolTip() == f"Mute (M) – {player.sound_problem}"
    assert not transport.mute.isEnabled()
    assert not transport.volume.isEnabled()
    with qtbot.waitSignal(player.opened, timeout=20_000):
        player.open(shared / "media" / "odd" / "no_audio.mp4")
    assert transport.mute.toolTip() == "Mute (M) – This medium has no sound"
    player.close()
    assert transport.mute.isEnabled()
    assert transport.mute.toolTip() == "Mute (M)"


def test_what_the_shell_does_is_asked_for(
    transport: Transport, shared: Path, make_player: MakePlayer, qtbot: QtBot
) -> None:
    open_clip(shared, make_player, transport, qtbot)
    told: list[object] = []
    transport.previous_event.connect(lambda: told.append("previous"))
    transport.next_event.connect(lambda: told.append("next"))
    transport.full_screen_asked.connect(lambda: told.append("full"))
    transport.loop_toggled.connect(lambda on: told.append(("loop", on)))
    transport.overlay_toggled.connect(lambda on: told.append(("overlay", on)))
    for button in (transport.event_back, transport.event_on, transport.full_screen, transport.loop, transport.overlay):
        qtbot.mouseClick(button, LEFT)
    assert told == ["previous", "next", "full", ("loop", True), ("overlay", False)]
    transport.set_looping(False)
    transport.set_overlay_visible(True)
    assert not transport.loop.isChecked()
    assert transport.overlay.isChecked()
    assert len(told) == 5, "what the shell sets comes not back to it"


def test_without_a_medium_there_is_nothing_to_press(transport: Transport, qtbot: QtBot) -> None:
    player = Player(output=lambda: (None, ""))
    transport.bind(player)
    for button in (transport.play, transport.frame_on, transport.event_on, transport.loop, transport.speed):
        assert not button.isEnabled()
    assert transport.time.text() == ""
    player.close()
    player.deleteLater()


def test_every_control_says_what_it_is_and_names_its_keys_without_taking_them(transport: Transport) -> None:
    controls = [w for kind in (QAbstractButton, QSlider, QLabel) for w in transport.findChildren(kind)]
    assert len(controls) >= 12
    for control in controls:
        assert control.accessibleName(), control
        assert control.toolTip(), control.accessibleName()
        assert control.accessibleDescription() == control.toolTip()
        if not isinstance(control, QLabel):
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus
        if isinstance(control, QAbstractButton):
            assert control.shortcut().isEmpty(), "the window's own shortcut would be ambiguous"
    assert not transport.findChildren(QShortcut)
    assert "(Ctrl+Right)" in transport.event_on.toolTip()
    assert "(Shift+L)" in transport.loop.toolTip()
    transport.set_shortcuts({"loop": "Ctrl+L", "play": "K"})
    assert "(Ctrl+L)" in transport.loop.toolTip()
    assert transport.play.toolTip() == "Play (K)"


def test_enter_presses_what_the_keyboard_is_on(
    shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot
) -> None:
    player = open_clip(shared, make_player, transport, qtbot)
    transport.play.setFocus()
    qtbot.keyClick(transport.play, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: player.playing, timeout=20_000)
    player.pause()


@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_it_narrows_without_losing_a_button(
    shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot, palette: object
) -> None:
    open_clip(shared, make_player, transport, qtbot)
    transport.wear(palette)  # type: ignore[arg-type]
    wide = transport.frame.text()
    assert transport.volume.isVisible()
    assert "fps" in wide
    host = transport.window()
    host.resize(100, 44)
    qtbot.waitUntil(lambda: transport.width() < 660, timeout=20_000)
    qtbot.waitUntil(lambda: not transport.volume.isVisible(), timeout=20_000)
    transport.layout().activate()
    buttons = transport.findChildren(QAbstractButton)
    for one in buttons:
        assert one.isVisible()
        assert transport.rect().contains(one.geometry())
        assert not any(one.geometry().intersects(other.geometry()) for other in buttons if other is not one)
    host.resize(900, 44)
    qtbot.waitUntil(transport.volume.isVisible, timeout=20_000)
    assert transport.frame.text() == wide


def test_signs_follow_the_size_of_the_text_as_far_as_there_is_room(
    shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot, qapp: QApplication
) -> None:
    open_clip(shared, make_player, transport, qtbot)
    sides = {}
    for scale, width in ((1.0, 1400), (1.5, 1400), (2.0, 1400), (2.0, 900), (2.0, 100)):
        dress(qapp, DARK, scale)
        transport.window().resize(width, 60)
        qtbot.waitUntil(lambda: transport.width() == transport.window().width(), timeout=20_000)
        transport.layout().activate()
        sides[scale, width] = transport.play.iconSize().width()
        told = transport.time.text()
        assert told.startswith("00:00.000")
        assert transport.time.fontMetrics().horizontalAdvance(told) <= transport.time.width(), "nothing is cut off"
        assert ("/" in told) == (width > 100)
        for one in transport.findChildren(QAbstractButton):
            assert transport.rect().contains(one.geometry())
            assert one.iconSize().width() <= one.width()
    assert sides[1.0, 1400] == sides[2.0, 100] == 18
    assert sides[1.0, 1400] < sides[1.5, 1400] < sides[2.0, 1400]
    assert sides[2.0, 1400] == pytest.approx(36, abs=5)  # lines of text are a little higher or lower than twice
    picture = transport.play.icon().pixmap(transport.play.iconSize())
    assert picture.width() / picture.devicePixelRatio() == transport.play.iconSize().width()


def test_the_read_out_does_not_move_what_stands_beside_it(
    shared: Path, make_player: MakePlayer, transport: Transport, qtbot: QtBot
) -> None:
    player = open_clip(shared, make_player, transport, qtbot)
    places = set()
    for moment in (0.0, 1.111, 4.888, 8.0):
        player.seek(moment)
        transport.layout().activate()
        places.add(transport.speed.geometry().getRect())
        metrics = transport.time.fontMetrics()
        assert metrics.horizontalAdvance(transport.time.text()) <= transport.time.width()
    assert len(places) == 1


def test_canvas_and_transport_leave_nothing_behind(shared: Path, qtbot: QtBot, card: Loudspeakerless) -> None:
    """The fixture `nothing_left_behind` looks for threads, timers and windows."""
    top = QWidget()
    player, canvas, transport = Player(top, output=lambda: (card, "")), Canvas(DARK), Transport(DARK)
    row = QHBoxLayout(top)
    row.addWidget(canvas)
    row.addWidget(transport)
    qtbot.addWidget(top)
    canvas.bind(player)
    transport.bind(player)
    player.frame_changed.connect(canvas.show_frame)
    top.show()
    with qtbot.waitSignal(player.frame_changed, timeout=20_000):
        player.open(shared / "media" / "odd" / "vfr.mkv")
    player.play()
    qtbot.waitUntil(lambda: player.position > 0.2, timeout=20_000)
    player.close()
    top.close()
