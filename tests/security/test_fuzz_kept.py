"""What Mien keeps and reads again, and what other processes tell it, on anything: libraries, caches, trainings, addresses.

As in `test_fuzz_readers.py`: a value, or one sentence; few examples with all tests, many with `make faults`.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st

from .fuzzing import Parsers, anything, damaged, made_tests, mixed, objects, recelled, word

PARSERS = Parsers()
parser = PARSERS.of

_DEEP = "<deep>"
"""Stands for what is nested as nothing of ours is."""
_texts = st.one_of(anything.map(json.dumps), word, st.just(_DEEP))


def _stored(text: str) -> str:
    """As a database takes it."""
    return text.replace(_DEEP, "[" * 100_000).encode("utf-8", "replace").decode()


def _utf8(told: str | bytes) -> bytes:
    """As a file or a pipe has it."""
    content = told if isinstance(told, bytes) else told.encode("utf-8", "surrogatepass")
    return content.replace(_DEEP.encode(), b"[" * 100_000)


# -- libraries and their caches --------------------------------------------------------------------------------------

_COLUMNS = (
    "medium.streams", "medium.duration", "medium.added", "medium.format", "run.params", "run.models", "run.notes",
    "run.started", "run.finished", "track.quantities", "track.provenance", "track.kind", "piece.seq", "piece.data",
    "correction.old", "correction.new", "correction.made", "utterance.t0",
)  # fmt: skip


def _filled(place: Path) -> None:
    from dataclasses import make_dataclass

    from mien.library import Library
    from mien.tracks import AROUSAL, Curve, Spans

    facts = {
        "path": place.parent / "a.mp4",
        "duration": 9.0,
        "size_bytes": 1,
        "format": "mp4",
        "streams": ({"kind": "audio"},),
    }
    with Library(place) as library:
        medium = library.add_medium(make_dataclass("Probed", facts)(**facts), "m")
        run = library.begin_run(
            medium.id,
            key="k",
            analyzer="a",
            version="1",
            params={"b": 1},
            models={},
            device="cpu",
            precision="",
            outputs=(),
        )
        run.write(Spans.of("speech.transcript", [(0.0, 1.0, "x", "we talked", 0.9)]))
        for start in (0.0, 5.0):
            times = np.arange(start, start + 3)
            run.write(Curve("a.curve", times, np.zeros((3, 1), np.float32), (AROUSAL,)))
        run.complete()
        library.correct("m", "a.curve", start=0.0, end=1.0, field="arousal", old=0.0, new=0.5, author="Ann")


@parser(st.lists(st.tuples(st.sampled_from(_COLUMNS), _texts | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
                           | st.binary(max_size=40)), min_size=1, max_size=2))  # fmt: skip
def _libraries(example: list[tuple[str, Any]], folder: Path) -> None:
    """A whole library in which single values say something else."""
    from mien.library import Library
    from mien.library.overview import overview, read_tracks

    whole, place = folder / "whole.db", folder / "library.db"
    if not whole.exists():
        _filled(whole)
    place.write_bytes(whole.read_bytes())
    with sqlite3.connect(place) as file:
        for column, value in example:
            table, _, name = column.partition(".")
            stored = _stored(value) if isinstance(value, str) else value
            file.execute(f"UPDATE OR IGNORE {table} SET {name} = ?", (stored,))
    file.close()
    with Library(place) as library:
        library.media()
        library.runs("m")
        library.search("talked")
        library.corrections("m")
        tracks = library.tracks("m")
        for entry in overview(library):
            read_tracks(library, list(entry.tracks.values()))
        for info in tracks.infos():
            tracks.read(info.name)
            tracks.read(info.name, 0.5, 6.0)
            library.pieces(info.run_id, info.name, 1)


@parser(
    st.one_of(
        word,
        mixed("postgresql://", "sqlite:///", "mysql://", "user:pass@", "host", ":5432", "/name", "?a=b", "%", "[::1]"),
    )
)
def _places_of_libraries(example: str, folder: Path) -> object:
    from mien.library.backend import backend_of

    backend = backend_of(example)
    assert "pass@" not in backend.place or "://" not in example
    return backend.where


@parser(_texts)
def _peaks(example: str, folder: Path) -> None:
    from mien.library import Library
    from mien.library.overview import overview
    from mien.library.peaks import Peaks

    place, cache = folder / "library.db", folder / "peaks.db"
    if not place.exists():
        _filled(place)
    with Library(place) as library:
        [entry] = overview(library)
        track = entry.tracks["a.curve"]
        peaks = Peaks(library, cache)
        peaks.fill([track])
        peaks.close()
        with sqlite3.connect(cache) as file:
            file.execute("UPDATE peak SET data = ?", (_stored(example),))
        file.close()
        peaks = Peaks(library, cache)
        peak = peaks.of(track)
        assert peak is None or all(
            isinstance(value, float) for value in (peak.low, peak.low_at, peak.high, peak.high_at)
        )
        peaks.close()


_PAST = {"medium": "m", "runs": {"a": "k"}, "seconds": 3.0, "skipped": {}, "side_car": "", "problems": ("odd",)}


_pasts = st.dictionaries(st.sampled_from(list(_PAST)) | word, anything, max_size=2)


@parser(st.tuples(_texts | _pasts.map(lambda changes: json.dumps(_PAST | changes)),
                  _texts | st.lists(st.sampled_from(["2f", "2f00", "zz"]) | anything, max_size=3).map(json.dumps)))  # fmt: skip
def _journals(example: tuple[str, str], folder: Path) -> None:
    from mien.batch.journal import Journal, Past

    path = folder / "a.mp4"
    with Journal("x", folder / "journal.db") as journal:
        journal.remember(path, "s", "a", Past(**_PAST))
        journal.keep_facts("k", {"a": 1})
        journal.keep_written(path, "k", [])
        assert journal.past(path, "s", "a") == Past(**_PAST)
        with sqlite3.connect(folder / "journal.db") as file:
            past, written = map(_stored, example)
            file.execute("UPDATE file SET data = ?", (past,))
            file.execute("UPDATE facts SET data = ?", (past,))
            file.execute("UPDATE written SET data = ?", (written,))
        file.close()
        found = journal.past(path, "s", "a")
        assert found is None or found.seconds is None or 0 <= found.seconds < math.inf
        assert found is None or all(isinstance(key, str) for key in found.runs.values())
        journal.facts("k")
        journal.written(path, "k")


# -- trainings that go on --------------------------------------------------------------------------------------------

_EPOCH = '{"epoch": 1, "train_loss": 0.5, "valid": {"loss": 0.4, "ccc": 0.1}, "lr": 0.001, "seconds": 2.0, "best_epoch": 1}\n'


@parser(st.one_of(recelled(_EPOCH + _EPOCH.replace("1,", "2,", 1)), damaged(_EPOCH.encode()), _texts))
def _logs_of_trainings(example: str | bytes, folder: Path) -> None:
    from mien.training.log import logged, shorten

    log = folder / "log.jsonl"
    log.write_bytes(_utf8(example))
    shorten(log, 1)
    assert all(epoch["epoch"] <= 1 for epoch in logged(log))


@parser(st.tuples(st.sampled_from(["CKPT.yaml", "net.ckpt"]), st.binary(max_size=60) | _texts
                  | recelled("end-of-epoch: true\nunixtime: 1.5\nloss: 0.5\n") | st.integers(0, 4000)))  # fmt: skip
def _checkpoints(example: tuple[str, str | bytes | int], folder: Path) -> None:
    """Two of them; of the newer a file says something else, or has a byte changed."""
    from torch import nn

    from mien.training.checkpoints import WholeCheckpointer

    name, change = example
    place, whole = folder / "checkpoints", folder / "whole"
    if not whole.exists():
        saving = WholeCheckpointer(whole)
        saving.add_recoverable("net", nn.Linear(2, 2))
        for loss in (0.5, 0.4):
            saving.save_checkpoint(meta={"loss": loss}, name=f"{loss}")
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(whole, place)
    file = next(place.glob("*0.4")) / name
    content = bytearray(file.read_bytes())
    if isinstance(change, int):
        content[change % len(content)] ^= 0x55
    file.write_bytes(content if isinstance(change, int) else _utf8(change))
    checkpointer = WholeCheckpointer(place)
    checkpointer.add_recoverable("net", nn.Linear(2, 2))
    found = checkpointer.find_checkpoint(min_key="loss")
    assert found is not None
    checkpointer.load_checkpoint(found)


_RESULT = {"settings": {"a": 1}, "result": {"values": {"f1": 0.5}}}


@parser(
    st.one_of(recelled(json.dumps(_RESULT)), anything.map(lambda v: json.dumps(_RESULT | {"result": v})), _texts).map(
        _utf8
    )
)
def _results_of_tables(example: str | bytes, folder: Path) -> None:
    from mien.training.reproduction import _kept, begin

    (folder / "result.json").write_bytes(_utf8(example))
    found = _kept(folder, {"a": 1})
    assert found is None or all(isinstance(value, int | float) for value in found["values"].values())
    begun = folder / "training"
    begun.mkdir(exist_ok=True)
    (begun / "begun.json").write_bytes(_utf8(example))
    begin(begun, {"a": 1})


@parser(st.one_of(recelled("# Title\n\n## `olid-a` OLID\n\ntext\n\n## What cannot\n"), st.binary(max_size=60)))
def _pages_of_tables(example: str | bytes, folder: Path) -> None:
    from mien.sdk.descriptors import TableInfo
    from mien.training.reproduction import Reproduced
    from mien.training.reproduction_page import sections_of, write_page

    path = folder / "page.md"
    path.write_bytes(_utf8(example))
    info = TableInfo("mine", "Mine", factory="a.table")
    write_page(path, Reproduced(info, (), (), (1,), 2), {"mine": info})
    assert "mine" in sections_of(path.read_text(encoding="utf-8"))


_logistic = st.fixed_dictionaries({"channels": anything, "coef": st.lists(anything, max_size=2), "intercept": anything})


@parser(objects("hostility") | (_logistic | anything).map(lambda values: {"hostility": values}))
def _calibrations(example: Any, folder: Path) -> object:
    from mien_plugins.fusion.calibration import Logistic

    (folder / "config.json").write_text(json.dumps(example), encoding="utf-8")
    return Logistic.read(folder)


# -- what others tell ------------------------------------------------------------------------------------------------


@parser(
    st.one_of(word, mixed("127.0.0.1", "localhost", "[::1]", ":", "6379", "ray://", "a" * 70, ".", "ä", "９", size=6))
)
def _addresses_of_clusters(example: str, folder: Path) -> None:
    """Without the network: whether a name is one is found out by Python before anybody is asked."""
    import socket

    from mien.batch.cluster import check_address

    kept: list[socket.socket] = []

    def look_up(address: tuple[str, int], timeout: float) -> Any:
        address[0].encode("idna")
        ours, theirs = socket.socketpair()
        theirs.sendall(b"\0\0\0\4\0\0\0\0\0" if address[1] > 1 else b"HTTP/1.1")
        kept.append(theirs)
        return ours

    with patch.object(socket, "create_connection", look_up):
        try:
            check_address(example)
        finally:
            for one in kept:
                one.close()


_sent = _texts | objects("is", "value", "arrays").map(json.dumps)


@parser(st.tuples(st.lists(_sent, max_size=3), st.binary(max_size=9)))
def _messages(example: tuple[list[str], bytes], folder: Path) -> None:
    from mien.engine.isolation.codec import Nonsense
    from mien.engine.isolation.wire import Inbox

    inbox = Inbox()
    for text in map(_utf8, example[0]):
        inbox.feed(len(text).to_bytes(4, "little") + text)
    inbox.feed(example[1])
    for _ in range(len(example[0]) + 2):
        try:
            assert isinstance(inbox.take(), dict | None)
        except Nonsense:
            return


_number = st.integers(-3, 70) | st.sampled_from([1 << 38, 1 << 39, 1 << 63, 0.5, True]) | anything
_described = st.tuples(st.sampled_from([0, 64, 4096]) | _number, st.sampled_from(["<f4", "|u1", "<i8", "|O", "<f8"]) | anything,
                       st.lists(_number, max_size=9) | anything).map(list)  # fmt: skip


@parser(st.lists(_described | anything, max_size=3) | anything)
def _arrays_in_shared_memory(example: Any, folder: Path) -> None:
    from mien.engine.isolation.arena import Arena
    from mien.engine.isolation.codec import Nonsense

    path = folder / "memory"
    path.write_bytes(bytes(8192))
    arena = Arena(os.open(path, os.O_RDWR), 1 << 20)
    with contextlib.closing(arena), contextlib.suppress(Nonsense):
        assert sum(array.nbytes for array in arena.get(example)) <= 1 << 20


@parser(st.deferred(lambda: st.tuples(st.sampled_from(["media", "block", "analysis", "tracks"]), _values())))
def _values_of_plugins(example: tuple[str, Any], folder: Path) -> None:
    from mien.engine.isolation.codec import Nonsense, decode
    from mien.sdk.blocks import Block
    from mien.sdk.media import MediaInfo
    from mien.sdk.protocols import Analysis
    from mien.tracks.track import AnyTrack

    kinds: dict[str, Any] = {"media": MediaInfo, "block": Block, "analysis": Analysis, "tracks": list[AnyTrack]}
    arrays = (np.zeros(3), np.zeros((3, 1), np.float32), np.zeros(3, np.int32))
    with contextlib.suppress(Nonsense):
        decode(example[1], kinds[example[0]], arrays)


def _values() -> st.SearchStrategy[Any]:
    fields = objects(
        "path",
        "duration",
        "name",
        "times",
        "values",
        "quantities",
        "persons",
        "start",
        "end",
        "label",
        "score",
        "media",
        "tracks",
    )
    arrays = st.integers(-1, 3).map(lambda n: {"array": n})
    of = st.sampled_from(["MediaInfo", "Curve", "Spans", "Boxes", "Features", "Quantity", "Analysis", "Provenance"])
    told = st.builds(lambda kind, more, put: {"is": kind, **more, **put}, of, fields,
                     st.dictionaries(st.sampled_from(["times", "values", "name", "start"]), arrays, max_size=3))  # fmt: skip
    return st.lists(told, max_size=2) | told | anything


@parser(
    st.one_of(
        recelled('{"level": "ERROR", "check": "quiet", "text": "It prints."}'), recelled('[0.01, ["torch"]]'), _texts
    )
)
def _findings_on_plugins(example: str, folder: Path) -> None:
    from mien.cli.plugins_check import _finding
    from mien.engine.conformance.find import _measured

    found = _finding(_stored(example))
    assert found is None or str(found.text)
    try:
        seconds, heavy = _measured(_utf8(example))
    except (ValueError, TypeError, IndexError, RecursionError):
        return
    assert seconds >= 0
    assert all(isinstance(name, str) for name in heavy)


# -- how many --------------------------------------------------------------------------------------------------------


test_anything_is_a_value_or_a_sentence, test_very_much_of_anything_is_a_value_or_a_sentence = made_tests(PARSERS)
