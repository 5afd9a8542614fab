"""Names of emotions as a reading: pooled over nets, turned into attributes, kept beside the weights."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from mien.errors import ModelError
from mien.models.store import problems
from mien.training.card import sha256_of
from mien_plugins.emotion.corpus import RATE, attributes
from mien_plugins.emotion.features import Recipe
from mien_plugins.emotion.joint import JointConfig, JointNet, name_layers
from mien_plugins.emotion.logmel import LogMel
from mien_plugins.emotion.mixing import Blend, Mix
from mien_plugins.emotion.naming import Naming, by_corpus, fit
from mien_plugins.emotion.net import NetConfig
from mien_plugins.emotion.norms import FAMILIES
from mien_plugins.emotion.reader import NAMES, Ears, load, save
from mien_plugins.emotion.spectral import SpectralConfig

MEMBERS = (
    SpectralConfig(branch=85, channels=(4, 4, 8, 8), width=8, shared=16),
    NetConfig(shared=(8,), branch=85),
)
NAMING = Naming((0.7, 0.9), tuple(0.1 * number for number in range(len(FAMILIES))))
MIX = Mix(((0.2, 0.5, 0.0), (0.5, 0.5, 0.4), (0.3, 0.0, 0.6)), (0.1, 0.0, -0.1), (1.4, 1.0, 1.2))
CONFIG = JointConfig(MEMBERS, (0.6, 0.4), mix=MIX, naming=NAMING)
ANGRY, HAPPY = FAMILIES.index("anger"), FAMILIES.index("happiness")


def _net() -> JointNet:
    torch.manual_seed(0)
    net = JointNet(CONFIG).eval()
    for member in net.members:
        if isinstance(member.config, NetConfig):
            member.low.fill_(-3.0)
            member.high.fill_(3.0)
    return net


def test_what_is_sure_lies_at_the_norm_and_what_is_torn_between_two() -> None:
    even = replace(NAMING, bias=(0.0,) * len(FAMILIES))
    logits = np.full((2, 2, len(FAMILIES)), -30.0, np.float32)
    logits[0, :, ANGRY] = logits[1, 0, ANGRY] = 30.0
    logits[1, 1, HAPPY] = 30.0 * 0.7 / 0.9  # the second net's word has the greater weight
    logits[1, 1, ANGRY], logits[1, 0, HAPPY] = 0.0, 0.0
    np.testing.assert_allclose(even.of(logits)[0], attributes("anger"), atol=1e-6)
    between = (np.array(attributes("anger")) + attributes("happiness")) / 2.0
    np.testing.assert_allclose(even.of(logits)[1], between, atol=1e-5)


def test_pooling_trusts_who_knows_and_undoes_what_all_get_wrong() -> None:
    rng = np.random.default_rng(0)
    emotion = rng.choice(["angry", "happy", "sad", "neutral"], 1200)
    truth = np.array(
        [FAMILIES.index({"angry": "anger", "happy": "happiness", "sad": "sadness"}.get(e, e)) for e in emotion]
    )
    logits = rng.normal(size=(1200, 2, len(FAMILIES)))
    logits[np.arange(1200), 0, truth] += 3.0  # the first knows
    logits[:, :, FAMILIES.index("sadness")] -= 2.0  # both are loath to say so
    found = fit(logits.astype(np.float32), emotion, np.where(np.arange(1200) % 4, "large", "small"))
    assert found.weights[0] > 0.8
    assert found.weights[1] < 0.15
    assert found.bias[FAMILIES.index("sadness")] > max(found.bias[i] for i in (ANGRY, HAPPY)) + 0.5
    assert Naming.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_a_small_corpus_weighs_as_much_as_a_large_one() -> None:
    weight = by_corpus(np.array(["a"] * 6 + ["b"] * 2))
    np.testing.assert_allclose(weight, [1 / 12] * 6 + [1 / 4] * 2)


def test_the_net_says_what_the_blend_says() -> None:
    assert JointConfig.from_dict(json.loads(json.dumps(CONFIG.to_dict()))) == CONFIG
    net = _net()
    inputs = torch.randn(4, 80, 64) * 15 - 20, torch.full((4,), 80), torch.randn(4, 3, 136), torch.full((4,), 3)
    with torch.inference_mode():
        values, vectors = net(*inputs)
        apart, embedded = zip(*net.apart(*inputs), strict=True)
        read = torch.cat([torch.stack(apart, dim=1), torch.stack(net.named(embedded), dim=1)], dim=2).numpy()
        alone, same = JointNet(replace(CONFIG, mix=None, naming=None)), _net().state_dict()
        alone.load_state_dict({name: value for name, value in same.items() if not name.startswith("names.")})
        _, unnamed = alone.eval()(*inputs)
    np.testing.assert_allclose(values.clamp(-1, 1).numpy(), Blend(MIX, NAMING).of(read), atol=1e-5)
    torch.testing.assert_close(vectors, unnamed)  # names change no embedding


def test_names_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="names need a mix"):
        replace(CONFIG, mix=None)
    with pytest.raises(ValueError, match="names need a mix"):
        replace(CONFIG, naming=replace(NAMING, weights=(1.0,)))
    with pytest.raises(ValueError, match="shares"):
        replace(CONFIG, naming=None)
    with pytest.raises(ValueError, match="needs a bias"):
        Naming((1.0,), (0.0,))


def test_names_lie_beside_the_weights_and_are_checked(tmp_path: Path) -> None:
    net, fields = _net(), {"net": CONFIG.to_dict(), "features": asdict(Ears(LogMel(), Recipe(RATE)))}
    save(tmp_path, net, fields)
    reader = load(tmp_path)
    sound = [reader.hear(0.1 * np.random.default_rng(0).standard_normal(2 * RATE).astype(np.float32))]
    assert isinstance(reader.net, JointNet)
    torch.testing.assert_close(reader.net.state_dict(), net.state_dict())
    before = reader.read(sound)

    net.names = name_layers(net.members, len(FAMILIES))
    other = tmp_path / "other"
    save(other, net, fields)
    assert sha256_of(other / "model.safetensors") == sha256_of(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(load(other).read(sound)[1], before[1])
    assert not np.allclose(load(other).read(sound)[0], before[0])

    (tmp_path / NAMES).write_bytes((other / NAMES).read_bytes())
    assert problems(tmp_path) == [f"{NAMES} is not the file that was recorded"]
    with pytest.raises(ModelError, match="not the file"):
        load(tmp_path)
    (tmp_path / NAMES).unlink()
    assert problems(tmp_path) == [f"{NAMES} is missing"]
    with pytest.raises(ModelError, match=NAMES):
        load(tmp_path)


def test_names_that_do_not_count_are_not_kept(tmp_path: Path) -> None:
    net, config = _net(), replace(CONFIG, mix=None, naming=None)
    fields = {"net": config.to_dict(), "features": asdict(Ears(LogMel(), Recipe(RATE)))}
    (tmp_path / NAMES).touch()
    save(tmp_path, net, fields)
    assert not (tmp_path / NAMES).exists()
    reader = load(tmp_path)
    assert isinstance(reader.net, JointNet)
    assert reader.net.names is None
