"""The lanes that belong to a medium's readings, and how each track finds its lane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from PySide6.QtCore import QObject, Signal

from mien.engine.registry import Registry
from mien.sdk.descriptors import Writes
from mien.tracks.track import AnyTrack, Curve, Spans
from mien_desktop.document import Document
from mien_desktop.events.sources import Source
from mien_desktop.look.palette import Palette
from mien_desktop.shell.persons import PersonLanes
from mien_desktop.timeline.lanes import (
    CurvesLane,
    EventsLane,
    FilledLane,
    FusedLane,
    Lane,
    ScoresLane,
    SpeakersLane,
    SpectrogramLane,
    StripsLane,
    WaveformLane,
    WordsLane,
)

CURVES = {
    "emotion.attributes": ("Voice: val · aro · dom", "Valence, arousal and dominance of the voice"),
    "face.affect": ("Face: val · aro", "Valence and arousal of the face"),
    "text.attributes": ("Words: val · aro · dom", "Valence, arousal and dominance of what is said"),
}
SILENT = ("speech.voice", "face.boxes", "fusion.verdicts", "text.attention")
"""Tracks that are shown elsewhere: under the words, on the picture, as events, in the transcript."""


NOTHING = {
    # Sound is drawn without an analysis, and may come after a stored one.
    "waveform": WaveformLane.waiting,
    "spectrogram": SpectrogramLane.waiting,
    "words": "Nothing is said",
    "speakers": "Speakers are not told apart: that takes subtitles that name them, or the ECAPA-TDNN model (Settings, Models)",
    "expressions": "No face was found",
    "face.affect": "No face was found",
    "fused": "Nothing was fused",
    "events": "Nothing lies over the threshold",
}
"""What an empty lane says when the analysis has ended, by its id."""

SHOWN = {
    "words": ("speech.words", "speech.transcript"),
    "speakers": ("speech.speakers",),
    "text": ("text.offence", "text.hate"),
    "expressions": ("face.expression",),
    "conflict": ("conflict.intensity",),
    "fused": ("fusion.score",),
    "weights": ("fusion.weights",),
    "events": ("fusion.verdicts",),
}
"""The tracks that a lane shows, by its id; every other lane bears the name of its track."""


def written_by(registry: Registry, plugin: str) -> Sequence[Writes]:
    """The tracks that a plugin writes; of one that is not installed nothing is known."""
    if plugin in registry.fusions:
        return tuple(Writes(f"fusion.{name}", "curve") for name in ("score", "weights", "verdicts"))
    info = registry.analyzers.get(plugin)
    return () if info is None else info.outputs


class LaneSet(QObject):
    """All lanes in their usual order; those of tracks that nobody foresaw are added when the tracks come.

    Signals:
        added(object): a lane that was not there before.
        person_added(object, object): a lane of one more person, and the one that it belongs below.
        gone(object): a lane that is no more: of a person, or of a second run.
    """

    added = Signal(object)
    person_added = Signal(object, object)
    gone = Signal(object)

    def __init__(
        self,
        document: Document,
        palette: Palette,
        reach: Callable[[AnyTrack], float] = lambda _: 0.0,
        written: Callable[[str], Sequence[Writes]] = lambda _: (),
    ) -> None:
        """Args:
        reach: s that a track's first and last reading reach outwards (`mien.engine.reach`).
        written: the tracks that the plugin of that id writes.
        """
        super().__init__()
        self._document, self._reach, self._written = document, reach, written
        self.waveform = WaveformLane(height=40, about="The sound's samples")
        self.spectrogram = SpectrogramLane(about="Level of the sound by frequency")
        self.words = WordsLane("words", "Words", height=24, about="What is said, coloured by what drove a score")
        self.speakers = SpeakersLane("speakers", "Speakers", height=26, about="Who speaks when")
        self.scores = ScoresLane(
            "text",
            "Offence · hate",
            {"text.offence": "offence", "text.hate": "hate"},
            height=42,
            about="Scores of each utterance",
        )
        self.expressions = StripsLane(
            "expressions", "Expressions", height=58, about="Probability of seven expressions of the face"
        )
        self.conflict = FilledLane("conflict", "Conflict", height=42, about="Intensity of conflict")
        self.fused = FusedLane(
            "fused", "Fused reading", height=60, about="All modalities as one; drag the line to move the threshold"
        )
        self.weights = StripsLane("weights", "Modality weights", height=36, about="How much each modality counted")
        self.events = EventsLane(
            "events", "Events", height=26, about="Spans over the threshold, and what was decided about them"
        )
        self.curves = {name: CurvesLane(name, title, height=52, about=about) for name, (title, about) in CURVES.items()}
        self.spectrogram.visible = False
        self.curves["text.attributes"].visible = False
        self.lanes: list[Lane] = [
            self.waveform, self.spectrogram, self.words, self.speakers, self.curves["emotion.attributes"],
            self.expressions, self.curves["face.affect"], self.scores, self.curves["text.attributes"], self.conflict,
            self.fused, self.weights, self.events,
        ]  # fmt: skip
        self._others: dict[str, CurvesLane | ScoresLane] = {}
        self._people = {
            name: PersonLanes(lane, self._come, self._gone)
            for name, lane in {
                "face.expression": self.expressions, "conflict.intensity": self.conflict, "fusion.score": self.fused,
                "fusion.weights": self.weights, **self.curves,
            }.items()
        }  # fmt: skip
        self._lent: set[str] = set()  # tracks of a second run that have a lane because of it
        self._abouts: dict[str, str] = {}
        self._levels: tuple[Mapping[Source, float], Collection[Source]] = {}, ()
        self._meant: dict[str, str] = {}
        for lane in self.lanes:
            lane.wear(palette)
        document.opened.connect(self.clear)
        document.replaced.connect(self._replaced)
        document.grew.connect(self._grew)
        document.progressed.connect(self._explain_emptiness)

    def clear(self) -> None:
        """Another medium."""
        self._meant.clear()
        for family in self._people.values():
            family.clear()
            self._tell_persons(family)
        for lane in self.lanes:
            lane.clear()
        self._explain_emptiness()

    def _explain_emptiness(self) -> None:
        """Empty lanes say what will come while an analysis runs, and why nothing came when none does.

        Why a plugin failed stands in its lane as soon as it did, and where something was read before, in the lane's tooltip.
        """
        failed = self._failures()
        analysed = bool(self._document.readings.parts) and not self._document.analysing
        for lane in self.lanes:
            why = next((failed[name] for name in _shown(lane) if name in failed), "")
            told = why or (
                NOTHING.get(lane.id.partition(" ")[0], "Nothing was read") if analysed else type(lane).waiting
            )
            about = self._abouts.setdefault(lane.id, lane.about)
            lane.about = ". ".join(part for part in (about, self._meant.get(lane.id, ""), why) if part)
            if lane.empty and lane.waiting != told:
                lane.waiting = told
                lane.touch()

    def _failures(self) -> dict[str, str]:
        """Track → why the plugin that writes it has failed. A plugin that has no lane yet gets one for that."""
        found: dict[str, str] = {}
        for standing in self._document.standings.values():
            if standing.state == "failed":
                written = self._written(standing.plugin)
                found |= dict.fromkeys((w.name for w in written), standing.reason)
                known = {name for lane in self.lanes for name in _shown(lane)}
                free = [w for w in written if w.kind in ("curve", "spans") and w.name not in SILENT]
                if free and known.isdisjoint(w.name for w in written):
                    self._add(free[0].name, _curves(free[0]) if free[0].kind == "curve" else _scores(free[0].name))
        return found

    def show_thresholds(self, levels: Mapping[Source, float], marked: Collection[Source]) -> None:
        """Draw from where on readings are events, each on the lane of its source.

        Args:
            levels: in the unit of the source; what comes first is taken first where two lie at one place.
            marked: sources that are shown on lanes of several channels, where all would be too many.
        """
        self._levels = levels, marked
        found: dict[str, dict[str, float]] = {}
        channels = Counter(source.track for source in levels)
        for source, level in levels.items():
            if source.channel and (source in marked or channels[source.track] == 1):
                family = self._people.get(source.track)
                for lane in family.lanes if family is not None else ():
                    found.setdefault(lane.id, {})[source.channel] = level
            elif not source.channel:
                scores = self.scores if source.track in SHOWN[self.scores.id] else self._others.get(source.track)
                if isinstance(scores, ScoresLane):
                    found.setdefault(scores.id, {})[source.track] = level
        for shown in self.lanes:
            shown.show_thresholds(found.get(shown.id, {}))

    def source_of(self, lane_id: str, channel: str) -> tuple[str, str | None]:
        """Track and channel (None for its first) that a threshold on a lane is about."""
        for track, family in self._people.items():
            if any(lane.id == lane_id for lane in family.lanes):
                return track, channel or None
        return channel, ""  # of spans the track itself

    def compare(self, tracks: dict[str, AnyTrack]) -> None:
        """Draw another run on the lanes of its own kind; an empty dict takes it away. One of them at least is in sight."""
        for family in self._people.values():
            family.set_comparison(None)
        for lane in self.lanes:
            lane.compare_nothing()
        for name in self._lent:
            if self._document.readings.get(name) is None:
                self._people.pop(name, None)
                self._gone(self._others.pop(name))
        own = set(self._others)
        for track in tracks.values():
            if len(track) and draws(track.name, track.kind):
                self._compare(track, tracks)
        self._lent = set(self._others) - own
        drawn = [lane for lane in self.lanes if lane.compares]
        if drawn and not any(lane.visible for lane in drawn):
            drawn[0].visible = True

    def _compare(self, track: AnyTrack, beside: Mapping[str, AnyTrack]) -> None:
        if isinstance(track, Curve):
            family = self._family(track)
            if family is not None:
                family.set_comparison(track, self._reach(track))
                self._tell_persons(family)
        elif isinstance(track, Spans):
            if track.name == "text.words":
                self.words.set_comparison_scores(track)
            elif track.name == "speech.transcript" and not any(track.speaker):
                if not beside.get("speech.words"):
                    self.words.set_comparison(track)
            else:
                lane = self._spans_lane(track)
                if lane is not None:
                    lane.set_comparison(track)

    def _replaced(self, name: str) -> None:
        track = self._document.readings.get(name)
        if track is not None:
            self._show(track, whole=True)
        elif name in self._people:
            self._people[name].clear()
        elif name in self._others:
            self._others[name].clear()

    def _grew(self, piece: AnyTrack) -> None:
        self._show(piece, whole=False)

    def _show(self, track: AnyTrack, *, whole: bool) -> None:
        if isinstance(track, Curve):
            family = self._family(track)
            if family is not None:
                family.set_track(track, self._reach(track)) if whole else family.append(track)
                self._tell_persons(family)
                for lane in family.lanes:
                    self._mean(lane, track)
        elif isinstance(track, Spans):
            self._spans(track, whole)

    def _tell_persons(self, family: PersonLanes) -> None:
        """Say in the tooltip of each lane whom it is about."""
        told = {lane.id: family.about(lane) for lane in family.lanes}
        if any(self._abouts.get(name) != about for name, about in told.items()):
            self._abouts |= told
            self._explain_emptiness()

    def _mean(self, lane: Lane, track: Curve) -> None:
        """Put what its quantities say of themselves (`Quantity.about`) into a lane's tooltip."""
        meant = ". ".join(q.about.strip().rstrip(".") for q in track.quantities if q.about)
        if meant != self._meant.get(lane.id, ""):
            self._meant[lane.id] = meant
            self._explain_emptiness()

    def _family(self, track: Curve) -> PersonLanes | None:
        """The lanes of a curve, made where nobody foresaw it."""
        if track.name not in self._people and track.name not in self._others:
            self._add(track.name, _curves(track))
        return self._people.get(track.name)

    def _come(self, lane: Lane, above: Lane) -> None:
        lane.wear(self.waveform.palette)
        self.lanes.insert(self.lanes.index(above) + 1, lane)
        self.person_added.emit(lane, above)
        self.show_thresholds(*self._levels)

    def _gone(self, lane: Lane) -> None:
        self.lanes.remove(lane)
        for told in (self._abouts, self._meant):
            told.pop(lane.id, None)
        self.gone.emit(lane)

    def _spans(self, track: Spans, whole: bool) -> None:
        if track.name in SILENT:
            return
        if track.name == "text.words":
            self.words.set_scores(track) if whole else self.words.append_scores(track)
        elif track.name in ("speech.speakers", "speech.transcript"):
            self._speakers(track, whole)
        else:
            lane = self._spans_lane(track)
            if lane is not None:
                lane.set_track(track) if whole else lane.append(track)

    def _spans_lane(self, track: Spans) -> WordsLane | SpeakersLane | ScoresLane | None:
        """The lane of a track of spans, made where nobody foresaw it."""
        known: dict[str, WordsLane | SpeakersLane | ScoresLane] = {
            "speech.words": self.words,
            "speech.speakers": self.speakers,
            "speech.transcript": self.speakers,
            "text.offence": self.scores,
            "text.hate": self.scores,
        }
        if track.name in known:
            return known[track.name]
        if track.name not in self._others:
            self._add(track.name, _scores(track.name))
        lane = self._others[track.name]
        return lane if isinstance(lane, ScoresLane) else None

    def _speakers(self, track: Spans, whole: bool) -> None:
        """Turns by the speakers' track; by the transcript only where that names speakers and no such track is there."""
        named = self._document.readings.get("speech.speakers") is None and any(track.speaker)
        if track.name == "speech.transcript" and not named:
            return
        self.speakers.set_track(track) if whole else self.speakers.append(track)

    def _add(self, name: str, lane: CurvesLane | ScoresLane) -> None:
        self._others[name] = lane
        if isinstance(lane, CurvesLane):
            self._people[name] = PersonLanes(lane, self._come, self._gone)
        lane.wear(self.waveform.palette)
        self.lanes.append(lane)
        self.added.emit(lane)


def draws(name: str, kind: str) -> bool:
    """Whether there are lanes for tracks of that name and kind."""
    return kind in ("curve", "spans") and name not in SILENT


def _shown(lane: Lane) -> tuple[str, ...]:
    first = lane.id.partition(" ")[0]  # of the lanes of several persons
    return SHOWN.get(first, (first,))


def _curves(track: Curve | Writes) -> CurvesLane:
    return CurvesLane(track.name, track.name, about=", ".join(q.name for q in track.quantities))


def _scores(name: str) -> ScoresLane:
    return ScoresLane(name, name, {name: name.split(".")[-1]})
