"""A connection to a Ray cluster. Ray is loaded here, when a scan asks for it, and nowhere else."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import mien
from mien.batch.devices import Slot
from mien.batch.nodes import Node, Use, places
from mien.engine.backend import cores
from mien.errors import ClusterError, UsageError, shown

_log = logging.getLogger(__name__)
_LONGEST = 300  # characters of an address; names of computers have up to 253
_ANSWER = 5.0  # s within which whatever listens at an address says something
_GONE = 20.0  # s without an answer after which a cluster counts as lost; Ray ends the whole process after 60
_MEMORY = 80 << 20  # bytes for objects in a Ray of our own, the least it takes: what crosses it are events
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
"""How a connection begins on which Ray's control service is spoken to (RFC 9113, 3.4), with empty settings."""
_SETTINGS = 4  # type of the frame that answers it


class Cluster:
    """Connected until it is closed; a Ray that was started for it ends with it.

    Args:
        address: see `mien.batch.nodes.Use`.

    Raises:
        ClusterError: it is not there, or this computer cannot take part.
        UsageError: Ray is not installed, or the address is none.
    """

    def __init__(self, address: str) -> None:
        address = address.strip() or "auto"
        if address not in ("auto", "local"):
            check_address(address)
        # Nobody is told that Ray is used; it reads this when it is loaded.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        if "RAY_AUTH_MODE" not in os.environ and _has_token():
            os.environ["RAY_AUTH_MODE"] = "token"  # what `ray start` takes it for, and a program that joins does not
        try:
            import ray
        except ImportError as error:
            raise UsageError("Scans on Ray need the package ray: pip install 'mien[ray]'") from error
        self.ray: Any = ray
        if ray.is_initialized():
            raise UsageError("This process is connected to a Ray cluster already; end that first (ray.shutdown()).")
        self._nodes: list[Node] = []
        self._heard = time.monotonic()
        self.lost = False
        self._printing = _silence()
        try:
            with warnings.catch_warnings(), _at_home(), _quiet():
                warnings.simplefilter("ignore")  # what Ray tells its developers
                self._connect(address)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave it."""
        if not self.lost:  # else Ray would wait for it
            self.ray.shutdown()
        self._printing()

    def nodes(self) -> list[Node]:
        """The nodes that are alive, as Ray orders them; those known last while the cluster does not answer for a moment.

        Raises:
            ClusterError: the cluster does not answer any more.
        """
        if self._answers():
            self._heard = time.monotonic()
            self._nodes = self._ask()
        elif time.monotonic() - self._heard > _GONE:
            self.lost = True
            raise ClusterError("The Ray cluster does not answer any more; the same command goes on when it does.")
        return self._nodes

    def _answers(self) -> bool:
        """Whether the cluster's control service is there; Ray itself would wait, and then end this process."""
        host, _, port = str(self.ray.get_runtime_context().gcs_address).rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=1.0).close()
        except OSError:
            return False
        return True

    def _ask(self) -> list[Node]:
        try:
            found: Sequence[dict[str, Any]] = self.ray.nodes()
        except Exception as error:
            raise ClusterError("The Ray cluster does not say what nodes it has; details are in the log.") from error
        nodes = []
        for entry in found:
            if entry.get("Alive"):
                has = entry.get("Resources", {})
                host = str(entry.get("NodeManagerHostname") or entry.get("NodeManagerAddress"))
                nodes.append(Node(entry["NodeID"], host, float(has.get("CPU", 0.0)), float(has.get("GPU", 0.0))))
        return nodes

    def slots(self, use: Use) -> list[Slot]:
        """The actors that there will be, as a scan tells of them.

        Raises:
            ClusterError: no node can have one.
        """
        found = [Slot(place.device.partition(":")[0], place.threads) for place in places(self.nodes(), use)]
        if not found:
            raise ClusterError(
                f"No node of the Ray cluster offers what --device {use.device} asks for; “ray status” shows what there is."
            )
        return found

    def _connect(self, address: str) -> None:
        quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
        if address == "auto":
            try:
                self.ray.init(address="auto", **quiet)
                return
            except ConnectionError:
                address = "local"  # there is none
            except Exception as error:
                raise _refused("auto", error) from error
        if address == "local":
            quiet |= {"num_cpus": cores(), "object_store_memory": _MEMORY, "include_dashboard": False}
            # Whoever reaches a Ray can run code on it. One that a program starts asks for a token; named here, none is written
            # into the user's home.
            if not _has_token():
                os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        try:
            self.ray.init(address=address, **quiet)
        except Exception as error:
            raise _refused(address, error) from error


def _silence() -> Callable[[], None]:
    """Ray prints news of the cluster among the lines of whoever uses it, and has no switch for that: they go to the log.

    Returns:
        What sets it back.
    """
    import ray._private.worker as ours  # no public name for it; where a version has none, it prints

    name = "print_to_stdstream"
    before = getattr(ours, name, None)
    if before is None:
        return lambda: None

    def note(data: Any, *_: object, **__: object) -> None:
        _log.info("Ray says: %s", " ".join(map(str, data.get("lines", ()))))

    setattr(ours, name, note)
    return lambda: setattr(ours, name, before)


def check_address(address: str) -> None:
    """Find out in a few seconds whether a Ray cluster may be there; Ray itself would try for minutes.

    Raises:
        UsageError: it is no address.
        ClusterError: nobody answers there, or somebody else does.
    """
    host, colon, port = address.rpartition(":")
    number = int(port) if port.isdecimal() and len(port) < 10 else 0
    if (
        "://" in address
        or len(address) > _LONGEST
        or not (colon and host and host.isprintable() and 0 < number < 65536)
    ):
        raise UsageError(
            "--address must read HOST:PORT, the address that “ray start --head” told (or auto, or local), "
            f"not {shown(address[:_LONGEST])!r}."
        )
    if os.environ.get("RAY_USE_TLS", "0") not in ("", "0"):
        return
    start = "start one with: ray start --head --port=6379"
    try:
        with socket.create_connection((host.strip("[]"), number), timeout=_ANSWER) as connection:
            connection.sendall(_PREFACE)
            answer = connection.recv(9)
    except (OSError, UnicodeError) as error:  # a name may be none that the network knows how to look up
        why = (error.strerror if isinstance(error, OSError) else "no such name") or "no answer"
        raise ClusterError(f"No Ray cluster answers at {address} ({why}); {start}") from error
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise ClusterError(f"What answers at {address} is no Ray cluster; {start}")


def _refused(address: str, error: Exception) -> ClusterError:
    _log.info("Ray refused the connection", exc_info=error)
    text = " ".join(str(error).split())
    if "Version mismatch" in text:
        import platform

        import ray

        return ClusterError(
            f"The Ray cluster at {address} runs another version of Ray or Python than this computer "
            f"(Ray {ray.__version__}, Python {platform.python_version()}); install the same on both."
        )
    if "AuthToken" in "".join(traceback.format_exception(error)):
        return ClusterError(
            f"The Ray cluster at {address} asks for a token; set RAY_AUTH_MODE=token and copy ~/.ray/auth_token from a node."
        )
    if address == "local":
        return ClusterError(f"Ray cannot be started on this computer ({type(error).__name__}); details are in the log.")
    return ClusterError(
        f"This computer cannot join the scan on the Ray cluster at {address} ({type(error).__name__}); it must be one of its "
        f"nodes: ray start --address={address}"
    )


def _has_token() -> bool:
    """Whether this user has a token for Ray clusters, in one of the places where Ray looks."""
    if os.environ.get("RAY_AUTH_TOKEN"):
        return True
    named = os.environ.get("RAY_AUTH_TOKEN_PATH")
    return (Path(named) if named else Path.home() / ".ray" / "auth_token").is_file()


@contextlib.contextmanager
def _at_home() -> Iterator[None]:
    """Ray has the nodes load code from the folder that a program was started in; that may be one full of strange files."""
    before = os.open(".", os.O_RDONLY)
    os.chdir(Path(mien.__file__).resolve().parent.parent)
    try:
        yield
    finally:
        os.fchdir(before)
        os.close(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """While Ray connects, its parts in C++ write to standard error whatever they try."""
    try:
        before = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    sys.stderr.flush()
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)
