"""What a Ray cluster is asked for and what a node must have, without any Ray."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mien
from mien.batch import seat as module
from mien.batch.cluster import Cluster, check_address
from mien.batch.nodes import Node, Use, check_use, places
from mien.batch.seat import UNSEEN, Seat, Terms, file_mark, terms_of
from mien.batch.survey import asked_of
from mien.engine.choice import Choice
from mien.engine.registry import Registry
from mien.errors import ClusterError, DeviceError, UsageError

BIG, SMALL, HEAD = Node("a", "big", 16.0, 2.0), Node("b", "small", 3.0, 0.0), Node("c", "head", 0.0, 0.0)


def test_each_device_gets_an_actor() -> None:
    found = [(p.node.host, p.device, p.threads, p.cpus, p.gpus) for p in places([BIG, SMALL, HEAD], Use())]
    assert found == [("big", "cuda:0", 8, 8.0, 1.0)] * 2 + [("small", "cpu", 3, 3.0, 0.0)]
    found = [(p.node.host, p.device, p.threads, p.cpus) for p in places([BIG, SMALL], Use(device="cpu"))]
    assert found == [("big", "cpu", 4, 4.0)] * 4 + [("small", "cpu", 3, 3.0)]
    several = places([BIG, SMALL], Use(device="cuda", workers=3, threads=2))
    assert [(p.device, p.threads, p.gpus, p.cpus) for p in several] == [("cuda:0", 2, 0.3333, 2.0)] * 6
    assert [(p.node.host, p.cpus) for p in places([SMALL], Use(workers=4))] == [("small", 0.75)] * 4
    assert len(places([BIG], Use(device="cpu, cuda"))) == 6
    assert places([SMALL], Use(device="cuda")) == []


def test_devices_that_a_node_cannot_have_are_refused() -> None:
    check_use(Use(device="cpu,cuda"), "auto")
    with pytest.raises(DeviceError, match="from its node; choose auto, cpu or cuda, not cuda:1"):
        check_use(Use(device="cuda:1"), "auto")
    with pytest.raises(DeviceError, match="no device 'tpu'"):
        check_use(Use(device="tpu"), "auto")


@pytest.mark.parametrize("address", ["nowhere", "ray://a:1", "a:b", ":6379", "a:99999"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="--address must read HOST:PORT"):
        check_address(address)


@pytest.fixture
def answering() -> Iterator[Any]:
    """`answering(bytes)` → the address of somebody who says that to everyone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = [b""]

        def serve() -> None:
            try:
                while True:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(100)
                        connection.sendall(said[0])
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()

        def begin(text: bytes) -> str:
            said[0] = text
            return f"127.0.0.1:{server.getsockname()[1]}"

        yield begin
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def test_who_is_no_cluster_is_told_at_once(answering: Any) -> None:
    begun = time.monotonic()
    with pytest.raises(ClusterError, match="is no Ray cluster"):
        check_address(answering(b"HTTP/1.1 400 Bad request\r\n\r\n"))
    with pytest.raises(ClusterError, match="is no Ray cluster"):
        check_address(answering(b""))
    check_address(answering(b"\0\0\0\4\0\0\0\0\0"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ClusterError, match=rf"No Ray cluster answers at 127.0.0.1:{port}"):
        check_address(f"127.0.0.1:{port}")
    assert time.monotonic() - begun < 5


def test_without_ray_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'mien\[ray\]'"):
        Cluster("auto")


@pytest.fixture
def terms(tmp_path: Path, tiny: None) -> Terms:
    from mien.library import Library

    Library(tmp_path / "library.db").close()
    registry = Registry.load()
    choice = Choice(analyzers=("tiny.level",), fusion="", device="cpu").checked(registry)
    return terms_of(choice, asked_of(choice, registry).digest, str(tmp_path / "library.db"))


def test_a_node_must_have_the_same_mien_plugins_models_and_library(terms: Terms, tmp_path: Path) -> None:
    node = Seat("n1")
    kind, text = node.take_part("0.0.9", terms)
    assert kind == "ClusterError"
    assert text == f"The node n1 has Mien {mien.__version__} and this computer 0.0.9; install the same on both."
    kind, text = node.take_part(mien.__version__, replace(terms, readings="others"))
    assert kind == "ClusterError"
    assert "other plugins or models" in text
    kind, text = node.take_part(mien.__version__, replace(terms, choice=Choice(analyzers=("not.here",), fusion="")))
    assert kind == "UnknownPlugin"
    assert text.startswith("On the node n1: ")
    # The same path on another computer is another file.
    boot, *file = file_mark(terms.library) or ()
    for mark in (("another boot", *file), (boot, 0, 0)):
        kind, text = node.take_part(mien.__version__, replace(terms, file=mark))
        assert kind == "LibraryError"
        assert "serves one computer only; for several name a database, --library postgresql://" in text
    kind, text = node.take_part(mien.__version__, replace(terms, library=str(tmp_path / "none.db")))
    assert kind == "LibraryError"
    assert not (tmp_path / "none.db").exists()


def test_a_seat_tells_each_event_once_and_again_if_it_was_not_heard(
    terms: Terms, tmp_path: Path, make_clip: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.engine.events import Done, MediumFailed, Started

    monkeypatch.setattr(module, "_APPEARS", 0.0)
    clip = make_clip(tmp_path / "a.mp4", 1.0)
    node = Seat("n1")
    assert node.take_part(mien.__version__, terms) == ("", "")
    try:
        events: list[Any] = []

        def hear(number: int) -> None:
            deadline = time.monotonic() + 120
            while not (events and isinstance(events[-1], Done | MediumFailed)) and time.monotonic() < deadline:
                events.extend(node.hear(number, len(events), 5.0)[0])

        node.begin(1, clip, clip.stat().st_size, "cpu", 1)
        hear(1)
        assert isinstance(events[0], Started)
        assert isinstance(events[-1], Done)
        last, silent = node.hear(1, len(events) - 1, 0.0)  # the answer was lost on its way
        assert last == events[-1:]
        assert silent >= 0.0
        assert node.hear(2, 0, 0.01)[0] == []  # another medium, not yet begun
        for number, path, size in ((2, clip, 1), (3, tmp_path / "none.mp4", 1)):
            events = []
            node.begin(number, path, size, "cpu", 1)
            hear(number)
            assert [(type(e), e.kind) for e in events] == [(MediumFailed, UNSEEN)]
            assert "The node n1 cannot see this file" in events[0].reason
    finally:
        node.close()
