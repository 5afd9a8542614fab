"""Metrics against values worked out by hand, and the traps papers set."""

import numpy as np
import pytest

from mien.evaluation import metrics as m


def test_ccc_punishes_scale_and_shift_where_pearson_does_not():
    x = np.arange(5.0)
    y = 2 * x + 1
    assert m.pearson(x, y) == pytest.approx(1.0)
    # var 2 and 8, cov 4, means 2 and 5
    assert m.ccc(x, y) == pytest.approx(2 * 4 / (2 + 8 + 9))
    assert m.ccc(x, x) == pytest.approx(1.0)
    assert m.ccc(x, -x + 4) == pytest.approx(-1.0)


def test_constants_give_zero_and_no_warning():
    x, flat = np.arange(4.0), np.full(4, 3.0)
    assert m.pearson(x, flat) == 0.0
    assert m.ccc(x, flat) == pytest.approx(0.0)
    assert m.ccc(flat, flat) == 0.0


def test_accuracy_and_balanced_accuracy_are_not_swapped():
    truth = np.array([0] * 8 + [1] * 2)
    always_zero = np.zeros(10, dtype=int)
    assert m.accuracy(truth, always_zero) == pytest.approx(0.8)
    assert m.balanced_accuracy(truth, always_zero) == pytest.approx(0.5)
    assert m.uar is m.balanced_accuracy


def test_balanced_accuracy_leaves_out_absent_classes():
    assert m.balanced_accuracy([0, 0, 3], [0, 1, 3]) == pytest.approx(0.75)


def test_macro_f1_is_not_the_f1_of_macro_precision_and_recall():
    truth = [0, 0, 0, 0, 1, 1]
    guess = [0, 0, 0, 0, 0, 1]
    # class 0: P 4/5, R 1, F 8/9; class 1: P 1, R 1/2, F 2/3
    assert m.macro_f1(truth, guess) == pytest.approx((8 / 9 + 2 / 3) / 2)
    assert m.f1_of_macro_pr(truth, guess) == pytest.approx(2 * 0.9 * 0.75 / (0.9 + 0.75))
    assert m.weighted_f1(truth, guess) == pytest.approx((8 / 9 * 4 + 2 / 3 * 2) / 6)


def test_f1_agrees_with_scikit_learn():
    from sklearn.metrics import balanced_accuracy_score, f1_score

    rng = np.random.default_rng(3)
    truth, guess = rng.integers(0, 5, 300), rng.integers(0, 5, 300)
    assert m.macro_f1(truth, guess) == pytest.approx(f1_score(truth, guess, average="macro"))
    assert m.weighted_f1(truth, guess) == pytest.approx(f1_score(truth, guess, average="weighted"))
    assert m.balanced_accuracy(truth, guess) == pytest.approx(balanced_accuracy_score(truth, guess))


def test_cross_entropy_is_positive_and_guarded():
    assert m.bce([1, 0], [0.9, 0.2]) == pytest.approx(-(np.log(0.9) + np.log(0.8)) / 2)
    assert np.isfinite(m.bce([1, 0], [0.0, 1.0]))


def test_rmse():
    assert m.rmse([0, 0], [3, 4]) == pytest.approx(np.sqrt(12.5))


def test_ece_of_calibrated_and_overconfident_scores():
    assert m.ece([1, 1, 0, 0], [0.5, 0.5, 0.5, 0.5]) == pytest.approx(0.0)
    assert m.ece([1, 0], [1.0, 1.0]) == pytest.approx(0.5)
    assert m.ece(np.array([0, 1]), np.array([[0.8, 0.2], [0.8, 0.2]])) == pytest.approx(0.3)


def test_few_items_have_an_ece_though_their_probabilities_are_right():
    # Of four fair coins 0 to 4 fall one way: 2·1/16 · .5 + 2·4/16 · .25.
    assert m.ece_by_chance([0.5] * 4, repeats=4000) == pytest.approx(0.1875, abs=0.01)
    assert m.ece_by_chance([0.5] * 4000) < 0.01
    assert m.ece_by_chance([0.0, 1.0]) == 0.0


def test_wer_counts_words_over_all_pairs():
    assert m.wer("place blue at f two", "Place blue, at F two!") == 0.0
    assert m.wer(["a b c d", "e f"], ["a b d", "e f g"]) == pytest.approx(2 / 6)
    assert m.wer("", "") == 0.0
    assert m.wer(["", "one two"], ["noise", "one two"]) == pytest.approx(0.5)


def test_bootstrap_holds_the_value_and_respects_groups():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400)
    guess = truth + rng.normal(size=400)
    alone = m.bootstrap_ci(m.ccc, truth, guess, repeats=200)
    assert alone.low < alone.value < alone.high
    assert alone.n == 400
    # Ten copies of 40 items are 40 pieces of evidence: resampling copies as groups must widen the interval.
    truth, guess, groups = np.repeat(truth[:40], 10), np.repeat(guess[:40], 10), np.repeat(np.arange(40), 10)
    naive = m.bootstrap_ci(m.ccc, truth, guess, repeats=200)
    grouped = m.bootstrap_ci(m.ccc, truth, guess, groups=groups, repeats=200)
    assert grouped.high - grouped.low > 2 * (naive.high - naive.low)
    assert grouped.n == 40


@pytest.mark.parametrize("metric", [m.ccc, m.pearson, m.rmse, m.accuracy, m.macro_f1, m.bce, m.ece])
def test_unequal_and_empty_inputs_are_refused(metric):
    with pytest.raises(ValueError):
        metric([1.0, 2.0], [1.0])
    with pytest.raises(ValueError):
        metric([], [])
