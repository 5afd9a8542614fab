"""The model's mechanics: padding changes nothing, windows combine as documented, folders are checked."""

import json

import numpy as np
import pytest
import torch

from mien.training.card import save_model
from mien_plugins.text.model import Settings, TextModel
from mien_plugins.text.net import TextConfig, pool

SHORT = ["a nice day", "the dog is loud!", "sun", "was it silly or calm?"]
LONG = " ".join(["the", "sun", "is", "silly", "nice!"] * 9)


def test_pooling():
    tokens = torch.arange(12.0).reshape(1, 4, 3)
    mask = torch.tensor([[1, 1, 0, 0]])
    assert torch.equal(pool(tokens, mask, "cls"), tokens[:, 0])
    assert torch.allclose(pool(tokens, mask, "mean"), tokens[:, :2].mean(1))


def test_padding_and_company_change_nothing(tiny):
    together = tiny.read([*SHORT, LONG])
    for i, text in enumerate(SHORT):
        alone = tiny.read([text])
        np.testing.assert_allclose(alone.offence[0], together.offence[i], atol=1e-5)
        np.testing.assert_allclose(alone.hate[0], together.hate[i], atol=1e-5)
        np.testing.assert_allclose(alone.vectors[0], together.vectors[i], atol=1e-5)
    tight = tiny.read([*SHORT, LONG], max_batch_tokens=24)
    np.testing.assert_allclose(tight.offence, together.offence, atol=1e-5)


def test_reading_is_calibrated_and_in_range(tiny):
    reading, logit = tiny.read(SHORT), tiny.logits(SHORT, "offence")[:, 0]
    np.testing.assert_allclose(reading.offence, 1 / (1 + np.exp(-(1.2 * logit - 0.1))), rtol=1e-5)
    np.testing.assert_allclose(reading.hate.sum(1), 1.0, rtol=1e-5)
    assert np.abs(reading.attributes).max() <= 1.0
    assert reading.vectors.shape == (4, 16)
    assert reading.long == 0


def test_long_text_takes_its_most_offensive_window(tiny):
    reading = tiny.read([LONG, "a day"])
    assert reading.long == 1
    windows = tiny.pieces.windows([LONG], 24)
    assert len(windows) > 2
    cut = tiny.read([LONG], long="truncate")
    assert cut.long == 1
    assert cut.loudest[0].ids == windows[0].ids
    each = []
    for window in windows:
        batch = tiny.pieces.pad_batch([window])
        each.append(float(torch.sigmoid(1.2 * tiny.net(*tiny.tensors(batch), "offence")[0, 0].detach() - 0.1)))
    assert reading.offence[0] == pytest.approx(max(each), abs=1e-5)
    assert reading.loudest[0].ids == windows[int(np.argmax(each))].ids


def test_embedding_pooling_is_a_switch(tiny):
    mean, cls = tiny.read(SHORT), tiny.read(SHORT, pooling="cls")
    assert not np.allclose(mean.vectors, cls.vectors, atol=1e-2)
    np.testing.assert_allclose(mean.offence, cls.offence, atol=1e-6)


def test_a_net_of_the_encoder_only_has_no_hate(tiny_folder, make_net):
    net = make_net(heads_out={"offence": 1})
    save_model(tiny_folder, net.state_dict(), Settings(net.config, max_tokens=24).to_dict())
    reading = TextModel.load(tiny_folder).read(SHORT)
    assert reading.hate.shape == reading.attributes.shape == (4, 0)


def test_nothing_to_read(tiny):
    assert tiny.read([]).offence.shape == (0,)


def test_check_is_called_before_each_batch(tiny):
    calls = []
    tiny.read(SHORT, max_batch_tokens=8, check=lambda: calls.append(1))
    assert len(calls) == 4


def test_half_precision_reads_nearly_the_same(tiny_folder, tiny):
    half = TextModel.load(tiny_folder, precision="bfloat16").read(SHORT)
    np.testing.assert_allclose(half.offence, tiny.read(SHORT).offence, atol=0.05)


def test_folders_that_do_not_fit_are_refused(tiny_folder):
    config = json.loads((tiny_folder / "config.json").read_text())
    config["net"]["layers"] = 3
    (tiny_folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(RuntimeError, match="Missing key"):
        TextModel.load(tiny_folder)
    (tiny_folder / "model.safetensors").unlink()
    with pytest.raises(FileNotFoundError):
        TextModel.load(tiny_folder)


def test_a_tokenizer_larger_than_the_net_is_refused(tiny, make_net):
    with pytest.raises(ValueError, match="word pieces"):
        TextModel(make_net(vocab_size=20), tiny.pieces, Settings(TextConfig(vocab_size=20)))
