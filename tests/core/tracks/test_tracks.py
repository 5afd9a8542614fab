"""Value types: checked on construction, cut and joined by time, the same after a round trip through Arrow."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.tracks import (
    AROUSAL,
    VALENCE,
    AnyTrack,
    Boxes,
    Curve,
    Features,
    Provenance,
    Quantity,
    Spans,
    from_table,
    to_table,
)

TIMES = st.lists(st.floats(0, 1e5, allow_nan=False), max_size=12).map(sorted)
WORDS = st.text(max_size=20)


@st.composite
def tracks(draw: Any) -> AnyTrack:
    """Any track of any kind, empty ones too."""
    times = np.array(draw(TIMES))
    n, rng = times.size, np.random.default_rng(draw(st.integers(0, 99)))
    person = rng.integers(0, 5, n) if draw(st.booleans()) else None
    source = Provenance("a", "1", {"m": "ff"}, {"x": 1}, "key") if draw(st.booleans()) else None
    kind = draw(st.sampled_from(["curve", "spans", "boxes", "features"]))
    if kind == "curve":
        return Curve("c", times, rng.uniform(-1, 1, (n, 2)), (VALENCE, AROUSAL), person, source)
    if kind == "spans":
        rows = [(t, t + 1, draw(WORDS), draw(WORDS), float("nan") if i % 2 else 0.5, "") for i, t in enumerate(times)]
        return Spans.of("s", rows, source)
    if kind == "boxes":
        marks = rng.uniform(0, 9, (n, 5, 2)) if draw(st.booleans()) else None
        return Boxes("b", times, rng.integers(0, 5, n), rng.uniform(0, 9, (n, 4)), np.ones(n), marks, source)
    return Features("f", times, rng.normal(size=(n, draw(st.integers(1, 6)))), person, source)


def same(one: AnyTrack, other: AnyTrack) -> bool:
    """Equal in every column, NaN like NaN."""
    return to_table(one).equals(to_table(other)) or str(to_table(one).to_pydict()) == str(to_table(other).to_pydict())


@settings(max_examples=80, deadline=None)
@given(tracks())
def test_arrow_keeps_everything(track: AnyTrack) -> None:
    back = from_table(to_table(track))
    assert type(back) is type(track)
    assert (back.name, back.provenance) == (track.name, track.provenance)
    assert same(back, track)
    assert list(track.to_pandas().columns) == to_table(track).column_names


@settings(max_examples=80, deadline=None)
@given(tracks(), st.lists(st.integers(0, 12), max_size=4))
def test_pieces_join_to_the_whole(track: AnyTrack, cuts: list[int]) -> None:
    edges = [0, *sorted(min(c, len(track)) for c in cuts), len(track)]
    pieces: list[Any] = [track.take(slice(a, b)) for a, b in pairwise(edges)]
    assert same(type(track).concat(pieces), track)


@settings(max_examples=80, deadline=None)
@given(tracks(), st.floats(0, 1e5), st.floats(0, 1e5))
def test_a_slice_holds_just_what_lies_in_it(track: AnyTrack, start: float, end: float) -> None:
    part = track.slice(start, end)
    ends = track.end if isinstance(track, Spans) else track.onsets
    inside = (track.onsets < end) & ((ends > start) if isinstance(track, Spans) else (ends >= start))
    assert len(part) == inside.sum()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Curve("c", [1, 0], [[0], [0]], (AROUSAL,)),
        lambda: Curve("c", [0, np.nan], [[0], [0]], (AROUSAL,)),
        lambda: Curve("c", [0], [[0, 1]], (AROUSAL,)),
        lambda: Curve("c", [0], [[0]], (AROUSAL,), person=[1, 2]),
        lambda: Spans("s", [1], [0], ("",), ("",), [0], ("",)),
        lambda: Spans("s", [0], [1], ("",), (), [0], ("",)),
        lambda: Boxes("b", [0], [0], [[0, 0, 1]], [1]),
        lambda: Features("f", [0, 1], [[1.0]]),
        lambda: Quantity("", "", 0, 1),
        lambda: Quantity("x", "", 1, 1),
        lambda: Curve.concat([]),
    ],
)
def test_what_cannot_be_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        make()


def test_a_track_does_not_lock_its_makers_array() -> None:
    values = np.zeros((2, 1), np.float32)
    curve = Curve("c", [0, 1], values, (AROUSAL,))
    values[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        curve.values[0] = 2


def test_there_and_back_without_pandas():
    program = (
        "import sys, numpy as np\n"
        "from mien.tracks.arrow import from_table, to_table\n"
        "from mien.tracks.track import Features, Spans\n"
        "for track in (Spans.of('w', [(0, 1, 'a', 'b', 0.5, '')]), Features('f', np.arange(2.0), np.ones((2, 3), 'f4'))):\n"
        "    assert len(from_table(to_table(track))) == len(track)\n"
        "print([name for name in ('pandas', 'torch', 'scipy') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_texts_of_any_kind_survive():
    texts = ["", "ünïcødé", "日本語", "a\x00b", "\N{FACE WITH TEARS OF JOY}"]
    track = Spans.of("w", [(i, i + 1, text, text, 0.5, text) for i, text in enumerate(texts)])
    again = from_table(to_table(track))
    assert again.text == again.label == again.speaker == tuple(texts)
    assert to_table(track).column("text").to_pylist() == texts
    lone = Spans.of("w", [(0, 1, "x", "a\udc80b", 0.5, "")])
    assert from_table(to_table(lone)).text == ("a?b",)
