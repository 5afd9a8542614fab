"""The encoder computes what transformers' BERT computes, from the same weights."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from transformers import BertConfig, BertModel

from mien_plugins.text.encoder import BertEncoder


@pytest.fixture
def pair():
    """A tiny random BERT of the library's, and ours with its weights."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50, hidden_size=24, num_hidden_layers=3, num_attention_heads=4, intermediate_size=40,
        max_position_embeddings=16, initializer_range=0.3,
    )  # fmt: skip
    theirs = BertModel(config, add_pooling_layer=False).eval()
    for parameter in theirs.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    ours = BertEncoder(50, 24, 3, 4, 40, 16, 0.1).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return theirs, ours


@pytest.mark.parametrize("grad", [True, False], ids=["with gradients", "inference (torch's fast path)"])
def test_states_are_those_of_transformers(pair, grad):
    theirs, ours = pair
    ids = torch.randint(0, 50, (5, 12))
    mask = (torch.arange(12)[None] < torch.tensor([12, 3, 7, 1, 11])[:, None]).long()
    with torch.set_grad_enabled(grad):
        expected = theirs(input_ids=ids, attention_mask=mask).last_hidden_state
        found = ours(mask, ids=ids)
        by_vectors = ours(mask, vectors=ours.embeddings.word_embeddings(ids))
    real = mask.bool()
    torch.testing.assert_close(found[real], expected[real], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(by_vectors[real], expected[real], rtol=1e-4, atol=1e-5)


def test_its_own_names_load_too(pair):
    _, ours = pair
    again = BertEncoder(50, 24, 3, 4, 40, 16, 0.1)
    again.load_state_dict(ours.state_dict(), strict=True)
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), again.parameters(), strict=True))


def test_a_weight_that_is_missing_or_unknown_is_named(pair):
    theirs, ours = pair
    weights = theirs.state_dict()
    weights.pop("encoder.layer.1.output.dense.bias")
    with pytest.raises(RuntimeError, match=r"1\.linear2\.bias"):
        ours.load_state_dict(weights)
    with pytest.raises(RuntimeError, match=r"pooler\.dense\.weight"):
        ours.load_state_dict({**theirs.state_dict(), "pooler.dense.weight": torch.zeros(1)})


def test_the_net_comes_without_transformers():
    program = "import sys, mien_plugins.text.analyzer; print('transformers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
