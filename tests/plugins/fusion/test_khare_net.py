"""The cross-modal transformer and its baseline: SEEDS' counts (§9, §15.1), shapes, masks, absent modalities."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from mien_plugins.fusion.bigru_net import BiGruConfig, BiGruNet
from mien_plugins.fusion.khare_net import PRETRAINING, EncoderLayer, KhareConfig, KhareNet
from mien_plugins.fusion.khare_streams import MODALITIES, Streams, batch
from mien_plugins.fusion.khare_tasks import VOCABULARY, Ctc, Decoder, DecoderLayer, Person, spelt

WIDTHS = {"audio": 5, "video": 4, "text": 3}
TINY = KhareConfig(5, 4, 3, width=8, heads=2, feed_forward=6, layers=2, dropout=0.0, outputs=2)
TINY_GRU = BiGruConfig(5, 4, 3, width=6, layers=2, dense=7, dropout=0.0, outputs=2)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def samples(*lengths: tuple[int, int, int], seed: int = 0) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    return [
        {name: rng.normal(size=(n, WIDTHS[name])).astype("f4") for name, n in zip(MODALITIES, each, strict=True)}
        for each in lengths
    ]


def nets() -> list[KhareNet | BiGruNet]:
    torch.manual_seed(0)
    return [KhareNet(TINY).eval(), BiGruNet(TINY_GRU).eval()]


def test_counts_are_those_of_the_paper() -> None:
    assert count(EncoderLayer()) == 1_258_184
    assert count(DecoderLayer()) == 2_309_832
    with torch.device("meta"):
        net = KhareNet(KhareConfig())
        assert [count(net.encoders[name]) for name in MODALITIES] == [5_032_736] * 3
        assert count(net.project) == 2_354_688
        assert count(net) == 17_455_974
        assert count(BiGruNet(BiGruConfig())) == 8_530_306
        assert count(Person(512, 5994)) == 3_074_922
        # What is kept of it and the heads of pre-training, without the emotions' head: 25,147,482 + characters.
        tasks = count(Decoder()) + count(Person(512, 5994))
        assert count(net) - count(net.head) + tasks == 25_147_482 + VOCABULARY * 512 + 513 * VOCABULARY


@torch.inference_mode()
def test_everything_has_audios_length() -> None:
    net = nets()[0]
    streams = batch(samples((7, 3, 2), (4, 9, 1)), WIDTHS)
    encoded = net.encode(streams)
    assert encoded.shape == (2, 3, 7, 8)
    assert net.fuse(encoded, streams.present, PRETRAINING).shape == (2, 7, 8)
    assert net.vectors(streams).shape == (2, 3, 8)
    assert net(streams).shape == (2, 2)


@torch.inference_mode()
@pytest.mark.parametrize("which", [0, 1])
def test_what_a_sample_says_does_not_hang_on_its_neighbours_in_the_batch(which: int) -> None:
    net = nets()[which]
    mixed = samples((7, 3, 2), (4, 9, 1), (2, 0, 5))
    together = net(batch(mixed, WIDTHS))
    for row, sample in enumerate(mixed):
        assert torch.allclose(together[row], net(batch([sample], WIDTHS))[0], atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("gone", ["video", "text"])
def test_an_absent_modality_has_weight_zero(which: int, gone: str) -> None:
    net = nets()[which]
    whole = samples((6, 4, 3))[0]
    without = net(batch([{name: rows for name, rows in whole.items() if name != gone}], WIDTHS))
    streams = batch([whole], WIDTHS)
    present = streams.present.clone()
    present[:, MODALITIES.index(gone)] = False
    assert torch.allclose(without, net.logits(net.vectors(streams), present), atol=1e-5)
    assert not torch.allclose(without, net(streams), atol=1e-5)
    assert torch.isfinite(without).all()


@torch.inference_mode()
def test_weights_are_not_renormalised_when_something_is_missing() -> None:
    net = nets()[0]
    streams = batch(samples((6, 4, 3)), WIDTHS)
    encoded = net.encode(streams)
    alone = net.fuse(encoded, torch.tensor([[True, False, False]]), PRETRAINING)
    assert torch.allclose(alone, 0.4 * encoded[:, 0])
    both = net.fuse(encoded, torch.tensor([[True, False, True]]), PRETRAINING)
    assert torch.allclose(both, 0.4 * encoded[:, 0] + 0.2 * encoded[:, 2])


@torch.inference_mode()
def test_the_mean_over_time_and_the_sum_of_modalities_change_places() -> None:
    net = nets()[0]
    streams = batch(samples((6, 4, 3)), WIDTHS)
    fused = net.fuse(net.encode(streams), streams.present, (1 / 3, 1 / 3, 1 / 3))
    assert torch.allclose(net.head(fused.mean(1)), net(streams), atol=1e-5)


def test_the_decoder_never_looks_ahead() -> None:
    torch.manual_seed(0)
    layer = DecoderLayer(8, 2, 6, 0.0).eval()
    written, heard, padded = torch.randn(1, 5, 8), torch.randn(1, 4, 8), torch.zeros(1, 4, dtype=torch.bool)
    ahead = torch.ones(5, 5, dtype=torch.bool).triu(1)
    with torch.inference_mode():
        before = layer(written, ahead, heard, padded)
        written[0, 3:] += 1
        after = layer(written, ahead, heard, padded)
    assert torch.allclose(before[0, :3], after[0, :3], atol=1e-6)
    assert not torch.allclose(before[0, 3:], after[0, 3:], atol=1e-3)


@pytest.mark.parametrize("task", [Decoder(8, 2, 6, dropout=0.0), Ctc(8)])
def test_characters_are_learnt(task: Decoder | Ctc) -> None:
    torch.manual_seed(0)
    heard, padded = torch.randn(2, 12, 8), torch.zeros(2, 12, dtype=torch.bool)
    texts = [spelt("Hé  llo!"), spelt("it's")]
    optimiser = torch.optim.Adam(task.parameters(), 0.02)
    losses = []
    for _ in range(12):
        loss = task(heard, padded, texts)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]


def test_texts_are_spelt() -> None:
    assert len(spelt("Été 5")) == 5
    assert spelt("AB") == spelt("ab")
    assert spelt("  \n ") == []


def test_a_batch_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="video has 9 numbers a step where 4 belong"):
        batch([{"audio": np.zeros((2, 5)), "video": np.zeros((2, 9))}], WIDTHS)
    with pytest.raises(ValueError, match="not finite"):
        batch([{"audio": np.full((2, 5), np.nan)}], WIDTHS)
    streams = batch([{"audio": np.ones((2, 5))}], WIDTHS)
    assert isinstance(streams, Streams)
    assert streams.present.tolist() == [[True, False, False]]
    assert streams.lengths("video").tolist() == [1]
