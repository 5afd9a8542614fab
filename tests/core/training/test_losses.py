"""Torch losses agree with the metrics, and their gradients are finite where the metric is 0/0."""

import pytest
import torch

from mien.evaluation import metrics
from mien.training.losses import ccc_loss, pearson_loss


def test_losses_are_one_minus_the_metric():
    torch.manual_seed(1)
    x, y = torch.randn(50), torch.randn(50)
    assert float(ccc_loss(y, x)) == pytest.approx(1 - metrics.ccc(x, y), abs=1e-5)
    assert float(pearson_loss(y, x)) == pytest.approx(1 - metrics.pearson(x, y), abs=1e-5)


@pytest.mark.parametrize("loss", [ccc_loss, pearson_loss])
def test_gradient_of_a_constant_prediction_is_finite(loss):
    flat = torch.zeros(8, requires_grad=True)
    loss(flat, torch.arange(8.0)).backward()
    assert torch.isfinite(flat.grad).all()
