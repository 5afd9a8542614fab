"""Moddrop: M + 1 copies of each sample, one modality silenced in each, never two (SEEDS §4.4, §15.7)."""

from __future__ import annotations

import numpy as np
import pytest

from mien_plugins.fusion.moddrop import moddrop, silence


def test_three_modalities_give_exactly_four_times_the_samples() -> None:
    made = moddrop(np.ones((7, 3), bool))
    assert len(made) == 4 * 7
    assert np.bincount(made.rows).tolist() == [4] * 7
    for row in range(7):
        kinds = {tuple(p) for p in made.present[made.rows == row].tolist()}
        assert kinds == {(True, True, True), (True, True, False), (True, False, True), (False, True, True)}


@pytest.mark.parametrize("modalities", [1, 2, 4])
def test_there_are_always_one_more_copies_than_modalities(modalities: int) -> None:
    made = moddrop(np.ones((5, modalities), bool))
    assert len(made) == 5 * (modalities + 1)
    assert made.present.any(axis=1).all()
    assert (made.present.sum(axis=1) >= modalities - 1).all()


def test_a_sample_of_one_modality_is_never_emptied() -> None:
    made = moddrop([[True, False, False], [True, True, True]])
    assert len(made) == 8
    assert made.present[made.rows == 0].tolist() == [[True, False, False]] * 4


def test_what_is_absent_is_zero_at_the_input_and_the_rest_is_untouched() -> None:
    rng = np.random.default_rng(0)
    text, voice = rng.normal(size=(4, 3)).astype(np.float32), rng.normal(size=(4, 2, 5)).astype(np.float32)
    text[1] = np.nan
    present = np.array([[True, True], [False, True], [True, False], [True, True]])
    quiet_text, quiet_voice = silence([text, voice], present)
    assert quiet_text.dtype == np.float32
    assert quiet_text[1].tolist() == [0, 0, 0]
    assert not quiet_voice[2].any()
    assert np.array_equal(quiet_text[[0, 2, 3]], text[[0, 2, 3]])
    assert np.array_equal(quiet_voice[[0, 1, 3]], voice[[0, 1, 3]])


def test_masks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="no modality"):
        moddrop([[True, True], [False, False]])
    with pytest.raises(ValueError, match="shape"):
        moddrop(np.ones(3, bool))
    with pytest.raises(ValueError, match="does not fit"):
        silence([np.zeros((2, 3))], np.ones((2, 2), bool))
