"""What the MML fusion and its training offer. Imports nothing heavy."""

from __future__ import annotations

from typing import Final

from mien.sdk import FusionInfo, FusionParams, Params, RecipeInfo, param

MODEL: Final = "fusion-mml"
ENCODERS: Final = ("text-offence", "emotion-mtl")
"""The models whose embeddings it reads."""
TRACKS: Final = {"text": "text.embedding", "voice": "emotion.embedding"}
"""Modality → the track of its embeddings."""
UTTERANCES: Final = "text.offence"
"""Spans that say how long each utterance lasts: its embedding stands at its middle, and the host lays it over them."""


class MmlParams(FusionParams):
    """The grid, and how the score becomes verdicts; the paper's threshold is 0.7."""


FUSION = FusionInfo(
    id="fusion.mml",
    title="MML: dense layers over text and voice embeddings (experimental)",
    version="1.0.0",
    description="Reads hostility from the embeddings of what is said and how it is said (Rana & Jha 2022). Experimental: it was "
    "trained on texts and voices of different corpora, paired by the assumption that heated delivery raises hostility and "
    "calm delivery lowers it.",
    factory="mien_plugins.fusion.mml:MmlFusion",
    params=MmlParams,
    accepts=(*TRACKS.values(), UTTERANCES),
    models=(MODEL, *ENCODERS),
    trained_by=f"mien train {MODEL}",
)


class MmlTraining(Params):
    """Options of the recipe."""

    moddrop: bool = param(True, "Train for an absent modality: to each pair, copies with one modality silenced")
    neighbours: int = param(
        0,
        "Impute an absent modality by the mean of so many nearest training pairs (5, 10, 100); 0: zeros",
        ge=0,
        le=1000,
    )


TRAINING = RecipeInfo(
    id=MODEL,
    title="MML: text and voice embeddings fused",
    model=MODEL,
    data=("text/olid", "text/hatexplain", "speech/manifest.csv"),
    description="Learns hostility from texts of OLID and HateXplain paired with voices of RAVDESS and EmoDB by an assumption "
    "that its card states; the text and voice models that come with Mien stay as they are.",
    factory="mien_plugins.fusion.mml_recipe",
    params=MmlTraining,
)
