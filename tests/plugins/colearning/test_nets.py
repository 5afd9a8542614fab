"""The nets of SEW and SeqSEW have the thesis' numbers of parameters, and padding changes nothing."""

import pytest
import torch

from mien_plugins.colearning.seqsew import StepDecoder, Unimodal, UnimodalConfig, positions
from mien_plugins.colearning.sew import Regressor, Sew, SewConfig, WeakReader, parameters_of

SEQSEW = {
    "MOSI text": ((100, 1), 414_501),
    "MOSI visual": ((100, 2), 595_701),
    "MOSI acoustic": ((73, 2), 449_523),
    "RECOLA audio": ((88, 1), 384_885),
    "RECOLA appearance": ((168, 2), 1_157_653),
    "RECOLA geometric": ((632, 2), 12_397_589),
}


@pytest.mark.parametrize(("built", "count"), SEQSEW.values(), ids=SEQSEW)
def test_encoder_and_classifier_have_the_thesis_counts(built, count):
    assert parameters_of(Unimodal(UnimodalConfig(*built))) == count


def test_the_transformer_layer_and_the_bare_classifier_have_the_thesis_counts():
    net = Unimodal(UnimodalConfig(100))
    assert [parameters_of(layer) for layer in net.encoder.transformer.layers] == [121_300, 121_300]
    assert parameters_of(Unimodal(UnimodalConfig(100, kind="dense"))) == 30_601
    assert parameters_of(Unimodal(UnimodalConfig(73, kind="dense"))) == 22_501


@pytest.mark.parametrize(("latent", "count"), [(128, 351_481), (168, 365_881)])
def test_the_regressor_has_the_thesis_counts(latent, count):
    assert parameters_of(Regressor(latent)) == count


@pytest.mark.parametrize(
    ("weak", "strong", "count"),
    [("geometric", "audio", 839_801), ("audio", "geometric", 375_045), ("appearance", "audio", 394_273)],
)
def test_what_is_left_after_training_has_the_thesis_counts(weak, strong, count):
    net = Sew(SewConfig(weak, strong))
    assert parameters_of(net.reader) == count
    assert isinstance(net.reader, WeakReader)


def test_both_latents_are_as_wide_where_appearance_takes_part():
    config = SewConfig("audio", "appearance")
    assert config.widths() == ((88, 108, 168), (168, 168))
    assert SewConfig.from_dict(config.to_dict()) == config
    out = Sew(config)(torch.zeros(3, 88), torch.zeros(3, 168))
    shapes = [tuple(x.shape) for x in (out.label, out.m_weak, out.m_strong, out.from_weak, out.from_strong)]
    assert shapes == [(3,), (3, 168), (3, 168), (3, 168), (3, 168)]


@pytest.mark.parametrize("kind", ["dense", "gru", "transformer"])
def test_padding_changes_nothing(kind):
    torch.manual_seed(0)
    net = Unimodal(UnimodalConfig(6, kind=kind)).eval()
    decoder = StepDecoder(4, hidden=5).eval()
    x, mask = torch.randn(1, 7, 6), torch.ones(1, 7, dtype=torch.bool)
    padded = torch.cat([torch.cat([x, 9 * torch.ones(1, 3, 6)], 1), torch.randn(1, 10, 6)])
    wide = torch.ones(2, 10, dtype=torch.bool)
    wide[0, 7:] = False
    alone, m = net(x, mask)
    among, n = net(padded, wide)
    torch.testing.assert_close(among[0, :7], alone[0], atol=1e-5, rtol=1e-5)
    if kind != "dense":
        torch.testing.assert_close(decoder(n, wide)[0, :7], decoder(m, mask)[0], atol=1e-5, rtol=1e-5)


def test_a_bounded_net_stays_within_its_scale():
    net = Unimodal(UnimodalConfig(4, bounded=True)).eval()
    out, _ = net(100 * torch.randn(2, 5, 4), torch.ones(2, 5, dtype=torch.bool))
    assert float(out.detach().abs().max()) <= 1


def test_positions_are_those_of_the_transformer():
    table = positions(3, 4)
    torch.testing.assert_close(table[0], torch.tensor([0.0, 1.0, 0.0, 1.0]))
    torch.testing.assert_close(
        table[2, :2],
        torch.tensor([2.0]).sin().item() * torch.tensor([1.0, 0])
        + torch.tensor([0, 2.0]).cos() * torch.tensor([0, 1.0]),
    )
