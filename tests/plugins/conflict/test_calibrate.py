"""Scale, offset and probabilities, on a net whose reading is what we say it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mien_plugins.conflict.calibrate import calibrate, scores
from mien_plugins.conflict.recipe import Batch


class Said(nn.Module):
    """Reads the first sample of each clip, through an output unit like the net's."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(1, 1)
        nn.init.ones_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(x[:, :1])[:, 0]


def batch(said: np.ndarray, truth: np.ndarray) -> Batch:
    nothing = torch.zeros(len(said))
    return Batch(
        torch.tensor(said, dtype=torch.float32)[:, None],
        torch.tensor(truth, dtype=torch.float32),
        torch.zeros(len(said), 1, 3),
        nothing,
        nothing,
    )


@pytest.fixture
def conversations() -> Batch:
    rng = np.random.default_rng(0)
    truth = rng.uniform(-1, 1, 400)
    return batch(0.25 * truth + 0.3 + 0.05 * rng.standard_normal(400), truth)


def test_the_output_is_rescaled_to_the_intensity(conversations: Batch) -> None:
    net = Said()
    calibrate(net, [conversations])  # type: ignore[arg-type]
    given, truth = scores(net, [conversations])  # type: ignore[arg-type]
    slope, offset = np.polyfit(given, truth, 1)
    assert slope == pytest.approx(1.0, abs=1e-3)
    assert offset == pytest.approx(0.0, abs=1e-3)


def test_voices_alone_lie_below_zero_and_probabilities_stay(conversations: Batch) -> None:
    free, bound = Said(), Said()
    alone = batch(np.linspace(0.2, 0.4, 100), np.full(100, -0.5))  # rescaled: up to 0.4
    before = calibrate(free, [conversations])["hostility"]  # type: ignore[arg-type]
    after = calibrate(bound, [conversations], [[alone]])["hostility"]  # type: ignore[arg-type]
    read, _ = scores(bound, [alone])  # type: ignore[arg-type]
    assert (scores(free, [alone])[0] < 0).mean() < 0.7  # type: ignore[arg-type]
    assert 0.94 <= (read < 0).mean() <= 0.96
    chances = []
    for net, curve in ((free, before), (bound, after)):
        given, _ = scores(net, [conversations])  # type: ignore[arg-type]
        chances.append(1 / (1 + np.exp(-(curve["coef"][0] * np.clip(given, -1, 1) + curve["intercept"]))))
    assert np.abs(chances[0] - chances[1]).max() < 0.1


def test_a_quiet_corpus_does_not_make_up_for_a_loud_one(conversations: Batch) -> None:
    net = Said()
    loud, quiet = (batch(given, np.full(100, -0.5)) for given in (np.linspace(0.2, 0.4, 100), np.full(100, 0.1)))
    calibrate(net, [conversations], [[quiet], [loud]])  # type: ignore[arg-type]
    assert 0.94 <= (scores(net, [loud])[0] < 0).mean() <= 0.96  # type: ignore[arg-type]


def test_voices_that_lie_below_zero_change_nothing(conversations: Batch) -> None:
    free, bound = Said(), Said()
    calibrate(free, [conversations])  # type: ignore[arg-type]
    calibrate(bound, [conversations], [[batch(np.full(50, 0.1), np.full(50, -0.5))]])  # type: ignore[arg-type]
    assert bound.out.bias.item() == pytest.approx(free.out.bias.item())
