"""What nets that read together come to: shares by attribute, and the spread that a mean has lost."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mien.evaluation.metrics import ccc
from mien_plugins.emotion import naming
from mien_plugins.emotion.corpus import folds
from mien_plugins.emotion.joint import JointConfig, JointNet
from mien_plugins.emotion.material import CLIP, NOISY_CLIP, WINDOW, Material
from mien_plugins.emotion.mixing import Mix, blend, fit
from mien_plugins.emotion.net import NetConfig
from mien_plugins.emotion.norms import FAMILIES
from mien_plugins.emotion.protocol import settle
from mien_plugins.emotion.spectral import SpectralConfig

SPECTRAL = {"channels": (4, 4, 8, 8), "width": 8, "shared": 16}
EVEN = Mix(((0.5,) * 3, (0.5,) * 3), (0.0,) * 3, (1.0,) * 3)


def _readings(count: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two members that shrink the truth: the first knows valence, the second arousal, both half of dominance."""
    rng = np.random.default_rng(seed)
    label = rng.uniform(-0.7, 0.7, (count, 3)).astype(np.float32)
    noise = rng.normal(0.0, 0.3, (count, 2, 3)).astype(np.float32)
    good = np.array([[1.0, 0.0, 0.7], [0.0, 1.0, 0.7]], np.float32)
    return 0.5 * (good * label[:, None] + noise * 0.5), label, np.where(np.arange(count) % 3, "a", "b")


def test_each_attribute_is_left_to_who_knows_it_and_gets_its_spread_back() -> None:
    read, label, corpus = _readings()
    mix = fit(read, label, corpus)
    assert mix.shares[0][0] > 0.85
    assert mix.shares[1][1] > 0.85
    assert 0.3 < mix.shares[0][2] < 0.7
    assert min(mix.spread) > 1.2
    fresh, truth, _ = _readings(seed=1)
    for task in range(3):
        assert ccc(truth[:, task], mix.of(fresh)[:, task]) > ccc(truth[:, task], EVEN.of(fresh)[:, task]) + 0.1


def test_what_is_fitted_is_the_mean_concordance_over_the_corpora() -> None:
    """The larger corpus does not count more: its own best mix is not taken where the smaller one loses more by it."""
    read, label, _ = _readings(660)
    corpus = np.array(["large"] * 600 + ["small"] * 60)
    read[600:] = read[600:, ::-1]  # there the other member knows valence
    mix = fit(read, label, corpus)
    assert 0.2 < mix.shares[0][0] < 0.8


def test_readings_stay_inside_and_a_lone_member_keeps_its_word() -> None:
    wide = Mix(((1.0,) * 3,), (0.1, 0.0, 0.0), (2.0, 1.0, 1.0))
    values = np.array([[[0.6, 0.5, -0.5]], [[0.2, 3.0, -3.0]]], np.float32)
    np.testing.assert_allclose(wide.of(values), [[1.0, 0.5, -0.5], [0.3, 1.0, -1.0]], atol=1e-6)


def test_shares_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="add up to 1"):
        Mix(((0.5,) * 3, (0.4,) * 3), (0.0,) * 3, (1.0,) * 3)
    members = (SpectralConfig(branch=85, **SPECTRAL), NetConfig(shared=(8,), branch=85))
    with pytest.raises(ValueError, match="a centre and a spread"):
        Mix(((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)), (0.0,), (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="shares"):
        JointConfig(members, (0.5, 0.5), mix=Mix(((1.0,) * 3,), (0.0,) * 3, (1.0,) * 3))


def test_the_net_says_what_the_mix_says() -> None:
    mix = Mix(((0.2, 0.0, 0.5), (0.8, 1.0, 0.5)), (-0.1, 0.2, 0.0), (1.5, 1.1, 1.3))
    members = (SpectralConfig(branch=85, **SPECTRAL), NetConfig(shared=(8,), branch=85))
    config = JointConfig(members, (0.6, 0.4), mix=mix)
    assert JointConfig.from_dict(config.to_dict()) == config
    torch.manual_seed(0)
    net = JointNet(config).eval()
    inputs = torch.randn(4, 80, 64) * 15 - 20, torch.full((4,), 80), torch.randn(4, 3, 136), torch.full((4,), 3)
    with torch.inference_mode():
        values, _ = net(*inputs)
        apart = torch.stack([v for v, _ in net.apart(*inputs)], dim=1).numpy()
    np.testing.assert_allclose(values.clamp(-1, 1).numpy(), mix.of(apart), atol=1e-5)


def test_no_share_is_negative_and_who_knows_nothing_gets_none() -> None:
    read, label, corpus = _readings()
    contrary = np.concatenate([read, -0.2 * label[:, None]], axis=1)
    mix = fit(contrary, label, corpus)
    assert min(min(own) for own in mix.shares) == 0.0
    assert mix.shares[2] == (0.0, 0.0, 0.0)
    nobody = fit(-np.abs(read) * label[:, None], label, corpus)
    assert nobody.shares == ((0.5,) * 3,) * 2


def test_the_labels_of_a_fold_do_not_reach_what_it_is_read_by() -> None:
    read, label, _ = _readings(400)
    names = np.random.default_rng(2).normal(size=(400, 2, len(FAMILIES))).astype(np.float32)
    read = np.concatenate([read, names], axis=2)
    emotion = np.resize(np.array(["angry", "happy", "sad"]), 400)
    speaker = np.repeat([f"{c}-{i:02d}" for c in "ab" for i in range(4)], 50)
    genders = dict(zip(np.unique(speaker).tolist(), "fmfmfmfm", strict=True))
    kind = np.full(400, CLIP)
    kind[::5], kind[1::5] = WINDOW, NOISY_CLIP
    fields = {name: np.zeros(400) for name in Material.__dataclass_fields__}
    fields |= {"label": label, "speaker": speaker, "kind": kind, "gender": np.array([genders[s] for s in speaker])}
    fields["emotion"] = emotion
    values, whole = settle(Material(**fields), read, 4)
    clips, both = kind == CLIP, np.isin(kind, (CLIP, NOISY_CLIP))
    corpus = np.array([s[0] for s in speaker])
    pool = naming.fit(read[clips][:, :, 3:], emotion[clips], corpus[clips])
    assert whole == blend(read[both], pool, label[both], corpus[both])
    first, *_ = folds(genders, 4)
    unheard = np.isin(speaker, first)
    assert 0 < unheard.sum() < 400
    turned = label.copy()
    turned[unheard] *= -1.0
    renamed = emotion.copy()
    renamed[unheard] = "bored"
    again, other = settle(Material(**(fields | {"label": turned, "emotion": renamed})), read, 4)
    np.testing.assert_array_equal(again[unheard], values[unheard])
    assert not np.allclose(again[~unheard], values[~unheard])
    assert other != whole
