"""Where sound goes: the default device through Qt, if there is one."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PySide6.QtCore import QIODevice, QLibraryInfo, QLoggingCategory

from mien_desktop.player.ring import CHANNELS, Ring

log = logging.getLogger(__name__)

# Sound that the device holds, s: short, so that a seek is heard at once.
_DEVICE_BUFFER = 0.08
_RATE = 48_000

NO_LIBRARY = "There is no sound, as the system's sound library (libpulse) is missing; pictures play without it."
NO_DEVICE = "There is no sound, as no loudspeaker or headphones are connected; pictures play without it."
STOPPED = "The sound device has stopped answering; pictures go on without sound."


class Output(Protocol):
    """A device that reads a ring in real time."""

    rate: int
    """Hz."""

    def start(self, ring: Ring) -> None:
        """Begin to read."""

    def stop(self) -> None:
        """Stop at once; what the device holds is dropped."""

    def heard(self) -> float | None:
        """Seconds of sound heard since `start`; None when the device has failed."""

    def close(self) -> None:
        """Let go of the device."""


class QtOutput:
    """QAudioSink on the default device.

    Args:
        multimedia: the module PySide6.QtMultimedia.
        device: its QAudioDevice.
    """

    def __init__(self, multimedia: Any, device: Any) -> None:
        self._multimedia = multimedia
        form = multimedia.QAudioFormat()
        form.setChannelCount(CHANNELS)
        form.setSampleFormat(multimedia.QAudioFormat.SampleFormat.Float)
        form.setSampleRate(_RATE)
        if not device.isFormatSupported(form):
            form.setSampleFormat(multimedia.QAudioFormat.SampleFormat.Int16)
        if not device.isFormatSupported(form):
            form.setSampleRate(device.preferredFormat().sampleRate() or _RATE)
        self.rate = form.sampleRate()
        self._float = form.sampleFormat() == multimedia.QAudioFormat.SampleFormat.Float
        self._frame_bytes = form.bytesPerFrame()
        self._sink = multimedia.QAudioSink(device, form)
        self._sink.setBufferSize(int(_DEVICE_BUFFER * self.rate) * self._frame_bytes)
        self._feed: RingDevice | None = None
        self._most = 0.0

    def start(self, ring: Ring) -> None:
        self.stop()
        self._most = 0.0
        self._feed = RingDevice(ring, floats=self._float)
        self._feed.open(QIODevice.OpenModeFlag.ReadOnly)
        self._sink.start(self._feed)

    def stop(self) -> None:
        if self._feed is not None:
            self._sink.reset()
            self._sink.stop()
            self._feed.close()
            self._feed.deleteLater()
            self._feed = None

    def heard(self) -> float | None:
        if self._feed is None:
            return self._most
        errors = self._multimedia.QtAudio.Error if hasattr(self._multimedia, "QtAudio") else None
        if errors is not None and self._sink.error() in (errors.OpenError, errors.IOError, errors.FatalError):
            return None
        # What was handed over is counted; what waits in the device's buffer has not been heard yet.
        waits = max(0, self._sink.bufferSize() - self._sink.bytesFree()) / (self._frame_bytes * self.rate)
        self._most = max(self._most, self._sink.processedUSecs() / 1e6 - min(waits, 2 * _DEVICE_BUFFER))
        return self._most

    def close(self) -> None:
        self.stop()
        self._sink.deleteLater()


class RingDevice(QIODevice):
    """The ring as Qt's sink reads it.

    Args:
        ring: what is read.
        floats: 32-bit floats, else 16-bit integers.
    """

    def __init__(self, ring: Ring, *, floats: bool) -> None:
        super().__init__()
        self._ring, self._floats = ring, floats
        self._frame_bytes = CHANNELS * (4 if floats else 2)

    def isSequential(self) -> bool:
        return True

    def bytesAvailable(self) -> int:
        return (1 << 20) + super().bytesAvailable()

    def readData(self, maxlen: int) -> bytes:
        samples = self._ring.read(min(maxlen, 1 << 20) // self._frame_bytes)
        whole = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16)
        return bytes(samples.tobytes() if self._floats else whole.tobytes())

    def writeData(self, data: bytes | bytearray | memoryview, length: int) -> int:
        return -1


class Libraries:
    """Qt's sound libraries, loaded once in a thread of their own: that takes a tenth of a second, which no window may
    wait for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = self._there = False
        self._waiting: list[Callable[[], None]] = []

    def load(self, then: Callable[[], None] = lambda: None) -> None:
        """Call `then` when they are there: at once if they are, else later in the thread."""
        # Qt tells of each library that it looks for in vain; what matters is told in one sentence.
        QLoggingCategory.setFilterRules("qt.multimedia.*=false")
        with self._lock:
            there = self._there
            if not there:
                self._waiting.append(then)
            first, self._begun = not self._begun, True
        if there:
            then()
        elif first:
            threading.Thread(target=self._load, name="mien-sound-libraries").start()

    def _load(self) -> None:
        with contextlib.suppress(Exception):  # libpulse0 is missing, or worse: `default_output` says so
            _open_libraries()
            importlib.import_module("PySide6.QtMultimedia")
        with self._lock:
            self._there = True
            waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()


LIBRARIES = Libraries()


def _open_libraries() -> None:
    """Have the system open the libraries before Python imports the module that uses them. An import holds the
    interpreter, and thereby the window, for as long as that takes; a call of the system's own function does not."""
    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "multimedia"
    if not sys.platform.startswith("linux") or not folder.is_dir():
        return
    dlopen = ctypes.CDLL(None).dlopen
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    for plugin in sorted(folder.glob("*.so")):
        dlopen(os.fsencode(plugin), os.RTLD_LAZY)


def default_output() -> tuple[Output | None, str]:
    """The device to play on, or None and why there is none."""
    try:
        multimedia = importlib.import_module("PySide6.QtMultimedia")
    except ImportError as error:
        log.info("no sound: %s", error)
        return None, NO_LIBRARY
    device = multimedia.QMediaDevices.defaultAudioOutput()
    if device.isNull():
        return None, NO_DEVICE
    return QtOutput(multimedia, device), ""
