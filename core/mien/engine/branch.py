"""A branch: analyzers that depend on each other, fed with one stream of decoded sound and pictures, in one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np

from mien.engine.backend import Backend, free_memory, is_out_of_memory
from mien.engine.check import check_piece
from mien.engine.context import RunContext
from mien.engine.feeds import CropFeed, FrameFeed, RateFeed, Ticker, UtteranceFeed, WindowFeed
from mien.engine.halves import split
from mien.engine.member import Member, Sink
from mien.engine.plan import Node, early_of, readers_of
from mien.engine.registry import create
from mien.errors import Cancelled, LibraryError, PluginError, StorageError
from mien.media.pieces import AudioPiece, FramePiece
from mien.models.hold import let_go
from mien.sdk.blocks import AudioChunk, Block
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
HEAD_START = 15.0
"""Seconds of sound that go to what works in processes of its own before the rest of a branch loads its libraries: work for
as long as that takes."""

UNFINISHED = 0.99
"""How far a member is at most that has had everything and has not finished."""


@dataclass
class _Round:
    """One block of the medium on its way through the members.

    fresh: track → what its writer, or the library, has said in this round.
    """

    begin: float
    end: float
    last: bool
    chunks: Mapping[tuple[int, bool], AudioChunk | None]
    fresh: dict[str, list[AnyTrack]] = field(default_factory=dict)


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
        self._tickers = [Ticker(spec.rate) for n in nodes for spec in n.inputs if isinstance(spec, Frames)]
        own = {n.id for n in nodes if n.info.own_process}
        self._early = early_of(nodes)
        self._after = readers_of(nodes, own)
        self._ends_late = own - self._after
        self._head_start = HEAD_START if own and not self.sees else 0.0
        self._rounds: list[_Round] = []  # that the members behind the early ones have not had

    def prepare(self) -> None:
        """Wire every member. Each is built when its first block is there, so that the first piece comes early; those that
        work in processes of their own are built at once, for these load while the others load their libraries."""
        for member in self._members:
            self._wire(member)
        for member in self._members:
            if member.node.info.own_process:
                self._guard(member, partial(self._prepare, member))

    def wants(self, item: AudioPiece | FramePiece) -> bool:
        """Whether a member will make use of the next piece of the medium; to be asked of each, in order, by one thread."""
        if isinstance(item, AudioPiece):
            return self.hears
        picked = [ticker.picks(item.time) for ticker in self._tickers]
        return self.sees and (any(picked) or round(item.time, 4) in self._stored_times)

    def push(self, item: AudioPiece | FramePiece) -> None:
        """Take decoded sound or a decoded frame; computes when a block is full. Pieces that it does not want may be left out."""
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
        this = _Round(self._begin, end, last, {key: feed.take() for key, feed in self._rates.items()})
        for name in self._stored:
            released = self._release(name, end, last)
            if released is not None:
                this.fresh.setdefault(name, []).append(released)
        self._begin = end
        self._frames_waiting = 0
        self._rounds.append(this)
        for member in self._members:
            if member.node.id in self._early and not (last and member.node.id in self._after):
                self._turn(member, this, ends=member.node.id not in self._ends_late)
        if not last and end < self._head_start:
            return
        self._head_start = 0.0
        for each in self._rounds:
            for member in self._members:
                if member.node.id not in self._early and not (last and member.node.id in self._after):
                    self._turn(member, each)
        if last:
            self._end_late()
        self._rounds = []

    def _end_late(self) -> None:
        """End what works in processes of its own, and then its readers: by now nothing else is left to do meanwhile."""
        for member in self._members:
            if member.node.id in self._ends_late:
                self._end(member, self._rounds[-1])
            elif member.node.id in self._after:
                for each in self._rounds if member.node.id not in self._early else self._rounds[-1:]:
                    self._turn(member, each)

    def _turn(self, member: Member, this: _Round, ends: bool = True) -> None:
        """One member's turn in a round. ends: in the last one, let it finish too."""
        member.context.check_cancelled()
        broken = self._broken_provider(member)
        if broken and not member.failed:
            self._fail(member, PluginError(f"it reads what {broken} writes, which failed."))
        if member.failed:
            return
        for name in member.node.providers:
            member.inbox.setdefault(name, []).extend(this.fresh.get(name, []))
        block = self._block(member, this)
        if block is not None:
            self._guard(member, partial(self._compute, member, block, this.fresh))
        while (pictures := next((f.take() for f in member.frames), None)) is not None:  # of another size
            another = Block(this.begin, this.end, frames=pictures)
            self._guard(member, partial(self._compute, member, another, this.fresh))
        if this.last and ends:
            self._end(member, this)
        elif not this.last:
            self._tell(member, this.end)

    def _tell(self, member: Member, end: float) -> None:
        """Say how far a member is that has had everything up to `end`: no further than those whose readings it waits for."""
        if self._media.duration and not member.failed:
            read = set(member.node.providers.values())
            others = (m.context.reached for m in self._members if m.node.id in read and not m.failed)
            member.context.passed(min(end / self._media.duration, *others, UNFINISHED))

    def _end(self, member: Member, this: _Round) -> None:
        member.context.check_cancelled()
        if not member.failed:
            self._guard(member, partial(self._finish, member, this.fresh))

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

    def _block(self, member: Member, this: _Round) -> Block | None:
        chunks, last = this.chunks, this.last
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
        return Block(this.begin, this.end, audio, windows, utterances, frames, crops, new)

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
        member.context.progress(1.0)
        self._sink.finished(member.node, member)

    def _rest(self, member: Member) -> Iterable[object]:
        """What the member says at the end. Out of GPU memory before its first word: on the CPU, if it can move."""
        said = False
        member.context.finishing()
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
                self._tell_readers(member)
                checked, told = {}, time.monotonic()
        self._hand_on(member, checked, fresh)

    def _tell_readers(self, member: Member) -> None:
        """Those that wait for a member with processes of its own are as far as it is."""
        if member.node.id in self._ends_late:
            for other in self._members:
                if other.node.id in self._after:
                    self._tell(other, self._begin)

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
    let_go()
    member.context.note(f"{member.context.device} ran out of memory; {how}.")
    member.context.backend = Backend("cpu", "float32", "CPU", member.context.backend.threads)
    free_memory()
