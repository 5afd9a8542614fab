"""The bar under the picture: play, steps, events, time, speed, loop, sound, full screen."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QFont, QFontMetrics, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QSizePolicy, QSlider, QToolButton, QWidget

from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, label
from mien_desktop.player.glyphs import icon
from mien_desktop.player.player import Player
from mien_desktop.timeline.axis import clock

SPEEDS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0)
"""That can be chosen."""
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

_ICON = 18
_VOLUME_WIDTH = 56
_SPACING = 2


class Button(QToolButton):
    """A flat button with a sign. Enter presses it too, as the window takes Space for play.

    Args:
        glyph: name of the sign; title: for screen readers; tip: what it does.
        command: id by which its keys are looked up.
    """

    def __init__(self, glyph: str, title: str, tip: str, command: str = "", *, checkable: bool = False) -> None:
        super().__init__()
        self.glyph, self.command = glyph, command
        self._title, self._tip, self._keys = title, tip, ""
        self.setProperty("kind", "flat")
        self.setCheckable(checkable)
        self.setIconSize(QSize(_ICON, _ICON))
        # Who clicks goes on using the keys of the view that has the focus.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.tell()

    def tell(self, title: str = "", tip: str = "", keys: str | None = None, *, active: bool = True) -> None:
        """Say what it does now; what is left out stays. Keys are named while they do something."""
        self._title, self._tip = title or self._title, tip or self._tip
        self._keys = self._keys if keys is None else keys
        named = QKeySequence(self._keys).toString(QKeySequence.SequenceFormat.NativeText) if active else ""
        told = f"{self._tip} ({named})" if named else self._tip
        if (told, self._title) != (self.toolTip(), self.accessibleName()):
            explain(self, self._title, told)

    def show_glyph(self, glyph: str, palette: Palette) -> None:
        """Show a sign in a palette's colours."""
        self.glyph = glyph
        self.setIcon(icon(glyph, palette, _ICON))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.isAutoRepeat():
            self.animateClick()
        else:
            super().keyPressEvent(event)


class SpeedButton(Button):
    """Shows the speed, and opens a list of those that can be chosen.

    Signals:
        chosen(float): one was.
    """

    chosen = Signal(float)

    def __init__(self) -> None:
        super().__init__("", "Speed", "Choose how fast it plays; voices keep their pitch")
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.choices = QActionGroup(self)
        menu = QMenu(self)
        menu.setAccessibleName("Speed")
        for rate in SPEEDS:
            action = QAction(self.written(rate), self.choices, checkable=True)
            action.setData(rate)
            menu.addAction(action)
        self.choices.triggered.connect(lambda action: self.chosen.emit(action.data()))
        self.setMenu(menu)
        self.show_rate(1.0)

    @staticmethod
    def written(rate: float) -> str:
        """As it is shown: `0.25×`."""
        return f"{rate:g}×"

    def show_rate(self, rate: float) -> None:
        """Show a speed, whether it is in the list or not."""
        self.setText(self.written(rate))
        self.setAccessibleName(f"Speed {self.written(rate)}")
        for action in self.choices.actions():
            action.setChecked(abs(action.data() - rate) < 1e-6)

    def sizeHint(self) -> QSize:
        """As wide as it ever gets, so that nothing beside it moves; no room for the arrow, which is not drawn."""
        metrics = self.fontMetrics()
        most = max(metrics.horizontalAdvance(self.written(rate)) for rate in SPEEDS)
        return QSize(most + 14, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down):
            self.showMenu()
        else:
            super().keyPressEvent(event)


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
        explain(self.volume, "Volume", "Loudness")
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
        self._fit_time(total)
        self._show_time(position)
        self._show_frame()

    def _show_sound(self) -> None:
        player = self._player
        if player is None:
            return
        there = player.has_sound and not player.sound_problem
        silent = player.muted or (not there and player.medium is not None)
        glyph = "muted" if silent else "sound"
        if player.medium is not None and not player.has_sound:
            tip = "This medium has no sound"
        elif player.sound_problem:
            tip = player.sound_problem
        else:
            tip = "Sound on" if player.muted else "Mute"
        if self.mute.glyph != glyph:
            self.mute.show_glyph(glyph, self._palette)
        self.mute.tell("Sound on" if player.muted else "Mute", tip, active=there or player.medium is None)
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
        self.time.setText(self._written(position, player.duration) if player is not None and there else "")

    @staticmethod
    def _written(position: float, total: float) -> str:
        hours = total >= 3600.0
        return f"{clock(position, digits=3, hours=hours)} / {clock(total, digits=3, hours=hours)}"

    def _fit_time(self, total: float) -> None:
        """As wide as it ever gets, so that nothing beside it moves."""
        metrics = QFontMetrics(self.time.font())
        widest = max("0123456789", key=metrics.horizontalAdvance)
        text = "".join(widest if c.isdigit() else c for c in self._written(total, total))
        self.time.setFixedWidth(metrics.horizontalAdvance(text) + 4)

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
        # The loudness gives way first where it is narrow; the mute button stays.
        self.volume.setVisible(self.width() >= self.minimumSizeHint().width() + _VOLUME_WIDTH + _SPACING)
        self._elide_frame()

    def minimumSizeHint(self) -> QSize:
        hint = super().minimumSizeHint()
        return hint if self.volume.isHidden() else hint - QSize(_VOLUME_WIDTH + _SPACING, 0)


def _numbers(name: str, tip: str, kind: str = "") -> QLabel:
    """A line of figures that stay in place while they change."""
    made = label("", kind)
    font = made.font()
    font.setFeature(QFont.Tag("tnum"), 1)
    made.setFont(font)
    explain(made, name, tip)
    return made
