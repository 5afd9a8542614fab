"""The Explain tab: what is stored is shown at once, the rest is asked for, computed, cancelled or refused."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QSlider
from pytestqt.qtbot import QtBot

from mien.sdk.protocols import Explanation, FaceExplanation
from mien.tracks import AROUSAL, EXPRESSION_QUANTITIES, HOSTILITY, Curve, Spans, probability
from mien_desktop.document import Document
from mien_desktop.explain.panel import ExplainPanel
from mien_desktop.explain.reasons import reasons
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.look.style import sheet

HEATED = 18.6  # s; two people shout at once then


def test_what_is_stored_is_explained_at_once(panel: ExplainPanel) -> None:
    panel.explain(HEATED)
    assert panel.title.text().startswith("0:18.6 · fused 0.")
    shares = {bar.name: bar for bar in panel.modalities.bars}
    assert set(shares) == {"text", "voice"}
    assert sum(bar.value for bar in shares.values()) == pytest.approx(1.0, abs=1e-3)
    assert "offence 0.9" in shares["text"].note
    assert "arousal" in shares["voice"].note
    assert "-" not in shares["voice"].note  # a minus is written, as on the picture and the lanes
    # Of two who speak at once, the one that scores highest is shown, in their own words.
    assert panel.words.bars[0].name == "stupid"
    assert panel.words.bars[0].value > 0.3
    assert "idiot" not in panel.said.accessibleDescription()
    assert panel.said.accessibleDescription().startswith("Oh (")


def test_where_nobody_speaks_there_are_no_words(panel: ExplainPanel) -> None:
    panel.explain(0.1)
    assert not panel.words.bars
    assert not panel.said.isVisible()


def test_a_click_on_a_word_goes_there(panel: ExplainPanel, qtbot: QtBot) -> None:
    panel.explain(HEATED)
    places = panel.said.places(panel.said.width())
    with qtbot.waitSignal(panel.seek_requested) as sought:
        qtbot.mouseClick(panel.said, Qt.MouseButton.LeftButton, pos=places[5].center().toPoint())
    assert sought.args == [pytest.approx(panel.words.bars[0].at)]


def test_seconds_are_asked_for_waited_for_and_shown(panel: ExplainPanel, qtbot: QtBot, voice: Explanation) -> None:
    panel.explain(HEATED)
    ask = panel.asking_seconds.buttons[0]
    with qtbot.waitSignal(panel.seconds_asked) as asked:
        ask.click()
    assert asked.args == ["emotion", HEATED, "arousal"]
    assert panel.asking_seconds.computing
    assert panel.asking_seconds.cancel.isVisible()
    assert not ask.isEnabled()
    panel.show_progress(0.4)
    panel.show_seconds("emotion", "Emotion attributes", voice)
    assert ask.isEnabled()
    assert not panel.asking_seconds.cancel.isVisible()
    assert f"{voice.reading:+.2f}".replace("-", "−") in panel.asking_seconds.text
    assert len(panel.seconds.parts) == 12
    with qtbot.waitSignal(panel.seek_requested) as sought:
        qtbot.mouseClick(panel.seconds, Qt.MouseButton.LeftButton, pos=panel.seconds.bar(3).center().toPoint())
    assert sought.args == [pytest.approx(float(voice.parts.start[3]))]
    panel.seconds.setFocus()
    with qtbot.waitSignal(panel.seek_requested) as sought:
        qtbot.keyClick(panel.seconds, Qt.Key.Key_Right)
        qtbot.keyClick(panel.seconds, Qt.Key.Key_Return)
    assert sought.args == [pytest.approx(float(voice.parts.start[4]))]


def test_the_reading_can_be_chosen(panel: ExplainPanel, qtbot: QtBot) -> None:
    panel.explain(HEATED)
    which = panel.asking_seconds.findChildren(QComboBox)[0]
    which.setCurrentText("anger")
    with qtbot.waitSignal(panel.seconds_asked) as asked:
        panel.asking_seconds.buttons[0].click()
    assert asked.args[2] == "anger"


def test_a_face_is_shown_under_its_heat(panel: ExplainPanel, qtbot: QtBot, face: FaceExplanation) -> None:
    panel.explain(HEATED)
    assert [panel.people.itemText(n) for n in range(3)] == ["the largest face", "person B", "person A"]
    panel.people.setCurrentIndex(2)
    with qtbot.waitSignal(panel.face_asked) as asked:
        panel.ask_face.click()
    assert asked.args == [HEATED, 1]
    panel.show_face(face)
    assert panel.face.isVisible()
    assert panel.face.read.bars[0].name == "happy"
    assert "mouth" in panel.face.said.text()
    strong = panel.face.map.image
    panel.face.strength.setValue(0)
    plain = panel.face.map.image
    assert plain.size().width() == face.crop.shape[1]
    assert plain.pixelColor(10, 10).getRgb()[:3] == tuple(int(v) for v in face.crop[10, 10])
    assert strong.pixelColor(10, 10) != plain.pixelColor(10, 10)


def test_what_cannot_be_explained_is_a_sentence(panel: ExplainPanel) -> None:
    panel.explain(HEATED)
    panel.ask_face.click()
    panel.show_failure("No face is seen at 18.6 s; choose another moment.")
    assert panel.asking_face.text == "No face is seen at 18.6 s; choose another moment."
    assert not panel.face.isVisible()
    assert not panel.asking_seconds.text
    assert panel.ask_face.isEnabled()


def test_it_can_be_cancelled(panel: ExplainPanel, qtbot: QtBot, voice: Explanation) -> None:
    panel.explain(HEATED)
    panel.asking_seconds.buttons[0].click()
    with qtbot.waitSignal(panel.cancel_asked):
        panel.asking_seconds.cancel.click()
    panel.show_failure("The analysis was cancelled.")
    assert panel.asking_seconds.text == "Stopped."
    panel.show_seconds("emotion", "Emotion attributes", voice)  # too late
    assert not panel.seconds.isVisible()


def test_another_moment_forgets_what_was_computed_for_the_last(
    panel: ExplainPanel, qtbot: QtBot, voice: Explanation
) -> None:
    panel.explain(HEATED)
    panel.asking_seconds.buttons[0].click()
    with qtbot.waitSignal(panel.cancel_asked):
        panel.explain(5.0)
    panel.show_seconds("emotion", "Emotion attributes", voice)
    assert not panel.seconds.isVisible()


def test_another_medium_clears_everything(panel: ExplainPanel, face: FaceExplanation) -> None:
    panel.explain(HEATED)
    panel.ask_face.click()
    panel.show_face(face)
    document: Document | None = panel._document
    assert document is not None
    document.open(None)
    assert not panel.face.isVisible()
    assert not panel.modalities.isVisible()
    assert panel.title.text().startswith("Choose an event")


def test_every_control_is_named_and_reachable(panel: ExplainPanel) -> None:
    panel.explain(HEATED)
    for kind in (QAbstractButton, QComboBox, QSlider):
        for control in panel.findChildren(kind):
            assert control.accessibleName(), control
            assert control.toolTip(), control
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control
    assert panel.seconds.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_it_wears_both_palettes(panel: ExplainPanel, voice: Explanation, face: FaceExplanation) -> None:
    panel.explain(HEATED)
    panel.asking_seconds.buttons[0].click()
    panel.show_seconds("emotion", "Emotion attributes", voice)
    dark = panel.seconds.grab().toImage()
    panel.wear(LIGHT)
    light = panel.seconds.grab().toImage()
    assert dark != light
    assert panel.modalities.bars[0].colour == LIGHT.quantity("text")


def test_what_weighs_from_afar_is_told(readings: dict[str, object]) -> None:
    """Conflict reads long windows: far from the middle of one, that is still what counts."""
    from mien.tracks import CONFLICT, Curve, probability

    document = Document()
    times = np.arange(0.0, 22.0, 0.5)
    document.load(
        {
            "conflict.intensity": Curve("conflict.intensity", [11.0], [[0.3]], (CONFLICT,)),
            "fusion.weights": Curve("fusion.weights", times, np.ones((times.size, 1)), (probability("conflict"),)),
        }
    )
    [share] = reasons(document.readings, 2.0).shares
    assert share.reads == "conflict +0.30"


def test_a_gap_is_nothing_that_was_read(qtbot: QtBot) -> None:
    """A fusion of what has no reading at a moment has none there either, nor a weight."""
    document = Document()
    times, gap = np.arange(0.0, 5.0), np.array([1.0, np.nan, 1.0, 1.0, 1.0], np.float32)[:, None]
    faces = np.repeat(gap, 7, 1) / 7
    utterance = Spans.of("text.offence", [(0.0, 2.0, "not", "well", float("nan"))])
    document.load(
        {
            "fusion.score": Curve("fusion.score", times, gap, (HOSTILITY,)),
            "fusion.weights": Curve("fusion.weights", times, gap, (probability("voice"),)),
            "emotion.attributes": Curve("emotion.attributes", times, gap, (AROUSAL,)),
            "face.expression": Curve("face.expression", times, faces, EXPRESSION_QUANTITIES),
            "text.offence": utterance,
        }
    )
    panel = ExplainPanel(DARK)
    qtbot.addWidget(panel)
    panel.bind(document)
    panel.explain(1.0)
    assert panel.title.text() == "0:01.0"
    assert panel.modalities.bars == ()
    assert not any("nan" in text.text() for text in panel.findChildren(QLabel))
    panel.explain(3.0)
    assert panel.title.text() == "0:03.0 · fused 1.00"
    assert [bar.note for bar in panel.modalities.bars] == ["arousal +1.00"]


def test_the_face_of_an_events_person_is_explained(panel: ExplainPanel, qtbot: QtBot) -> None:
    panel.explain(HEATED, 1)  # the smaller face
    with qtbot.waitSignal(panel.face_asked) as asked:
        panel.ask_face.click()
    assert asked.args == [HEATED, 1]
    assert not any(ask.isEnabled() for ask in panel.asking_seconds.buttons)  # one at a time
    panel.show_failure("No face was found.")
    assert all(ask.isEnabled() for ask in panel.asking_seconds.buttons)
    panel.explain(HEATED, 7)  # who is not seen then
    assert panel.people.currentIndex() == 0


def test_no_bar_is_cut_where_text_is_large(panel: ExplainPanel, qtbot: QtBot, face: FaceExplanation) -> None:
    """The sentence below the bars takes more lines than it would like to; it takes them from nothing else."""
    panel.setStyleSheet(sheet(DARK, 2.0))
    panel.resize(660, 340)  # as in a window of 1280 × 720
    panel.explain(HEATED)
    panel.ask_face.click()
    panel.show_face(face)
    read = panel.face.read
    qtbot.waitUntil(lambda: panel.face.said.height() == panel.face.said.heightForWidth(panel.face.said.width()))
    qtbot.wait(50)
    assert read.height() == read.sizeHint().height()
