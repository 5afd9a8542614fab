"""Cleaning: what goes, what stays, and that nothing strange is left."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien_plugins.text.clean import as_spoken, clean
from mien_plugins.text.damage import Damage


@pytest.mark.parametrize(
    ("text", "tweet", "transcript"),
    [
        ("@USER what a day", "what a day", "what a day"),
        ("see https://example.org/a?b=1 now URL", "see now", "see now"),
        ("www.example.org is here <user> <number>", "is here", "is here"),
        ("RT @someone: well done!", "well done!", "well done!"),
        ("it's 'fine', really?!", "its fine really?!", "it's 'fine', really?!"),
        ("#GoodMorning #NASA", "Good Morning NASA", "Good Morning NASA"),
        ("fish &amp; chips", "fish chips", "fish & chips"),
        ("mail me at a.b@example.org", "mail me at a b example org", "mail me at a.b example.org"),
        ("“don’t” — no…", "dont no", '"don\'t" - no...'),
        ("curly_braces {x} \U0001f600 ok", "curly braces x ok", "curly_braces x ok"),
        ("Ärger über Öl", "Ärger über Öl", "Ärger über Öl"),
        ("", "", ""),
        ("@USER URL", "", ""),
    ],
)
def test_modes(text, tweet, transcript):
    assert clean(text, "tweet") == tweet
    assert clean(text, "transcript") == transcript


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_a_cleaned_tweet_holds_words_and_two_marks_only(text):
    cleaned = clean(text, "tweet")
    assert not re.search(r"[^\w\s!?]|_|\n|  ", cleaned)
    assert cleaned == cleaned.strip()


def test_as_spoken_has_no_case_and_no_punctuation():
    assert as_spoken("Well, it's 5 o'clock -- \"Really\"?!") == "well it's 5 o'clock really"


def test_damage_is_seeded_and_near_its_rate():
    text, words = " ".join(["alpha", "beta", "gamma", "delta"] * 500), ["epsilon"]
    damage = Damage(delete=0.1, substitute=0.1, insert=0.0, join=0.0)
    out = damage(text, words, np.random.default_rng(1))
    assert out == damage(text, words, np.random.default_rng(1))
    assert len(out.split()) == pytest.approx(1800, abs=60)
    assert out.split().count("epsilon") == pytest.approx(200, abs=60)
    assert Damage(delete=1.0)("One word", words, np.random.default_rng(0)) == "one word"
    assert Damage()("...", words, np.random.default_rng(0)) == ""
