"""Analyses that break off in the middle: what did not see the whole medium is never taken for a result."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from mien.engine.choice import Choice
from mien.engine.events import Piece, Started
from mien.engine.run import analyze_medium
from mien.errors import Cancelled, LibraryError
from mien.library.faults import LibraryUnwritable
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


def test_readings_made_without_a_plugin_that_failed_are_marked_and_made_again(
    run: Any, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tiny_plugins  # type: ignore[import-not-found]

    def state() -> tuple[dict[str, bool], list[list[float]]]:
        with Library(tmp_path / "library.db") as library:
            medium = library.media()[0]
            tracks = medium.tracks()
            return (
                {r.analyzer: r.partial for r in medium.runs()},
                [tracks[f"tiny.{n}"].values[:, 0].tolist() for n in ("hopes", "echoes")],
            )

    names = ("raises", "hopes", "echoes", "level")
    done, _ = run(clip, *names, fusion="tiny")
    assert list(done.failed) == ["tiny.raises"]
    partial, said = state()
    assert partial == {"tiny.hopes": True, "tiny.echoes": True, "tiny.level": False, "fusion.tiny": True}
    assert said == [[0.0], [0.0]]
    with Library(tmp_path / "library.db") as library:
        reasons = {r.analyzer: r.reason for r in library.runs(done.medium)}
    assert reasons["tiny.echoes"] == "it was read without tiny.raises, which failed"

    def works(self: Any, block: Any) -> Any:
        yield tiny_plugins.Spans.of("tiny.raises", [(block.start, block.end, "heard")])

    monkeypatch.setattr(tiny_plugins.Raises, "process", works)
    done, events = run(clip, *names, fusion="tiny")
    assert done.failed == {}
    states = {p.id: p.state for p in events[0].plugins}
    assert states["tiny.level"] == "cached"
    assert {states[f"tiny.{n}"] for n in names[:3]} == {"run"}
    partial, said = state()
    assert not any(partial.values())
    assert said[0] == said[1]
    assert said[0][0] >= 2


def test_a_full_disk_leaves_nothing_even_where_that_is_only_found_out_by_the_next_analysis(
    run: Any, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete = RunWriter.complete

    def full(self: RunWriter, partial: str | None = None) -> None:
        if self._provenance.analyzer == "tiny.loud":
            raise LibraryUnwritable("The disk is full.")
        complete(self, partial)

    def still_full(self: Library, undo: Any) -> None:
        raise LibraryUnwritable("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(RunWriter, "complete", full)
        patch.setattr(Library, "_undo", still_full)
        with pytest.raises(LibraryUnwritable):
            run(clip, "level", "loud")
        with Library(tmp_path / "library.db") as library:
            assert [r.analyzer for r in library.runs(library.media()[0])] == ["tiny.level"]
    done, events = run(clip, "loud")
    assert [p.state for e in events if isinstance(e, Started) for p in e.plugins] == ["run", "run"]
    with Library(tmp_path / "library.db") as library:  # opening it again takes nothing of that away
        assert {r.analyzer for r in library.runs(done.medium)} == {"tiny.level", "tiny.loud"}
