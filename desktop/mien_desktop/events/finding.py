"""Finds the events of a document in the chosen source: follows its readings, and the rule that a person set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from mien.tracks.track import AnyTrack
from mien_desktop.document import Document
from mien_desktop.events.controls import EventControls
from mien_desktop.events.model import EventModel
from mien_desktop.events.rules import Rules
from mien_desktop.events.sources import Prepared, Rule, Source, outline, prepare, sources, usual_rule
from mien_desktop.work.background import Background

_SOON = 150
"""ms; readings that arrive in the meantime are taken together."""


class Finder(QObject):
    """Owns the model, in which others look up what was found and note what was decided.

    Signals:
        found: the model's events are others.
        threshold_changed(float): in the unit of the source.
        thresholds_changed: those of other sources, or which source is chosen; `thresholds` has them.
        failed(str): one sentence.

    Args:
        head: where a person chooses source, threshold and least length.
        rules: what was set, by medium and source.
        reach: s that a track's first and last reading reach outwards (`mien.engine.reach`).
    """

    found = Signal()
    threshold_changed = Signal(float)
    thresholds_changed = Signal()
    failed = Signal(str)

    def __init__(
        self,
        head: EventControls,
        rules: Rules,
        background: Background,
        reach: Callable[[AnyTrack], float],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.model = EventModel()
        self._head, self._rules, self._background, self._reach = head, rules, background, reach
        self._document: Document | None = None
        self._bonds: list[tuple[Any, Any]] = []
        self._asked = 0
        # By track (empty for any), channel (None for any) and field: what was set before there was such a source.
        self._early: dict[tuple[str, str | None, str], float] = {}
        self._levels: dict[Source, float] = {}
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON)
        self._soon.timeout.connect(self._prepare)
        head.source_chosen.connect(self._prepare)
        head.threshold_set.connect(self.set_threshold)
        head.least_set.connect(lambda least: self._set_rule("min_length", least))
        rules.changed.connect(self._wished)

    def follow(self, document: Document) -> None:
        """Follow this document's readings from now on; `begin` tells of another medium."""
        for signal, slot in self._bonds:
            signal.disconnect(slot)
        self._document = document
        self._bonds = [(document.replaced, self._replaced), (document.grew, self._grew)]
        for signal, slot in self._bonds:
            signal.connect(slot)

    def begin(self) -> None:
        """Another medium: nothing is found yet."""
        self._early.clear()
        self._levels.clear()
        self._head.show_sources([])
        self.model = EventModel()

    def go_on(self) -> None:
        """Find in what is there by now."""
        self._fill_choice()
        self._prepare()

    @property
    def source(self) -> Source | None:
        """What events are found in."""
        return self._head.source

    @property
    def ready(self) -> bool:
        """Whether the events found are those of the source that is chosen, as far as it has been read."""
        prepared = self.model.prepared
        return prepared is not None and prepared.source == self.source and not self._soon.isActive()

    @Slot(float)
    def set_threshold(self, threshold: float) -> None:
        """Move the threshold, as a step that can be undone."""
        self._set_rule("threshold", float(threshold))

    def set_threshold_of(self, track: str, threshold: float, channel: str | None = None) -> None:
        """Move the threshold of a track's events, as when its line is dragged on the lane; those are shown from then on."""
        if self._head.pick(track, channel):
            self._prepare()
        source = self.source
        if source is None or source.track != track or channel not in (None, source.channel):
            self._early[track, channel, "threshold"] = float(threshold)
        else:
            self.set_threshold(threshold)

    def thresholds(self) -> dict[Source, float]:
        """From where on each source's readings are events, in its unit; the chosen source first, then what a person set."""
        return {source: self._levels[source] for source in sorted(self._levels, key=self._rank)}

    def marked(self) -> set[Source]:
        """The chosen source, and those whose threshold a person set."""
        return {source for source in self._levels if self._rank(source) < 2}

    def _rank(self, source: Source) -> int:
        return 0 if source == self.source else 1 if "threshold" in self._rules.of(source) else 2

    # -- readings -----------------------------------------------------------------------------------------------

    @Slot(str)
    def _replaced(self, name: str) -> None:
        self._fill_choice()
        self._touched(name)
        self._measure(name)

    @Slot(object)
    def _grew(self, piece: AnyTrack) -> None:
        self._touched(piece.name)

    def _touched(self, name: str) -> None:
        source = self.source
        if source is not None and source.track == name and not self._soon.isActive():
            self._soon.start()

    def _measure(self, name: str) -> None:
        """Another track: its thresholds may be others."""
        track = self._document.readings.get(name) if self._document is not None else None
        self._levels = {source: level for source, level in self._levels.items() if source.track != name}
        for source in sources({name: track}):
            self._level(source, track)
        self.thresholds_changed.emit()

    def _level(self, source: Source, track: AnyTrack | None) -> None:
        if track:
            self._levels[source] = self._rule_of(outline(track, source), track).threshold

    def _tracks(self) -> dict[str, AnyTrack | None]:
        readings = self._document.readings if self._document is not None else None
        return {name: readings.get(name) for name in readings.names()} if readings is not None else {}

    def _fill_choice(self) -> None:
        """List what there is by now; the fused score is taken as soon as it comes, unless somebody chose otherwise."""
        before = self.source
        self._head.show_sources(sources(self._tracks()))
        if self.source != before:
            self._soon.start()

    @Slot()
    def _prepare(self) -> None:
        """Lay the source on its grid, in the background."""
        self._soon.stop()
        self.thresholds_changed.emit()
        self._asked += 1
        asked, source = self._asked, self.source
        self.model.tracks = self._tracks()
        track = self.model.tracks.get(source.track) if source is not None else None
        if source is None or track is None or not len(track):
            self._ready(asked, None)
            return
        media = self._document.media if self._document is not None else None
        duration = media.duration if media is not None and media.duration else 0.0
        reach = self._reach(track)
        self._background.run(
            lambda: prepare(track, source, duration, reach), lambda ready: self._ready(asked, ready), self.failed.emit
        )

    def _ready(self, asked: int, prepared: Prepared | None) -> None:
        if asked != self._asked:
            return
        before = self.model.prepared
        if prepared is not None and (before is None or (before.source, before.run) != (prepared.source, prepared.run)):
            own = prepared.source
            for early in [e for e in self._early if e[0] in ("", own.track) and e[1] in (None, own.channel)]:
                self._rules.set(own, early[2], self._early.pop(early))
            self.model.rule = self._rule_of(prepared, self.model.tracks.get(own.track))
            self._head.show_rule(self.model.rule, prepared)
            self.threshold_changed.emit(self.model.rule.threshold)
        self.model.set_source(prepared)
        self.found.emit()

    # -- the rule -----------------------------------------------------------------------------------------------

    def _set_rule(self, field: str, value: float) -> None:
        prepared, source = self.model.prepared, self.source
        if source is None:
            self._early["", None, field] = value
            return
        if prepared is not None and prepared.source == source:
            if field == "threshold":
                value = min(max(value, prepared.low), prepared.high)
            if getattr(self.model.rule, field) == value:
                return
        self._rules.set(source, field, value)

    def _rule_of(self, prepared: Prepared, track: AnyTrack | None) -> Rule:
        """What a person set holds; else each run's own, which another fusion or parameter may have changed."""
        rule = replace(usual_rule(prepared, track), **self._rules.of(prepared.source))
        return replace(rule, threshold=min(max(rule.threshold, prepared.low), prepared.high))

    @Slot(object, bool)
    def _wished(self, source: Source, now: bool) -> None:
        """Another rule holds for a source; where a person does it just now, that is the source to look at."""
        prepared = self.model.prepared
        if source in self._levels and self._document is not None:
            self._level(source, self._document.readings.get(source.track))
        self.thresholds_changed.emit()
        if source != self.source:
            if now and self._head.pick(source.track, source.channel):
                self._prepare()
        elif prepared is not None and prepared.source == source:
            before, rule = self.model.rule, self._rule_of(prepared, self.model.tracks.get(source.track))
            if rule == before:
                return
            self.model.set_rule(rule)
            self._head.show_rule(rule, prepared)
            self.found.emit()
            if rule.threshold != before.threshold:
                self.threshold_changed.emit(rule.threshold)
