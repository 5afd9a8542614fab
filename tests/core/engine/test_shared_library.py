"""Readings in a library on PostgreSQL are those of one in a file, and a connection that breaks leaves it whole."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mien.engine.choice import Choice
from mien.engine.events import Piece
from mien.engine.run import analyze_medium
from mien.errors import LibraryUnreachable
from mien.library.codec import encode
from mien.library.library import Library

CHOICE = Choice(analyzers=("tiny.level", "tiny.loud", "tiny.brightness"), fusion="", device="cpu")


def test_the_same_readings(registry: Any, clip: Path, tmp_path: Path, postgres: Any) -> None:
    read = []
    for place in (tmp_path / "library.db", postgres.emptied()):
        with Library(place) as library:
            done = analyze_medium(clip, CHOICE, registry, library, lambda event: None, threading.Event())
            tracks = library.medium(clip).tracks()
            runs = {run.analyzer: (run.key, run.params, run.models, run.status) for run in library.runs(done.medium)}
            medium = library.medium(clip)
            facts = (medium.id, medium.size, medium.duration, medium.format, medium.streams)
            provenance = {name: track.provenance for name, track in tracks.items()}
            read.append((facts, runs, provenance, {name: encode(track) for name, track in tracks.items()}))
            assert len(tracks) == 4
    assert read[0] == read[1]


def test_a_server_that_goes_in_mid_run(registry: Any, clip: Path, postgres: Any) -> None:
    place = postgres.emptied()
    pieces = 0

    def emit(event: Any) -> None:
        nonlocal pieces
        if isinstance(event, Piece):
            pieces += 1
            postgres.stop()

    choice = Choice(analyzers=("tiny.level",), fusion="", device="cpu")
    try:
        with Library(place, busy=1.0) as library, pytest.raises(LibraryUnreachable) as raised:
            analyze_medium(clip, choice, registry, library, emit, threading.Event())
    finally:
        postgres.start()
    assert "\n" not in str(raised.value)
    assert pieces > 0
    with Library(place) as library:
        assert library.verify() == []
        (run,) = library.medium(clip).runs(current=False)
        assert run.status == "interrupted"
        assert len(library.pieces(run, "tiny.level")) == pieces
        analyze_medium(clip, choice, registry, library, lambda event: None, threading.Event())
        assert [run.status for run in library.runs(run.medium_id)] == ["complete"]
