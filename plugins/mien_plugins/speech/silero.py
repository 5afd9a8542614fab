"""Silero VAD (v6, 16 kHz): the weights in the ``silero-vad`` wheel, run a block at a time.

The wheel's TorchScript model takes one chunk of 32 ms a call.  Only its small LSTM has a memory, though; so
the net is rebuilt here as a plain module, a whole block of chunks goes through the convolutions as one batch
and only the LSTM walks along time: eight to ten times the speed, the same probabilities (a test holds them
equal).  The wheel is found without importing it, since ``import silero_vad`` sets torch's thread count for
the whole process.

Its ``silero_vad_16k.safetensors`` would be the simpler source, but in 6.2 that file still holds the weights
of v5.

Net (chunk of 512 samples with 64 samples of the past in front): 64 samples of reflection on the right → STFT
as a fixed convolution (256 window, 128 hop, 129 magnitudes) → four convolutions → LSTM(128) → ReLU → 1×1
convolution → sigmoid: the probability that the chunk holds speech. Source: silero-vad 6.2 (MIT),
https://github.com/snakers4/silero-vad.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mien.errors import ModelError

RATE = 16_000
CHUNK = 512
CONTEXT = 64
_REFLECT = 64
_BINS = 129

FloatArray = npt.NDArray[np.float32]


def weights_path() -> Path:
    """The model file inside the installed ``silero-vad`` wheel, found without importing the package.

    Raises:
        ModelError: the wheel or the file is missing.
    """
    spec = find_spec("silero_vad")
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder) / "data" / "silero_vad.jit"
        if path.is_file():
            return path
    raise ModelError("The voice activity model is missing: install the Python package 'silero-vad' (6 or newer).")


class SileroNet(nn.Module):
    """The net, with the wheel's LSTM cell held as an ``nn.LSTM`` so that it takes many chunks a call."""

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

        ``frames`` (N, 576) float32: each chunk with the last 64 samples before it in front; ``state``: (h, c)
        of the LSTM, each (1, 128).  Returns probabilities (N,) and the state after the last chunk.
        """
        x = F.pad(frames.unsqueeze(1), (0, _REFLECT), mode="reflect")
        spectrum = self.stft_conv(x)
        x = (spectrum[:, :_BINS].square() + spectrum[:, _BINS:].square()).sqrt()
        x = self.conv4(self.conv3(self.conv2(self.conv1(x).relu()).relu()).relu()).relu().squeeze(-1)
        hidden, state = self.lstm(x, state)
        return self.final_conv(hidden.relu().unsqueeze(-1)).sigmoid().flatten(), state


def load_net() -> SileroNet:
    """A :class:`SileroNet` with the wheel's weights, in evaluation mode, on the CPU.

    Raises:
        ModelError: the wheel is missing, or its weights do not fit the net.
    """
    path = weights_path()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch.jit.load; the wheel has no newer form of v6
        script = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
    net = SileroNet()
    own = net.state_dict()
    tensors = {}
    for name, value in script.state_dict().items():
        key = _own_name(name)
        if key in own:
            tensors[key] = value.reshape(own[key].shape)
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        raise ModelError(f"The weights of silero-vad do not fit its known net (6.2): {path}") from error
    return net.eval().requires_grad_(False)


def _own_name(name: str) -> str:
    """The name in :class:`SileroNet` of a tensor of the wheel's 16 kHz model; others keep theirs."""
    parts = name.split(".")
    match parts:
        case ["_model", "stft", "forward_basis_buffer"]:
            return "stft_conv.weight"
        case ["_model", "encoder", index, "reparam_conv", kind]:
            return f"conv{int(index) + 1}.{kind}"
        case ["_model", "decoder", "rnn", kind]:
            return f"lstm.{kind}_l0"
        case ["_model", "decoder", "decoder", "2", kind]:
            return f"final_conv.{kind}"
    return name


class StreamingVad:
    """Speech probability chunk by chunk, with the net's memory carried over calls of any length.

    The result does not depend on how the signal was divided into calls.
    """

    def __init__(self, net: SileroNet) -> None:
        self._net = net
        self._tail = np.zeros(CONTEXT, np.float32)  # last samples before the next chunk
        self._rest = np.zeros(0, np.float32)  # samples that do not yet fill a chunk
        self._state = (torch.zeros(1, 128), torch.zeros(1, 128))

    def push(self, samples: FloatArray) -> FloatArray:
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
        return np.asarray(probability.numpy(), np.float32)

    def flush(self) -> FloatArray:
        """Probability of the last, zero-padded chunk: (1,), or (0,) when nothing is left."""
        if not len(self._rest):
            return np.zeros(0, np.float32)
        return self.push(np.zeros(CHUNK - len(self._rest), np.float32))
