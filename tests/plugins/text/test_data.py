"""Readers: their layouts, their splits, and no text on both sides of one."""

import shutil

import numpy as np
import pytest

from mien.errors import CorpusError
from mien_plugins.text.clean import clean
from mien_plugins.text.data import Texts, read_davidson, read_emobank, read_hatexplain, read_olid, split_off
from mien_plugins.text.recipe import read_corpora


def keys(part: Texts) -> set[str]:
    return {clean(text).lower() for text in part.text}


def test_olid_split_is_seeded_stratified_and_disjoint(tiny_corpora):
    splits = read_olid(tiny_corpora, seed=1, share=0.2)
    again, other = read_olid(tiny_corpora, seed=1, share=0.2), read_olid(tiny_corpora, seed=2, share=0.2)
    assert splits["valid"].text == again["valid"].text != other["valid"].text
    assert not keys(splits["train"]) & keys(splits["valid"])
    assert not (keys(splits["train"]) | keys(splits["valid"])) & keys(splits["test"])
    assert splits["valid"].target.mean() == pytest.approx(1 / 3, abs=0.1)
    assert len(splits["test"]) == 31


def test_equal_texts_stay_together():
    texts = Texts(("Same day!", "other", "same day", "third", "fourth"), np.array([0, 0, 1, 1, 0]))
    for seed in range(8):
        rest, part = split_off(texts, 0.4, seed)
        assert not keys(rest) & keys(part)
        assert len(rest) + len(part) == 5


def test_other_corpora(tiny_corpora):
    hate = read_hatexplain(tiny_corpora)
    assert [len(hate[s]) for s in ("train", "valid", "test")] == [60, 30, 30]
    assert set(hate["test"].target) == {0, 1, 2}
    assert set(read_davidson(tiny_corpora).target) == {0, 1, 2}
    bank = read_emobank(tiny_corpora)
    assert bank["train"].target.shape == (40, 3)
    assert bank["train"].target.dtype == np.float32
    assert np.abs(bank["train"].target).max() <= 1.0
    assert bank["train"].text[0].endswith('"said" the dog')


def test_a_missing_corpus_says_where_it_belongs(tmp_path):
    with pytest.raises(CorpusError, match="olid-training"):
        read_olid(tmp_path)


@pytest.mark.parametrize(
    ("name", "corpus", "split"),
    [
        ("hatexplain/valid.tsv", "HateXplain", "valid"),
        ("olid/labels-levela.csv", "OLID", "test"),
        ("emobank/emobank.csv", "EmoBank", "train"),
    ],
)
def test_an_empty_split_is_one_sentence(tiny_corpora, tmp_path, name, corpus, split):
    shutil.copytree(tiny_corpora / "text", tmp_path / "text")
    path = tmp_path / "text" / name
    heading, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [row for row in rows if corpus == "EmoBank" and ",train," not in row]
    path.write_text("".join([heading, *kept]) if corpus != "OLID" else "", encoding="utf-8")
    with pytest.raises(CorpusError, match=f"The {split} split of {corpus} is empty") as caught:
        read_corpora(tmp_path, 0)
    assert "\n" not in str(caught.value)


def test_real_corpora_have_their_published_sizes(shared):
    data = shared / "data"
    olid = read_olid(data)
    assert len(olid["test"]) == 860
    assert olid["test"].target.sum() == 240
    assert 13_200 <= len(olid["train"]) + len(olid["valid"]) <= 13_240
    assert not keys(olid["train"]) & keys(olid["valid"])
    hate = read_hatexplain(data)
    assert [len(hate[s]) for s in ("train", "valid", "test")] == [15_383, 1_922, 1_924]
    assert np.bincount(read_davidson(data).target).tolist() == [1430, 19_190, 4163]
    assert len(read_emobank(data)["test"]) == 1000
