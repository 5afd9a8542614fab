"""Analyses that break off in the middle: what did not see the whole medium is never taken for a result."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mien.engine.choice import Choice
from mien.engine.events import Piece
from mien.engine.run import analyze_medium
from mien.errors import Cancelled, LibraryError
from mien.library.library import Library
from mien.library.writer import RunWriter


def test_when_one_branch_breaks_off_the_others_do_not_count_as_complete(
    run: Any, make_clip: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Longer than what may wait for a branch, so that the pictures break off before the sound has come to its end.
    clip = make_clip(tmp_path / "long.mp4", 20.0)
    write = RunWriter.write

    def full(self: RunWriter, piece: Any) -> int:
        if piece.name == "tiny.brightness":
            raise LibraryError("The disk is full.")
        return write(self, piece)

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "write", full)
        with pytest.raises(LibraryError, match="The disk is full"):
            run(clip, "brightness", "level")
    with Library(tmp_path / "library.db") as library:
        assert library.media() == []
    done, _ = run(clip, "brightness", "level")
    with Library(tmp_path / "library.db") as library:
        assert library.medium(done.medium).tracks()["tiny.level"].times[-1] > 19


def test_a_cancel_while_fusing_ends_the_run_of_the_fusion(registry: Any, clip: Path, tmp_path: Path) -> None:
    cancel = threading.Event()

    def emit(event: Any) -> None:
        if isinstance(event, Piece) and event.track.name == "tiny.loud":
            finished.append(event)
        if isinstance(event, Piece) and event.plugin == "fusion.tiny":
            cancel.set()
            raise Cancelled("The analysis was cancelled.")

    finished: list[Any] = []
    choice = Choice(analyzers=("tiny.loud",), fusion="tiny", device="cpu")
    with Library(tmp_path / "library.db") as library:
        with pytest.raises(Cancelled):
            analyze_medium(clip, choice, registry, library, emit, cancel)
        assert finished
        status = {r.analyzer: r.status for r in library.runs(library.media()[0], current=False)}
    assert status == {"tiny.level": "complete", "tiny.loud": "complete", "fusion.tiny": "cancelled"}
