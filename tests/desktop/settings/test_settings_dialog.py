"""The dialog as a whole: its pages, what it tells the window, what is named and reachable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QSlider, QSpinBox, QTreeWidget
from pytestqt.qtbot import QtBot

from mien import config
from mien.engine.choice import Choice
from mien_desktop.look.palette import DARK, LIGHT
from mien_desktop.settings.dialog import SettingsDialog

Make = Callable[..., SettingsDialog]
WAIT = 20_000
PAGES = ("device", "models", "plugins", "appearance", "shortcuts", "data")


def test_every_page_opens_and_is_worn_light_and_dark(settings: Make, qtbot: QtBot) -> None:
    dialog = settings(actions=[("File", "Open…", "Ctrl+O")])
    for name in PAGES:
        dialog.open_page(name)
        assert dialog.page == name
        page = next(p for p in dialog.pages if p.name == name)
        assert page.isVisible()
        assert page.said == ""
    for palette in (LIGHT, DARK):
        dialog.wear(palette)
        assert not dialog.grab().isNull()
    dialog.open_page("nonsense")
    assert dialog.page == "data"


def test_every_control_has_a_name_a_tip_and_the_keyboard(settings: Make, qtbot: QtBot) -> None:
    dialog = settings(actions=[("File", "Open…", "Ctrl+O")])
    kinds = (QAbstractButton, QComboBox, QLineEdit, QSlider, QSpinBox, QTreeWidget)
    for name in PAGES:
        dialog.open_page(name)
        page = next(p for p in dialog.pages if p.name == name)
        if name == "data":
            qtbot.waitUntil(lambda page=page: len(page.findChildren(QAbstractButton)) > 8, timeout=WAIT)
        for control in [c for kind in kinds for c in page.findChildren(kind) if c.isVisibleTo(page)]:
            if control.objectName().startswith("qt_") or type(control.parent()) in (QSpinBox, QComboBox, QLineEdit):
                continue  # a part of another control
            told = f"{name}: {type(control).__name__} {control.accessibleName()!r}"
            if type(control.parent()).__name__ in ("QKeySequenceEdit", "QTableWidget", "QTabBar", "QTabWidget"):
                continue
            assert control.accessibleName(), told
            assert control.toolTip(), told
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus or not control.isEnabled(), told


def test_it_fits_the_smallest_screen_with_large_text(settings: Make, qtbot: QtBot, qapp: QApplication) -> None:
    dialog = settings()
    dialog.resize(1280, 640)
    for name in PAGES:
        dialog.open_page(name)
        assert dialog.minimumSizeHint().width() <= 1280
        assert dialog.minimumSizeHint().height() <= 700


def test_plugins_and_parameters_are_told_as_a_choice(settings: Make, qtbot: QtBot) -> None:
    dialog = settings(choice=Choice(device="cpu", threads=1, settings={"conflict": {"hop": 5.0}}))
    chooser = dialog.plugins.chooser
    assert chooser.form("conflict").values() == {"hop": 5.0}
    with qtbot.waitSignal(dialog.choice_changed) as told:
        chooser.switch("face.affect", False)
    choice = told.args[0]
    assert isinstance(choice, Choice)
    assert "face.affect" not in choice.analyzers
    assert "emotion" in choice.analyzers
    assert (choice.device, choice.threads, choice.settings) == ("cpu", 1, {"conflict": {"hop": 5.0}})
    with qtbot.waitSignal(dialog.choice_changed) as told:
        chooser.use_fusion("majority")
    assert told.args[0].fusion == "fusion.majority"
    with qtbot.assertNotEmitted(dialog.choice_changed):
        dialog.set_choice(Choice(fusion="late"))
    assert dialog.choice.fusion == "fusion.late"
    assert dialog.choice.analyzers is None


def test_device_precision_and_threads_are_kept_and_told(settings: Make, qtbot: QtBot) -> None:
    dialog = settings()
    dialog.open_page("device")
    names = [b.text() for b in dialog.device._group.buttons()]
    assert names == [
        "Automatic: the best that works – now NVIDIA Imagined 1",
        "NVIDIA Imagined 1  (cuda:0)",
        "CPU, 2 cores  (cpu)",
    ]
    with qtbot.waitSignal(dialog.choice_changed, timeout=WAIT) as told:
        next(b for b in dialog.device._group.buttons() if b.property("device") == "cpu").click()
    assert told.args[0].device == "cpu"
    with qtbot.waitSignal(dialog.choice_changed, timeout=WAIT) as told:
        dialog.device.threads.setValue(2)
    assert (told.args[0].device, told.args[0].threads) == ("cpu", 2)
    box = dialog.device.precision
    with qtbot.waitSignal(dialog.applied, timeout=WAIT):
        box.setCurrentIndex(box.findData("float32"))
        box.activated.emit(box.currentIndex())
    stored = config.load()
    assert (stored.device, stored.threads, stored.precision) == ("cpu", 2, "float32")
    again = settings()
    assert again.device.precision.currentData() == "float32"


def test_return_in_a_field_presses_no_button(settings: Make, qtbot: QtBot) -> None:
    """Of all buttons of the dialog, Qt would press the one that comes first: here that which takes all settings back."""
    dialog = settings()
    dialog.open_page("plugins")
    chooser = dialog.plugins.chooser
    chooser.select("fusion.late")
    for name, typed in (("Text", "0.9"), ("Voice", "0.5")):
        line = next(e for e in chooser.form("fusion.late").findChildren(QLineEdit) if e.accessibleName() == name)
        line.setFocus()
        line.selectAll()
        qtbot.keyClicks(line, typed)
        qtbot.keyClick(line, Qt.Key.Key_Return)
    assert chooser.form("fusion.late").values() == {"text": 0.9, "voice": 0.5}
    assert dialog.choice.settings == {"fusion.late": {"text": 0.9, "voice": 0.5}}
    pressed: list[str] = []
    for name in PAGES:
        dialog.open_page(name)
        page = next(p for p in dialog.pages if p.name == name)
        for made in page.findChildren(QAbstractButton):
            made.clicked.connect(lambda _=False, made=made: pressed.append(made.accessibleName()))
        for line in page.findChildren(QLineEdit):
            if line.isVisibleTo(page) and line.isEnabled() and line.accessibleName() != "Id of another model to import":
                qtbot.keyClick(line, Qt.Key.Key_Return)
    assert pressed == []
    # A button that the keyboard is on is pressed by it, as ever.
    dialog.open_page("plugins")
    chooser.form("fusion.late")._reset.setFocus()
    qtbot.keyClick(chooser.form("fusion.late")._reset, Qt.Key.Key_Return)
    assert chooser.form("fusion.late").values() == {}


def test_a_device_that_has_gone_is_still_shown(settings: Make, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    config.save({"device": "cuda:3"})
    dialog = settings()
    chosen = next(b for b in dialog.device._group.buttons() if b.isChecked())
    assert chosen.text() == "cuda:3 – not found here"
    monkeypatch.setenv("MIEN_DEVICE", "cpu")
    locked = settings()
    assert not any(b.isEnabled() for b in locked.device._group.buttons())


def test_theme_and_text_size_are_told(settings: Make, qtbot: QtBot) -> None:
    dialog = settings(theme="dark", text_scale=1.25)
    page = dialog.appearance
    assert page.themes["dark"].isChecked()
    with qtbot.waitSignal(dialog.theme_chosen) as told:
        page.themes["light"].click()
    assert told.args == ["light"]
    assert not page.themes["dark"].isChecked()
    with qtbot.waitSignal(dialog.text_scale_chosen) as told:
        page.usual.click()
    assert told.args == [1.0]
    with qtbot.assertNotEmitted(dialog.theme_chosen):
        dialog.show_appearance("system", 1.5)
    assert page.themes["system"].isChecked()


def test_broken_settings_are_told_and_keep_nothing_shut(settings: Make, mien_home: Path) -> None:
    mien_home.mkdir(parents=True, exist_ok=True)
    config.settings_path().write_text("device = [", encoding="utf-8")
    dialog = settings()
    dialog.open_page("device")
    assert "settings.toml" in dialog.device.said


def test_a_change_that_cannot_be_kept_is_told_where_it_was_made(settings: Make, mien_home: Path, qtbot: QtBot) -> None:
    dialog = settings()
    dialog.open_page("device")
    config.settings_path().parent.mkdir(parents=True, exist_ok=True)
    config.settings_path().write_text("device = [", encoding="utf-8")  # meanwhile, by somebody's editor
    page = dialog.device
    with qtbot.waitSignal(dialog.preferences.failed, timeout=WAIT):
        page.precision.setCurrentIndex(page.precision.findData("bfloat16"))
        page.precision.activated.emit(page.precision.currentIndex())
    qtbot.waitUntil(lambda: page.precision.currentData() == "auto", timeout=WAIT)  # what is in force
    assert "settings.toml" in page.said


def test_a_page_is_made_when_it_is_first_seen_and_knows_what_happened_before(
    settings: Make, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = settings(choice=Choice(device="auto", fusion="fusion.late"))
    made: list[str] = []
    dialog.page_made.connect(lambda page: made.append(page.name))
    dialog.open_page()
    assert (dialog.page, made) == ("device", ["device"])
    dialog.wear(LIGHT)
    dialog.show_appearance("light", 1.5)
    dialog.set_choice(Choice(device="auto", fusion="fusion.majority"))
    with qtbot.waitSignal(dialog.choice_changed, timeout=WAIT) as told:
        dialog.device.threads.setValue(2)
    assert (told.args[0].fusion, told.args[0].threads) == ("fusion.majority", 2)
    assert dialog.choice == told.args[0]
    assert made == ["device"]
    dialog.open_page("appearance")
    assert dialog.appearance.themes["light"].isChecked()
    assert dialog.appearance.slider.value() == 150
    dialog.open_page("plugins")
    assert (dialog.choice.fusion, dialog.choice.threads) == ("fusion.majority", 2)
    assert made == ["device", "appearance", "plugins"]
    assert all(page.palette_now is LIGHT for page in dialog.pages)
