"""Silero VAD (v6, 16 kHz) as a torch module over the weights in the ``silero-vad`` wheel.

The wheel ships the 16 kHz net as safetensors beside its TorchScript and ONNX builds.  It is rebuilt here from
those safetensors, for three reasons: importing ``silero_vad`` sets torch's thread count for the whole process;
a TorchScript file is a pickle; and the net's convolutional front has no state, so a whole block of chunks goes
through it as one batch and only the small LSTM walks along time (about 25 times faster than chunk by chunk).
A test holds the outputs equal to the wheel's own model.

Net (chunk of 512 samples with 64 samples of the past in front): 64 samples of reflection on the right → STFT as
a fixed convolution (256 window, 128 hop, 129 magnitudes) → four convolutions → LSTM(128) → ReLU → 1×1
convolution → sigmoid: the probability that the chunk holds speech.
Source: silero-vad 6.2 (MIT), https://github.com/snakers4/silero-vad.
"""

from __future__ import annotations

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

RATE = 16_000
CHUNK = 512
CONTEXT = 64
_REFLECT = 64
_BINS = 129


def weights_path() -> Path:
    """The safetensors file inside the installed ``silero-vad`` wheel, found without importing the package.

    Raises FileNotFoundError when the wheel or the file is missing.
    """
    spec = find_spec("silero_vad")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("silero-vad is not installed: install the package 'silero-vad' (>=6.2)")
    path = Path(next(iter(spec.submodule_search_locations))) / "data" / "silero_vad_16k.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"silero-vad {version('silero-vad')} carries no {path.name}: install 'silero-vad>=6.2'"
        )
    return path


class SileroNet(nn.Module):
    """The net; parameter names are those of the wheel's safetensors (``lstm_cell`` is held as an ``nn.LSTM``)."""

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 2 * _BINS, 256, stride=128, bias=False)
        self.conv1 = nn.Conv1d(_BINS, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.lstm = nn.LSTM(128, 128)
        self.final_conv = nn.Conv1d(128, 1, 1)

    def forward(self, frames: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Speech probability of consecutive chunks.

        ``frames`` (N, 576) float32: each chunk with the last 64 samples before it in front; ``state``: (h, c) of
        the LSTM, each (1, 128).  Returns probabilities (N,) and the state after the last chunk.
        """
        x = F.pad(frames.unsqueeze(1), (0, _REFLECT), mode="reflect")
        spectrum = self.stft_conv(x)
        x = (spectrum[:, :_BINS].square() + spectrum[:, _BINS:].square()).sqrt()
        x = self.conv4(self.conv3(self.conv2(self.conv1(x).relu()).relu()).relu()).relu().squeeze(-1)
        hidden, state = self.lstm(x, state)
        return self.final_conv(hidden.relu().unsqueeze(-1)).sigmoid().flatten(), state


def load_net(path: Path | None = None) -> SileroNet:
    """A :class:`SileroNet` with the wheel's weights, in evaluation mode.

    Raises FileNotFoundError when the weights are missing, RuntimeError when they do not fit the net.
    """
    tensors = load_file(path or weights_path())
    renamed = {
        f"lstm.{key.removeprefix('lstm_cell.')}_l0" if key.startswith("lstm_cell.") else key: value
        for key, value in tensors.items()
    }
    net = SileroNet()
    net.load_state_dict(renamed)
    return net.eval().requires_grad_(False)


class StreamingVad:
    """Speech probability chunk by chunk, with the net's memory carried over calls of any length.

    The result does not depend on how the signal was divided into calls.
    """

    def __init__(self, net: SileroNet) -> None:
        self._net = net
        self._tail = np.zeros(CONTEXT, np.float32)  # last samples before the next chunk
        self._rest = np.zeros(0, np.float32)  # samples that do not yet fill a chunk
        self._state = (torch.zeros(1, 128), torch.zeros(1, 128))

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Probabilities (n,) float32 of the chunks that ``samples`` (n,) float32 at 16 kHz completed."""
        signal = np.concatenate((self._rest, np.asarray(samples, np.float32)))
        count = len(signal) // CHUNK
        self._rest = signal[count * CHUNK :]
        if not count:
            return np.zeros(0, np.float32)
        padded = np.concatenate((self._tail, signal[: count * CHUNK]))
        self._tail = padded[-CONTEXT:]
        frames = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + CHUNK)[::CHUNK]
        with torch.inference_mode():
            probability, self._state = self._net(torch.from_numpy(frames.copy()), self._state)
        return probability.numpy()

    def flush(self) -> np.ndarray:
        """Probability of the last, zero-padded chunk: (1,), or (0,) when nothing is left."""
        if not len(self._rest):
            return np.zeros(0, np.float32)
        return self.push(np.zeros(CHUNK - len(self._rest), np.float32))
