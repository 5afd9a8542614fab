"""What runs a trained fusion: embeddings on the host's grid in; score, weights, affect and emotion classes out.

A trained fusion is a class with the id of its model and `build`, which makes its net (`timed.TimedNet`) from the model's
`config.json`. Such a model's folder holds, besides the net's weights:

- in `config.json`: `step`, the seconds between two steps of the training; `classes`, the names of the emotion classes if it
  has any; `imputes`, which vectors it remembers (`TimedNet.imputes`); and whatever `build` reads;
- in `model.safetensors`: optionally `bank.<modality>` (N, E), vectors of training samples for KNN imputation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mien.errors import ModelError, shown
from mien.models.damage import UNREADABLE, reason
from mien.sdk import Aligned, Context, Fused, FusedCurve
from mien.tracks.quantity import AROUSAL, HOSTILITY, VALENCE, Quantity, probability
from mien.training.card import load_model
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.info import EMBEDDINGS, TrainedParams
from mien_plugins.fusion.timed import Encoded, Reading, TimedNet

BANK = "bank."
"""What the names of the tensors begin with that are remembered for imputation."""
_ALIKE = 1e-4
"""So much of the weight every present modality has at least, so that there is one to share out where none changes anything."""

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


class TrainedFusion:
    """Reads the embeddings' tracks with a net. Where a modality is absent it has weight zero, whatever stands in for it."""

    model: ClassVar[str] = ""
    """Id of the model."""

    def build(self, config: Mapping[str, Any]) -> TimedNet:
        """The net that the model's configuration describes, untrained."""
        raise NotImplementedError

    def quantity(self, config: Mapping[str, Any]) -> Quantity:
        """What the score measures."""
        return HOSTILITY

    def prepare(self, tracks: Sequence[str], params: TrainedParams, ctx: Context) -> None:
        """Load the weights.

        Raises:
            ModelError: they are missing, damaged, of another net, or cannot impute though that was asked for.
        """
        self._params, self._ctx = params, ctx
        folder = ctx.model(self.model)
        try:
            weights, config = load_model(folder)
            net = self.build(config)
            bank = {name.removeprefix(BANK): weights.pop(name) for name in list(weights) if name.startswith(BANK)}
            net.load_state_dict({name: value.float() for name, value in weights.items()})
            self._step, self._quantity = float(config["step"]), self.quantity(config)
            if not 0 < self._step < math.inf or not set(net.modalities) <= set(EMBEDDINGS):
                raise ValueError(f"it reads {', '.join(net.modalities)} every {self._step} s")
            self._classes = tuple(probability(str(name)) for name in config.get("classes", ()))
        except UNREADABLE as error:
            raise ModelError(
                f"The model {self.model} cannot be read ({reason(error)}); train it again: {folder}"
            ) from error
        self._net = net.eval().requires_grad_(False).to(ctx.device)
        self._imputer: KnnImputer | None = None
        if params.missing == "knn":
            if set(bank) != set(net.modalities):
                raise ModelError(
                    f"The model {self.model} remembers no training samples to impute from; choose missing=zero, or train "
                    f"it again: {folder}"
                )
            check_remembered(self.model, net, config, folder)
            self._imputer = KnnImputer({m: bank[m].float().numpy() for m in net.modalities}, params.neighbours)
        self._here = tuple(m for m in net.modalities if EMBEDDINGS[m] in tracks)
        self._states: dict[str, Any] = {}
        self._before: tuple[list[Floats], Bools] | None = None

    def fuse(self, grid: Aligned) -> Fused:
        """The reading at each step of a stretch; the next stretch goes on from it."""
        there = self._there(grid)
        rows = np.flatnonzero([m in self._here for m in self._net.modalities])
        stride = max(1, round(self._step / grid.hop))
        x, mask = self._steps(grid, there, stride)
        with torch.inference_mode():
            full, weights, alone = self._read(x, mask, rows)
        cells = np.repeat(np.arange(mask.shape[0]), stride)[: grid.times.size]
        present = there[:, rows]
        known: Bools = np.asarray(present.any(1), np.bool_)
        shares = np.where(present, weights[cells], 0.0) + _ALIKE * present
        shares = np.divide(shares, shares.sum(1, keepdims=True), out=np.zeros_like(shares), where=known[:, None])
        score = np.where(known, _array(full.score)[0, cells], np.nan)
        said = np.where(present, alone[cells], np.nan)
        return Fused(
            score.astype(np.float32),
            shares.astype(np.float32),
            self._here,
            said.astype(np.float32),
            self._quantity,
            tuple(self._curves(full, cells)),
        )

    # --- what the net is given ----------------------------------------------------------------------------------

    def _there(self, grid: Aligned) -> Bools:
        """(T, M) where each of the net's modalities has a vector that the net can read."""
        there: Bools = np.zeros((grid.times.size, len(self._net.modalities)), np.bool_)
        for m, (name, width) in enumerate(zip(self._net.modalities, self._net.widths, strict=True)):
            track = EMBEDDINGS[name]
            if track not in grid.values or name not in self._here:
                continue
            found = grid.values[track].shape[1]
            if width == 1 < found:
                self._ctx.note(f"The model {self.model} learnt from data without {name}, which was left out.")
                continue
            if found != width:
                self._ctx.note(
                    f"{track} was written by another model than the one {self.model} was trained on ({found} numbers, "
                    f"not {width}); {name} was left out."
                )
                continue
            there[:, m] = grid.mask[track]
        return there

    def _steps(self, grid: Aligned, there: Bools, stride: int) -> tuple[list[Floats], Bools]:
        """The net's steps, each of `stride` cells of the grid: it is given the last vector that is present in them."""
        count = -(-grid.times.size // stride)
        padded = np.zeros((count * stride, there.shape[1]), np.bool_)
        padded[: len(there)] = there
        blocks = padded.reshape(count, stride, -1)
        last = stride - 1 - blocks[:, ::-1].argmax(1)
        x = []
        for m, (name, width) in enumerate(zip(self._net.modalities, self._net.widths, strict=True)):
            values = grid.values.get(EMBEDDINGS[name])
            cells = np.minimum(np.arange(count) * stride + last[:, m], grid.times.size - 1)
            usable = values is not None and values.shape[1] == width
            x.append(values[cells] if usable and values is not None else np.zeros((count, width), np.float32))
        mask: Bools = np.asarray(blocks.any(1), np.bool_)
        return x, mask

    # --- reading ------------------------------------------------------------------------------------------------

    def _read(self, x: list[Floats], mask: Bools, rows: npt.NDArray[np.intp]) -> tuple[Reading, Floats, Floats]:
        """The reading of everything; (T, M) weights; (T, M) scores with each modality alone."""
        encoded = self._encode(x, mask)
        full = self._decode(encoded, mask[None], "full")
        if not rows.size:
            nothing = np.zeros((len(mask), 0), np.float32)
            return full, nothing, nothing
        moved: Floats
        only = np.zeros((rows.size, 1, mask.shape[1]), np.bool_)
        only[np.arange(rows.size), 0, rows] = True
        alone = _array(self._decode(encoded, mask[None] & only, "alone").score).T
        if full.weights is not None:
            return full, _array(full.weights)[0][:, rows], alone
        # The net has no shares of its own: how far the reading moves when a modality is taken away.
        without = self._decode(encoded, mask[None] & ~only, "without")
        if full.expression is not None and without.expression is not None:
            moved = _array((without.expression - full.expression).abs().sum(-1) / 2).T
        elif full.affect is not None and without.affect is not None:
            moved = _array((without.affect - full.affect).abs().sum(-1) / 2).T
        else:
            moved = _array((without.score - full.score).abs()).T
        return full, moved, alone

    def _encode(self, x: list[Floats], mask: Bools) -> Encoded:
        context = self._net.context
        if context:
            if self._before is None:
                empty = [np.zeros((context, width), np.float32) for width in self._net.widths]
                self._before = empty, np.zeros((context, mask.shape[1]), np.bool_)
            x = [np.concatenate(parts) for parts in zip(self._before[0], x, strict=True)]
            mask = np.concatenate([self._before[1], mask])
            self._before = [part[-context:] for part in x], mask[-context:]
        return self._net.encode([self._tensor(part)[None] for part in x], self._tensor(mask)[None])

    def _decode(self, encoded: Encoded, mask: Bools, name: str) -> Reading:
        """Decode under (V, T, M) masks, going on from the last stretch."""
        known = None
        if self._imputer is not None:
            known = self._tensor(mask)
            encoded, mask = self._impute(self._imputer, encoded, mask)
        reading = self._net.decode(encoded, self._tensor(mask), self._states.get(name), known)
        self._states[name] = reading.state
        return reading

    def _impute(self, imputer: KnnImputer, encoded: Encoded, mask: Bools) -> tuple[Encoded, Bools]:
        names = self._net.modalities
        vectors = self._net.vectors(encoded)
        known = {name: _array(v)[0] for name, v in zip(names, vectors, strict=True)}
        parts = []
        for variant in mask:
            filled = imputer.fill(known, variant)
            stand = tuple(self._tensor(filled[name])[None] for name in names)
            parts.append(self._net.imputed(encoded, stand, self._tensor(variant)[None]))
        whole = tuple(torch.cat(columns) for columns in zip(*parts, strict=True))
        return whole, np.broadcast_to(mask.any(-1, keepdims=True), mask.shape).copy()

    def _curves(self, reading: Reading, cells: npt.NDArray[np.intp]) -> list[FusedCurve]:
        curves = []
        if reading.affect is not None:
            curves.append(FusedCurve("affect", _array(reading.affect)[0, cells], (VALENCE, AROUSAL)))
        if reading.expression is not None and self._classes:
            curves.append(FusedCurve("expression", _array(reading.expression)[0, cells], self._classes))
        return curves

    def _tensor(self, array: npt.NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._ctx.device)


def check_remembered(model: str, net: TimedNet, config: Mapping[str, Any], folder: Path) -> None:
    """Refuse to impute from vectors that were remembered at another place of the net; raises ModelError."""
    if config.get("imputes", "encoded") != net.imputes:
        raise ModelError(
            f"The model {model} remembers vectors of before its attention, which no longer impute: have it remember others with "
            f"'mien train fusion-attention --set recalibrate=true --data DIR --out {shown(folder)}', or train it again."
        )


def _array(tensor: Tensor) -> Floats:
    return np.asarray(tensor.float().cpu().numpy(), np.float32)
