"""What an analysis tells while it goes on. Small, frozen and picklable: they cross from the worker to the front end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mien.sdk.media import MediaInfo
from mien.sdk.protocols import Explanation, FaceExplanation
from mien.tracks.track import AnyTrack

State = Literal["run", "cached", "skipped"]


@dataclass(frozen=True)
class PlannedPlugin:
    """One plugin of the plan: its id, title, whether it runs, is taken from the library or is skipped, and why."""

    id: str
    title: str
    state: State
    reason: str = ""


@dataclass(frozen=True)
class Started:
    """The medium was opened and the plan is made.

    Args:
        medium: its id, the hash of its content.
        media: what is known of it.
        plugins: in the order in which they depend on each other; the fusion comes last.
        problems: what is wrong with the medium, one sentence each.
        device: where the models run.
    """

    medium: str
    media: MediaInfo
    plugins: tuple[PlannedPlugin, ...]
    problems: tuple[str, ...] = ()
    device: str = ""


@dataclass(frozen=True)
class Progress:
    """How far one plugin is, from 0 to 1."""

    plugin: str
    fraction: float


@dataclass(frozen=True)
class Piece:
    """A plugin wrote a piece of a track; it is already in the library."""

    plugin: str
    track: AnyTrack


@dataclass(frozen=True)
class Failed:
    """One plugin failed; the others go on."""

    plugin: str
    reason: str


@dataclass(frozen=True)
class Finished:
    """One plugin is complete.

    Args:
        plugin: its id.
        rows: how many rows it wrote.
        seconds: time spent inside it.
        notes: what it recorded for the user.
    """

    plugin: str
    rows: int
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Done:
    """The medium is done.

    Args:
        medium: its id.
        runs: plugin id → key of its run in the library.
        failed: plugin id → reason.
        partial: why the analysis does not cover the whole medium, or empty.
        duration: s that were decoded.
        seconds: wall time.
    """

    medium: str
    runs: dict[str, str]
    failed: dict[str, str]
    partial: str
    duration: float
    seconds: float


@dataclass(frozen=True)
class MediumFailed:
    """The medium could not be analysed; the library is as it was. `exit_code` is that of `mien.errors`."""

    path: str
    reason: str
    exit_code: int
    kind: str = "MienError"


@dataclass(frozen=True)
class Explained:
    """Why an analyzer reads what it reads around `at` (s)."""

    plugin: str
    at: float
    explanation: Explanation | FaceExplanation


Event = Started | Progress | Piece | Failed | Finished | Done | MediumFailed | Explained
LAST = (Done, Explained, MediumFailed)
"""With one of these a job ends."""
