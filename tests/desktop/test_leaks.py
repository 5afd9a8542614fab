"""What a test leaves running fails it: the watch itself is watched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QThread, QTimer
from PySide6.QtWidgets import QApplication, QWidget


class _Left:
    """Something that is left behind until it is put away."""

    def thread(self) -> Callable[[], None]:
        gate = threading.Event()
        made = threading.Thread(target=gate.wait, name="left")
        made.start()
        return lambda: (gate.set(), made.join())[1]

    def timer(self) -> Callable[[], None]:
        made = QTimer()
        made.start(1000)
        return made.stop

    def qt_thread(self) -> Callable[[], None]:
        made = QThread()
        made.start()
        return lambda: (made.quit(), made.wait(), None)[2]

    def window(self) -> Callable[[], None]:
        made = QWidget()
        made.show()
        return lambda: (made.close(), made.deleteLater(), None)[2]


@pytest.mark.parametrize("what", ["thread", "timer", "qt_thread", "window"])
def test_what_is_left_running_fails_the_test(
    request: pytest.FixtureRequest, qapp: QApplication, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    (definition,) = request._fixturemanager.getfixturedefs("nothing_left_behind", request.node) or ()
    watch: Any = definition.func
    monkeypatch.setitem(watch.__globals__, "_GRACE", 0.05)
    clean = watch(qapp)
    next(clean)
    with pytest.raises(StopIteration):
        next(clean)
    watching = watch(qapp)
    next(watching)
    put_away = getattr(_Left(), what)()
    try:
        with pytest.raises(AssertionError, match="left behind: "):
            next(watching)
    finally:
        put_away()
