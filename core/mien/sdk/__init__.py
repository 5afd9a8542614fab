"""All that a plugin author imports. Descriptors and hooks come at once and are light; the rest comes on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mien.sdk.descriptors import (
    API,
    AnalyzerInfo,
    CorpusInfo,
    ExporterInfo,
    FusionInfo,
    RecipeInfo,
    Search,
    TableInfo,
    Writes,
)
from mien.sdk.fusion import FusionParams
from mien.sdk.hooks import Hooks, Registry, hookimpl, hookspec
from mien.sdk.inputs import Audio, Crops, Frames, Input, Reads, Utterances
from mien.sdk.media import Cue, MediaInfo
from mien.sdk.params import NoParams, Params, param

if TYPE_CHECKING:
    from mien.sdk.blocks import AudioChunk, Block, CropBatch, FrameBatch, Utterance, Windows
    from mien.sdk.protocols import (
        Aligned,
        Analysis,
        Analyzer,
        Context,
        Explains,
        ExplainsFaces,
        ExplainsReadings,
        Explanation,
        Exporter,
        FaceExplanation,
        Fused,
        FusedCurve,
        Fusion,
    )

__all__ = [
    "API",
    "Aligned",
    "Analysis",
    "Analyzer",
    "AnalyzerInfo",
    "Audio",
    "AudioChunk",
    "Block",
    "Context",
    "CorpusInfo",
    "CropBatch",
    "Crops",
    "Cue",
    "Explains",
    "ExplainsFaces",
    "ExplainsReadings",
    "Explanation",
    "Exporter",
    "ExporterInfo",
    "FaceExplanation",
    "FrameBatch",
    "Frames",
    "Fused",
    "FusedCurve",
    "Fusion",
    "FusionInfo",
    "FusionParams",
    "Hooks",
    "Input",
    "MediaInfo",
    "NoParams",
    "Params",
    "Reads",
    "RecipeInfo",
    "Registry",
    "Search",
    "TableInfo",
    "Utterance",
    "Utterances",
    "Windows",
    "Writes",
    "hookimpl",
    "hookspec",
    "param",
]

_LATER = {
    **dict.fromkeys(("AudioChunk", "Block", "CropBatch", "FrameBatch", "Utterance", "Windows"), "mien.sdk.blocks"),
    **dict.fromkeys(
        (
            "Aligned",
            "Analysis",
            "Analyzer",
            "Context",
            "Explains",
            "ExplainsFaces",
            "ExplainsReadings",
            "Explanation",
            "Exporter",
            "FaceExplanation",
            "Fused",
            "FusedCurve",
            "Fusion",
        ),
        "mien.sdk.protocols",
    ),
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
