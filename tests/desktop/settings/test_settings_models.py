"""Models: what is listed, imported, verified and removed; the offline switch."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mien import config
from mien.models import catalogue, install, store
from mien_desktop.settings.dialog import SettingsDialog
from mien_desktop.settings.models import ModelsPage

Make = Callable[..., SettingsDialog]
WAIT = 20_000


ROOM = Path(__file__).resolve().parents[2] / "core" / "models"


@pytest.fixture
def page(settings: Make, qtbot: QtBot) -> ModelsPage:
    dialog = settings()
    dialog.open_page("models")
    qtbot.waitUntil(lambda: bool(dialog.models.ids("Installed")), timeout=WAIT)
    return dialog.models


def _waits(qtbot: QtBot, page: ModelsPage, then: Callable[[], bool]) -> None:
    qtbot.waitUntil(lambda: not page.transfer.runs and then(), timeout=WAIT)


def test_what_is_here_and_what_could_be_is_listed(page: ModelsPage) -> None:
    assert set(page.ids("Installed")) == {m.id for m in store.available()}
    assert "whisper-tiny" in page.ids("Can be downloaded")
    here = set(page.ids("Installed"))
    assert set(page.ids("Can be imported")) == {e.id for e in catalogue.ENTRIES if e.obstacle} - here
    page.select("conflictnet")
    assert page.current is not None
    assert page.current.licence
    page.detail.read_card()
    assert page.detail.text.toPlainText()
    assert page.detail.currentIndex() == 1


def test_a_model_of_ones_own_is_imported_verified_and_removed(page: ModelsPage, tiny_model: Path, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.changed, timeout=WAIT):
        page.import_from(tiny_model, model="tiny-of-mine")
        assert page.said == "Importing tiny-of-mine…"  # it is on no list yet
    qtbot.waitUntil(lambda: "tiny-of-mine" in page.ids("Installed"), timeout=WAIT)
    assert store.is_installed("tiny-of-mine")
    qtbot.waitUntil(lambda: page.current is not None and page.current.id == "tiny-of-mine", timeout=WAIT)
    qtbot.waitUntil(lambda: "is installed" in page.detail.said, timeout=WAIT)
    page.verify()
    qtbot.waitUntil(lambda: page.detail.said == "All files are as they were recorded.", timeout=WAIT)
    weights = store.user_models() / "tiny-of-mine" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
    page.verify()
    _waits(qtbot, page, lambda: "is damaged" in page.detail.said)
    page.detail.drop.click()
    assert page.detail.question.startswith("Delete ")
    assert store.is_installed("tiny-of-mine")
    page.detail.yes.click()
    qtbot.waitUntil(lambda: "tiny-of-mine" not in page.ids("Installed"), timeout=WAIT)
    assert not store.is_installed("tiny-of-mine")


def test_what_cannot_be_imported_is_told(page: ModelsPage, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "model.pt").write_bytes(b"\x80\x04]\x94.")
    page.select("whisper-tiny")
    page.import_from(tmp_path / "model.pt", agreed=True)
    _waits(qtbot, page, lambda: "pickle" in page.detail.said)
    assert not store.is_installed("whisper-tiny")


def test_a_download_can_be_stopped(page: ModelsPage, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    """The engine's download is tested with a server of its own; here it is one that goes on until it is stopped."""

    def endless(model: str, *, progress: Callable[[int, int], None], accept_licence: bool, trusted: object) -> None:
        done = 0
        while True:
            done += 1
            progress(done, 1_000_000_000)

    monkeypatch.setattr(install, "pull", endless)
    page.select("whisper-tiny")
    with qtbot.waitSignal(page.transfer.moved, timeout=WAIT):
        page.pull(agreed=True)
    assert page.transfer.runs
    assert page.detail.stop.isVisible()
    page.other.setText("tiny-of-mine")
    page.add.click()
    assert page.said == "One at a time: downloading whisper-tiny is not through yet."
    page.detail.stop.click()
    _waits(qtbot, page, lambda: page.detail.said == "Stopped; what has come is kept.")


def test_what_only_the_hub_states_is_shown_and_asked_about(
    settings: Make, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.syspath_prepend(str(ROOM))
    from hub import Hub, serve

    monkeypatch.delenv("MIEN_OFFLINE")
    content = {path.name: path.read_bytes() for path in tiny_model.iterdir()} | {"config.json": b"{}"}
    dialog = settings()
    dialog.open_page("models", model="roberta-offensive")
    page = dialog.models
    qtbot.waitUntil(lambda: page.current is not None and page.current.id == "roberta-offensive", timeout=WAIT)
    with serve(Hub(content)) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        page.detail.get.click()
        assert "names no licence" in page.detail.question
        page.detail.yes.click()
        _waits(qtbot, page, lambda: "Shall it be held to that" in page.detail.question)
        asked = page.detail.question.replace("\u200b", "")
        assert hub.sha in asked
        assert f"SHA-256 {hashlib.sha256(content['model.safetensors']).hexdigest()}" in asked
        assert "no pin of its own" in asked
        page.detail.no.click()
        assert not page.detail.question
        assert not [path for path, _ in hub.asked if "/resolve/" in path]
        page.detail.get.click()
        page.detail.yes.click()
        _waits(qtbot, page, lambda: "Shall it be held to that" in page.detail.question)
        page.detail.yes.click()
        qtbot.waitUntil(lambda: "roberta-offensive" in page.ids("Installed"), timeout=WAIT)
        qtbot.waitUntil(lambda: "is installed" in page.detail.said, timeout=WAIT)
        assert page.current is not None
        assert page.current.source.endswith(f"@{hub.sha}")
    sys.modules.pop("hub", None)


def test_an_import_that_is_on_no_list_yet_can_be_stopped(
    page: ModelsPage, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    """What the engine does with a stop is tested there; here it is an import that goes on until it is stopped."""

    def endless(model: str, source: Path, *, progress: Callable[[int, int], None], accept_licence: bool) -> None:
        while True:
            progress(1_000_000, 2_000_000)

    monkeypatch.setattr(install, "import_folder", endless)
    assert not page.stop.isVisible()
    with qtbot.waitSignal(page.transfer.moved, timeout=WAIT):
        page.import_from(tiny_model, model="tiny-of-mine")
    assert page.said == "Importing tiny-of-mine… 1.0 MB of 2.0 MB"
    assert page.stop.isVisible()
    assert page.stop.focusPolicy() & Qt.FocusPolicy.TabFocus
    page.select("whisper-tiny")  # whatever is shown meanwhile
    assert page.stop.isVisible()
    page.stop.click()
    _waits(qtbot, page, lambda: page.said == "Stopped.")
    assert not page.stop.isVisible()
    assert page.add.isVisible()


def test_the_offline_switch_is_kept_and_stops_downloads(
    settings: Make, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.delenv("MIEN_OFFLINE")
    dialog = settings()
    dialog.open_page("models", model="whisper-tiny")
    page = dialog.models
    qtbot.waitUntil(lambda: page.current is not None and page.current.id == "whisper-tiny", timeout=WAIT)
    assert page.detail.get.isEnabled()
    with qtbot.waitSignal(dialog.applied, timeout=WAIT):
        page.offline.click()
    assert config.load().offline
    assert not page.detail.get.isEnabled()
    page.pull(agreed=True)
    _waits(qtbot, page, lambda: "offline" in page.detail.said)
    again = settings()
    assert again.models.offline.isChecked()


def test_an_environment_that_decides_is_named(page: ModelsPage) -> None:
    assert page.offline.isChecked()
    assert not page.offline.isEnabled()
    assert "MIEN_OFFLINE" in page.offline.toolTip()


def test_closing_stops_what_runs(settings: Make, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    def endless(model: str, *, progress: Callable[[int, int], None], accept_licence: bool, trusted: object) -> None:
        while True:
            progress(1, 2)

    monkeypatch.setattr(install, "pull", endless)
    dialog = settings()
    dialog.open_page("models", model="whisper-tiny")
    qtbot.waitUntil(lambda: dialog.models.current is not None, timeout=WAIT)
    with qtbot.waitSignal(dialog.models.transfer.moved, timeout=WAIT):
        dialog.models.pull(agreed=True)
    dialog.shutdown()
    assert not dialog.models.transfer.runs
