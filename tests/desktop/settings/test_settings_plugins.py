"""Plugins: those that could not be loaded, and those that are switched off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from mien.engine.registry import Registry
from mien_desktop.settings import kept
from mien_desktop.settings.dialog import SettingsDialog
from mien_desktop.settings.plugins import SourceCard

Make = Callable[..., SettingsDialog]
WAIT = 20_000
_GOOD = """
from mien.sdk.descriptors import ExporterInfo
from mien.sdk.hooks import hookimpl

@hookimpl
def mien_register(registry):
    registry.exporter(ExporterInfo("odd", "Odd format", "1.0", "nowhere:Odd"))
"""


def _card(dialog: SettingsDialog, name: str) -> SourceCard:
    return next(c for c in dialog.plugins.cards if c.source.name == name)


def _words(card: SourceCard) -> str:
    return " ".join(label.text() for label in card.findChildren(QLabel))


def test_a_broken_plugin_is_shown_with_its_error_and_tried_again(
    settings: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    module = tmp_path / "odd_mien_plugin.py"
    module.write_text("import a_package_that_nobody_has\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("MIEN_PLUGINS", "odd_mien_plugin")
    dialog = settings(Registry.load())
    dialog.open_page("plugins")
    page = dialog.plugins
    assert page.tabs.tabText(1) == "Installed (1 broken)"
    assert page.cards[0].source.name == "odd_mien_plugin"
    card = _card(dialog, "odd_mien_plugin")
    assert "Could not be loaded: No module named 'a_package_that_nobody_has'" in _words(card)
    page.tabs.setCurrentIndex(1)
    card.more.click()
    assert card.details.isVisible()
    assert "Traceback" in card.details.toPlainText()
    module.write_text(_GOOD + "\n" * 40, encoding="utf-8")  # another length: the byte code is not taken for it
    with qtbot.waitSignal(dialog.registry_changed, timeout=WAIT) as told:
        card.retry.click()
    assert told.args[0].exporters["odd"].title == "Odd format"
    assert not told.args[0].broken
    assert page.tabs.tabText(1) == "Installed"
    assert "1 export format" in _words(_card(dialog, "odd_mien_plugin"))


def test_installed_plugins_name_package_and_versions(settings: Make, registry: Registry) -> None:
    dialog = settings()
    assert {c.source.name for c in dialog.plugins.cards} == {s.name for s in registry.sources}
    words = _words(_card(dialog, "conflict"))
    assert "mien " in words
    assert f"Intensity of conflict {registry.analyzers['conflict'].version}" in words


def test_a_plugin_is_switched_off_and_stays_so(settings: Make, qtbot: QtBot) -> None:
    dialog = settings()
    switch = _card(dialog, "conflict").switch
    assert switch is not None
    with qtbot.waitSignals([dialog.disabled_changed, dialog.choice_changed]):
        switch.click()
    assert dialog.plugins.disabled == {"conflict"}
    assert "conflict" not in (dialog.choice.analyzers or ())
    dialog.shutdown()
    assert kept.load().disabled == ("conflict",)
    again = settings()
    switch = _card(again, "conflict").switch
    assert switch is not None
    assert not switch.isChecked()
    with qtbot.waitSignal(again.choice_changed) as told:
        switch.click()
    assert told.args[0].analyzers is None


def test_nothing_on_is_said_and_not_told_as_a_choice(settings: Make, registry: Registry, qtbot: QtBot) -> None:
    dialog = settings()
    chooser = dialog.plugins.chooser
    first, *others = registry.analyzers
    for plugin in others:
        chooser.switch(plugin, False)
    chooser.switch(first, True)
    with qtbot.assertNotEmitted(dialog.choice_changed):
        chooser.switch(first, False)
    assert "at least one" in chooser.problem


def test_a_model_that_lacks_leads_to_its_page(settings: Make, qtbot: QtBot) -> None:
    dialog = settings()
    dialog.open_page("plugins")
    dialog.plugins.chooser.model_asked.emit("whisper-tiny")
    assert dialog.page == "models"
    qtbot.waitUntil(
        lambda: dialog.models.current is not None and dialog.models.current.id == "whisper-tiny", timeout=WAIT
    )
