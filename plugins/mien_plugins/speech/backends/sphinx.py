"""pocketsphinx (weights in its wheel, English) in processes of its own.

It needs a core for itself and holds Python's lock while it works, so it runs beside the engine: utterances
wait in one queue for the helper that is free next, and the answers are given out in the order of the utterances.
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
from dataclasses import replace
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
    """Recognises utterances in helper processes.

    Args:
        check: called again and again while waiting; raises to stop (cancellation).
        settings: of the decoder, over `SETTINGS`.
        helpers: how many processes. An utterance is decoded by itself, so the answers do not depend on it.

    Raises:
        mien.errors.PluginError: a helper cannot be started; later, from any method, that it has died.
    """

    name = "pocketsphinx"

    def __init__(self, check: Callable[[], None], settings: dict[str, Any] | None = None, helpers: int = 1) -> None:
        self._check = check
        self._inbox: queue.SimpleQueue[tuple[_Helper, dict[str, Any] | None]] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._helpers: list[_Helper] = []
        try:
            for _ in range(helpers):
                self._helpers.append(_Helper(SETTINGS | (settings or {}), self._outbox, self._inbox))
        except BaseException:
            self.close()
            raise
        self._pending: deque[Utterance] = deque()  # not given out yet, in order; without their sound
        self._first = 0  # number of the first of them
        self._answers: dict[int, Heard] = {}
        self._waiting = 0.0  # s of sound that no helper has answered

    @property
    def pids(self) -> tuple[int, ...]:
        """Process ids of the helpers."""
        return tuple(helper.process.pid for helper in self._helpers)

    def submit(self, utterance: Utterance) -> None:
        """Queue an utterance (16 kHz mono)."""
        while self._pending and self._waiting > BACKLOG:
            self._collect(wait=True)
        # Not a wish: NaN has no integer, and clipped peaks must not wrap round.
        samples = np.clip(np.nan_to_num(utterance.samples), -1.0, 1.0)
        sound = (samples * 32767.0).astype("<i2").tobytes()
        length = utterance.end - utterance.start
        head = {"id": self._first + len(self._pending), "bytes": len(sound)}
        self._outbox.put(json.dumps(head).encode() + b"\n" + sound)
        self._pending.append(replace(utterance, samples=utterance.samples[:0]))
        self._waiting += length

    def ready(self) -> list[Heard]:
        """What has been answered by now and follows what was given out before; does not wait."""
        self._collect(wait=False)
        done = []
        while self._first in self._answers:
            done.append(self._answers.pop(self._first))
            self._pending.popleft()
            self._first += 1
        return done

    def drain(self) -> Iterator[Heard]:
        """The rest, one by one as the helpers answer."""
        while True:
            yield from self.ready()
            if not self._pending:
                return
            self._collect(wait=True)

    def close(self) -> None:
        """End the helpers at once, whatever they are doing."""
        # All are told before any is waited for: one may take the word that was meant for another.
        for helper in self._helpers:
            helper.stop()
        for helper in self._helpers:
            helper.close()

    def _collect(self, wait: bool) -> None:
        """Take answers that are there; with `wait` until at least one came."""
        while len(self._answers) < len(self._pending):
            try:
                helper, answer = self._inbox.get(block=wait, timeout=_POLL if wait else None)
            except queue.Empty:
                if not wait:
                    return
                self._check()
                continue
            if answer is None or "fault" in answer:
                self._inbox.put((helper, None))  # so that every later call says so too
                raise PluginError(helper.why(answer))
            if "words" not in answer:
                continue  # the greeting
            asked = self._pending[answer["id"] - self._first]
            start, end = asked.start, asked.end
            self._waiting -= end - start
            words = [Word(start + a, start + b, text, score) for text, a, b, score in answer["words"]]
            self._answers[answer["id"]] = Heard(start, end, tidy(words, start, end))
            wait = False


class _Helper:
    """One process, with a thread for each direction so that neither side ever waits for a full pipe.

    Args:
        settings: of the decoder.
        outbox: utterances for whichever helper is free; None ends the one that takes it.
        inbox: where its answers go, each with this object; None as an answer says that it has ended.
    """

    def __init__(
        self,
        settings: dict[str, Any],
        outbox: queue.SimpleQueue[bytes | None],
        inbox: queue.SimpleQueue[tuple[_Helper, dict[str, Any] | None]],
    ) -> None:
        self._stopped = False
        self._free = threading.Semaphore(0)  # counts the utterances that it could take now: none or one
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in close()
        self._settings, self._outbox, self._inbox = settings, outbox, inbox
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

    def stop(self) -> None:
        """Kill the process and let the writer go."""
        self._stopped = True
        self.process.kill()
        self._outbox.put(None)
        self._free.release()

    def close(self) -> None:
        """After `stop`: wait for its end."""
        self.process.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # what is left in it has no reader any more
                    pipe.close()
        self._errors.close()

    def _write(self) -> None:
        try:
            self._send(json.dumps(self._settings).encode() + b"\n")
            # What is queued may outlast the helper: a process that is being killed still takes it, and never answers.
            while self._free.acquire() and not self._stopped and (message := self._outbox.get()) is not None:
                self._send(message)
        except OSError:
            return  # the helper has gone; the reader tells

    def _send(self, message: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(message)
        self.process.stdin.flush()

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            for line in self.process.stdout:
                self._free.release()  # it has greeted, or answered
                self._inbox.put((self, json.loads(line)))
        except ValueError as error:  # no JSON: never leave those who wait without an answer
            self._inbox.put((self, {"fault": f"it answered nonsense, {error}"}))
        self._inbox.put((self, None))

    def why(self, fault: dict[str, Any] | None) -> str:
        """One sentence on what happened to it, `fault` if it said so itself."""
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
