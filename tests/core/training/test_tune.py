"""Rounds and shares of the search; the search itself runs in tests/core/cli/test_tune.py."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mien.sdk import RecipeInfo, Search
from mien.sdk.params import Params, param
from mien.training.tune import _Follower, is_kept, rounds
from mien.training.watch import Epoch, following, unfollowed, watchers


def test_rounds_grow_by_four_thirds_and_later_brackets_begin_later():
    found = [[n for n in range(1, 41) if rounds(bracket)(n)] for bracket in range(3)]
    assert found[0] == [1, 2, 3, 4, 5, 6, 8, 10, 14, 18, 24, 32]
    assert found[1] == [3, 4, 6, 8, 10, 13, 17, 23, 30, 40]
    assert found[2][0] == 9


@pytest.mark.parametrize("count", [1, 2, 3, 4, 8, 10, 40])
def test_three_quarters_are_kept(count):
    values = [float(n) for n in range(count)]
    kept = [is_kept(value, values[:n] + values[n + 1 :]) for n, value in enumerate(values)]
    assert sum(kept) == -(-3 * count // 4)
    assert kept == sorted(kept, reverse=True)  # the smallest ones
    assert not is_kept(float("nan"), values)


def test_trainings_that_choose_nothing_are_judged_by_what_they_name():
    told = []
    follower = _Follower(lambda step, value: told.append((step, value)) or False, RuntimeError)

    def epoch(number, error):
        scores = {"epoch": float(number), "mse": error}
        return Epoch(number, 2, 10, scores, "epoch", float(number), number, 0.0, 0.1, 1.0, "max", ("mse", "min"))

    for errors in ((0.5, 0.4), (0.3, 0.2)):  # two folds
        follower.start(0, 2, None)
        for number, error in enumerate(errors, 1):
            follower.epoch(epoch(number, error))
        follower.close()
    assert (follower.metric, follower.mode) == ("mse", "min")
    assert follower.best == pytest.approx(0.3)  # the mean of what each fold ended with
    assert [step for step, _ in told] == [1, 2, 3, 4]
    assert [value for _, value in told] == pytest.approx([0.5, 0.4, 0.35, 0.3])


def test_trainings_that_were_over_before_count_when_a_search_goes_on():
    """Of three folds the first was over, the second in its middle: the mean is of all."""
    told = []
    follower = _Follower(lambda step, value: told.append((step, value)) or True, RuntimeError)

    def epoch(number, error):
        scores = {"epoch": float(number), "mse": error}
        return Epoch(number, 2, 0, scores, "epoch", float(number), number, 0.0, 0.1, 1.0, "max", ("mse", "min"))

    follower.start(2, 2, None)
    follower.again(epoch(1, 0.5))
    follower.again(epoch(2, 0.4))
    follower.close()
    follower.start(1, 2, None)
    follower.again(epoch(1, 0.3))  # a round that it stood before is not asked about once more
    with pytest.raises(RuntimeError):
        follower.epoch(epoch(2, 0.2))
    assert [step for step, _ in told] == [1, 2, 3, 4]
    assert [value for _, value in told] == pytest.approx([0.5, 0.4, 0.35, 0.3])
    assert (follower.metric, follower.mode, follower.best) == ("mse", "min", pytest.approx(0.3))


def test_of_several_random_starts_the_best_counts():
    """As of those of `fusion-khare` the best is kept: what a search goes by is not what the last of them gave."""
    told = []
    follower = _Follower(lambda step, value: told.append(value) or False, RuntimeError)

    def epoch(number, value, best):
        return Epoch(number, 2, 0, {"f1": value}, "f1", best, number, 0.0, 0.1, 1.0, "max")

    for start in ((0.5, 0.7), (0.9, 0.8), (0.4, 0.3)):
        follower.start(0, 2, None)
        for number, value in enumerate(start, 1):
            follower.epoch(epoch(number, value, max(start[:number])))
        follower.close()
    assert follower.best == 0.9
    assert told == [-0.5, -0.7, -0.9, -0.8, -0.4, -0.3]


def test_a_training_may_be_hidden_from_a_search(tmp_path):
    follower = _Follower(lambda step, value: False, RuntimeError)
    with following(follower):
        assert follower in watchers(tmp_path, progress=False)
        with unfollowed():
            assert follower not in watchers(tmp_path, progress=False)
        assert follower in watchers(tmp_path, progress=False)


@dataclass
class _Suggests:
    """A trial that gives the lower end."""

    def suggest_float(self, name, low, high, log):
        return low

    def suggest_int(self, name, low, high, log):
        return low

    def suggest_categorical(self, name, choices):
        return choices[0]


def test_a_search_is_over_numbers_or_choices():
    trial = _Suggests()
    assert Search("a", 0.5, 1.0).drawn(trial) == 0.5
    assert Search("a", 2, 8, log=True).drawn(trial) == 2
    assert Search("a", choices=("x", "y")).drawn(trial) == "x"
    for bad in ({}, {"low": 1.0}, {"low": 2.0, "high": 1.0}, {"low": 0.0, "high": 1.0, "log": True}):
        with pytest.raises(ValueError, match="needs choices"):
            Search("a", **bad)


def test_a_recipe_searches_its_own_options_only():
    class Options(Params):
        """One option."""

        lr: float = param(0.1, "rate")

    given = {"id": "r", "title": "", "model": "m", "data": (), "description": "", "factory": "a.b", "params": Options}
    assert RecipeInfo(**given, search=(Search("lr", 0.1, 1.0),)).search
    with pytest.raises(ValueError, match="no option rate"):
        RecipeInfo(**given, search=(Search("rate", 0.1, 1.0),))
