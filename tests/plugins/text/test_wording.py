"""Words and their times."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mien_plugins.text.wording import Wording, word_times


def test_cleaned_words_know_where_they_come_from():
    wording = Wording.of("Well @you -- #GoodDay to A-B!", "tweet")
    assert wording.words == ("Well", "@you", "--", "#GoodDay", "to", "A-B!")
    assert wording.text == "Well Good Day to A B!"
    assert wording.origin == (0, 3, 3, 4, 5, 5)
    values = wording.to_words(np.array([0.1, 0.2, 0.3, 0, -0.1, -0.2], np.float32))
    np.testing.assert_allclose(values, [0.1, 0, 0, 0.5, 0, -0.3], atol=1e-6)


def test_without_recognised_words_time_is_shared_by_length():
    starts, ends = word_times(["a", "bbb"], 10.0, 16.0)
    np.testing.assert_allclose(starts, [10.0, 12.0])
    np.testing.assert_allclose(ends, [12.0, 16.0])


def test_recognised_words_keep_their_times_and_the_rest_fits_between():
    heard = [(0.0, 0.9, "earlier"), (1.2, 1.5, "the"), (2.0, 2.4, "dog"), (5.0, 5.5, "later")]
    starts, ends = word_times(["The", "loud", "dog,", "yes"], 1.0, 3.0, heard)
    np.testing.assert_allclose(starts, [1.2, 1.5, 2.0, 2.4])
    np.testing.assert_allclose(ends, [1.5, 2.0, 2.4, 3.0])


def test_no_words():
    starts, ends = word_times([], 0.0, 1.0)
    assert starts.size == ends.size == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["a", "dog", "sun", "day"]), min_size=1, max_size=8),
    st.lists(st.tuples(st.floats(0, 9), st.floats(0, 2), st.sampled_from(["a", "dog", "sun"])), max_size=6),
)
def test_times_are_ordered_and_inside_whatever_was_heard(words, heard):
    spans = sorted((a, a + length, text) for a, length, text in heard)
    starts, ends = word_times(words, 2.0, 7.0, spans)
    assert (np.diff(starts) >= 0).all()
    assert (ends >= starts).all()
    assert starts.min() >= 2.0
    assert ends.max() <= 7.0
    assert len(starts) == len(words)


def test_modes():
    assert Wording.of("@USER URL", "transcript").text == ""
    assert Wording.of("it's fine.", "transcript").text == "it's fine."
