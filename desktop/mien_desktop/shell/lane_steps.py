"""What a person does to the lanes, as steps: which are shown, in what order and how high."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Slot

from mien_desktop.document import Document
from mien_desktop.timeline.view import TimelineView
from mien_desktop.work.steps import Steps

Shape = tuple[int, bool]
"""Height in logical pixels, and whether a lane is shown."""


@dataclass(frozen=True)
class _Part:
    """Some lanes' shapes, and the order of all lanes where it is another one."""

    shapes: Mapping[str, Shape]
    order: tuple[str, ...] = ()


class LaneSteps(QObject):
    """Follows the lanes. What differs is put back, not the whole: other lanes may have been changed beside another medium."""

    def __init__(self, timeline: TimelineView, steps: Steps, document: Document, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timeline, self._steps, self._document = timeline, steps, document
        self._known = self._now()
        self._putting = False
        timeline.lanes_changed.connect(self._changed)

    def _now(self) -> dict[str, Shape]:
        return {lane.id: (lane.height, lane.visible) for lane in self._timeline.lanes}

    @Slot()
    def _changed(self) -> None:
        before, self._known = self._known, self._now()
        # Lanes that come and go do so by themselves; without a medium nobody sees them.
        if self._putting or before.keys() != self._known.keys() or self._document.path is None:
            return
        changed = [name for name in before if before[name] != self._known[name]]
        moved = list(before) != list(self._known)
        if not changed and not moved:
            return
        old, new = (
            _Part({name: known[name] for name in changed}, tuple(known) if moved else ())
            for known in (before, self._known)
        )
        text, what = self._name(before, changed, moved)
        self._steps.change(text, what, old, new, self._put)

    def _name(self, before: Mapping[str, Shape], changed: list[str], moved: bool) -> tuple[str, object]:
        """What the step is called, and what makes it one with the next: a lower edge that is dragged."""
        if moved:
            now = list(self._known)
            alone = next((n for n in now if [m for m in before if m != n] == [m for m in now if m != n]), "")
            return (f"Move {self._timeline.lane(alone).title}" if alone else "Order of the lanes"), object()
        if len(changed) > 1:
            return "Show all lanes" if all(self._known[n][1] for n in changed) else "Lanes", object()
        (name,) = changed
        title, shown = self._timeline.lane(name).title, self._known[name][1]
        if shown != before[name][1]:
            return f"{'Show' if shown else 'Hide'} {title}", object()
        return f"Height of {title}", ("height", name)

    def _put(self, part: _Part) -> None:
        self._putting = True
        try:
            self._timeline.rearrange(part.shapes, part.order)
        finally:
            self._putting = False
