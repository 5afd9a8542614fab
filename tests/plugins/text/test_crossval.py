"""Cross-validation: nobody is judged by a net that learnt from him, and what can be learnt is learnt."""

import numpy as np

from mien_plugins.text.crossval import CrossValidation, assign_folds, cross_validate, known
from mien_plugins.text.data import Texts


def _texts(count=90):
    rng = np.random.default_rng(0)
    words = (["silly", "dog"], ["red", "blue"], ["sun", "rain"])
    target = np.arange(count) % 3
    return Texts(
        tuple(" ".join(rng.permutation([*words[k], "the", str(rng.choice(["a", "day", "nice"]))])) for k in target),
        target,
    )


def test_folds_are_even_and_keep_equal_texts_together():
    texts = _texts()
    twice = texts.join(texts)
    fold = assign_folds(twice, 5)
    assert (fold[: len(texts)] == fold[len(texts) :]).all()
    groups = {text: fold[i] for i, text in enumerate(twice.text)}
    assert all(groups[text] == own for text, own in zip(twice.text, fold, strict=True))
    unique = Texts(tuple(f"word{i}" for i in range(100)), np.arange(100) % 3)
    counts = np.bincount(assign_folds(unique, 5), minlength=5)
    assert counts.max() - counts.min() <= 3


def test_texts_that_were_learnt_from_are_known():
    mine = Texts(("A  day", "other"), np.array([0, 1]))
    assert known(mine, [Texts(("a day",), np.array([0]))]).tolist() == [True, False]


def test_it_learns_what_the_words_say(tiny):
    texts = _texts()
    fold = np.arange(90) // 3 % 3
    plan = CrossValidation(layers=1, epochs=12, batch_tokens=100, rate=1e-2, head_rate=1e-2)
    before = [p.detach().clone() for p in tiny.net.parameters()]
    found = cross_validate(tiny, texts, fold, plan)
    assert found.shape == (90, 3)
    np.testing.assert_allclose(found.sum(1), 1.0, atol=1e-5)
    assert (found.argmax(1) == texts.target).mean() > 0.55  # chance: 0.33
    assert all(
        np.array_equal(a.numpy(), b.detach().numpy()) for a, b in zip(before, tiny.net.parameters(), strict=True)
    )


def test_labels_of_a_fold_do_not_reach_its_predictions(tiny):
    texts = _texts(30)
    fold = np.arange(30) // 3 % 3
    plan = CrossValidation(layers=1, epochs=2)
    found = cross_validate(tiny, texts, fold, plan)
    wrong = Texts(texts.text, np.where(fold == 0, (texts.target + 1) % 3, texts.target))
    again = cross_validate(tiny, wrong, fold, plan)
    np.testing.assert_allclose(again[fold == 0], found[fold == 0], atol=1e-5)
    assert np.abs(again[fold == 1] - found[fold == 1]).max() > 1e-3
