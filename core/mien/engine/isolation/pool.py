"""Children that wait for the next medium: starting one anew costs some tenths of a second."""

from __future__ import annotations

import atexit
import os
import threading

from mien import config
from mien.engine.isolation.limits import Launch, Limits
from mien.engine.isolation.process import Child
from mien.engine.isolation.watch import machine_memory

_lock = threading.Lock()
_idle: dict[tuple[Launch, Limits, str], Child] = {}
_GROWN = 2 << 30
"""Bytes above which a child is not kept: it may leak, and it holds them for nothing."""


def limits() -> Limits:
    """The limits that the settings give."""
    settings = config.load()
    memory = settings.plugin_memory << 20 if settings.plugin_memory else machine_memory() // 2
    return Limits(float(settings.plugin_seconds), memory, settings.plugin_processes)


def take(launch: Launch, given: Limits) -> Child:
    """A child for this plugin: one that waits, or a new one.

    Raises:
        PluginError: it cannot be started.
    """
    with _lock:
        child = _idle.pop(_key(launch, given), None)
    if child is not None and child.alive:
        return child
    if child is not None:
        child.end()
    return Child(launch, given)


def give_back(child: Child, given: Limits) -> None:
    """Keep a child for the next medium, unless something was wrong with it."""
    if not child.clean or not child.alive or child.memory > _GROWN:
        child.end()
        return
    child.relax()
    with _lock:
        other = _idle.pop(_key(child.launch, given), None)
        _idle[_key(child.launch, given)] = child
    if other is not None:
        other.end()


def warm(launch: Launch, given: Limits) -> None:
    """Start a child ahead, so that it loads while others do."""
    with _lock:
        if _key(launch, given) in _idle:
            return
    give_back(Child(launch, given), given)


@atexit.register
def end_all() -> None:
    """End the children that wait."""
    with _lock:
        waiting = list(_idle.values())
        _idle.clear()
    for child in waiting:
        child.end()


def _key(launch: Launch, given: Limits) -> tuple[Launch, Limits, str]:
    # The threads that a library starts are read from the environment once, when it loads.
    return launch, given, os.environ.get("OMP_NUM_THREADS", "")
