"""The classes that a plugin writes: Analyzer, Fusion, Exporter, and the Context that the host gives them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from mien.sdk.blocks import Block, CropBatch, Picture, Windows
from mien.sdk.correction import Correction
from mien.sdk.media import MediaInfo
from mien.sdk.params import Params
from mien.tracks.quantity import HOSTILITY, Quantity
from mien.tracks.track import AnyTrack, FloatArray, Spans, TimeArray


class Context(Protocol):
    """What the host gives a plugin at `prepare`."""

    @property
    def device(self) -> str:
        """`cpu`, `cuda:0`, `mps` – as torch spells it."""

    @property
    def precision(self) -> str:
        """`float32`, `bfloat16` or `float16`."""

    @property
    def threads(self) -> int:
        """How many threads the plugin may keep busy."""

    @property
    def log(self) -> logging.Logger:
        """For what a developer wants to know."""

    @property
    def rng(self) -> np.random.Generator:
        """Seeded from the run's key: the same run draws the same numbers."""

    @property
    def cancelled(self) -> bool:
        """Whether the user stopped the run."""

    def check_cancelled(self) -> None:
        """Raise `mien.errors.Cancelled` if the user stopped the run; call it in long loops."""

    def progress(self, fraction: float) -> None:
        """Say how far it is, from 0 to 1: in a long `finish`, or all the time where `process` only takes what is worked on later.

        Until the first word the host goes by what was handed to `process`; a `finish` that is the first to tell begins at 0.
        What is told never goes back.
        """

    def note(self, text: str) -> None:
        """Record one sentence with the run, for the user to read (which backend spoke, what was cut short)."""

    def model(self, model_id: str) -> Path:
        """Folder of a model that the descriptor names; raises `mien.errors.ModelError`."""

    def optional_model(self, model_id: str) -> Path | None:
        """Folder of an optional model, or None when it is not installed."""


class Analyzer(Protocol):
    """A modality. One object per run: cheap to construct → `prepare` → `process`* → `finish` → `close`."""

    def prepare(self, media: MediaInfo, params: Params, ctx: Context) -> None:
        """Load weights here; parameters are frozen from now on."""

    def process(self, block: Block) -> Iterable[AnyTrack]:
        """Read a block; answer with pieces of tracks as soon as they are known."""

    def finish(self) -> Iterable[AnyTrack]:
        """Nothing more will come: answer with the rest."""

    def close(self) -> None:
        """Free everything; called exactly once, also after an error."""


@dataclass(frozen=True)
class Explanation:
    """Why an analyzer read what it read in one window of sound.

    Args:
        parts: stretches of the window; score = how much each raised (above 0) or lowered the reading, NaN where it was
            not selected.
        reading: what the analyzer reads from the whole window.
        intercept: what the explaining model says with every part removed.
        fit: weighted R² of the explaining model, 1 when it tells the whole story.
        unit: of the parts' scores and the intercept.
        of: name of the reading that is explained, where the analyzer has several.
    """

    parts: Spans
    reading: float
    intercept: float
    fit: float
    unit: str = ""
    of: str = ""


class Explains(Protocol):
    """What an analyzer may have besides `Analyzer`: an explanation on request, outside of any run.

    `ctx.progress` may tell how far it is; call `ctx.check_cancelled` in long loops.
    """

    def explain(self, window: Windows, params: Params, ctx: Context) -> Explanation:
        """Explain one window, conditioned as the analyzer's `Audio` input says; `prepare` was not called."""


class ExplainsReadings(Protocol):
    """As `Explains`, for an analyzer that makes several readings of one window."""

    @property
    def explains(self) -> tuple[str, ...]:
        """Names of the readings that it can explain, the one that is asked for most first."""

    def explain(self, window: Windows, params: Params, ctx: Context, of: str) -> Explanation:
        """Explain one of them, for one window."""


@dataclass(frozen=True)
class FaceExplanation:
    """Which part of a face an analyzer looked at.

    Args:
        time: of the picture, s.
        person: identity over time, −1 for a face that belongs to no track.
        box: (4,) left, top, width, height in pixels of the full upright picture.
        crop: (H, W, 3) uint8 RGB, the square that was read, in any resolution.
        heat: (h, w) float32 over that square: the share of the attention that each cell had; sums to 1.
        labels, posterior: K names and (K,) probabilities of what was read from the face.
    """

    time: float
    person: int
    box: FloatArray
    crop: Picture
    heat: FloatArray
    labels: tuple[str, ...] = ()
    posterior: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))


class ExplainsFaces(Protocol):
    """What an analyzer of `Crops` may have besides `Analyzer`."""

    def explain_face(self, faces: CropBatch, params: Params, ctx: Context) -> FaceExplanation:
        """Explain one face, conditioned as the analyzer's `Crops` input says; `prepare` was not called."""


@dataclass(frozen=True)
class Aligned:
    """Tracks of several modalities on one time grid.

    Args:
        times: (T,) s, evenly spaced by `hop`.
        hop: s.
        values: track name → (T, C) float32, zeros where the mask is False.
        channels: track name → names of its C channels.
        mask: track name → (T,) bool, True where the modality has a reading.
        modality: track name → the modality that wrote it (`text`, `voice`, …).
    """

    times: TimeArray
    hop: float
    values: Mapping[str, FloatArray]
    channels: Mapping[str, tuple[str, ...]]
    mask: Mapping[str, npt.NDArray[np.bool_]]
    modality: Mapping[str, str]


@dataclass(frozen=True)
class FusedCurve:
    """What a fusion reads besides its score, on the same grid.

    Args:
        name: one word in lower case; the host stores it as the track `fusion.<name>`.
        values: (T, C) within the quantities' extents; rows where the score is NaN are left out.
        quantities: one per channel.
    """

    name: str
    values: FloatArray
    quantities: tuple[Quantity, ...]


@dataclass(frozen=True)
class Fused:
    """A fused reading.

    Args:
        score: (T,) in the extent of `quantity`; NaN where no modality has a reading.
        weights: (T, M) how much each modality counted; each row sums to 1, or to 0 where score is NaN.
        modalities: M names.
        contributions: (T, M) what each modality said on the score's scale, NaN where absent.
        quantity: what the score measures.
        curves: what it reads besides.
    """

    score: FloatArray
    weights: FloatArray
    modalities: tuple[str, ...]
    contributions: FloatArray
    quantity: Quantity = HOSTILITY
    curves: tuple[FusedCurve, ...] = ()


class Fusion(Protocol):
    """Fuses aligned tracks. Any subset of what it accepts may be there."""

    def prepare(self, tracks: Sequence[str], params: Params, ctx: Context) -> None:
        """Load weights; `tracks` are those that there are."""

    def fuse(self, grid: Aligned) -> Fused:
        """Fuse one stretch of the grid. A long medium comes in several, in order of time, each with the same tracks."""


@dataclass(frozen=True)
class Analysis:
    """All there is to export of one medium.

    Args:
        media: the medium.
        tracks: name → whole track.
        title: what to call it, usually the file's name.
        notes: plugin id → what its run recorded for the user.
        partial: why the analysis does not cover the whole medium, or empty.
        corrections: what people said instead of readings, which stay in their tracks as they were.
        span: start and end in s of the only stretch that is to be exported, to which the tracks are cut already;
            None for the whole medium.
    """

    media: MediaInfo
    tracks: Mapping[str, AnyTrack]
    title: str = ""
    notes: Mapping[str, Sequence[str]] | None = None
    partial: str = ""
    corrections: Sequence[Correction] = ()
    span: tuple[float, float] | None = None


class Exporter(Protocol):
    """Writes an analysis in one file format."""

    def export(self, analysis: Analysis, target: Path, params: Params) -> list[Path]:
        """Write to `target` (the file, or the folder if the format has several) and return what was written.

        Raises:
            mien.errors.ExportError: it cannot be written in that form or place.
        """
