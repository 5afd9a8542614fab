"""Explains one reading on request: decodes just what it was made from and asks the analyzer why."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mien.engine.backend import Backend, select
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.explain_face import Finder, explain_face
from mien.engine.feeds import RateFeed, WindowFeed
from mien.engine.isolation.choose import Builder
from mien.engine.registry import Registry
from mien.engine.run import open_medium
from mien.errors import NotMedia, UsageError
from mien.media.decode import Decoder
from mien.media.pieces import AudioPiece
from mien.sdk.blocks import Windows
from mien.sdk.descriptors import AnalyzerInfo
from mien.sdk.inputs import Audio, Crops
from mien.sdk.params import Params
from mien.sdk.protocols import Explanation, FaceExplanation
from mien.tracks.track import Boxes


def explainer(registry: Registry, name: str) -> AnalyzerInfo:
    """The analyzer that explains under a name: its id, or what stands before its id's dot (`face` for `face.affect`).

    Raises:
        UnknownPlugin: there is none.
    """
    if name not in registry.analyzers:
        family = [i for i in registry.analyzers.values() if i.id.startswith(f"{name}.")]
        for info in family:
            if any(isinstance(i, Crops) for i in info.inputs_for(info.params())):
                return info
    return registry.analyzer(name)


def explain(
    path: Path,
    plugin: str,
    at: float,
    choice: Choice,
    registry: Registry,
    cancel: threading.Event | None = None,
    *,
    of: str = "",
    person: int | None = None,
    boxes: Callable[[str], Boxes | None] = lambda track: None,
    progress: Callable[[float], None] | None = None,
) -> Explanation | FaceExplanation:
    """Why an analyzer reads what it reads around a moment.

    Args:
        path: the medium.
        plugin: name of an analyzer that can explain itself (see `explainer`).
        at: s. A window of sound is centred there and kept inside the medium; of pictures, the one shown then is taken.
        cancel: set to stop.
        of: which of the analyzer's readings, its first by default.
        person: whose face, by number in the boxes track; the largest face by default.
        boxes: name of a track -> the faces that are known already, if they are.
        progress: told how far it is, from 0 to 1.

    Raises:
        UsageError: the analyzer cannot explain that, there is nothing to explain, or `at` lies outside the medium.
        Cancelled: `cancel` was set.
        MienError: the medium, device or model.
    """
    info = explainer(registry, plugin)
    params = choice.params(registry, info.id)
    _, media = open_medium(path, choice)
    if media.duration is not None and not 0 <= at <= media.duration:
        raise UsageError(f"The medium has no moment {at:g} s; it lasts {media.duration:.1f} s.")
    inputs = info.inputs_for(params)
    sound = next((i for i in inputs if isinstance(i, Audio) and i.window is not None), None)
    faces = next((i for i in inputs if isinstance(i, Crops)), None)
    analyzer: Any = Builder(registry).explainer(info)
    hears, looks = sound is not None and hasattr(analyzer, "explain"), hasattr(analyzer, "explain_face")
    if not hears and not (looks and faces is not None):
        raise UsageError(f"{info.id} cannot explain its readings; name another analyzer.")
    backend = select(choice.device, choice.precision, choice.threads)
    cancel = cancel or threading.Event()
    context = _context(info, backend, cancel, progress)
    if hears:
        assert sound is not None
        window = _window(path, sound, at, media.duration, choice)
        return _ask(analyzer, info, window, params, context, of)
    assert faces is not None
    if of:
        raise UsageError(f"{info.id} has one explanation only, and none of {of!r}.")
    finder = Finder(faces, path, choice, registry, lambda other: _context(other, backend, cancel, None))
    return explain_face(finder, analyzer, at, params, context, person, boxes(faces.track))


def _context(
    info: AnalyzerInfo, backend: Backend, cancel: threading.Event, progress: Callable[[float], None] | None
) -> RunContext:
    return RunContext(
        info.id, backend, cancel, models=info.models, optional_models=info.optional_models,
        on_progress=progress, threads=backend.threads,
    )  # fmt: skip


def _ask(
    analyzer: Any, info: AnalyzerInfo, window: Windows, params: Params, context: RunContext, of: str
) -> Explanation:
    """Ask for one of the analyzer's readings, if it has several."""
    readings: tuple[str, ...] = tuple(getattr(analyzer, "explains", ()))
    if of and of not in readings:
        which = f"it explains {', '.join(readings)}" if readings else "it has one reading only"
        raise UsageError(f"{info.id} cannot explain {of!r}; {which}.")
    found: Explanation = (
        analyzer.explain(window, params, context, of or readings[0])
        if readings
        else analyzer.explain(window, params, context)
    )
    return found


def _window(path: Path, spec: Audio, at: float, duration: float | None, choice: Choice) -> Windows:
    """The window of sound around a moment, padded at its end where the medium is shorter."""
    assert spec.window is not None
    latest = max(0.0, duration - spec.window) if duration is not None else at
    begin = min(max(0.0, at - spec.window / 2), latest)
    medium, _ = open_medium(path, choice)
    sound = medium.choose_audio(choice.audio_stream)
    if sound is None:
        raise NotMedia(f"There is no sound to explain in the medium: {path}")
    rate, cut = RateFeed(spec.rate, spec.mono), WindowFeed(Audio(spec.rate, spec.mono, spec.window, spec.window))
    with Decoder(medium, audio=sound.index, video=None, begin=begin, end=begin + spec.window) as decoder:
        for piece in decoder:
            assert isinstance(piece, AudioPiece)
            rate.push(piece)
    rate.finish()
    windows = cut.push(rate.take(), last=True)
    if windows is None:
        raise NotMedia(f"There is no sound around {at:g} s in the medium: {path}")
    return Windows(windows.starts[:1], windows.rate, windows.samples[:1], windows.valid[:1])
