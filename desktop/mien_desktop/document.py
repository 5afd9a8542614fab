"""The medium that is open: its facts, its readings so far, the plan and how far it is. No widgets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from mien.engine.events import Done, Event, Failed, Finished, MediumFailed, Piece, PlannedPlugin, Progress, Started
from mien.sdk.media import MediaInfo
from mien.tracks.track import AnyTrack
from mien_desktop.work.pace import Pace

SCORE = "fusion.score"
TICK = 1000
"""ms after which the time left is told anew, whether a plugin has said something or not."""


@dataclass(frozen=True)
class Standing:
    """How far one plugin is.

    Args:
        plugin: id; title: for people.
        state: "waiting", "running", "cached", "skipped", "done" or "failed".
        fraction: from 0 to 1; left: seconds that it will take yet, None while that is not known.
        late: it takes longer than it was expected to.
        reason: why it is skipped or has failed.
    """

    plugin: str
    title: str
    state: str
    fraction: float = 0.0
    left: float | None = None
    reason: str = ""
    late: bool = False


@dataclass
class Readings:
    """Tracks by name, each as the pieces that have arrived, joined when asked for."""

    parts: dict[str, list[AnyTrack]] = field(default_factory=dict)

    def add(self, track: AnyTrack) -> None:
        """Append a piece."""
        self.parts.setdefault(track.name, []).append(track)

    def get(self, name: str) -> AnyTrack | None:
        """The whole track as far as it is there."""
        parts = self.parts.get(name)
        if not parts:
            return None
        if len(parts) > 1:
            parts[:] = [type(parts[0]).concat(parts)]  # type: ignore[arg-type]
        return parts[0]

    def names(self) -> list[str]:
        """Names of what is there, in the order of arrival."""
        return list(self.parts)


class Document(QObject):
    """Signals:
    opened: another medium, or none; everything is to be drawn anew.
    described: what the medium is has become known.
    replaced(str): a track is another one as a whole (loaded, or made again).
    grew(object): a piece was appended to a track.
    progressed: the standing of some plugin has changed.
    finished(str): the analysis has ended; what went wrong with it, or empty.
    """

    opened = Signal()
    described = Signal()
    replaced = Signal(str)
    grew = Signal(object)
    progressed = Signal()
    finished = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path: Path | None = None
        self.medium = ""
        self.media: MediaInfo | None = None
        self.device = ""
        self.problems: tuple[str, ...] = ()
        self.partial = ""
        self.readings = Readings()
        self.standings: dict[str, Standing] = {}
        self.analysing = False
        self._paces: dict[str, Pace] = {}
        self._fresh: set[str] = set()
        self.ticking = QTimer(self)
        self.ticking.setInterval(TICK)
        self.ticking.timeout.connect(self._tick)

    def open(self, path: Path | None) -> None:
        """Forget the last medium; `path` is the next."""
        self.path, self.medium, self.media = path, "", None
        self.device, self.problems, self.partial = "", (), ""
        self.readings, self.standings, self.analysing = Readings(), {}, False
        self.ticking.stop()
        self.opened.emit()

    def describe(self, media: MediaInfo, medium: str = "") -> None:
        """Set what the medium is."""
        self.media = media
        self.medium = medium or self.medium
        self.described.emit()

    def load(self, tracks: dict[str, AnyTrack]) -> None:
        """Take tracks from the library."""
        for name, track in tracks.items():
            self.readings.parts[name] = [track]
            self.replaced.emit(name)
        if SCORE in tracks:
            self._forget_fusion(set(tracks))
        self.progressed.emit()

    def begin(self) -> None:
        """An analysis begins: what arrives from now on replaces what was there of the same name."""
        self.analysing = True
        self.standings, self._paces, self._fresh = {}, {}, set()
        self.ticking.start()
        self.progressed.emit()

    def take(self, event: Event) -> None:
        """Follow an event of the analysis."""
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, Piece):
            self._piece(event.track)
        elif isinstance(event, Progress):
            self._progress(event.plugin, event.fraction)
        elif isinstance(event, Finished):
            self._stand(event.plugin, state="done", fraction=1.0, left=0.0)
        elif isinstance(event, Failed):
            self._stand(event.plugin, state="failed", left=None, reason=event.reason)
        elif isinstance(event, Done):
            self.partial = event.partial
            self.end("")
        elif isinstance(event, MediumFailed):
            self.end(event.reason)

    def end(self, reason: str) -> None:
        """The analysis has ended; `reason` is what went wrong, or empty."""
        if not self.analysing:
            return
        self.analysing = False
        self.ticking.stop()
        for plugin, standing in list(self.standings.items()):
            if standing.state in ("waiting", "running"):
                self.standings[plugin] = replace(
                    standing, state="failed", left=None, reason=reason or "It did not end."
                )
        self.progressed.emit()
        self.finished.emit(reason)

    def _start(self, event: Started) -> None:
        self.medium, self.device, self.problems = event.medium, event.device, event.problems
        self.standings = {p.id: _standing(p) for p in event.plugins}
        self.describe(event.media, event.medium)
        self.progressed.emit()

    def _piece(self, track: AnyTrack) -> None:
        if track.name not in self._fresh:
            self._fresh.add(track.name)
            self.readings.parts[track.name] = [track]
            self.replaced.emit(track.name)
            if track.name == SCORE:
                self._forget_fusion(self._fresh)
            return
        before = self.readings.parts[track.name][-1]
        self.readings.add(track)
        if len(before) and len(track) and track.onsets[0] < before.onsets[-1]:
            self.replaced.emit(track.name)  # lanes only grow at their end
        else:
            self.grew.emit(track)

    def _forget_fusion(self, kept: Collection[str]) -> None:
        """What an earlier fusion wrote besides goes with its score: this one may not write it."""
        for name in [n for n in self.readings.parts if n.startswith("fusion.") and n not in kept]:
            del self.readings.parts[name]
            self.replaced.emit(name)

    def _progress(self, plugin: str, fraction: float) -> None:
        pace = self._paces.setdefault(plugin, Pace(fraction))
        pace.reach(fraction)
        self._stand(plugin, state="running", fraction=fraction, left=pace.left, late=pace.late)

    def _tick(self) -> None:
        """Time goes by between two reports, too."""
        running = [plugin for plugin, standing in self.standings.items() if standing.state == "running"]
        for plugin in running:
            pace = self._paces[plugin]
            self.standings[plugin] = replace(self.standings[plugin], left=pace.left, late=pace.late)
        if running:
            self.progressed.emit()

    def _stand(self, plugin: str, **changes: object) -> None:
        standing = self.standings.get(plugin, Standing(plugin, plugin, "waiting"))
        self.standings[plugin] = replace(standing, **changes)  # type: ignore[arg-type]
        self.progressed.emit()


def _standing(plugin: PlannedPlugin) -> Standing:
    state = {"run": "waiting", "cached": "cached", "skipped": "skipped"}[plugin.state]
    return Standing(plugin.id, plugin.title, state, 1.0 if state == "cached" else 0.0, None, plugin.reason)
