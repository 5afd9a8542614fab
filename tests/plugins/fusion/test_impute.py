"""KNN imputation: neighbours in what is there give what is absent (SEEDS §4.4, §15.7)."""

from __future__ import annotations

import numpy as np
import pytest

from mien_plugins.fusion.impute import KnnImputer

RNG = np.random.default_rng(0)
TRAINING = {name: RNG.normal(size=(40, size)).astype(np.float32) for name, size in (("t", 6), ("v", 4), ("a", 3))}


def test_one_neighbour_of_a_training_point_is_its_partner() -> None:
    imputer = KnnImputer(TRAINING, k=1)
    rows = np.array([3, 17, 39])
    for kept in range(3):
        present = np.zeros((3, 3), bool)
        present[:, kept] = True
        asked = {name: TRAINING[name][rows] for name in TRAINING}
        filled = imputer.fill(asked, present)
        for name in TRAINING:
            assert np.array_equal(filled[name], TRAINING[name][rows])


def test_two_modalities_search_side_by_side() -> None:
    known = {"t": np.array([[0.0], [1.0], [2.0]]), "v": np.array([[9.0], [0.0], [0.0]]), "a": np.array([[1], [2], [3]])}
    imputer = KnnImputer(known, k=1)
    # In t alone the first sample is nearest, in both it is the second.
    asked = {"t": np.array([[0.4]]), "v": np.array([[0.0]]), "a": np.array([[np.nan]])}
    assert imputer.fill(asked, [[True, True, False]])["a"].tolist() == [[2.0]]
    assert imputer.fill(asked, [[True, False, False]])["a"].tolist() == [[1.0]]


def test_the_mean_of_k_neighbours_stands_in() -> None:
    imputer = KnnImputer(TRAINING, k=5)
    asked = {name: RNG.normal(size=(2, block.shape[1])).astype(np.float32) for name, block in TRAINING.items()}
    filled = imputer.fill(asked, [[True, False, True], [True, True, True]])
    both = np.concatenate([TRAINING["t"], TRAINING["a"]], axis=1)
    wanted = np.concatenate([asked["t"][0], asked["a"][0]])
    near = np.argsort(((both - wanted) ** 2).sum(axis=1))[:5]
    assert np.allclose(filled["v"][0], TRAINING["v"][near].mean(axis=0), atol=1e-6)
    assert np.array_equal(filled["v"][1], asked["v"][1])
    assert np.array_equal(filled["t"], asked["t"])


def test_more_neighbours_than_samples_are_all_of_them_and_nothing_present_stays_zero() -> None:
    imputer = KnnImputer({"t": [[0.0], [2.0]], "v": [[4.0], [8.0]]}, k=100)
    filled = imputer.fill({"t": np.ones((2, 1)), "v": np.ones((2, 1))}, [[True, False], [False, False]])
    assert filled["v"].tolist() == [[6.0], [0.0]]
    assert filled["t"].tolist() == [[1.0], [0.0]]


def test_what_it_remembers_can_be_stored() -> None:
    again = KnnImputer(KnnImputer(TRAINING, k=2).arrays(), k=2)
    assert again.modalities == ("t", "v", "a")
    assert len(again) == 40
    assert np.allclose(again.vectors["v"], TRAINING["v"], atol=2e-3)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="neighbour"):
        KnnImputer(TRAINING, k=0)
    with pytest.raises(ValueError, match="every modality"):
        KnnImputer({"t": np.zeros((2, 1)), "v": np.zeros((3, 1))})
    with pytest.raises(ValueError, match="finite"):
        KnnImputer({"t": np.full((2, 1), np.nan)})
    imputer = KnnImputer(TRAINING)
    with pytest.raises(ValueError, match="mask"):
        imputer.fill(TRAINING, np.ones((40, 2), bool))
    with pytest.raises(ValueError, match="vectors of v"):
        imputer.fill({**TRAINING, "v": TRAINING["t"]}, np.ones((40, 3), bool))
