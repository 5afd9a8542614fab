"""The transcript as it is read: colours, the playhead, seeking, search, growing, and long ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from mien.engine.events import Piece
from mien.tracks import Spans
from mien.tracks.track import AnyTrack
from mien_desktop.document import Document
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.look.style import dress
from mien_desktop.transcript import view
from mien_desktop.transcript.layout import Layout
from mien_desktop.transcript.panel import TranscriptPanel

from .conftest import LINES, attention

Tracks = dict[str, AnyTrack]


@pytest.fixture
def panel(qtbot: QtBot, document: Document) -> TranscriptPanel:
    made = TranscriptPanel(DARK)
    qtbot.addWidget(made)
    made.resize(640, 320)
    made.bind(document)
    made.show()
    qtbot.waitExposed(made)
    return made


def word(panel: TranscriptPanel, text: str) -> int:
    return panel.script.words.index(text)


def point(panel: TranscriptPanel, index: int) -> QPoint:
    """The middle of a word in the viewport."""
    middle = panel.view.word_rect(index).center().toPoint()
    return middle - QPoint(0, panel.view.verticalScrollBar().value())


def redness(panel: TranscriptPanel, index: int) -> float:
    """How much redder than the panel the ground of a word is."""
    rect = panel.view.word_rect(index)
    image = panel.view.viewport().grab().toImage()
    colour = image.pixelColor(int(rect.left()) - 2, point(panel, index).y())
    ground = QColor(DARK.panel)
    return (colour.redF() - ground.redF()) - (colour.greenF() - ground.greenF())


def test_words_are_coloured_by_their_share_in_the_score(panel: TranscriptPanel) -> None:
    strong, weak, none = (redness(panel, word(panel, text)) for text in ("never", "exactly", "numbers"))
    assert strong > weak > none == pytest.approx(0.0, abs=0.01)


def test_words_that_drove_the_score_are_underlined(panel: TranscriptPanel) -> None:
    image = panel.view.viewport().grab().toImage()
    for text, marked in (("finish", True), ("that", False)):
        rect = panel.view.word_rect(word(panel, text))
        x = int(rect.center().x())
        below = {image.pixelColor(x, y).name() for y in range(int(rect.bottom()) - 6, int(rect.bottom()))}
        assert (DARK.bad in below) == marked


def over(panel: TranscriptPanel, text: str) -> float:
    """How strongly the colour of attention is drawn over a word, 0 to 1."""
    rect = panel.view.word_rect(word(panel, text))
    image = panel.view.viewport().grab().toImage()
    drawn = image.pixelColor(int(rect.center().x()), int(rect.top()) - panel.view.verticalScrollBar().value() + 1)
    ground, colour = QColor(DARK.panel), QColor(DARK.quantity("attention"))
    return (drawn.greenF() - ground.greenF()) / (colour.greenF() - ground.greenF())


def test_the_attention_of_a_network_is_drawn_over_the_words(
    panel: TranscriptPanel, document: Document, qtbot: QtBot
) -> None:
    assert not panel.legend.isVisible()
    assert over(panel, "finish") == pytest.approx(0.0, abs=0.02)
    plain = [redness(panel, word(panel, text)) for text in ("never", "exactly")]
    document.take(Piece("text", attention()))
    qtbot.waitUntil(panel.legend.isVisible)
    drawn = {text: over(panel, text) for text in ("finish", "problem", "you", "is", "agreed", "numbers")}
    assert drawn["finish"] == drawn["agreed"] == pytest.approx(1.0, abs=0.02)  # the most of each utterance
    assert drawn["problem"] == pytest.approx(0.25, abs=0.02)
    assert drawn["is"] == drawn["numbers"] == pytest.approx(0.0, abs=0.02)
    assert "60 % of the network's attention" in panel.script.about(word(panel, "finish"))
    assert "attention" not in panel.script.about(word(panel, "numbers"))
    assert "not what spoke for or against" in panel.legend.toolTip()
    image = panel.legend.grab().toImage()
    wanted = QColor(DARK.quantity("attention")).redF()
    far = [abs(image.pixelColor(x, 2).redF() - wanted) for x in range(9, panel.legend.width() - 9)]
    assert far == sorted(far, reverse=True)
    assert far[0] > 0.2
    assert far[-1] < 0.02
    # What drove the score is marked as before.
    assert [redness(panel, word(panel, text)) for text in ("never", "exactly")] == plain


def test_the_transcript_follows_the_playhead(panel: TranscriptPanel, qtbot: QtBot) -> None:
    panel.resize(420, 120)
    QApplication.processEvents()
    bar = panel.view.verticalScrollBar()
    assert bar.value() == 0
    panel.set_position(27.75)
    assert (panel.view.row, panel.script.words[panel.view.word]) == (5, "every")
    assert bar.value() > 0
    image = panel.view.viewport().grab().toImage()
    at = point(panel, panel.view.word)
    rect = panel.view.word_rect(panel.view.word)
    assert image.pixelColor(int(rect.left()) - 2, at.y()).name() == DARK.accent
    qtbot.keyClick(panel.view, Qt.Key.Key_Home)  # somebody reads elsewhere
    assert not panel.follow.isChecked()
    panel.set_position(25.1)
    panel.set_position(27.9)
    assert bar.value() == 0
    panel.follow.click()
    assert bar.value() > 0


def test_the_end_of_a_long_utterance_is_in_sight_when_it_is_spoken(qtbot: QtBot) -> None:
    document, panel = Document(), TranscriptPanel(DARK)
    qtbot.addWidget(panel)
    panel.resize(420, 160)
    panel.bind(document)
    panel.show()
    said = " ".join(f"word{n}" for n in range(90))
    document.load({"speech.transcript": Spans.of("speech.transcript", [(0.0, 30.0, "whisper", said, 0.9)])})
    qtbot.waitUntil(lambda: len(panel.script.words) == 90, timeout=20_000)
    for second in range(30):
        panel.set_position(second + 0.2)
        top, rect = panel.view.verticalScrollBar().value(), panel.view.word_rect(panel.view.word)
        assert top <= rect.top()
        assert rect.bottom() <= top + panel.view.viewport().height()


def test_a_click_seeks_to_the_word_and_before_it_to_the_utterance(panel: TranscriptPanel, qtbot: QtBot) -> None:
    sought: list[float] = []
    panel.seek_requested.connect(sought.append)
    view = panel.view.viewport()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=point(panel, word(panel, "never")))
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(14, point(panel, word(panel, "never")).y()))
    assert sought == pytest.approx([22.3, 22.1])
    qtbot.keyClick(panel.view, Qt.Key.Key_Right)
    qtbot.keyClick(panel.view, Qt.Key.Key_Return)
    assert panel.script.word_at(sought[-1]) == panel.view.cursor_word


def test_search_goes_forth_and_back_and_round(panel: TranscriptPanel, qtbot: QtBot) -> None:
    panel.start_search()
    qtbot.keyClicks(panel.search, "let me")
    assert panel.count.text() == "1 of 2"
    qtbot.keyClick(panel.search, Qt.Key.Key_Return)
    assert panel.count.text() == "2 of 2"
    assert panel.script.row_of(panel.view.cursor_word) == 3
    panel.after.click()
    assert panel.count.text() == "1 of 2"
    qtbot.keyClick(panel.search, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert panel.count.text() == "2 of 2"
    qtbot.keyClicks(panel.search, "x")
    assert panel.count.text() == "none"
    assert not panel.after.isEnabled()
    qtbot.keyClick(panel.search, Qt.Key.Key_Escape)
    assert panel.count.text() == ""
    assert panel.view.hits == []


def test_a_hit_is_framed(panel: TranscriptPanel, qtbot: QtBot) -> None:
    index = word(panel, "numbers")
    plain = panel.view.viewport().grab().toImage()
    qtbot.keyClicks(panel.search, "numbers")
    framed = panel.view.viewport().grab().toImage()
    rect = panel.view.word_rect(index)
    x, ys = int(rect.center().x()), range(int(rect.top()), int(rect.top()) + 6)
    assert DARK.warn in {framed.pixelColor(x, y).name() for y in ys}
    assert DARK.warn not in {plain.pixelColor(x, y).name() for y in ys}


def test_it_grows_while_the_analysis_runs(qtbot: QtBot, talk: Tracks) -> None:
    document = Document()
    panel = TranscriptPanel(DARK)
    qtbot.addWidget(panel)
    panel.resize(640, 320)
    panel.bind(document)
    panel.show()
    assert len(panel.script) == 0
    cut = 21.0
    document.load({name: track.slice(0.0, cut) for name, track in talk.items()})
    qtbot.waitUntil(lambda: len(panel.script) == 3, timeout=20_000)
    panel.search.setText("let me")
    assert panel.count.text() == "1 of 1"
    panel.view.cursor_word = 4
    for track in talk.values():
        piece = track.slice(cut, 100.0)
        document.readings.add(piece)
        document.grew.emit(piece)
    qtbot.waitUntil(lambda: len(panel.script) == len(LINES), timeout=20_000)
    qtbot.waitUntil(lambda: bool(panel.script.driver.any()), timeout=20_000)
    assert panel.view.cursor_word == 4
    assert panel.count.text() == "1 of 2"  # the hit that somebody is at is still that
    qtbot.keyClick(panel.search, Qt.Key.Key_Return)
    assert panel.count.text() == "2 of 2"
    document.open(None)
    assert len(panel.script) == 0


def test_selected_words_are_copied(panel: TranscriptPanel, qtbot: QtBot) -> None:
    view = panel.view.viewport()
    start, end = point(panel, word(panel, "exactly")), point(panel, word(panel, "problem"))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view, end)
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    panel.view.copy()
    assert QGuiApplication.clipboard().text() == "[00:23.5] A: exactly the problem"


def test_twenty_thousand_words_scroll_and_follow_quickly(
    qtbot: QtBot, panel: TranscriptPanel, document: Document, long: Callable[[int], Tracks]
) -> None:
    document.open(None)
    document.load(long(2000))
    panel.refresh()
    assert len(panel.script.words) > 19_000
    bar, spent = panel.view.verticalScrollBar(), []
    for value in np.linspace(0, bar.maximum(), 25):
        bar.setValue(round(value))
        began = time.perf_counter()
        panel.view.viewport().repaint()
        spent.append(time.perf_counter() - began)
    # The median, as the machine may be busy: a frame is 16 ms, and only the rows in sight are drawn.
    assert np.median(spent) < 0.1
    last = len(panel.script.words) - 1
    panel.set_position(float(panel.script.word_start[last]))
    assert panel.view.word == last
    assert bar.value() >= bar.maximum() - panel.view.viewport().height()
    began = time.perf_counter()
    panel.search.setText("ta")
    assert time.perf_counter() - began < 1.0
    assert len(panel.view.hits) > 1000


def test_another_look_lays_the_words_out_once(
    panel: TranscriptPanel, qtbot: QtBot, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    def lay_out(*args: Any, **more: Any) -> Layout:
        counted.append(1)
        return original(*args, **more)

    original = view.lay_out
    monkeypatch.setattr(view, "lay_out", lay_out)
    last = len(panel.view.script.words) - 1
    before = panel.view.word_rect(last)
    for palette, scale in ((LIGHT, 1.0), (DARK, 1.5)):
        counted.clear()
        dress(qapp, palette, scale)
        after = panel.view.word_rect(last)  # asked at once, it is the new one already
        qtbot.wait(50)
        assert len(counted) <= 2, f"{palette}, {scale}"  # the second where the room has changed
        assert panel.view.word_rect(last).height() == after.height()
    assert after.height() > 1.2 * before.height()
    assert panel.view.verticalScrollBar().maximum() >= after.bottom() - panel.view.viewport().height()


def test_every_control_says_what_it_is(panel: TranscriptPanel) -> None:
    panel.wear(LIGHT)
    for widget in panel.findChildren(QWidget):
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus and widget.isVisible() and widget.objectName()[:3] != "qt_":
            assert widget.accessibleName() or widget.toolTip(), widget
    panel.view.setFocus()
    assert "we agreed on this last week" in panel.view.accessibleDescription()
    assert "offence 0.04" in panel.view.accessibleDescription()
    assert panel.about.text().startswith("pocketsphinx · en · 0.")


def test_who_heard_the_words_gives_way_where_there_is_no_room(panel: TranscriptPanel, qtbot: QtBot) -> None:
    panel.resize(900, 400)
    qtbot.waitUntil(panel.about.isVisible)
    panel.resize(panel.minimumSizeHint().width() - panel.about.minimumSizeHint().width(), 400)
    qtbot.waitUntil(lambda: not panel.about.isVisible())
    assert panel.search.width() >= panel.search.minimumWidth()
    assert panel.follow.geometry().right() < panel.width()
    panel.resize(900, 400)
    qtbot.waitUntil(panel.about.isVisible)


def test_another_speaker_track_recolours(panel: TranscriptPanel, document: Document, talk: Tracks) -> None:
    before = panel.script.speakers
    said = talk["speech.transcript"]
    assert isinstance(said, Spans)
    document.load({"speech.transcript": Spans.of(said.name, [(*row[:5], "") for row in said.rows()])})
    panel.refresh()
    assert before == ("B", "A")
    assert panel.script.speakers == ()
