"""Several nets that read together: their mean, their branches side by side, each with its own view of the sound."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from mien.training.card import save_model
from mien_plugins.emotion.corpus import RATE
from mien_plugins.emotion.features import Recipe
from mien_plugins.emotion.joint import JointConfig, JointNet
from mien_plugins.emotion.logmel import LogMel
from mien_plugins.emotion.net import NetConfig
from mien_plugins.emotion.plan import JOINT
from mien_plugins.emotion.reader import Ears, config_of, load
from mien_plugins.emotion.spectral import SpectralConfig, SpectralNet, padded

SPECTRAL = {"channels": (4, 4, 8, 8), "width": 8, "shared": 16}
SMALL = JointConfig(
    (
        SpectralConfig(view="level", colour=0, branch=57, **SPECTRAL),
        SpectralConfig(branch=57, **SPECTRAL),
        NetConfig(shared=(16,), branch=56),
    ),
    (0.5, 0.3, 0.2),
)


def joint(config=SMALL):
    torch.manual_seed(0)
    return JointNet(config).eval()


def heard(count, frames=80, rows=3):
    torch.manual_seed(1)
    return (
        torch.randn(count, frames, 64) * 15 - 20,
        torch.full((count,), frames),
        torch.randn(count, rows, 136),
        torch.full((count,), rows),
    )


@pytest.mark.parametrize("config", [SMALL, JOINT], ids=["small", "shipped"])
def test_readings_are_the_mean_of_the_members_and_the_embedding_all_their_branches(config):
    net, inputs = joint(config), heard(3)
    with torch.inference_mode():
        values, vectors = net(*inputs)
        apart = net.apart(*inputs)
    assert vectors.shape == (3, 510)
    torch.testing.assert_close(values, sum(w * v for w, (v, _) in zip(config.weights, apart, strict=True)))
    torch.testing.assert_close(vectors.sum(dim=1), sum(x.sum(dim=1) for _, x in apart))
    for member, (_, own) in zip(net.members, apart, strict=True):  # a task's 170 hold its branch of each member
        size = member.config.branch
        for task in range(3):
            part = vectors[0, 170 * task : 170 * (task + 1)]
            assert any(
                torch.equal(part[i : i + size], own[0, size * task : size * (task + 1)]) for i in range(171 - size)
            )


def test_branches_that_do_not_make_the_embedding_are_refused():
    with pytest.raises(ValueError, match="170"):
        JointConfig((SpectralConfig(), NetConfig()), (0.5, 0.5))
    with pytest.raises(ValueError, match="weight"):
        JointConfig(SMALL.members, (0.5, 0.5, 0.5))


def test_config_survives_json():
    assert config_of(SMALL.to_dict()) == SMALL


def test_an_error_teaches_each_member_of_its_own():
    net = joint()
    (values, _), *_ = net.apart(*heard(4))
    values.sum().backward()
    taught = [any(p.grad is not None for p in member.parameters()) for member in net.members]
    assert taught == [True, False, False]


def test_another_channel_is_another_sound_to_the_view_of_the_level_alone():
    _, length, *_ = heard(2)
    frames = -20.0 + 5.0 * torch.sin(torch.arange(80.0)[:, None] + torch.arange(64.0)).expand(2, 80, 64)
    channel = torch.linspace(-4.0, 4.0, 64)  # little enough for the same frames to count as loud
    for view, same in (("bands", True), ("level", False)):
        net = SpectralNet(SpectralConfig(view=view, **SPECTRAL)).eval()
        before, after, louder = (net.normalise(x, length)[0] for x in (frames, frames + channel, frames + 7.0))
        assert torch.allclose(before, after, atol=1e-3) is same
        torch.testing.assert_close(louder, before, atol=1e-3, rtol=1e-3)


def test_a_reader_hears_both_and_reads_many_as_one(tmp_path):
    ears = Ears(LogMel(), Recipe(RATE))
    net = joint()
    for member in net.members:
        if isinstance(member.config, NetConfig):
            member.low.fill_(-3.0)
            member.high.fill_(3.0)
    save_model(tmp_path, net.state_dict(), {"net": SMALL.to_dict(), "features": asdict(ears)})
    reader = load(tmp_path)
    assert reader.features == ears
    rng = np.random.default_rng(0)
    sounds = [reader.hear((0.1 * rng.standard_normal(int(s * RATE))).astype(np.float32)) for s in (0.3, 2.0, 6.0, 12.0)]
    values, vectors = reader.read(sounds)
    for row, sound in enumerate(sounds):
        alone = reader.read([sound])
        np.testing.assert_allclose(alone[0][0], values[row], atol=1e-5)
        np.testing.assert_allclose(alone[1][0], vectors[row], atol=1e-4)
    assert len(reader.hear(np.zeros(100, np.float32))) == 0
    assert padded([sounds[0].frames])[1].tolist() == [len(sounds[0].frames)]
