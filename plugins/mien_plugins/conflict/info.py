"""What the conflict room offers. Imports nothing heavy."""

from __future__ import annotations

from typing import Literal

from mien.sdk import AnalyzerInfo, Audio, Input, Params, Reads, RecipeInfo, Registry, Writes, hookimpl, param
from mien.tracks.quantity import CONFLICT, HOSTILITY

RATE = 8_000
WINDOW = 30.0
RATED = "conflictnet-rated"
"""Id of a model that a user has trained on rated conversations."""
HOSTILE = "conflict.hostility"
"""How probable high intensity is, by that model's own calibration: fusions would else read it by that of the net that ships."""


class ConflictParams(Params):
    """How often, and where, the intensity of conflict is read."""

    hop: float = param(3.0, "spacing of the readings; each looks at 30 s around it", unit="s", ge=0.5, le=30)
    min_speech: float = param(1.0, "no reading where the 30 s hold less speech than this", unit="s", ge=0, le=30)
    batch: int = param(4, "windows that one call of the net reads", ge=1, le=64)
    model: Literal["simulated", "rated"] = param(
        "simulated", "the net that ships, or yours of rated conversations (mien train conflictnet-rated)"
    )


def _inputs(params: Params) -> tuple[Input, ...]:
    assert isinstance(params, ConflictParams)
    return (Audio(RATE, mono=True, window=WINDOW, hop=params.hop), Reads("speech.voice"))


def _rated(params: Params) -> bool:
    return isinstance(params, ConflictParams) and params.model == "rated"


INFO = AnalyzerInfo(
    id="conflict",
    title="Intensity of conflict",
    version="1.0.0",
    modality="conflict",
    description="How heated the exchange is, from 30 s of sound around each point (ConflictNET). Trained on "
    "simulated conversations: overlapping speech, interruptions and raised voices raise it.",
    inputs=_inputs,
    outputs=(
        Writes("conflict.intensity", "curve", (CONFLICT,)),
        Writes(HOSTILE, "curve", (HOSTILITY,), _rated),
    ),
    params=ConflictParams,
    models=("conflictnet",),
    optional_models=(RATED,),
    factory="mien_plugins.conflict.analyzer:ConflictAnalyzer",
)


VARIANT = (
    "The net of the thesis, or one of its ablations: paranet has neither average pooling nor attention, ap only the one, "
    "attn only the other, gap both and the mean over time."
)


class ConflictTraining(Params):
    """Options of the recipe."""

    schedule: Literal["one-cycle", "thesis"] = param(
        "one-cycle", "Learning rates: one cycle, or 0.01 / (1 + 0.6 n) at update n as in the thesis."
    )
    variant: Literal["conflictnet", "paranet", "ap", "attn", "gap"] = param("conflictnet", VARIANT)


TRAINING = RecipeInfo(
    id="conflictnet",
    title="Intensity of conflict (ConflictNET)",
    model="conflictnet",
    data=("speech/manifest.csv",),
    description="Learns from conversations simulated from the takes of RAVDESS; speakers are kept apart.",
    factory="mien_plugins.conflict.recipe",
    params=ConflictTraining,
)


class RatedTraining(Params):
    """Options of the recipe for rated conversations."""

    start: Literal["simulated", "scratch"] = param(
        "simulated", "From the weights that ship, or from random ones as in the thesis."
    )
    variant: Literal["conflictnet", "paranet", "ap", "attn", "gap"] = param(
        "conflictnet", VARIANT + " Ablations begin from random weights (start=scratch)."
    )


RATED_TRAINING = RecipeInfo(
    id=RATED,
    title="Intensity of conflict, as people rated it (ConflictNET)",
    model=RATED,
    data=(),
    description="Learns from SSPNet Conflict (on request), Glasgow Disagreement or a manifest, whichever lies in --data.",
    factory="mien_plugins.conflict.rated",
    params=RatedTraining,
)


@hookimpl
def mien_register(registry: Registry) -> None:
    """Offer the conflict modality and the trainings of its models."""
    registry.analyzer(INFO)
    registry.recipe(TRAINING)
    registry.recipe(RATED_TRAINING)
