"""What an analysis added is taken back when the disk was full: at once, or when the library is next opened."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mien.library import Library
from mien.library.faults import LibraryUnwritable
from mien.library.owner import Owners
from mien.library.undo import Notes, Undo


def _begin(library: Library, medium: str, key: str, analyzer: str = "emotion") -> Any:
    return library.begin_run(medium, key=key, analyzer=analyzer, version="1")


def _state(library: Library) -> list[Any]:
    return [(m.id, sorted((r.analyzer, r.key, r.status) for r in m.runs(current=False))) for m in library.media()]


def test_a_new_medium_goes_with_all_that_was_read_of_it(
    library: Library, medium: Any, probed: Callable[..., Any], tmp_path: Path, curve: Any, transcript: Any
) -> None:
    _begin(library, medium.id, "old").complete()
    before, since = _state(library), time.time()
    library.add_medium(probed(tmp_path / "new.mp4"), "new")
    done, open_ = _begin(library, "new", "a"), _begin(library, "new", "b", "speech")
    done.write(curve(0.0))
    done.complete()
    open_.write(transcript("a rare word"))
    library.take_back("new", since, forget=True)
    assert _state(library) == before
    assert library.search("rare") == []
    assert library.verify() == []
    assert not open_.open
    library.take_back("new", since, forget=True)  # nothing is left to take


def test_of_a_known_medium_only_what_was_added_goes_and_what_it_replaced_counts_again(
    library: Library, medium: Any, curve: Any
) -> None:
    for key in ("same", "other"):
        old = _begin(library, medium.id, key)
        old.write(curve(0.0))
        old.complete("a plugin failed")
    before, since = _state(library), time.time()
    again = _begin(library, medium.id, "same")
    again.write(curve(7.0))
    again.complete()
    assert [s for _, runs in _state(library) for *_, s in runs].count("superseded") == 1
    _begin(library, medium.id, "third")
    library.take_back(medium, since, forget=False)
    assert _state(library) == before
    found = library.find_run(medium, "same")
    assert found is not None
    assert library.tracks(found)["emotion.attributes"].times[0] == 0.0


def test_what_others_read_or_corrected_meanwhile_stays(
    library: Library, probed: Callable[..., Any], tmp_path: Path
) -> None:
    since = time.time()
    for name in ("read", "corrected", "neither"):
        library.add_medium(probed(tmp_path / f"{name}.mp4"), name)
    with Library(library.where) as another:
        _begin(another, "read", "a").complete()
        another.correct("corrected", "t", start=0, end=1, field="arousal", old=0.1, new=0.2, author="A")
    for name in ("read", "corrected", "neither"):
        library.take_back(name, since, forget=True)
    assert {m.id for m in library.media()} == {"read", "corrected"}
    assert library.runs("read")[0].status == "complete"


def test_what_cannot_be_taken_back_at_once_is_when_the_library_is_next_opened(
    library: Library, place: Path, probed: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Library, undo: Undo) -> None:
        raise LibraryUnwritable("The disk is full.")

    since = time.time()
    library.add_medium(probed(tmp_path / "new.mp4"), "new/of: odd name")
    _begin(library, "new/of: odd name", "a").complete()
    with monkeypatch.context() as patch:
        patch.setattr(Library, "_undo", full)
        library.take_back("new/of: odd name", since, forget=True)
        with Library(place) as still:
            assert len(still.media()) == 1  # the disk is full yet, and it can be read all the same
    with Library(place) as later:
        assert later.media() == []
        assert list(Notes(tmp_path / "library.db-owners").left()) == []


def test_what_is_read_anew_before_that_stays(
    library: Library, place: Path, medium: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = time.time()
    _begin(library, medium.id, "a").complete()
    undo = Undo(medium.id, library._own(), int(since * 1e6), int(time.time() * 1e6) + 1, True)
    Notes(place.with_name("library.db-owners")).leave(undo)
    time.sleep(0.01)
    anew = _begin(library, medium.id, "a")
    anew.complete()
    with Library(place) as later:
        assert [(r.id, r.status) for r in later.runs(medium, current=False)] == [(anew.run_id, "complete")]


def test_other_files_in_the_folder_are_left_alone(library: Library, place: Path) -> None:
    folder = place.with_name("library.db-owners")
    folder.mkdir(exist_ok=True)
    (folder / "a,b.undo").touch()
    assert library.recover() == 0
    assert (folder / "a,b.undo").exists()


def test_a_process_that_writes_keeps_room_and_gives_it_for_taking_back(
    library: Library, place: Path, medium: Any
) -> None:
    def kept() -> int:
        return sum(path.stat().st_size for path in place.with_name("library.db-owners").iterdir())

    since = time.time()
    _begin(library, medium.id, "a")
    assert kept() == 1 << 20
    library.take_back(medium, since, forget=False)
    assert kept() == 0
    _begin(library, medium.id, "b")
    assert kept() == 1 << 20


def test_the_folder_may_be_taken_away_while_it_is_looked_through(tmp_path: Path) -> None:
    """It is the owners' too, of whom the last to leave removes it."""
    done = threading.Event()

    def come_and_go() -> None:
        own = Owners(tmp_path / "owners")
        while not done.is_set():
            own.join()
            own.leave()

    notes = Notes(tmp_path / "owners")
    with ThreadPoolExecutor(1) as pool:
        others = pool.submit(come_and_go)
        try:
            assert [found for _ in range(5000) for found in notes.left()] == []
        finally:
            done.set()
        others.result()
