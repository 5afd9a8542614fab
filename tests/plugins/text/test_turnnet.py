"""The text network of Tzirakis et al.: counts, shapes, its parts against their equations, masks and state."""

from __future__ import annotations

import math

import pytest
import torch

from mien_plugins.text.turnnet import Context, Highway, NGrams, OneBiasLSTM, TurnConfig, TurnNet, trainable

TINY = TurnConfig(inputs=6, words=5, filters=4, units=8, memory=6)


@pytest.fixture
def net() -> TurnNet:
    torch.manual_seed(0)
    return TurnNet(TINY).eval()


@pytest.mark.parametrize(
    ("inputs", "highway", "count"),
    [(768, 1, 10_448_945), (768, 2, 12_548_145), (300, 1, 9_548_513), (300, 2, 11_647_713)],
)
def test_counts_are_those_of_the_paper(inputs, highway, count):
    assert trainable(TurnNet(TurnConfig(inputs=inputs, highway=highway))) == count


def test_counts_by_part():
    net = TurnNet()
    heads = list(net.heads)
    assert trainable(net.ngrams) == 691_500
    assert sum(trainable(head.projection) for head in heads) == 1_093_632
    assert sum(trainable(head.context) for head in heads) == 5_251_072
    assert sum(trainable(head.selector) for head in heads) == 1_026
    assert [trainable(part) for part in (net.highway, net.memory, net.out)] == [2_099_200, 1_311_744, 771]


def test_shapes_and_attention(net):
    words, count = torch.randn(4, 5, 6), torch.tensor([5, 3, 1, 0])
    words[torch.arange(5)[None] >= count[:, None]] = 0
    turns = net.turns(words, count)
    assert turns.vectors.shape == (4, 16)
    assert turns.attention.shape == (4, 2, 5)
    torch.testing.assert_close(turns.attention.sum(2), torch.ones(4, 2))
    assert not turns.attention[1, :, 3:].any()  # nothing on padding
    read = net.frames(turns.vectors.unsqueeze(0))
    assert read.values.shape == (1, 4, 3)
    assert read.hidden.shape == (1, 4, 6)
    assert read.values.abs().max() <= 1


def test_how_much_padding_there_is_makes_no_difference(net):
    words, count = torch.randn(2, 3, 6), torch.tensor([3, 2])
    words[1, 2] = 0
    short, long = net.turns(words, count), net.turns(torch.cat([words, torch.zeros(2, 2, 6)], 1), count)
    torch.testing.assert_close(long.vectors, short.vectors)
    torch.testing.assert_close(long.attention[..., :3], short.attention)


def test_the_reference_looks_at_padding_too():
    torch.manual_seed(0)
    net = TurnNet(TurnConfig(inputs=6, words=5, filters=4, units=8, memory=6, padding="read")).eval()
    attention = net.turns(torch.zeros(1, 5, 6), torch.tensor([2])).attention
    assert (attention > 0).all()


def test_n_grams_keep_the_words_and_their_place():
    torch.manual_seed(0)
    layer = NGrams(3, 2, (2, 3, 4))
    x = torch.randn(1, 6, 3)
    out = layer(x)
    assert out.shape == (1, 6, 9)
    torch.testing.assert_close(out[..., :3], x)
    two = layer.convolutions[0]
    # A bigram stands at its first word: padding is behind.
    want = torch.tanh(torch.einsum("ock,kc->o", two.weight, x[0, 2:4]) + two.bias)
    torch.testing.assert_close(out[0, 2, 3:5], want)


def test_the_selector_is_a_softmax_of_scaled_scores(net):
    head, x = net.heads[0], torch.randn(1, 5, 18)
    vector, attention = head(x, torch.ones(1, 5, dtype=torch.bool))
    h = head.context(head.projection(x), torch.tensor([5]))[0]
    scores = (h @ head.selector.weight[0] + head.selector.bias) / math.sqrt(8)
    torch.testing.assert_close(attention[0], torch.softmax(scores, 0))
    torch.testing.assert_close(vector[0], torch.softmax(scores, 0) @ h)


def test_directions_do_not_see_each_other():
    """A change of the last word reaches the forward half at the end only, the backward half everywhere."""
    torch.manual_seed(0)
    context, x = Context(4, 6, 2, 0.0), torch.randn(1, 5, 4)
    other = x.clone()
    other[0, 4] += 1
    moved = (context(other, torch.tensor([5])) - context(x, torch.tensor([5]))).abs()[0] > 1e-7
    assert not moved[:4, :3].any()
    assert moved[:, 3:].all()


def test_a_highway_begins_by_passing_on_and_mixes_by_its_gate():
    torch.manual_seed(0)
    highway, x = Highway(4, "relu"), torch.randn(3, 4)
    assert highway.gate.bias.tolist() == [-2.0] * 4
    gate = torch.sigmoid(highway.gate(x))
    torch.testing.assert_close(highway(x), gate * torch.relu(highway.transform(x)) + (1 - gate) * x)


def test_a_sequence_goes_on_where_it_was(net):
    vectors = torch.randn(1, 6, 16)
    whole = net.frames(vectors)
    first = net.frames(vectors[:, :4])
    second = net.frames(vectors[:, 4:], first.state)
    torch.testing.assert_close(torch.cat([first.values, second.values], 1), whole.values)


def test_one_bias_stays_one():
    lstm = OneBiasLSTM(3, 2)
    assert trainable(lstm) == 4 * 2 * (3 + 2) + 4 * 2
    assert lstm.bias_ih_l0.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


def test_its_shape_travels_as_json():
    assert TurnConfig.from_dict(TINY.to_dict()) == TINY
    with pytest.raises(TypeError):
        TurnConfig.from_dict({**TINY.to_dict(), "more": 1})
