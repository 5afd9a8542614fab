"""Deep canonical correlation: how far two representations of the same items agree up to a linear map.

Andrew et al. 2013, "Deep Canonical Correlation Analysis"; thesis of V. Rajan 2022, eqs 5.5 – 5.8 with samples in rows, so
that the covariances are HᵀH and not, as printed there, HHᵀ.
"""

from __future__ import annotations

import torch
from torch import Tensor

K, R = 10, 1e-3


def canonical_correlation(first: Tensor, second: Tensor, *, k: int = K, r: float = R) -> Tensor:
    """Sum of the `k` largest canonical correlations, each in [0, 1].

    With batches smaller than the representation the covariances are singular, and `r` alone makes them invertible; where
    the variance of the representation is far above `r`, the sum is then near `k` whatever the data. It tells little
    unless the batch is several times wider than the representation.

    Args:
        first: (p, d₁) and `second`: (p, d₂), the same p items, p ≥ 2.
        k: how many; at most min(d₁, d₂, p − 1) count.
        r: added to the variances (r₁ = r₂).

    Returns:
        A scalar in float64: in float32 the small eigenvalues drown.

    Raises:
        ValueError: not the same items, or fewer than two.
    """
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second) or len(first) < 2:
        raise ValueError(
            f"a correlation needs the same two or more items in rows: {tuple(first.shape)} and {tuple(second.shape)}"
        )
    a, b = _centred(first), _centred(second)
    # T = Σ₁₁^(−½) Σ₁₂ Σ₂₂^(−½) has the singular values of L₁⁻¹ Σ₁₂ L₂⁻ᵀ with Σ = LLᵀ, and Cholesky's gradient exists
    # where eigenvalues coincide, as they do (at r) when p < d; that of the eigendecomposition does not.
    lower = [torch.linalg.cholesky(_covariance(x, x) + r * torch.eye(x.shape[1]).to(x)) for x in (a, b)]
    left = torch.linalg.solve_triangular(lower[0], _covariance(a, b), upper=False)
    both = torch.linalg.solve_triangular(lower[1], left.mT, upper=False)
    found: Tensor = torch.linalg.svdvals(both)
    return found[: min(k, len(first) - 1)].sum()


def dcca_loss(first: Tensor, second: Tensor, *, k: int = K, r: float = R) -> Tensor:
    """−`canonical_correlation`, in the type of `first`: smallest (−k) where the representations agree."""
    return -canonical_correlation(first, second, k=k, r=r).to(first)


def _centred(values: Tensor) -> Tensor:
    if values.device.type == "mps":  # has no float64
        values = values.cpu()
    values = values.double()
    return values - values.mean(dim=0)


def _covariance(a: Tensor, b: Tensor) -> Tensor:
    product: Tensor = a.mT @ b
    return product / (len(a) - 1)
