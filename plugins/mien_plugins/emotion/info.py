"""What the emotion room offers: valence, arousal and dominance of speech. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pydantic

from mien.sdk import AnalyzerInfo, Audio, Input, Params, Reads, RecipeInfo, Registry, Writes, hookimpl, param
from mien.tracks.quantity import AROUSAL, DOMINANCE, VALENCE

MODEL = "emotion-mtl"
WAV2VEC2 = "wav2vec2-emotion-dim"
"""A larger model that a user may install."""
RATE = 16_000
ATTRIBUTES, EMBEDDING, VOICE = "emotion.attributes", "emotion.embedding", "speech.voice"
DIMENSIONS = "emotion.wav2vec2"
"""The readings of WAV2VEC2. They are a track of their own because fusions turn ATTRIBUTES into a probability of anger by a
calibration that was fitted on MODEL's readings; none is fitted on these, so that fusions do without the voice."""


class EmotionParams(Params):
    """How the sound is cut into windows, and which of them get a reading."""

    window: float = param(6.0, "Sound that one reading is made from", unit="s", ge=2.0, le=10.0)
    hop: float = param(1.0, "Time between readings", unit="s", ge=0.1, le=10.0)
    gate: Literal["voice", "energy"] = param(
        "voice", "Readings only where voice activity found speech, or wherever it is not silent"
    )
    min_speech: float = param(0.2, "Share of a window that must be speech (or not silent)", ge=0.0, le=1.0)
    silence: float = param(-50.0, "Level below which sound is silence", unit="dBFS", ge=-100.0, le=-10.0)
    model: Literal["mtl", "wav2vec2"] = param(
        "mtl",
        "Who reads: the net that comes with Mien, or the larger wav2vec 2.0, once it is installed; its readings go into "
        "no fusion, since no probability of anger is fitted on them",
    )

    @pydantic.model_serializer(mode="wrap")
    def _as_keyed(self, fields: pydantic.SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves a later parameter out while it has its default, so that the keys of earlier runs still hold."""
        values: dict[str, Any] = fields(self)
        if self.model == "mtl":
            values.pop("model", None)
        return values


def _inputs(params: Params) -> tuple[Input, ...]:
    assert isinstance(params, EmotionParams)
    sound = Audio(RATE, window=params.window, hop=params.hop)
    return (sound, Reads(VOICE)) if params.gate == "voice" else (sound,)


def _by(model: str) -> Callable[[Params], bool]:
    """Whether this model is the one that reads."""
    return lambda params: isinstance(params, EmotionParams) and params.model == model


EMOTION = AnalyzerInfo(
    id="emotion",
    title="Emotion attributes",
    version="1.0.0",
    factory="mien_plugins.emotion.analyzer:EmotionAnalyzer",
    params=EmotionParams,
    description="Valence, arousal and dominance of the voice, whatever is said (multi-task net).",
    modality="voice",
    inputs=_inputs,
    outputs=(
        Writes(ATTRIBUTES, "curve", (VALENCE, AROUSAL, DOMINANCE), _by("mtl")),
        Writes(DIMENSIONS, "curve", (VALENCE, AROUSAL, DOMINANCE), _by("wav2vec2")),
        Writes(EMBEDDING, "features"),
    ),
    models=(MODEL,),
    optional_models=(WAV2VEC2,),
)

TRAINING = RecipeInfo(
    id="emotion-mtl",
    title="Emotion attributes of speech",
    model=MODEL,
    data=("speech/manifest.csv",),
    description="Learns valence, arousal and dominance from RAVDESS and EmoDB, speakers kept apart.",
    factory="mien_plugins.emotion.recipe",
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the analyzer and the training of its model."""
    registry.analyzer(EMOTION)
    registry.recipe(TRAINING)
