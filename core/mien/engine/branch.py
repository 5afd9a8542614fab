"""A branch: analyzers that depend on each other, fed with one stream of decoded sound and pictures, in one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import numpy as np

from mien.engine.backend import Backend, free_memory, is_out_of_memory
from mien.engine.check import check_piece
from mien.engine.context import RunContext
from mien.engine.feeds import CropFeed, FrameFeed, RateFeed, UtteranceFeed, WindowFeed
from mien.engine.plan import Node
from mien.engine.registry import create
from mien.errors import Cancelled, LibraryError, MienError, PluginError, StorageError
from mien.media.pieces import AudioPiece, FramePiece
from mien.sdk.blocks import Block
from mien.sdk.descriptors import AnalyzerInfo
from mien.sdk.inputs import Audio, Crops, Frames, Utterances
from mien.sdk.media import MediaInfo
from mien.tracks.track import AnyTrack, Boxes, Spans

AUDIO_BLOCK = 5.0
"""Seconds of sound per block."""
VIDEO_BLOCK = 4.0
"""Seconds of picture per block, unless its frames are many."""
VIDEO_FRAMES = 24
"""Frames per block: enough to batch, few enough to hold in memory."""


@dataclass
class Member:
    """One analyzer at work: its object, its feeds and its account."""

    node: Node
    context: RunContext
    analyzer: Any = None
    windows: list[tuple[Audio, WindowFeed]] = field(default_factory=list)
    chunks: list[Audio] = field(default_factory=list)
    utterances: list[tuple[Utterances, UtteranceFeed]] = field(default_factory=list)
    frames: list[FrameFeed] = field(default_factory=list)
    crops: list[CropFeed] = field(default_factory=list)
    inbox: dict[str, list[AnyTrack]] = field(default_factory=dict)
    failed: str = ""
    rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Sink:
    """Where a branch tells what happens. All are called from the branch's thread."""

    piece: Callable[[Node, AnyTrack], None]
    progress: Callable[[Node, float], None]
    failed: Callable[[Node, MienError | Exception], None]
    finished: Callable[[Node, Member], None]


class Branch:
    """Runs its members block by block.

    Args:
        nodes: in dependency order, all to be computed.
        stored: tracks of nodes that came from the library: they are released as the medium goes by.
        build: makes the object behind a descriptor; by default in this process.
    """

    def __init__(
        self,
        nodes: tuple[Node, ...],
        media: MediaInfo,
        contexts: Mapping[str, RunContext],
        stored: Mapping[str, AnyTrack],
        sink: Sink,
        build: Callable[[AnalyzerInfo], Any] = lambda info: create(info.factory),
    ) -> None:
        self.hears = any(n.hears for n in nodes) and media.has_audio
        self.sees = any(n.sees for n in nodes) and media.has_video
        self._media = media
        self._sink = sink
        self._build = build
        self._members = [Member(n, contexts[n.id]) for n in nodes]
        self._rates: dict[tuple[int, bool], RateFeed] = {}
        self._stored = {name: stored[name] for name in self._names_read() if name in stored}
        self._stored_times = {
            round(float(t), 4) for track in self._stored.values() if isinstance(track, Boxes) for t in track.times
        }
        self._released = dict.fromkeys(self._stored, 0)
        self._begin = 0.0  # start of the current block
        self._heard = self._seen = 0.0
        self._frames_waiting = 0

    def prepare(self) -> None:
        """Wire every member. Each is built when its first block is there, so that the first piece comes early; those that
        work in processes of their own are built at once, for these load while the others load their libraries."""
        for member in self._members:
            self._wire(member)
        for member in self._members:
            if member.node.info.own_process:
                self._guard(member, partial(self._prepare, member))

    def push(self, item: AudioPiece | FramePiece) -> None:
        """Take decoded sound or a decoded frame; computes when a block is full."""
        if isinstance(item, AudioPiece):
            for feed in self._rates.values():
                feed.push(item)
            self._heard = max(self._heard, item.start + item.samples.shape[0] / item.rate)
        else:
            self._offer(item)
            self._seen = max(self._seen, item.time)
        if self._full():
            self._flush(last=False)

    def finish(self) -> None:
        """Nothing more will come: compute the rest and finish every member in order."""
        for feed in self._rates.values():
            feed.finish()
        self._flush(last=True)

    def close(self) -> None:
        """Free every member; never raises."""
        for member in self._members:
            if member.analyzer is not None:
                try:
                    member.analyzer.close()
                except Exception:
                    member.context.log.exception("close failed")
                member.analyzer = None

    # -- wiring ------------------------------------------------------------------------------------------------

    def _names_read(self) -> set[str]:
        return {track for member in self._members for track in member.node.providers}

    def _wire(self, member: Member) -> None:
        for entry in member.node.inputs:
            if isinstance(entry, Audio) and self._media.has_audio:
                self._rates.setdefault((entry.rate, entry.mono), RateFeed(entry.rate, entry.mono))
                if entry.window is None:
                    member.chunks.append(entry)
                else:
                    member.windows.append((entry, WindowFeed(entry)))
            elif isinstance(entry, Utterances) and self._media.has_audio:
                self._rates.setdefault((entry.rate, True), RateFeed(entry.rate, True))
                member.utterances.append((entry, UtteranceFeed(entry.rate)))
            elif isinstance(entry, Frames) and self._media.has_video:
                member.frames.append(FrameFeed(entry))
            elif isinstance(entry, Crops) and self._media.has_video:
                member.crops.append(CropFeed(entry))

    def _prepare(self, member: Member) -> None:
        """Build a member and let it load, on the CPU where the GPU has no room for its weights."""
        member.analyzer = self._build(member.node.info)
        try:
            member.analyzer.prepare(self._media, member.node.params, member.context)
            return
        except Exception as error:
            if member.context.device == "cpu" or not is_out_of_memory(error):
                raise
        member.analyzer.close()
        _leave_gpu(member, "it ran on the CPU")
        self._prepare(member)

    # -- blocks ------------------------------------------------------------------------------------------------

    def _offer(self, frame: FramePiece) -> None:
        picked = False
        for member in self._members:
            for feed in member.frames:
                picked = feed.push(frame) or picked
        if picked or round(frame.time, 4) in self._stored_times:
            self._frames_waiting += 1
            for member in self._members:
                for crop in member.crops:
                    crop.push(frame)

    def _full(self) -> bool:
        if self.sees and (self._frames_waiting >= VIDEO_FRAMES or self._seen - self._begin >= VIDEO_BLOCK):
            return True
        return self.hears and self._heard - self._begin >= AUDIO_BLOCK

    def _flush(self, last: bool) -> None:
        end = max(self._heard if self.hears else 0.0, self._seen if self.sees else 0.0, self._begin)
        chunks = {key: feed.take() for key, feed in self._rates.items()}
        fresh: dict[str, list[AnyTrack]] = {}
        for name in self._stored:
            released = self._release(name, end, last)
            if released is not None:
                fresh.setdefault(name, []).append(released)
        for member in self._members:
            member.context.check_cancelled()
            broken = self._broken_provider(member)
            if broken and not member.failed:
                self._fail(member, PluginError(f"it reads what {broken} writes, which failed."))
            if member.failed:
                continue
            for name in member.node.providers:
                member.inbox.setdefault(name, []).extend(fresh.get(name, []))
            block = self._block(member, chunks, end, last)
            if block is not None:
                self._guard(member, partial(self._compute, member, block, fresh))
            while (pictures := next((f.take() for f in member.frames), None)) is not None:  # of another size
                another = Block(self._begin, end, frames=pictures)
                self._guard(member, partial(self._compute, member, another, fresh))
            if last and not member.failed:
                self._guard(member, partial(self._finish, member, fresh))
            elif not member.failed and self._media.duration:
                self._sink.progress(member.node, min(end / self._media.duration, 1.0))
        self._begin = end
        self._frames_waiting = 0

    def _release(self, name: str, end: float, last: bool) -> AnyTrack | None:
        """The rows of a stored track up to the end of this block that were not released before."""
        track = self._stored[name]
        first = self._released[name]
        stop = len(track) if last else int(np.searchsorted(track.onsets, end, side="right"))
        if stop <= first:
            return None
        self._released[name] = stop
        return track.take(slice(first, stop))

    def _broken_provider(self, member: Member) -> str:
        required = {r.track for r in member.node.info.reads_for(member.node.params) if not r.optional}
        for track, provider in member.node.providers.items():
            if track in required and any(m.node.id == provider and m.failed for m in self._members):
                return provider
        return ""

    def _block(self, member: Member, chunks: Mapping[Any, Any], end: float, last: bool) -> Block | None:
        new = {name: tuple(pieces) for name, pieces in member.inbox.items() if pieces}
        audio = next((chunks.get((a.rate, a.mono)) for a in member.chunks), None)
        windows = None
        for spec, feed in member.windows:
            windows = feed.push(chunks.get((spec.rate, spec.mono)), last)
        utterances: tuple[Any, ...] = ()
        for cut, source in member.utterances:
            spans = [p for p in new.get(cut.track, ()) if isinstance(p, Spans)]
            utterances = source.push(chunks.get((cut.rate, True)), spans, last)
        frames = next((f.take() for f in member.frames), None)
        crops = None
        for feed_ in member.crops:
            crops = feed_.take([p for p in new.get(feed_.spec.track, ()) if isinstance(p, Boxes)])
        member.inbox = {}
        if not (new or utterances) and audio is None and windows is None and frames is None and crops is None:
            return None
        return Block(self._begin, end, audio, windows, utterances, frames, crops, new)

    def _compute(self, member: Member, block: Block, fresh: dict[str, list[AnyTrack]]) -> None:
        if member.analyzer is None:
            self._prepare(member)
        self._publish(member, self._parts(member, block), fresh)

    def _parts(self, member: Member, block: Block) -> list[AnyTrack]:
        """What the member says to a block. Out of GPU memory: the block in halves, then on the CPU."""
        try:
            return list(member.analyzer.process(block))
        except Exception as error:
            if member.context.device == "cpu" or not is_out_of_memory(error):
                raise
            free_memory()
        halves = split(block)
        if halves is not None:
            member.context.note(f"{member.context.device} ran out of memory; smaller batches were used.")
            return [piece for half in halves for piece in self._parts(member, half)]
        _leave_gpu(member, "the rest ran on the CPU")
        if hasattr(member.analyzer, "move"):
            member.analyzer.move("cpu")
        else:
            member.analyzer.close()
            self._prepare(member)
        free_memory()
        return list(member.analyzer.process(block))

    def _finish(self, member: Member, fresh: dict[str, list[AnyTrack]]) -> None:
        if member.analyzer is None and (member.node.info.uses_cues or not member.node.inputs):
            self._prepare(member)  # it has something to say without a single block
        if member.analyzer is not None:
            self._publish(member, self._rest(member), fresh)
        self._sink.progress(member.node, 1.0)
        self._sink.finished(member.node, member)

    def _rest(self, member: Member) -> Iterable[object]:
        """What the member says at the end. Out of GPU memory before its first word: on the CPU, if it can move."""
        said = False
        try:
            for piece in member.analyzer.finish():
                said = True
                yield piece
            return
        except Exception as error:
            movable = hasattr(member.analyzer, "move") and member.context.device != "cpu"
            if said or not movable or not is_out_of_memory(error):
                raise
        _leave_gpu(member, "the rest ran on the CPU")
        member.analyzer.move("cpu")
        free_memory()
        yield from member.analyzer.finish()

    def _publish(self, member: Member, pieces: Iterable[object], fresh: dict[str, list[AnyTrack]]) -> None:
        """Check pieces, join those of one track (each costs a transaction) and hand them on, at least every second."""
        checked: dict[str, list[AnyTrack]] = {}
        told = time.monotonic()
        for piece in pieces:
            good = check_piece(member.node.info, piece, self._length())
            if len(good):
                checked.setdefault(good.name, []).append(good)
            if time.monotonic() - told > 1.0:
                self._hand_on(member, checked, fresh)
                checked, told = {}, time.monotonic()
        self._hand_on(member, checked, fresh)

    def _length(self) -> float | None:
        """s of the medium: what it announces, or more where more of it was decoded or read before."""
        if self._media.duration is None:
            return None
        stored = (track.extent[1] for track in self._stored.values() if len(track))
        return max(self._media.duration, self._heard, self._seen, *stored)

    def _hand_on(self, member: Member, checked: Mapping[str, list[AnyTrack]], fresh: dict[str, list[AnyTrack]]) -> None:
        for name, parts in checked.items():
            joined = type(parts[0]).concat(cast(Any, parts))
            member.rows += len(joined)
            fresh.setdefault(name, []).append(joined)
            self._sink.piece(member.node, joined)

    # -- faults ------------------------------------------------------------------------------------------------

    def _guard(self, member: Member, action: Callable[[], None]) -> None:
        """Run one step of one member. Its failure is its own; a cancel and a full disk concern the whole run."""
        begun = time.perf_counter()
        try:
            action()
        except (Cancelled, LibraryError, StorageError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises fails that plugin alone
            self._fail(member, error)
        finally:
            member.seconds += time.perf_counter() - begun

    def _fail(self, member: Member, error: Exception) -> None:
        member.failed = str(error) or type(error).__name__
        # Nobody takes from its feeds any more: pictures that were picked for it would pile up to the medium's end.
        member.windows, member.utterances, member.frames, member.crops = [], [], [], []
        self._sink.failed(member.node, error)


def _leave_gpu(member: Member, how: str) -> None:
    """From now on the member computes on the CPU, and its run says so."""
    member.context.note(f"{member.context.device} ran out of memory; {how}.")
    member.context.backend = Backend("cpu", "float32", "CPU", member.context.backend.threads)
    free_memory()


def split(block: Block) -> tuple[Block, Block] | None:
    """A block as two of half the batch, or None when nothing in it can be halved. Sound without windows stays whole."""
    sizes = {
        "windows": 0 if block.windows is None else block.windows.starts.size,
        "frames": 0 if block.frames is None else block.frames.times.size,
        "crops": 0 if block.crops is None else block.crops.times.size,
        "utterances": len(block.utterances),
    }
    if max(sizes.values()) < 2:
        return None
    halves = []
    for first in (True, False):
        changes: dict[str, Any] = {} if first else {"audio": None, "tracks": {}}
        for name, size in sizes.items():
            rows = slice(0, size // 2) if first else slice(size // 2, size)
            part = getattr(block, name)
            if size == 0:
                continue
            if name == "utterances":
                changes[name] = part[rows]
            elif rows.stop == rows.start:
                changes[name] = None
            else:
                changes[name] = _rows(part, rows)
        halves.append(replace(block, **changes))
    return halves[0], halves[1]


def _rows(batch: Any, rows: slice) -> Any:
    changes = {name: value[rows] for name in batch.__slots__ if isinstance(value := getattr(batch, name), np.ndarray)}
    return replace(cast(Any, batch), **changes)
