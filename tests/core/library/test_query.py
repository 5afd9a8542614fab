"""What a user types into the search: conditions, text, and one clear sentence for what cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.library.query import Condition, Query, parse
from mien.library.readings import known_readings, suggestions
from mien.tracks import AROUSAL, CONFLICT, HOSTILITY, VALENCE, probability

OFFENCE = probability("offence")
READINGS = known_readings(
    [
        ("conflict.intensity", "curve", (CONFLICT,)),
        ("emotion.attributes", "curve", (VALENCE, AROUSAL)),
        ("face.affect", "curve", (VALENCE, AROUSAL)),
        ("fusion.score", "curve", (HOSTILITY,)),
        ("fusion.weights", "curve", (probability("text"), probability("face"))),
        ("text.offence", "spans", (OFFENCE,)),
        ("face.boxes", "boxes", ()),
    ]
)


@pytest.mark.parametrize(
    ("typed", "conditions"),
    [
        ("conflict above 0.5 for 10 s", [Condition("conflict", True, 0.5, False, 10.0)]),
        ("arousal < -0.3", [Condition("arousal", False, -0.3)]),
        ("Arousal<−0.3", [Condition("arousal", False, -0.3)]),
        ("fused > 0.7", [Condition("fused", True, 0.7)]),
        ("offence over .8 for at least 2 minutes", [Condition("offence", True, 0.8, False, 120.0)]),
        ("offence >= 0,8 for 1.5min", [Condition("offence", True, 0.8, True, 90.0)]),
        ("valence at most 0", [Condition("valence", False, 0.0, True)]),
        ("face.arousal under 0.2", [Condition("face.arousal", False, 0.2)]),
        ("face arousal under 0.2", [Condition("face.arousal", False, 0.2)]),
        ("voice arousal > 0", [Condition("voice.arousal", True, 0.0)]),
        (
            "conflict above 0.5 for 10s, arousal > 0.2 and fused > 0.7 valence<0",
            [
                Condition("conflict", True, 0.5, False, 10.0),
                Condition("arousal", True, 0.2),
                Condition("fused", True, 0.7),
                Condition("valence", False, 0.0),
            ],
        ),
    ],
)
def test_conditions(typed: str, conditions: list[Condition]) -> None:
    assert parse(typed, READINGS) == Query("", tuple(conditions))


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("", ""),
        ("salt and pepper", "salt and pepper"),
        ("nobody above me", "nobody above me"),
        ('"conflict above 0.5"', '"conflict above 0.5"'),
        ('"an open quote', '"an open quote"'),
        ("conflict of interest", "conflict of interest"),
        ("3rd know-how it's", "3rd know-how it's"),
    ],
)
def test_text_alone(typed: str, text: str) -> None:
    assert parse(typed, READINGS) == Query(text)


def test_text_beside_conditions() -> None:
    condition = Condition("fused", True, 0.7)
    assert parse('fused > 0.7 and "let me finish"', READINGS) == Query('"let me finish"', (condition,))
    assert parse("hello you and fused > 0.7", READINGS) == Query("hello you", (condition,))
    assert parse("fused > 0.7 and salt and pepper", READINGS) == Query("salt and pepper", (condition,))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("conflit > 0.5", "no reading “conflit”, did you mean conflict; put words"),
        ("colour above 3", "no reading “colour”, there are arousal, conflict, fused, hostility, offence, valence;"),
        ("conflict >", "After “conflict >” a number must follow, as in conflict > 0.5."),
        ("conflict above high", "After “conflict above” a number must follow"),
        ("> 0.5", "Before > the name of a reading must stand"),
        ("conflict > 0.5 > 0.7", "Before > the name of a reading must stand"),
        ("conflict > 0.5 for ages", "After “for” a length must follow"),
        ("conflict > 0.5 for 3 s and > 2", "Before > "),
        ("conflict > 0.5 for 3 apples x > 2", "no reading “x”"),
        ("conflict above 3", "conflict lies between −1 and 1, it is never above 3."),
        ("arousal < -1", "arousal lies between −1 and 1, it is never below −1."),
    ],
)
def test_one_sentence_for_what_cannot_be(typed: str, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(typed, READINGS)
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_edge_itself_can_be_asked_for() -> None:
    assert parse("conflict >= 1", READINGS).conditions == (Condition("conflict", True, 1.0, True),)


def test_without_readings_it_says_so() -> None:
    with pytest.raises(UsageError, match="no reading “conflict” yet"):
        parse("conflict > 0.5", {})


@given(st.text(st.sampled_from('abc "<>=≥.,-−0159') | st.characters(), max_size=30))
def test_any_text_is_a_query_or_one_sentence(typed: str) -> None:
    try:
        found = parse(typed, READINGS)
    except UsageError:
        return
    assert isinstance(found, Query)


@given(
    st.builds(
        Condition,
        st.sampled_from(["conflict", "fused", "face.arousal"]),
        st.booleans(),
        st.integers(-99, 99).map(lambda n: n / 100),
        st.booleans(),
        st.integers(0, 600).map(float),
    )
)
def test_a_condition_as_shown_is_the_condition(condition: Condition) -> None:
    if condition.reading == "fused" and condition.level <= 0 and not condition.above:
        return  # never below its extent
    assert parse(str(condition), READINGS).conditions == (condition,)


def test_names_worth_offering() -> None:
    assert suggestions(READINGS) == [
        *("arousal", "conflict", "fused", "hostility", "offence", "valence"),
        *("face.arousal", "face.valence", "voice.arousal", "voice.valence"),
    ]
