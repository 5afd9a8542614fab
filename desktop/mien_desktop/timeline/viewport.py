"""The time side of the timeline: what is shown of how much, zooming, panning, the playhead and following it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, Signal, Slot
from PySide6.QtGui import QFont, QFontMetricsF
from PySide6.QtWidgets import QWidget

from mien_desktop.timeline import axis
from mien_desktop.timeline.window import Range, Window

RULER = 28
JUMP = 1.0
"""s; a playhead that moves further at once was put there, not played there."""
HEAD = 7
"""Half the width of the playhead's head, logical pixels."""


class Viewport(QWidget):
    """A widget that shows a stretch of a medium's time between a column of titles and its right edge."""

    range_changed = Signal(float, float)
    """Start and end of what is shown, in s."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.playhead = 0.0
        self.range: Range | None = None
        self.window_shown: Window | None = None
        self.ticks = axis.Ticks(1.0, (), ())
        self.margin_right = 0
        self._playing, self._following = False, True

    # ---------------------------------------------------------------- where things are

    @property
    def small_font(self) -> QFont:
        """For times and for words in lanes."""
        font = QFont(self.font())
        font.setPixelSize(max(9, round(QFontMetricsF(self.font()).height() * 0.72)))
        return font

    @property
    def titles_width(self) -> int:
        """Of the column of titles; a multiple of four, so that it ends on a whole pixel at 125, 150 and 175 %."""
        wide = QFontMetricsF(self.font()).averageCharWidth() * 26
        return max(120, min(round(wide), self.width() // 4)) // 4 * 4

    @property
    def plot(self) -> QRect:
        """Where the lanes' pictures are."""
        left = self.titles_width
        return QRect(left, RULER, max(1, self.width() - left - self.margin_right), max(1, self.height() - RULER))

    @property
    def ruler(self) -> QRect:
        """Where the times are."""
        return QRect(self.plot.left(), 0, self.plot.width(), RULER)

    def offset(self, time: float) -> float:
        """Logical pixels from the plot's left edge to a time."""
        return 0.0 if self.window_shown is None else self.window_shown.x(time) / self.devicePixelRatioF()

    def time_at(self, x: float) -> float:
        """The time at a widget's x, within the medium, in s."""
        if self.window_shown is None or self.range is None:
            return 0.0
        time = self.window_shown.time((x - self.plot.left()) * self.devicePixelRatioF())
        return min(max(time, 0.0), self.range.duration)

    @property
    def focus_time(self) -> float:
        """About which the keys zoom: the pointer's time, else the playhead's if it is in sight, else the middle."""
        assert self.range is not None
        pointer = self.pointer()
        if pointer is not None:
            return self.time_at(pointer.x())
        if self.range.start <= self.playhead <= self.range.end:
            return self.playhead
        return (self.range.start + self.range.end) / 2

    def pointer(self) -> QPointF | None:
        """Where the pointer is while it is over the lanes."""
        return None

    # ---------------------------------------------------------------- what is shown

    @Slot(float)
    def set_duration(self, duration: float) -> None:
        """The medium is so many seconds long; nought empties the view. A whole view stays whole, any other its range."""
        before = self.range
        if not duration > 0:
            self._show(None)
        elif before is None or before.whole():
            self._show(Range.clamped(0.0, duration, duration))
        else:
            self._show(Range.clamped(before.start, before.end, duration))

    @Slot(float, float)
    def set_range(self, start: float, end: float) -> None:
        """Show [start, end), in s, as far as it lies within the medium."""
        if self.range is not None and end > start:
            self._show(Range.clamped(start, end, self.range.duration))

    @Slot()
    def fit(self) -> None:
        """Show everything."""
        if self.range is not None:
            self.set_range(0.0, self.range.duration)
            self._following = True

    def zoom(self, factor: float, about: float) -> None:
        """Show `factor` times as much time; `about` (s) stays where it is."""
        if self.range is not None:
            self._show(self.range.zoomed(factor, about))
            self._follow_if_seen()

    def pan(self, seconds: float) -> None:
        """Show later (or earlier) time."""
        if self.range is not None:
            self._show(self.range.moved(seconds))
            self._follow_if_seen()

    def pan_columns(self, pixels: float) -> None:
        """Pan by logical pixels: whole device pixels, so that pictures only move."""
        if self.window_shown is not None:
            self.pan(round(pixels * self.devicePixelRatioF()) * self.window_shown.step)

    def _follow_if_seen(self) -> None:
        """Somebody who moves the playhead out of sight wants to look elsewhere."""
        if self.range is not None:
            self._following = self.range.start <= self.playhead <= self.range.end

    def _show(self, shown: Range | None) -> None:
        changed = shown != self.range
        self.range = shown
        self._measure()
        if changed:
            if shown is not None:
                self.range_changed.emit(shown.start, shown.end)
            self.update()

    def _measure(self) -> None:
        """Lay columns of device pixels and ticks over what is shown."""
        if self.range is None:
            self.window_shown = None
            return
        width = self.plot.width()
        columns = max(1, round(width * self.devicePixelRatioF()))
        window = Window.over(self.range.start, self.range.end, columns)
        before = self.window_shown
        if before is not None and before.width == columns and abs(window.step - before.step) <= 1e-9 * before.step:
            # As wide as before but for rounding: the same columns, so that panning moves pixels and changes none.
            window = Window(round(self.range.start / before.step), before.step, columns)
        if window != self.window_shown:
            self.window_shown = window
            metrics = QFontMetricsF(self.small_font)
            hours = self.range.duration >= 3600
            most = axis.most_ticks(width, metrics, self.range.length / max(1.0, width / 90), hours)
            self.ticks = axis.ticks(window.start, window.end, most)

    # ---------------------------------------------------------------- the playhead

    @Slot(bool)
    def set_playing(self, playing: bool) -> None:
        """Whether the playhead moves by itself: the view then turns pages with it."""
        self._playing = playing
        self._follow_if_seen()

    @Slot(float)
    def set_playhead(self, time: float) -> None:
        """The medium is at this time, in s."""
        before, self.playhead = self.playhead, time
        if before == time:
            return
        shown = self.range
        if shown is not None and not shown.start <= time < shown.end:
            jumped = not self._playing or abs(time - before) > JUMP
            if jumped:
                self._following = True
            if self._following:
                ahead = 0.3 if jumped else 0.05
                self._show(
                    Range.clamped(time - ahead * shown.length, time + (1 - ahead) * shown.length, shown.duration)
                )
        elif shown is not None:
            self._following = True
        for moment in (before, time):
            self.update(self.playhead_strip(moment))

    def playhead_strip(self, time: float) -> QRect:
        """What has to be painted anew where the playhead comes or goes."""
        x = self.plot.left() + self.offset(time)
        if not -HEAD <= x <= self.width() + HEAD:
            return QRect()
        return QRect(int(x) - HEAD, 0, 2 * HEAD + 1, self.height())
