"""What the keys do while the timeline has the focus, and how that is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent

from mien_desktop.timeline.lanes.fused import FusedLane

if TYPE_CHECKING:
    from mien_desktop.timeline.view import TimelineView

HELP = (
    "+ and − zoom, ← and → pan, Home and End go to the ends, F or 0 shows everything, Z the selection; "
    "I and O select from and to the playhead, Esc clears the selection; ↑ and ↓ choose a lane, "
    "Alt+↑ and Alt+↓ move it, Ctrl+↑ and Ctrl+↓ make it lower or higher, H hides it, Shift+H shows all; "
    "[ and ] move the threshold."
)
"""For the tooltip and for screen readers."""

ZOOM, PAN = 1.5, 0.15
TALLER = 8
FINE = 0.01


def pressed(view: TimelineView, event: QKeyEvent) -> bool:
    """Do what the key says; False if it says nothing here."""
    if view.range is None:
        return False
    key, held = Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    shift = held == Qt.KeyboardModifier.ShiftModifier
    if held == Qt.KeyboardModifier.AltModifier or held == Qt.KeyboardModifier.ControlModifier:
        return _lane(view, key, move=held == Qt.KeyboardModifier.AltModifier)
    if held and not shift:
        return False
    return _time(view, key, shift) or _choice(view, key, shift)


def _lane(view: TimelineView, key: Qt.Key, *, move: bool) -> bool:
    if key not in (Qt.Key.Key_Up, Qt.Key.Key_Down) or view.current is None:
        return False
    by = -1 if key == Qt.Key.Key_Up else 1
    if move:
        view.step_lane(view.current, by)
    else:
        view.current.height += by * TALLER
    return True


def _time(view: TimelineView, key: Qt.Key, shift: bool) -> bool:
    within = view.range
    assert within is not None
    page = within.length * (0.9 if shift else PAN)
    if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
        view.zoom(1 / ZOOM, view.focus_time)
    elif key in (Qt.Key.Key_Minus, Qt.Key.Key_Underscore):
        view.zoom(ZOOM, view.focus_time)
    elif key == Qt.Key.Key_Left:
        view.pan(-page)
    elif key == Qt.Key.Key_Right:
        view.pan(page)
    elif key == Qt.Key.Key_PageUp:
        view.pan(-within.length * 0.9)
    elif key == Qt.Key.Key_PageDown:
        view.pan(within.length * 0.9)
    elif key == Qt.Key.Key_Home:
        view.pan(-within.duration)
    elif key == Qt.Key.Key_End:
        view.pan(within.duration)
    elif key in (Qt.Key.Key_0, Qt.Key.Key_F) and not shift:
        view.fit()
    elif key == Qt.Key.Key_Z and not shift:
        view.zoom_to_selection()
    else:
        return False
    return True


def _choice(view: TimelineView, key: Qt.Key, shift: bool) -> bool:
    current = view.current
    if key == Qt.Key.Key_Escape:
        if view.selection is None:
            return False
        view.clear_selection()
    elif key in (Qt.Key.Key_I, Qt.Key.Key_O) and not shift:
        view.mark(begin=key == Qt.Key.Key_I)
    elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down) and not shift:
        view.choose_next(-1 if key == Qt.Key.Key_Up else 1)
    elif key == Qt.Key.Key_H and shift:
        view.show_all()
    elif key == Qt.Key.Key_H and current is not None:
        current.visible = False
    elif key in (Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight):
        # The lane's own threshold, else that of the fused reading.
        fused = next((slot.lane for slot in view.slots if isinstance(slot.lane, FusedLane)), None)
        lane = current if current is not None and current.thresholds(current.height) else fused
        if lane is None:
            return False
        line = lane.thresholds(lane.height)[0]
        by = -FINE if key == Qt.Key.Key_BracketLeft else FINE
        view.set_threshold(lane, round(line.value + by, 4), line.channel)
    else:
        return False
    return True
