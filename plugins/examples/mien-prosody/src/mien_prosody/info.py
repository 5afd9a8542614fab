"""What Mien knows of the analyzer and the fusion before they run."""

from __future__ import annotations

from mien.sdk import (
    AnalyzerInfo,
    Audio,
    FusionInfo,
    FusionParams,
    Input,
    Params,
    Reads,
    Registry,
    Writes,
    hookimpl,
    param,
)
from mien.tracks import Quantity

RATE = 16_000
"""Hz of the sound that pitch is read from."""
PITCH = Quantity("pitch", "Hz", 40.0, 800.0, "low", "high")
SPEED = Quantity("rate", "words/s", 0.0, 20.0, "slow", "fast")
AGITATION = Quantity("agitation", "", 0.0, 1.0, "calm", "agitated")


class ProsodyParams(Params):
    """Of the analyzer."""

    lowest: float = param(75.0, "lowest pitch that is looked for", unit="Hz", ge=50, le=200)
    highest: float = param(500.0, "highest pitch that is looked for", unit="Hz", ge=250, le=800)
    hop: float = param(0.02, "from one reading of the pitch to the next", unit="s", ge=0.005, le=1)
    voicing: float = param(0.5, "least autocorrelation of a window that has a pitch", ge=0.1, le=0.95)
    quietest: float = param(-50.0, "quieter windows have no pitch", unit="dB", ge=-100, le=0)
    span: float = param(5.0, "words are counted over this long", unit="s", ge=1, le=60)


class AgitationParams(FusionParams):
    """Of the fusion: where speed and pitch count nothing and all, and what each modality weighs."""

    slow: float = param(2.0, "rate that counts nothing", unit="words/s", ge=0, le=4)
    fast: float = param(6.0, "rate that counts all", unit="words/s", ge=4.5, le=20)
    low: float = param(120.0, "pitch that counts nothing", unit="Hz", ge=40, le=200)
    high: float = param(350.0, "pitch that counts all", unit="Hz", ge=210, le=800)
    rate_weight: float = param(1.0, "weight of the speaking rate", ge=0.01, le=1)
    pitch_weight: float = param(0.5, "weight of the pitch", ge=0.01, le=1)
    conflict_weight: float = param(1.0, "weight of conflict", ge=0.01, le=1)


def inputs(params: Params) -> tuple[Input, ...]:
    """Windows of three periods of the lowest pitch, and words where another plugin hears them."""
    assert isinstance(params, ProsodyParams)
    return (Audio(RATE, window=3 / params.lowest, hop=params.hop), Reads("speech.words", optional=True))


PROSODY = AnalyzerInfo(
    id="prosody",
    title="Pitch and speaking rate",
    version="1.0.0",
    factory="mien_prosody.analyzer:Prosody",
    params=ProsodyParams,
    description="How high (autocorrelation) and how fast (words of the transcript) one speaks.",
    modality="prosody",
    inputs=inputs,
    outputs=(Writes("prosody.pitch", "curve", (PITCH,)), Writes("prosody.rate", "curve", (SPEED,))),
    devices=("cpu",),
    default=False,
)

FUSION = FusionInfo(
    id="fusion.agitation",
    title="Agitation",
    version="1.0.0",
    factory="mien_prosody.fusion:Agitation",
    params=AgitationParams,
    description="Weighted mean of how fast and how high one speaks, and of conflict. Set by hand, not calibrated.",
    accepts=("prosody.rate", "prosody.pitch", "conflict.intensity"),
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer both."""
    registry.analyzer(PROSODY)
    registry.fusion(FUSION)
