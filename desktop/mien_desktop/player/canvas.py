"""The picture on the screen with its readings over it, or a calm placeholder where there is none."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from mien.media.medium import Medium
from mien_desktop.look.palette import DARK, Palette
from mien_desktop.player.drawing import Ground, draw
from mien_desktop.player.glyphs import paint_glyph
from mien_desktop.player.overlay import Overlay
from mien_desktop.player.picture import Frame
from mien_desktop.player.player import Player

NOTHING = "Nothing is open"
SOUND_ONLY = "Sound only"

# Side of the placeholder's glyph; pictures are never shown smaller than the smallest size.
_GLYPH = 44
_WIDEST_TEXT = 440.0
_SMALLEST = QSize(240, 135)
_USUAL = QSize(640, 360)


class Canvas(QWidget):
    """Shows one frame, its shape kept, with an overlay.

    What lies over a picture is drawn in the dark palette in either theme, since pictures are; the placeholder
    follows the palette worn.

    Signals:
        toggled: it was clicked: play or pause. The second click of a double one takes the first one back.
        full_screen_asked: it was double-clicked.
        room_changed(int, int): width and height for pictures, in device pixels.
    """

    toggled = Signal()
    full_screen_asked = Signal()
    room_changed = Signal(int, int)

    def __init__(self, palette: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._palette = palette
        self._player: Player | None = None
        self._frame: Frame | None = None
        self._overlay: Overlay | None = None
        self._overlay_visible = True
        self._title, self._text, self._glyph = "", NOTHING, "film"
        self._told = (0, 0)
        self._pressed: QPoint | None = None
        self._ringed = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(_SMALLEST)
        self.setAccessibleName("Picture")
        self.setToolTip("Click to play or pause (Space), double-click for the full screen (F11)")
        self._describe()

    # What is shown.

    @property
    def frame(self) -> Frame | None:
        """The picture shown."""
        return self._frame

    @property
    def overlay(self) -> Overlay | None:
        """What is drawn over it."""
        return self._overlay

    @property
    def overlay_visible(self) -> bool:
        """Whether readings are drawn."""
        return self._overlay_visible

    def bind(self, player: Player) -> None:
        """Say to the player how large pictures are to be, and show what it opens or cannot open; once only. Frames are
        given by `show_frame`, as the overlay belongs to them."""
        self._player = player
        self.room_changed.connect(player.set_room)
        player.opened.connect(self._opened)
        player.failed.connect(self._failed)
        player.state_changed.connect(self._changed)
        player.set_room(*self.room())

    def show_frame(self, frame: Frame, overlay: Overlay | None = None) -> None:
        """Show a picture with what was read of its time; None draws nothing over it."""
        self._frame, self._overlay = frame, overlay
        self.update()

    def show_overlay(self, overlay: Overlay | None) -> None:
        """Other readings over the same picture, or over the placeholder of a medium without pictures."""
        if overlay != self._overlay:
            self._overlay = overlay
            self.update()

    def show_nothing(self, text: str = "") -> None:
        """Show no picture but why; an empty text says that nothing is open."""
        self._place("warning" if text else "film", "", text or NOTHING)

    def show_sound(self, name: str) -> None:
        """Show the placeholder of a medium without pictures; a cover that is attached to it is none."""
        self._place("note", name, SOUND_ONLY)

    def set_overlay_visible(self, visible: bool) -> None:
        """Draw readings over the picture, or leave it bare."""
        self._overlay_visible = visible
        self.update()

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        self.update()

    def room(self) -> tuple[int, int]:
        """(width, height) for pictures, in device pixels."""
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio))

    def picture_rect(self) -> QRectF:
        """Where the picture lies, in device-independent pixels: as large as it fits, in the middle, on whole device
        pixels so that it is not blurred. All of the canvas without one."""
        if self._frame is None:
            return QRectF(self.rect())
        ratio = self.devicePixelRatioF()
        across, down = self.room()
        image = self._frame.image
        wide, high = self._frame.size if all(self._frame.size) else (image.width(), image.height())
        scale = min(across / wide, down / high)
        width, height = max(1, round(wide * scale)), max(1, round(high * scale))
        return QRectF((across - width) // 2 / ratio, (down - height) // 2 / ratio, width / ratio, height / ratio)

    def sizeHint(self) -> QSize:
        return _USUAL

    # How it does it.

    def _opened(self, medium: Medium) -> None:
        if medium.video is None:
            self.show_sound(medium.path.name)
        else:
            self._blank()

    def _failed(self, told: str) -> None:
        """What can no longer be read while it is open keeps its last picture; the window tells the rest."""
        if self._player is None or self._player.medium is None:
            self.show_nothing(told)

    def _changed(self) -> None:
        if self._player is not None and self._player.medium is None and self._frame is not None:
            self._blank()

    def _blank(self) -> None:
        """Until the first picture is there."""
        self._place("film", "", "")

    def _place(self, glyph: str, title: str, text: str) -> None:
        self._frame = self._overlay = None
        self._glyph, self._title, self._text = glyph, title, text
        self._describe()
        self.update()

    def _describe(self) -> None:
        told = " – ".join(part for part in (self._title, self._text) if part)
        self.setAccessibleDescription(f"{told + '. ' if told else ''}{self.toolTip()}")

    def _tell_room(self) -> None:
        room = self.room()
        if room != self._told:
            self._told = room
            self.room_changed.emit(*room)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tell_room()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._tell_room()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._tell_room()
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        # A ring round the picture is for those who came by the keyboard.
        self._ringed = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._ringed = False
        super().focusOutEvent(event)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._pressed is not None:
            self._pressed = None
            if self.rect().contains(event.position().toPoint()):
                self.toggled.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = None
            self.toggled.emit()
            self.full_screen_asked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            picture = self.picture_rect()
            if self._frame is None:
                told = bool(self._title or self._text)
                painter.fillRect(self.rect(), QColor(self._palette.panel if told else DARK.window))
                if told:
                    self._paint_placeholder(painter)
            else:
                painter.fillRect(self.rect(), QColor(DARK.window))
                self._paint_picture(painter, picture, self._frame.image)
            if self._overlay is not None and self._overlay_visible:
                size = self._frame.size if self._frame is not None else (0, 0)
                palette = DARK if self._frame is not None else self._palette
                draw(painter, Ground(QRectF(self.rect()), picture, size), self._overlay, palette, self.font())
            if self._ringed:
                painter.setPen(QPen(QColor(self._palette.focus), 2.0))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))

    def _paint_picture(self, painter: QPainter, rect: QRectF, image: QImage) -> None:
        ratio = self.devicePixelRatioF()
        exact = (image.width(), image.height()) == (round(rect.width() * ratio), round(rect.height() * ratio))
        # Until a picture of the new size is there, and beyond the size up to which they are made.
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not exact)
        painter.drawImage(rect, image)

    def _paint_placeholder(self, painter: QPainter) -> None:
        """A sign, a name in one line, and a text in as many as it takes, in the middle."""
        palette, middle = self._palette, QRectF(self.rect()).center()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        high, low = QFontMetricsF(bold), QFontMetricsF(self.font())
        room = min(self.width() - 48.0, _WIDEST_TEXT)
        wrap = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
        lines = low.boundingRect(QRectF(0.0, 0.0, room, 1e4), wrap, self._text).height() if self._text else 0.0
        name = high.height() + 4.0 if self._title else 0.0
        top = middle.y() - (_GLYPH + 14.0 + name + lines) / 2
        paint_glyph(painter, self._glyph, QRectF(middle.x() - _GLYPH / 2, top, _GLYPH, _GLYPH), palette.faint)
        top += _GLYPH + 14.0
        if self._title:
            painter.setFont(bold)
            painter.setPen(QColor(palette.text))
            told = high.elidedText(self._title, Qt.TextElideMode.ElideMiddle, room)
            painter.drawText(QRectF(middle.x() - room / 2, top, room, name), wrap, told)
        painter.setFont(self.font())
        painter.setPen(QColor(palette.dim))
        painter.drawText(QRectF(middle.x() - room / 2, top + name, room, lines + 2.0), wrap, self._text)
