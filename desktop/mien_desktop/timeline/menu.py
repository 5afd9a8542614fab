"""The context menu of the timeline: what can be done with a lane, which lanes are shown, and the common zooms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu

from mien_desktop.timeline.keys import TALLER
from mien_desktop.timeline.lanes.base import Lane

if TYPE_CHECKING:
    from mien_desktop.timeline.view import TimelineView


def build(view: TimelineView, lane: Lane | None) -> QMenu:
    """The menu for a lane, or for the whole timeline; it deletes itself when it closes."""
    menu = QMenu(view)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setAccessibleName("Timeline")

    def add(into: QMenu, text: str, shortcut: str, does: Callable[[], object], enabled: bool = True) -> QAction:
        # The keys belong to the timeline while it has the focus; here they are only told.
        action = into.addAction(f"{text}\t{shortcut}" if shortcut else text)
        action.setEnabled(enabled)
        action.triggered.connect(lambda _checked=False: does())
        return action

    if lane is not None:
        chosen = lane
        add(menu, f"Hide {chosen.title}", "H", lambda: setattr(chosen, "visible", False))
        add(menu, "Move up", "Alt+Up", lambda: view.step_lane(chosen, -1))
        add(menu, "Move down", "Alt+Down", lambda: view.step_lane(chosen, 1))
        add(menu, "Higher", "Ctrl+Down", lambda: setattr(chosen, "height", chosen.height + 3 * TALLER))
        add(menu, "Lower", "Ctrl+Up", lambda: setattr(chosen, "height", chosen.height - 3 * TALLER))
        menu.addSeparator()
    if view.lanes:
        fill_lanes(menu.addMenu("Lanes"), view)
        menu.addSeparator()
    add(menu, "Show everything", "F", view.fit, view.range is not None)
    add(menu, "Zoom to selection", "Z", view.zoom_to_selection, view.selection is not None)
    add(menu, "Clear selection", "Esc", view.clear_selection, view.selection is not None)
    return menu


def fill_lanes(menu: QMenu, view: TimelineView) -> None:
    """One entry per lane, ticked where it is shown, in place of what stood in the menu."""
    menu.clear()
    for lane in view.lanes:
        action = menu.addAction(lane.title.replace("&", "&&"))
        action.setCheckable(True)
        action.setChecked(lane.visible)
        action.toggled.connect(lambda on, lane=lane: setattr(lane, "visible", on))
    menu.addSeparator()
    everything = menu.addAction("Show all lanes\tShift+H")
    everything.setEnabled(not all(lane.visible for lane in view.lanes))
    everything.triggered.connect(lambda _checked=False: view.show_all())
