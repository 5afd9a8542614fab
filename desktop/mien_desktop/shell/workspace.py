"""Picture, panels and timelines of the open medium, in step."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from mien.engine.reach import reach_of_track
from mien.engine.registry import Registry
from mien.sdk.protocols import Explanation, FaceExplanation
from mien.tracks.track import AnyTrack
from mien_desktop.events.model import Event
from mien_desktop.events.panel import EventsPanel
from mien_desktop.events.view import KEYS
from mien_desktop.explain.panel import ExplainPanel
from mien_desktop.look.frames import Ground, Splitter, Tabs
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import explain, panel
from mien_desktop.look.wardrobe import Wardrobe, Wear
from mien_desktop.player.canvas import Canvas
from mien_desktop.player.overlay import Readings
from mien_desktop.player.picture import Frame
from mien_desktop.player.player import Player
from mien_desktop.player.transport import Transport
from mien_desktop.shell.conduct import Conductor
from mien_desktop.shell.lane_steps import LaneSteps
from mien_desktop.shell.lanes import LaneSet, written_by
from mien_desktop.shell.state import WindowState
from mien_desktop.timeline.lanes import Lane
from mien_desktop.timeline.overview import Overview
from mien_desktop.timeline.view import TimelineView
from mien_desktop.transcript.panel import TranscriptPanel
from mien_desktop.truth.panel import TruthPanel

EXPLAINERS = ("emotion", "conflict")
"""Analyzers that say which seconds made a reading, in the order of their buttons."""
FUSED = "fusion.score"
"""The track whose threshold lies on its lane."""
FACE = "face.affect"
"""The analyzer that says which part of a face it looked at."""


class Workspace(QWidget):
    """All views of one document, connected to one playhead.

    Signals:
        trouble(str): one sentence.
        noted(str): why a command did nothing, a few words.
        full_screen_asked: the picture over the whole screen, or back.
        sample_asked(Path, float, float): a stretch of a medium, in s, is to be played; the medium may be another one.
    """

    trouble = Signal(str)
    noted = Signal(str)
    full_screen_asked = Signal()
    sample_asked = Signal(object, float, float)

    def __init__(self, conductor: Conductor, registry: Registry, state: WindowState, palette: Palette) -> None:
        super().__init__()
        self._conductor = conductor
        self._document = conductor.document
        self._selection: tuple[float, float] | None = None
        self._looping = False
        self._splits: dict[str, list[int]] = {}
        self._until: float | None = None
        self.player = Player(self)
        self.canvas = Canvas(palette)
        self.transport = Transport(palette)
        self.overlay = Readings(outwards=self._reach_of)
        self.timeline = TimelineView()
        self.timeline.wear(palette)
        self.transcript = TranscriptPanel(palette)
        self.events = EventsPanel(palette, conductor.background, lambda: conductor.shelf.library, reach=self._reach_of)
        titles = {i.id: i.title for i in registry.analyzers.values()}
        self.explain = ExplainPanel(palette, tuple((p, titles[p]) for p in EXPLAINERS if p in titles))
        self.truth = TruthPanel(palette, conductor.background, lambda: conductor.shelf.library)
        self.lanes = LaneSet(self._document, palette, self._reach_of, lambda p: written_by(conductor.registry, p))
        self.overview = Overview(self.lanes.waveform, self.lanes.spectrogram, self)
        self._lay_out(palette)
        self._connect()
        self.steps = self.events.history.steps
        self._lane_steps = LaneSteps(self.timeline, self.steps, self._document, self)

    def _reach_of(self, track: AnyTrack) -> float:
        return reach_of_track(self._conductor.registry, track)

    # -- set-up -------------------------------------------------------------------------------------------------

    def _lay_out(self, palette: Palette) -> None:
        picture = panel()
        box = QVBoxLayout(picture)
        box.setContentsMargins(1, 1, 1, 1)
        box.setSpacing(0)
        box.addWidget(self.canvas, 1)
        box.addWidget(self.transport)
        self.tabs = Tabs()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.transcript, "Transcript")
        self.tabs.addTab(self.events, "Events")
        self.tabs.addTab(self.explain, "Explain")
        self.tabs.addTab(self.truth, "Truth")
        self.tabs.setAccessibleName("Panels")
        self.tabs.tabBar().setAccessibleName("Panels")
        right = Ground(palette)
        side = QVBoxLayout(right)
        side.setContentsMargins(1, 1, 1, 1)
        side.addWidget(self.tabs)
        self.upper = Splitter(Qt.Orientation.Horizontal)
        self.upper.addWidget(picture)
        self.upper.addWidget(right)
        self.upper.setStretchFactor(0, 11)
        self.upper.setStretchFactor(1, 10)
        lower = panel()
        under = QVBoxLayout(lower)
        under.setContentsMargins(1, 1, 1, 1)
        under.addWidget(self.timeline)
        self.all = Splitter(Qt.Orientation.Vertical)
        self.all.addWidget(self.upper)
        self.all.addWidget(lower)
        self.all.setStretchFactor(0, 42)
        self.all.setStretchFactor(1, 58)
        self.all.setSizes([420, 580])
        for splitter in (self.upper, self.all):
            splitter.setHandleWidth(8)
            splitter.setChildrenCollapsible(False)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(10, 10, 10, 10)
        outer.addWidget(self.all)
        self._picture, self._lower = picture, lower
        self._right = right
        for lane in self.lanes.lanes:
            self.timeline.add_lane(lane)

    def _connect(self) -> None:
        document, player = self._document, self.player
        document.opened.connect(self._opened)
        document.described.connect(self._described)
        document.replaced.connect(self._track_changed)
        document.grew.connect(self._track_grew)
        self.lanes.added.connect(self.timeline.add_lane)
        self.lanes.person_added.connect(self._add_beside)
        self.lanes.gone.connect(lambda lane: self.timeline.remove_lane(lane.id))
        player.opened.connect(self._measure)
        player.opened.connect(lambda _: self._draw_sound(player.has_picture))
        player.indexed.connect(lambda index: self._draw_sound(not index.complete))
        player.moved.connect(self._moved)
        player.frame_changed.connect(self._frame)
        player.state_changed.connect(self._playing_changed)
        player.failed.connect(self.trouble)
        self.transport.bind(player)
        self.canvas.bind(player)
        watched = "Click to play or pause{play}, double-click for the full screen{full-screen}"
        explain(self.canvas, self.canvas.accessibleName(), watched, command="play full-screen")
        asked = self.explain.here
        explain(asked, asked.accessibleName(), "Explain the moment of the playhead", command="explain")
        self.transport.overlay_toggled.connect(self.canvas.set_overlay_visible)
        self.transport.previous_event.connect(lambda: self.go_to_event(-1))
        self.transport.next_event.connect(lambda: self.go_to_event(1))
        self.transport.loop_toggled.connect(self._set_looping)
        self.transport.full_screen_asked.connect(self.full_screen_asked)
        self.canvas.toggled.connect(player.toggle)
        self.canvas.full_screen_asked.connect(self.full_screen_asked)
        for view in (self.timeline, self.transcript, self.events, self.explain):
            view.seek_requested.connect(player.seek)
        self.timeline.selection_changed.connect(self._selected)
        self.timeline.threshold_changed.connect(self._move_threshold)
        self.timeline.event_moved.connect(lambda _, row, start, end: self.events.set_extent(row, start, end))
        self.timeline.event_picked.connect(self._pick)
        self.transcript.bind(document)
        self.events.bind(document)
        self.explain.bind(document)
        self.truth.bind(document)
        self.truth.play_asked.connect(self.sample_asked)
        self.events.events_changed.connect(self._show_events)
        self.events.thresholds_changed.connect(self._show_thresholds)
        self.events.explain_requested.connect(self._explain_event)
        self.explain.seconds_asked.connect(self._conductor.explain)
        self.explain.face_asked.connect(
            lambda at, person: self._conductor.explain(FACE, at, person=person if person >= 0 else None)
        )
        self.explain.cancel_asked.connect(self._conductor.cancel_explanation)
        self._conductor.explaining.connect(self.explain.show_progress)
        self._conductor.explained.connect(self._explained)
        self._conductor.unexplained.connect(self.explain.show_failure)
        self._conductor.explain_again.connect(self.explain.ask_again)
        self._conductor.compared.connect(self._compared)

    # -- the document -------------------------------------------------------------------------------------------

    def _opened(self) -> None:
        self.overview.leave()
        self.overlay.clear()
        self.overlay.threshold = None
        self.timeline.clear_selection()
        self.timeline.set_duration(0.0)
        self.timeline.set_playhead(0.0)
        path = self._document.path
        if path is None:
            self.player.close()
            return
        self.player.open(path)
        self.overview.open(path)

    def _draw_sound(self, later: bool) -> None:
        """One after the other: the first picture, the times of all pictures, the overview of the sound."""
        if not later:
            self.overview.begin()

    def _add_beside(self, lane: Lane, above: Lane) -> None:
        self.timeline.add_lane(lane, self.timeline.lanes.index(above) + 1)

    def _described(self) -> None:
        self._measure()

    def _measure(self, _: object = None) -> None:
        """The axis is there as soon as anybody knows how long the medium is: the player does before any analysis."""
        media = self._document.media
        duration = (media.duration if media is not None else None) or self.player.duration
        if duration and self._document.path is not None:
            self.timeline.set_duration(duration)

    def _track_changed(self, name: str) -> None:
        track = self._document.readings.get(name)
        if track is not None and self.overlay.reads(name):
            self.overlay.put(track)
            self._redraw()

    def _track_grew(self, piece: AnyTrack) -> None:
        if self.overlay.reads(piece.name):
            self.overlay.add(piece)
            self._redraw()

    def _redraw(self) -> None:
        """What is known of the frame on show has changed."""
        frame = self.player.frame
        if frame is not None:
            self._frame(frame)
        else:
            self.canvas.show_overlay(self.overlay.at(self.player.position))

    # -- the playhead -------------------------------------------------------------------------------------------

    def play_sample(self, start: float, end: float) -> None:
        """Play a stretch once, in s, selected on the timelines."""
        self.timeline.select(start, end)
        self.player.seek(start)
        self._until = end
        self.player.play()

    def _playing_changed(self) -> None:
        playing = self.player.playing
        self.timeline.set_playing(playing)
        if not playing:
            self._until = None
        if self.timeline.range is None:
            self._measure()  # a file that does not say how long it is has been read to its end

    def _moved(self, position: float) -> None:
        if self._until is not None and self.player.playing and position >= self._until:
            self._until = None  # before: pausing moves the playhead once more
            self.player.pause()
        self.timeline.set_playhead(position)
        self.transcript.set_position(position)
        self.explain.set_position(position)
        if not self.player.has_picture:
            self.canvas.show_overlay(self.overlay.at(position))

    def _frame(self, frame: Frame) -> None:
        self.canvas.show_frame(frame, self.overlay.at(frame.time))

    def _selected(self, selection: tuple[float, float] | None) -> None:
        self._selection = selection
        self.events.set_selection(*(selection or (0.0, 0.0)))
        if self._looping:
            self._set_looping(selection is not None)

    @property
    def selection(self) -> tuple[float, float] | None:
        """Start and end in s of what is selected on the timelines."""
        return self._selection

    def toggle_loop(self) -> None:
        """Loop the selection, or no more."""
        self._set_looping(not self._looping)

    def _set_looping(self, looping: bool) -> None:
        if looping and self._selection is None:
            looping = False
            self.noted.emit("Select a stretch of time first to loop it.")
        self._looping = looping
        self.transport.set_looping(looping)
        self.player.set_loop(self._selection if looping else None)

    def go_to_event(self, step: int) -> None:
        """The next event behind the playhead, or the last before it."""
        if self.events.go(step, self.player.position):
            return
        shown = self.events.shown
        if shown:
            self.noted.emit("No event after the playhead." if step > 0 else "No event before the playhead.")
        else:
            self.noted.emit("The filter hides all events." if self.events.events else "No events to go to.")

    def turn_up(self, by: float) -> None:
        """Make the sound louder, or quieter, by a share of the full loudness; it is heard again where it was off."""
        self.transport.volume.setValue(self.transport.volume.value() + round(100 * by))

    # -- events and explanations ---------------------------------------------------------------------------------

    def _show_events(self) -> None:
        track, states = self.events.track()
        self.lanes.events.set_track(track)
        self.lanes.events.set_states(states)
        self.tabs.setTabText(1, f"Events {len(track)}" if len(track) else "Events")

    def _move_threshold(self, lane: str, threshold: float, channel: str) -> None:
        track, own = self.lanes.source_of(lane, channel)
        self.events.set_threshold_of(track, threshold, own)

    def _show_thresholds(self) -> None:
        levels = self.events.finder.thresholds()
        self.lanes.show_thresholds(levels, self.events.finder.marked())
        fused = next((level for source, level in levels.items() if source.track == FUSED), None)
        if fused is not None and fused != self.overlay.threshold:
            self.overlay.threshold = fused
            self._redraw()

    def _pick(self, _: str, row: int) -> None:
        self.events.pick(row)
        self.tabs.setCurrentWidget(self.events)

    def _explain_event(self, event: Event) -> None:
        self.tabs.setCurrentWidget(self.explain)
        self.explain.explain(event.peak, event.person)

    def explain_here(self) -> None:
        """Explain the playhead's moment."""
        self.tabs.setCurrentWidget(self.explain)
        self.explain.explain(self.player.position)

    def _explained(self, plugin: str, found: Explanation | FaceExplanation) -> None:
        if isinstance(found, FaceExplanation):
            self.explain.show_face(found)
            return
        self.explain.show_seconds(plugin, self._conductor.registry.analyzer(plugin).title, found)

    def _compared(self, tracks: dict[str, AnyTrack]) -> None:
        self.lanes.compare(tracks)

    def find_words(self) -> None:
        """Search the transcript."""
        self.tabs.setCurrentWidget(self.transcript)
        self.transcript.start_search()

    def undo(self) -> None:
        """Take the last change back."""
        self.events.history.undo()

    def redo(self) -> None:
        """Make it again."""
        self.events.history.redo()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The events' single keys act from the timelines and the picture too."""
        action = KEYS.get(Qt.Key(event.key()))
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if action is None or not plain or not (self.timeline.hasFocus() or self.canvas.hasFocus()):
            super().keyPressEvent(event)
            return
        if action in ("correct", "label"):
            self.tabs.setCurrentWidget(self.events)
        self.events.act(action)

    # -- look and end -------------------------------------------------------------------------------------------

    def dress(self, wardrobe: Wardrobe) -> None:
        """Dress all parts from now on, each by itself: most panels are behind another one."""
        wardrobe.add(self._picture, self._wear_picture)
        wardrobe.add(self._lower, self.timeline.wear)
        wardrobe.add(self._right, self._right.wear, sheeted=False)
        wardrobe.add(self.tabs.tabBar())
        for tab in (self.transcript, self.events, self.explain, self.truth):
            wardrobe.add(tab, partial(self._wear_tab, tab.wear))

    def _wear_tab(self, wear: Wear, palette: Palette) -> None:
        wear(palette)
        self.tabs.measure()

    def _wear_picture(self, palette: Palette) -> None:
        self.canvas.wear(palette)
        self.transport.wear(palette)

    def show_picture_only(self, only: bool) -> None:
        """Hide everything but the picture, for the full screen."""
        if only:
            self._splits = self._sizes()  # what is hidden has none
        self._lower.setVisible(not only)
        self._right.setVisible(not only)
        if not only:
            self.upper.setSizes(self._splits["upper"])
            self.all.setSizes(self._splits["all"])

    def restore(self, state: WindowState) -> None:
        """Sizes, lanes and volume as they were left."""
        for name, splitter in (("upper", self.upper), ("all", self.all)):
            if state.splits.get(name):
                splitter.setSizes(state.splits[name])
        if state.lanes:
            self.timeline.set_layout(state.lanes)
        self.player.set_volume(state.volume)

    def remember(self, state: WindowState) -> WindowState:
        """The state with sizes, lanes and volume as they are."""
        return state.model_copy(
            update={
                "splits": self._splits if self._lower.isHidden() else self._sizes(),
                "lanes": self.timeline.layout(),
                "volume": self.player.volume,
            }
        )

    def _sizes(self) -> dict[str, list[int]]:
        return {"upper": self.upper.sizes(), "all": self.all.sizes()}

    def shutdown(self) -> None:
        """Save what is being typed; end the player's and the sound's threads."""
        self.events.settle()
        self.truth.shutdown()
        self.explain.shutdown()
        self.overview.leave()
        self.player.close()
        self.overview.shutdown()
