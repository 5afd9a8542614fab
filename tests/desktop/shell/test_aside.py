"""Threads that are begun without waiting for them."""

from __future__ import annotations

import threading
import time

import pytest

from mien_desktop.work.aside import Aside


def test_start_returns_while_the_starter_is_busy_and_the_thread_counts_as_alive() -> None:
    hold, ran = threading.Event(), threading.Event()

    class Held(Aside):
        def begin(self) -> None:
            hold.wait(30)
            super().begin()

    thread = Held(target=ran.set, daemon=True)
    assert not thread.is_alive()
    thread.start()
    assert thread.is_alive()
    thread.join(0.01)
    assert thread.is_alive()
    assert not ran.is_set()
    hold.set()
    thread.join(30)
    assert ran.is_set()
    assert not thread.is_alive()


def test_join_waits_for_the_end() -> None:
    told: list[int] = []

    def work() -> None:
        time.sleep(0.05)
        told.append(1)

    threads = [Aside(target=work, daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [1] * 5


def test_a_system_that_gives_no_more_threads_hangs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    Aside(target=lambda: None, daemon=True).start()  # the starter is there

    def none(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    thread = Aside(target=lambda: None, daemon=True)
    monkeypatch.setattr(threading.Thread, "start", none)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()


def test_what_was_never_started_is_not_waited_for() -> None:
    with pytest.raises(RuntimeError, match="never started"):
        Aside(target=lambda: None).join()
