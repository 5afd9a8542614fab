"""The Explain tab: for the moment of the playhead or of an event, what made the readings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from mien.exchange.text import clock
from mien.sdk.protocols import Explanation, FaceExplanation
from mien_desktop.document import Document
from mien_desktop.explain.asking import Asking
from mien_desktop.explain.bars import Bar, Bars
from mien_desktop.explain.face import FaceView
from mien_desktop.explain.reasons import Reasons, reasons
from mien_desktop.explain.said import Said
from mien_desktop.explain.saving import Saver
from mien_desktop.explain.seconds import Seconds
from mien_desktop.look.palette import Palette
from mien_desktop.look.parts import button, label
from mien_desktop.player.overlay import person_name
from mien_desktop.timeline.readings import figure

STRONGEST = 5
"""Words that are listed."""
READINGS = {"emotion": ("arousal", "valence", "dominance", "anger")}
"""Which readings can be asked of an analyzer that has several."""
ANYONE = "the largest face"


class ExplainPanel(QWidget):
    """Follows a document.

    Args:
        explainers: (plugin id, title) of the analyzers that can say which seconds made a reading.

    Signals:
        seek_requested(float): a moment in s.
        seconds_asked(str, float, str): plugin id, moment and which reading (empty for its only one); `show_progress`,
            then `show_seconds` or `show_failure` answers.
        face_asked(float, int): moment, and whose face (−1 for the largest); `show_face` or `show_failure` answers.
        cancel_asked: stop what was asked for last; `show_failure` answers.
    """

    seek_requested = Signal(float)
    seconds_asked = Signal(str, float, str)
    face_asked = Signal(float, int)
    cancel_asked = Signal()

    def __init__(self, palette: Palette, explainers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__()
        self._palette = palette
        self._document: Document | None = None
        self._reasons: Reasons | None = None
        self._position = 0.0
        self._asked: Callable[[], None] | None = None
        self.title = label("", "heading", wrap=True)
        self.here = button("Explain here", "Explain the moment of the playhead", shortcut="Ctrl+I")
        self.here.clicked.connect(lambda: self.explain(self._position))
        self.modalities = Bars(palette, "Weight of each modality")
        self.said = Said(palette)
        self.words = Bars(palette, "Words that drove the score")
        self.seconds = Seconds(palette)
        self.face = FaceView(palette)
        for view in (self.said, self.words, self.seconds):
            view.clicked.connect(self.seek_requested)
        self._weighed = label("", "small", wrap=True)
        self._utterance = label("", "small", wrap=True)
        self._voice: tuple[str, Explanation] | None = None  # what the bars show, and the plugin that read it
        self.save_seconds = button(
            "Save values…", "Write what each stretch contributed: a table (CSV), or all of it (JSON)"
        )
        self.save_seconds.clicked.connect(self._save_values)
        self.face.save.clicked.connect(self._save_picture)
        self.saver = Saver(self)
        self.saver.told.connect(self._tell_saved)
        self.asking_seconds = Asking("Which seconds")
        self.asking_face = Asking("Which part of the face")
        self._of: dict[str, QComboBox] = {}
        for plugin, title in explainers:
            tip = "Leaves stretches of the sound out and reads again; takes some seconds"
            ask = self.asking_seconds.add_button(title, tip)
            ask.clicked.connect(lambda _=False, plugin=plugin: self.explain_seconds(plugin))
            if plugin in READINGS:
                choice = self.asking_seconds.add_choice(
                    f"{title}: which", "Which reading is explained", READINGS[plugin]
                )
                self._of[plugin] = choice
        self.ask_face = self.asking_face.add_button("Show attention", "Finds where on the face the net looked")
        self.ask_face.clicked.connect(self.explain_face)
        self.people = self.asking_face.add_choice("Whose face", "Whose face is explained", (ANYONE,))
        for asking in (self.asking_seconds, self.asking_face):
            asking.cancel_asked.connect(self.cancel_asked)
        self._lay_out()
        self.setAccessibleName("Explain")
        self._clear()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.here)
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(8)
        box.addLayout(head)
        self._sections: list[QWidget] = []
        for heading, parts in (
            ("Which modality", (self._weighed, self.modalities)),
            ("Which words", (self._utterance, self.said, self.words)),
            ("Which seconds", (self.asking_seconds, self.seconds, self.save_seconds)),
            ("Which part of the face", (self.asking_face, self.face)),
        ):
            section = QWidget()
            inner = QVBoxLayout(section)
            inner.setContentsMargins(0, 8, 0, 0)
            inner.setSpacing(6)
            inner.addWidget(label(heading, "dim"))
            for part in parts:
                beginning = Qt.AlignmentFlag.AlignLeft if part is self.save_seconds else Qt.AlignmentFlag(0)
                inner.addWidget(part, 0, beginning)
            self._sections.append(section)
            box.addWidget(section)
        box.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(content)
        scroll.setAccessibleName("Explanation")
        for ground in (content, scroll.viewport()):
            ground.setAutoFillBackground(False)  # it lies on the panel, as the other tabs do
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)

    def bind(self, document: Document) -> None:
        """Follow this document."""
        self._document = document
        document.opened.connect(self._clear)

    def wear(self, palette: Palette) -> None:
        """Take a palette's colours."""
        self._palette = palette
        for view in (self.modalities, self.said, self.words, self.seconds, self.face):
            view.wear(palette)
        self._show()

    def set_position(self, position: float) -> None:
        """Where the playhead is."""
        self._position = position

    def explain(self, at: float, person: int | None = None) -> None:
        """Show what the stored readings say about a moment, and forget what was computed for another one.

        Args:
            at: s; person: whose face is meant, None for the largest.
        """
        if self._document is None or not self._document.readings.parts:
            self._clear()
            return
        for asking in (self.asking_seconds, self.asking_face):
            if asking.computing:
                self.cancel_asked.emit()
            asking.done("")
        self._show_voice(None)
        self.face.show_face(None)
        self._asked = None
        self._reasons = reasons(self._document.readings, at)
        self.people.clear()
        self.people.addItem(ANYONE, -1)
        for seen in self._reasons.people:
            self.people.addItem(f"person {person_name(seen)}", seen)
        self.people.setCurrentIndex(0 if person is None else max(0, self.people.findData(person)))
        self.people.setVisible(len(self._reasons.people) > 1)
        self._show()

    def _show(self) -> None:
        """Draw the reasons that are known."""
        found = self._reasons
        for section in self._sections:
            section.setVisible(found is not None)
        if found is None:
            return
        fused = f" · fused {found.fused:.2f}" if found.fused is not None else ""
        self.title.setText(f"{clock(found.at)}{fused}")
        self._weighed.setText("" if found.shares else "Nothing was fused here.")
        self._weighed.setVisible(not found.shares)
        self.modalities.show_bars(
            tuple(
                Bar(
                    s.modality,
                    s.weight,
                    f"{s.weight:.0%}",
                    self._palette.quantity(s.modality, i),
                    note=s.reads or "no reading",
                )
                for i, s in enumerate(found.shares)
            )
        )
        self.said.show_words(found.words)
        self._utterance.setText(self._utterance_text(found))
        good, bad = self._palette.good, self._palette.bad
        self.words.show_bars(
            tuple(
                Bar(w.text, w.evidence, figure(w.evidence, signed=True), bad if w.evidence > 0 else good, w.start)
                for w in found.words[:STRONGEST]
            )
        )

    @staticmethod
    def _utterance_text(found: Reasons) -> str:
        if not found.utterance:
            return "Nothing is said here."
        score = f"Offence {found.offence:.2f}. " if found.offence is not None else ""
        if found.words:
            return f"{score}Red words speak for it, green ones against; a click goes there."
        return f"“{found.utterance}” {score}"

    # -- what the worker computes ------------------------------------------------------------------------------

    def show_progress(self, fraction: float) -> None:
        """How far the explanation is that is being computed, from 0 to 1."""
        for asking in (self.asking_seconds, self.asking_face):
            asking.progress(fraction)

    def show_seconds(self, plugin: str, title: str, found: Explanation) -> None:
        """What each stretch of the window contributed to the reading of a plugin."""
        if not self.asking_seconds.computing:
            return  # of a moment that is no longer shown
        self._show_voice((plugin, found))
        what = f"{title}, {found.of}" if found.of and found.of not in title.lower() else title
        unit = f" in {found.unit}" if found.unit else ""
        self.asking_seconds.done(
            f"{what}: {figure(found.reading, signed=True)}. Bars show what each stretch changed{unit}; the explanation fits with "
            f"R² {found.fit:.2f}."
        )
        self.asking_face.allow(True)

    def show_face(self, found: FaceExplanation) -> None:
        """Where on the face the net looked."""
        if self.asking_face.computing:
            self.face.show_face(found)
            self.asking_face.done("")
            self.asking_seconds.allow(True)

    def show_failure(self, reason: str) -> None:
        """Why there is no explanation of what was asked for."""
        for asking, other in ((self.asking_seconds, self.asking_face), (self.asking_face, self.asking_seconds)):
            if asking.computing:
                asking.done(reason, bad=True)
                other.allow(True)

    def explain_seconds(self, plugin: str) -> None:
        """Ask which seconds made a plugin's reading of the moment shown."""
        if self._reasons is None or self.asking_face.computing:
            return
        self._show_voice(None)
        self._asked = lambda: self.explain_seconds(plugin)
        self.asking_face.allow(False)  # one at a time
        self.asking_seconds.wait("Reading the sound again with stretches left out …")
        self.seconds_asked.emit(plugin, self._reasons.at, self._of[plugin].currentText() if plugin in self._of else "")

    def explain_face(self) -> None:
        """Ask where on the chosen person's face the net looked."""
        if self._reasons is None or self.asking_seconds.computing:
            return
        self._asked = self.explain_face
        person = self.people.currentData()
        self.face.show_face(None)
        self.asking_seconds.allow(False)
        self.asking_face.wait("Looking at the face …")
        self.face_asked.emit(self._reasons.at, -1 if person is None else int(person))

    def ask_again(self) -> None:
        """Ask once more for what was asked for last, of the moment shown."""
        if self._asked is not None:
            self._asked()

    # -- files -------------------------------------------------------------------------------------------------

    def shutdown(self) -> None:
        """What is being written is written to its end; nothing is told any more."""
        self.saver.close()

    @property
    def _path(self) -> Path | None:
        return self._document.path if self._document is not None else None

    @Slot()
    def _save_picture(self) -> None:
        if self.face.found is not None:
            self.saver.choose_picture(self.face.found, self.face.strength.value() / 100, self._path)

    @Slot()
    def _save_values(self) -> None:
        if self._voice is not None and self._reasons is not None:
            self.saver.choose_values(*self._voice, self._reasons.at, self._path)

    def _tell_saved(self, of_face: bool, text: str, bad: bool) -> None:
        (self.asking_face if of_face else self.asking_seconds).tell(text, bad=bad)

    def _show_voice(self, voice: tuple[str, Explanation] | None) -> None:
        self._voice = voice
        self.seconds.show_parts(
            None if voice is None else voice[1], self._reasons.at if self._reasons is not None else 0.0
        )
        self.save_seconds.setVisible(voice is not None)

    def _clear(self) -> None:
        self._reasons = None
        self.title.setText("Choose an event, or explain the moment of the playhead.")
        self._show_voice(None)
        self.face.show_face(None)
        for asking in (self.asking_seconds, self.asking_face):
            asking.done("")
            asking.allow(False)
        self._show()
