"""One analyzer at work in a branch, and where the branch tells of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mien.engine.context import RunContext
from mien.engine.feeds import CropFeed, FrameFeed, UtteranceFeed, WindowFeed
from mien.engine.plan import Node
from mien.errors import MienError
from mien.sdk.inputs import Audio, Utterances
from mien.tracks.track import AnyTrack


@dataclass
class Member:
    """One analyzer at work: its object, its feeds and its account."""

    node: Node
    context: RunContext
    analyzer: Any = None
    windows: list[tuple[Audio, WindowFeed]] = field(default_factory=list)
    chunks: list[Audio] = field(default_factory=list)
    utterances: list[tuple[Utterances, UtteranceFeed]] = field(default_factory=list)
    frames: list[FrameFeed] = field(default_factory=list)
    crops: list[CropFeed] = field(default_factory=list)
    inbox: dict[str, list[AnyTrack]] = field(default_factory=dict)
    failed: str = ""
    rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Sink:
    """Where a branch tells what happens. All are called from the branch's thread."""

    piece: Callable[[Node, AnyTrack], None]
    failed: Callable[[Node, MienError | Exception], None]
    finished: Callable[[Node, Member], None]
