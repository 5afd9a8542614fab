"""The MML net: its size, its layers, what an absent modality does to it, and how it is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mien.errors import ModelError
from mien.training.card import save_model
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.mml_net import MEMORY, Mml, MmlConfig, MmlNet

TINY = MmlConfig(4, 3, (32, 24, 16), 0.0)


def tiny(seed: int = 0) -> MmlNet:
    torch.manual_seed(seed)
    net = MmlNet(TINY)
    torch.nn.init.normal_(net.layers[-1].weight)
    return net.eval()


def test_the_papers_widths_are_counted() -> None:
    # 1278 = 768 of BERT and 510 of the emotion net, laid together (equation 4).
    net = MmlNet(MmlConfig(768, 510))
    layers = (1278 * 512 + 512) + (512 * 256 + 256) + (256 * 64 + 64) + (64 + 1)
    assert sum(p.numel() for p in net.parameters()) == layers == 802_689


def test_three_dense_layers_with_two_dropouts_between_them() -> None:
    kinds = [type(module).__name__ for module in MmlNet(MmlConfig()).layers]
    assert kinds == ["Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Linear"]


def test_what_is_absent_has_no_say_whatever_stands_there() -> None:
    net, there = tiny(), torch.tensor([[True, False]])
    text = torch.randn(1, 4)
    silent = net(text, torch.zeros(1, 3), there)
    assert torch.equal(silent, net(text, torch.full((1, 3), torch.nan), there))
    assert not torch.equal(silent, net(text, torch.ones(1, 3), torch.tensor([[True, True]])))


def test_an_absent_modality_is_the_training_mean_after_scaling() -> None:
    net = tiny()
    text, speech = 3 + torch.randn(50, 4), -2 + torch.randn(60, 3)
    net.fit_scale(text, speech)
    both = net(text[:1], speech.mean(0, keepdim=True), torch.tensor([[True, True]]))
    alone = net(text[:1], torch.zeros(1, 3), torch.tensor([[True, False]]))
    assert torch.allclose(both, alone, atol=1e-5)


def test_the_constraint_is_the_sum_of_squared_weights() -> None:
    net = tiny()
    squares = sum(float((m.weight.detach() ** 2).sum()) for m in net.layers if isinstance(m, torch.nn.Linear))
    assert float(net.penalty().detach()) == pytest.approx(squares, rel=1e-5)


def test_it_reads_what_was_stored_and_nothing_where_nothing_is(tmp_path: Path) -> None:
    net = tiny()
    save_model(tmp_path, net.state_dict(), {"id": "fusion-mml", "net": TINY.to_dict(), "neighbours": 0})
    model = Mml.load(tmp_path)
    text, voice = np.ones((3, 4), np.float32), np.ones((3, 3), np.float32)
    score = model.read(text, voice, np.array([[True, True], [False, True], [False, False]]))
    assert np.isnan(score[2])
    wanted = torch.sigmoid(net(torch.ones(1, 4), torch.ones(1, 3), torch.tensor([[True, True]])))
    assert score[0] == pytest.approx(float(wanted.detach()), abs=1e-6)
    assert score[1] != score[0]


def test_with_a_memory_the_absent_modality_is_imputed(tmp_path: Path) -> None:
    net = tiny()
    rng = np.random.default_rng(0)
    memory = {"text": rng.normal(size=(9, 4)).astype("f2"), "voice": rng.normal(size=(9, 3)).astype("f2")}
    weights = {**net.state_dict(), **{MEMORY + name: torch.from_numpy(block) for name, block in memory.items()}}
    save_model(tmp_path, weights, {"id": "fusion-mml", "net": TINY.to_dict(), "neighbours": 1})
    model = Mml.load(tmp_path)
    assert isinstance(model.imputer, KnnImputer)
    known = {name: block.astype(np.float32) for name, block in memory.items()}
    whole = model.read(known["text"], known["voice"], np.ones((9, 2), bool))
    partnerless = model.read(known["text"], np.zeros((9, 3), np.float32), np.tile([True, False], (9, 1)))
    assert np.allclose(whole, partnerless, atol=1e-6)


def test_a_damaged_model_is_one_sentence(tmp_path: Path) -> None:
    save_model(tmp_path, tiny().state_dict(), {"id": "fusion-mml", "net": MmlConfig(5, 3, (32, 24, 16)).to_dict()})
    with pytest.raises(ModelError, match="train it again") as caught:
        Mml.load(tmp_path)
    assert "\n" not in str(caught.value)
