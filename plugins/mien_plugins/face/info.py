"""What the face room offers: faces over time, and what they show. Imports nothing heavy."""

from __future__ import annotations

from typing import Any, Literal

import pydantic

from mien.sdk import AnalyzerInfo, Crops, Frames, Input, Params, RecipeInfo, Registry, Writes, hookimpl, param
from mien.tracks.quantity import AROUSAL, EXPRESSION_QUANTITIES, VALENCE

MODEL = "face-affect"
OWN, RATED = "face-own", "face-rated"
"""What a user has trained on own pictures: the seven expressions, or valence and arousal as people rated them."""
YUNET = "yunet"
CROP = 96
# MTCNN's squares on FER2013's own pictures are as large as those pictures (median 1.05, 266 of 300 faces
# found), so a face cut out without a margin is framed as the net learnt it.
MARGIN = 0.0


class DetectParams(Params):
    """How faces are searched and followed."""

    rate: float = param(5.0, "Pictures looked at", unit="Hz", ge=0.2, le=60.0)
    detector: Literal["auto", "mtcnn", "yunet"] = param(
        "auto", "Who searches; 'auto' takes YuNet when its weights are installed, else MTCNN"
    )
    search: float = param(
        0.6,
        "The whole picture is searched this often; in between faces are followed",
        unit="s",
        ge=0.0,
        le=10.0,
    )
    size: int = param(640, "Longest side of the pictures searched", unit="px", ge=128, le=4096)
    min_face: float = param(
        0.04, "Smallest face, as a share of the picture's longer side (20 px at least)", ge=0.005, le=1.0
    )
    threshold: float = param(0.9, "What a new face must score", ge=0.3, le=1.0)
    max_faces: int = param(12, "At most so many faces at a time, the largest ones", ge=1, le=100)


class AffectParams(Params):
    """How expressions are read."""

    batch: int = param(64, "Faces read at once", ge=1, le=1024)
    model: Literal["face-affect", "face-own", "face-rated"] = param(
        "face-affect",
        "Who reads: Mien's own nets, or those that you have trained on your pictures: face-own reads expressions, face-rated "
        "valence and arousal",
    )

    @pydantic.model_serializer(mode="wrap")
    def _as_keyed(self, fields: pydantic.SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves a later parameter out while it has its default, so that the keys of earlier runs still hold."""
        values: dict[str, Any] = fields(self)
        if self.model == MODEL:
            values.pop("model", None)
        return values


def _frames(params: Params) -> tuple[Input, ...]:
    assert isinstance(params, DetectParams)
    return (Frames(rate=params.rate, size=params.size),)


DETECT = AnalyzerInfo(
    id="face.detect",
    title="Faces",
    version="1.0.0",
    description=("Finds faces with five landmarks; each person keeps a number while they move, leave and come back."),
    modality="face",
    inputs=_frames,
    outputs=(Writes("face.boxes", "boxes"),),
    optional_models=(YUNET,),
    params=DetectParams,
    factory="mien_plugins.face.analyzer:FaceDetector",
)

AFFECT = AnalyzerInfo(
    id="face.affect",
    title="Facial expression",
    version="1.0.0",
    description=(
        "Seven expressions per face, and the valence and arousal that people associate with them "
        "(Russell & Mehrabian 1977)."
    ),
    modality="face",
    inputs=(Crops(CROP, margin=MARGIN, aligned=True),),
    outputs=(
        Writes("face.expression", "curve", EXPRESSION_QUANTITIES),
        Writes("face.affect", "curve", (VALENCE, AROUSAL)),
        Writes("face.embedding", "features"),
    ),
    models=(MODEL,),
    optional_models=(OWN, RATED),
    params=AffectParams,
    factory="mien_plugins.face.analyzer:FaceAffect",
)


class FaceTraining(Params):
    """Options of the recipe: the net's own, and those of own data (a manifest)."""

    hrnet: Literal["face-w16", "w18", "w32", "w48"] = param(
        "face-w16",
        "Width of the HRNet. face-w16, which ships, is made for small grey faces; the others are the published nets.",
    )
    side: Literal[48, 64, 96, 128, 224] = param(
        48,
        "Side of the faces that it learns and reads; the finest branch of a published net has a quarter of it.",
        unit="px",
    )
    task: Literal["auto", "expressions", "affect"] = param(
        "auto",
        "What is learnt from a manifest: the seven expressions, or valence and arousal as people rated them. By default the "
        "former where there is a column of them.",
    )
    label: str = param("emotion", "The manifest's column of expressions.")
    frames: int = param(8, "Pictures of a face that are learnt from each stretch of a video, at most.", ge=1, le=500)
    start: Literal["shipped", "scratch"] = param(
        "shipped", "On a manifest, from the weights that come with Mien, or from random ones."
    )
    epochs: int | None = param(
        None, "On a manifest, passes over the training part; 20, from scratch 44, by default.", ge=1, le=1000
    )
    batch: int = param(32, "On a manifest, faces of an update.", ge=2, le=4096)


TRAINING = RecipeInfo(
    id="face-affect",
    title="Expressions of the face",
    model=MODEL,
    data=("face/fer2013.npz or manifest.csv or manifest.parquet",),
    description="Learns seven expressions from FER2013, or from the pictures and videos of the manifest.csv in --data where "
    "there is one; of a manifest also valence and arousal (task=affect).",
    factory="mien_plugins.face.recipe",
    params=FaceTraining,
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer both analyzers and the training of the expressions' model."""
    registry.analyzer(DETECT)
    registry.analyzer(AFFECT)
    registry.recipe(TRAINING)
