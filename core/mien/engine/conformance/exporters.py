"""What an export format must stand: every kind of track, none, odd text, gaps, a place that cannot be written to."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mien.errors import MienError
from mien.sdk.conformance import Finding, Level
from mien.sdk.conformance.descriptor import extremes
from mien.sdk.conformance.material import Material, make_track
from mien.sdk.descriptors import ExporterInfo, Writes
from mien.sdk.params import Params
from mien.sdk.protocols import Analysis
from mien.tracks.quantity import Quantity, probability
from mien.tracks.track import AnyTrack, Curve, Spans

_ODD = ("=1+1", "a\tb", "two\nlines", "<b>&amp;</b>", "\x00\x07", "“quotes” \"and\" 'more'", "…ünïcode 語 🙂", "")


def check_exporter(info: ExporterInfo) -> Iterator[Finding]:
    """Findings on one export format."""
    if info.needs_medium:
        yield Finding(Level.NOTE, "export", "It needs a medium's file, which the kit does not have; it was not run.")
        return
    with tempfile.TemporaryDirectory(prefix="mien-conformance-") as place:
        folder = Path(place)
        for name, analysis in _analyses().items():
            yield _judged(info, name, analysis, folder / name)
        yield _ends(info, folder)
        yield _repeated(info, folder)
        yield _refused(info, folder)


def _analyses() -> dict[str, Analysis]:
    usual = Material("usual", 6.0, pictures=30)
    gaps = Material("gaps", 6.0, pictures=30, tracks="gaps")
    odd = Spans.of("odd.text", [(n, n + 1.0, text, text, 0.5, text) for n, text in enumerate(_ODD)])
    long = Curve("long.curve", np.arange(100_000) / 20, np.zeros((100_000, 1), np.float32), (probability("long"),))
    return {
        "usual": _analysis(usual, _tracks(usual)),
        "nothing": _analysis(usual, []),
        "nan": _analysis(gaps, _tracks(gaps)),
        "odd-text": _analysis(usual, [odd], "a title: with/odd <parts> & \"quotes\""),
        "very-long": _analysis(Material("long", 5000.0), [long]),
    }  # fmt: skip


def _tracks(material: Material) -> list[AnyTrack]:
    wanted = (
        Writes("a.curve", "curve", (Quantity("level", "dB", -120, 0), probability("speech"))),
        Writes("speech.transcript", "spans", (probability("confidence"),)),
        Writes("a.boxes", "boxes"),
        Writes("a.features", "features"),
    )
    made = [make_track(w, material) for w in wanted]
    return [t for t in made if t is not None]


def _analysis(material: Material, tracks: list[AnyTrack], title: str = "clip") -> Analysis:
    return Analysis(material.media(), {t.name: t for t in tracks}, title)


def _export(info: ExporterInfo, analysis: Analysis, target: Path, params: Params | None = None) -> list[Path]:
    from mien.engine.registry import create

    target.parent.mkdir(parents=True, exist_ok=True)
    written = create(info.factory).export(analysis, target, info.params() if params is None else params)
    return [Path(p) for p in written]


def _judged(info: ExporterInfo, check: str, analysis: Analysis, folder: Path, params: Params | None = None) -> Finding:
    target = folder / f"out{info.suffix}"
    try:
        written = _export(info, analysis, target, params)
    except MienError as error:
        level = Level.NOTE if check == "nothing" else Level.ERROR
        return Finding(level, check, f"It refuses: {error}")
    except Exception as error:  # noqa: BLE001 - whatever it raises is what the kit looks for
        return Finding(Level.ERROR, check, f"{type(error).__name__}: {error}")
    there = {p.resolve() for p in folder.rglob("*")}
    if not written:
        return Finding(Level.WARNING, check, "It says that it wrote nothing.")
    if any(not p.exists() for p in written):
        return Finding(Level.ERROR, check, "It names a file that is not there.")
    if any(p.resolve() not in there for p in written):
        return Finding(Level.ERROR, check, "It wrote outside of the place that it was given.")
    size = sum(p.stat().st_size for p in there if p.is_file())
    return Finding(Level.PASS, check, f"{size} bytes.")


def _ends(info: ExporterInfo, folder: Path) -> Finding:
    analysis = _analyses()["usual"]
    tried = 0
    for name, value in extremes(info.params):
        params = info.params.model_validate({name: value})
        found = _judged(info, "parameter-bounds", analysis, folder / f"end{tried}", params)
        if found.level is Level.ERROR:
            return Finding(Level.ERROR, "parameter-bounds", f"{name}={value}: {found.text}")
        tried += 1
    return Finding(Level.PASS, "parameter-bounds", f"It writes at {tried} ends of its parameters.")


def _repeated(info: ExporterInfo, folder: Path) -> Finding:
    """Twice side by side, against once alone: the same bytes."""
    analysis = _analyses()["usual"]
    names = ("alone", "left", "right")
    problems: list[str] = []

    def write(name: str) -> None:
        try:
            _export(info, analysis, folder / name / f"out{info.suffix}")
        except Exception as error:  # noqa: BLE001 - told below
            problems.append(f"{type(error).__name__}: {error}")

    write(names[0])
    threads = [threading.Thread(target=write, args=(name,)) for name in names[1:]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        return Finding(Level.ERROR, "determinism", problems[0])
    if len({_digest(folder / name) for name in names}) > 1:
        return Finding(Level.WARNING, "determinism", "The same analysis does not give the same bytes.")
    return Finding(Level.PASS, "determinism", "Once alone and twice side by side it wrote the same bytes.")


def _refused(info: ExporterInfo, folder: Path) -> Finding:
    """A file where the target's folder should be: that must be one of Mien's sentences."""
    blocked = folder / "blocked"
    blocked.write_text("in the way")
    from mien.engine.registry import create

    try:
        create(info.factory).export(_analyses()["usual"], blocked / f"out{info.suffix}", info.params())
    except (MienError, OSError) as error:  # of both the host makes a sentence for the user
        return Finding(Level.PASS, "unwritable", f"It says so ({type(error).__name__}).")
    except Exception as error:  # noqa: BLE001 - whatever it raises is what the kit looks for
        text = f"Where it cannot write it raises {type(error).__name__} instead of mien.errors.ExportError."
        return Finding(Level.WARNING, "unwritable", text)
    return Finding(Level.ERROR, "unwritable", "It does not tell that it could not write.")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
