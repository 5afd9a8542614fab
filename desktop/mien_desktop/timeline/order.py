"""Which lanes there are, in which order, how high, and where each lies; and their layout as a dictionary to keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien_desktop.timeline.lanes.base import Lane


@dataclass(frozen=True)
class Slot:
    """Where a lane lies: logical pixels from the top of the first."""

    lane: Lane
    top: int
    height: int

    @property
    def bottom(self) -> int:
        """Where the next one begins."""
        return self.top + self.height


class Order:
    """The lanes from the top down, hidden ones included."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self._remembered: dict[str, tuple[int, int, bool]] = {}

    def __contains__(self, lane_id: str) -> bool:
        return any(lane.id == lane_id for lane in self.lanes)

    def lane(self, lane_id: str) -> Lane:
        """The lane of that id.

        Raises:
            KeyError: there is none.
        """
        for lane in self.lanes:
            if lane.id == lane_id:
                return lane
        raise KeyError(lane_id)

    def slots(self, least: int = 0) -> list[Slot]:
        """The lanes that are shown, and where.

        Args:
            least: logical pixels that a line of text asks for; no lane is lower.
        """
        found, top = [], 0
        for lane in self.lanes:
            if lane.visible:
                height = max(lane.height, least) + (max(lane.extra, least) if lane.extra else 0)
                found.append(Slot(lane, top, height))
                top += height
        return found

    def add(self, lane: Lane, index: int | None = None) -> None:
        """Add a lane; one that a layout spoke of gets its place, height and visibility.

        Raises:
            ValueError: there is a lane of that id.
        """
        if lane.id in self:
            raise ValueError(f"there is a lane {lane.id} already")
        if lane.id in self._remembered:
            rank, lane.height, lane.visible = self._remembered[lane.id]
            index = self._place(rank, [{"id": other.id} for other in self.lanes])
        self.lanes.insert(len(self.lanes) if index is None else index, lane)

    def remove(self, lane: Lane) -> None:
        """Take a lane out; it gets its place, height and visibility again when it comes back."""
        self._remembered = {e["id"]: (n, e["height"], e["visible"]) for n, e in enumerate(self.layout()["lanes"])}
        self.lanes.remove(lane)

    def move(self, lane: Lane, before: Lane | None) -> bool:
        """Put a lane before another (None: last); True if that changed the order."""
        if lane is before:
            return False
        old = list(self.lanes)
        self.lanes.remove(lane)
        self.lanes.insert(len(self.lanes) if before is None else self.lanes.index(before), lane)
        return self.lanes != old

    def step(self, lane: Lane, by: int) -> bool:
        """Move a lane past so many of the shown ones, up (negative) or down; True if it moved."""
        shown = [slot.lane for slot in self.slots()]
        if lane not in shown:
            return False
        target = shown.index(lane) + by
        if not 0 <= target < len(shown):
            return False
        if by < 0:
            return self.move(lane, shown[target])
        return self.move(lane, shown[target + 1] if target + 1 < len(shown) else None)

    def rearrange(self, shapes: Mapping[str, tuple[int, bool]], order: Sequence[str] = ()) -> None:
        """Give lanes of these ids a height (logical pixels) and visibility, and put them in an order.

        Args:
            order: ids from the top down, those that it does not name come last; empty to leave the order alone.
        """
        for lane in self.lanes:
            if lane.id in shapes:
                lane.height, lane.visible = shapes[lane.id]
        if order:
            ranks = {name: rank for rank, name in enumerate(order)}
            self.lanes.sort(key=lambda lane: ranks.get(lane.id, len(ranks)))

    def layout(self) -> dict[str, Any]:
        """Order, heights and visibility, ready for JSON; also of lanes that were there, or a layout spoke of."""
        lanes = [{"id": lane.id, "height": lane.height, "visible": lane.visible} for lane in self.lanes]
        for name, (rank, height, visible) in sorted(self._remembered.items(), key=lambda one: one[1][0]):
            if name not in self:
                lanes.insert(self._place(rank, lanes), {"id": name, "height": height, "visible": visible})
        return {"version": 1, "lanes": lanes}

    def _place(self, rank: int, lanes: Sequence[Mapping[str, Any]]) -> int:
        """Where a lane that is remembered at this rank belongs among those that there are."""
        ranks = [self._remembered.get(lane["id"], (-1,))[0] for lane in lanes]
        return next((i for i, r in enumerate(ranks) if r > rank), len(lanes))

    def set_layout(self, layout: Mapping[str, Any]) -> None:
        """The inverse of `layout`. Lanes that are not there yet get their place when they come; lanes it does not name
        keep theirs behind those it names; what cannot be understood is passed over.
        """
        entries = layout.get("lanes")
        self._remembered = {}
        for rank, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, Mapping) and isinstance(entry.get("id"), str):
                height = entry.get("height")
                if isinstance(height, int | float) and height > 0:
                    height = int(height)
                elif entry["id"] in self:
                    height = self.lane(entry["id"]).height
                else:
                    continue
                self._remembered[entry["id"]] = rank, height, bool(entry.get("visible", True))
        for lane in self.lanes:
            if lane.id in self._remembered:
                _, lane.height, lane.visible = self._remembered[lane.id]
        last = len(self._remembered)
        self.lanes.sort(key=lambda lane: self._remembered.get(lane.id, (last,))[0])
