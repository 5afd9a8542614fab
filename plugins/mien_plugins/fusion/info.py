"""Descriptors of the built-in fusions."""

from __future__ import annotations

from typing import Any

import pydantic

from mien.sdk import FusionInfo, FusionParams, hookimpl, param

READS = ("text.offence", "emotion.attributes", "face.expression", "conflict.intensity")
"""One track per modality that says something of hostility."""

CALIBRATED = ("emotion-mtl", "conflictnet")
"""Models whose configuration holds the calibration that the fusions use."""


class LateParams(FusionParams):
    """How much each modality counts, before renormalising over those that are present."""

    text: float = param(0.4, "weight of what is said", ge=0, le=1)
    voice: float = param(0.2, "weight of how it is said", ge=0, le=1)
    face: float = param(0.1, "weight of what the face shows", ge=0, le=1)
    conflict: float = param(0.3, "weight of how heated the exchange is", ge=0, le=1)

    @pydantic.model_validator(mode="after")
    def _something_counts(self) -> LateParams:
        if self.text + self.voice + self.face + self.conflict <= 0:
            raise ValueError("at least one of text, voice, face and conflict must count")
        return self


class MajorityParams(FusionParams):
    """The calibrated probability from which a modality votes `hostile`."""

    vote: float = param(0.5, "probability from which a modality votes for hostile", ge=0.01, le=0.99)


LATE = FusionInfo(
    id="fusion.late",
    title="Weighted late fusion",
    version="1.0.0",
    description="Mean of the modalities' calibrated probabilities, weights renormalised over those present.",
    factory="mien_plugins.fusion.late:LateFusion",
    params=LateParams,
    accepts=READS,
    models=CALIBRATED,
)

MAJORITY = FusionInfo(
    id="fusion.majority",
    title="Hard majority vote",
    version="1.0.0",
    description="Hostile where more than half of the modalities that are present say so.",
    factory="mien_plugins.fusion.majority:MajorityFusion",
    params=MajorityParams,
    accepts=READS,
    models=CALIBRATED,
)


@hookimpl
def mien_register(registry: Any) -> None:
    """Offer the fusions."""
    registry.fusion(LATE)
    registry.fusion(MAJORITY)
