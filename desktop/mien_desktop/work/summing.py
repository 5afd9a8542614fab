"""The summary of the queue, in a thread of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mien.batch.rank import ranks_to_offer
from mien.batch.sum_up import Order, sum_up
from mien.batch.survey import asked_of
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import UsageError, shown
from mien.library.readings import known_readings
from mien.tracks import Quantity
from mien_desktop.work.writing import Stopped, Watch, WritingJob


@dataclass(frozen=True)
class Ranks:
    """What media can be ranked by: the readings that there will be, by their names, and ranks that make sense of them."""

    readings: Mapping[str, Quantity]
    offered: Sequence[str]


class SummaryJob(WritingJob):
    """Where it is stopped nothing is written.

    Signals (in the GUI's thread):
        known(Ranks): what can be ranked by.
    """

    known = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("mien-summary", parent)
        self._writes = False

    @property
    def writes(self) -> bool:
        """Whether a summary is being made."""
        return self.runs and self._writes

    def look(self, choice: Choice, registry: Registry) -> None:
        """Find out what can be ranked by; nothing happens while something runs."""
        if self._begin(lambda *_: _ranks(choice, registry), self.known):
            self._writes = False

    def start(self, order: Order, registry: Registry) -> None:
        """Write a summary; nothing happens while something runs."""
        if self._begin(lambda watch, stopped: _sum_up(order, registry, watch, stopped), self.written):
            self._writes = True


def _sum_up(order: Order, registry: Registry, watch: Watch, stopped: Stopped) -> list[Path]:
    if order.out.is_file():
        raise UsageError(f"This is a file; name a folder for the summary: {shown(order.out)}")
    return list(sum_up(order, registry, watch, stopped))


def _ranks(choice: Choice, registry: Registry) -> Ranks:
    tracks = asked_of(choice, registry).readings()
    return Ranks(known_readings(tracks), ranks_to_offer(tracks))
