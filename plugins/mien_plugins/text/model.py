"""The trained text model, ready to read: tokenizer, net and calibration from one folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from mien.models.size import bounded
from mien_plugins.text.net import Pooling, TextConfig, TextNet, pool
from mien_plugins.text.tokens import Batch, LongTexts, Window, WordPieces

Floats = NDArray[np.float32]
_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Calibration:
    """How raw outputs become probabilities; fitted on the validation part (Platt 1999; Guo et al. 2017).

    Attributes:
        scale, bias: P(offence) = sigmoid(scale · logit + bias).
        temperature: P(hate classes) = softmax(logits / temperature).
        threshold: of P(offence), where macro-F1 on the validation part is best.
    """

    scale: float = 1.0
    bias: float = 0.0
    temperature: float = 1.0
    threshold: float = 0.5


@dataclass(frozen=True)
class Settings:
    """What config.json says: the net, its calibration, and how texts are prepared."""

    net: TextConfig = field(default_factory=TextConfig)
    calibration: Calibration = field(default_factory=Calibration)
    max_tokens: int = 128

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Settings:
        """Read config.json's content; keys of other readers (`sha256`, …) are ignored."""
        return cls(
            TextConfig.from_dict(values["net"]),
            Calibration(**values["calibration"]),
            int(values["max_tokens"]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return {
            "net": self.net.to_dict(),
            "calibration": asdict(self.calibration),
            "max_tokens": self.max_tokens,
        }


@dataclass(frozen=True)
class Reading:
    """What the model says of N texts, in their order.

    Attributes:
        offence: (N,) calibrated P(offensive).
        hate: (N, 3) calibrated P(hate), P(offensive), P(normal); empty (N, 0) if the net has no such head.
        attributes: (N, 3) valence, arousal, dominance in [−1, 1]; (N, 0) likewise.
        vectors: (N, width) embedding.
        loudest: for each text the window whose P(offensive) is highest.
        long: how many texts did not fit into one window.
    """

    offence: Floats
    hate: Floats
    attributes: Floats
    vectors: Floats
    loudest: tuple[Window, ...]
    long: int


class TextModel:
    """A net with its tokenizer and calibration on one device. Reading is deterministic and keeps no state."""

    def __init__(
        self,
        net: TextNet,
        pieces: WordPieces,
        settings: Settings,
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        if pieces.size > settings.net.vocab_size:
            raise ValueError(f"{pieces.path} has {pieces.size} word pieces, the net {settings.net.vocab_size}")
        # Where gradients with respect to a text are taken, those of the weights would cost memory for nothing.
        self.net = net.to(device=torch.device(device), dtype=_DTYPES[precision]).eval().requires_grad_(False)
        self.pieces, self.settings, self.device = pieces, settings, torch.device(device)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu", precision: str = "float32") -> TextModel:
        """Read model.safetensors, config.json and tokenizer.json from ``folder``; opens no network.

        Raises:
            FileNotFoundError, KeyError, ValueError, RuntimeError: a file is missing or unfit for the others.
        """
        settings = Settings.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        net = bounded(lambda: TextNet(settings.net))
        net.load_state_dict({k: v.float() for k, v in load_file(folder / "model.safetensors").items()}, strict=True)
        return cls(net, WordPieces(folder), settings, device, precision)

    def to(self, device: str) -> TextModel:
        """The same model on another device, in float32."""
        return TextModel(self.net, self.pieces, self.settings, device)

    def tensors(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """``ids`` and ``mask`` (B, T) of a batch on the model's device."""
        return torch.from_numpy(batch.ids).to(self.device), torch.from_numpy(batch.mask).to(self.device)

    def read(
        self,
        texts: Sequence[str],
        *,
        limit: int | None = None,
        long: LongTexts = "windows",
        pooling: Pooling = "mean",
        max_batch_tokens: int = 4096,
        check: Callable[[], None] | None = None,
    ) -> Reading:
        """Read cleaned texts.

        Args:
            texts: N texts; words are what white space separates.
            limit: longest window in tokens, special ones included; by default what the model was trained for.
            long: a longer text is cut off (``truncate``) or read in overlapping windows: offence is then that
                of its most offensive window, hate that of its least normal one, the rest the windows' mean.
            pooling: of the embedding; the heads always use the one they were trained with.
            max_batch_tokens: tokens of a batch, padding included.
            check: called before each batch; may raise to stop.
        """
        windows = self.pieces.windows(texts, limit or self.settings.max_tokens, long)
        calibration, tasks = self.settings.calibration, self.settings.net.heads_out
        parts: dict[str, list[NDArray[np.float32]]] = {
            "offence": [],
            "hate": [],
            "attributes": [],
            "vectors": [],
        }
        order: list[Window] = []
        for batch in self.pieces.batches(windows, max_batch_tokens):
            if check is not None:
                check()
            raw = self._run(batch, pooling)
            parts["offence"].append(_sigmoid(calibration.scale * raw["offence"][:, 0] + calibration.bias))
            parts["hate"].append(
                _softmax(raw["hate"] / calibration.temperature) if "hate" in tasks else _nothing(batch)
            )
            parts["attributes"].append(raw["attributes"] if "attributes" in tasks else _nothing(batch))
            parts["vectors"].append(raw["vectors"])
            order.extend(batch.windows)
        if not order:
            empty = np.zeros((0, 0), np.float32)
            return Reading(np.zeros(0, np.float32), empty, empty, empty, (), 0)
        return _gather(len(texts), order, {k: np.concatenate(v) for k, v in parts.items()})

    def logits(self, texts: Sequence[str], task: str) -> Floats:
        """Uncalibrated outputs (N, n) of one head for cleaned texts, cut off at the limit."""
        windows = self.pieces.windows(texts, self.settings.max_tokens, "truncate")
        found = np.zeros((len(texts), self.settings.net.heads_out[task]), np.float32)
        for batch in self.pieces.batches(windows):
            rows = [window.text for window in batch.windows]
            found[rows] = self._run(batch, "mean")[task]
        return found

    @torch.inference_mode()
    def _run(self, batch: Batch, pooling: Pooling) -> dict[str, Floats]:
        ids, mask = self.tensors(batch)
        tokens, vector = self.net.encode(mask, ids=ids)
        out = {task: self.net.head(task, vector) for task in self.settings.net.heads_out}
        out["vectors"] = vector if pooling == self.settings.net.pooling else pool(tokens, mask, pooling)
        return {name: value.float().cpu().numpy() for name, value in out.items()}


def _gather(count: int, windows: list[Window], parts: dict[str, Floats]) -> Reading:
    """Windows' outputs → texts' outputs."""
    rows: list[list[int]] = [[] for _ in range(count)]
    for i, window in enumerate(windows):
        rows[window.text].append(i)
    size = np.array([len(window.ids) for window in windows], np.float32)
    loudest = [max(own, key=lambda i: (parts["offence"][i], -i)) for own in rows]
    hate = parts["hate"]
    # P(normal) is the last class: the window that is least normal speaks for the text.
    worst = [min(own, key=lambda i: (hate[i, -1], i)) if hate.shape[1] else own[0] for own in rows]
    return Reading(
        parts["offence"][loudest],
        hate[worst],
        _mean(parts["attributes"], rows, size),
        _mean(parts["vectors"], rows, size),
        tuple(windows[i] for i in loudest),
        sum(not windows[own[0]].whole for own in rows),
    )


def _mean(values: Floats, rows: Sequence[Sequence[int]], size: Floats) -> Floats:
    """Mean over each text's windows, by their number of tokens."""
    return np.stack([np.average(values[list(own)], axis=0, weights=size[list(own)]) for own in rows]).astype(np.float32)


def _nothing(batch: Batch) -> Floats:
    return np.zeros((len(batch.windows), 0), np.float32)


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)), np.float32)


def _softmax(x: Floats) -> Floats:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True), np.float32)
