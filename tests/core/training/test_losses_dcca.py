"""Canonical correlation against what theory says of it (Andrew et al. 2013; Hotelling 1936)."""

import pytest
import torch

from mien.training.dcca import canonical_correlation, dcca_loss


def noise(items: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(items, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_representation_correlates_fully_with_itself():
    h = noise(500, 12)
    assert float(canonical_correlation(h, h, k=7, r=1e-10)) == pytest.approx(7.0, abs=1e-6)
    # No more correlations than dimensions.
    assert float(canonical_correlation(h, h, k=50, r=1e-10)) == pytest.approx(12.0, abs=1e-6)


def test_an_invertible_linear_map_changes_nothing():
    a = noise(400, 6)
    b = 0.6 * a[:, :5] + 0.8 * noise(400, 5, 1)
    expected = float(canonical_correlation(a, b, k=3, r=1e-12))
    assert 0.5 < expected / 3 < 0.75
    mapped = a @ noise(6, 6, 2) + 3.0, 10.0 * b @ noise(5, 5, 3) - 1.0
    assert float(canonical_correlation(*mapped, k=3, r=1e-12)) == pytest.approx(expected, abs=1e-5)


def test_one_dimension_is_pearsons_correlation():
    a, b = noise(200, 1), noise(200, 1, 1) + 0.5 * noise(200, 1)
    r = torch.corrcoef(torch.cat([a, b], 1).T)[0, 1].abs()
    assert float(canonical_correlation(a, b, r=1e-12)) == pytest.approx(float(r), abs=1e-9)


@pytest.mark.parametrize(("items", "width"), [(9, 4), (4, 7)])
def test_gradients_are_right_even_with_fewer_items_than_dimensions(items, width):
    a, b = noise(items, width).requires_grad_(), noise(items, width, 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, y: canonical_correlation(x, y, k=3, r=0.1), (a, b), fast_mode=True)


def test_a_batch_smaller_than_the_width_stays_finite():
    a, b = (noise(32, 128, seed).float().requires_grad_() for seed in (0, 1))
    loss = dcca_loss(a, b)
    loss.backward()
    assert loss.dtype == torch.float32
    # SEEDS §5: for independent noise of unit variance the sum is 9.998 of 10 at batch 32, so it tells nothing there.
    assert float(loss.detach()) == pytest.approx(-9.998, abs=0.002)
    assert torch.isfinite(a.grad).all()
    assert torch.isfinite(b.grad).all()


def test_more_items_tell_noise_from_agreement():
    assert float(canonical_correlation(noise(2000, 128), noise(2000, 128, 1))) == pytest.approx(4.53, abs=0.1)


def test_other_items_are_refused():
    with pytest.raises(ValueError, match="same two or more items"):
        canonical_correlation(noise(5, 3), noise(4, 3))
    with pytest.raises(ValueError, match="same two or more items"):
        canonical_correlation(noise(1, 3), noise(1, 3))
