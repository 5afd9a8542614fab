"""What a reading is: Curve, Spans, Boxes, Features, with Quantity and Provenance.

Light to import: numpy comes with the first use of a track, pyarrow with the first table.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from mien.tracks.quantity import (
    AROUSAL,
    CONFLICT,
    DOMINANCE,
    EXPRESSION_QUANTITIES,
    EXPRESSIONS,
    HOSTILITY,
    VALENCE,
    Kind,
    Quantity,
    probability,
)

if TYPE_CHECKING:
    from mien.tracks.arrow import from_table, to_table
    from mien.tracks.track import AnyTrack, Boxes, Curve, Features, Provenance, Spans, Track

__all__ = [
    "AROUSAL",
    "CONFLICT",
    "DOMINANCE",
    "EXPRESSIONS",
    "EXPRESSION_QUANTITIES",
    "HOSTILITY",
    "VALENCE",
    "AnyTrack",
    "Boxes",
    "Curve",
    "Features",
    "Kind",
    "Provenance",
    "Quantity",
    "Spans",
    "Track",
    "from_table",
    "probability",
    "to_table",
]

_LATER = {
    **dict.fromkeys(("AnyTrack", "Boxes", "Curve", "Features", "Provenance", "Spans", "Track"), "mien.tracks.track"),
    **dict.fromkeys(("from_table", "to_table"), "mien.tracks.arrow"),
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
