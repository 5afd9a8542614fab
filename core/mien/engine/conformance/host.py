"""One plugin over one made medium: conditioned, run and checked by the same code as a real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mien.engine.backend import Backend
from mien.engine.branch import Branch
from mien.engine.context import RunContext
from mien.engine.fuse import FusionPlan, fuse
from mien.engine.member import Sink
from mien.engine.plan import Node
from mien.engine.registry import Registry
from mien.errors import Cancelled
from mien.media.pieces import AudioPiece, FramePiece
from mien.sdk.conformance.material import RATE, Material, make_track
from mien.sdk.descriptors import AnalyzerInfo, FusionInfo, Writes
from mien.sdk.fusion import FusionParams
from mien.sdk.inputs import Audio, Crops, Frames, Utterances
from mien.sdk.params import Params
from mien.tracks.track import AnyTrack

_CPU = Backend("cpu", "float32", "CPU", 1)


@dataclass
class Outcome:
    """What came of a run.

    Attributes:
        tracks: name → whole track.
        error: what it raised, or what the host refused; None when all went well.
        applies: whether the medium had what the plugin needs.
        late: pieces that began before the one handed over before them.
        finished: whether it came to its end.
    """

    tracks: dict[str, AnyTrack] = field(default_factory=dict)
    error: Exception | None = None
    applies: bool = True
    late: int = 0
    finished: bool = False


class AnalyzerHost:
    """Runs one analyzer.

    Args:
        registry: says what the tracks that it reads are like.
    """

    def __init__(self, info: AnalyzerInfo, registry: Registry) -> None:
        self.info = info
        self._written = writers(registry)

    def run(
        self,
        material: Material,
        params: Params | None = None,
        cancel: threading.Event | None = None,
        heard: Callable[[float], None] | None = None,
    ) -> Outcome:
        """One run; `heard` is called with the time that was reached, about once a second of the medium."""
        params = self.info.params() if params is None else params
        media = material.media()
        inputs = self.info.inputs_for(params)
        outcome = Outcome()
        if (not media.has_audio and any(isinstance(i, Audio | Utterances) for i in inputs)) or (
            not media.has_video and any(isinstance(i, Frames | Crops) for i in inputs)
        ):
            outcome.applies = False
            return outcome
        stored, providers = {}, {}
        for read in self.info.reads_for(params):
            written = self._written.get(read.track)
            track = None if written is None else make_track(written[1], material)
            providers[read.track] = "conformance"
            if track is not None and len(track):
                stored[read.track] = track
        node = Node(self.info, params, inputs, providers, {}, "conformance", False, "")
        stop = cancel or threading.Event()
        context = RunContext(self.info.id, _CPU, stop, 0, self.info.models, self.info.optional_models)
        pieces: dict[str, list[AnyTrack]] = {}

        def take(_: Node, piece: AnyTrack) -> None:
            before = pieces.setdefault(piece.name, [])
            outcome.late += bool(before) and piece.onsets[0] < before[-1].onsets[0]
            before.append(piece)

        def failed(_: Node, error: Exception) -> None:
            outcome.error = outcome.error or error

        def finished(*_: Any) -> None:
            outcome.finished = True

        branch = Branch((node,), media, {self.info.id: context}, stored, Sink(take, failed, finished))
        try:
            branch.prepare()
            for item in _decoded(material):
                context.check_cancelled()
                branch.push(item)
                if heard is not None and isinstance(item, AudioPiece):
                    heard(item.end)
            branch.finish()
        except Cancelled as error:
            outcome.error = error
        finally:
            branch.close()
        outcome.tracks = {name: type(parts[0]).concat(parts) for name, parts in pieces.items()}  # type: ignore[arg-type]
        return outcome


class FusionHost:
    """Runs one fusion over made tracks. Vectors are left out: no descriptor says how long they are."""

    def __init__(self, info: FusionInfo, registry: Registry) -> None:
        self.info = info
        known = writers(registry)
        self.accepts = {
            n: known[n] for n in info.accepts if n in known and known[n][1].kind not in ("features", "boxes")
        }
        self.unknown = tuple(n for n in info.accepts if n not in known)

    def run(
        self,
        material: Material,
        params: Params | None = None,
        only: tuple[str, ...] | None = None,
        cancel: threading.Event | None = None,
    ) -> Outcome:
        """One run over all that it accepts, or over some of it."""
        filled = self.info.params() if params is None else params
        assert isinstance(filled, FusionParams)
        reads, tracks = {}, {}
        for name, (writer, written) in self.accepts.items():
            values = writer.params()
            reads[name] = Node(writer, values, writer.inputs_for(values), {}, {}, "conformance", False, "")
            track = make_track(written, material) if only is None or name in only else None
            if track is not None:
                tracks[name] = track
        context = RunContext(self.info.id, _CPU, cancel or threading.Event(), 0, self.info.models)
        outcome = Outcome()
        try:
            plan = FusionPlan(self.info, filled, reads, {}, "conformance")
            outcome.tracks = {t.name: t for t in fuse(plan, tracks, material.duration, context)}
            outcome.finished = True
        except Exception as error:  # noqa: BLE001 - whatever it raises is what the kit looks for
            outcome.error = error
        return outcome


def writers(registry: Registry) -> Mapping[str, tuple[AnalyzerInfo, Writes]]:
    """Track → the analyzer that writes it, and what it says of it."""
    return {w.name: (info, w) for info in registry.analyzers.values() for w in info.outputs}


def same(one: Outcome, other: Outcome) -> float:
    """The largest difference between two runs' readings: 0 for the same bits, infinite where they cannot be compared."""
    if set(one.tracks) != set(other.tracks):
        return float("inf")
    worst = 0.0
    for name, track in one.tracks.items():
        twin = other.tracks[name]
        if len(track) != len(twin) or type(track) is not type(twin):
            return float("inf")
        for column in track._columns():
            mine, its = getattr(track, column), getattr(twin, column)
            if isinstance(mine, np.ndarray):
                if mine.shape != its.shape or (np.isnan(mine) != np.isnan(its)).any():
                    return float("inf")
                worst = max(worst, float(np.abs(np.nan_to_num(mine) - np.nan_to_num(its)).max(initial=0.0)))
            elif mine != its:
                return float("inf")
    return worst


def _decoded(material: Material) -> Any:
    """Sound and pictures as decoding would hand them out, in order of time."""
    import av

    images = material.images()
    waiting = next(images, None)
    for start, samples in material.chunks():
        while waiting is not None and waiting[0] <= start:
            yield FramePiece(waiting[0], av.VideoFrame.from_ndarray(waiting[1], format="rgb24"), duration=0.2)
            waiting = next(images, None)
        yield AudioPiece(start, RATE, samples[:, None], "mono")
    while waiting is not None:
        yield FramePiece(waiting[0], av.VideoFrame.from_ndarray(waiting[1], format="rgb24"), duration=0.2)
        waiting = next(images, None)
