"""Descriptors of the built-in fusions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pydantic

from mien.sdk import FusionInfo, FusionParams, Params, RecipeInfo, Search, hookimpl, param
from mien_plugins.fusion import khare_info, mml_info

READS = ("text.offence", "emotion.attributes", "face.expression", "conflict.intensity", "conflict.hostility")
"""One track per modality that says something of hostility; of the last two the second, where it is there."""

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
    version="1.1.0",
    description="Mean of the modalities' calibrated probabilities, weights renormalised over those present: an index from 0 "
    "(peaceful) to 1 (hostile), not itself a probability.",
    factory="mien_plugins.fusion.late:LateFusion",
    params=LateParams,
    accepts=READS,
    models=CALIBRATED,
)

MAJORITY = FusionInfo(
    id="fusion.majority",
    title="Hard majority vote",
    version="1.1.0",
    description="Hostile where more than half of the modalities that are present say so: 1 or 0, a vote and no probability.",
    factory="mien_plugins.fusion.majority:MajorityFusion",
    params=MajorityParams,
    accepts=READS,
    models=CALIBRATED,
)

EMBEDDINGS = {"text": "text.embedding", "voice": "emotion.embedding", "face": "face.embedding"}
"""Modality → the track of vectors that trained fusions read it from."""

EMBEDDED = ("text.offence", *EMBEDDINGS.values())
"""What trained fusions accept: the vectors, and the utterances whose extents those of the text hold over."""


class TrainedParams(FusionParams):
    """Parameters of every trained fusion."""

    hop: float = param(0.5, "spacing of the common time grid", unit="s", ge=0.02, le=10)
    missing: Literal["zero", "knn"] = param(
        "zero",
        "what stands in for a modality that is absent: nothing (zero weight), or the mean of the nearest training samples "
        "(KNN imputation); it never counts in the weights",
    )
    neighbours: int = param(5, "training samples whose mean is imputed", ge=1, le=100)


_READS_AFFECT = (
    "Trained on faces, voices and texts of different people, paired by the emotion they show; reads the probability that "
    "somebody is angry or disgusted as hostility, and valence, arousal and seven emotions besides."
)


def _attention(strategy: str, title: str, what: str, factory: str) -> FusionInfo:
    return FusionInfo(
        id=f"fusion.{strategy}",
        title=title,
        version="1.1.0",
        description=f"{what} {_READS_AFFECT}",
        factory=f"mien_plugins.fusion.attention:{factory}",
        params=TrainedParams,
        accepts=EMBEDDED,
        models=(f"fusion-{strategy}",),
        trained_by=f"mien train fusion-attention --set strategy={strategy}",
    )


ATTENTION = (
    _attention(
        "concat", "Concatenation, LSTM", "The modalities' vectors side by side, an LSTM over time.", "ConcatFusion"
    ),
    _attention(
        "self",
        "Self-attention, LSTM",
        "Multi-head self-attention over the modalities, an LSTM over time.",
        "SelfFusion",
    ),
    _attention(
        "residual",
        "Residual self-attention, LSTM",
        "Self-attention over the modalities added to what they were, an LSTM over time.",
        "ResidualFusion",
    ),
    _attention(
        "hierarchical",
        "Hierarchical attention, LSTM",
        "Attention over each pair of modalities, then over the pairs, an LSTM over time.",
        "HierarchicalFusion",
    ),
    _attention(
        "crossmodal",
        "Cross-modal hierarchical self-attention, LSTM",
        "Each modality's features reweighed by each other one, then hierarchical attention, an LSTM over time.",
        "CrossModalFusion",
    ),
    _attention(
        "intra",
        "Intra-modal attention, statistical pooling",
        "Multi-head attention within the last seconds of each modality, pooled by mean and deviation.",
        "IntraFusion",
    ),
    _attention(
        "cross",
        "Cross-modal attention, statistical pooling",
        "Multi-head attention from each modality onto each other over the last seconds, pooled by mean and deviation.",
        "CrossFusion",
    ),
    _attention(
        "intra-cross",
        "Intra- and cross-modal attention",
        "Attention within and between the modalities over the last seconds, pooled by mean and deviation.",
        "IntraCrossFusion",
    ),
)


OWN = FusionInfo(
    id="fusion.own",
    title="Attention fusion of your own",
    version="1.0.0",
    description="Any of the attention fusions as it was trained on recordings of your own: what it reads are the classes that "
    "they have, or valence and arousal over time, whose score is arousal from 0 to 1.",
    factory="mien_plugins.fusion.attention:OwnFusion",
    params=TrainedParams,
    accepts=EMBEDDED,
    models=("fusion-own",),
    trained_by="mien train fusion-attention",
)


class AttentionTraining(Params):
    """Options of the recipe."""

    strategy: Literal["concat", "self", "residual", "hierarchical", "crossmodal", "intra", "cross", "intra-cross"] = (
        param("concat", "Which fusion is trained.")
    )
    moddrop: Literal["off", "single", "every"] = param(
        "every",
        "Samples with modalities silenced that are trained on beside the whole ones: none, those without one of them "
        "(Moddrop), or those with every subset of them.",
    )
    compare: bool = param(True, "Train it the other two ways, too, for the card's comparison.")
    features: Path | None = param(
        None, "Folder in which the embeddings are kept for other trainings; by default --work."
    )
    recalibrate: bool = param(False, "Train nothing: fit the calibration of the model in --out anew, and measure it.")
    label: str = param(
        "emotion", "A manifest's column of classes that is learnt (a manifest only, like all that follow)."
    )
    task: Literal["auto", "classes", "affect"] = param(
        "auto",
        "What is learnt: the classes of --set label, or valence and arousal over time; auto: these where the manifest has both "
        "and no column emotion.",
    )
    sequence: int = param(0, "Steps of a sequence that is learnt over time; 0: 100.", ge=0, le=2000)
    epochs: int = param(0, "Epochs at most; 0: 100, over time 200.", ge=0, le=10_000)
    batch: int = param(0, "Rows or sequences of an update; 0: 32, over time 20.", ge=0, le=1024)
    rate: float = param(0.0, "Learning rate (Adam); 0: 1e-3, over time 5e-4.", ge=0, le=1)
    size: int = param(
        0,
        "Width of encoders and dense layers, or of projections and LSTM; 0: the papers' (60, or 256).",
        ge=0,
        le=2048,
        multiple_of=4,
    )
    dropout: float | None = param(
        None, "Of attention, or before and behind the LSTM; 0.1 by default, over time 0.5.", ge=0, lt=1
    )


ATTENTION_TRAINING = RecipeInfo(
    id="fusion-attention",
    title="Attention fusions of text, voice and face",
    model="fusion-attention",
    data=(),
    description="Learns the classes of a column of the manifest.csv in --data, or valence and arousal that it traces over time; "
    "its rows name media or .npz files of one's own features (arrays text, audio, video: steps × numbers). Without one, emotion "
    "from faces (FER2013), voices (RAVDESS, EmoDB) and texts (EmoBank) paired by their label, in face, speech and text there.",
    factory="mien_plugins.fusion.recipe",
    params=AttentionTraining,
    search=(
        Search("rate", 1e-6, 1e-3, log=True),
        Search("batch", choices=(10, 20, 30)),
        Search("dropout", 0.1, 0.6),
        Search("size", choices=(64, 128, 256, 512)),
    ),
)


@hookimpl
def mien_register(registry: Any) -> None:
    """Offer the fusions and their trainings."""
    registry.fusion(LATE)
    registry.fusion(MAJORITY)
    for info in ATTENTION:
        registry.fusion(info)
    registry.fusion(OWN)
    registry.recipe(ATTENTION_TRAINING)
    registry.fusion(mml_info.FUSION)
    registry.fusion(mml_info.OWN)
    registry.recipe(mml_info.TRAINING)
    registry.analyzer(khare_info.FILTERBANK)
    for info in (khare_info.KHARE_FUSION, khare_info.BIGRU_FUSION):
        registry.fusion(info)
    for recipe in (khare_info.KHARE_TRAINING, khare_info.BIGRU_TRAINING):
        registry.recipe(recipe)
