"""The chooser: what is on, what runs because of it, recipes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mien.engine.choice import Choice, load_recipe
from mien.engine.registry import Registry
from mien.errors import MienError
from mien_desktop.look.palette import DARK
from mien_desktop.plugins.chooser import PluginChooser


@pytest.fixture
def chooser(registry: Registry, qtbot: QtBot) -> PluginChooser:
    made = PluginChooser(registry, DARK)
    qtbot.addWidget(made)
    return made


def test_it_begins_with_the_defaults(chooser: PluginChooser, registry: Registry) -> None:
    assert chooser.choice().checked(registry) == Choice(fusion="fusion.late").checked(registry)
    assert chooser.problem == ""


def test_what_runs_unasked_leads(chooser: PluginChooser, registry: Registry) -> None:
    shown = [info for info in map(registry.analyzers.get, chooser._items) if info is not None]
    asked = [info.default for info in shown]
    assert asked == sorted(asked, reverse=True)


def test_a_plugin_is_switched_off_by_its_mark(chooser: PluginChooser, registry: Registry, qtbot: QtBot) -> None:
    with qtbot.waitSignal(chooser.changed):
        chooser._items["conflict"].setCheckState(0, Qt.CheckState.Unchecked)
    assert set(registry.analyzers) > set(chooser.choice().analyzers or ())
    assert "conflict" not in (chooser.choice().analyzers or ())
    with qtbot.waitSignal(chooser.changed):
        chooser.switch("conflict", True)
    assert chooser.choice().analyzers is None


def test_what_runs_for_another_says_so(chooser: PluginChooser, registry: Registry) -> None:
    for plugin in registry.analyzers:
        chooser.switch(plugin, plugin == "text")
    item = chooser._items["speech.transcript"]
    assert item.checkState(0) == Qt.CheckState.Unchecked
    assert "runs too" in item.text(1)
    reader = registry.analyzers["text"].title
    assert f"Runs too: {reader} reads what it writes" in item.toolTip(0)
    chooser.switch("text", False)
    assert chooser.problem == "No plugin is on; an analysis needs at least one."


def test_a_form_is_made_when_it_is_seen_and_values_wait_until_then(chooser: PluginChooser) -> None:
    chooser.take(Choice(settings={"emotion": {"hop": 2.0}, "conflict": {"hop": 6}}))
    assert chooser.choice().settings == {"emotion": {"hop": 2.0}, "conflict": {"hop": 6.0}}
    assert "changed" in chooser._items["emotion"].text(1)
    assert len(chooser._details) == 1
    chooser.select("emotion")
    assert chooser.form("emotion").values() == {"hop": 2.0}
    chooser.form("emotion").reset()
    assert chooser.choice().settings == {"conflict": {"hop": 6.0}}


def test_what_cannot_be_taken_changes_nothing(chooser: PluginChooser) -> None:
    before = chooser.choice()
    for wrong in (
        Choice(analyzers=("nonsense",)),
        Choice(fusion="nonsense"),
        Choice(settings={"conflict": {"hop": -1}}),
    ):
        with pytest.raises(MienError):
            chooser.take(wrong)
        assert chooser.choice() == before


def test_device_and_stream_of_the_choice_are_kept(chooser: PluginChooser) -> None:
    given = Choice(device="cpu", precision="float32", threads=2, audio_stream="deu")
    chooser.take(given)
    chooser.switch("face.affect", False)
    made = chooser.choice()
    assert replace(made, analyzers=None, fusion="late") == given


def test_a_recipe_is_saved_and_loaded(chooser: PluginChooser, registry: Registry, qtbot: QtBot, tmp_path: Path) -> None:
    chooser.take(Choice(analyzers=("speech.voice", "emotion"), fusion="majority", settings={"emotion": {"hop": 2.0}}))
    chooser.save_to(tmp_path / "mine.json")
    stored = load_recipe(tmp_path / "mine.json", registry)
    assert set(stored.analyzers or ()) == {"speech.voice", "emotion"}
    chooser.take(Choice())
    with qtbot.waitSignal(chooser.changed):
        chooser.load_from(tmp_path / "mine.json")
    assert chooser.choice().settings == {"emotion": {"hop": 2.0}}
    assert chooser.choice().fusion == "fusion.majority"
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    before = chooser.choice()
    with qtbot.assertNotEmitted(chooser.changed):
        chooser.load_from(tmp_path / "broken.json")
    assert chooser.choice() == before
    assert "broken.json" in chooser._message.text()
    chooser.save_to(tmp_path / "nowhere" / "mine.json")
    assert "mine.json" in chooser._message.text()


def test_a_disabled_plugin_is_not_offered(chooser: PluginChooser, registry: Registry) -> None:
    chooser.set_registry(registry, {"conflict"})
    assert "conflict" not in chooser._items
    assert "conflict" not in (chooser.choice().analyzers or ())
    chooser.set_registry(registry)
    assert chooser.choice().analyzers is None
