"""pocketsphinx (weights in its wheel, English) in a process of its own.

It needs a core for itself and holds Python's lock while it works, so it runs beside the engine: utterances
are queued to it as they come and its answers are collected as they are ready.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from mien.errors import PluginError
from mien.sdk import Utterance

from mien_plugins.speech.backends.base import Heard, Word, tidy

SETTINGS: dict[str, Any] = {"maxhmmpf": 3000, "maxwpf": 20, "fwdflatlw": 7.5, "bestpathlw": 8.0}
"""Over pocketsphinx's own: bounds on the search per frame, and a lower language weight in the later passes. On
202 s of read speech the word error rate is 0.268 instead of 0.275, for two thirds of the time (side by side on one
core: 0.28 s per second of sound instead of 0.44)."""

BACKLOG = 300.0
"""Seconds of sound that may wait for the helper; beyond it `submit` waits, so that memory stays flat."""

_POLL = 0.1  # s, between two looks at the user's wish to stop


class SphinxTranscriber:
    """Recognises utterances in a helper process.

    Args:
        check: called again and again while waiting; raises to stop (cancellation).
        settings: of the decoder, over `SETTINGS`.

    Raises:
        mien.errors.PluginError: the helper cannot be started; later, from any method, that it has died.
    """

    name = "pocketsphinx"

    def __init__(self, check: Callable[[], None], settings: dict[str, Any] | None = None) -> None:
        self._check = check
        self._helper = _Helper(SETTINGS | (settings or {}))
        self._pending: deque[tuple[float, float]] = deque()  # start, end of what is not answered yet
        self._waiting = 0.0  # s of sound in it
        self._done: list[Heard] = []
        self._count = 0

    @property
    def pid(self) -> int:
        """Process id of the helper."""
        return self._helper.process.pid

    def submit(self, utterance: Utterance) -> None:
        """Queue an utterance (16 kHz mono)."""
        while self._pending and self._waiting > BACKLOG:
            self._collect(wait=True)
        # Not a wish: NaN has no integer, and clipped peaks must not wrap round.
        samples = np.clip(np.nan_to_num(utterance.samples), -1.0, 1.0)
        sound = (samples * 32767.0).astype("<i2").tobytes()
        self._helper.send({"id": self._count, "bytes": len(sound)}, sound)
        self._count += 1
        self._pending.append((utterance.start, utterance.end))
        self._waiting += utterance.end - utterance.start

    def ready(self) -> list[Heard]:
        """What the helper has answered by now; does not wait."""
        self._collect(wait=False)
        done, self._done = self._done, []
        return done

    def drain(self) -> Iterator[Heard]:
        """The rest, one by one as the helper answers."""
        while True:
            yield from self.ready()
            if not self._pending:
                return
            self._collect(wait=True)

    def close(self) -> None:
        """End the helper at once, whatever it is doing."""
        self._helper.close()

    def _collect(self, wait: bool) -> None:
        """Take answers that are there; with `wait` until at least one came."""
        while self._pending:
            answer = self._helper.receive(_POLL if wait else 0.0)
            if answer is None:
                if not wait:
                    return
                self._check()
                continue
            if "words" not in answer:
                continue  # the greeting
            start, end = self._pending.popleft()
            self._waiting -= end - start
            words = [Word(start + a, start + b, text, score) for text, a, b, score in answer["words"]]
            self._done.append(Heard(start, end, tidy(words, start, end)))
            wait = False


class _Helper:
    """The process, with a thread for each direction so that neither side ever waits for a full pipe."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._inbox: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        try:
            self.process = subprocess.Popen(
                _command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
            )
        except OSError as error:
            self._errors.close()
            raise PluginError(f"pocketsphinx could not be started ({error}); choose another backend.") from error
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._write, self._read)]
        for thread in self._threads:
            thread.start()
        self._outbox.put(json.dumps(settings).encode() + b"\n")

    def send(self, head: dict[str, Any], sound: bytes) -> None:
        """Queue one utterance."""
        self._outbox.put(json.dumps(head).encode() + b"\n" + sound)

    def receive(self, timeout: float) -> dict[str, Any] | None:
        """The next answer, or None if there is none within `timeout` seconds.

        Raises:
            mien.errors.PluginError: the helper reported a fault or has died.
        """
        try:
            answer = self._inbox.get(block=timeout > 0, timeout=timeout or None)
        except queue.Empty:
            return None
        if answer is None or "fault" in answer:
            self._inbox.put(None)  # so that every later call says so too
            raise PluginError(self._why(answer))
        return answer

    def close(self) -> None:
        self._outbox.put(None)
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # what is left in it has no reader any more
                    pipe.close()
        self._errors.close()

    def _write(self) -> None:
        assert self.process.stdin is not None
        try:
            while (message := self._outbox.get()) is not None:
                self.process.stdin.write(message)
                self.process.stdin.flush()
        except OSError:
            return  # the helper has gone; the reader tells

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                self._inbox.put(json.loads(line))
        except ValueError as error:  # no JSON: never leave those who wait without an answer
            self._inbox.put({"fault": f"it answered nonsense, {error}"})
        self._inbox.put(None)

    def _why(self, fault: dict[str, Any] | None) -> str:
        advice = "the transcript ends there; analyse again, or choose another backend."
        if fault is not None:
            return f"pocketsphinx failed ({fault['fault']}); {advice}"
        code = self.process.wait()
        self._errors.seek(0)
        said = self._errors.read().decode(errors="replace").strip().splitlines()
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        return f"The pocketsphinx process ended by itself ({', '.join([reason, *said[-1:]])}); {advice}"


def _command() -> list[str]:
    if getattr(sys, "frozen", False):  # a bundled application runs modules for us: see packaging
        return [sys.executable, "-m", "mien_plugins.speech.backends.sphinx_worker"]
    # -P: the helper's own folder must not shadow the standard library.
    return [sys.executable, "-P", str(Path(__file__).with_name("sphinx_worker.py"))]
