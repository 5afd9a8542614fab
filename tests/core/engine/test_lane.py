"""The queue in front of a branch: how far the decoder may run ahead of one that is slow."""

from __future__ import annotations

import threading
import time

import av
import numpy as np
import pytest

from mien.engine import lane
from mien.engine.lane import BranchThread
from mien.engine.share import Share
from mien.media.pieces import AudioPiece, FramePiece


class Held:
    """A branch that does not begin before it may, and remembers what it was given."""

    def __init__(self) -> None:
        self.may_begin = threading.Event()
        self.given: list[AudioPiece | FramePiece] = []
        self.closed = False

    def prepare(self) -> None:
        self.may_begin.wait()

    def wants(self, item: AudioPiece | FramePiece) -> bool:
        return True

    def push(self, item: AudioPiece | FramePiece) -> None:
        self.given.append(item)

    def finish(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def held():
    branch, cancel = Held(), threading.Event()
    thread = BranchThread(branch, cancel, Share(1, 1))
    thread.start()
    yield branch, thread, cancel
    branch.may_begin.set()
    thread.end()
    thread.join()
    assert branch.closed


def _frames(count: int, width: int, height: int) -> list[FramePiece]:
    picture = av.VideoFrame(width, height, "yuv420p")
    return [FramePiece(i / 30, picture) for i in range(count)]


def _put(thread: BranchThread, items: list[FramePiece] | list[AudioPiece]) -> tuple[threading.Thread, list[int]]:
    """Hand over in a thread of its own; (thread, how many were taken so far)."""
    taken: list[int] = []

    def work() -> None:
        for i, item in enumerate(items):
            thread.put(item)
            taken.append(i)

    putting = threading.Thread(target=work)
    putting.start()
    return putting, taken


def test_seconds_of_small_pictures_wait_while_a_branch_loads(held) -> None:
    branch, thread, _ = held
    frames = _frames(150, 512, 512)  # 5 s, in which a branch that hears gets its first block
    putting, taken = _put(thread, frames)
    putting.join(30)
    assert len(taken) == 150
    assert not branch.given
    branch.may_begin.set()
    thread.end()
    thread.join()
    assert branch.given == frames


@pytest.mark.parametrize(
    ("items", "most"),
    [
        (_frames(15, 3840, 2160), lane.ROOM // (3840 * 2160 * 3 // 2) + 1),
        (_frames(lane.PIECES + 5, 16, 16), lane.PIECES),
        ([AudioPiece(i * 60.0, 48_000, np.zeros((48_000 * 60, 2), np.float32)) for i in range(10)], 5),
    ],
    ids=["4K", "tiny", "sound"],
)
def test_what_waits_is_bounded_by_its_weight(held, items, most: int) -> None:
    branch, thread, cancel = held
    putting, taken = _put(thread, items)
    deadline = time.monotonic() + 30
    while len(taken) < most and time.monotonic() < deadline:
        time.sleep(0.01)
    putting.join(0.3)
    assert putting.is_alive()
    assert len(taken) == most
    cancel.set()  # whoever waits for room goes on
    putting.join(30)
    assert not putting.is_alive()
    assert not branch.given
