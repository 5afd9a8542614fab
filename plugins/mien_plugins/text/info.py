"""What Mien knows of the text modality before its code is loaded. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pydantic

from mien.sdk import AnalyzerInfo, Params, Reads, RecipeInfo, Registry, Search, Writes, hookimpl, param
from mien.tracks.quantity import AROUSAL, DOMINANCE, VALENCE, Quantity, probability

OFFENCE = probability("offence", low_means="inoffensive", high_means="offensive")
HATE = probability("hate", low_means="no hate", high_means="hate")
EVIDENCE = Quantity("evidence", "", -1.0, 1.0, "speaks against offence", "speaks for offence")

ROBERTA, ROBERTA_HATE = "roberta-offensive", "roberta-hate"
"""Larger classifiers of offence and of hate, which a user may install."""
TURNS = "text-004"
"""The network of turns of Tzirakis et al. (2021), which a user may train."""
ATTENTION = Quantity("attention", "", 0.0, 1.0, "not looked at", "all of the attention")


class TextParams(Params):
    """Parameters of the text analyzer."""

    offence_by: Literal["minilm", "roberta", "text-004"] = param(
        "minilm",
        "Who reads P(offence): the model that comes with Mien, the larger RoBERTa, once it is installed, or a network of "
        "turns that you have trained for it, which also says what words it looked at; the embedding is always the first's.",
    )
    attributes_by: Literal["minilm", "text-004"] = param(
        "minilm",
        "Who reads valence, arousal and dominance: the model that comes with Mien, or a network of turns that you have "
        "trained (mien train text-004).",
    )
    hate_by: Literal["minilm", "roberta"] = param(
        "minilm",
        "Who reads P(hate): the model that comes with Mien, which tells hate from offence, or the larger RoBERTa, "
        "once it is installed, which tells hate from all else.",
    )

    cleaning: Literal["transcript", "tweet"] = param(
        "transcript",
        "Cleaning: transcript keeps punctuation, tweet only ! and ?; both drop handles and links.",
    )
    max_tokens: int = param(
        128, "Longest piece that is read at once, special tokens included.", unit="tokens", ge=8, le=128
    )
    long_utterances: Literal["windows", "truncate"] = param(
        "windows",
        "Longer utterances: read in overlapping windows, of which the most offensive counts, or cut off.",
    )
    pooling: Literal["mean", "cls"] = param("mean", "The embedding: the mean over tokens, or the [CLS] token.")
    threshold: float | None = param(
        None,
        "P(offence) from which an utterance is labelled offensive; empty: the model's own, from its card "
        "(RoBERTa's is 0.5).",
        ge=0.0,
        le=1.0,
    )
    attribution: Literal["integrated_gradients", "gradient", "occlusion", "off"] = param(
        "integrated_gradients", "How the words that carried the offence are found."
    )
    attribute_above: float = param(
        0.3, "Words are attributed only in utterances whose P(offence) is at least this.", ge=0.0, le=1.0
    )
    # No larger: a recogniser that was held up hands over hundreds of utterances at once, and 4096 tokens take 130 MiB that
    # the process keeps; on a processor they are no faster.
    batch_tokens: int = param(
        512, "Tokens that one call of the net reads, padding included.", unit="tokens", ge=128, le=262_144
    )

    @pydantic.model_serializer(mode="wrap")
    def _as_keyed(self, fields: pydantic.SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves a later parameter out while it has its default, so that the keys of earlier runs still hold."""
        values: dict[str, Any] = fields(self)
        for later in ("hate_by", "attributes_by"):
            if values.get(later) == "minilm":
                values.pop(later)
        return values


def _by_turns(params: Params) -> bool:
    """Whether the network of turns takes part: what it looks at is a track of its own then."""
    return isinstance(params, TextParams) and TURNS in (params.offence_by, params.attributes_by)


INFO = AnalyzerInfo(
    id="text",
    title="Offence and hate in what is said",
    version="1.0.0",
    modality="text",
    description="Reads the transcript: calibrated probabilities of offence and hate per utterance, the words "
    "that carried them, valence, arousal and dominance of the wording, and an embedding for fusion.",
    inputs=(Reads("speech.transcript"), Reads("speech.words", optional=True)),
    outputs=(
        Writes("text.offence", "spans", (OFFENCE,)),
        Writes("text.hate", "spans", (HATE,)),
        Writes("text.words", "spans", (EVIDENCE,)),
        Writes("text.attention", "spans", (ATTENTION,), _by_turns),
        Writes("text.attributes", "curve", (VALENCE, AROUSAL, DOMINANCE)),
        Writes("text.embedding", "features"),
    ),
    params=TextParams,
    models=("text-offence",),
    optional_models=(ROBERTA, ROBERTA_HATE, TURNS),
    factory="mien_plugins.text.analyzer:TextAnalyzer",
)


class TextTraining(Params):
    """Options of the recipe."""

    encoder: Path | None = param(None, "Folder of all-MiniLM-L6-v2, by default the installed package.")


TRAINING = RecipeInfo(
    id="text-offence",
    title="Offence, hate and attributes of text",
    model="text-offence",
    data=("text/olid", "text/hatexplain", "text/emobank", "text/davidson"),
    description="Fine-tunes all-MiniLM-L6-v2 with a head each for OLID, HateXplain and EmoBank.",
    factory="mien_plugins.text.recipe",
    params=TextTraining,
)


class TurnTraining(Params):
    """Options of the recipe for the network of turns; the ranges are those that the paper searched."""

    task: Literal["attributes", "offence"] = param(
        "attributes", "What is learnt: valence, arousal and dominance (and liking where a manifest has it), or offence."
    )
    epochs: int | None = param(None, "Most passes over the training part; 40 by default.", ge=1, le=1000)
    patience: int = param(8, "Passes without a better validation before it stops.", ge=1, le=1000)
    lr: float = param(5e-4, "Learning rate (Adam).", gt=0, le=0.1)
    batch: int | None = param(
        None, "Sequences of an update; 20 by default, 200 where each is a single text.", ge=2, le=2000
    )
    dropout: float = param(0.5, "Dropout behind the LSTM over frames.", ge=0, lt=1)
    sequence: int = param(100, "Frames of 0.1 s in a sequence.", ge=5, le=2000)
    memory: int = param(256, "Units of the LSTM over frames.", ge=4, le=1024)
    layers: int = param(1, "Layers of the LSTM over frames.", ge=1, le=3)
    highway: int = param(
        1, "Highway layers: one with tanh as in the paper, or two with ReLU as in its code.", ge=1, le=2
    )
    padding: Literal["masked", "read"] = param(
        "masked", "Whether selectors look at padding too, as in the paper's code."
    )
    encoder: Path | None = param(None, "Folder of the text model whose word vectors are read, by default that of Mien.")
    vectors: Path | None = param(None, "File of word vectors instead, one line a word (fastText's .vec).")


TURN_TRAINING = RecipeInfo(
    id=TURNS,
    title="Text network of turns (Tzirakis et al. 2021)",
    model=TURNS,
    data=(),
    description="Learns from text/emobank or text/olid in --data, or from the manifest.csv there: rows with text, or one row a "
    "moment with the words of the turn then spoken.",
    factory="mien_plugins.text.turnrecipe",
    params=TurnTraining,
    search=(
        Search("lr", 1e-6, 1e-3, log=True),
        Search("batch", choices=(10, 20, 30)),
        Search("dropout", 0.1, 0.6),
        Search("sequence", choices=(75, 100, 200)),
        Search("memory", choices=(64, 128, 256, 512)),
        Search("layers", choices=(1, 2, 3)),
    ),
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the text modality and the training of its model."""
    registry.analyzer(INFO)
    registry.recipe(TRAINING)
    registry.recipe(TURN_TRAINING)
