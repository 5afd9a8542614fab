"""SpeechBrain's recognisers with a CTC output, from a folder of the local store: CRDNN and Conformer.

SpeechBrain's own model folders describe the net in a YAML file that runs code when it is loaded, and hold
pickled weights. Here the net is built from SpeechBrain's modules by a configuration of ours, `config.json` (its
`architecture` says which net), and only safetensors are read. The tensors of a published recipe keep their names below
the prefixes that each net states; where features are normalised by fixed statistics, `mean` and `std` (n_mels,) are there
as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from mien.errors import ModelError
from mien.models.damage import UNREADABLE, reason
from mien.models.size import PUBLIC, bounded
from mien.sdk import Context, Utterance
from mien_plugins.speech.backends.base import Heard, Word, tidy
from mien_plugins.speech.sizes import check_sizes

RATE = 16_000
FloatArray = npt.NDArray[np.float32]
_SPACE = "▁"  # how SentencePiece marks the beginning of a word


@dataclass(frozen=True, slots=True, kw_only=True)
class CtcConfig:
    """What every net has.

    Args:
        tokens: text of each output; a word begins where one starts with "▁".
        blank: index of the CTC blank.
        n_fft, n_mels: of the filterbank (a window every 10 ms).
        win_length: ms of its windows.
        statistics: whether `mean` and `std` are in the file; else each utterance is normalised by its own.
        language: two-letter code of what it was trained on.
    """

    tokens: tuple[str, ...]
    blank: int = 0
    n_fft: int = 400
    n_mels: int = 40
    win_length: int = 25
    statistics: bool = False
    language: str = "en"

    @classmethod
    def read(cls, path: Path) -> Self:
        """The configuration in a JSON file; keys that it does not know are ignored.

        Raises:
            ValueError: it is no JSON object, a key is missing or a value cannot be.
        """
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict) or "tokens" not in values:
            raise ValueError("config.json names no tokens")
        known: dict[str, Any] = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        for name, value in known.items():
            known[name] = tuple(value) if isinstance(value, list) else value
        # Other fields of these nets are sizes.
        check_sizes({k: v for k, v in known.items() if k not in ("tokens", "blank", "statistics", "language")})
        config = cls(**known)
        if not isinstance(config.tokens, tuple) or not all(isinstance(token, str) for token in config.tokens):
            raise ValueError("the tokens are no texts")
        if not 0 <= config.blank < len(config.tokens):
            raise ValueError("the blank is none of the tokens")
        return config


class CtcNet(nn.Module):
    """Filterbank → normalisation → `encode` → logits of the tokens."""

    mean: Tensor
    std: Tensor
    ctc: nn.Module

    def __init__(self, config: CtcConfig) -> None:
        from speechbrain.lobes.features import Fbank

        super().__init__()
        self._statistics = config.statistics
        self.features = Fbank(sample_rate=RATE, n_fft=config.n_fft, n_mels=config.n_mels, win_length=config.win_length)
        if config.statistics:
            self.register_buffer("mean", torch.zeros(config.n_mels))
            self.register_buffer("std", torch.ones(config.n_mels))

    def encode(self, features: Tensor) -> Tensor:
        """`features` (1, T, n_mels) → (1, frames, width)."""
        raise NotImplementedError

    def forward(self, samples: Tensor) -> Tensor:
        """`samples` (1, n) at 16 kHz → log-probabilities (frames, tokens)."""
        x = self.features(samples)
        own = (x.mean(1, keepdim=True), x.std(1, keepdim=True) + 1e-5)
        mean, std = (self.mean, self.std) if self._statistics else own
        logits: Tensor = self.ctc(self.encode((x - mean) / std))
        return logits.log_softmax(-1)[0]

    @staticmethod
    def own_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Published names as this net has them."""
        return dict(weights)

    @staticmethod
    def computed(name: str) -> bool:
        """Whether a tensor is computed, not learnt, so that a file need not have it."""
        return name.startswith("features.")

    def fill(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a file.

        Raises:
            ValueError, RuntimeError: tensors are missing, unknown or of another shape.
        """
        missing, unknown = self.load_state_dict(self.own_names(weights), strict=False)
        missing = [name for name in missing if not self.computed(name)]
        if missing or unknown:
            raise ValueError(f"{len(missing)} tensors missing, {len(unknown)} unknown")


def _build(folder: Path) -> tuple[CtcNet, CtcConfig]:
    described = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    kind = described.get("architecture", "crdnn-ctc") if isinstance(described, dict) else ""
    if kind == "crdnn-ctc":
        from mien_plugins.speech.backends.crdnn import CrdnnConfig, CrdnnNet

        crdnn = CrdnnConfig.read(folder / "config.json")
        return bounded(lambda: CrdnnNet(crdnn), PUBLIC), crdnn
    if kind == "conformer-ctc":
        from mien_plugins.speech.backends.conformer import ConformerConfig, ConformerNet

        conformer = ConformerConfig.read(folder / "config.json")
        return bounded(lambda: ConformerNet(conformer), PUBLIC), conformer
    raise ValueError(f"config.json names no architecture that is known here: {kind!r}")


class CtcTranscriber:
    """Transcribes by greedy CTC decoding; works in float32.

    Args:
        folder: config.json and model.safetensors.
        ctx: device, cancellation, notes.

    Raises:
        mien.errors.ModelError: a file is missing, or the weights do not fit the configuration.
    """

    name = "speechbrain"

    def __init__(self, folder: Path, ctx: Context) -> None:
        self._ctx = ctx
        self._device = ctx.device
        self._pending: list[Utterance] = []
        try:
            net, self._config = _build(folder)
            net.fill(load_file(folder / "model.safetensors"))
        except UNREADABLE as error:
            raise ModelError(f"The SpeechBrain model cannot be loaded ({reason(error)}): {folder}") from error
        self._net = net.eval().requires_grad_(False).to(self._device)

    @property
    def language(self) -> str:
        """What it was trained on."""
        return self._config.language

    def submit(self, utterance: Utterance) -> None:
        self._pending.append(utterance)

    def ready(self) -> list[Heard]:
        """Transcribes all that is waiting."""
        return list(self.drain())

    def drain(self) -> Iterator[Heard]:
        while self._pending:
            self._ctx.check_cancelled()
            yield self._transcribe(self._pending.pop(0))

    def close(self) -> None:
        self._pending = []

    def _transcribe(self, utterance: Utterance) -> Heard:
        start, end = utterance.start, utterance.end
        if len(utterance.samples) < RATE // 10:
            return Heard(start, end, ())
        samples = torch.from_numpy(np.nan_to_num(utterance.samples)).unsqueeze(0)
        try:
            chances = self._run(samples)
        except torch.cuda.OutOfMemoryError:
            chances = None
        if chances is None:  # outside the handler, which keeps the failed call's tensors alive
            torch.cuda.empty_cache()
            self._ctx.note("The GPU ran out of memory; SpeechBrain went on on the CPU.")
            self._device = "cpu"
            self._net = self._net.to("cpu")
            chances = self._run(samples)
        step = (end - start) / len(chances)
        words = [
            Word(start + first * step, start + last * step, text, score)
            for first, last, text, score in best_path(chances, self._config.tokens, self._config.blank)
        ]
        return Heard(start, end, tidy(words, start, end))

    @torch.inference_mode()
    def _run(self, samples: Tensor) -> FloatArray:
        chances: Tensor = self._net(samples.to(self._device))
        return np.asarray(chances.float().cpu().numpy(), np.float32)


def best_path(chances: FloatArray, tokens: tuple[str, ...], blank: int) -> list[tuple[int, int, str, float]]:
    """Words along the most probable path.

    Args:
        chances: (T, tokens) log-probabilities.
        tokens: text of each output.
        blank: index of the blank.

    Returns:
        First frame, frame behind the last, text and confidence (geometric mean over its tokens of the highest
        probability in each token's frames) of each word.
    """
    path = chances.argmax(1)
    edges = np.flatnonzero(np.diff(path, prepend=-1, append=-1))
    words: list[tuple[int, int, str, list[float]]] = []
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        token = int(path[first])
        if token == blank:
            continue
        text, peak = tokens[token], float(chances[first:last, token].max())
        if words and not text.startswith((_SPACE, " ")):
            begin, _, before, peaks = words[-1]
            words[-1] = (begin, last, before + text, [*peaks, peak])
        else:
            words.append((first, last, text.lstrip(_SPACE + " "), [peak]))
    return [(a, b, text, float(np.exp(np.mean(peaks)))) for a, b, text, peaks in words if text]
