"""What is chosen in one place holds in all; what the menus offer; what is dropped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QStyleOptionComboBox
from pytestqt.qtbot import QtBot

from mien import config
from mien_desktop.document import Standing
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.settings import kept
from mien_desktop.settings.keys import listed
from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, PATIENCE


def test_a_device_from_the_tool_bar_is_the_settings_device(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MIEN_DEVICE", raising=False)
    window.conductor.choose_fusion("fusion.majority")
    box = window.tools.device
    box.setCurrentIndex(box.findData("cpu"))
    box.activated.emit(box.currentIndex())
    assert window.conductor.choice.device == "cpu"  # for the next job, at once
    settings = window.rooms.settings_made()
    assert not settings.isVisible()
    qtbot.waitUntil(lambda: settings.preferences.now.device == "cpu", timeout=PATIENCE)
    assert config.load().device == "cpu"
    # And from there to here: device, precision and threads reach the next job, the fusion stays.
    settings.preferences.change(device="auto", precision="float32", threads=1)
    qtbot.waitUntil(lambda: window.conductor.choice.threads == 1, timeout=PATIENCE)
    choice = window.conductor.choice
    assert (choice.device, choice.precision, choice.fusion) == ("auto", "float32", "fusion.majority")
    assert box.currentData() == "auto"


def test_the_settings_never_bring_an_old_fusion_back(opened: MainWindow, qtbot: QtBot) -> None:
    settings = opened.rooms.settings_made()
    box = opened.tools.fusion
    box.setCurrentIndex(box.findData("fusion.majority"))
    box.activated.emit(box.currentIndex())
    settings.plugins.tell()
    assert opened.conductor.choice.fusion == "fusion.majority"
    opened.choose(replace(opened.conductor.choice, fusion="fusion.late"))
    assert settings.choice.fusion == "fusion.late"
    qtbot.waitUntil(lambda: opened.conductor._job is None, timeout=PATIENCE)


def test_plugins_that_are_switched_off_stay_off_at_the_next_start(make_window: object, place: Path) -> None:
    first: MainWindow = make_window(place)  # type: ignore[operator]
    (source,) = (s.name for s in first.registry.sources if "conflict" in s.offers)
    first.close()
    kept.save(kept.Kept(disabled=(source,)))
    again: MainWindow = make_window(place)  # type: ignore[operator]
    analyzers = again.conductor.choice.analyzers
    assert analyzers is not None
    assert "conflict" not in analyzers
    assert "emotion" in analyzers


def test_undo_says_what_it_takes_back(opened: MainWindow, qtbot: QtBot) -> None:
    events, undo = opened.workspace.events, opened.actions_.actions["undo"]
    assert not undo.isEnabled()
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.add(3.0, 4.0)
    assert undo.text() == "Undo: Add event at 00:03.0"
    assert {s.id: s.action for s in listed(opened.actions_.actions)}["undo"] == "Undo"  # its name among the shortcuts
    undo.trigger()
    assert opened.actions_.actions["redo"].text() == "Redo: Add event at 00:03.0"
    assert not undo.isEnabled()


def test_lanes_are_shown_and_hidden_from_the_menu_and_kept(
    opened: MainWindow, make_window: object, place: Path, qtbot: QtBot
) -> None:
    menu = opened.actions_.lanes
    menu.aboutToShow.emit()
    lane = opened.workspace.timeline.lane("conflict")
    entry = next(a for a in menu.actions() if a.text() == lane.title)
    assert entry.isChecked()
    entry.trigger()
    assert not lane.visible
    opened.workspace.timeline.lane("fused").height = 97
    opened.close()
    again: MainWindow = make_window(place)  # type: ignore[operator]
    assert not again.workspace.timeline.lane("conflict").visible
    assert again.workspace.timeline.lane("fused").height == 97
    again.actions_.recent.aboutToShow.emit()
    recent = again.actions_.recent.actions()
    assert recent[0].text() == "demo.mp4"
    recent[0].trigger()
    assert again.document.path == DEMO


def test_a_drop_opens_and_several_go_to_the_queue(window: MainWindow, qtbot: QtBot) -> None:
    _drop(window, [DEMO])
    assert window.document.path == DEMO
    _drop(window, [DEMO, DEMO.parent / "none.mp4"])
    assert window.rooms.queue is not None
    assert window.rooms.queue.isVisible()
    queue = window.rooms.queue.queue
    qtbot.waitUntil(lambda: bool(queue.items), timeout=PATIENCE)
    window.rooms.queue.hide()


def test_a_theme_from_the_menu_is_the_settings_theme(window: MainWindow, qtbot: QtBot) -> None:
    page = window.rooms.show_settings("appearance").appearance
    for theme in ("light", "dark"):
        window.actions_.actions[theme].trigger()
        assert page.themes[theme].isChecked()
    window.set_text_scale(1.25)
    assert page.slider.value() == 125
    qtbot.waitUntil(lambda: window.wardrobe.settled, timeout=PATIENCE)
    window.rooms.show_settings().hide()


def test_as_the_system_follows_its_scheme_live(opened: MainWindow, qtbot: QtBot) -> None:
    """Told by Qt's own signal, as a desktop's switch at dusk does: nobody can throw that switch offscreen."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    hints, view = app.styleHints(), opened.workspace.timeline

    def told(scheme: Qt.ColorScheme) -> str:
        hints.colorSchemeChanged.emit(scheme)
        qtbot.waitUntil(lambda: opened.wardrobe.settled, timeout=PATIENCE)
        return view.grab().toImage().pixelColor(3, view.height() - 3).name()

    opened.set_theme("system")
    for scheme, palette in ((Qt.ColorScheme.Light, LIGHT), (Qt.ColorScheme.Dark, DARK), (Qt.ColorScheme.Light, LIGHT)):
        assert told(scheme) == palette.panel
        assert opened.palette_ is palette
        assert app.palette().window().color().name() == palette.window
    assert opened.state.theme == "system"
    opened.set_theme("dark")  # who chose keeps it
    assert told(Qt.ColorScheme.Light) == DARK.panel
    opened.set_theme("system")  # and is where the system is by now
    qtbot.waitUntil(lambda: opened.wardrobe.settled, timeout=PATIENCE)
    assert opened.palette_ is LIGHT


def test_damage_is_told_in_one_line_once(opened: MainWindow) -> None:
    assert opened.document.media is not None
    opened.document.problems = ("The picture breaks off at 3 s.", "The sound breaks off at 4 s.")
    opened.document.describe(opened.document.media)
    opened.document.describe(opened.document.media)
    assert opened.message.text == "The picture breaks off at 3 s.; The sound breaks off at 4 s."
    opened.message.dismiss()
    assert opened.message.text == ""
    opened.document.describe(opened.document.media)
    assert opened.message.text == ""


def test_the_name_of_the_device_is_not_cut_while_there_is_room(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(1600, 1000)
    window.show()
    box = window.tools.device
    qtbot.waitUntil(lambda: "(" in box.currentText(), timeout=PATIENCE)  # the name of what it chooses comes later
    qtbot.waitUntil(lambda: box.width() >= box.sizeHint().width(), timeout=PATIENCE)
    option = QStyleOptionComboBox()
    box.initStyleOption(option)
    assert box._room(option) - 4 >= box.fontMetrics().horizontalAdvance(box.currentText())
    window.resize(1280, 720)
    assert window.width() == 1280


def test_the_foot_tells_of_every_running_plugin(opened: MainWindow, qtbot: QtBot) -> None:
    document, foot = opened.document, opened.foot
    document.standings = {}
    document.progressed.emit()
    height = foot.height()
    assert not foot.details.isVisible()  # there is nothing to list
    foot.note("No events to go to.")
    (said,) = (one for one in foot.findChildren(QLabel) if one.text() == foot.line)
    qtbot.waitUntil(lambda: said.x() < 20, timeout=PATIENCE)  # nor a gap where the list's button will be
    foot.note("")
    document.analysing = True
    document.standings = {
        "speech.voice": Standing("speech.voice", "Voice activity", "done", 1.0, 0.0),
        "emotion": Standing("emotion", "Emotion of the voice", "running", 0.25, 65.0),
        "face.detect": Standing("face.detect", "Faces", "running", 0.5, 12.0),
        "conflict": Standing("conflict", "Conflict", "skipped", reason="No sound."),
    }
    document.progressed.emit()
    assert foot.line == "emotion 25% · 1:05 left    detect 50% · 0:12 left"
    assert foot.details.isVisible()
    assert foot.details.text() == "2 of 4"
    assert foot.height() == height
    foot.details.click()
    assert foot.list.told == {
        "speech.voice": "done",
        "emotion": "25% · 1:05 left",
        "face.detect": "50% · 0:12 left",
        "conflict": "skipped: No sound.",
    }
    foot.list.close()
    document.analysing = False
    document.progressed.emit()


def _drop(window: MainWindow, paths: list[Path]) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, held = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(40, 300), Qt.DropAction.CopyAction, data, buttons, held)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(40, 300), Qt.DropAction.CopyAction, data, buttons, held))
