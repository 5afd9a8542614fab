"""A medium under another name: its readings are there already, and the library knows where it lies now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mien.engine.events import Piece
from mien.library.library import Library


def test_a_medium_that_was_moved_is_known_at_its_new_place(run: Any, clip: Path, tmp_path: Path) -> None:
    first, _ = run(clip, "level")
    moved = clip.rename(tmp_path / "renamed.mp4")
    again, events = run(moved, "level")
    assert again.medium == first.medium
    assert not [e for e in events if isinstance(e, Piece)]
    with Library(tmp_path / "library.db") as library:
        medium = library.medium(moved)
        assert medium.path == moved
        assert medium.duration == library.medium(first.medium).duration
