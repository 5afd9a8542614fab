"""Explains one reading on request: decodes just the window it was made from and asks the analyzer why."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from mien.engine.backend import select
from mien.engine.choice import Choice
from mien.engine.context import RunContext
from mien.engine.feeds import RateFeed, WindowFeed
from mien.engine.registry import Registry, create
from mien.engine.run import open_medium
from mien.errors import NotMedia, UsageError
from mien.media.decode import Decoder
from mien.media.pieces import AudioPiece
from mien.sdk.blocks import Windows
from mien.sdk.inputs import Audio
from mien.sdk.protocols import Explanation


def explain(
    path: Path, plugin: str, at: float, choice: Choice, registry: Registry, cancel: threading.Event | None = None
) -> Explanation:
    """Why an analyzer reads what it reads around a moment.

    Args:
        path: the medium.
        plugin: id of an analyzer that hears windows of sound and can explain itself.
        at: s; the window is centred there, and kept inside the medium.
        cancel: set to stop.

    Raises:
        UsageError: the analyzer cannot explain itself, or `at` lies outside the medium.
        Cancelled: `cancel` was set.
        MienError: the medium, device or model.
    """
    info = registry.analyzer(plugin)
    params = choice.params(registry, info.id)
    spec = next((i for i in info.inputs_for(params) if isinstance(i, Audio) and i.window is not None), None)
    analyzer: Any = create(info.factory)
    if spec is None or not hasattr(analyzer, "explain"):
        raise UsageError(f"{info.id} cannot explain its readings yet; conflict can.")
    backend = select(choice.device, choice.precision, choice.threads)
    _, media = open_medium(path, choice)
    if media.duration is not None and not 0 <= at <= media.duration:
        raise UsageError(f"The medium has no moment {at:g} s; it lasts {media.duration:.1f} s.")
    context = RunContext(
        info.id, backend, cancel or threading.Event(), models=info.models, optional_models=info.optional_models,
        threads=backend.threads,
    )  # fmt: skip
    found: Explanation = analyzer.explain(_window(path, spec, at, media.duration, choice), params, context)
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
