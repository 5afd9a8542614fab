"""What an analyzer or a fusion must stand: odd media, every end of its parameters, twice, side by side, stopped, for long."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from mien.engine.conformance.host import AnalyzerHost, FusionHost, Outcome, same
from mien.errors import Cancelled, DeviceError, ModelError, UsageError
from mien.sdk.conformance import Finding, Level
from mien.sdk.conformance.descriptor import extremes
from mien.sdk.conformance.material import FPS, Material, usual

CANCEL = 1.0
"""s that may pass from a cancel to the end of the run."""
_PATIENCE = 8.0
"""s that the ends of the parameters, and the long medium, may take."""
_GROWTH = 48.0
"""MB that a run may hold more at the end of a long medium than at a third of it."""
Run = Callable[..., Outcome]


def check_running(host: AnalyzerHost | FusionHost) -> Iterator[Finding]:
    """Findings on everything that shows when the plugin runs."""
    begun = time.monotonic()
    first = host.run(_NOISE)
    took = time.monotonic() - begun
    if isinstance(first.error, ModelError):
        yield Finding(Level.NOTE, "model", f"It was not run: {first.error}")
        return
    for material in usual():
        yield _judged(material.name, host.run(material) if material.name != "noise" else first, _SEEN[material.name])
    if isinstance(host, FusionHost):
        yield from _each_alone(host)
    yield from check_ends(host)
    if first.error is not None:
        return
    yield _twice(first, host.run(_NOISE))
    yield _side_by_side(host, first)
    if isinstance(host, AnalyzerHost):
        pace = _NOISE.duration / max(took, 0.05)
        yield from check_long(host, float(min(1800, max(30, round(_PATIENCE * pace * 0.7)))))
    else:
        yield _judged("very-long", host.run(Material("very-long", 3 * 3600.0)), "Three hours of readings.")
    yield _cancelled(host)


_NOISE = usual()[0]
_SEEN = {
    "noise": "Noise, and pictures of noise.",
    "silence": "Digital silence.",
    "clipping": "Sound that is always at full scale.",
    "one-frame": "A single picture, and no sound.",
    "no-face": "Nothing was found by those that it reads from.",
    "no-audio": "Pictures alone.",
    "no-picture": "Sound alone.",
    "very-short": "A fiftieth of a second.",
    "nan-in-reads": "Gaps (NaN) in the scores that it reads.",
}


def _judged(check: str, outcome: Outcome, passed: str) -> Finding:
    if not outcome.applies:
        return Finding(Level.PASS, check, "It is left out here: the medium does not have what it needs.")
    if isinstance(outcome.error, ModelError):
        return Finding(Level.NOTE, check, f"It was not run: {outcome.error}")
    if outcome.error is not None:
        return Finding(Level.ERROR, check, _sentence(outcome.error))
    rows = sum(len(t) for t in outcome.tracks.values())
    if outcome.late:
        many = "1 piece begins" if outcome.late == 1 else f"{outcome.late} pieces begin"
        text = f"{many} before the one that was handed on before; who reads the track would miss what comes late."
        return Finding(Level.ERROR, check, text)
    return Finding(Level.PASS, check, f"{passed} Rows: {rows}, with times in order and values within their extents.")


def _each_alone(host: FusionHost) -> Iterator[Finding]:
    for name in host.accepts:
        yield _judged("one-modality", host.run(_NOISE, only=(name,)), f"{name} alone.")
    for name in host.unknown:
        yield Finding(Level.NOTE, "one-modality", f"No plugin that is installed writes {name}.")
    left = [n for n in host.info.accepts if n not in host.accepts and n not in host.unknown]
    if left:
        yield Finding(
            Level.NOTE, "one-modality", f"Vectors are not made up here, so it went without {', '.join(left)}."
        )


def check_ends(host: AnalyzerHost | FusionHost) -> Iterator[Finding]:
    """It runs at every end of its parameters and with every choice, or says in a sentence what that would need."""
    material = Material("parameter-bounds", 2.0, "noise", 10)
    tried, left, problems = 0, 0, []
    begun = time.monotonic()
    for name, value in extremes(host.info.params):
        if time.monotonic() - begun > _PATIENCE:
            left += 1
            continue
        outcome = host.run(material, host.info.params.model_validate({name: value}))
        tried += 1
        if isinstance(outcome.error, ModelError | UsageError | DeviceError):  # it says what the choice would need
            problems.append(Finding(Level.NOTE, "parameter-bounds", f"{name}={value} was not run: {outcome.error}"))
        elif outcome.error is not None:
            text = f"{name}={value}: {_sentence(outcome.error)}"
            problems.append(Finding(Level.ERROR, "parameter-bounds", text))
    if left:
        problems.append(Finding(Level.NOTE, "parameter-bounds", f"{left} ends were left out: it runs too slowly."))
    yield from problems or [Finding(Level.PASS, "parameter-bounds", f"It runs at {tried} ends of its parameters.")]


def _twice(first: Outcome, second: Outcome) -> Finding:
    return _compared("determinism", same(first, second), "Two runs one after the other")


def _side_by_side(host: AnalyzerHost | FusionHost, alone: Outcome) -> Finding:
    outcomes: list[Outcome] = []
    threads = [threading.Thread(target=lambda: outcomes.append(host.run(_NOISE)), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for outcome in outcomes:
        if outcome.error is not None:
            return Finding(Level.ERROR, "two-at-once", f"Beside another instance: {_sentence(outcome.error)}")
    return _compared("two-at-once", max(same(alone, o) for o in outcomes), "Two instances side by side")


def _compared(check: str, apart: float, what: str) -> Finding:
    if apart == 0:
        return Finding(Level.PASS, check, f"{what} read the same, bit by bit.")
    if apart <= 1e-4:
        return Finding(Level.NOTE, check, f"{what} differ by {apart:.1g} at most.")
    return Finding(Level.ERROR, check, f"{what} do not read the same.")


def check_long(host: AnalyzerHost, length: float) -> Iterator[Finding]:
    """Sound, and pictures for those they are for, for `length` s: it comes to its end, and holds no more then than at a third."""
    held: dict[str, float] = {}

    def heard(reached: float) -> None:
        for mark, at in (("begin", length / 3), ("end", length - 1)):
            if reached >= at and mark not in held:
                held[mark] = _held()

    material = Material("very-long", length, pictures=0 if _blind(host) else round(length * FPS))
    outcome = host.run(material, heard=heard)
    yield _judged("very-long", outcome, f"{length:g} s of noise.")
    if len(held) < 2 or not outcome.finished:  # it did not come to the end
        return
    grown = held["end"] - held["begin"]
    level = Level.PASS if grown < _GROWTH else Level.WARNING if grown < 4 * _GROWTH else Level.ERROR
    yield Finding(
        level, "memory-flat", f"{max(grown, 0):.0f} MB more after {length:g} s than after {length / 3:.0f} s."
    )


def _held() -> float:
    """MB that this process holds in memory."""
    import gc
    import resource
    import sys
    from pathlib import Path

    gc.collect()
    status = Path("/proc/self/statm")
    if status.is_file():
        return int(status.read_text().split()[1]) * resource.getpagesize() / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def _cancelled(host: AnalyzerHost | FusionHost) -> Finding:
    cancel = threading.Event()
    ended: list[tuple[Outcome, float, float]] = []
    run: Any = functools.partial(host.run, Material("cancel", 3600.0, "noise", 0 if _blind(host) else 18_000))

    at_work = threading.Event()
    if isinstance(host, AnalyzerHost):
        run = functools.partial(run, heard=lambda reached: at_work.set())
    else:
        at_work.set()

    def work() -> None:
        outcome = run(cancel=cancel)
        ended.append((outcome, time.monotonic(), time.process_time()))
        at_work.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    at_work.wait(30)
    thread.join(0.5)
    asked, busy = time.monotonic(), time.process_time()
    cancel.set()
    thread.join(30)
    if not ended:
        return Finding(Level.ERROR, "cancel", "It did not end within 30 s of a cancel.")
    outcome, at, spent = ended[0]
    if outcome.error is not None and not isinstance(outcome.error, Cancelled):
        return Finding(Level.ERROR, "cancel", f"Stopped, it failed: {_sentence(outcome.error)}")
    wall, processor = max(at - asked, 0.0), max(spent - busy, 0.0)
    if wall <= CANCEL:
        return Finding(Level.PASS, "cancel", f"It ended {wall:.2f} s after a cancel.")
    # On a machine that others keep busy the clock says little; the processor's time does.
    level = Level.ERROR if processor > CANCEL or wall > 5 * CANCEL else Level.WARNING
    return Finding(level, "cancel", f"It ended {wall:.1f} s after a cancel; at most {CANCEL:g} s is meant.")


def _blind(host: AnalyzerHost | FusionHost) -> bool:
    from mien.sdk.inputs import Crops, Frames

    if isinstance(host, FusionHost):
        return True
    return not any(isinstance(i, Frames | Crops) for i in host.info.inputs_for(host.info.params()))


def _sentence(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no reason given"
    return f"{type(error).__name__}: {text}"
