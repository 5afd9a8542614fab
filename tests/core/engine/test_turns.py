"""Whose turn it is in a branch: what works in processes of its own is served first and waited for last; nothing is lost by it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mien.engine.backend import Backend
from mien.engine.branch import HEAD_START, UNFINISHED, Branch
from mien.engine.context import RunContext
from mien.engine.member import Sink
from mien.engine.plan import Node
from mien.media.pieces import AudioPiece
from mien.sdk.blocks import Block
from mien.sdk.descriptors import AnalyzerInfo, Writes
from mien.sdk.inputs import Audio, Input, Reads
from mien.sdk.media import MediaInfo
from mien.sdk.params import Params
from mien.tracks import Curve, Quantity

COUNT = Quantity("count", "", 0.0, 1e6)
RATE = 8000


class Speaks:
    """Says for each block what came; `own` ones say it at the end, as if processes answered late."""

    def __init__(self, info: AnalyzerInfo, said: list[tuple[str, str]], late: bool) -> None:
        self.id, self._said, self._late = info.id, said, late
        self.blocks: list[Block] = []

    def prepare(self, media: MediaInfo, params: Params, ctx: RunContext) -> None:
        self._said.append((self.id, "prepare"))
        self._ctx = ctx

    def process(self, block: Block) -> Iterable[Curve]:
        self._said.append((self.id, "process"))
        self.blocks.append(block)
        if self._late:
            self._ctx.progress(0.0)  # nothing is answered yet
        return () if self._late else (self._curve(block),)

    def finish(self) -> Iterator[Curve]:
        self._said.append((self.id, "finish"))
        for n, block in enumerate(self.blocks if self._late else ()):
            yield self._curve(block)
            self._ctx.progress((n + 1) / len(self.blocks))

    def close(self) -> None:
        pass

    def _curve(self, block: Block) -> Curve:
        return Curve(f"{self.id}.out", np.array([block.start]), [[1.0]], (COUNT,))


class Here:
    """A branch with voice → asked (own process) → reader, and a net that hears beside them."""

    def __init__(self, seconds: float) -> None:
        self.said: list[tuple[str, str]] = []
        self.made: dict[str, Speaks] = {}
        self.finished: list[str] = []
        self.told: dict[str, list[float]] = {}
        media = MediaInfo(Path("x"), duration=seconds, has_audio=True)
        sink = Sink(lambda *_: None, self._failed, lambda node, _: self.finished.append(node.id))
        nodes = (
            self._node("voice", Audio(RATE)),
            self._node("asked", Reads("voice.out"), own=True),
            self._node("net", Audio(RATE, window=1.0)),
            self._node("reader", Reads("asked.out")),
            self._node("again", Reads("reader.out")),
        )
        cpu = Backend("cpu", "float32", "CPU", 1)
        contexts = {
            n.id: RunContext(n.id, cpu, threading.Event(), on_progress=self.told.setdefault(n.id, []).append)
            for n in nodes
        }
        self.branch = Branch(nodes, media, contexts, {}, sink, self._build)
        self.branch.prepare()

    def hear(self, seconds: float, begin: float = 0.0) -> None:
        for n in range(round(2 * begin), round(2 * seconds)):
            self.branch.push(AudioPiece(n * 0.5, RATE, np.zeros((RATE // 2, 1), np.float32)))

    def _node(self, name: str, entry: Input, own: bool = False) -> Node:
        info = AnalyzerInfo(
            id=name, title=name, version="1", factory="tests:Speaks", params=Params, inputs=(entry,), own_process=own,
            outputs=(Writes(f"{name}.out", "curve", (COUNT,)),),
        )  # fmt: skip
        providers = {entry.track: entry.track.split(".")[0]} if isinstance(entry, Reads) else {}
        return Node(info, Params(), (entry,), providers, {}, "0" * 64, cached=False, skipped="")

    def _build(self, info: AnalyzerInfo) -> Speaks:
        self.made[info.id] = Speaks(info, self.said, late=info.own_process)
        return self.made[info.id]

    def _failed(self, node: Node, error: Exception) -> None:
        raise AssertionError(f"{node.id}: {error}")


def test_what_has_processes_of_its_own_is_given_work_before_the_rest_loads() -> None:
    here = Here(90.0)
    here.hear(HEAD_START - 5.0)
    assert len(here.made["asked"].blocks) > 1
    assert "net" not in here.made
    here.hear(HEAD_START + 10.0, begin=HEAD_START - 5.0)
    assert [b.start for b in here.made["net"].blocks] == [b.start for b in here.made["voice"].blocks]
    here.hear(90.0, begin=HEAD_START + 10.0)
    here.branch.finish()
    starts = np.concatenate([b.windows.starts for b in here.made["net"].blocks if b.windows is not None])
    assert starts.tolist() == np.arange(90.0).tolist()


@pytest.mark.parametrize("seconds", [0.5, 12.0, 90.0])
def test_the_answers_of_processes_are_waited_for_when_all_else_is_done(seconds: float) -> None:
    here = Here(seconds)
    here.hear(seconds)
    here.branch.finish()
    order = [name for name, what in here.said if what == "finish"]
    assert order == ["voice", "net", "asked", "reader", "again"]
    assert here.finished == order
    heard = [b.start for b in here.made["voice"].blocks]
    for name in ("asked.out", "reader.out"):
        reader = here.made["reader" if name == "asked.out" else "again"]
        got = [t for b in reader.blocks for piece in b.tracks[name] for t in piece.times.tolist()]
        assert len(got) == (len(heard) if name == "asked.out" else len(reader.blocks))
    assert sum(b.windows.starts.size for b in here.made["net"].blocks if b.windows is not None) == max(1, int(seconds))


def test_nobody_is_further_than_what_it_waits_for_and_nothing_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What works elsewhere has been given everything long before it has answered; who reads it stands where it does."""
    seconds = itertools.count(step=2)
    monkeypatch.setattr("mien.engine.branch.time.monotonic", lambda: next(seconds))
    here = Here(90.0)
    here.hear(90.0)
    assert {here.told[name][-1] for name in ("asked", "reader", "again")} == {0.0}
    here.branch.finish()
    assert all(told == sorted(told) and told[-1] == 1.0 for told in here.told.values())
    asked, *waiting = (here.told[name] for name in ("asked", "reader", "again"))
    assert len(asked) > 10
    for told in waiting:  # meanwhile they are told to go on
        assert len(told) >= 10
        assert set(told[:-1]) <= {*asked, UNFINISHED}


def test_who_tells_itself_how_far_it_is_is_believed() -> None:
    told: list[float] = []
    context = RunContext("x", Backend("cpu", "float32", "CPU", 1), threading.Event(), on_progress=told.append)
    context.progress(0.0)
    context.passed(0.9)  # the host has handed over so much
    context.progress(0.1)
    context.progress(0.05)
    context.finishing()
    context.progress(0.5)
    context.progress(2.0)
    assert told == [0.0, 0.1, 0.5, 1.0]


def test_a_finish_that_is_the_first_to_tell_goes_on_from_there() -> None:
    told: list[float] = []
    context = RunContext("x", Backend("cpu", "float32", "CPU", 1), threading.Event(), on_progress=told.append)
    context.passed(0.2)
    context.passed(0.8)
    context.finishing()
    for fraction in (0.0, 0.5, 1.0):
        context.progress(fraction)
    assert told == pytest.approx([0.2, 0.8, 0.9, 1.0])
