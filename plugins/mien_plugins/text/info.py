"""What Mien knows of the text modality before its code is loaded. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pydantic

from mien.sdk import AnalyzerInfo, Params, Reads, RecipeInfo, Registry, Writes, hookimpl, param
from mien.tracks.quantity import AROUSAL, DOMINANCE, VALENCE, Quantity, probability

OFFENCE = probability("offence", low_means="inoffensive", high_means="offensive")
HATE = probability("hate", low_means="no hate", high_means="hate")
EVIDENCE = Quantity("evidence", "", -1.0, 1.0, "speaks against offence", "speaks for offence")

ROBERTA, ROBERTA_HATE = "roberta-offensive", "roberta-hate"
"""Larger classifiers of offence and of hate, which a user may install."""


class TextParams(Params):
    """Parameters of the text analyzer."""

    offence_by: Literal["minilm", "roberta"] = param(
        "minilm",
        "Who reads P(offence): the model that comes with Mien, or the larger RoBERTa, once it is installed; "
        "attributes, embedding and the words' shares are always the former's.",
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
    batch_tokens: int = param(
        4096, "Tokens that one call of the net reads, padding included.", unit="tokens", ge=128, le=262_144
    )

    @pydantic.model_serializer(mode="wrap")
    def _as_keyed(self, fields: pydantic.SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leaves a later parameter out while it has its default, so that the keys of earlier runs still hold."""
        values: dict[str, Any] = fields(self)
        if self.hate_by == "minilm":
            values.pop("hate_by", None)
        return values


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
        Writes("text.attributes", "curve", (VALENCE, AROUSAL, DOMINANCE)),
        Writes("text.embedding", "features"),
    ),
    params=TextParams,
    models=("text-offence",),
    optional_models=(ROBERTA, ROBERTA_HATE),
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


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the text modality and the training of its model."""
    registry.analyzer(INFO)
    registry.recipe(TRAINING)
