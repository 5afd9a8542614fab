"""What the MML fusion and its training offer. Imports nothing heavy."""

from __future__ import annotations

from typing import Final

from mien.sdk import FusionInfo, FusionParams, Params, RecipeInfo, Search, param

MODEL: Final = "fusion-mml"
OWN_MODEL: Final = "fusion-own-mml"
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
    version="1.1.0",
    description="Reads the probability of hostility from the embeddings of what is said and how it is said (Rana & Jha 2022), "
    "calibrated for what is there. Experimental: it was trained on texts and voices of different corpora, paired by the "
    "assumption that heated delivery raises hostility and calm delivery lowers it.",
    factory="mien_plugins.fusion.mml:MmlFusion",
    params=MmlParams,
    accepts=(*TRACKS.values(), UTTERANCES),
    models=(MODEL, *ENCODERS),
    trained_by=f"mien train {MODEL}",
)


OWN = FusionInfo(
    id="fusion.own-mml",
    title="MML of your own",
    version="1.0.0",
    description="The same net as it was trained on clips of your own, whose texts and voices belong together: the probability of "
    "the second class of their column.",
    factory="mien_plugins.fusion.mml:OwnMmlFusion",
    params=MmlParams,
    accepts=FUSION.accepts,
    models=(OWN_MODEL, *ENCODERS),
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
    label: str = param("hate", "A manifest's column of two classes, of which the second is looked for")
    batch: int = param(0, "Pairs (clips) of an update; 0: 64", ge=0, le=4096)
    rate: float = param(0.0, "Learning rate (Adam); 0: 1e-4", ge=0, le=1)
    dropout: float | None = param(None, "Between the dense layers; 0.3 by default", ge=0, lt=1)
    l2: float | None = param(None, "Weight of the squared weights; 1e-4 by default", ge=0, le=1)
    recalibrate: bool = param(False, "Train nothing: fit the calibration of the model in --out anew, and measure it.")


TRAINING = RecipeInfo(
    id=MODEL,
    title="MML: text and voice embeddings fused",
    model=MODEL,
    data=(),
    description="Learns a column of two classes from the manifest.csv in --data, whose rows name clips (with what is said) or "
    ".npz files of embeddings (arrays text, audio); where there is none, hostility from texts of OLID and HateXplain (text/olid, "
    "text/hatexplain) paired with voices of RAVDESS and EmoDB (speech/manifest.csv) by an assumption that its card states. The "
    "text and voice models that come with Mien stay as they are.",
    factory="mien_plugins.fusion.mml_recipe",
    params=MmlTraining,
    search=(
        Search("rate", 1e-5, 1e-2, log=True),
        Search("batch", choices=(16, 32, 64, 128)),
        Search("dropout", 0.1, 0.6),
        Search("l2", 1e-9, 1e-3, log=True),
    ),
)
