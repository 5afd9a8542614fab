"""The bar under the picture: play, steps, events, time, speed, loop, sound, full screen."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, label, text_scale
from mien_desktop.player.buttons import ICON, Button, SpeedButton
from mien_desktop.player.player import Player
from mien_desktop.timeline.axis import clock

SHORTCUTS = {
    "play": "Space",
    "back": ",",
    "step": ".",
    "previous-event": "Ctrl+Left",
    "next-event": "Ctrl+Right",
    "loop": "Shift+L",
    "mute": "M",
    "full-screen": "F11",
}
"""Keys by the commands' ids; they are named in tooltips only, the shell has them act."""

_VOLUME_WIDTH = 56
_SPACING = 2


class Transport(QWidget):
    """Acts on the player it is bound to; where its buttons ask for more, the shell answers.

    Signals:
        previous_event, next_event: jump there.
        loop_toggled(bool): repeat the selection, or no more.
        overlay_toggled(bool): draw readings over the picture, or not.
        full_screen_asked: the picture over the whole screen, or back.
    """

    previous_event = Signal()
    next_event = Signal()
    loop_toggled = Signal(bool)
    overlay_toggled = Signal(bool)
    full_screen_asked = Signal()

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = palette
        self._player: Player | None = None
        self._frame_told = ""
        self._total, self._brief = 0.0, False
        self.event_back = Button(
            "event-back", "Previous event", "Jump to the last event before the playhead", "previous-event"
        )
        self.frame_back = Button("frame-back", "Previous frame", "Show the frame before", "back")
        self.play = Button("play", "Play", "Play", "play")
        self.frame_on = Button("frame-on", "Next frame", "Show the next frame", "step")
        self.event_on = Button("event-on", "Next event", "Jump to the next event behind the playhead", "next-event")
        self.time = _numbers("Time", "Where the playhead is, and how long the medium is")
        self.speed = SpeedButton()
        self.loop = Button("loop", "Loop", "Repeat the selected stretch of time", "loop", checkable=True)
        self.mute = Button("sound", "Mute", "Mute", "mute")
        self.volume = QSlider(Qt.Orientation.Horizontal)
        self.volume.setRange(0, 100)
        self.volume.setValue(100)
        self.volume.setPageStep(10)
        self.volume.setFixedWidth(_VOLUME_WIDTH)
        self.volume.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        explain(
            self.volume, "Volume", "Loudness: louder{louder}, quieter{quieter}", command="louder quieter"
        )  # the shell names the keys
        self.frame = _numbers("Frame", "Number of the frame shown, from 0, and frames a second", "small")
        self.frame.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.frame.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.overlay = Button(
            "overlay", "Readings over the picture", "Draw faces and readings over the picture", checkable=True
        )
        self.overlay.setChecked(True)
        self.full_screen = Button("full-screen", "Full screen", "Show the picture over the whole screen", "full-screen")
        self._buttons = (
            self.event_back, self.frame_back, self.play, self.frame_on, self.event_on, self.loop, self.mute,
            self.overlay, self.full_screen,
        )  # fmt: skip
        self.setAccessibleName("Playback")
        self._lay_out()
        self.set_shortcuts(SHORTCUTS)
        self.event_back.clicked.connect(self.previous_event)
        self.event_on.clicked.connect(self.next_event)
        self.loop.clicked.connect(self.loop_toggled)
        self.overlay.clicked.connect(self.overlay_toggled)
        self.full_screen.clicked.connect(self.full_screen_asked)
        self.play.clicked.connect(lambda: self._player.toggle() if self._player else None)
        self.frame_back.clicked.connect(lambda: self._player.step(-1) if self._player else None)
        self.frame_on.clicked.connect(lambda: self._player.step(1) if self._player else None)
        self.speed.chosen.connect(lambda rate: self._player.set_rate(rate) if self._player else None)
        self.mute.clicked.connect(lambda: self._player.set_muted(not self._player.muted) if self._player else None)
        self.volume.valueChanged.connect(self._choose_volume)
        self.wear(palette)
        self._show_state()

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 4, 6, 4)
        row.setSpacing(_SPACING)
        for button in (self.event_back, self.frame_back, self.play, self.frame_on, self.event_on):
            row.addWidget(button)
        row.addSpacing(6)
        row.addWidget(self.time)
        row.addSpacing(6)
        row.addWidget(self.speed)
        row.addWidget(self.loop)
        row.addWidget(self.mute)
        row.addWidget(self.volume)
        row.addSpacing(6)
        row.addWidget(self.frame, 1)
        row.addSpacing(6)
        row.addWidget(self.overlay)
        row.addWidget(self.full_screen)

    # What the shell uses.

    def bind(self, player: Player) -> None:
        """Act on a player, and show how it stands; once only."""
        self._player = player
        player.moved.connect(self._show_time)
        player.state_changed.connect(self._show_state)
        player.rate_changed.connect(self.speed.show_rate)
        player.frame_changed.connect(self._show_frame)
        player.indexed.connect(self._show_frame)
        self.speed.show_rate(player.rate)
        self._show_state()

    def set_looping(self, looping: bool) -> None:
        """Show whether a selection is repeated."""
        self.loop.setChecked(looping)

    def set_overlay_visible(self, visible: bool) -> None:
        """Show whether readings are drawn over the picture."""
        self.overlay.setChecked(visible)

    def set_shortcuts(self, keys: Mapping[str, str]) -> None:
        """Name other keys in the tooltips: portable spelling by the command's id (see `SHORTCUTS`)."""
        for button in self._buttons:
            if button.command in keys:
                button.tell(keys=keys[button.command])

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        for button in self._buttons:
            button.show_glyph(button.glyph, palette)
        self.setStyleSheet(
            f'QToolButton[kind="flat"] {{ padding: 4px 3px; }}'
            f'QToolButton[kind="flat"]:checked {{ background: {palette.hover}; }}'
            "QToolButton::menu-indicator { image: none; width: 0; }"
        )

    # How it does it.

    def _choose_volume(self, value: int) -> None:
        if self._player is not None:
            if self._player.muted and value:
                self._player.set_muted(False)
            self._player.set_volume(value / 100)

    def _show_state(self) -> None:
        player = self._player
        there = player is not None and player.medium is not None
        for widget in (
            self.event_back,
            self.frame_back,
            self.play,
            self.frame_on,
            self.event_on,
            self.speed,
            self.loop,
        ):
            widget.setEnabled(there)
        self.full_screen.setEnabled(there)
        self.overlay.setEnabled(there)
        playing = player is not None and player.playing
        if self.play.glyph != ("pause" if playing else "play"):
            self.play.show_glyph("pause" if playing else "play", self._palette)
            self.play.tell("Pause" if playing else "Play", "Pause" if playing else "Play")
        self._show_sound()
        position, total = (player.position, player.duration) if player is not None else (0.0, 0.0)
        if total != self._total:
            self._total = total
            self._fit()
        self._show_time(position)
        self._show_frame()

    def _show_sound(self) -> None:
        player = self._player
        if player is None:
            return
        there = player.has_sound and not player.sound_problem
        silent = player.muted or (not there and player.medium is not None)
        glyph = "muted" if silent else "sound"
        lacks = player.medium is not None and not player.has_sound
        why = "This medium has no sound" if lacks else player.sound_problem
        does = "Sound on" if player.muted else "Mute"
        if self.mute.glyph != glyph:
            self.mute.show_glyph(glyph, self._palette)
        self.mute.tell(does, does, note=why)
        for widget in (self.mute, self.volume):
            widget.setEnabled(there or player.medium is None)
        told = round(player.volume * 100)
        if self.volume.value() != told:
            self.volume.blockSignals(True)
            self.volume.setValue(told)
            self.volume.blockSignals(False)

    def _show_time(self, position: float) -> None:
        player = self._player
        there = player is not None and player.medium is not None
        told = self._written(position, player.duration) if player is not None and there else ""
        self.time.setText(told.split(" / ")[0] if self._brief else told)

    @staticmethod
    def _written(position: float, total: float) -> str:
        hours = total >= 3600.0
        return f"{clock(position, digits=3, hours=hours)} / {clock(total, digits=3, hours=hours)}"

    def _room_for_time(self, brief: bool) -> int:
        """As wide as it ever gets, so that nothing beside it moves."""
        metrics = QFontMetrics(self.time.font())
        widest = max("0123456789", key=metrics.horizontalAdvance)
        text = self._written(self._total, self._total)
        text = "".join(widest if c.isdigit() else c for c in (text.split(" / ")[0] if brief else text))
        return metrics.horizontalAdvance(text) + 4

    def _fit(self) -> None:
        """Signs as large as the text beside them, where there is room; then the loudness, whose button stays anyway. Where
        not even the time has room, how long the medium is is left to the axis."""
        wanted, most = round(ICON * text_scale(self)), self._room_for_time(brief=False)
        room = self.width() - self._least() + self._room_for_time(brief=True)
        self._brief = room < most
        room -= self._room_for_time(self._brief)
        side = max(ICON, min(wanted, ICON + room // len(self._buttons)))
        self.volume.setVisible(room - len(self._buttons) * (side - ICON) >= _VOLUME_WIDTH + _SPACING)
        if side != self.play.iconSize().width():
            for button in self._buttons:
                button.setIconSize(QSize(side, side))
                button.show_glyph(button.glyph, self._palette)
        self.time.setFixedWidth(self._room_for_time(self._brief))
        self._show_time(self._player.position if self._player is not None else 0.0)
        self._elide_frame()

    def _least(self) -> int:
        """The width below which it would lose something that it may not."""
        spare = len(self._buttons) * (self.play.iconSize().width() - ICON)
        spare += 0 if self.volume.isHidden() else _VOLUME_WIDTH + _SPACING
        return super().minimumSizeHint().width() - spare - self.time.minimumWidth() + self._room_for_time(brief=True)

    def _show_frame(self, _: object = None) -> None:
        player = self._player
        parts = []
        if player is not None and player.has_picture:
            frame = player.frame
            # The picture may have been made before the file was read as far as it.
            number = None if frame is None else frame.index
            if frame is not None and number is None:
                number = player.index.number(frame.time)
            if number is not None:
                parts.append(f"frame {number}")
            if player.frame_rate:
                variable = " (variable)" if player.index.variable else ""
                parts.append(f"{round(player.frame_rate, 2):g} fps{variable}")
        self._frame_told = " · ".join(parts)
        self._elide_frame()

    def _elide_frame(self) -> None:
        """All of it, or the number alone, or nothing, as there is room; never half of a number."""
        metrics, room = QFontMetrics(self.frame.font()), self.frame.width()
        told = self._frame_told
        for text in (told, told.split(" · ")[0], told.split(" · ")[0].removeprefix("frame ")):
            if metrics.horizontalAdvance(text) <= room:
                self.frame.setText(text)
                return
        self.frame.setText("")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Another size of text, other signs."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(self._least(), super().minimumSizeHint().height())


def _numbers(name: str, tip: str, kind: str = "") -> QLabel:
    """A line of figures that stay in place while they change."""
    made = label("", kind)
    font = made.font()
    font.setFeature(QFont.Tag("tnum"), 1)
    made.setFont(font)
    explain(made, name, tip)
    return made
