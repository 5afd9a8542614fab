"""Runs: what is cached, what is current, what became of each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mien.errors import LibraryError
from mien.library import Library
from mien.library.overview import overview


def _complete(library: Library, medium, key: str, analyzer: str, *pieces, **facts) -> str:
    run = library.begin_run(medium, key=key, analyzer=analyzer, version="1", **facts)
    for piece in pieces:
        run.write(piece)
    run.complete()
    return run.run_id


def test_only_complete_runs_answer_for_their_key(library: Library, medium, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    run.write(curve(0.0))
    assert library.find_run(medium, "k") is None
    run.complete()
    found = library.find_run(medium, "k")
    assert found is not None
    assert found.id == run.run_id
    assert (found.status, found.partial, found.reason) == ("complete", False, "")
    assert found.started <= found.finished
    for end in ("fail", "cancel"):
        other = library.begin_run(medium, key=end, analyzer="a", version="1")
        other.write(curve(0.0))
        getattr(other, end)("because")
        assert library.find_run(medium, end) is None
        assert library.run(other.run_id).reason == "because"
        # What it wrote stays readable for those who ask for just this run.
        assert len(library.tracks([other.run_id])["emotion.attributes"]) == 5


def test_the_record_comes_back(library: Library, medium, curve) -> None:
    run = library.begin_run(
        medium,
        key="k",
        analyzer="emotion.mtl",
        version="1.2",
        params={"hop": 1.0, "names": ["a"]},
        models={"emotion-mtl": "ab12"},
        device="cuda:0",
        precision="float16",
    )
    run.note("Memory ran out; smaller batches")
    run.note("…and then the CPU")
    run.used(device="cpu", precision="float32")
    run.write(curve(0.0))
    run.complete(partial="damaged after 12 s")
    record = library.run(run.run_id)
    assert record.params == {"hop": 1.0, "names": ["a"]}
    assert record.models == {"emotion-mtl": "ab12"}
    assert (record.device, record.precision) == ("cpu", "float32")
    assert record.notes == ("Memory ran out; smaller batches", "…and then the CPU")
    assert (record.partial, record.reason) == (True, "damaged after 12 s")
    provenance = medium.tracks()["emotion.attributes"].provenance
    assert provenance.analyzer == "emotion.mtl"
    assert provenance.models == {"emotion-mtl": "ab12"}
    assert provenance.run == "k"


def test_a_second_run_of_a_key_supersedes_the_first(library: Library, medium, curve) -> None:
    first = _complete(library, medium, "k", "a", curve(0.0))
    second = _complete(library, medium, "k", "a", curve(0.0))
    assert library.find_run(medium, "k").id == second
    assert library.run(first).status == "superseded"
    assert [r.id for r in library.runs(medium)] == [second]


def test_current_is_the_one_used_last(library: Library, medium, curve) -> None:
    fast = _complete(library, medium, "fast", "a", curve(0.0, rows=1))
    fine = _complete(library, medium, "fine", "a", curve(0.0, rows=2))
    other = _complete(library, medium, "other", "b", curve(0.0, name="b.curve"))
    assert {r.id for r in library.runs(medium)} == {fine, other}
    assert len(medium.tracks()["emotion.attributes"]) == 2
    library.reuse(library.find_run(medium, "fast"))
    assert {r.id for r in library.runs(medium)} == {fast, other}
    assert len(medium.tracks()["emotion.attributes"]) == 1
    assert {r.id for r in library.runs(medium, current=False)} == {fast, fine, other}


def test_of_two_analyzers_with_one_track_the_last_used_wins(library: Library, medium, curve) -> None:
    _complete(library, medium, "late", "fusion.late", curve(0.0, rows=1, name="fusion.score"))
    _complete(library, medium, "vote", "fusion.vote", curve(0.0, rows=2, name="fusion.score"))
    assert len(medium.tracks()["fusion.score"]) == 2
    library.reuse(library.find_run(medium, "late"))
    assert len(medium.tracks()["fusion.score"]) == 1


def test_a_fusion_s_tracks_are_of_one_piece(library: Library, medium, curve) -> None:
    _complete(library, medium, "rich", "fusion.rich", curve(0.0, name="fusion.score"), curve(0.0, name="fusion.affect"))
    _complete(library, medium, "late", "fusion.late", curve(0.0, name="fusion.score"))
    assert set(medium.tracks()) == {"fusion.score"}
    assert set(overview(library)[0].tracks) == {"fusion.score"}
    library.reuse(library.find_run(medium, "rich"))
    assert set(medium.tracks()) == set(overview(library)[0].tracks) == {"fusion.score", "fusion.affect"}


def test_an_ended_run_takes_no_more(library: Library, medium, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    run.write(curve(0.0))
    run.complete()
    with pytest.raises(LibraryError, match="already ended"):
        run.write(curve(5.0))


def test_a_run_whose_medium_was_removed_says_so(library: Library, medium, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    run.write(curve(0.0))
    library.remove(medium)
    for late in (lambda: run.write(curve(5.0)), run.complete):
        with pytest.raises(LibraryError, match="removed from the library"):
            late()
    with pytest.raises(LibraryError, match="removed; analyze it again"):
        library.begin_run(medium, key="k2", analyzer="a", version="1")


def test_closing_interrupts_what_is_open(place: Path, probed, curve, tmp_path: Path) -> None:
    with Library(place) as library:
        medium = library.add_medium(probed(tmp_path / "a.mp4"), "h")
        run = library.begin_run(medium, key="k", analyzer="a", version="1")
        run.write(curve(0.0))
    with Library(place) as library:
        assert library.run(run.run_id).status == "interrupted"
        assert len(library.pieces(run.run_id, "emotion.attributes")) == 1
    assert not list(tmp_path.glob("*-owners"))


def test_another_open_library_leaves_a_living_run_alone(library: Library, place: Path, medium, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    with Library(place) as other:
        assert other.recover() == 0
        assert other.run(run.run_id).status == "running"
    run.write(curve(0.0))
    run.complete()


def test_the_default_place_is_the_home(mien_home: Path) -> None:
    with Library() as library:
        assert library.place == str(mien_home / "library.db")
    assert (mien_home / "library.db").is_file()


def test_a_url(tmp_path: Path) -> None:
    with Library(f"sqlite:///{tmp_path}/by-url.db") as library:
        assert library.media() == []
    assert (tmp_path / "by-url.db").is_file()


def test_threads_share_a_library(library: Library, medium, curve) -> None:
    """As the engine's branches do: each thread writes its runs, all through one library."""

    def branch(number: int) -> None:
        run = library.begin_run(medium, key=str(number), analyzer=f"a{number}", version="1")
        for i in range(8):
            run.write(curve(5.0 * i, name=f"track{number}"))
            library.pieces(run.run_id, f"track{number}", 5 * i)
        run.complete()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(branch, range(6)))
    assert sorted(medium.tracks()) == [f"track{n}" for n in range(6)]
    assert all(len(track) == 40 for track in medium.tracks().values())


def test_threads_share_a_writer(library: Library, medium, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    with ThreadPoolExecutor(4) as pool:
        seqs = list(pool.map(lambda i: run.write(curve(5.0 * i)), range(12)))
    run.complete()
    assert sorted(seqs) == list(range(5, 65, 5))
    assert medium.tracks()["emotion.attributes"].times.tolist() == list(range(60))
