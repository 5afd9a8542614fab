"""The real plugins, and widgets in the real style."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication

from mien.engine.registry import Registry
from mien_desktop.look.palette import DARK
from mien_desktop.look.style import dress


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture(autouse=True)
def dressed(qapp: QApplication) -> None:
    dress(qapp, DARK)
