"""Bad corpora are refused by one sentence that names what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from mien.errors import CorpusError
from mien.training import checks


def said(call, *arguments, **named) -> str:
    with pytest.raises(CorpusError) as caught:
        call(*arguments, **named)
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_an_empty_split_is_named():
    checks.require_splits("mosi", {"train": [1, 2], "valid": 3})
    assert "The valid split of mosi is empty" in said(checks.require_splits, "mosi", {"train": [1], "valid": []})
    assert "test split" in said(checks.require_splits, "mosi", {"train": 4, "test": 0})


def test_unseen_labels_are_named():
    checks.require_known_labels("mosi", "test", np.array([0, 1, 1]), (0, 1))
    assert "does not know: 2;" in said(checks.require_known_labels, "mosi", "test", np.array([0, 2]), (0, 1))
    assert "nothing (NaN)" in said(checks.require_known_labels, "mosi", "test", [1.0, float("nan")], (0, 1))
    assert "bored" in said(checks.require_known_labels, "iemocap", "valid", ["sad", "bored"], ["sad", "happy"])


def test_shapes_must_match():
    checks.require_shape("text", np.zeros((3, 100)), (None, 100))
    assert "3 × 73, but any × 100" in said(checks.require_shape, "text", np.zeros((3, 73)), (None, 100))
    assert "no dimension" in said(checks.require_shape, "text", np.float32(1), (None,))


def test_nan_is_found_with_its_place():
    checks.require_finite("audio", [[1.0, 2.0]])
    assert "has 1 value" in said(checks.require_finite, "audio", [[1.0, 2.0], [float("inf"), 2.0]])
    assert "index 1, 0" in said(checks.require_finite, "audio", [[1.0, 2.0], [float("nan"), 2.0]])


def test_parts_of_one_corpus_have_equally_many_rows():
    checks.require_equal_lengths("mosi", {"text": 4, "audio": 4})
    assert "text 4, audio 3" in said(checks.require_equal_lengths, "mosi", {"text": 4, "audio": 3})


def test_speakers_are_never_shared():
    checks.require_disjoint("x", {"train": ["a", "b"], "valid": ["c"]})
    assert "train and test of x share speakers: b" in said(
        checks.require_disjoint, "x", {"train": ["a", "b"], "valid": ["c"], "test": ["b"]}
    )
