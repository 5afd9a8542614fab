"""Queries over a library: what is current, what cannot match is not read, text within stretches, the cache of peaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from mien.library import Library, Medium, schema
from mien.library.find import Finder, Match
from mien.library.overview import Entry, overview
from mien.library.peaks import Peak, Peaks
from mien.library.query import parse
from mien.library.readings import known_readings
from mien.tracks import AROUSAL, CONFLICT, VALENCE, Curve, Spans

Store = Callable[..., Medium]


@pytest.fixture
def store(library: Library, probed, tmp_path: Path) -> Store:
    """Enters a medium of 60 s with tracks, each in a run of its own."""

    def enter(name: str, *tracks, key: str = "k") -> Medium:
        medium = library.add_medium(probed(tmp_path / f"{name}.mp4"), f"id-{name}")
        for track in tracks:
            run = library.begin_run(medium, key=key + track.name, analyzer=track.name, version="1")
            run.write(track)
            run.complete()
        return medium

    return enter


@pytest.fixture
def peaks(library: Library) -> Iterator[Peaks]:
    opened = Peaks(library)
    yield opened
    opened.close()


def _conflict(*values: float) -> Curve:
    times = np.arange(len(values)) * 3.0 + 1.5
    return Curve("conflict.intensity", times, np.array(values, np.float32)[:, None], (CONFLICT,))


def _affect(value: float, name: str = "emotion.attributes") -> Curve:
    times = np.arange(20) + 0.5
    return Curve(name, times, np.full((20, 2), value, np.float32), (VALENCE, AROUSAL))


def _said(*rows: tuple[float, float, str]) -> Spans:
    return Spans.of("speech.transcript", [(start, end, "x", text, 1.0) for start, end, text in rows])


def _find(library: Library, peaks: Peaks, typed: str) -> dict[str, Match]:
    entries = overview(library)
    readings = known_readings((t.name, t.kind, t.quantities) for e in entries for t in e.tracks.values())
    found = Finder(library, peaks).find(parse(typed, readings), entries)
    return {match.entry.medium.path.stem: match for match in found}


def _times(match: Match) -> list[tuple[float, float]]:
    return [(s.start, s.end) for s in match.stretches]


def test_media_with_the_stretches(library: Library, store: Store, peaks: Peaks) -> None:
    store("calm", _conflict(-0.9, -0.8, -0.9))
    store("short", _conflict(-0.9, 0.8, -0.9))
    store("long", _conflict(-0.9, 0.6, 0.8, 0.7, 0.6, -0.9))
    store("silent")
    assert {n: _times(m) for n, m in _find(library, peaks, "conflict above 0.5").items()} == {
        "short": [(3, 6)],
        "long": [(3, 15)],
    }
    assert {n: _times(m) for n, m in _find(library, peaks, "conflict above 0.5 for 10 s").items()} == {
        "long": [(3, 15)]
    }


def test_conditions_hold_at_one_time(library: Library, store: Store, peaks: Peaks) -> None:
    store("both", _conflict(0.9, 0.9, -0.9), _affect(0.4))
    store("one", _conflict(0.9, 0.9, -0.9), _affect(-0.4))
    (match,) = _find(library, peaks, "conflict > 0.5 and arousal > 0.3").values()
    assert match.entry.medium.path.stem == "both"
    assert _times(match) == [(0, 6)]
    assert match.stretches[0].values == pytest.approx((0.9, 0.4))


def test_text_within_the_stretches(library: Library, store: Store, peaks: Peaks) -> None:
    said = _said((1, 2, "let me finish"), (10, 12, "do finish it"))
    store("a", _conflict(0.9, 0.9, -0.9, -0.9), said)
    store("b", _conflict(-0.9, -0.9, -0.9, 0.9), said)
    store("c", _conflict(0.9, 0.9), _said((1, 2, "something else")))
    found = _find(library, peaks, "finish conflict above 0.5")
    assert {n: [h.text for h in m.hits] for n, m in found.items()} == {"a": ["let me finish"], "b": ["do finish it"]}
    assert set(_find(library, peaks, "finish")) == {"a", "b"}


def test_words_of_media_that_do_not_fit_take_no_room(library: Library, store: Store, peaks: Peaks) -> None:
    """A search shows so many utterances at most; the one that is meant may not be among the best of all media."""
    for n in range(8):
        store(f"calm {n}", _said((9.0, 10.0, "bridge")), _conflict(*[0.1] * 20))
    store("meant", _said((9.0, 10.0, "the bridge is a long way off")), _conflict(*[0.9] * 20))
    entries = overview(library)
    readings = known_readings((t.name, t.kind, t.quantities) for e in entries for t in e.tracks.values())
    finder = Finder(library, peaks)
    (match,) = finder.find(parse("conflict above 0.5 bridge", readings), entries, limit=5)
    assert match.entry.medium.path.stem == "meant"
    assert [hit.text for hit in match.hits] == ["the bridge is a long way off"]
    assert len(finder.find(parse("bridge", readings), entries, limit=5)) == 5


def test_a_file_name_is_found_too(library: Library, store: Store, peaks: Peaks) -> None:
    store("Interview with Kim")
    store("other", _said((0, 1, "an interview")))
    found = _find(library, peaks, "interview")
    assert {n: (m.named, len(m.hits)) for n, m in found.items()} == {
        "Interview with Kim": (True, 0),
        "other": (False, 1),
    }


def test_a_plain_name_means_the_voice_and_another_source_can_be_named(
    library: Library, store: Store, peaks: Peaks
) -> None:
    store("clip", _affect(0.8, "face.affect"), _affect(-0.8))
    store("mute", _affect(0.8, "face.affect"))
    assert set(_find(library, peaks, "arousal > 0.5")) == {"mute"}  # where there is no voice the face speaks
    assert set(_find(library, peaks, "face arousal > 0.5")) == {"clip", "mute"}


def test_only_current_tracks_count(library: Library, store: Store, peaks: Peaks) -> None:
    medium = store("clip", _conflict(0.9, 0.9), key="old")
    store("clip", _conflict(-0.9, -0.9), key="new")
    assert _find(library, peaks, "conflict > 0.5") == {}
    library.reuse(library.find_run(medium, "oldconflict.intensity"))
    assert set(_find(library, peaks, "conflict > 0.5")) == {"clip"}


def test_the_overview_agrees_with_the_library(library: Library, store: Store, probed, tmp_path: Path) -> None:
    store("a", _conflict(0.1), _affect(0.2), key="1")
    store("a", _affect(0.3), key="2")
    store("empty")
    run = library.begin_run("id-a", key="p", analyzer="other", version="1")
    run.write(_affect(0.9))
    run.complete(partial="only the first minute could be read")
    entries = {entry.medium.id: entry for entry in overview(library)}
    assert list(entries) == [m.id for m in library.media()]
    for medium in library.media():
        expected = {i.name: (i.id, i.run_id, i.kind, i.quantities) for i in medium.tracks().infos()}
        told = {t.name: (t.id, t.run_id, t.kind, t.quantities) for t in entries[medium.id].tracks.values()}
        assert told == expected
    assert entries["id-a"].partial == "only the first minute could be read"
    assert entries["id-a"].analysed is not None
    assert entries["id-empty"] == Entry(library.medium("id-empty"), {})


def test_what_cannot_match_is_not_read_again(library: Library, store: Store, peaks: Peaks) -> None:
    store("calm", _conflict(-0.9, -0.8))
    assert _find(library, peaks, "conflict > 0.5") == {}
    with library._database.write() as connection:
        connection.execute(sa.update(schema.piece).values(data=b"\0"))
    again = Peaks(library)
    assert _find(library, again, "conflict > 0.5") == {}  # its peak says enough
    (entry,) = overview(library)
    assert again.of(entry.tracks["conflict.intensity"]) == Peak(pytest.approx(-0.9), 1.5, pytest.approx(-0.8), 4.5)
    again.close()


def test_a_damaged_track_hides_no_other_medium(library: Library, store: Store, peaks: Peaks) -> None:
    store("broken", _conflict(0.9, 0.9))
    with library._database.write() as connection:
        connection.execute(sa.update(schema.piece).values(data=b"\0"))
    store("whole", _conflict(0.9, 0.9))
    assert set(_find(library, peaks, "conflict > 0.5")) == {"whole"}


def test_the_cache_may_be_rubbish_or_impossible(library: Library, store: Store, tmp_path: Path) -> None:
    store("clip", _conflict(0.9, 0.9))
    (entry,) = overview(library)
    rubbish = tmp_path / "peaks.db"
    rubbish.write_bytes(b"no database at all" * 100)
    (tmp_path / "file").touch()
    for place in (rubbish, tmp_path / "file" / "peaks.db"):
        opened = Peaks(library, place)
        peak = opened.of(entry.tracks["conflict.intensity"])
        assert peak is not None
        assert peak.high == pytest.approx(0.9)
        opened.close()


def test_pruned_runs_are_forgotten(library: Library, store: Store, peaks: Peaks) -> None:
    store("clip", _conflict(0.9), _affect(0.1))
    (entry,) = overview(library)
    peaks.fill(entry.tracks.values())
    kept = entry.tracks["conflict.intensity"]
    peaks.prune({kept.run_id})
    again = Peaks(library)
    assert again.known(kept) is not None
    assert again.known(entry.tracks["emotion.attributes"]) is None
    again.close()


def test_an_outdated_search_ends(library: Library, store: Store, peaks: Peaks) -> None:
    for n in range(5):
        store(f"clip{n}", _conflict(0.9, 0.9))
    query, entries = parse("conflict > 0.5", {"conflict": CONFLICT}), overview(library)
    asked: list[int] = []

    def find(times: int) -> int:
        """How many are found when it is outdated after it was asked so often."""
        asked.clear()
        finder = Finder(library, peaks)
        return len(finder.find(query, entries, outdated=lambda: asked.append(1) or len(asked) > times))

    tracks = [track for entry in entries for track in entry.tracks.values()]
    assert find(2) == 0
    assert len(asked) <= 4
    assert sum(peaks.known(track) is not None for track in tracks) == 2
    assert find(20) == 5


def test_200_media_answer_at_once(library: Library, store: Store, peaks: Peaks, place: Path) -> None:
    """Generous: 200 media of two hours take 0.1 s once their peaks are known, on two busy cores."""
    rng = np.random.default_rng(1)
    for n in range(200):
        store(f"clip{n}", _conflict(*rng.uniform(-1, 1, 200)))
    _find(library, peaks, "conflict > 0.99")
    begun = time.perf_counter()
    assert len(_find(library, peaks, "conflict > 0.5 for 10 s")) > 10
    assert time.perf_counter() - begun < 2.0
