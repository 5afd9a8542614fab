"""Windows and batches: every token is read, every token knows its word, nothing is longer than the limit."""

import pytest

from mien_plugins.text.tokens import WordPieces

LONG = " ".join(["the", "sun", "is", "xyzzy", "nice!"] * 8)


@pytest.fixture
def pieces(tiny_folder):
    return WordPieces(tiny_folder)


def test_short_text_is_one_window_with_its_words(pieces):
    (window,) = pieces.windows(["it's nice!"])
    assert window.whole
    assert (window.ids[0], window.ids[-1]) == (pieces.cls, pieces.sep)
    assert window.words == (-1, 0, 0, 0, 1, 1, -1)


def test_long_text_in_windows_covers_every_word(pieces):
    windows = pieces.windows([LONG, "a day"], limit=16)
    assert [w.text for w in windows] == sorted(w.text for w in windows)
    own = [w for w in windows if w.text == 0]
    assert len(own) > 2
    assert not any(w.whole for w in own)
    assert all(len(w.ids) <= 16 for w in windows)
    assert {word for w in own for word in w.words if word >= 0} == set(range(40))


def test_truncate_keeps_the_first_window(pieces):
    (window,) = pieces.windows([LONG], limit=16, long="truncate")
    assert len(window.ids) == 16
    assert not window.whole
    assert window.ids == pieces.windows([LONG], limit=16)[0].ids


def test_exactly_the_limit_is_not_long(pieces):
    (window,) = pieces.windows([" ".join(["day"] * 14)], limit=16)
    assert window.whole
    assert len(pieces.windows([" ".join(["day"] * 15)], limit=16)) == 2


def test_batches_hold_every_window_once_within_the_budget(pieces):
    windows = pieces.windows(["day " * n for n in (1, 9, 3, 3, 30, 2)], limit=64)
    batches = pieces.batches(windows, max_tokens=40)
    assert sorted(id(w) for b in batches for w in b.windows) == sorted(map(id, windows))
    for batch in batches:
        assert batch.ids.size <= 40 or len(batch.windows) == 1
        assert (batch.ids[batch.mask == 0] == pieces.pad).all()
        assert batch.mask.sum(1).tolist() == [len(w.ids) for w in batch.windows]


def test_too_small_a_limit_is_refused(pieces):
    with pytest.raises(ValueError, match="at least 3"):
        pieces.windows(["day"], limit=2)


def test_not_a_bert_tokenizer(tmp_path):
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    Tokenizer(WordLevel({"a": 0}, unk_token="a")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ValueError, match="PAD"):
        WordPieces(tmp_path)
