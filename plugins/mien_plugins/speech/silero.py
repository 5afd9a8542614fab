"""Silero VAD (v6, 16 kHz), a block of sound at a time, without torch.

The model as published takes one chunk of 32 ms a call.  Only its small LSTM has a memory, though; so a whole block of
chunks goes through the convolutions as one product and only the LSTM walks along time: eight to ten times the speed, the
same probabilities (a test holds them equal).  It is written in numpy, since loading torch takes longer than finding the
speech of ten minutes, and whoever waits for the transcript waits for this first.

Net (chunk of 512 samples with 64 samples of the past in front): 64 samples of reflection on the right → STFT as a fixed
convolution (256 window, 128 hop, 129 magnitudes) → four convolutions → LSTM(128) → ReLU → 1×1 convolution → sigmoid: the
probability that the chunk holds speech. Source: silero-vad 6.2 (MIT), https://github.com/snakers4/silero-vad; the
weights are made from it by packaging/make_voice_weights.py.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.errors import ModelError

RATE = 16_000
CHUNK = 512
CONTEXT = 64
_REFLECT = 64
_BINS = 129
_WINDOW, _HOP = 256, 128
_CELLS = 128
_STRIDES = (1, 2, 2, 1)
_BATCH = 1024
"""Chunks that go through the convolutions together: 33 s, about 20 MB of unfolded windows."""

FloatArray = npt.NDArray[np.float32]
State = tuple[FloatArray, FloatArray]


def weights_path() -> Path:
    """The file of weights that comes with Mien."""
    return Path(str(importlib.resources.files("mien_resources"))) / "voice" / "silero-vad.safetensors"


class SileroNet:
    """The net.

    Args:
        weights: by name, as packaging/make_voice_weights.py writes them.

    Raises:
        KeyError: a weight is missing.
        ValueError: one has another shape.
    """

    def __init__(self, weights: Mapping[str, FloatArray]) -> None:
        # Each layer as one product: (inputs × kernel, outputs).
        self._basis = weights["stft.weight"].reshape(2 * _BINS, _WINDOW).T.copy()
        self._convolutions = [
            (_as_product(weights[f"conv{i}.weight"]), weights[f"conv{i}.bias"], stride)
            for i, stride in enumerate(_STRIDES, 1)
        ]
        self._input = weights["lstm.input"].reshape(4 * _CELLS, _CELLS).T.copy()
        self._hidden = weights["lstm.hidden"].reshape(4 * _CELLS, _CELLS).T.copy()
        self._bias = weights["lstm.input_bias"] + weights["lstm.hidden_bias"]
        self._out, self._out_bias = weights["out.weight"].reshape(_CELLS), weights["out.bias"].reshape(())

    def __call__(self, frames: FloatArray, state: State) -> tuple[FloatArray, State]:
        """Speech probability of consecutive chunks.

        ``frames`` (N, 576) float32: each chunk with the last 64 samples before it in front; ``state``: (h, c)
        of the LSTM, each (128,).  Returns probabilities (N,) and the state after the last chunk.
        """
        seen = [self._convolve(frames[i : i + _BATCH]) for i in range(0, len(frames), _BATCH)]
        gates = np.concatenate(seen) @ self._input + self._bias
        h, c = state
        hidden = np.empty((len(frames), _CELLS), np.float32)
        for i, gate in enumerate(gates):
            gate = gate + h @ self._hidden
            # Input, forget and output gates are sigmoids; one tanh serves all: σ(x) = (1 + tanh(x/2)) / 2.
            gate[: 2 * _CELLS] *= 0.5
            gate[3 * _CELLS :] *= 0.5
            np.tanh(gate, out=gate)
            take, keep, new, show = gate.reshape(4, _CELLS)
            c = (0.5 + 0.5 * keep) * c + (0.5 + 0.5 * take) * new
            h = (0.5 + 0.5 * show) * np.tanh(c)
            hidden[i] = h
        score = np.maximum(hidden, 0.0) @ self._out + self._out_bias
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * score), np.float32), (h, c)

    def _convolve(self, frames: FloatArray) -> FloatArray:
        """(N, 576) sound → (N, 128), what the LSTM reads."""
        sound = np.pad(frames, ((0, 0), (0, _REFLECT)), mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW, axis=1)[:, ::_HOP]  # (N, 4, 256)
        spectrum = windows.reshape(-1, _WINDOW) @ self._basis
        magnitude = np.sqrt(spectrum[:, :_BINS] ** 2 + spectrum[:, _BINS:] ** 2)
        x = magnitude.reshape(len(frames), -1, _BINS)
        for weight, bias, stride in self._convolutions:
            x = np.pad(x, ((0, 0), (1, 1), (0, 0)))
            unfolded = np.lib.stride_tricks.sliding_window_view(x, 3, axis=1)[:, ::stride]  # (N, T, C, 3)
            x = np.maximum(unfolded.reshape(*unfolded.shape[:2], -1) @ weight + bias, 0.0)
        return np.asarray(x[:, 0], np.float32)


def _as_product(weight: FloatArray) -> FloatArray:
    """A convolution's (outputs, inputs, kernel) → (inputs × kernel, outputs)."""
    return np.ascontiguousarray(weight.reshape(weight.shape[0], -1).T)


def load_net() -> SileroNet:
    """A :class:`SileroNet` with its weights.

    Raises:
        ModelError: the file is missing, or its weights do not fit the net.
    """
    from safetensors.numpy import load_file

    from mien.models.damage import UNREADABLE

    path = weights_path()
    try:
        return SileroNet(load_file(path))
    except UNREADABLE as error:
        raise ModelError(f"The voice activity model is missing or damaged; install Mien again: {path}") from error


class StreamingVad:
    """Speech probability chunk by chunk, with the net's memory carried over calls of any length.

    The result does not depend on how the signal was divided into calls.
    """

    def __init__(self, net: SileroNet) -> None:
        self._net = net
        self._tail = np.zeros(CONTEXT, np.float32)  # last samples before the next chunk
        self._rest = np.zeros(0, np.float32)  # samples that do not yet fill a chunk
        self._state: State = (np.zeros(_CELLS, np.float32), np.zeros(_CELLS, np.float32))

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
        probability, self._state = self._net(frames, self._state)
        return probability

    def flush(self) -> FloatArray:
        """Probability of the last, zero-padded chunk: (1,), or (0,) when nothing is left."""
        if not len(self._rest):
            return np.zeros(0, np.float32)
        return self.push(np.zeros(CHUNK - len(self._rest), np.float32))
