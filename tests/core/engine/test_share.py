"""The CPU's threads among branches: equal shares, and what one that has ended had is not left idle."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mien.engine.lane import BranchThread
from mien.engine.share import Share
from mien.media.pieces import AudioPiece


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("threads", "branches", "sizes"), [(2, 2, [1, 2]), (8, 3, [2, 4, 8]), (1, 2, [1, 1])])
def test_the_share_of_one_that_ended_goes_to_the_others(threads: int, branches: int, sizes: list[int]) -> None:
    share = Share(threads, branches)
    for size in sizes:
        assert share.size == size
        share.leave()
    assert share.size == threads


def test_the_thread_that_goes_on_computes_with_more() -> None:
    import torch

    class Computes:
        """A branch that ends when it may, and knows with how many threads it computed."""

        def __init__(self) -> None:
            self.may_end = threading.Event()
            self.used: list[int] = []

        def prepare(self) -> None:
            pass

        def push(self, _: object) -> None:
            self.used.append(torch.get_num_threads())

        def wants(self, _: object) -> bool:
            return True

        def finish(self) -> None:
            self.may_end.wait(60)
            self.used.append(torch.get_num_threads())

        def close(self) -> None:
            pass

    share = Share(4, 2)
    first, second = Computes(), Computes()
    lanes = [BranchThread(branch, threading.Event(), share) for branch in (first, second)]  # type: ignore[arg-type]
    for lane in lanes:
        lane.start()
    second.may_end.set()
    lanes[1].end()
    lanes[1].join()
    lanes[0].put(AudioPiece(0.0, 8000, np.zeros((8, 1), np.float32)))
    first.may_end.set()
    lanes[0].end()
    lanes[0].join()
    assert second.used == [2]
    assert first.used == [4, 4]


def test_a_thread_that_begins_later_has_the_first_share() -> None:
    import torch

    Share(4, 2)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 2
