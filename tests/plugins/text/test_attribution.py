"""Attribution: what the words are given adds up to what the net says."""

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients

from mien_plugins.text import attribution
from mien_plugins.text.attribution import attribute

TEXTS = ["the silly dog is loud", "a day", "it was nice, we like red and blue sun and rain"]
METHODS = ("integrated_gradients", "gradient", "occlusion")


def logit(model, ids, mask):
    return float(model.net(ids, mask, "offence")[0, 0].detach())


@pytest.mark.parametrize("method", METHODS)
def test_shares_are_signed_and_sum_to_one(tiny, method):
    windows = tiny.pieces.windows(TEXTS)
    counts = [len(text.split()) for text in TEXTS]
    found = attribute(tiny, windows, counts, method)
    assert [len(f) for f in found] == counts
    for shares in found:
        assert np.abs(shares).sum() == pytest.approx(1.0, abs=1e-5)
    again = attribute(tiny, windows, counts, method, max_batch_tokens=16)
    for one, other in zip(found, again, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_integrated_gradients_are_complete(tiny):
    """Their sum is the logit's difference between the text and the blanked text (the paper's axiom)."""
    for window in tiny.pieces.windows(TEXTS):
        ids, mask = tiny.tensors(tiny.pieces.pad_batch([window]))
        blank = attribution._blanked(tiny, [window], ids)
        difference = logit(tiny, ids, mask) - logit(tiny, blank, mask)
        (raw,) = attribution._gradients(tiny, [window], "integrated_gradients", 4096, None)
        assert raw.sum() == pytest.approx(difference, rel=0.05, abs=0.01)
        assert raw[0] == raw[-1] == 0.0


def test_integrated_gradients_are_captums(tiny):
    """A second implementation of the method gives every piece the same share."""
    windows = tiny.pieces.windows(TEXTS)
    found = attribution._gradients(tiny, windows, "integrated_gradients", 4096, None)

    def run(vectors, mask):
        return tiny.net.head("offence", tiny.net.encode(mask, vectors=vectors).vector)[:, 0]

    for window, shares in zip(windows, found, strict=True):
        ids, mask = tiny.tensors(tiny.pieces.pad_batch([window]))
        vectors, blank = tiny.net.embed(ids), tiny.net.embed(attribution._blanked(tiny, [window], ids))
        theirs = IntegratedGradients(run).attribute(
            vectors, blank, additional_forward_args=(mask,), n_steps=attribution.STEPS, method="gausslegendre"
        )
        np.testing.assert_allclose(shares, theirs.sum(-1)[0].detach().numpy(), rtol=1e-3, atol=1e-5)


def test_occlusion_is_the_drop_without_the_word(tiny):
    (window,) = tiny.pieces.windows(["the xy dog"])
    ids, mask = tiny.tensors(tiny.pieces.pad_batch([window]))
    whole, drops = logit(tiny, ids, mask), []
    for word in range(3):
        hidden = ids.clone()
        hidden[0, torch.tensor([w == word for w in window.words])] = tiny.pieces.mask
        drops.append(whole - logit(tiny, hidden, mask))
    expected = np.array(drops) / np.abs(drops).sum()
    (found,) = attribute(tiny, [window], [3], "occlusion")
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_words_outside_the_window_get_nothing(tiny):
    (window,) = tiny.pieces.windows([" ".join(["day"] * 30)], limit=10, long="truncate")
    (found,) = attribute(tiny, [window], [30], "gradient")
    assert (found[8:] == 0).all()
    assert np.abs(found[:8]).sum() == pytest.approx(1.0, abs=1e-5)


def test_memory_is_bounded_however_many_texts_there_are(tiny, monkeypatch):
    seen = []

    def encode(mask, **given):
        seen.append(mask.numel())
        return whole(mask, **given)

    whole = tiny.net.encode
    monkeypatch.setattr(tiny.net, "encode", encode)
    windows, counts = tiny.pieces.windows(TEXTS * 4), [len(text.split()) for text in TEXTS * 4]
    usual = attribute(tiny, windows, counts)
    assert max(seen) <= attribution.GRADIENT_TOKENS < sum(seen)
    seen.clear()
    for one, other in zip(usual, attribute(tiny, windows, counts, max_batch_tokens=16), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert max(seen) <= max(
        16, *(len(window.ids) for window in windows)
    )  # one text at one point of its path, if it is long
    assert not any(weight.requires_grad for weight in tiny.net.parameters())  # what they would keep is not kept


def test_nothing_and_cancellation(tiny):
    assert attribute(tiny, [], []) == []

    def stop():
        raise KeyboardInterrupt

    for method in METHODS:
        with pytest.raises(KeyboardInterrupt):
            attribute(tiny, tiny.pieces.windows(TEXTS), [5, 2, 11], method, check=stop)
