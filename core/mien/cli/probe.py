"""`mien probe`: what is in a medium, before anything is analysed."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import typer

from mien.cli import say
from mien.cli.paths import collect
from mien.errors import MienError, shown
from mien.exchange.text import clock
from mien.media.medium import Medium, StreamInfo
from mien.media.probe import extent, probe
from mien.media.subtitles import find_cues


def probe_paths(paths: list[Path], as_json: bool) -> int:
    """Probe each; returns the exit code (one medium: its own; several: 1 if any failed)."""
    media = collect(paths)
    codes = []
    for path in media:
        try:
            medium = probe(path)
            duration = medium.duration if medium.duration is not None else extent(path)
            notes: list[str] = []
            cues, source = find_cues(medium, notes)
            medium = replace(medium, problems=(*medium.problems, *notes))
            (_json if as_json else _text)(medium, duration, len(cues), source)
            codes.append(0)
        except MienError as error:
            codes.append(say.fail(str(error), error.exit_code, as_json))
    if not media:
        named = ", ".join(shown(path) for path in paths)
        return say.fail(f"There is no medium in the folder; name another, or files: {named}", 3, as_json)
    return codes[0] if len(codes) == 1 else int(any(codes))


def _json(medium: Medium, duration: float | None, cues: int, source: str) -> None:
    facts: dict[str, Any] = asdict(medium) | {"path": str(medium.path), "duration": duration}
    say.emit_json(facts | {"id": medium.content_id(), "cues": cues, "cue_source": source})


def _text(medium: Medium, duration: float | None, cues: int, source: str) -> None:
    length = "unknown" if duration is None else clock(duration)
    typer.echo(f"{shown(medium.path)}: {medium.format}, {length}, {medium.size_bytes / 1e6:.1f} MB")
    for stream in medium.streams:
        typer.echo(f"  {stream.index}: {_stream(stream)}")
        for problem in stream.problems:
            typer.echo(f"     {problem}")
    if cues:
        typer.echo(f"  subtitles: {cues} from {shown(source)}")
    for problem in medium.problems:
        typer.echo(f"  {say.plain(problem)}")


def _stream(stream: StreamInfo) -> str:
    parts = ["cover picture" if stream.attached_picture else stream.kind, stream.codec or "unknown codec"]
    if stream.kind == "video":
        parts.append(f"{stream.size[0]}×{stream.size[1]}")
        if stream.rate and not stream.attached_picture:
            parts.append(f"{stream.rate:.3g} frames/s")
        if stream.rotation:
            parts.append(f"rotated {stream.rotation}°")
    if stream.kind == "audio":
        parts.append(f"{stream.sample_rate} Hz, {stream.channels} channel{'s' if stream.channels != 1 else ''}")
    if stream.language:
        parts.append(shown(stream.language))
    if stream.title:
        parts.append(f"“{shown(stream.title)}”")
    return ", ".join(parts)
