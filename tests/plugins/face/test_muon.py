"""Muon: its updates are orthogonal matrices, only large convolutions get them, and its state survives a checkpoint."""

from __future__ import annotations

import pytest
import torch

from mien_plugins.face.muon import Muon, is_matrix, orthogonal
from mien_plugins.face.net import FaceNet


@pytest.mark.parametrize("shape", [(3, 16, 144), (2, 64, 16), (1, 32, 32)])
def test_singular_values_become_about_one(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonal(matrices))
    assert values.max() < 1.3
    assert values.min() > 0.3 if shape[1] != shape[2] else values.median() > 0.6
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    alike = torch.cosine_similarity(orthogonal(matrices).flatten(1), (u @ v).flatten(1))
    assert (alike > 0.95).all()


def test_convolutions_alone_are_matrices():
    net = FaceNet()
    kernels = {name for name, weight in net.named_parameters() if is_matrix(weight)}
    assert all(name.startswith("backbone.") or "top_down" in name for name in kernels)
    assert "backbone.stem.0.0.weight" not in kernels  # nine columns
    assert "head.weight" not in kernels
    trained = {id(p) for group in Muon(net.parameters()).param_groups for p in group["params"]}
    assert trained == {id(p) for p in net.parameters()}


def test_what_is_no_matrix_moves_as_adamw_moves_it():
    torch.manual_seed(0)
    ours, theirs = torch.nn.Linear(5, 3), torch.nn.Linear(5, 3)
    theirs.load_state_dict(ours.state_dict())
    first = Muon(ours.parameters(), rest_rate=1e-2, decay=0.1)
    second = torch.optim.AdamW(theirs.parameters(), lr=1e-2, weight_decay=0.1)
    for _ in range(5):
        x = torch.randn(4, 5)
        for net, optimizer in ((ours, first), (theirs, second)):
            optimizer.zero_grad()
            net(x).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(ours.weight, theirs.weight)
    torch.testing.assert_close(ours.bias, theirs.bias)


def test_a_saved_state_goes_on_as_if_nothing_happened(tmp_path):
    torch.manual_seed(0)
    x = torch.randn(8, 16, 6, 6)

    def steps(net: torch.nn.Module, optimizer: Muon, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()

    net = torch.nn.Sequential(torch.nn.Conv2d(16, 24, 3), torch.nn.ReLU(), torch.nn.Conv2d(24, 2, 1))
    optimizer = Muon(net.parameters())
    steps(net, optimizer, 3)
    torch.save([net.state_dict(), optimizer.state_dict()], tmp_path / "state.pt")
    steps(net, optimizer, 2)
    again = torch.nn.Sequential(torch.nn.Conv2d(16, 24, 3), torch.nn.ReLU(), torch.nn.Conv2d(24, 2, 1))
    resumed = Muon(again.parameters())
    weights, state = torch.load(tmp_path / "state.pt", weights_only=True)
    again.load_state_dict(weights)
    resumed.load_state_dict(state)
    steps(again, resumed, 2)
    for one, other in zip(net.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one, other)
