"""The library: media, runs, tracks, corrections and the search over transcripts, in one database.

Light to import: SQLAlchemy comes with the first use of `Library`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.library.library import Library
    from mien.library.medium import Medium
    from mien.library.rows import Correction, Hit, Piece, Run, TrackInfo
    from mien.library.tracks import Tracks
    from mien.library.writer import RunWriter

__all__ = [
    "Correction",
    "Hit",
    "Library",
    "Medium",
    "Piece",
    "Run",
    "RunWriter",
    "TrackInfo",
    "Tracks",
]

_LATER = {
    "Library": "mien.library.library",
    "Medium": "mien.library.medium",
    **dict.fromkeys(("Correction", "Hit", "Piece", "Run", "TrackInfo"), "mien.library.rows"),
    "RunWriter": "mien.library.writer",
    "Tracks": "mien.library.tracks",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
