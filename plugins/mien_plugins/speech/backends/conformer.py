"""SpeechBrain's Conformer as an encoder for CTC, as in its LibriSpeech recipe (Gulati et al. 2020).

Its tensors: `cnn.*` (SpeechBrain's `ConvolutionFrontEnd`), `transformer.*` (the encoder's part of its `TransformerASR`) and
`ctc.*` (its `Linear`). The published file names these modules `0`, `1` and `3` (`2` and the decoder are not needed): its
names are taken as well. Only the encoder speaks here, by its CTC output; the published word error rates come from a beam
search with decoder and language model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from mien_plugins.speech.backends.ctc import CtcConfig, CtcNet

_PUBLISHED = {"0": "cnn", "1": "transformer", "3": "ctc"}
_DECODER = ("2.", "transformer.decoder.", "transformer.custom_tgt_module.", "transformer.positional_encoding_decoder.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConformerConfig(CtcConfig):
    """The net's shape; the defaults are those of SpeechBrain's large LibriSpeech recipe, of which `tokens` has 5000.

    Args:
        cnn_channels: of the front end, whose blocks halve time and frequency each.
        d_model, nhead, layers, d_ffn: of the Conformer's blocks.
        kernel_size: of their convolutions.
    """

    n_fft: int = 512
    n_mels: int = 80
    win_length: int = 32
    cnn_channels: tuple[int, ...] = (64, 32)
    d_model: int = 512
    nhead: int = 8
    layers: int = 12
    d_ffn: int = 2048
    kernel_size: int = 31


class ConformerNet(CtcNet):
    """Convolutions that shorten, then Conformer blocks with relative positions."""

    def __init__(self, config: ConformerConfig) -> None:
        from speechbrain.lobes.models.convolution import ConvolutionFrontEnd
        from speechbrain.lobes.models.transformer.TransformerASR import TransformerASR
        from speechbrain.nnet.linear import Linear

        super().__init__(config)
        blocks = len(config.cnn_channels)
        bins = config.n_mels
        for _ in range(blocks):
            bins = -(-bins // 2)
        self.cnn = ConvolutionFrontEnd(
            input_shape=(8, 10, config.n_mels),
            num_blocks=blocks,
            num_layers_per_block=1,
            out_channels=list(config.cnn_channels),
            kernel_sizes=[3] * blocks,
            strides=[2] * blocks,
            dilations=[1] * blocks,
            residuals=[False] * blocks,
            dropout=0.0,  # for inference only
        )
        self.transformer = TransformerASR(
            tgt_vocab=len(config.tokens),
            input_size=bins * config.cnn_channels[-1],
            d_model=config.d_model,
            nhead=config.nhead,
            num_encoder_layers=config.layers,
            num_decoder_layers=0,
            d_ffn=config.d_ffn,
            dropout=0.0,
            activation=nn.GELU,
            encoder_module="conformer",
            attention_type="RelPosMHAXL",
            normalize_before=True,
            causal=False,
            kernel_size=config.kernel_size,
        )
        self.ctc = Linear(input_size=config.d_model, n_neurons=len(config.tokens))

    def encode(self, features: Tensor) -> Tensor:
        encoded: Tensor = self.transformer.encode(self.cnn(features))
        return encoded

    @staticmethod
    def own_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        named = {}
        for name, value in weights.items():
            first, _, rest = name.partition(".")
            own = f"{_PUBLISHED[first]}.{rest}" if first in _PUBLISHED else name
            if not own.startswith(_DECODER):
                named[own] = value
        return named

    @staticmethod
    def computed(name: str) -> bool:
        return name.startswith(("features.", "transformer.positional_encoding"))
