"""What the classical room offers: the pipeline of seed 003, to be trained on clips of one's own. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from mien.sdk import AnalyzerInfo, Audio, Frames, Input, Params, Reads, RecipeInfo, Registry, Writes, hookimpl, param
from mien.tracks.quantity import probability

MODEL = "classical-vote"
RATE = 22_050
VOTE = probability("vote", low_means="no majority", high_means="all who vote say so")


class VoteParams(Params):
    """What is read, and by whom."""

    window: float = param(
        4.0, "length of the stretches that are voted on; it learnt from clips of about this", unit="s", ge=1, le=60
    )
    classifier: Literal["best", "svm", "rf", "lr", "adaboost", "knn", "nb", "dt"] = param(
        "best", "who reads; 'best' is the one that was best in the training's cross-validation"
    )
    image: bool = param(True, "whether the picture votes")
    audio: bool = param(True, "whether the sound votes")


def _inputs(params: Params) -> tuple[Input, ...]:
    assert isinstance(params, VoteParams)
    inputs: list[Input] = [Reads("speech.transcript", optional=True)]
    if params.audio:
        inputs.append(Audio(RATE, window=params.window))
    if params.image:
        inputs.append(Frames(rate=2.0, size=200))
    return tuple(inputs)


ANALYZER = AnalyzerInfo(
    id="classical.vote",
    title="Classical classifiers, hard majority vote",
    version="1.0.0",
    description="Picture, sound and words of each stretch are classified apart, and the majority decides.",
    modality="vote",
    inputs=_inputs,
    outputs=(Writes("classical.vote", "spans", (VOTE,)),),
    models=(MODEL,),
    trained_by=f"mien train {MODEL}",
    params=VoteParams,
    devices=("cpu",),
    default=False,
    factory="mien_plugins.classical.analyzer:VoteAnalyzer",
)


class VoteTraining(Params):
    """Options of the recipe."""

    label: str = param("hate", "label of two classes; the second one is looked for")
    rate: float = param(2.0, "pictures of each clip", unit="Hz", ge=0.1, le=60)
    selection: Literal["rfe", "mrmr", "none"] = param("rfe", "how features are selected")
    image: int = param(100, "features of the picture that are kept", ge=1, le=2500)
    audio: int = param(29, "features of the sound that are kept", ge=1, le=33)
    text: int = param(300, "features of the words that are kept", ge=1, le=10_000)
    counting: Literal["counts", "tfidf", "both"] = param("both", "how words are counted")
    folds: int = param(5, "of the cross-validation", ge=2, le=20)


TRAINING = RecipeInfo(
    id=MODEL,
    title="Classical classifiers of picture, sound and words, hard majority vote",
    model=MODEL,
    data=("manifest.csv or manifest.parquet",),
    description="Seven classifiers learn from clips of two classes in a manifest (mien manifest hate-clips FOLDER).",
    factory="mien_plugins.classical.recipe",
    params=VoteTraining,
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the vote and its training."""
    registry.analyzer(ANALYZER)
    registry.recipe(TRAINING)
