"""How fast each device computes, measured with the real models: `python -m mien_desktop.settings.speed`.

Runs in a process of its own and writes a JSON object a line: `device` (what there is), `result` (one measurement),
`problem`. What is measured is every installed analyzer whose inputs can be made up here – windows of sound, faces, a
transcript – fed with generated material as the engine would feed it. Ends when its standard input does: nothing is left
behind by a window that has gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.engine.backend import PRECISIONS, Backend, available, cores
from mien.engine.context import RunContext
from mien.engine.isolation.choose import Builder
from mien.engine.registry import Registry
from mien.errors import MienError
from mien.models.store import is_installed
from mien.sdk.blocks import Block, CropBatch, Windows
from mien.sdk.descriptors import AnalyzerInfo
from mien.sdk.inputs import Audio, Crops, Input, Reads
from mien.sdk.media import MediaInfo
from mien.sdk.params import Params
from mien.tracks.track import AnyTrack, Spans

BUDGET = 2.0
"""Seconds that one measurement may take, more or less; one call of the model is made in any case."""
_SECONDS = 12.0  # of sound in a block; a slow machine must answer soon too
_FACES = 32
_SENTENCES = 16
_TEXT = "we agreed on this last week and now you say that it was never what you meant at all"
_WORDS = tuple(_TEXT.split())


@dataclass(frozen=True)
class Material:
    """A block, how much of what is in it, and as what that counts."""

    block: Block
    amount: float
    unit: str


def main(arguments: list[str]) -> int:
    """`--devices` only lists them; `--precisions a,b` measures only those; `--threads N`."""
    threading.Thread(target=_end_with_the_window, daemon=True).start()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    found = available()
    for device, name in found:
        _say("device", device=device, name=name)
    if "--devices" in arguments:
        return 0
    options = dict(zip(arguments[::2], arguments[1::2], strict=False))
    precisions = options.get("--precisions", ",".join(PRECISIONS)).split(",")
    threads = int(options.get("--threads", 0)) or cores()
    registry = Registry.load()
    import torch

    torch.set_num_threads(threads)
    for device, name in found:
        for precision in precisions:
            if device == "cpu" and precision == "float16":
                continue  # the engine refuses it there
            backend = Backend(device, precision, name, threads)
            for info in measurable(registry):
                measure(info, backend)
    return 0


def measurable(registry: Registry) -> list[AnalyzerInfo]:
    """The analyzers that are measured: they compute with a model that is here, from inputs that can be made up."""
    return [
        info
        for info in registry.analyzers.values()
        if info.default and info.models and all(is_installed(m) for m in info.models) and _can_feed(info)
    ]


def measure(info: AnalyzerInfo, backend: Backend) -> None:
    """Time one analyzer on one device and say the result, or why there is none."""
    about: dict[str, Any] = {
        "device": backend.device, "precision": backend.precision, "plugin": info.id, "title": info.title
    }  # fmt: skip
    if backend.device.split(":")[0] not in info.devices:
        _say("result", **about, problem="does not run there")
        return
    _say("measuring", **about)
    try:
        rate, unit, on = _speed(info, info.params(), backend)
    except (MienError, RuntimeError, ValueError, OSError) as error:
        _say("result", **about, problem=str(error).strip().splitlines()[0][:200] or type(error).__name__)
    else:
        # Some models know one precision alone, whichever is asked for: what is shown is what was measured.
        _say("result", **about, speed=rate, unit=unit, computed_on=on)


def _speed(info: AnalyzerInfo, params: Params, backend: Backend) -> tuple[float, str, tuple[str, str]]:
    """(how much a second, of what, the device and precision it really computed in), after a first call that loads what loads
    late."""
    context = RunContext(
        info.id,
        backend,
        threading.Event(),
        models=info.models,
        optional_models=info.optional_models,
        threads=backend.threads,
    )
    analyzer = Builder(Registry.load())(info)
    analyzer.prepare(MediaInfo(Path("generated"), has_audio=True, has_video=True), params, context)
    try:
        blocks = _materials(info.inputs_for(params))
        _use_up(analyzer.process(next(blocks).block))
        done, spent, unit = 0.0, 0.0, ""
        while spent < BUDGET:
            material = next(blocks)
            begun = time.perf_counter()
            _use_up(analyzer.process(material.block))
            spent += time.perf_counter() - begun
            done, unit = done + material.amount, material.unit
        return done / spent, unit, context.computed_on
    finally:
        analyzer.close()


def _can_feed(info: AnalyzerInfo) -> bool:
    inputs = info.inputs_for(info.params())
    if not all(isinstance(i, Reads | Crops) or (isinstance(i, Audio) and i.window is not None) for i in inputs):
        return False
    # What an analyzer reads is made up as spans; other tracks only where it does without.
    return any(not isinstance(i, Reads) or i.track.endswith("transcript") for i in inputs)


def _materials(inputs: tuple[Input, ...]) -> Iterator[Material]:
    """Blocks one after the other, as the engine would hand them over."""
    rng = np.random.default_rng(0)
    makers: list[Callable[[float], tuple[dict[str, Any], float, str]]] = []
    for entry in inputs:
        if isinstance(entry, Audio):
            makers.append(lambda start, entry=entry: _sound(entry, start, rng))  # type: ignore[misc]
        elif isinstance(entry, Crops):
            makers.append(lambda start, entry=entry: _faces(entry, start, rng))  # type: ignore[misc]
    begin = 0.0
    while True:
        parts: dict[str, Any] = {}
        amount, unit = float(_SENTENCES), "utterances/s"
        for make in makers:
            part, amount, unit = make(begin)
            parts |= part
        end = begin + _SECONDS
        tracks = {e.track: (_spans(e.track, begin, end),) for e in inputs if isinstance(e, Reads)}
        yield Material(Block(begin, end, tracks=tracks, **parts), amount, unit)
        begin = end


def _sound(entry: Audio, start: float, rng: np.random.Generator) -> tuple[dict[str, Any], float, str]:
    """Windows of something as loud and as uneven as speech."""
    assert entry.window is not None
    hop = entry.hop or entry.window
    starts = np.arange(start, start + _SECONDS - 1e-6, hop)
    size = round(entry.window * entry.rate)
    t = np.arange(round((_SECONDS + entry.window) * entry.rate)) / entry.rate
    voice = np.sign(np.sin(2 * np.pi * 140 * t)) + 0.3 * rng.standard_normal(t.size)
    wave = (0.15 * voice * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))).astype(np.float32)
    rows = [wave[o : o + size] for o in (np.round((starts - start) * entry.rate)).astype(int)]
    windows = Windows(starts, entry.rate, np.stack(rows), np.full(starts.size, size, np.int32))
    return {"windows": windows}, _SECONDS, "× real time"


def _faces(entry: Crops, start: float, rng: np.random.Generator) -> tuple[dict[str, Any], float, str]:
    """Squares of noise: a net of fixed size takes as long for them as for faces."""
    images = rng.integers(0, 256, (_FACES, entry.size, entry.size, 3), np.uint8)
    times = start + np.arange(_FACES) * _SECONDS / _FACES
    boxes = np.tile(np.array([0, 0, entry.size, entry.size], np.float32), (_FACES, 1))
    return {"crops": CropBatch(times, np.zeros(_FACES, np.int32), images, boxes)}, float(_FACES), "faces/s"


def _spans(track: str, begin: float, end: float) -> Spans:
    """Speech without pause, cut into utterances with words."""
    step = (end - begin) / _SENTENCES
    rows = []
    for number in range(_SENTENCES):
        text = " ".join(_WORDS[(number * 3 + i) % len(_WORDS)] for i in range(6 + number % 8))
        rows.append((begin + number * step, begin + (number + 1) * step, "speech", text, 1.0))
    return Spans.of(track, rows)


def _use_up(pieces: Any) -> list[AnyTrack]:
    return list(pieces or ())


def _say(kind: str, **facts: Any) -> None:
    sys.stdout.write(json.dumps({"kind": kind, **facts}) + "\n")
    sys.stdout.flush()


def _end_with_the_window() -> None:
    """The window holds the other end of standard input; when it is gone, whatever the reason, so is this process."""
    # Not through Python's own buffer, whose lock would be held while the interpreter ends.
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
