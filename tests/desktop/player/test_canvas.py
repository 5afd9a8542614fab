"""What the canvas paints: the frame of the true time with the readings of that time, in shape and sharp."""

from __future__ import annotations

import random
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from mien.media.decode import Decoder
from mien.media.picture import to_rgb
from mien.tracks.quantity import Quantity
from mien.tracks.track import Boxes, Curve, Spans
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.player.canvas import Canvas
from mien_desktop.player.overlay import Level, Mark, Overlay, Readings
from mien_desktop.player.picture import Frame
from mien_desktop.player.player import Player

from .conftest import MakePlayer, shown_at, true_times

Pixels = npt.NDArray[np.uint8]
SMALL = (48, 48)


def pixels(image: QImage) -> Pixels:
    """(H, W, 3) RGB."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : rgb.width() * 3].reshape(rgb.height(), rgb.width(), 3).copy()


def painted(canvas: Canvas) -> Pixels:
    return pixels(canvas.grab().toImage())


@lru_cache(maxsize=8)
def thumbnails(path: Path) -> npt.NDArray[np.float32]:
    """(N, 48, 48, 3) all frames as the analysis sees them."""
    with Decoder(path, audio=None) as decoder:
        small = [
            cv2.resize(to_rgb(p.frame, 96, p.rotation, p.aspect)[0], SMALL, interpolation=cv2.INTER_AREA)  # type: ignore[union-attr]
            for p in decoder
        ]
    return np.stack(small).astype(np.float32)


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    made = Canvas(DARK)
    qtbot.addWidget(made)
    made.resize(500, 400)
    made.show()
    return made


def frame(colour: str, width: int, height: int, size: tuple[int, int] | None = None) -> Frame:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor(colour))
    return Frame(image, 1.0, 3, 1.04, size or (width, height))


def is_colour(at: npt.NDArray[np.uint8], colour: str, within: int = 2) -> bool:
    wanted = QColor(colour)
    return bool(abs(at.astype(int) - (wanted.red(), wanted.green(), wanted.blue())).max() <= within)


@pytest.mark.parametrize("name", ["odd/vfr.mkv", "odd/rotate90_metadata.mp4", "odd/vfr_hevc_face_appears.mov"])
def test_after_a_seek_the_screen_has_the_true_frame_and_its_readings(
    shared: Path, name: str, make_player: MakePlayer, canvas: Canvas, qtbot: QtBot
) -> None:
    path = shared / "media" / name
    times = true_times(path)
    player = make_player(path)
    readings = Readings()
    # The box stands at the number of the frame, so that the drawn one tells which frame's reading it is.
    count, (width, height) = len(times), player.size
    xywh = np.array([[n * width / (2 * count), 10, 20, 20] for n in range(count)], np.float32)
    readings.put(Boxes("face.boxes", np.array(times), np.ones(count, np.int32), xywh, np.ones(count, np.float32)))
    canvas.set_overlay_visible(False)
    canvas.bind(player)
    player.frame_changed.connect(lambda shown: canvas.show_frame(shown, readings.at(shown.time)))
    assert player.size[0] / player.size[1] == pytest.approx(width / height)
    chance = random.Random(name)
    for _ in range(3):
        moment = chance.uniform(0.0, times[-1])
        player.seek(moment)
        wanted = shown_at(path, moment)
        qtbot.waitUntil(lambda wanted=wanted: canvas.frame is not None and canvas.frame.time == wanted, timeout=20_000)
        assert canvas.overlay is not None
        assert canvas.overlay.time == wanted
        number = times.index(wanted)
        assert canvas.overlay.marks[0].box[0] == pytest.approx(xywh[number, 0], abs=1e-3)
        place = canvas.picture_rect().toRect()
        seen = painted(canvas)[place.top() : place.bottom() + 1, place.left() : place.right() + 1]
        far = abs(cv2.resize(seen, SMALL, interpolation=cv2.INTER_AREA) - thumbnails(path)).mean((1, 2, 3))
        assert far[number] < 6.0
        assert far[number] <= far.min() + 0.5


def test_each_frame_on_the_screen_is_the_one_that_its_time_and_number_say(
    make_clip: object, tmp_path: Path, make_player: MakePlayer, canvas: Canvas, qtbot: QtBot
) -> None:
    """Frames of the clip are grey, each brighter than the one before, so that none passes for another."""
    path = make_clip(tmp_path / "grey.mkv", 4.0)  # type: ignore[operator]
    times, greys = true_times(path), thumbnails(path)[:, 24, 24, 0]
    assert np.median(np.diff(greys)) > 3.0
    player = make_player(path)
    canvas.bind(player)
    player.frame_changed.connect(canvas.show_frame)
    qtbot.waitUntil(lambda: player.index.complete, timeout=20_000)

    def check(number: int) -> None:
        qtbot.waitUntil(lambda: canvas.frame is not None and canvas.frame.time == times[number], timeout=20_000)
        assert canvas.frame is not None
        assert canvas.frame.index in (number, None)
        assert abs(float(painted(canvas)[200, 250, 0]) - greys[number]) <= 1.5

    chance = random.Random(1)
    for _ in range(6):
        moment = chance.uniform(0.0, 3.9)
        player.seek(moment)
        check(times.index(shown_at(path, moment)))
    player.seek(times[20])
    check(20)
    for number in (21, 22, 21, 20, 19):
        player.step(1 if number > times.index(canvas.frame.time) else -1)  # type: ignore[union-attr]
        check(number)


def test_the_shape_is_kept_and_the_rest_is_dark(canvas: Canvas) -> None:
    canvas.wear(LIGHT)
    canvas.show_frame(frame("#c02040", 250, 100))
    seen = painted(canvas)
    assert canvas.picture_rect().getRect() == (0.0, 100.0, 500.0, 200.0)
    assert is_colour(seen[200, 250], "#c02040")
    assert is_colour(seen[101, 1], "#c02040")
    assert is_colour(seen[298, 498], "#c02040")
    assert is_colour(seen[98, 250], DARK.window)
    assert is_colour(seen[301, 250], DARK.window)


def test_square_pixels_are_those_of_the_upright_picture_not_of_the_image_made(canvas: Canvas) -> None:
    """While a picture of another size is made after a resize, the old one stands in at the right shape."""
    canvas.show_frame(frame("#c02040", 99, 40, (1000, 500)))
    assert canvas.picture_rect().getRect() == (0.0, 75.0, 500.0, 250.0)


def test_a_face_is_framed_where_it_is_and_named_in_its_colour(canvas: Canvas) -> None:
    mark = Mark(2, (100.0, 50.0, 50.0, 60.0), "angry .71 · arousal .62")
    canvas.show_frame(frame("#808080", 250, 200, (250, 200)), Overlay(1.0, (mark,)))
    seen = painted(canvas)
    for x, y in ((200, 160), (300, 160), (250, 100), (250, 220)):
        around = seen[y - 2 : y + 2, x - 2 : x + 2].reshape(-1, 3)
        assert any(is_colour(pixel, DARK.people[1], 12) for pixel in around), (x, y)
    assert is_colour(seen[160, 250], "#808080")
    chip = seen[76:98, 200:360].reshape(-1, 3)
    assert sum(is_colour(pixel, DARK.people[1], 40) for pixel in chip) > 40
    canvas.set_overlay_visible(False)
    assert is_colour(painted(canvas)[160, 200], "#808080")
    assert not canvas.overlay_visible


def test_the_strip_shows_levels_and_marks_what_is_over_the_threshold(canvas: Canvas) -> None:
    rest = frame("#000000", 500, 400)
    levels = (Level("valence", "valence", -0.8, -1.0, 1.0), Level("fused", "hostility", 0.2, threshold=0.7))
    canvas.show_frame(rest, Overlay(1.0, levels=levels))

    def count(colour: str) -> int:
        corner = painted(canvas)[:80, 250:].astype(int)
        wanted = QColor(colour)
        return int((abs(corner - (wanted.red(), wanted.green(), wanted.blue())).max(2) <= 12).sum())

    assert count(DARK.quantity("valence")) > 20
    assert count(DARK.quantity("hostility")) > 10
    assert count(DARK.bad) == 0
    canvas.show_overlay(Overlay(1.0, levels=(Level("fused", "hostility", 0.9, threshold=0.7),)))
    assert count(DARK.bad) > 40
    canvas.show_overlay(Overlay(1.0, levels=(Level("fused", "hostility", None, threshold=0.7),)))
    assert count(DARK.quantity("hostility")) + count(DARK.bad) == 0


def test_long_captions_names_and_crowds_stay_inside_the_picture(canvas: Canvas) -> None:
    marks = tuple(
        Mark(n, (n * 12.0 - 20, n * 9.0 - 30, 30.0, 30.0), "surprise .99 · arousal −.99") for n in range(1, 31)
    )
    caption = "donaudampfschifffahrt" * 20 + " and so on, and on, and on, and on" * 9
    canvas.show_frame(frame("#c02040", 160, 400), Overlay(1.0, marks, caption, "A", (Level("fused", "x", 0.5),)))
    seen, place = painted(canvas), canvas.picture_rect().toRect()
    assert (place.left(), place.right()) == (170, 329)
    assert is_colour(seen[390, 160], DARK.window)
    assert is_colour(seen[390, 335], DARK.window)
    for size in ((240, 135), (300, 140), (1200, 200)):
        canvas.resize(*size)
        painted(canvas)


@pytest.mark.parametrize("size", [13, 20, 26])
def test_large_text_leaves_the_face_and_its_name_in_sight(canvas: Canvas, size: int) -> None:
    """As at 100, 150 and 200 % of text in the smallest window: the readings keep to their corner."""
    titles = ("valence", "arousal", "dominance", "offence", "hate", "conflict", "fused")
    levels = tuple(Level(title, title, 0.5) for title in titles)
    canvas.resize(630, 308)
    font = canvas.font()
    font.setPixelSize(size)
    canvas.setFont(font)
    mark = Mark(1, (140.0, 60.0, 140.0, 180.0), "happy .93 · arousal .49")
    picture = frame("#c02040", 400, 300)
    plain, told = (_painted(canvas, picture, Overlay(1.0, (), "", "", drawn)) for drawn in ((), levels))
    changed = np.argwhere((plain != told).any(2))
    (top, left), (bottom, right) = changed.min(0), changed.max(0)
    assert right - left <= 0.4 * canvas.width() + 1
    assert bottom - top <= 0.55 * canvas.height() + 1
    named = _painted(canvas, picture, Overlay(1.0, (mark,), "", "", levels))
    strip = slice(int(top) + 2, int(bottom) - 1), slice(int(left) + 2, int(right) - 1)
    # Nothing of the name lies under the readings: right of the face's frame they look as they do without it.
    box = canvas.picture_rect()
    beside = max(0, round(box.x() + 280.0 / 400 * box.width() - left) + 6)
    assert np.array_equal(named[strip][:, beside:], told[strip][:, beside:])


def _painted(canvas: Canvas, picture: Frame, overlay: Overlay) -> Pixels:
    canvas.show_frame(picture, overlay)
    return painted(canvas).astype(np.int16)  # type: ignore[return-value]


def test_a_click_plays_and_a_double_click_asks_for_the_full_screen(canvas: Canvas, qtbot: QtBot) -> None:
    toggled: list[int] = []
    asked: list[int] = []
    canvas.toggled.connect(lambda: toggled.append(1))
    canvas.full_screen_asked.connect(lambda: asked.append(1))
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(canvas, left, pos=QPoint(50, 50))
    assert (len(toggled), len(asked)) == (1, 0)
    qtbot.mouseClick(canvas, left, pos=QPoint(50, 50))
    qtbot.mouseDClick(canvas, left, pos=QPoint(50, 50))
    qtbot.mouseRelease(canvas, left, pos=QPoint(50, 50))
    # Two clicks behind each other leave playing as it was.
    assert (len(toggled), len(asked)) == (3, 1)
    qtbot.mousePress(canvas, left, pos=QPoint(50, 50))
    qtbot.mouseRelease(canvas, left, pos=QPoint(-50, 50))
    qtbot.mouseClick(canvas, Qt.MouseButton.RightButton, pos=QPoint(50, 50))
    assert len(toggled) == 3


@pytest.mark.parametrize("name", ["attached_picture.mp3", "audio_only_in.mp4"])
def test_sound_alone_has_a_placeholder_and_a_cover_is_no_video(
    shared: Path, name: str, make_player: MakePlayer, canvas: Canvas, qtbot: QtBot
) -> None:
    player = Player(output=lambda: (None, ""))
    canvas.bind(player)
    with qtbot.waitSignal(player.opened, timeout=20_000):
        player.open(shared / "media" / "odd" / name)
    assert not player.has_picture
    assert canvas.frame is None
    assert name in canvas.accessibleDescription()
    dark = painted(canvas)
    assert is_colour(dark[5, 5], DARK.panel)
    assert not is_colour(dark[100:300, 100:400].reshape(-1, 3).max(0).astype(np.uint8), DARK.panel)
    canvas.wear(LIGHT)
    assert is_colour(painted(canvas)[5, 5], LIGHT.panel)
    # Readings of a conversation are shown over it.
    before = painted(canvas)
    canvas.show_overlay(Overlay(1.0, caption="you never let me finish", levels=(Level("conflict", "conflict", 0.4),)))
    assert (painted(canvas) != before).any()
    player.close()
    player.deleteLater()


def test_what_cannot_be_opened_is_told_in_the_picture(shared: Path, canvas: Canvas, qtbot: QtBot) -> None:
    player = Player(output=lambda: (None, ""))
    canvas.bind(player)
    with qtbot.waitSignal(player.failed, timeout=20_000):
        player.open(shared / "media" / "odd" / "truncated_no_moov.mp4")
    assert "truncated_no_moov.mp4" in canvas.accessibleDescription()
    canvas.show_nothing()
    assert "Nothing is open" in canvas.accessibleDescription()
    player.close()
    player.deleteLater()


def test_another_medium_takes_the_last_one_s_picture_away(
    make_clip: object, tmp_path: Path, make_player: MakePlayer, canvas: Canvas, qtbot: QtBot
) -> None:
    first = make_clip(tmp_path / "first.mp4", 1.0)  # type: ignore[operator]
    player = make_player(first)
    canvas.bind(player)
    player.frame_changed.connect(canvas.show_frame)
    player.seek(0.5)
    qtbot.waitUntil(lambda: canvas.frame is not None, timeout=20_000)
    player.close()
    assert canvas.frame is None
    assert is_colour(painted(canvas)[200, 250], DARK.window)


def test_pictures_are_asked_for_at_the_screen_s_resolution(
    shared: Path, make_player: MakePlayer, canvas: Canvas, qtbot: QtBot
) -> None:
    player = make_player(shared / "media" / "odd" / "rotate90_metadata.mp4")
    canvas.bind(player)
    player.frame_changed.connect(canvas.show_frame)
    canvas.resize(600, 300)
    side = round(300 * canvas.devicePixelRatioF())
    qtbot.waitUntil(lambda: canvas.frame is not None and canvas.frame.image.height() == side, timeout=20_000)
    assert canvas.room() == (2 * side, side)
    assert canvas.picture_rect().getRect() == (150.0, 0.0, 300.0, 300.0)


def test_it_can_be_found_without_a_mouse(canvas: Canvas) -> None:
    assert canvas.accessibleName() == "Picture"
    assert "Space" in canvas.toolTip()
    assert canvas.toolTip() in canvas.accessibleDescription()
    assert canvas.focusPolicy() & Qt.FocusPolicy.TabFocus
    canvas.show_frame(frame("#000000", 500, 400))
    canvas.setFocus(Qt.FocusReason.MouseFocusReason)
    assert is_colour(painted(canvas)[1, 200], "#000000")
    canvas.clearFocus()
    canvas.setFocus(Qt.FocusReason.TabFocusReason)
    assert is_colour(painted(canvas)[1, 200], DARK.focus)


def test_readings_of_all_kinds_reach_the_picture(canvas: Canvas) -> None:
    extent = Quantity("conflict", "", -1.0, 1.0, "none", "high")
    readings = Readings(
        {
            "conflict.intensity": Curve("conflict.intensity", np.array([0.0, 3.0]), np.zeros((2, 1)), (extent,)),
            "speech.transcript": Spans.of("speech.transcript", [(0.0, 2.0, "", "never", 0.5, "A")]),
        }
    )
    canvas.show_frame(frame("#404040", 500, 400))
    bare = painted(canvas)
    canvas.show_overlay(readings.at(1.0))
    seen = painted(canvas)
    assert (seen[:60, 300:] != bare[:60, 300:]).any()
    assert (seen[340:, :250] != bare[340:, :250]).any()
