"""Mien: what is said, how it is said, what the face shows and how heated the exchange is. Importing it imports no torch."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mien.engine.analyze import analyze
    from mien.engine.registry import Registry
    from mien.engine.results import analysis_of
    from mien.library.library import Library
    from mien.media.probe import probe

__version__ = "0.1.0"
__all__ = ["Library", "Registry", "__version__", "analysis_of", "analyze", "probe"]

_LATER = {
    "analyze": "mien.engine.analyze",
    "Registry": "mien.engine.registry",
    "analysis_of": "mien.engine.results",
    "Library": "mien.library.library",
    "probe": "mien.media.probe",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(_LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
