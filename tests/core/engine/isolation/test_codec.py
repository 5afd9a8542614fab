"""What crosses between host and child: values come back as they were, and nothing but values can cross."""

from __future__ import annotations

import json
import math
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.engine.isolation.arena import Arena, Signs, shared_file
from mien.engine.isolation.codec import Nonsense, decode, encode
from mien.engine.isolation.wire import Inbox, packed
from mien.sdk import Block, Cue, FusedCurve, MediaInfo
from mien.sdk.blocks import CropBatch, FrameBatch, Utterance, Windows
from mien.sdk.protocols import Aligned, Fused
from mien.tracks import Boxes, Curve, Features, Quantity, Spans
from mien.tracks.track import AnyTrack, Provenance

LEVEL = Quantity("level", "dB", -120.0, 10.0)
TRACKS = (
    Curve(
        "a.curve",
        [0.0, 1.5],
        [[1.0], [2.0]],
        (LEVEL,),
        np.array([1, 2]),
        Provenance("a", "1", details={"x": [1, None]}),
    ),
    Spans.of("a.spans", [(0.0, 1.0, "offensive", "so \udcff she ☃ said", float("nan"), "Anna"), (0.5, 2.0, "fine")]),
    Boxes("a.boxes", [0.0], [3], [[1, 2, 3, 4]], [0.9], np.ones((1, 5, 2))),
    Features("a.vectors", [0.0, 2.0], np.eye(2)),
    Curve("a.empty", [], np.zeros((0, 1)), (LEVEL,)),
)


@pytest.fixture
def arena() -> Any:
    made = Arena(shared_file(), 1 << 24)
    yield made
    made.close()


def across(value: Any, kind: Any, arena: Arena) -> Any:
    arrays: list[Any] = []
    told = encode(value, arrays)
    inbox = Inbox()
    for byte in packed({"value": told, "arrays": arena.put(arrays)}):  # however the pipe cuts it
        inbox.feed(bytes([byte]))
    message = inbox.take()
    assert message is not None
    return decode(message["value"], kind, arena.get(message["arrays"]))


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return (
            one.dtype == other.dtype
            and one.shape == other.shape
            and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        )
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(
            equal(getattr(one, f), getattr(other, f)) for f in one.__dataclass_fields__
        )
    if isinstance(one, dict):
        return set(one) == set(other) and all(equal(one[k], other[k]) for k in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other) or (isinstance(one, float) and math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize("track", TRACKS, ids=lambda track: track.name)
def test_tracks_cross_as_they_are(track: AnyTrack, arena: Arena) -> None:
    assert equal(track, across(track, AnyTrack, arena))


def test_what_the_host_hands_over_crosses_as_it_is(arena: Arena) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (2, 8, 8, 3), np.uint8)
    block = Block(
        1.0, 5.0,
        windows=Windows(np.array([0.0, 0.5]), 8000, rng.normal(size=(2, 40)).astype(np.float32), np.array([40, 7], np.int32)),
        utterances=(Utterance(0.5, 1.0, 16000, np.ones(3, np.float32)),),
        frames=FrameBatch(np.array([0.0, 0.1]), images[:, ::2], (2.0, 1.5)),
        crops=CropBatch(np.array([0.0]), np.array([4], np.int32), images[:1], np.ones((1, 4), np.float32)),
        tracks={"a.spans": (TRACKS[1],), "a.boxes": (TRACKS[2], TRACKS[2])},
    )  # fmt: skip
    assert equal(block, across(block, Block, arena))
    media = MediaInfo(Path("/a/\udcff☃.mp4"), 3.0, True, cues=(Cue(0.0, 1.0, "words"),), language="eng")
    assert equal(media, across(media, MediaInfo, arena))
    grid = Aligned(
        np.arange(3.0), 1.0, {"a": np.ones((3, 2), np.float32)}, {"a": ("x", "y")}, {"a": np.array([True, False, True])},
        {"a": "voice"},
    )  # fmt: skip
    assert equal(grid, across(grid, Aligned, arena))
    score = np.array([0.5, np.nan], np.float32)
    fused = Fused(score, score[:, None], ("a",), score[:, None], LEVEL, (FusedCurve("b", score[:, None], (LEVEL,)),))
    assert equal(fused, across(fused, Fused, arena))


def test_large_arrays_and_many_calls_share_one_memory(arena: Arena) -> None:
    for n in (10, 1 << 20, 5, 1 << 21):
        [back] = arena.get(arena.put([np.arange(n, dtype=np.float32)]))
        assert back[-1] == n - 1
    arena.relax()
    [back] = arena.get(arena.put([np.ones(3)]))
    assert back.tolist() == [1, 1, 1]


def test_a_copy_is_taken_before_it_is_looked_at(arena: Arena) -> None:
    told = arena.put([np.ones(1000)])
    [taken] = arena.get(told)
    arena.put([np.zeros(1000)])
    assert taken.sum() == 1000


def test_shared_memory_cannot_be_cut_short_under_the_reader(arena: Arena) -> None:
    arena.put([np.ones(100_000)])
    if not hasattr(os, "memfd_create"):
        pytest.skip("only Linux seals shared memory")
    with pytest.raises(OSError, match="not permitted"):
        os.ftruncate(arena.fd, 0)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {},
        [[0]],
        [[0, "|O8", [1]]],
        [[0, "<U8", [1]]],
        [[0, ">f8", [1]]],
        [[0, ["<f8"], [1]]],
        [[-64, "<f8", [1]]],
        [[1, "<f8", [1]]],
        [[0.0, "<f8", [1]]],
        [[True, "<f8", [1]]],
        [[0, "<f8", [-1]]],
        [[0, "<f8", ["9"]]],
        [[0, "<f8", [1 << 39, 1 << 39, 1 << 39]]],
        [[0, "<f8", [1 << 30]]],
        [[1 << 60, "<f8", [1]]],
        [[0, "<f8", [1] * 40]],
        [[0, "<f8", [1 << 19]]] * 8,
    ],
)
def test_arrays_that_cannot_be_are_refused(told: Any, arena: Arena) -> None:
    arena.put([np.ones(10)])
    with pytest.raises(Nonsense):
        arena.get(told)


@pytest.mark.parametrize(
    "told",
    [
        None,
        "Curve",
        {"is": "Path"},
        {"is": "MediaInfo", "path": "/etc"},
        {"is": "Curve"},
        {"is": "Curve", "name": 3, "times": {"array": 0}, "values": {"array": 1}, "quantities": []},
        {"is": "Curve", "name": "a", "times": {"array": 7}, "values": {"array": 1}, "quantities": []},
        {"is": "Curve", "name": "a", "times": {"array": -1}, "values": {"array": 1}, "quantities": []},
        {"is": "Curve", "name": "a", "times": [0.0], "values": {"array": 1}, "quantities": []},
        {"is": "Curve", "name": "a", "times": {"array": 0}, "values": {"array": 1}, "quantities": [], "__class__": "x"},
        {"is": "Curve", "name": "a", "times": {"array": 0}, "values": {"array": 1}, "quantities": [{"is": "Quantity"}]},
        {"is": "Spans", "name": "a", "start": {"array": 0}, "end": {"array": 0}, "label": [1], "text": [""],
         "score": {"array": 0}, "speaker": [""]},
        {"is": "Features", "name": "a", "times": {"array": 0}, "vectors": {"array": 0}},
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_refused(told: Any) -> None:
    with pytest.raises(Nonsense):
        decode(told, AnyTrack, [np.zeros(1), np.zeros((1, 0), np.float32)])


@pytest.mark.parametrize(
    "sent",
    [
        struct.pack("<I", 1 << 31),
        struct.pack("<I", 4) + b"null",
        struct.pack("<I", 4) + b"\xff\xff\xff\xff",
        (lambda text: struct.pack("<I", len(text)) + text)(b"[" * 100_000),
        (lambda text: struct.pack("<I", len(text)) + text)(b'{"a": ' + b"9" * 10_000 + b"}"),
        (lambda text: struct.pack("<I", len(text)) + text)(pickle.dumps({"is": "end"})),
    ],
    ids=["too long", "no object", "no text", "deep", "a long number", "a pickle"],
)
def test_messages_that_cannot_be_are_refused(sent: bytes) -> None:
    inbox = Inbox()
    inbox.feed(sent)
    with pytest.raises(Nonsense):
        inbox.take()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just({"array": 0}),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["is", "name", "times", "values", "quantities", "start", "label", "person", "array"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["Curve", "Spans", "Boxes", "Features", "Fused"]))
@settings(max_examples=100, deadline=None)
def test_whatever_is_sent_is_a_track_or_refused(told: Any, name: str) -> None:
    if isinstance(told, dict):
        told = told | {"is": name}
    try:
        found = decode(json.loads(json.dumps(told)), AnyTrack, [np.zeros(1)])
    except Nonsense:
        return
    assert isinstance(found, AnyTrack)


def test_signs_cross_both_ways() -> None:
    one = Signs(shared_file())
    other = Signs(os.dup(one.fd))
    assert not other.cancelled
    one.cancelled = True
    before = one.life
    other.live()
    assert other.cancelled
    assert one.life != before
    one.close()
    other.close()


def test_nothing_in_the_host_can_unpickle() -> None:
    folder = Path(__file__).resolve().parents[4] / "core" / "mien" / "engine" / "isolation"
    for file in folder.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        for word in ("import pickle", "marshal", "multiprocessing", "eval(", "exec(", "allow_pickle"):
            assert word not in text, (file.name, word)
