"""Sizes of a training: the full one, the quick one, and any other that is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from mien_plugins.emotion.augment import Augment
from mien_plugins.emotion.corpus import TEST_SPEAKERS
from mien_plugins.emotion.info import EmotionParams
from mien_plugins.emotion.joint import JointConfig
from mien_plugins.emotion.net import NetConfig
from mien_plugins.emotion.protocol import Contender
from mien_plugins.emotion.spectral import SpectralConfig
from mien_plugins.emotion.training import FitConfig

PAPER = FitConfig(epochs=10)
END_TO_END = FitConfig(
    epochs=54,
    batch=32,
    rate=1.5e-3,
    decay=1e-2,
    weights=(0.2, 0.2, 0.2),
    names=0.7,
    every=False,
    windows=0.04,
    clean=0.7,
    average=0.995,
    half=True,
    augment=Augment(),
)
F1 = FitConfig(30, 32, 1e-4, 1e-7, "paper", (0.2, 0.1, 0.2), average=0.0, falls=0.99)
F2 = FitConfig(18, 128, 1e-3, 1e-9, "paper", (0.1, 0.1, 0.2), average=0.0, falls=0.96)
"""Epochs, batch, rate, L2, loss with (α, β, γ) and decay of the rate as the paper tuned them for each representation."""
JOINT = JointConfig(
    (
        SpectralConfig(view="level", colour=0, dropout=0.3, branch=60),
        SpectralConfig(view="bands", dropout=0.3, branch=60),
        NetConfig("f1", branch=50),
    ),
    weights=(0.4, 0.35, 0.25),
)


@dataclass(frozen=True)
class Plan:
    """What is compared, and on how many sounds.

    contenders: the nets; baseline: eGeMAPS + SVR beside them; across: also trained on each corpus alone. copies: of
    each clip in other rooms; disturbed, clean: windows per speaker, emotion and intensity; calibrated: those that the
    probability of anger is fitted on, as many as recorded and disturbed; measured: those of the speakers set aside, judged:
    those that anger is measured on. lengths: shortest and longest window in s; window: length that is measured, and the
    analyzer's default. repeats: of the bootstrap. speakers: only these are trained on; tested: those set aside; takes: only
    so many clips of each speaker, emotion and intensity (None: all).
    """

    contenders: tuple[Contender, ...] = (
        Contender(NetConfig("f1"), PAPER),
        Contender(NetConfig("f2"), PAPER),
        Contender(JOINT, END_TO_END),
    )
    baseline: bool = True
    across: bool = True
    folds: int = 4
    copies: int = 3
    disturbed: int = 2
    clean: int = 2
    calibrated: int = 6
    measured: int = 6
    judged: int = 24
    lengths: tuple[float, float] = (3.0, 10.0)
    window: float = field(default=EmotionParams().window)
    repeats: int = 1000
    speakers: tuple[str, ...] | None = None
    tested: tuple[str, ...] = TEST_SPEAKERS
    takes: int | None = None


QUICK = Plan(
    contenders=(
        Contender(NetConfig("f1"), FitConfig(epochs=6)),
        Contender(JOINT, replace(END_TO_END, epochs=10)),
    ),
    baseline=False,
    across=False,
    folds=2,
    copies=2,
    disturbed=2,
    clean=1,
    calibrated=2,
    repeats=200,
)
"""Half an hour at most on two cores, all speakers."""


def paper_plan(
    representation: Literal["f1", "f2"],
    quick: bool = False,
    weights: tuple[float | None, float | None, float | None] = (None, None, None),
    **others: float,
) -> Plan:
    """The paper's own net on one representation, trained as the paper did; weights: α, β, γ where they are not the paper's;
    others: fields of `FitConfig` likewise."""
    tuned = F1 if representation == "f1" else F2
    chosen = tuple(own if given is None else given for given, own in zip(weights, tuned.weights, strict=True))
    tuned = replace(tuned, weights=(chosen[0], chosen[1], chosen[2]), **others)  # type: ignore[arg-type]
    base = QUICK if quick else Plan()
    tuned = replace(tuned, epochs=max(1, tuned.epochs // 3)) if quick else tuned
    return replace(base, contenders=(Contender(NetConfig(representation), tuned),), baseline=False, across=False)
