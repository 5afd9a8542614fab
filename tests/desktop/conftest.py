"""Every test of the desktop draws offscreen, and fails if it leaves a thread, a timer or a window behind."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QThread, QTimer
from PySide6.QtWidgets import QApplication

from mien_desktop.work import aside
from mien_desktop.work.background import Background

# How long what was told to end may take to do so, s.
_GRACE = 2.0


def _threads() -> set[threading.Thread]:
    """Python's own threads but the one that starts others, which stays; Qt's show up as dummies when they call into Python,
    and are looked at as QThread."""
    return {t for t in threading.enumerate() if not isinstance(t, threading._DummyThread) and t.name != aside.NAME}


def _running(kinds: tuple[type, ...]) -> dict[int, str]:
    """Timers and Qt threads that run, by identity."""
    found = {}
    for thing in gc.get_objects():
        # By type, not isinstance: stand-ins for modules import what they stand for when asked for their class.
        if issubclass(type(thing), kinds) and shiboken6.isValid(thing):
            runs = thing.isActive() if isinstance(thing, QTimer) else thing.isRunning()
            if runs and thing is not QCoreApplication.instance().thread():
                found[id(thing)] = f"{type(thing).__name__} {thing.objectName()!r} of {thing.parent()!r}"
    return found


def _windows() -> dict[int, str]:
    application = QApplication.instance()
    if not isinstance(application, QApplication):
        return {}
    return {id(w): repr(w) for w in application.topLevelWidgets() if shiboken6.isValid(w)}


@pytest.fixture(scope="session", autouse=True)
def only_what_is_new(qapp: QApplication) -> Iterator[None]:
    """What the tests before brought into memory is not looked through again after every test: it is a million things."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def undressed(qapp: QApplication) -> Iterator[None]:
    """What the window puts on the application, sizes of text among it, is taken off for the next test."""
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()
    yield
    if (qapp.styleSheet(), qapp.palette(), qapp.font()) != (sheet, palette, font):
        qapp.setStyleSheet(sheet)
        qapp.setPalette(palette)
        qapp.setFont(font)


@pytest.fixture(autouse=True)
def nothing_left_behind(qapp: QApplication) -> Iterator[None]:
    """Fail the test that leaves something running."""
    threads, windows, timers = _threads(), _windows(), _running((QTimer, QThread))
    yield
    deadline = time.monotonic() + _GRACE
    while True:
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        qapp.processEvents()
        gc.collect()
        left = [f"thread {t.name}" for t in _threads() - threads if t.is_alive()]
        left += [f"window {told}" for key, told in _windows().items() if key not in windows]
        left += [told for key, told in _running((QTimer, QThread)).items() if key not in timers]
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert not left, "left behind: " + "; ".join(left)


@pytest.fixture
def background() -> Iterator[Background]:
    """The thread that alone touches the library."""
    made = Background()
    yield made
    made.close()
