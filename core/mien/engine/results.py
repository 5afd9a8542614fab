"""A medium's readings from the library, as exporters and views want them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mien.errors import LibraryError
from mien.library.library import Library
from mien.library.medium import Medium
from mien.library.rows import Correction as Row
from mien.library.rows import Run
from mien.library.tracks import Tracks
from mien.sdk.correction import Correction
from mien.sdk.media import MediaInfo
from mien.sdk.protocols import Analysis

AUDIO_STREAM = "audio_stream"
"""In the details of a track's provenance: the number in the file of the stream that its run heard."""


def analysis_of(library: Library, medium: Medium | str, runs: Iterable[str] | None = None) -> Analysis:
    """All current readings of one medium.

    Args:
        medium: or its id.
        runs: keys of the runs to take; by default the current one of each plugin.

    Raises:
        LibraryError: it has no complete run.
    """
    entry = library.medium(medium) if isinstance(medium, str) else medium
    if runs is None:
        chosen = library.runs(entry)
    else:
        found = (library.find_run(entry, key) for key in runs)
        chosen = [run for run in found if run is not None]
    if not chosen:
        raise LibraryError(f"The library has no readings of this medium yet; analyze it first: {entry.path}")
    tracks = library.tracks(list(reversed(chosen)))
    partial = next((run.reason for run in chosen if run.partial), "")
    notes = {run.analyzer: run.notes for run in chosen if run.notes}
    by_id = {run.id: run for run in library.runs(entry, current=False)}
    corrections = tuple(_correction(row, by_id) for row in library.corrections(entry))
    return Analysis(_media(entry, _heard(tracks, chosen)), tracks, entry.path.name, notes, partial, corrections)


def _correction(row: Row, runs: Mapping[str, Run]) -> Correction:
    run = runs.get(row.run_id or "")
    return Correction(
        row.track,
        row.start,
        row.end,
        row.person,
        row.field,
        row.old,
        row.new,
        row.note,
        row.author,
        row.made,
        run.key if run is not None else "",
        f"{run.analyzer} {run.version}" if run is not None else "",
    )


def _heard(tracks: Tracks, runs: Iterable[Run]) -> int | None:
    """The stream of sound that the latest of these runs heard; None when none is known."""
    streams = {info.run_id: info.provenance.details.get(AUDIO_STREAM) for info in tracks.infos()}
    heard = (streams.get(run.id) for run in runs)
    return next((stream for stream in heard if isinstance(stream, int)), None)


def _media(entry: Medium, heard: int | None) -> MediaInfo:
    """What plugins were told, as far as the library keeps it."""
    picture = _preferred(s for s in entry.streams if s["kind"] == "video" and not s.get("attached_picture"))
    default = _preferred(s for s in entry.streams if s["kind"] == "audio")
    chosen = next((s for s in entry.streams if s["kind"] == "audio" and s.get("index") == heard), None)
    sound = chosen or default
    width, height = picture.get("size", (0, 0))
    return MediaInfo(
        path=entry.path,
        duration=entry.duration,
        has_audio=bool(sound),
        has_video=bool(picture),
        width=width,
        height=height,
        frame_rate=picture.get("rate", 0.0),
        sample_rate=sound.get("sample_rate", 0),
        channels=sound.get("channels", 0),
        audio_stream=None if sound is default else heard,
    )


def _preferred(streams: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Facts of the stream that is analysed unless another is chosen, as `mien.media.medium` prefers them; empty without one."""
    readable = [s for s in streams if s.get("readable", True)]
    return next((s for s in readable if s.get("default")), readable[0] if readable else {})
