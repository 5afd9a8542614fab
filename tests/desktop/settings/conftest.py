"""The settings over the real plugins and the real models that come with Mien."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from safetensors.numpy import save_file

from mien.engine.registry import Registry
from mien_desktop.look.palette import DARK
from mien_desktop.look.style import dress
from mien_desktop.settings.dialog import SettingsDialog

WAIT = 20_000  # ms; the machine may be crowded


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture
def settings(registry: Registry, qtbot: QtBot, qapp: QApplication) -> Iterator[Callable[..., SettingsDialog]]:
    """Makes the dialog; it is shut down and closed at the end."""
    made: list[SettingsDialog] = []
    dress(qapp, DARK)

    def make(plugins: Registry | None = None, **more: object) -> SettingsDialog:
        dialog = SettingsDialog(plugins or registry, DARK, **more)  # type: ignore[arg-type]
        # Looking for devices loads torch in a process; only the test that is about it asks for that.
        dialog.set_devices([("cuda:0", "NVIDIA Imagined 1"), ("cpu", "CPU, 2 cores")])
        made.append(dialog)
        return dialog

    yield make
    for dialog in made:
        dialog.shutdown()
        dialog.close()
        dialog.deleteLater()


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """A folder with a model of sixteen numbers."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    save_file({"weight": np.ones((4, 4), np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"hidden": 4}))
    (folder / "CARD.md").write_text("# Tiny\n\n|   |   |\n|---|---|\n| Size | 16 |\n")
    return folder
