"""The multi-task net: sizes of the paper, scaling, and what padding means."""

import numpy as np
import pytest
import torch

from mien_plugins.emotion.net import EmotionNet, NetConfig


def net(representation, **kwargs):
    torch.manual_seed(0)
    return EmotionNet(NetConfig(representation=representation, **kwargs)).eval()


@pytest.mark.parametrize(("representation", "inputs"), [("f1", 136), ("f2", 1360)])
def test_sizes_of_the_paper(representation, inputs):
    model = net(representation)
    assert model.shared[0].in_features == inputs
    values, embedding = model(torch.randn(5, 10, 136), torch.full((5,), 10))
    assert values.shape == (5, 3)
    assert embedding.shape == (5, 510)
    assert (embedding >= 0).all()


@pytest.mark.parametrize("representation", ["f1", "f2"])
def test_what_lies_beyond_the_real_rows_is_not_read(representation):
    model = net(representation)
    mid = torch.randn(2, 10, 136)
    rows = torch.tensor([4, 7])
    rubbish = mid.clone()
    rubbish[0, 4:], rubbish[1, 7:] = 1e6, -1e6
    torch.testing.assert_close(model(mid, rows)[0], model(rubbish, rows)[0])


def test_scale_maps_training_data_to_minus_one_and_one():
    rng = np.random.default_rng(0)
    mid = torch.from_numpy(rng.uniform(5, 9, (400, 4, 136)).astype(np.float32))
    rows = torch.full((400,), 4)
    for representation in ("f1", "f2"):
        model = net(representation, rows=4)
        model.fit_scale(mid, rows, outside=0.0)
        scaled = model.scale(mid, rows)
        assert scaled.min() == pytest.approx(-1, abs=1e-4)
        assert scaled.max() == pytest.approx(1, abs=1e-4)
        assert {"low", "high"} <= set(model.state_dict())


def test_constant_features_do_not_divide_by_zero():
    model = net("f1", rows=4)
    model.fit_scale(torch.ones(10, 4, 136), torch.full((10,), 4))
    assert torch.isfinite(model(torch.ones(1, 4, 136), torch.tensor([4]))[0]).all()


def test_config_survives_json():
    config = NetConfig("f2", 4, (32, 16), 0.1)
    assert NetConfig.from_dict(config.to_dict()) == config
