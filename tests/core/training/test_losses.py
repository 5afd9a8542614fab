"""Torch losses agree with the metrics and with what can be reckoned by hand; gradients are right, and finite at 0/0."""

import pytest
import torch

from mien.evaluation import metrics
from mien.training.losses import ccc_loss, multi_task_mse, pearson_loss


def test_losses_are_one_minus_the_metric():
    torch.manual_seed(1)
    x, y = torch.randn(50), torch.randn(50)
    assert float(ccc_loss(y, x)) == pytest.approx(1 - metrics.ccc(x, y), abs=1e-5)
    assert float(pearson_loss(y, x)) == pytest.approx(1 - metrics.pearson(x, y), abs=1e-5)


def test_a_line_correlates_fully_but_does_not_concord():
    x = torch.linspace(-1, 3, 40, dtype=torch.float64)
    y = 2 * x + 1
    assert float(pearson_loss(y, x)) == pytest.approx(0.0, abs=1e-7)
    var = float(x.var(unbiased=False))
    by_hand = 4 * var / (5 * var + float(x.mean() + 1) ** 2)
    assert float(1 - ccc_loss(y, x)) == pytest.approx(by_hand, abs=1e-7)
    assert metrics.ccc(x, y) == pytest.approx(by_hand, abs=1e-7)
    assert float(ccc_loss(x, x)) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("loss", [ccc_loss, pearson_loss])
def test_gradient_of_a_constant_prediction_is_finite(loss):
    flat = torch.zeros(8, requires_grad=True)
    value = loss(flat, torch.arange(8.0))
    assert float(value.detach()) == pytest.approx(1.0, abs=1e-6)
    value.backward()
    assert torch.isfinite(flat.grad).all()


@pytest.mark.parametrize("loss", [ccc_loss, pearson_loss])
def test_gradients_are_right(loss):
    torch.manual_seed(2)
    x, y = (torch.randn(12, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(loss, (x, y))


def test_tasks_count_as_they_are_weighed():
    truth = torch.zeros(4, 3)
    prediction = torch.tensor([[1.0, 2.0, 3.0]]).expand(4, 3)
    assert float(multi_task_mse(prediction, truth, (0.2, 0.1, 0.2))) == pytest.approx(0.2 + 0.4 + 1.8)
    assert float(multi_task_mse(prediction, truth, (0, 1, 0))) == pytest.approx(4.0)
    with pytest.raises(ValueError, match="one weight per task"):
        multi_task_mse(prediction, truth, (1, 1))
    with pytest.raises(ValueError, match="less than nothing"):
        multi_task_mse(prediction, truth, (1, -1, 1))
