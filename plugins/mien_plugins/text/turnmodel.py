"""A trained network of turns, ready to read utterances: what it says of them, and which of their words it looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from mien.errors import ModelError, shown
from mien.models import files
from mien.models.damage import UNREADABLE
from mien.models.size import bounded
from mien_plugins.text.info import TURNS
from mien_plugins.text.sequences import OFFENCE, RATE
from mien_plugins.text.turnnet import State, TurnConfig, TurnNet
from mien_plugins.text.vectors import Vectors
from mien_plugins.text.wordtable import WordTable

REST = 10.0
"""s of silence behind which a conversation is taken to begin anew: the length of a sequence in training."""

TABLE = "words.vectors"
"""Among the weights: the word vectors of a model that has its own."""

Floats = NDArray[np.float32]
Span = tuple[float, float]


@dataclass(frozen=True)
class TurnReading:
    """What the net says of N utterances: `values` (N, K) by output, `attention`: N arrays of (words,) that sum to 1."""

    values: Floats
    attention: tuple[Floats, ...]


class TurnModel:
    """A net, what its outputs are called, and how its logit becomes a probability.

    Args:
        outputs: names of the K outputs, `offence` for a logit.
        timed: whether it learnt from frames over time, and so remembers what was said before.
        table: its own word vectors, where it does not read those of a text model.
        scale, bias: P(offence) = sigmoid(scale · logit + bias). threshold: of P(offence).
    """

    def __init__(
        self,
        net: TurnNet,
        outputs: Sequence[str],
        timed: bool = False,
        scale: float = 1.0,
        bias: float = 0.0,
        threshold: float = 0.5,
        device: str = "cpu",
        table: WordTable | None = None,
    ) -> None:
        self.table = table
        self.net = net.to(torch.device(device)).eval()
        self.outputs, self.timed = tuple(outputs), timed
        self.scale, self.bias, self.threshold = scale, bias, threshold
        self._state: State | None = None
        self._until: float | None = None

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.net.parameters()).device

    @classmethod
    def load(cls, folder: Path, encoder: Path, device: str = "cpu") -> TurnModel:
        """The model in a folder.

        Args:
            encoder: folder of the text model whose word vectors it will be given.

        Raises:
            ModelError: it is missing or damaged, or learnt from another encoder's word vectors.
        """
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            net = bounded(lambda: TurnNet(TurnConfig.from_dict(config["net"])))
            weights = {name: value.float() for name, value in load_file(folder / "model.safetensors").items()}
            own = weights.pop(TABLE, None)
            net.load_state_dict(weights)
            options: dict[str, Any] = {"timed": bool(config["timed"]), **config["calibration"]}
            if own is not None:
                options["table"] = WordTable(config["vocabulary"], own.numpy())
            model = cls(net, config["outputs"], device=device, **options)
            wanted = config["encoder"]
        except UNREADABLE as error:
            raise ModelError(f"The model {TURNS} cannot be read; train it again: {shown(folder)}") from error
        if model.table is None and wanted["sha256"] != fingerprint(encoder):
            raise ModelError(
                f"The model {TURNS} learnt from word vectors of another {wanted['id']} than is installed; train it again: "
                f"{shown(folder)}"
            )
        return model

    def restart(self) -> None:
        """Forget what was said before: another medium begins."""
        self._state = self._until = None

    def read(
        self, words: Sequence[Vectors], spans: Sequence[Span], batch: int = 64, check: Callable[[], None] | None = None
    ) -> TurnReading:
        """Read utterances in the order of time.

        Args:
            words: (words, width) of each of N utterances; at least one word each.
            spans: when they are said, s.
            batch: turns that are read at once.
            check: called before each batch; may raise to stop.
        """
        most = self.net.config.words
        pieces = [(n, own[at : at + most]) for n, own in enumerate(words) for at in range(0, len(own), most)]
        vectors, shares = [], []
        for at in range(0, len(pieces), batch):
            if check is not None:
                check()
            some = [own for _, own in pieces[at : at + batch]]
            with torch.inference_mode():
                turns = self.net.turns(*(part.to(self.device) for part in pack(some, self.net.config)))
            vectors.append(turns.vectors)
            shares += [row[: len(own)] for row, own in zip(turns.attention.mean(1).cpu().numpy(), some, strict=True)]
        owner = np.array([n for n, _ in pieces])
        sizes = np.array([len(own) for _, own in pieces], np.float32)
        said = (
            self._over_time(torch.cat(vectors), owner, spans)
            if pieces
            else np.zeros((0, len(self.outputs)), np.float32)
        )
        return self._gather(len(words), owner, sizes, said, shares)

    @torch.inference_mode()
    def _over_time(self, vectors: Tensor, owner: NDArray[np.int64], spans: Sequence[Span]) -> Floats:
        if not self.timed:
            return self.net.frames(vectors.unsqueeze(1)).values[:, 0].cpu().numpy()
        silence = self.net.turns(*(part.to(self.device) for part in pack([], self.net.config, 1))).vectors
        said = []
        for vector, n in zip(vectors, owner, strict=True):
            start, end = spans[n]
            if self._until is None or start - self._until > REST:
                self._state = None
            elif (rest := round((start - self._until) * RATE)) > 0:
                self._state = self.net.frames(silence.expand(rest, -1).unsqueeze(0), self._state).state
            count = max(1, round((end - start) * RATE / int((owner == n).sum())))
            read = self.net.frames(vector.expand(1, count, -1), self._state)
            self._state, self._until = read.state, end
            said.append(read.values[0].mean(0).cpu().numpy())
        return np.stack(said)

    def _gather(
        self, count: int, owner: NDArray[np.int64], sizes: Floats, said: Floats, shares: Sequence[Floats]
    ) -> TurnReading:
        """Long utterances are several turns: the most offensive one counts, or all by their words."""
        values, attention = [], []
        for n in range(count):
            own = np.flatnonzero(owner == n)
            weight = sizes[own] / sizes[own].sum()
            if self.outputs == (OFFENCE,):
                weight = (own == own[said[own, 0].argmax()]).astype(np.float32)
            values.append(weight @ said[own])
            attention.append(np.concatenate([w * shares[i] for w, i in zip(weight, own.tolist(), strict=True)]))
        found = np.stack(values).astype(np.float32) if values else np.zeros((0, len(self.outputs)), np.float32)
        return TurnReading(found, tuple(attention))

    def probability(self, values: Floats) -> Floats:
        """(N, 1) logits -> (N,) P(offence)."""
        return np.asarray(1.0 / (1.0 + np.exp(-(self.scale * values[:, 0] + self.bias))), np.float32)


def pack(words: Sequence[Vectors], config: TurnConfig, empty: int = 0) -> tuple[Tensor, Tensor]:
    """Word vectors of turns, and of `empty` silent ones behind them -> (N, words, inputs) with zeros behind, (N,) counts."""
    width, most = config.inputs, config.words
    grid = np.zeros((len(words) + empty, most, width), np.float32)
    for row, own in enumerate(words):
        grid[row, : len(own)] = own[:most]
    count = [min(len(own), most) for own in words] + [0] * empty
    return torch.from_numpy(grid), torch.tensor(count)


def fingerprint(encoder: Path) -> str:
    """SHA-256 of a text model's weights, as its config.json records it."""
    return str(files.read_json(encoder / "config.json").get("sha256", ""))
