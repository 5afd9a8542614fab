"""Events without any window: thresholds, matching, readings, and the rows that decisions become."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from mien.engine.verdicts import find_verdicts
from mien.sdk.fusion import FusionParams
from mien.sdk.protocols import Fused
from mien.tracks import CONFLICT, EXPRESSION_QUANTITIES, HOSTILITY, Curve, Spans
from mien_desktop.events.ledger import Key, matched
from mien_desktop.events.model import EventModel
from mien_desktop.events.sources import Rule, Source, prepare, readings, sources

HOP, DURATION = 0.25, 120.0
SCORE = Source("fusion.score", "hostility")


def hills(height: float = 0.9, seed: int | None = None) -> Curve:
    times = np.arange(0.0, DURATION, HOP) + HOP / 2
    score = height * np.exp(-(((times % 20 - 10) / 3) ** 2))
    if seed is not None:
        score = np.clip(score + np.random.default_rng(seed).normal(0, 0.15, times.size), 0, 1)
    return Curve("fusion.score", times, score[:, None].astype(np.float32), (HOSTILITY,))


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.7, 0.95])
@pytest.mark.parametrize("gap", [False, True])
def test_events_of_the_fused_score_are_the_engines_verdicts(threshold: float, gap: bool) -> None:
    curve = hills(seed=3)
    if gap:
        curve = curve.take((curve.times < 49) | (curve.times > 51))
    grid = np.arange(0.0, DURATION, HOP) + HOP / 2
    score = np.full(grid.size, np.nan, np.float32)
    score[np.isin(grid, curve.times)] = curve.values[:, 0]
    nothing = np.empty((grid.size, 0), np.float32)
    params = FusionParams(hop=HOP, threshold=threshold, hysteresis=min(0.1, threshold))
    verdicts = find_verdicts(grid, Fused(score, nothing, (), nothing), params, DURATION)
    found = prepare(curve, SCORE, DURATION).find(Rule(threshold))
    assert [(f.start, f.end) for f in found] == [(s, e) for s, e, *_ in verdicts.rows()]
    assert found
    for f in found:
        inside = (grid > f.start) & (grid < f.end)
        assert f.score == pytest.approx(np.nanmax(score[inside]), abs=1e-6)


def test_a_threshold_is_in_the_unit_of_its_source() -> None:
    t = np.arange(0.5, 60.0, 1.0)
    curve = Curve("conflict.intensity", t, np.where((t > 20) & (t < 30), 0.6, -0.4)[:, None], (CONFLICT,))
    ready = prepare(curve, Source("conflict.intensity", "conflict"), 60.0)
    (event,) = ready.find(Rule(0.5))
    assert event.score == pytest.approx(0.6, abs=1e-5)
    assert 19 < event.start < 21 < 29 < event.end < 31
    assert ready.find(Rule(0.7)) == []


def test_each_person_has_events_of_their_own() -> None:
    t = np.repeat(np.arange(0.0, 20.0, 0.5), 2)
    who = np.tile([1, 2], t.size // 2)
    angry = np.where((who == 2) & (t >= 5) & (t < 10), 0.9, 0.1)[:, None]
    curve = Curve("face.expression", t, np.repeat(angry, 7, 1), EXPRESSION_QUANTITIES, who)
    (event,) = prepare(curve, Source("face.expression", "angry"), 20.0).find(Rule(0.7))
    assert event.person == 2
    assert event.label == "angry"


def test_spans_are_events_with_their_own_extents() -> None:
    spans = Spans.of(
        "text.offence", [(1.0, 2.5, "offensive", "", 0.8), (4.0, 5.0, "not", "", 0.2), (7.0, 7.2, "x", "", 0.9)]
    )
    found = prepare(spans, Source("text.offence"), 10.0).find(Rule(0.5))
    assert [(f.start, f.end, f.label) for f in found] == [(1.0, 2.5, "offensive")]


def test_sources_begin_with_the_fused_score() -> None:
    tracks = {
        "speech.words": Spans.of("speech.words", []),
        "conflict.intensity": Curve("conflict.intensity", np.zeros(1), np.zeros((1, 1)), (CONFLICT,)),
        "fusion.score": hills(),
    }
    assert [s.title for s in sources(tracks)] == ["fused", "conflict"]


def test_readings_are_those_of_the_peak() -> None:
    t = np.arange(0.5, 60.0, 1.0)
    tracks = {
        "conflict.intensity": Curve("conflict.intensity", t, (t / 100)[:, None], (CONFLICT,)),
        "fusion.score": hills(),
        "text.offence": Spans.of("text.offence", [(9.0, 11.0, "offensive", "", 0.7)]),
        "late": Curve("late", np.array([50.0]), np.ones((1, 1)), (CONFLICT,)),
    }
    told = {r.name: r.value for r in readings(tracks, 10.1)}
    assert set(told) == {"fused", "conflict", "offence"}
    assert told["conflict"] == pytest.approx(0.105)
    assert told["offence"] == pytest.approx(0.7)


def key(start: float, end: float, person: int | None = None) -> Key:
    return Key(SCORE, person, start, end)


def test_a_decision_stays_with_what_shares_half_of_it() -> None:
    wide, narrow = key(10, 20), key(12, 18)
    assert matched([(11, 20, None)], [wide]) == {0: wide}
    assert matched([(10, 14.9, None)], [wide]) == {}
    # One decision is not given to two, and the closest pair wins.
    assert matched([(10.5, 20, None), (30, 40, None)], [wide, narrow]) == {0: wide}
    assert matched([(10, 20, 1)], [wide]) == {}
    assert matched([], [wide]) == {}


def test_thousands_of_decisions_are_matched_as_a_handful_is() -> None:
    rng = np.random.default_rng(3)

    def plainly(extents: list[tuple[float, float, int | None]], keys: list[Key]) -> dict[int, Key]:
        """Every pair compared with every other."""
        pairs = []
        for n, (start, end, person) in enumerate(extents):
            for m, one in enumerate(keys):
                shared = min(end, one.end) - max(start, one.start)
                share = shared / (max(end, one.end) - min(start, one.start))
                if share >= 0.5 and person == one.person:
                    pairs.append((-share, n, m))
        found: dict[int, Key] = {}
        for _, n, m in sorted(pairs):
            if n not in found and keys[m] not in found.values():
                found[n] = keys[m]
        return found

    def some(count: int) -> list[tuple[float, float, int | None]]:
        starts, lengths = rng.uniform(0, 200, count), rng.exponential(6.0, count) + 0.1
        people = rng.choice([None, 1, 2], count)
        return [(float(s), float(s + length), p) for s, length, p in zip(starts, lengths, people, strict=True)]

    extents, keys = some(90), [key(*one) for one in some(70)]
    assert matched(extents, keys) == plainly(extents, keys)
    assert len(matched(extents, keys)) > 10
    long = [(4.5 * n, 4.5 * n + 2, None) for n in range(5000)]
    began = time.process_time()
    assert len(matched(long, [key(*one) for one in long])) == 5000
    assert time.process_time() - began < 1.0  # 0.04 on a quiet core; all pairs of them took 3


def test_rows_say_what_was_and_what_is() -> None:
    model = EventModel()
    model.set_rule(Rule(0.7))
    model.set_source(prepare(hills(), SCORE, DURATION))
    event = model.events[0]
    entry = model.entry(event, {"state": "corrected", "label": "insult", "end": event.end})
    assert entry is not None
    assert entry.field == "state,label"
    assert entry.new == {"state": "corrected", "label": "insult"}
    assert entry.old["state"] == "open"
    assert entry.old["label"] == "hostility"
    assert entry.old["event"]["score"] == pytest.approx(0.9, abs=1e-2)
    assert entry.old["event"]["threshold"] == 0.7
    assert model.entry(event, {"state": "open"}) is None


def test_an_event_added_by_hand_needs_a_length_and_a_place_of_its_own() -> None:
    model = EventModel()
    with pytest.raises(ValueError, match="end after its start"):
        model.addition(3.0, 3.0)
    entry = model.addition(3.0, 4.0)
    assert entry.key.added
    assert entry.new["state"] == "accepted"


def test_moving_the_threshold_moves_the_events() -> None:
    model = EventModel()
    model.set_source(prepare(hills(), SCORE, DURATION))
    model.set_rule(Rule(0.5))
    wide = model.events
    model.set_rule(replace(model.rule, threshold=0.8))
    assert len(wide) == len(model.events) == 6
    assert all(a.length > b.length for a, b in zip(wide, model.events, strict=True))
    model.set_rule(replace(model.rule, min_length=10.0))
    assert model.events == ()
