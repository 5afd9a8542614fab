"""SpeechBrain's CRDNN as an encoder for CTC, as in its LibriSpeech recipes.

Its tensors: `encoder.*` (SpeechBrain's `CRDNN`) and `ctc.*` (its `Linear`).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from mien_plugins.speech.backends.ctc import CtcConfig, CtcNet


@dataclass(frozen=True, slots=True, kw_only=True)
class CrdnnConfig(CtcConfig):
    """The net's shape: channels of the CNN, pooling over time, layers and widths of the LSTM and of the dense part."""

    cnn_channels: tuple[int, ...] = (128, 256)
    time_pooling_size: int = 4
    rnn_layers: int = 4
    rnn_neurons: int = 1024
    dnn_blocks: int = 2
    dnn_neurons: int = 512


class CrdnnNet(CtcNet):
    """Convolutions, an LSTM over time, dense layers."""

    def __init__(self, config: CrdnnConfig) -> None:
        from speechbrain.lobes.models.CRDNN import CRDNN
        from speechbrain.nnet.linear import Linear
        from speechbrain.nnet.RNN import LSTM

        super().__init__(config)
        self.encoder = CRDNN(
            input_shape=[None, None, config.n_mels],
            cnn_blocks=len(config.cnn_channels),
            cnn_channels=list(config.cnn_channels),
            inter_layer_pooling_size=[2] * len(config.cnn_channels),
            dropout=0.0,  # for inference only
            time_pooling=True,
            time_pooling_size=config.time_pooling_size,
            rnn_class=LSTM,
            rnn_layers=config.rnn_layers,
            rnn_neurons=config.rnn_neurons,
            rnn_bidirectional=True,
            dnn_blocks=config.dnn_blocks,
            dnn_neurons=config.dnn_neurons,
        )
        self.ctc = Linear(input_size=config.dnn_neurons, n_neurons=len(config.tokens))

    def encode(self, features: Tensor) -> Tensor:
        encoded: Tensor = self.encoder(features)
        return encoded
