"""The attention fusions' nets: counts of SEEDS §15.1, the readings of §11.5 (§15.10), masks and statistical pooling."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mien_plugins.fusion.pooled import PooledConfig, PooledNet, WholeNet, statistics
from mien_plugins.fusion.sequence import SequenceConfig, SequenceNet
from mien_plugins.fusion.strategies import (
    Attention,
    CrossModal,
    Hierarchical,
    ResidualSelfAttention,
    SelfAttention,
    SelfHead,
    make,
)
from mien_plugins.fusion.timed import masked_softmax

STRATEGIES = ("concat", "self", "residual", "hierarchical", "crossmodal")
NAMES, WIDTHS = ("text", "vision", "audio"), (300, 2048, 120)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def thesis(kind: str, which: tuple[int, ...] = (0, 1, 2), **more: Any) -> PooledConfig:
    """The thesis' dimensions for some of its modalities."""
    full = PooledConfig(NAMES, WIDTHS)
    chosen = {
        field: tuple(getattr(full, field)[i] for i in which)
        for field in ("modalities", "widths", "steps", "mixed", "drop")
    }
    return PooledConfig(**chosen, kind=kind, affect=False, **more)  # type: ignore[arg-type]


def test_the_counts_are_those_of_the_thesis() -> None:
    assert count(PooledNet(thesis("intra"))) == 1_645_892
    assert count(PooledNet(thesis("cross"))) == 1_820_132
    for which, wanted in (((0, 1), 1_021_792), ((0, 2), 827_387), ((1, 2), 1_457_492)):
        assert count(PooledNet(thesis("intra", which))) == count(PooledNet(thesis("cross", which))) == wanted
    for which, wanted in (((0,), 203_287), ((1,), 833_392), ((2,), 638_987)):
        assert count(PooledNet(thesis("intra", which))) == wanted


def test_both_together_concatenate_both_statistics() -> None:
    net = PooledNet(thesis("intra-cross"))
    assert (net.first.in_features, net.first.out_features) == (480, 60)
    assert PooledNet(thesis("intra", pooling="concat")).first.in_features == 360
    assert PooledNet(thesis("cross", pooling="concat")).first.in_features == 720


@pytest.mark.parametrize("kind", ["intra", "cross", "intra-cross"])
def test_whole_sequences_of_different_lengths_are_read(kind: str) -> None:
    config = PooledConfig(("t", "v"), (5, 7), kind, (6, 4), (0, 3), 4, 2, 9, drop=(0.0, 0.0))  # type: ignore[arg-type]
    reading = PooledNet(config).eval().read([torch.randn(3, 6, 5), torch.randn(3, 4, 7)])
    assert reading.score.shape == (3, 1)
    assert reading.expression is not None
    assert torch.allclose(reading.expression.sum(-1), torch.ones(3, 1))


@pytest.mark.parametrize("kind", ["intra", "cross", "intra-cross"])
@pytest.mark.parametrize("net_of", [PooledNet, WholeNet])
def test_imputation_stands_where_the_thesis_has_it(net_of: type[PooledNet], kind: str) -> None:
    """Of the intra-modal net at the input of the pooling: a modality's own vector in its place changes nothing."""
    torch.manual_seed(0)
    config = PooledConfig(("t", "v", "a"), (5, 7, 6), kind, (4,) * 3, (0, 2, 2), 4, 2, 9, drop=(0.0,) * 3)  # type: ignore[arg-type]
    net = net_of(config).eval()
    steps = 4 if net_of is WholeNet else 4 + net.context
    whole = torch.ones(2, 1 if net_of is WholeNet else steps, 3, dtype=torch.bool)
    encoded = net.encode([torch.randn(2, steps, w) for w in (5, 7, 6)], whole)
    whole = whole[:, net.context :]
    without = whole.clone()
    without[..., 1] = False
    vectors = net.vectors(encoded)
    assert [v.shape for v in vectors] == [(2, whole.shape[1], 8)] * 3
    said = net.decode(net.imputed(encoded, vectors, without), whole).logits
    wanted = net.decode(encoded, whole).logits
    assert said is not None
    assert wanted is not None
    assert torch.allclose(said, wanted, atol=1e-6) == (kind == "intra")
    # Another's vector is pooled as it stands, not attended to once more.
    other = tuple(v.flip(0) for v in vectors)
    sides = net._attended([part.flatten(0, 1) for part in net.imputed(encoded, other, without)], whole)
    if kind == "intra":
        torch.testing.assert_close(sides[0][0][1], other[1].flatten(0, 1))
    if kind == "intra-cross":  # whose encoder's mean stands at every position, also for the attention within
        alike = other[1].flatten(0, 1).unsqueeze(1).expand(-1, 4, -1)
        attended = net.intra[1](alike, alike, alike, need_weights=False)[0].mean(1)
        torch.testing.assert_close(sides[0][0][1], attended)


def test_statistics_are_mean_and_unbiased_deviation_of_what_is_there() -> None:
    x = torch.randn(4, 3, 5)
    there = torch.ones(4, 3, dtype=torch.bool)
    torch.testing.assert_close(statistics(x, there), torch.cat([x.mean(1), x.std(1)], -1))
    two = there.clone()
    two[:, 1] = False
    torch.testing.assert_close(statistics(x, two), statistics(x[:, [0, 2]], there[:, :2]))
    one = torch.zeros_like(there)
    one[:, 2] = True
    torch.testing.assert_close(statistics(x, one), torch.cat([x[:, 2], torch.zeros(4, 5)], -1))
    assert statistics(x, torch.zeros_like(there)).abs().max() == 0


def test_the_mixing_layer_mixes_time_not_features() -> None:
    net = PooledNet(PooledConfig(("v", "a"), (7, 5), "intra", (8, 8), (4, 0), 3, 2, 5, drop=(0.0, 0.0)))
    mix = net.encoders[0].mix
    assert isinstance(mix, nn.Conv1d)
    assert mix(torch.randn(2, 8, 7)).shape == (2, 4, 7)


@pytest.mark.parametrize(("modalities", "strategy"), list(itertools.product((2, 3), STRATEGIES)))
def test_shapes_and_shares_with_every_subset(modalities: int, strategy: Any) -> None:
    torch.manual_seed(0)
    fusion = make(strategy, modalities, 8, 4, 2)
    masks = torch.tensor(list(itertools.product((False, True), repeat=modalities)))
    x = torch.randn(1, len(masks), modalities, 8)
    out, shares = fusion(x, masks[None])
    wanted = {"concat": modalities * 8, "self": 2 * 4, "residual": 2 * modalities * 8}.get(strategy, 8)
    assert fusion.width == wanted
    assert out.shape == (1, len(masks), wanted)
    assert torch.isfinite(out).all()
    if shares is None:
        assert strategy == "concat"
        return
    torch.testing.assert_close(shares.sum(-1), masks.any(-1).float()[None])
    assert (shares[0][~masks] == 0).all()
    assert (shares >= 0).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_an_absent_modality_says_has_no_part(strategy: Any) -> None:
    fusion = make(strategy, 3, 8, 4, 2)
    mask = torch.tensor([[[True, False, True]]])
    x = torch.randn(1, 1, 3, 8)
    other = x.clone()
    other[..., 1, :] = 100.0
    torch.testing.assert_close(fusion(x, mask)[0], fusion(other, mask)[0])


def test_equation_4_weighs_by_scaled_products_with_its_queries() -> None:
    attention = Attention(3, 4)
    x = torch.randn(2, 3, 4)
    out, alpha = attention(x, torch.ones(2, 3, dtype=torch.bool))
    scores = torch.stack([x[:, i] @ attention.query[i] / 2.0 for i in range(3)], -1)
    torch.testing.assert_close(alpha, scores.softmax(-1))
    torch.testing.assert_close(out, (scores.softmax(-1).unsqueeze(-1) * x).sum(1))


def test_equation_5_goes_over_all_pairs() -> None:
    fusion = Hierarchical(3, 4)
    assert fusion.pairs == ((0, 1), (0, 2), (1, 2))
    assert len({id(a.query) for a in [*fusion.lower, fusion.top]}) == 4  # type: ignore[union-attr]


def all_there(x: Tensor) -> Tensor:
    return torch.ones(x.shape[:-1], dtype=torch.bool)


def test_equation_6_and_its_literal_form() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 1, 3, 8)
    fusion, literal = SelfAttention(3, 8, 4, 2), SelfAttention(3, 8, 4, 2, literal=True)
    literal.load_state_dict(fusion.state_dict())
    pooled, literally = [], []
    for head, query in zip(fusion.heads, fusion.query, strict=True):
        assert isinstance(head, SelfHead)
        z1, z2, z3 = (linear(x[0, 0]) for linear in head.maps)
        rows = (z1 @ z2.T / 2.0).softmax(-1) @ z3
        scores = rows @ query / 2.0
        pooled.append(scores.softmax(0) @ rows)
        literally.append(scores @ rows)
    torch.testing.assert_close(fusion(x, all_there(x))[0][0, 0], torch.cat(pooled))
    torch.testing.assert_close(literal(x, all_there(x))[0][0, 0], torch.cat(literally))


def test_equation_7_adds_to_each_row_or_the_same_to_all() -> None:
    x = torch.randn(1, 1, 3, 8)
    each, pooled = ResidualSelfAttention(3, 8, 4, 1), ResidualSelfAttention(3, 8, 4, 1, rows="pooled")
    rows = each.heads[0](x, all_there(x))[0]
    torch.testing.assert_close(each(x, all_there(x))[0], (each.back[0](rows) + x).flatten(-2))
    added = pooled(x, all_there(x))[0].unflatten(-1, (3, 8)) - x
    torch.testing.assert_close(added[..., 0, :], added[..., 2, :])


def test_equation_8_attends_from_features_to_features() -> None:
    x, by = torch.randn(5, 6), torch.randn(5, 6)
    shares = CrossModal.features(x, by)
    assert shares.shape == (5, 6, 6)
    torch.testing.assert_close(shares.sum(-1), torch.ones(5, 6))
    torch.testing.assert_close(shares[0], (torch.outer(x[0], by[0]) / 6**0.5).softmax(-1))
    fusion = CrossModal(3, 6)
    alone = torch.tensor([[[False, True, False]]])
    z = torch.randn(1, 1, 3, 6)
    torch.testing.assert_close(fusion(z, alone)[0], z[:, :, 1])


def test_equation_8_over_a_long_stretch_holds_a_part_of_it_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    fusion = CrossModal(3, 6).eval()
    x, mask = torch.randn(2, 50, 3, 6), torch.rand(2, 50, 3) > 0.3
    sizes: list[int] = []
    features = CrossModal.features

    def watched(own: Tensor, by: Tensor) -> Tensor:
        shares = features(own, by)
        sizes.append(shares.numel())
        return shares

    monkeypatch.setattr(CrossModal, "features", staticmethod(watched))
    with torch.inference_mode():
        whole = fusion(x, mask)
        assert max(sizes) == 2 * 50 * 36
        sizes.clear()
        monkeypatch.setattr("mien_plugins.fusion.strategies._AT_ONCE", 1000)
        parts = fusion(x, mask)
    assert max(sizes) <= 1000
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other)
    fused, _ = fusion(x.requires_grad_(), mask)
    fused.sum().backward()
    assert x.grad is not None


def test_a_softmax_over_nothing_is_nothing() -> None:
    shares = masked_softmax(torch.randn(2, 3), torch.tensor([[True, True, False], [False, False, False]]))
    torch.testing.assert_close(shares.sum(-1), torch.tensor([1.0, 0.0]))


def test_the_net_goes_over_time_and_learns() -> None:
    torch.manual_seed(0)
    config = SequenceConfig(("a", "b"), (4, 6), "hierarchical", 8, 4, 2, 12, classes=2, hostile=(1,), dropout=0.0)
    net = SequenceNet(config)
    x = [torch.randn(8, 5, 4), torch.randn(8, 5, 6)]
    mask = torch.ones(8, 5, 2, dtype=torch.bool)
    label = (x[0][..., 0] > 0).long()
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    losses = []
    for _ in range(40):
        logits = net(x, mask).logits
        assert logits is not None
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), label.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    net.eval()
    whole = net(x, mask)
    first = net([part[:, :2] for part in x], mask[:, :2])
    rest = net([part[:, 2:] for part in x], mask[:, 2:], first.state)
    torch.testing.assert_close(torch.cat([first.score, rest.score], 1), whole.score)


def test_another_strategy_is_refused() -> None:
    with pytest.raises(ValueError, match="no strategy"):
        make("magic", 3, 8, 4, 2)  # type: ignore[arg-type]
