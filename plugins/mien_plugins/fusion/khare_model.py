"""A trained net of Khare et al., either of the two, ready to read: emotions of stretches, and how much each modality counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from mien.errors import ModelError
from mien.models.damage import UNREADABLE, reason
from mien.models.size import bounded
from mien.training.card import load_model
from mien_plugins.fusion import sigmoids
from mien_plugins.fusion.bigru_net import BiGruConfig, BiGruNet
from mien_plugins.fusion.impute import KnnImputer
from mien_plugins.fusion.khare_net import KhareConfig, KhareNet
from mien_plugins.fusion.khare_streams import MODALITIES, Sequences, batch, widths_of
from mien_plugins.fusion.scaling import SubsetScaling

MEMORY = "memory."
"""What stands before a modality's name in the weights file for the vectors that imputation looks among."""
AT_ONCE = 16

AnyNet = KhareNet | BiGruNet
Floats = npt.NDArray[np.float32]


def make(kind: str, fields: Mapping[str, Any]) -> AnyNet:
    """A net with random weights; `kind`: `khare` or `bigru`."""
    if kind == "khare":
        return bounded(lambda: KhareNet(KhareConfig.from_dict(fields)))
    return bounded(lambda: BiGruNet(BiGruConfig.from_dict(fields)))


@dataclass(frozen=True)
class Said:
    """What a net reads of N stretches.

    Args:
        probability: (N, K) of each emotion, from all that is present, as the net says it; see `StreamModel.calibrated`.
        without: (N, 3, K) the same with one modality left out.
        alone: (N, 3, K) from one modality alone.
        present: (N, 3) bool.
    """

    probability: Floats
    without: Floats
    alone: Floats
    present: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class StreamModel:
    """A net with what its configuration says; absent modalities are imputed where it was trained so.

    Training weighs the examples of a rare emotion more, which raises all that the net says of it. That is taken back, and what
    then remains wrong is calibrated (`calibrated`): each label for each subset of what is there, by held-out rows.
    """

    net: AnyNet
    config: Mapping[str, Any]
    scalings: Mapping[str, SubsetScaling]
    imputer: KnnImputer | None = None

    def calibrated(self, said: Said) -> Said:
        """What the net says as probabilities."""
        one = np.eye(len(MODALITIES), dtype=np.bool_)
        parts = range(len(MODALITIES))
        return Said(
            self._likely(said.probability, said.present),
            np.stack([self._likely(said.without[:, m], said.present & ~one[m]) for m in parts], 1),
            np.stack([self._likely(said.alone[:, m], said.present & one[m]) for m in parts], 1),
            said.present,
        )

    def log_odds(self, said: Floats) -> npt.NDArray[np.float64]:
        """(N, K) what the net says, the training's weights taken back: the odds divided by that of the label's examples."""
        return np.asarray(sigmoids.log_odds(said) - np.log(np.asarray(self.config["weight"], np.float64)), np.float64)

    def _likely(self, said: Floats, present: npt.NDArray[np.bool_]) -> Floats:
        odds = self.log_odds(said)
        of = (self.scalings[label] for label in self.labels)
        columns = [sigmoids.probability(s, odds[:, k], present, self.imputer is not None) for k, s in enumerate(of)]
        return np.stack(columns, 1)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of what it says."""
        return tuple(self.config["labels"])

    @property
    def widths(self) -> dict[str, int]:
        """Numbers a step of each modality."""
        return widths_of(self.config["net"])

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> StreamModel:
        """The model in a folder.

        Raises:
            ModelError: it is damaged, or of another net.
        """
        try:
            weights, config = load_model(folder)
            net = make(str(config["kind"]), config["net"])
            kept = {name: value.float() for name, value in weights.items()}
            memory = {m: kept.pop(MEMORY + m).numpy() for m in MODALITIES if MEMORY + m in kept}
            net.load_state_dict(kept)
            imputer = KnnImputer(memory, int(config["neighbours"])) if memory else None
            about = config.get("calibration", {})
            scalings = {str(label): sigmoids.read(about.get(label, {}), MODALITIES) for label in config["labels"]}
            if not len(config["labels"]) == len(config["weight"]) == net.config.outputs:
                raise ValueError(f"{len(config['labels'])} labels for {net.config.outputs} outputs")
        except UNREADABLE as error:
            raise ModelError(f"The fusion model cannot be read ({reason(error)}); train it again: {folder}") from error
        return cls(net.to(device).eval(), config, scalings, imputer)

    def read(self, samples: Sequence[Sequences], check: Callable[[], None] = lambda: None) -> Said:
        """Read stretches; `check` is called before each few of them, and may raise to stop.

        Raises:
            ValueError: a modality has another width, or values that are not finite.
        """
        parts = []
        for first in range(0, len(samples), AT_ONCE):
            check()
            parts.append(self._read(samples[first : first + AT_ONCE]))
        return Said(
            np.concatenate([part.probability for part in parts]),
            np.concatenate([part.without for part in parts]),
            np.concatenate([part.alone for part in parts]),
            np.concatenate([part.present for part in parts]),
        )

    @torch.inference_mode()
    def _read(self, samples: Sequence[Sequences]) -> Said:
        streams = batch(samples, self.widths).to(self._device)
        present = streams.present.cpu().numpy()
        vectors = self.net.vectors(streams).float()
        everything = np.ones(len(MODALITIES), np.bool_)
        without, alone = [], []
        for m in range(len(MODALITIES)):
            one = np.arange(len(MODALITIES)) == m
            without.append(self._say(vectors, present & (everything & ~one)))
            alone.append(self._say(vectors, present & one))
        return Said(self._say(vectors, present), np.stack(without, 1), np.stack(alone, 1), present)

    def _say(self, vectors: Tensor, present: npt.NDArray[np.bool_]) -> Floats:
        if self.imputer is not None:
            blocks = {name: vectors[:, m].cpu().numpy() for m, name in enumerate(MODALITIES)}
            filled = self.imputer.fill(blocks, present)
            vectors = torch.from_numpy(np.stack([filled[name] for name in MODALITIES], 1)).to(vectors.device)
            present = np.repeat(present.any(axis=1, keepdims=True), len(MODALITIES), axis=1)
        logits = self.net.logits(vectors, torch.from_numpy(present).to(vectors.device))
        said: Floats = torch.sigmoid(logits).float().cpu().numpy()
        return said

    @property
    def _device(self) -> torch.device:
        return next(self.net.parameters()).device
