"""A plugin that is repaired while the window is open reads at once: the workers that were started before know it, too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mien.cli.plugins_new import new_plugin
from mien.config import log_dir
from mien_desktop.settings.plugins import SourceCard
from mien_desktop.shell.window import MainWindow

from .conftest import PATIENCE, MakeWindow

BROKEN = "import a_package_that_nobody_has\n"


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A third party's plugin that cannot be loaded: its module, and what would be right in it."""
    source = new_plugin("loud-curve", "analyzer", tmp_path / "project") / "src"
    module = source / "mien_loud_curve" / "info.py"
    right = module.read_text(encoding="utf-8")
    module.write_text(BROKEN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(source))
    monkeypatch.setenv("MIEN_PLUGINS", "mien_loud_curve.info")
    yield module, right
    for name in [name for name in sys.modules if name.startswith("mien_loud")]:
        sys.modules.pop(name)


def retry(window: MainWindow, qtbot: QtBot) -> None:
    """What a user does once the plugin is mended."""
    page = window.rooms.show_settings("plugins").plugins
    page.tabs.setCurrentIndex(1)
    card: SourceCard = next(c for c in page.cards if c.source.name == "mien_loud_curve.info")
    with qtbot.waitSignal(page.registry_changed, timeout=PATIENCE):
        card.retry.click()
    window.rooms.settings.hide()  # type: ignore[union-attr]


def test_the_worker_that_was_started_before_reads_with_it(
    make_window: MakeWindow, tmp_path: Path, broken: tuple[Path, str], qtbot: QtBot
) -> None:
    window = make_window(tmp_path / "new.db")
    conductor = window.conductor
    log = log_dir() / "desktop.log"
    loaded = "INFO mien.engine.ahead: loaded ahead"
    qtbot.waitUntil(
        lambda: log.exists() and f" {conductor.analyst.pid} {loaded}" in log.read_text(encoding="utf-8"),
        timeout=PATIENCE,
    )
    module, right = broken
    module.write_text(right, encoding="utf-8")
    retry(window, qtbot)
    conductor.choose(replace(conductor.choice, analyzers=("loud-curve",), fusion=None))
    window.open_demo()
    told: list[str] = []
    conductor.trouble.connect(lambda text, _: told.append(text))
    conductor.analyse()
    qtbot.waitUntil(lambda: conductor._job is None, timeout=PATIENCE)
    assert told == []
    assert window.document.standings["loud-curve"].state == "done"
