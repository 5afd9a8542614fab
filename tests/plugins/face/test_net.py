"""The face net: published sizes, shapes of its branches, and attention that is what the formulas say."""

from __future__ import annotations

import json

import pytest
import torch

from mien_plugins.face.data import standardise
from mien_plugins.face.hrnet import W16_FACE, W16_SMALL, W18, W32, W48, HRNet, fold_norms
from mien_plugins.face.net import AttentionalPooling, FaceNet, FaceNetConfig
from mien_plugins.face.views import FaceEnsemble, zoomed


@pytest.mark.parametrize(
    ("config", "parameters"),
    [(W16_SMALL, 421_728), (W18, 2_760_024), (W32, 7_832_896), (W48, 17_036_544)],
    ids=["W16-small", "W18", "W32", "W48"],
)
def test_sizes_through_stage_three_are_the_published_ones(config, parameters):
    with torch.device("meta"):
        net = HRNet(config)
    assert sum(p.numel() for p in net.parameters()) == parameters


@pytest.mark.parametrize("config", [W16_SMALL, W18], ids=["W16-small", "W18"])
def test_branches_of_a_96_pixel_face_are_24_12_and_6_wide(config):
    net = HRNet(config).eval()
    with torch.inference_mode():
        maps = net(torch.zeros(2, 3, 96, 96))
    assert [tuple(m.shape) for m in maps] == [(2, c, s, s) for c, s in zip(config.channels, (24, 12, 6), strict=True)]


@pytest.mark.parametrize("side", [32, 50, 75])
def test_sides_that_do_not_divide_by_sixteen_pass(side):
    with torch.inference_mode():
        assert FaceNet().eval()(torch.zeros(1, 1, side, side)).logits.shape == (1, 7)


def test_folded_norms_change_nothing():
    torch.manual_seed(0)
    net, x = FaceNet(), torch.randn(8, 1, 48, 48)
    for _ in range(3):  # norms that do something
        net.train()(x)
    net.eval()
    with torch.inference_mode():
        before = net(x)
        fold_norms(net)
        after = net(x)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in net.modules())
    torch.testing.assert_close(after.logits, before.logits, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(after.embedding, before.embedding, atol=1e-4, rtol=1e-3)


def test_attentional_pooling_is_the_mean_of_saliency_times_top_down_maps():
    torch.manual_seed(0)
    pool = AttentionalPooling(5, 4)
    torch.nn.init.normal_(pool.bottom_up.weight)
    x = torch.randn(3, 5, 7, 6)
    vector, saliency = pool(x)
    expected = (pool.bottom_up(x) * pool.top_down(x)).mean(dim=(2, 3))
    assert saliency.shape == (3, 7, 6)
    torch.testing.assert_close(vector, expected)


def test_branch_attention_sums_to_one_and_is_kept():
    torch.manual_seed(0)
    net = FaceNet().eval()
    with torch.inference_mode():
        reading = net(torch.randn(4, 1, 48, 48))
    assert reading.embedding.shape == (4, 256)
    torch.testing.assert_close(reading.branch_weights.sum(1), torch.ones(4))
    assert [tuple(m.shape) for m in reading.saliency] == [(4, 24, 24), (4, 12, 12), (4, 6, 6)]


def test_a_face_read_in_several_views_does_not_know_left_from_right():
    torch.manual_seed(0)
    net, other = FaceNet().eval(), FaceNet().eval()
    faces = standardise(torch.randn(2, 1, 48, 48) * 50)
    with torch.inference_mode():
        both = FaceEnsemble((net, other), ((0, 1.0), (1, 1.1)))
        seen, mirrored = both(faces), both(faces.flip(3))
        assert not torch.allclose(net(faces).logits, net(faces.flip(3)).logits)
        one = FaceEnsemble((net,), ((0, 1.0),))(faces).logits
    torch.testing.assert_close(seen.logits, mirrored.logits, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(seen.embedding, mirrored.embedding, atol=1e-5, rtol=1e-4)
    with torch.inference_mode():
        torch.testing.assert_close(one, (net(faces).logits + net(faces.flip(3)).logits) / 2)
        at_second = zoomed(faces, 1.1)
        parts = (net(faces), net(faces.flip(3)), other(at_second), other(at_second.flip(3)))
    torch.testing.assert_close(seen.logits, sum(part.logits for part in parts) / 4)
    torch.testing.assert_close(seen.embedding, (parts[0].embedding + parts[1].embedding) / 2)
    with pytest.raises(ValueError, match="nets"):
        FaceEnsemble((net,), ((1, 1.0),))


def test_a_wider_view_shrinks_the_face_and_continues_its_edge():
    grey = torch.full((1, 1, 40, 40), -10.0)
    grey[..., 10:30, 10:30] = 10.0
    assert zoomed(grey, 1.0) is grey
    seen = zoomed(standardise(grey), 2.0)[0, 0]
    assert (seen > 0).sum() == pytest.approx(100, abs=1)  # 20x20 became 10x10
    assert (seen[:9] == seen[0, 0]).all()
    torch.testing.assert_close(seen.square().mean(), torch.tensor(1.0))


@pytest.mark.parametrize("hrnet", [W18, W16_FACE], ids=["W18", "W16-face"])
def test_a_config_survives_json(hrnet):
    config = FaceNetConfig(hrnet=hrnet, dropout=0.3)
    assert FaceNetConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_config_of_before_the_stem_was_a_choice_still_loads():
    values = FaceNetConfig(hrnet=W16_SMALL).to_dict()
    for name in ("stem", "strides", "inputs"):
        del values["hrnet"][name]
    net = FaceNet(FaceNetConfig.from_dict(values)).eval()
    assert net.config.hrnet == W16_SMALL
    with torch.inference_mode():
        assert net(torch.zeros(1, 1, 64, 64)).saliency[0].shape == (1, 16, 16)


def test_every_weight_learns():
    net = FaceNet().train()
    net(torch.randn(4, 1, 48, 48)).logits.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in net.parameters())
