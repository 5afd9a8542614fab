"""LIME over super-samples: masks, weights and toy models."""

from __future__ import annotations

import numpy as np
import pytest

from mien_plugins.lime import all_masks, distances, fit, kernel, parts, sample_masks


def masks(count: int = 2000, n: int = 10):
    return sample_masks(np.random.default_rng(1), count, n)


def test_weights_by_number_of_kept_super_samples():
    rows = np.tri(11, 10, -1, dtype=bool)[::-1]  # m = 10 … 0
    want = [1, 0.979, 0.915, 0.808, 0.666, 0.503, 0.339, 0.195, 0.0868, 0.0238, 0.000335]
    np.testing.assert_allclose(kernel(rows), want, atol=6e-4)
    assert distances(rows)[-1] == 100
    literal = kernel(rows, literal=True)
    assert literal.min() > 0.998  # eq. 3.5 as printed hardly weighs at all


def test_masks_silence_a_uniform_number():
    rows = masks()
    assert rows.shape == (2000, 10)
    assert rows[0].all()
    removed = 10 - rows[1:].sum(1)
    assert removed.min() == 1
    assert removed.max() == 10
    counts = np.bincount(removed, minlength=11)[1:]
    np.testing.assert_allclose(counts / 1999, 0.1, atol=0.03)
    assert len({tuple(m) for m in all_masks(10)}) == 1024
    assert all_masks(10)[0].all()


@pytest.mark.parametrize("exact", [False, True])
def test_a_linear_model_is_recovered(exact):
    slopes = np.array([0.02, -0.16, 0.08, 0, 0.12, -0.04, 0.06, 0.14, -0.1, 0.18])
    calls = []

    def predict(rows):
        calls.append(len(rows))
        return rows @ slopes - 0.1

    found = fit(predict, all_masks(10) if exact else masks(), 10)
    assert len(calls) == 1
    assert calls[0] <= 1024  # every distinct mask once
    np.testing.assert_allclose(found.coefficients, slopes, atol=0.008)
    assert list(found.order[:3]) == [9, 1, 7]
    assert found.score > 0.99
    assert found.reading == pytest.approx(slopes.sum() - 0.1)
    assert found.local == pytest.approx(found.reading, abs=0.02)


@pytest.mark.parametrize("features", [1, 3, 6, 7, 10])
def test_what_only_super_sample_7_does_is_put_first(features):
    found = fit(lambda rows: np.where(rows[:, 7], 0.6, -0.6), masks(), features)
    assert found.order[0] == 7
    assert len(found.order) == features
    assert found.coefficients[7] == pytest.approx(1.2, abs=0.04)
    assert np.abs(np.delete(found.coefficients, 7)).max() < 0.02


def test_what_cannot_be_read_does_not_count():
    slopes = np.arange(6) / 10
    found = fit(lambda rows: np.where(rows.sum(1) > 2, rows @ slopes, np.nan), masks(2000, 6), 6)
    np.testing.assert_allclose(found.coefficients, slopes, atol=0.01)
    with pytest.raises(ValueError, match="nothing can be read"):
        fit(lambda rows: np.full(len(rows), np.nan), all_masks(6), 6)


def test_masks_must_begin_with_the_whole_window():
    with pytest.raises(ValueError, match="whole window"):
        fit(lambda m: np.zeros(len(m)), np.zeros((4, 10), bool), 10)
    with pytest.raises(ValueError, match="features"):
        fit(lambda m: np.zeros(len(m)), masks(), 11)


def test_parts_lie_in_the_sound_and_those_not_selected_have_no_score():
    found = fit(lambda rows: np.where(rows[:, 1], 0.5, 0.0), masks(), 2)
    spans = parts("x", found, 100.0, 30.0, 4.0)
    assert spans.start.tolist() == [100.0, 103.0]
    assert spans.end.tolist() == [103.0, 104.0]
    assert spans.score[1] == pytest.approx(0.5, abs=0.02)
    assert np.isnan(parts("x", found, 0.0, 30.0, 30.0).score).sum() == 8


def test_captum_fits_the_same_model():
    """The same masks, weights and ridge regression through Captum's LIME give the same coefficients."""
    torch = pytest.importorskip("torch")
    attr = pytest.importorskip("captum.attr")
    models = pytest.importorskip("captum._utils.models.linear_model")
    rng = np.random.default_rng(3)
    slopes, pairs = rng.normal(0, 0.1, 10), rng.normal(0, 0.03, (10, 10))

    def read(rows):
        return rows @ slopes + ((rows @ pairs) * rows).sum(1) - 0.2

    rows = masks(400)
    found = fit(read, rows, 10)
    left = iter(rows)
    other = attr.LimeBase(
        lambda x: torch.from_numpy(read(x.numpy())),
        models.SkLearnRidge(alpha=1.0),
        similarity_func=lambda whole, x, mask, **_: torch.tensor(kernel(mask.numpy().astype(bool))),
        perturb_func=lambda x, **_: torch.from_numpy(next(left)[None].astype(np.float64)),
        perturb_interpretable_space=True,
        from_interp_rep_transform=lambda mask, x, **_: mask,
        to_interp_rep_transform=None,
    )
    got = other.attribute(torch.ones(1, 10, dtype=torch.float64), n_samples=400)
    np.testing.assert_allclose(got.numpy().ravel(), found.coefficients, atol=1e-5)


def test_ranks_of_a_linear_model_are_recovered_for_any_order():
    rng = np.random.default_rng(5)
    for _ in range(5):
        slopes = rng.permutation(np.linspace(0.05, 0.5, 10)) * rng.choice([-1, 1], 10)
        found = fit(lambda rows, s=slopes: rows @ s, masks(), 10)
        assert list(found.order) == np.argsort(-np.abs(slopes)).tolist()
        np.testing.assert_array_equal(np.sign(found.coefficients), np.sign(slopes))
