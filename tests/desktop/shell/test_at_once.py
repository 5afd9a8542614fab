"""What is changed in the settings works at once: keys in tooltips, fusions in the tool bar, the library; and what is saved."""

from __future__ import annotations

import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from pytestqt.qtbot import QtBot

from mien.errors import LibraryError
from mien.library import Library
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.settings import kept
from mien_desktop.shell.window import MainWindow

from .conftest import DEMO, PATIENCE


def names(box: object) -> list[str]:
    return [box.itemText(n) for n in range(box.count())]  # type: ignore[attr-defined]


# -- keys ---------------------------------------------------------------------------------------------------------


def test_every_tooltip_follows_its_keys(opened: MainWindow, qtbot: QtBot) -> None:
    space, tools = opened.workspace, opened.tools
    settings = opened.rooms.show_settings("shortcuts")
    page = settings.shortcuts
    told = {
        "play": [space.transport.play, space.canvas],
        "loop": [space.transport.loop],
        "full-screen": [space.transport.full_screen, space.canvas],
        "open": [tools._opener, opened.welcome.drop._open],
        "analyse": [tools.analyse],
        "export": [tools._export],
        "library": [tools._library],
        "settings": [tools._settings],
        "search": [tools.search],
        "undo": [space.events.head.undo],
        "redo": [space.events.head.redo],
        "find": [space.transcript.search],
        "find-next": [space.transcript.after],
        "find-previous": [space.transcript.before],
        "explain": [space.explain.here],
    }
    for number, (command, widgets) in enumerate(told.items()):
        action = next(a for a in page._defaults if a.id == command)
        before = opened.actions_.actions[command].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        for widget in widgets:
            assert f"({before})" in widget.toolTip(), (command, widget.toolTip())
        assert page.change(action, f"Ctrl+Alt+Shift+F{number + 1}") == ""
        for widget in widgets:
            assert f"(Ctrl+Alt+Shift+F{number + 1})" in widget.toolTip(), (command, widget.toolTip())
            assert f"({before})" not in widget.toolTip()
    assert page.change(next(a for a in page._defaults if a.id == "loop"), "") == ""
    assert space.transport.loop.toolTip() == "Repeat the selected stretch of time"
    page.reset_everything()
    assert "(Space)" in space.transport.play.toolTip()
    assert "(Ctrl+Z)" in space.events.head.undo.toolTip()
    assert space.events.head.undo.accessibleDescription() == space.events.head.undo.toolTip()
    settings.hide()


def test_keys_that_were_kept_are_named_from_the_start(make_window, place: Path) -> None:  # type: ignore[no-untyped-def]
    kept.save(kept.Kept(shortcuts={"analyse": "Ctrl+G", "play": "K", "cancel": "Ctrl+H"}))
    window = make_window(place)
    assert "(Ctrl+G)" in window.tools.analyse.toolTip()
    assert "(K)" in window.workspace.transport.play.toolTip()
    window.tools.set_analysing(True)
    assert window.tools.analyse.toolTip() == "Stop the analysis; what is complete is kept (Ctrl+H)"
    window.tools.set_analysing(False)
    assert "(Ctrl+G)" in window.tools.analyse.toolTip()


# -- fusions ------------------------------------------------------------------------------------------------------


def test_fusions_of_a_disabled_plugin_go_and_come_back(opened: MainWindow, qtbot: QtBot) -> None:
    tools = opened.tools
    before = names(tools.fusion), names(tools.compare)
    assert "Weighted late fusion" in before[0]
    page = opened.rooms.show_settings("plugins").plugins
    page.enable("fusion", False)
    assert "Weighted late fusion" not in names(tools.fusion)
    assert "Weighted late fusion" not in names(tools.compare)
    assert names(tools.compare)[0] == "nothing"
    page.enable("fusion", True)
    assert (names(tools.fusion), names(tools.compare)) == before
    page.chooser.use_fusion("fusion.late")
    assert tools.fusion.currentData() == "fusion.late"
    opened.rooms.settings.hide()  # type: ignore[union-attr]


def test_a_disabled_fusion_is_not_offered_after_a_start(make_window, place: Path) -> None:  # type: ignore[no-untyped-def]
    kept.save(kept.Kept(disabled=("fusion",)))
    window = make_window(place)
    assert "Weighted late fusion" not in names(window.tools.fusion)
    assert window.conductor.choice.fusion not in ("fusion.late", "fusion.majority")
    assert window.tools.fusion.currentData() in (window.conductor.choice.fusion, None)


def test_a_fusion_without_weights_is_greyed_out_with_its_command(window: MainWindow) -> None:
    late = window.registry.fusion("fusion.late")
    untrained = replace(
        late,
        id="fusion.untrained",
        title="Attention fusion",
        models=("no-such-model",),
        needs_training="mien train fusion-x --data DIR --out DIR",
    )
    window.registry.fusions[untrained.id] = untrained
    window.supply.take_registry(window.registry)
    for box in (window.tools.fusion, window.tools.compare):
        at = box.findData("fusion.untrained")
        assert box.itemText(at) == "Attention fusion – needs training"
        assert not box.model().item(at).isEnabled()  # type: ignore[attr-defined]
        assert "mien train fusion-x" in box.itemData(at, Qt.ItemDataRole.ToolTipRole)
    assert window.tools.fusion.currentData() == "fusion.late"
    del window.registry.fusions[untrained.id]


# -- what is saved ------------------------------------------------------------------------------------------------


def test_the_foot_says_truthfully_what_is_saved(opened: MainWindow, qtbot: QtBot) -> None:
    events, foot = opened.workspace.events, opened.foot
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(0.4)
    qtbot.waitUntil(lambda: len(events.events) > 0, timeout=PATIENCE)
    assert foot.saved == ""  # nothing was changed yet
    said: list[str] = []
    gate = threading.Event()
    opened.conductor.background.run(gate.wait)  # the library is busy
    events.history.pending.connect(lambda _: said.append(foot.saved))
    events.choose(events.events[0])
    events.act("accept")
    assert foot.saved == "saving…"
    events.act("reject")
    assert events.events[0].state == "open"  # what is shown is what lies on the disk
    gate.set()
    qtbot.waitUntil(lambda: events.events[0].state == "rejected", timeout=PATIENCE)
    assert said == ["saving…", "saving…", "saving…", "all changes saved"]
    assert foot.saved == "all changes saved"


def test_the_foot_says_when_a_change_could_not_be_saved(
    opened: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, foot = opened.workspace.events, opened.foot
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(0.4)
    qtbot.waitUntil(lambda: len(events.events) > 0, timeout=PATIENCE)
    events.choose(events.events[0])
    with monkeypatch.context() as broken:

        def full(*_: object, **__: object) -> None:
            raise LibraryError("The disk is full.")

        broken.setattr(Library, "correct", full)
        events.act("accept")
        qtbot.waitUntil(lambda: foot.saved == "last change not saved", timeout=PATIENCE)
    assert "full" in foot._saved.toolTip()
    assert events.events[0].state == "open"
    events.act("accept")
    qtbot.waitUntil(lambda: foot.saved == "all changes saved", timeout=PATIENCE)


# -- the library --------------------------------------------------------------------------------------------------


def corrections(place: Path) -> list[str]:
    with Library(place) as library:
        return [row.new["state"] for medium in library.media() for row in library.corrections(medium)]


def judge(window: MainWindow, qtbot: QtBot, action: str) -> None:
    """Decide on the first event."""
    events = window.workspace.events
    qtbot.waitUntil(lambda: events.ready, timeout=PATIENCE)
    events.set_threshold(0.4)
    qtbot.waitUntil(lambda: len(events.events) > 0, timeout=PATIENCE)
    events.choose(events.events[0])
    events.act(action)


def test_a_library_that_is_moved_is_in_use_at_once(
    opened: MainWindow, qtbot: QtBot, place: Path, tmp_path: Path
) -> None:
    target = tmp_path / "elsewhere" / "moved.db"
    opened.show_library()
    library = opened.rooms.library
    assert library is not None
    qtbot.waitUntil(lambda: library.model.rowCount() == 1, timeout=PATIENCE)
    judge(opened, qtbot, "accept")
    page = opened.rooms.show_settings("data").data
    page.place.setText(str(target))
    page.copy.setChecked(True)
    # A change that is still on its way when the library is moved goes along.
    opened.workspace.events.act("reject")
    page.use.click()
    qtbot.waitUntil(lambda: "in use now" in page.result, timeout=PATIENCE)
    assert opened.conductor.shelf.place == str(target)
    assert page.library == str(target)
    assert corrections(target) == ["accepted", "rejected"]
    # What is changed from now on is in the new one alone; the open medium stays as it stands, its steps too.
    assert opened.document.readings.parts
    opened.workspace.undo()
    qtbot.waitUntil(lambda: opened.workspace.events.events[0].state == "accepted", timeout=PATIENCE)
    assert corrections(target) == ["accepted"]
    assert corrections(place) == ["accepted", "rejected"]
    qtbot.waitUntil(lambda: library.loaded and library.model.rowCount() == 1, timeout=PATIENCE)
    # The old one was let go of: nobody holds its files.
    for file in place.parent.glob("library.db*"):
        if file.is_file():
            file.unlink()
    # And the worker writes into the new one.
    opened.conductor.choose_fusion("fusion.majority")
    qtbot.waitUntil(lambda: not opened.document.analysing and opened.conductor._job is None, timeout=2 * PATIENCE)
    with Library(target) as there:
        (medium,) = there.media()
        assert any(run.analyzer == "fusion.majority" for run in there.runs(medium))
    assert not place.exists()
    opened.rooms.settings.hide()  # type: ignore[union-attr]


def test_another_library_shows_what_it_holds(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    Library(other).close()
    opened.workspace.player.seek(5.0)
    qtbot.waitUntil(lambda: abs(opened.workspace.player.position - 5.0) < 0.05, timeout=PATIENCE)
    page = opened.rooms.show_settings("data").data
    page.place.setText(str(other))
    page.use.click()
    qtbot.waitUntil(lambda: "in use now" in page.result, timeout=PATIENCE)
    qtbot.waitUntil(lambda: not opened.document.readings.parts, timeout=PATIENCE)  # this library knows nothing of it
    assert opened.document.path == DEMO
    qtbot.waitUntil(lambda: abs(opened.workspace.player.position - 5.0) < 0.05, timeout=PATIENCE)
    opened.rooms.settings.hide()  # type: ignore[union-attr]


def test_a_library_cannot_be_moved_under_an_analysis(make_window, qtbot: QtBot, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    window = make_window(tmp_path / "new.db")
    window.open(DEMO)
    window.conductor.analyse()
    page = window.rooms.show_settings("data").data
    page.place.setText(str(tmp_path / "moved.db"))
    page.use.click()
    assert page.result == "The library cannot be moved while an analysis runs; wait until it is done, or cancel it."
    assert page.use.isEnabled()
    assert not (tmp_path / "moved.db").exists()
    assert window.conductor.shelf.place == str(tmp_path / "new.db")
    window.conductor.cancel()
    qtbot.waitUntil(lambda: window.conductor._job is None, timeout=PATIENCE)
    page.use.click()
    qtbot.waitUntil(lambda: "in use now" in page.result, timeout=PATIENCE)
    window.rooms.settings.hide()


def test_a_summary_holds_the_library_and_wears_what_the_window_wears(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    room = window.rooms.show_queue()
    room.queue.add([DEMO])
    qtbot.waitUntil(lambda: [item.state for item in room.queue.items] == ["done"], timeout=PATIENCE)
    dialog = room.sum_up()
    qtbot.waitUntil(dialog.start.isEnabled, timeout=PATIENCE)
    assert dialog.rank.currentText() == "highest fused"
    dialog.folder.setText(str(tmp_path / "out"))
    dialog.start.click()
    assert window.rooms.obstacle().startswith("The library cannot be moved while a summary is made from it")
    qtbot.waitUntil(dialog.shown.isVisible, timeout=PATIENCE)
    assert window.rooms.obstacle() == ""
    for theme, palette in (("light", LIGHT), ("dark", DARK)):
        window.set_theme(theme)
        qtbot.waitUntil(lambda: window.wardrobe.settled, timeout=PATIENCE)
        assert dialog.grab().toImage().pixelColor(3, 3).name() == palette.window


def test_a_place_that_cannot_be_changes_nothing(opened: MainWindow, qtbot: QtBot, place: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database" * 100)
    page = opened.rooms.show_settings("data").data
    page.place.setText(str(broken))
    page.use.click()
    qtbot.waitUntil(lambda: page.use.isEnabled() and "Moving" not in page.result, timeout=PATIENCE)
    assert "in use now" not in page.result
    assert opened.conductor.shelf.place == str(place)
    judge(opened, qtbot, "accept")
    qtbot.waitUntil(lambda: opened.foot.saved == "all changes saved", timeout=PATIENCE)
    assert corrections(place) == ["accepted"]
    opened.rooms.settings.hide()  # type: ignore[union-attr]


def test_the_queue_goes_on_in_the_new_library(opened: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    window = opened.rooms.show_queue()
    target = tmp_path / "moved.db"
    page = opened.rooms.show_settings("data").data
    page.place.setText(str(target))
    page.use.click()
    qtbot.waitUntil(lambda: "in use now" in page.result, timeout=PATIENCE)
    copy = tmp_path / "copy.mp4"
    shutil.copyfile(DEMO, copy)
    window.add([copy])
    qtbot.waitUntil(lambda: [i.state for i in window.queue.items] == ["done"], timeout=2 * PATIENCE)
    with Library(target) as library:
        (medium,) = library.media()
        assert copy in medium.paths
    opened.rooms.settings.hide()  # type: ignore[union-attr]
