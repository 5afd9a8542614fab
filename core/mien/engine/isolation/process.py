"""The host's side of one child: starts it, asks it, watches its time and memory, and ends it with all that it started."""

from __future__ import annotations

import logging
import os
import secrets
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy.typing as npt

import mien
import mien.errors
from mien.engine.context import RunContext
from mien.engine.isolation.arena import Arena, Signs, shared_file
from mien.engine.isolation.codec import Nonsense
from mien.engine.isolation.limits import STARTING, Call, Launch, Limits, OutOfMemory, plain
from mien.engine.isolation.watch import TOKEN, Family, resident
from mien.engine.isolation.wire import Inbox, packed
from mien.errors import Cancelled, LibraryError, MienError, PluginError, StorageError

TICK = 0.05
"""Seconds between two looks at a child that is at work."""
GRACE = 0.8
"""Seconds that a cancelled child has to stop by itself."""
PATIENCE = 10
"""How many times the limit a call may take in all, however often it gives a sign of life."""
_ROUND = 0.5
"""Seconds between two looks at all that the child started."""
_ANSWERS = 50_000
"""Messages that one call may send."""
_GIVEN = 1 << 30
"""Bytes of arrays that one call may hand over."""
_PRINTED = 200
"""Lines that are kept of what a plugin prints in one run."""


class Child:
    """One plugin's process. Used by one thread at a time."""

    def __init__(self, launch: Launch, limits: Limits) -> None:
        self.launch = launch
        self.clean = True
        self.printed = 0
        self._limits = limits
        self._log = logging.getLogger(f"mien.plugin.{launch.plugin}")
        self._ended = False
        self._loaded = False
        self._counted = 0.0  # when its family was last looked at; calls may all be short
        self._theirs = 0  # bytes that the family held then
        self._inbox = Inbox()
        self._line = b""
        token = secrets.token_hex(16)
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        lifeline, self._lifeline = os.pipe()
        self._output, output = os.pipe()
        self._signs = Signs(shared_file())
        self._given, self._taken = Arena(shared_file()), Arena(shared_file(), _GIVEN)
        theirs = (requests, replies, lifeline, self._signs.fd, self._given.fd, self._taken.fd)
        command = [launch.python, "-P", "-u", "-m", "mien.engine.isolation.child", *map(str, theirs)]
        # What the user put before Mien's own modules does not belong into an environment of the plugin's own.
        environ = {name: value for name, value in os.environ.items() if launch.path or name != "PYTHONPATH"}
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=theirs,
                start_new_session=True, env=environ | {TOKEN: token},
            )  # fmt: skip
        except OSError as error:
            self._ended = True
            self._free()
            raise PluginError(f"{launch.plugin} cannot be started: {error.strerror or error}.") from error
        finally:
            for fd in (requests, replies, lifeline, output):
                os.close(fd)
        self.family = Family(self._process.pid, token)
        for fd in (self._requests, self._output):
            os.set_blocking(fd, False)
        self._poll = select.poll()
        self._poll.register(self._replies, select.POLLIN)
        self._poll.register(self._output, select.POLLIN)

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self._ended and not self._has_exited()

    @property
    def memory(self) -> int:
        """Bytes that it holds."""
        return resident(self._process.pid)

    def request(
        self,
        message: dict[str, Any],
        doing: str,
        context: RunContext | None = None,
        arrays: Sequence[npt.NDArray[Any]] = (),
    ) -> tuple[dict[str, Any], list[npt.NDArray[Any]]]:
        """Ask for something that has one answer; see `stream`."""
        answer: tuple[dict[str, Any], list[npt.NDArray[Any]]] | None = None
        for answer in self.stream(message, doing, context, arrays):
            if answer[0]["is"] != "end":
                raise self._refuse("sent more than one answer")
        assert answer is not None
        return answer

    def stream(
        self,
        message: dict[str, Any],
        doing: str,
        context: RunContext | None = None,
        arrays: Sequence[npt.NDArray[Any]] = (),
    ) -> Iterator[tuple[dict[str, Any], list[npt.NDArray[Any]]]]:
        """Ask for something; yields each piece as it comes, and the end.

        Args:
            doing: what it does meanwhile, for a sentence (`reading`).
            context: takes notes and progress, and says whether the user stopped the run.

        Raises:
            PluginError: it raised, died, took too long or too much, or said what cannot be understood.
            Cancelled: the user stopped the run.
        """
        if not self._loaded:
            self._loaded = True
            load = {"do": "load", "plugin": self.launch.plugin, "module": self.launch.module}
            level = logging.getLogger().getEffectiveLevel()
            answer, _ = self.request(load | {"path": list(self.launch.path), "level": level}, STARTING, context)
            if answer.get("mien") != mien.__version__:
                raise self._refuse(f"has Mien {str(answer.get('mien'))[:20]} in its environment; install it again")
        call = Call(doing, context)
        self._signs.cancelled = False
        done = False
        try:
            if arrays:
                message = message | {"arrays": self._given.put(arrays)}
            self._send(message, call)
            while True:
                answer = self._answer(call)
                word = answer.get("is")
                if word not in ("piece", "end"):
                    raise self._refuse("sent a message that has no meaning")
                found = self._taken.get(answer.get("arrays", []))
                call.bytes += sum(array.nbytes for array in found)
                if call.bytes > _GIVEN:
                    raise self._refuse(f"handed over more than {_GIVEN >> 20} MB at once")
                done = word == "end"
                yield answer, found
                if done:
                    return
                call.rest()
                self._send({"do": "next"}, call)
        except Nonsense as error:
            raise self._refuse(f"sent what cannot be read ({error})") from None
        except _Raised as raised:
            done = True
            # Whatever it raised half-way may have left it in any state.
            self.clean = self.clean and isinstance(raised.error, Cancelled | OutOfMemory)
            raise raised.error from None
        finally:
            if not done:
                self.end()

    def company(self) -> int:
        """How many processes it has started that still run.

        Raises:
            PluginError: more than it may; they and it are ended.
        """
        return len(self._bounded(self.family.members(thorough=True)))

    def leftovers(self) -> int:
        """End what it started and left behind; returns how many processes there were."""
        count = self.family.kill_members() if self.alive else 0
        if count:
            self._log.warning("left %d processes behind, which were ended", count)
        self.clean = self.clean and not count
        return count

    def relax(self) -> None:
        """Give large shared memory back."""
        self._given.relax()

    def end(self) -> None:
        """End it and all that it started."""
        if self._ended:
            return
        self._ended = True
        self.clean = False
        self.family.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        self._drain()
        self._free()

    # -- one message -------------------------------------------------------------------------------------------------

    def _send(self, message: dict[str, Any], call: Call) -> None:
        data = memoryview(packed(message))
        poll = select.poll()
        poll.register(self._requests, select.POLLOUT)
        while data:
            try:
                data = data[os.write(self._requests, data) :]
            except BlockingIOError:
                self._look(call)
                poll.poll(TICK * 1000)
            except OSError:
                raise self._died(call) from None

    def _answer(self, call: Call) -> dict[str, Any]:
        """The next piece or end; what is said in between goes where it belongs."""
        while True:
            message = self._next(call)
            call.answers += 1
            call.bytes += self._inbox.size
            if call.answers > _ANSWERS or call.bytes > _GIVEN:
                raise self._refuse(f"sent more than {_ANSWERS} messages or {_GIVEN >> 20} MB in one call")
            word, context = message.get("is"), call.context
            if word == "log":
                level = message.get("level")
                level = level if type(level) is int and 0 <= level <= 50 else logging.INFO
                self._log.log(level, "%s", plain(message.get("text"), 4000))
            elif word == "note":
                if context is not None and len(context.notes) < 100:
                    context.note(plain(message.get("text"), 500))
            elif word == "progress":
                fraction = message.get("fraction")
                if context is not None and isinstance(fraction, float) and 0 <= fraction <= 1:
                    context.progress(fraction)
            elif word == "odd":
                raise self._refuse(f"returned {plain(message.get('type'), 80)}, which is no track")
            elif word == "error":
                raise _Raised(self._raised(message, call))
            else:
                return message

    def _next(self, call: Call) -> dict[str, Any]:
        while (message := self._inbox.take()) is None:
            self._look(call)
            ready = dict(self._poll.poll(TICK * 1000))
            if self._output in ready:
                self._drain()
            if self._replies in ready:
                data = os.read(self._replies, 1 << 16)
                if not data:
                    raise self._died(call)
                self._inbox.feed(data)
            elif self._has_exited():  # something that it started may hold the pipe open
                raise self._died(call)
        return message

    def _look(self, call: Call) -> None:
        """Time, memory, processes and the user's wish to stop."""
        now = time.monotonic()
        life = self._signs.life
        if life != call.life:
            call.life, call.seen = life, now
        if call.context is not None and call.context.cancelled:
            self._signs.cancelled = True
            call.stopped = call.stopped or now
            if now - call.stopped > GRACE:
                self.end()
                raise Cancelled("The analysis was cancelled.")
        limit = self._limits.silence(call.doing)
        if now - call.seen > limit or now - call.begun > PATIENCE * limit:
            silent = now - call.seen > limit
            how = f"gave no sign of life for {limit:g} s" if silent else f"was not done after {PATIENCE * limit:g} s"
            raise self._refuse(f"{how} while {call.doing}, so it was ended; MIEN_PLUGIN_SECONDS allows more")
        held = self.memory
        if now - self._counted > _ROUND:
            self._counted = now
            self._theirs = sum(map(resident, self._bounded(self.family.members())))
        if self._limits.memory and held + self._theirs > self._limits.memory:
            text = f"held more than {self._limits.memory / 2**30:.1f} GB of memory while {call.doing}"
            raise self._refuse(f"{text}, so it was ended; MIEN_PLUGIN_MEMORY allows more")

    def _bounded(self, others: list[int]) -> list[int]:
        """The processes that it started, if it may have so many."""
        if len(others) > self._limits.processes:
            raise self._refuse(f"started more than {self._limits.processes} processes, so it was ended")
        return others

    # -- faults ------------------------------------------------------------------------------------------------------

    def _refuse(self, what: str) -> PluginError:
        self.end()
        return PluginError(f"{self.launch.plugin} {what}.")

    def _died(self, call: Call) -> PluginError:
        """What to say of a child that is gone."""
        late = time.monotonic() + 0.5
        while not self._has_exited() and time.monotonic() < late:
            time.sleep(0.005)
        gone = self._has_exited()
        self.end()
        code = self._process.returncode
        if not gone or code is None:
            how = "closed its connection"
        elif code >= 0:
            how = f"ended its own process (exit code {code})"
        else:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
            how = f"crashed ({name})" if code != -signal.SIGKILL else f"was killed ({name}), maybe for want of memory"
        return PluginError(f"{self.launch.plugin} {how} while {call.doing}; details are in the log.")

    def _raised(self, message: dict[str, Any], call: Call) -> Exception:
        """The exception that a plugin raised, as one of ours. What concerns the whole run is the plugin's own here."""
        plugin, text = self.launch.plugin, plain(message.get("text"), 300)
        kind = getattr(mien.errors, str(message.get("known")), None)
        if call.stopped and kind is Cancelled:
            return Cancelled("The analysis was cancelled.")
        self._log.error("%s", str(message.get("trace"))[:8000].encode("unicode_escape").decode().replace("\\n", "\n"))
        if message.get("memory") is True:
            return OutOfMemory(f"out of memory: {text}")
        if isinstance(kind, type) and issubclass(kind, MienError) and text:
            return PluginError(text) if issubclass(kind, Cancelled | LibraryError | StorageError) else kind(text)
        told = f"failed with {plain(message.get('type'), 80)}{': ' + text if text else ''}"
        return PluginError(f"{plugin} {told}; details are in the log.")

    def _has_exited(self) -> bool:
        """Whether the process is gone; it is not waited for, so that its number stays its own until the group is ended."""
        if self._process.returncode is not None:
            return True
        if not hasattr(os, "waitid"):
            return self._process.poll() is not None
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        return True

    def _drain(self) -> None:
        """What the plugin printed goes to the log, up to a point."""
        for _ in range(16):  # one that prints without end must not keep the host here
            try:
                data = os.read(self._output, 1 << 16)
            except OSError:
                return
            if not data:
                with suppress(KeyError, ValueError):
                    self._poll.unregister(self._output)
                return
            *lines, self._line = (self._line + data).split(b"\n")
            self._line = self._line[:4000]
            for line in lines:
                self.printed += 1
                if self.printed <= _PRINTED:
                    self._log.info("printed: %s", plain(line.decode("utf-8", "replace"), 2000))

    def _free(self) -> None:
        for fd in (self._requests, self._replies, self._lifeline, self._output):
            with suppress(OSError):
                os.close(fd)
        self._signs.close()
        self._given.close()
        self._taken.close()


class _Raised(Exception):
    """Carries what the plugin raised; the child is well and waits for the next request."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
