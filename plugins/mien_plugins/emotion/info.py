"""What the emotion room offers: valence, arousal and dominance of speech. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pydantic

from mien.sdk import AnalyzerInfo, Audio, Input, Params, Reads, RecipeInfo, Registry, Search, Writes, hookimpl, param
from mien.tracks.quantity import AROUSAL, DOMINANCE, VALENCE, probability

MODEL = "emotion-mtl"
WAV2VEC2 = "wav2vec2-emotion-dim"
"""A larger model that a user may install."""
RAW, LFLB = "voice-004", "voice-1dser"
"""Nets on raw samples that a user may train: of Tzirakis et al. (2021), and 1D-SER (Zhao et al. 2019)."""
RATE, RAW_RATE = 16_000, 22_050
ATTRIBUTES, EMBEDDING, VOICE = "emotion.attributes", "emotion.embedding", "speech.voice"
DIMENSIONS = "emotion.wav2vec2"
"""The readings of WAV2VEC2. They are a track of their own because fusions turn ATTRIBUTES into a probability of anger by a
calibration that was fitted on MODEL's readings; none is fitted on these, so that fusions do without the voice."""

SAMPLED, NAMED = "emotion.raw", "emotion.named"
"""The readings of RAW, and the names that LFLB gives."""
CERTAINTY = probability("certainty", low_means="a guess", high_means="sure")


class EmotionParams(Params):
    """How the sound is cut into windows, and which of them get a reading."""

    window: float = param(6.0, "Sound that one reading is made from", unit="s", ge=2.0, le=10.0)
    hop: float = param(1.0, "Time between readings", unit="s", ge=0.1, le=10.0)
    gate: Literal["voice", "energy"] = param(
        "voice", "Readings only where voice activity found speech, or wherever it is not silent"
    )
    min_speech: float = param(0.2, "Share of a window that must be speech (or not silent)", ge=0.0, le=1.0)
    silence: float = param(-50.0, "Level below which sound is silence", unit="dBFS", ge=-100.0, le=-10.0)
    model: Literal["mtl", "wav2vec2", "voice-004", "voice-1dser"] = param(
        "mtl",
        "Who reads: the net that comes with Mien; the larger wav2vec 2.0, once it is installed; or a net on raw samples that "
        "you have trained, voice-004 (valence, arousal) or voice-1dser (the emotion's name). Only the first one's readings go "
        "into a fusion, since a probability of anger is fitted on no other's",
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
    sound = Audio(RAW_RATE if params.model == RAW else RATE, window=params.window, hop=params.hop)
    return (sound, Reads(VOICE)) if params.gate == "voice" else (sound,)


def _by(model: str) -> Callable[[Params], bool]:
    """Whether this model is the one that reads."""
    return lambda params: isinstance(params, EmotionParams) and params.model == model


EMOTION = AnalyzerInfo(
    id="emotion",
    title="Emotion attributes",
    version="1.1.0",
    factory="mien_plugins.emotion.analyzer:EmotionAnalyzer",
    params=EmotionParams,
    description="Valence, arousal and dominance of the voice, whatever is said (multi-task net).",
    modality="voice",
    inputs=_inputs,
    outputs=(
        Writes(ATTRIBUTES, "curve", (VALENCE, AROUSAL, DOMINANCE), _by("mtl")),
        Writes(DIMENSIONS, "curve", (VALENCE, AROUSAL, DOMINANCE), _by("wav2vec2")),
        Writes(SAMPLED, "curve", (VALENCE, AROUSAL), _by(RAW)),
        Writes(NAMED, "spans", (CERTAINTY,), _by(LFLB)),
        Writes(EMBEDDING, "features"),
    ),
    models=(MODEL,),
    optional_models=(WAV2VEC2, RAW, LFLB),
)


class EmotionTraining(Params):
    """Options of the recipe."""

    net: Literal["best", "f1", "f2"] = param(
        "best",
        "The best of several nets, or the multi-task net of Rana & Jha (2022) on one representation, trained as they did: "
        "f1, the mean of a sound's mid-term features, or f2, ten seconds of them side by side.",
    )
    alpha: float | None = param(None, "Weight of the squared error in valence (f1: 0.2, f2: 0.1).", ge=0, le=1)
    beta: float | None = param(None, "Weight of the squared error in arousal (f1 and f2: 0.1).", ge=0, le=1)
    gamma: float | None = param(None, "Weight of the squared error in dominance (f1 and f2: 0.2).", ge=0, le=1)
    rate: float | None = param(None, "Learning rate (f1: 1e-4, f2: 1e-3).", gt=0, le=1)
    batch: int | None = param(None, "Sounds of an update (f1: 32, f2: 128).", ge=2, le=4096)
    l2: float | None = param(None, "Weight of the squared weights (f1: 1e-7, f2: 1e-9).", ge=0, le=1)


TRAINING = RecipeInfo(
    id="emotion-mtl",
    title="Emotion attributes of speech",
    model=MODEL,
    data=("speech/manifest.csv or manifest.csv or manifest.parquet",),
    description="Learns valence, arousal and dominance from RAVDESS and EmoDB, speakers kept apart; with net=f1 or net=f2 from "
    "the manifest.csv in --data where there is one (IEMOCAP).",
    factory="mien_plugins.emotion.recipe",
    params=EmotionTraining,
    search=(  # with --set net=f1 or net=f2, by the error in cross-validation: α, β and γ as the paper's grid has them
        *(Search(name, choices=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6)) for name in ("alpha", "beta", "gamma")),
        Search("rate", 1e-5, 1e-2, log=True),
        Search("batch", choices=(32, 64, 128)),
        Search("l2", 1e-9, 1e-5, log=True),
    ),
)


class RawTraining(Params):
    """Options of the recipe for the raw-audio network; the ranges are those that the paper searched."""

    epochs: int | None = param(None, "Most passes over the training part; 40 by default.", ge=1, le=1000)
    patience: int = param(8, "Passes without a better validation before it stops.", ge=1, le=1000)
    lr: float = param(5e-4, "Learning rate (Adam).", gt=0, le=0.1)
    batch: int = param(20, "Sequences of an update.", ge=2, le=200)
    dropout: float = param(0.5, "Dropout behind the LSTM.", ge=0, lt=1)
    sequence: int = param(100, "Frames of 0.1 s in a sequence.", ge=5, le=2000)
    memory: int = param(256, "Units of the LSTM.", ge=4, le=1024)
    layers: int = param(1, "Layers of the LSTM.", ge=1, le=3)
    steps: Literal["average", "reshape"] = param(
        "average", "How the convolutions' steps become frames: averaged, or reshaped as in the paper's code."
    )


RAW_TRAINING = RecipeInfo(
    id=RAW,
    title="Raw-audio network (Tzirakis et al. 2021)",
    model=RAW,
    data=(),
    description="Learns arousal and valence from the manifest.csv in --data (SEWA, RECOLA: a row a moment), or from the acted "
    "clips of speech/manifest.csv there.",
    factory="mien_plugins.emotion.rawrecipe",
    params=RawTraining,
    search=(
        Search("lr", 1e-6, 1e-3, log=True),
        Search("batch", choices=(10, 20, 30)),
        Search("dropout", 0.1, 0.6),
        Search("sequence", choices=(75, 100, 200)),
        Search("memory", choices=(64, 128, 256, 512)),
        Search("layers", choices=(1, 2, 3)),
    ),
)


class LflbTraining(Params):
    """Options of the recipe for 1D-SER."""

    variant: Literal["plain", "attention"] = param("plain", "With attention, a second LSTM reads what it weighs.")
    epochs: int | None = param(None, "Most passes over the training part; 200 by default.", ge=1, le=1000)
    patience: int = param(8, "Passes without a smaller validation loss before it stops.", ge=1, le=1000)
    lr: float | None = param(None, "Learning rate (SGD, Nesterov); 1e-4, with attention 0.01, by default.", gt=0, le=1)
    batch: int = param(32, "Segments of an update.", ge=2, le=1000)
    segment: float = param(1.0, "Length of a segment; they overlap by half.", unit="s", ge=0.1, le=30)


LFLB_TRAINING = RecipeInfo(
    id=LFLB,
    title="1D-SER: the emotion's name from raw speech",
    model=LFLB,
    data=(),
    description="Learns the seven emotions of EmoDB (speech/manifest.csv in --data), or the label acted or emotion of the "
    "manifest.csv there, speakers kept apart.",
    factory="mien_plugins.emotion.lflbrecipe",
    params=LflbTraining,
    search=(Search("lr", 1e-5, 1e-1, log=True), Search("batch", choices=(16, 32, 64))),
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the analyzer and the training of its model."""
    registry.analyzer(EMOTION)
    registry.recipe(TRAINING)
    registry.recipe(RAW_TRAINING)
    registry.recipe(LFLB_TRAINING)
