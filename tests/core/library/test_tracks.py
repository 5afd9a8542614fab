"""Tracks: pieces joined, cut by time, followed live, read alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from mien.library import Library
from mien.sdk import Writes
from mien.tracks import AROUSAL, VALENCE, Boxes, Curve, Features, Provenance, Spans


def _every_kind(start: float, rows: int) -> list[Curve | Spans | Boxes | Features]:
    times = start + np.arange(rows, dtype=np.float64)
    person = np.arange(rows, dtype=np.int32)
    column = times.astype(np.float32)
    return [
        Curve("face.affect", times, np.stack([column, column], 1), (VALENCE, AROUSAL), person),
        Spans.of("speech.words", [(t, t + 0.5, "x", f"w{t:g}", 0.5, "A") for t in times]),
        Boxes("face.boxes", times, person, np.ones((rows, 4)), column, np.full((rows, 5, 2), start)),
        Features("emotion.embedding", times, np.outer(column, np.ones(7)).astype(np.float32)),
    ]


def _same(a, b) -> None:
    assert type(a) is type(b)
    for column in a._columns():
        left, right = getattr(a, column), getattr(b, column)
        if isinstance(left, tuple) or left is None:
            assert left == right, column
        else:
            np.testing.assert_array_equal(left, right, column)


@pytest.mark.parametrize("merged", [False, True])
def test_every_kind_comes_back_as_it_was(library: Library, medium, merged: bool) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    written: dict[str, list] = {}
    for start, rows in ((0.0, 3), (3.0, 1), (4.0, 4)):
        for piece in _every_kind(start, rows):
            run.write(piece)
            written.setdefault(piece.name, []).append(piece)
    if merged:
        run.complete()
    tracks = library.tracks([run.run_id])
    assert list(tracks) == list(written)
    for name, pieces in written.items():
        _same(tracks[name], type(pieces[0]).concat(pieces))
        info = tracks.info(name)
        assert (info.rows, info.start, info.kind) == (8, 0.0, pieces[0].kind)
        assert len(library.pieces(run.run_id, name)) == (1 if merged else 3)


def test_pandas(library: Library, medium, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    for start in (0.0, 5.0):
        run.write(curve(start))
    run.complete()
    frame = library.medium("hash-of-clip").tracks()["emotion.attributes"].to_pandas()
    assert list(frame.columns) == ["time", "arousal", "valence"]
    assert frame["arousal"].tolist() == list(range(10))


def test_a_live_reader_misses_and_repeats_nothing(library: Library, medium, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    seen: list[float] = []
    cursor = 0

    def follow() -> None:
        nonlocal cursor
        for piece in library.pieces(run.run_id, "emotion.attributes", cursor):
            seen.extend(piece.track.times)
            cursor = piece.seq

    for i in range(6):
        assert run.write(curve(5.0 * i)) == 5 * (i + 1)
        if i % 2:
            follow()
    run.write(curve(30.0))
    run.complete()  # merges what the reader has seen with what it has not
    follow()
    assert seen == list(range(35))
    follow()
    assert len(seen) == 35


def test_a_window_reads_only_what_it_needs(library: Library, medium, place: Path, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    for i in range(4):
        run.write(curve(10.0 * i, rows=10))
    raw = sqlite3.connect(place)
    raw.execute("UPDATE piece SET data = x'00' WHERE t0 >= 20")
    raw.commit()
    raw.close()
    tracks = library.tracks([run.run_id])
    assert tracks.read("emotion.attributes", 5.0, 12.0).times.tolist() == list(range(5, 12))
    assert tracks.read("emotion.attributes", end=2.0).times.tolist() == [0, 1]


def test_reading_one_track_reads_no_other(library: Library, medium, place: Path, curve, transcript) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    run.write(curve(0.0))
    run.write(transcript("one", "two"))
    run.complete()
    raw = sqlite3.connect(place)
    raw.execute("UPDATE piece SET data = x'00' WHERE track_id = (SELECT id FROM track WHERE kind = 'spans')")
    raw.commit()
    raw.close()
    tracks = medium.tracks()
    assert set(tracks) == {"emotion.attributes", "speech.transcript"}
    assert tracks.info("speech.transcript").rows == 2
    assert len(tracks["emotion.attributes"]) == 5


def test_pieces_out_of_order_are_sorted_when_read(library: Library, medium, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    for start in (0.0, 20.0, 10.0, 12.0):
        run.write(curve(start, rows=3))
    run.complete()
    times = medium.tracks()["emotion.attributes"].times
    assert times.tolist() == sorted(times.tolist())
    assert len(times) == 12


def test_merged_pieces_stay_small(library: Library, medium) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    rng = np.random.default_rng(0)
    parts = [Features("e", 100.0 * i + np.arange(100.0), rng.random((100, 2000), dtype=np.float32)) for i in range(12)]
    for part in parts:
        run.write(part)
    run.complete()
    stored = library.pieces(run.run_id, "e")
    assert 1 < len(stored) < len(parts)
    assert max(p.track.vectors.nbytes for p in stored) < 6 << 20
    _same(medium.tracks()["e"], Features.concat(parts))


def test_a_run_that_finds_nothing_leaves_empty_tracks(library: Library, medium) -> None:
    outputs = (
        Writes("emotion.attributes", "curve", (AROUSAL, VALENCE)),
        Writes("speech.words", "spans"),
        Writes("face.boxes", "boxes"),
        Writes("emotion.embedding", "features"),
    )
    run = library.begin_run(medium, key="k", analyzer="a", version="1", outputs=outputs)
    run.write(Spans.of("speech.words", ()))
    run.complete()
    tracks = medium.tracks()
    assert [type(track) for track in tracks.values()] == [Curve, Spans, Boxes, Features]
    assert all(len(track) == 0 for track in tracks.values())
    assert tracks["emotion.attributes"].channels == ("arousal", "valence")
    assert list(tracks["emotion.attributes"].to_pandas().columns) == ["time", "arousal", "valence"]


def test_the_analyzers_own_provenance_is_kept(library: Library, medium) -> None:
    told = Provenance("speech.transcript", "1", details={"backend": "subtitles"})
    run = library.begin_run(
        medium,
        key="k",
        analyzer="speech.transcript",
        version="1",
        outputs=(Writes("speech.transcript", "spans"),),
    )
    run.write(Spans.of("speech.transcript", [(0, 1, "subtitles", "hi")], told))
    run.write(Spans.of("speech.transcript", [(1, 2, "subtitles", "there")], told))
    run.complete()
    assert medium.tracks()["speech.transcript"].provenance == told


def test_a_track_keeps_its_kind(library: Library, medium, curve) -> None:
    run = library.begin_run(medium, key="k", analyzer="a", version="1")
    run.write(curve(0.0))
    with pytest.raises(ValueError, match="is a track of curve"):
        run.write(Spans.of("emotion.attributes", ()))


def test_unknown_track(library: Library, medium) -> None:
    with pytest.raises(KeyError):
        medium.tracks()["nothing"]
    assert "nothing" not in medium.tracks()
    assert library.pieces("no-run", "nothing") == []


def test_compact_gives_space_back_and_changes_nothing(library: Library, medium, place: Path, probed) -> None:
    rng = np.random.default_rng(0)
    part = Features("e", np.arange(200.0), rng.random((200, 1000), dtype=np.float32))
    for key in "ab":
        entry = library.add_medium(probed(place.with_name(key)), key)
        run = library.begin_run(entry, key=key, analyzer="x", version="1")
        run.write(part)
        run.complete()
    library.remove("a")
    library.compact()
    assert place.stat().st_size < 1.5 * part.vectors.nbytes
    _same(library.tracks("b")["e"], part)
    assert library.verify() == []
