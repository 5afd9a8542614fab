"""`python -m mien.engine.isolation.child`: one plugin at work in its own process, asked over a pipe by `process.py`."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import mien
from mien.engine.backend import Backend
from mien.engine.context import RunContext
from mien.engine.isolation.arena import Arena, Signs
from mien.engine.isolation.codec import Nonsense, decode, encode
from mien.engine.isolation.snapshot import answer
from mien.engine.isolation.wire import Inbox, receive, send
from mien.engine.registry import GROUP, Registry, create
from mien.errors import Cancelled, MienError, PluginError
from mien.sdk.blocks import Block, CropBatch, Windows
from mien.sdk.media import MediaInfo
from mien.sdk.protocols import Aligned, Analysis
from mien.tracks.track import Boxes, Curve, Features, Spans

_F_SETSIG = 10
_LOG_LINES = 1000
"""Lines of log that are handed over for each call; more are dropped."""


class _Gone(BaseException):
    """The host is not there any more."""


class _Context(RunContext):
    """The context as the plugin sees it: what it says travels to the host, what it asks is answered from shared memory."""

    server: _Server

    @property
    def cancelled(self) -> bool:
        self.server.signs.live()
        return self.server.signs.cancelled

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise Cancelled("The analysis was cancelled.")

    def progress(self, fraction: float) -> None:
        self.server.signs.live()
        self.server.progress(min(max(float(fraction), 0.0), 1.0))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(str(text))
            self.server.say({"is": "note", "text": str(text)[:2000]})


class _Server:
    """Answers the host's requests, one at a time."""

    def __init__(self, requests: int, replies: int, signs: int, taken: int, given: int) -> None:
        self.signs = Signs(signs)
        self._requests, self._replies = requests, replies
        self._inbox = Inbox()
        self._in, self._out = Arena(taken), Arena(given)
        self._speaking = threading.Lock()
        self._pid = os.getpid()
        self._lines = 0
        self._told = 0.0
        self._analyzer: Any = None
        self._fusion: Any = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._copied)

    # -- talking -----------------------------------------------------------------------------------------------------

    def say(self, message: dict[str, Any]) -> None:
        """Tell the host; a forked copy of this process says nothing."""
        if os.getpid() == self._pid:
            with self._speaking:
                send(self._replies, message)

    def progress(self, fraction: float) -> None:
        """Tell how far it is, ten times a second at most."""
        if time.monotonic() - self._told > 0.1:
            self._told = time.monotonic()
            self.say({"is": "progress", "fraction": fraction})

    def log(self, record: logging.LogRecord) -> None:
        """Hand over a line of log."""
        self._lines += 1
        if self._lines <= _LOG_LINES:
            self.say({"is": "log", "level": record.levelno, "name": record.name, "text": record.getMessage()[:4000]})

    def _hear(self) -> dict[str, Any]:
        message = receive(self._requests, self._inbox)
        if message is None:
            raise _Gone
        return message

    def _copied(self) -> None:
        """In a forked copy: let go of the pipes, so that the host sees the end of this process and of nothing else."""
        for fd in (self._requests, self._replies):
            with suppress(OSError):
                os.close(fd)

    def _stay_home(self) -> None:
        """A copy that the plugin forked and let return has nothing to do here."""
        if os.getpid() != self._pid:
            os._exit(0)

    # -- work --------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until the host is gone."""
        does: dict[str, Callable[[dict[str, Any]], None]] = {
            "load": self._load,
            "prepare": self._prepare,
            "process": self._process,
            "finish": self._finish,
            "close": self._close,
            "prepare-fusion": self._prepare_fusion,
            "fuse": self._fuse,
            "construct": self._construct,
            "explain": self._explain,
            "export": self._export,
            "needs": self._needs,
        }
        while True:
            message = self._hear()
            self._lines = 0
            try:
                does[message["do"]](message)
            except _Gone:
                raise
            except BaseException as error:  # noqa: BLE001 - SystemExit and the like are the plugin's too
                self._stay_home()
                self._fail(error)
            self._stay_home()

    def _fail(self, error: BaseException) -> None:
        text = str(error)
        if isinstance(error, Nonsense):
            error = PluginError(text)
        known = type(error).__name__ if isinstance(error, MienError) else ""
        trace = "".join(traceback.format_exception(error))[-8000:]
        self.say(
            {"is": "error", "type": type(error).__name__, "text": text[:2000], "known": known, "trace": trace}
            | {"memory": _out_of_memory(error)}
        )

    def _load(self, message: dict[str, Any]) -> None:
        sys.path.extend(place for place in message["path"] if place not in sys.path)
        handler = logging.Handler()
        handler.emit = self.log  # type: ignore[method-assign]
        logging.getLogger().handlers[:] = [handler]
        logging.getLogger().setLevel(message["level"])
        logging.captureWarnings(True)
        registry = Registry.load([EntryPoint(message["module"], message["module"], GROUP)])
        for source in registry.broken:
            raise PluginError(f"{message['module']} could not be loaded: {source.error}")
        self._id = str(message["plugin"])
        known: dict[str, Any] = {**registry.exporters, **registry.fusions, **registry.analyzers}
        if self._id not in known:
            raise PluginError(f"{message['module']} does not offer {self._id} any more; install it again.")
        self._info = known[self._id]
        self.say({"is": "end", "mien": mien.__version__})

    def _values(self, message: dict[str, Any]) -> tuple[Any, _Context]:
        """The parameters and the context of a request."""
        told = message["context"]
        context = _Context(
            plugin=self._id,
            backend=Backend(told["device"], told["precision"], told["name"], told["threads"]),
            cancel=threading.Event(),
            seed=told["seed"],
            models=tuple(self._info.models),
            optional_models=tuple(getattr(self._info, "optional_models", ())),
            threads=told["threads"],
        )
        context.server = self
        return self._info.params.model_validate(message["params"]), context

    def _prepare(self, message: dict[str, Any]) -> None:
        params, context = self._values(message)
        self._analyzer = create(self._info.factory)
        self._analyzer.prepare(decode(message["media"], MediaInfo, ()), params, context)
        self._stay_home()
        self.say({"is": "end"})

    def _process(self, message: dict[str, Any]) -> None:
        self._stream(self._analyzer.process(decode(message["block"], Block, self._in.get(message["arrays"]))))

    def _finish(self, message: dict[str, Any]) -> None:
        self._stream(self._analyzer.finish())

    def _stream(self, pieces: Iterable[Any]) -> None:
        """Hand pieces over as they come, each once the one before it was taken out of the shared memory."""
        for piece in pieces:
            self._stay_home()
            if not isinstance(piece, Curve | Spans | Boxes | Features):
                self.say({"is": "odd", "type": type(piece).__name__})
                return
            self.signs.live()
            self._give("piece", piece)
            if self._hear()["do"] != "next":
                raise PluginError("the host did not go on.")
        self._stay_home()
        self.say({"is": "end"})

    def _give(self, word: str, value: Any) -> None:
        arrays: list[Any] = []
        told = encode(value, arrays)
        self.say({"is": word, "value": told, "arrays": self._out.put(arrays)})

    def _close(self, message: dict[str, Any]) -> None:
        analyzer, self._analyzer, self._fusion = self._analyzer, None, None
        if analyzer is not None:
            analyzer.close()
        self._stay_home()
        self._out.relax()
        self.say({"is": "end"})

    def _prepare_fusion(self, message: dict[str, Any]) -> None:
        params, context = self._values(message)
        self._fusion = create(self._info.factory)
        self._fusion.prepare(tuple(message["tracks"]), params, context)
        self._stay_home()
        self.say({"is": "end"})

    def _fuse(self, message: dict[str, Any]) -> None:
        fused = self._fusion.fuse(decode(message["grid"], Aligned, self._in.get(message["arrays"])))
        self._stay_home()
        self._give("end", fused)

    def _construct(self, message: dict[str, Any]) -> None:
        made = create(self._info.factory)
        hooks = [name for name in ("explain", "explain_face") if hasattr(made, name)]
        self.say({"is": "end", "hooks": hooks, "explains": [str(name) for name in getattr(made, "explains", ())]})

    def _explain(self, message: dict[str, Any]) -> None:
        params, context = self._values(message)
        hook = getattr(create(self._info.factory), message["hook"])
        kind = Windows if message["hook"] == "explain" else CropBatch
        of = [message["of"]] if message["of"] else []
        found = hook(decode(message["of_what"], kind, self._in.get(message["arrays"])), params, context, *of)
        self._stay_home()
        self._give("end", found)

    def _needs(self, message: dict[str, Any]) -> None:
        self.say({"is": "end", **answer(self._info, self._info.params.model_validate(message["params"]))})

    def _export(self, message: dict[str, Any]) -> None:
        analysis = decode(message["analysis"], Analysis, self._in.get(message["arrays"]))
        params = self._info.params.model_validate(message["params"])
        written = create(self._info.factory).export(analysis, Path(message["target"]), params)
        self._stay_home()
        self.say({"is": "end", "paths": [str(path) for path in written]})


def _out_of_memory(error: BaseException) -> bool:
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    kind = getattr(torch, "OutOfMemoryError", ())
    return isinstance(error, kind) or (isinstance(error, RuntimeError) and "out of memory" in str(error).lower())


def _die_with_the_host(lifeline: int) -> None:
    """End this process and all that it started once the host's end of a pipe is closed, whatever the plugin is doing.

    Linux sends the signal by itself, so that a plugin that never gives Python a turn ends too; elsewhere a thread waits.
    """
    import fcntl
    import select

    if sys.platform == "linux":
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, -os.getpgrp())
        fcntl.fcntl(lifeline, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
        poll = select.poll()
        poll.register(lifeline, select.POLLIN)
        if poll.poll(0):  # it was gone already
            os.killpg(0, signal.SIGKILL)
        return

    def wait() -> None:
        os.read(lifeline, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()


def main() -> None:
    """Serve until the host is gone."""
    import resource

    requests, replies, lifeline, signs, taken, given = map(int, sys.argv[1:7])
    for fd in (requests, replies, lifeline, signs, taken, given):
        os.set_inheritable(fd, False)
    _die_with_the_host(lifeline)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("500")  # where memory runs out all the same, the system ends the plugin and not the host
    faulthandler.enable()
    server = _Server(requests, replies, signs, taken, given)
    with suppress(_Gone, BrokenPipeError):
        server.run()
    os._exit(0)  # threads of a plugin that do not end are not waited for


if __name__ == "__main__":
    main()
