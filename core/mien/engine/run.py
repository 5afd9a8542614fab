"""Analyses one medium: probe → plan → one decode through all branches → fuse. Runs in the worker process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from mien.engine.backend import Backend, select
from mien.engine.branch import Branch
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.events import Done, Event, Failed, Finished, Piece, PlannedPlugin, Progress, Started
from mien.engine.fuse import VERDICTS, FusionPlan, fuse, plan_fusion
from mien.engine.heap import Heap
from mien.engine.isolation.choose import Builder
from mien.engine.lane import BranchThread
from mien.engine.member import Member, Sink
from mien.engine.plan import WITHOUT, Node, Plan, lasts, make_plan
from mien.engine.registry import Registry
from mien.engine.results import AUDIO_STREAM
from mien.engine.share import Share
from mien.errors import Cancelled, LibraryError, MienError, NotMedia, StorageError, shown
from mien.library.library import Library
from mien.library.rows import Run
from mien.library.writer import RunWriter
from mien.media.decode import Decoder
from mien.media.medium import Medium
from mien.media.pieces import AudioPiece, FramePiece
from mien.media.probe import extent, probe
from mien.media.subtitles import find_cues
from mien.sdk.media import MediaInfo
from mien.tracks.track import AnyTrack

_log = logging.getLogger(__name__)
Emit = Callable[[Event], None]
# Streams end up to so many s after what the file announces without being called longer.
_SLACK = 0.5


@dataclass
class _Job:
    """One medium on its way through: what is known and what happened so far."""

    medium: Medium
    media: MediaInfo
    medium_id: str
    plan: Plan
    backend: Backend
    library: Library
    registry: Registry
    choice: Choice
    emit: Emit
    cancel: threading.Event
    writers: dict[str, RunWriter]
    failed: dict[str, str]
    partial: str = ""
    reached: float = 0.0
    without: dict[str, str] = field(default_factory=dict)
    """Analyzer -> why its readings lack something that another one should have told it."""
    lock: threading.Lock = field(default_factory=threading.Lock)


def analyze_medium(
    path: Path, choice: Choice, registry: Registry, library: Library, emit: Emit, cancel: threading.Event
) -> Done:
    """Analyse one medium; events go to `emit`, pieces to the library as they come.

    Raises:
        MienError: the medium, a name, a parameter, the device, a model or the library; nothing was added to the library.
        Cancelled: `cancel` was set.
    """
    begun = time.perf_counter()
    choice = choice.checked(registry)
    backend = select(choice.device, choice.precision, choice.threads)
    medium, media = open_medium(path, choice)
    medium_id = medium.content_id()
    library.recover()  # what a full disk left of another try must not be taken for its results
    known, since = library.find_medium(medium_id), time.time()

    def is_cached(key: str) -> bool:
        return known is not None and _lasting(library, known.id, key) is not None

    plan = make_plan(choice, registry, media, medium_id, is_cached)
    job = _Job(medium, media, medium_id, plan, backend, library, registry, choice, emit, cancel, {}, {})
    if known is not None and known.duration:  # it may have proved longer than it announces
        job.reached = known.duration
    fusion = plan_fusion(choice, registry, plan, {})
    emit(Started(medium_id, media, _planned(plan, fusion), medium.problems, f"{backend.name} ({backend.precision})"))
    try:
        _compute(job)
        _fuse(job)
    except MienError as error:
        _abandon(job, error, since, forget=known is None)
        raise
    runs = {n.id: n.key for n in plan.nodes if not n.skipped and n.id not in job.failed}
    duration = _length(job)
    done = Done(medium_id, runs, dict(job.failed), job.partial, duration, time.perf_counter() - begun)
    emit(done)
    return done


def open_medium(path: Path, choice: Choice) -> tuple[Medium, MediaInfo]:
    """Probe a file and its subtitles; raises MediaError. What is wrong with the subtitles joins the medium's problems."""
    medium = probe(path)
    medium.check()
    duration = medium.duration if medium.duration is not None else extent(path)
    notes: list[str] = []
    cues, source = find_cues(replace(medium, duration=duration), notes)
    medium = replace(medium, problems=(*medium.problems, *notes))
    return medium, medium.info(choice.audio_stream, cues=cues, cue_source=source, duration=duration)


def _planned(plan: Plan, fusion: FusionPlan | None) -> tuple[PlannedPlugin, ...]:
    nodes = [
        PlannedPlugin(n.id, n.info.title, "skipped" if n.skipped else "cached" if n.cached else "run", n.skipped)
        for n in plan.nodes
    ]
    return tuple(nodes) if fusion is None else (*nodes, PlannedPlugin(fusion.info.id, fusion.info.title, "run"))


# -- analyzers -------------------------------------------------------------------------------------------------------


def _compute(job: _Job) -> None:
    """Run every branch of the plan over one decode."""
    branches = job.plan.branches()
    if not branches:
        known = job.library.find_medium(job.medium_id)
        if known is None:  # nothing is stored of it, and nothing applies
            reasons = "; ".join(sorted({n.skipped for n in job.plan.nodes if n.skipped}))
            said = f"None of the chosen plugins can read this medium ({reasons}); choose others"
            raise NotMedia(f"{said}: {shown(job.medium.path)}")
        # It may have been moved, or be a copy: from now on it is known at this place, too.
        job.library.add_medium(replace(job.medium, duration=_length(job)), job.medium_id)
        _reuse(job)
        job.partial = _partial_of_cached(job)
        return
    hears = job.media.has_audio and any(n.hears for nodes in branches for n in nodes)
    sees = job.media.has_video and any(n.sees for nodes in branches for n in nodes)
    items: Iterator[AudioPiece | FramePiece] = iter(())
    decoder = None
    if hears or sees:
        sound = job.medium.choose_audio(job.choice.audio_stream) if hears else None
        decoder = Decoder(job.medium, audio=sound.index if sound else None, video=sees)
        items = iter(decoder)
        # Nothing is entered into the library before something of the medium could really be read.
        first = next(items, None)
        if first is None:
            raise NotMedia(f"Nothing in the file could be decoded; get another copy: {shown(job.medium.path)}")
        items = chain([first], items)
    job.library.add_medium(replace(job.medium, duration=job.media.duration), job.medium_id)
    _reuse(job)
    job.partial = _partial_of_cached(job)
    stored = _stored(job, branches)
    share = Share(job.backend.threads, len(branches))
    lanes = []
    build = Builder(job.registry)
    for nodes in branches:
        build.warm(nodes)
        contexts = {n.id: _begin(job, n, share.size) for n in nodes}
        lanes.append(BranchThread(Branch(nodes, job.media, contexts, stored, _sink(job), build), job.cancel, share))
    _feed(job, items, lanes, decoder)
    length = _length(job)
    if job.media.duration is not None and length > job.media.duration:
        job.library.add_medium(replace(job.medium, duration=length), job.medium_id)


def _lasting(library: Library, medium: str, key: str) -> Run | None:
    """The complete run with a key, unless it lacks what a plugin that failed then may be able to tell now."""
    run = library.find_run(medium, key)
    return run if run is not None and lasts(run.reason) else None


def _lacks(job: _Job, providers: Iterable[str]) -> str:
    """What readings lack whose providers failed, or lack something themselves; empty when they have it all."""
    asked = sorted(set(providers))  # looked up one by one: other branches may be adding to both
    if missing := [p for p in asked if p in job.failed]:
        return f"{WITHOUT}{', '.join(missing)}, which failed"
    return next((job.without[p] for p in asked if p in job.without), "")


def _partial_of_cached(job: _Job) -> str:
    """What earlier runs that are taken from the library could not read; what reads their tracks lacks it as well."""
    runs = [job.library.find_run(job.medium_id, n.key) for n in job.plan.nodes if n.cached]
    return next((r.reason for r in runs if r is not None and r.partial), "")


def _feed(
    job: _Job,
    items: Iterable[AudioPiece | FramePiece],
    lanes: list[BranchThread],
    decoder: Decoder | None,
) -> None:
    """Hand what is decoded to the branches until all have finished; the first fault of the whole run is raised."""
    for lane in lanes:
        lane.start()
    heap = Heap()
    try:
        for item in items:
            heap.tidy()
            if any(lane.fault for lane in lanes):
                job.cancel.set()  # the others have not had all of the medium: their runs must not count as complete
            if job.cancel.is_set():
                break
            job.reached = max(job.reached, item.end if isinstance(item, AudioPiece) else item.time + item.duration)
            for lane in lanes:
                lane.put(item)
        if decoder is not None and decoder.partial:
            lost = [str(d) for d in decoder.damage if d.lost]
            before = [job.partial] if job.partial else []
            job.partial = "; ".join([*before, *(one for one in lost if one not in job.partial)])[:2000]
    except BaseException:
        job.cancel.set()
        raise
    finally:
        for lane in lanes:
            lane.end()
        for lane in lanes:
            lane.join()
        if decoder is not None:
            decoder.close()
    faults = [lane.fault for lane in lanes if lane.fault is not None]
    if faults:
        raise next((fault for fault in faults if not isinstance(fault, Cancelled)), faults[0])
    if job.cancel.is_set():
        raise Cancelled("The analysis was cancelled.")


def _length(job: _Job, tracks: Mapping[str, AnyTrack] | None = None) -> float:
    """s of the medium: what it announces, or more where more of it was decoded or stands in `tracks`.

    Streams may end a little after what the file says without being longer; that is not counted.
    """
    announced = job.media.duration
    ends = [job.reached, *(track.extent[1] for track in (tracks or {}).values() if len(track))]
    if announced is not None and max(ends) <= announced + max(_SLACK, 0.01 * announced):
        return announced
    return max(ends)


def _begin(job: _Job, node: Node, threads: int) -> RunContext:
    writer = job.library.begin_run(
        job.medium_id,
        key=node.key,
        analyzer=node.id,
        version=node.info.version,
        params=node.params.model_dump(mode="json"),
        models=node.models,
        device=job.backend.device,
        precision=job.backend.precision,
        outputs=node.info.outputs_for(node.params),
        details=_heard(job, node),
    )
    job.writers[node.id] = writer
    return RunContext(
        plugin=node.id,
        backend=job.backend,
        cancel=job.cancel,
        seed=int(node.key[:8], 16),
        models=node.info.models,
        optional_models=node.info.optional_models,
        on_progress=lambda fraction: job.emit(Progress(node.id, fraction)),
        on_note=writer.note,
        threads=threads,
    )


def _heard(job: _Job, node: Node) -> dict[str, int]:
    """The number of the stream whose sound an analyzer gets, for the provenance of its tracks."""
    sound = job.medium.choose_audio(job.choice.audio_stream) if node.hears else None
    return {} if sound is None else {AUDIO_STREAM: sound.index}


def _sink(job: _Job) -> Sink:
    def piece(node: Node, track: AnyTrack) -> None:
        job.writers[node.id].write(track)
        job.emit(Piece(node.id, track))

    def failed(node: Node, error: Exception) -> None:
        reason = _reason(node.id, error)
        _log.error("%s failed", node.id, exc_info=error)
        with job.lock:
            job.failed[node.id] = reason
        job.writers[node.id].fail(reason)
        job.emit(Failed(node.id, reason))

    def finished(node: Node, member: Member) -> None:
        writer = job.writers[node.id]
        context = member.context
        if (on := context.computed_on) != (job.backend.device, job.backend.precision):
            writer.used(device=on[0], precision=on[1])
        if job.cancel.is_set():
            raise Cancelled("The analysis was cancelled.")
        lacks = _lacks(job, node.providers.values())
        if lacks:
            job.without[node.id] = lacks
        writer.complete("; ".join(filter(None, (job.partial, lacks))) or None)
        job.emit(Finished(node.id, member.rows, member.seconds, tuple(context.notes)))

    return Sink(piece, failed, finished)


def _reason(plugin: str, error: Exception) -> str:
    """One sentence on why a plugin failed; what is not one of our errors is told with its type."""
    text = " ".join(str(error).split())
    if isinstance(error, MienError):
        return text
    return f"{plugin} failed with {type(error).__name__}{': ' + text[:300] if text else ''}; details are in the log."


def _stored(job: _Job, branches: list[tuple[Node, ...]]) -> Mapping[str, AnyTrack]:
    """Tracks from the library that nodes to be computed read."""
    wanted: dict[str, str] = {}
    for node in chain.from_iterable(branches):
        for track, provider in node.providers.items():
            if job.plan.node(provider).cached:
                wanted[track] = provider
    found = {}
    for track, provider in wanted.items():
        run = job.library.find_run(job.medium_id, job.plan.node(provider).key)
        if run is not None and track in (tracks := job.library.tracks(run)):
            found[track] = tracks[track]
    return found


def _reuse(job: _Job) -> None:
    for node in job.plan.nodes:
        run = job.library.find_run(job.medium_id, node.key) if node.cached else None
        if run is not None:
            job.library.reuse(run)


# -- fusion ----------------------------------------------------------------------------------------------------------


def _fuse(job: _Job) -> None:
    """Run the chosen fusion over what the analyzers wrote; its failure leaves their readings alone."""
    fusion = plan_fusion(job.choice, job.registry, job.plan, job.failed)
    if fusion is None or not fusion.reads:
        return
    cached = _lasting(job.library, job.medium_id, fusion.key)
    if cached is not None:
        job.library.reuse(cached)
        job.emit(Finished(fusion.info.id, 0, 0.0, cached.notes))
        return
    begun = time.perf_counter()
    writer = job.library.begin_run(
        job.medium_id,
        key=fusion.key,
        analyzer=fusion.info.id,
        version=fusion.info.version,
        params=fusion.params.model_dump(mode="json"),
        models=fusion.models,
        device=job.backend.device,
        precision=job.backend.precision,
        outputs=(VERDICTS,),
    )
    job.writers[fusion.info.id] = writer
    context = RunContext(fusion.info.id, job.backend, job.cancel, models=fusion.info.models, on_note=writer.note)
    try:
        runs = {node.id: job.library.find_run(job.medium_id, node.key) for node in fusion.reads.values()}
        tracks = job.library.tracks([run for run in runs.values() if run is not None])
        read = {name: tracks[name] for name in fusion.reads if name in tracks}
        rows = 0
        for track in fuse(fusion, read, _length(job, read), context, Builder(job.registry)):
            writer.write(track)
            job.emit(Piece(fusion.info.id, track))
            rows += len(track)
        lacks = _lacks(job, (node.id for node in fusion.reads.values()))
        if (on := context.computed_on) != (job.backend.device, job.backend.precision):
            writer.used(device=on[0], precision=on[1])
        writer.complete("; ".join(filter(None, (job.partial, lacks))) or None)
        job.emit(Finished(fusion.info.id, rows, time.perf_counter() - begun, tuple(context.notes)))
    except (Cancelled, LibraryError):
        raise
    except Exception as error:  # noqa: BLE001 - a fusion is a plugin: its failure is its own
        reason = _reason(fusion.info.id, error)
        _log.error("%s failed", fusion.info.id, exc_info=error)
        writer.fail(reason)
        job.failed[fusion.info.id] = reason
        job.emit(Failed(fusion.info.id, reason))


def _abandon(job: _Job, error: MienError, since: float, forget: bool) -> None:
    """End the open runs; a medium that was not in the library before is taken out again, unless something of it is complete or
    another program reads it. Where the disk is full, all that was written since goes.
    """
    with suppress(MienError):
        if isinstance(error, StorageError):
            job.library.take_back(job.medium_id, since, forget=forget)
            return
        for writer in job.writers.values():
            if writer.open:
                writer.cancel() if isinstance(error, Cancelled) else writer.fail(str(error))
        left = job.library.runs(job.medium_id, current=False) if forget else []
        if forget and not any(run.status in ("complete", "superseded", "running") for run in left):
            job.library.remove(job.medium_id)
