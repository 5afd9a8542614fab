"""What the window remembers between two starts: recent media, theme, sizes. A small JSON file in the settings folder."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mien.config import config_dir

_log = logging.getLogger(__name__)
RECENT = 12


class WindowState(BaseModel):
    """Unknown fields of a newer version are kept out, and broken ones cost only themselves (see `load`)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    theme: Literal["system", "light", "dark"] = "system"
    text_scale: float = Field(default=1.0, ge=0.75, le=2.0)
    recent: tuple[str, ...] = ()
    geometry: str = ""
    splits: dict[str, list[int]] = Field(default_factory=dict)
    lanes: dict[str, Any] = Field(default_factory=dict)
    volume: float = Field(default=1.0, ge=0.0, le=1.0)


def path() -> Path:
    """Where it is kept."""
    return config_dir() / "window.json"


def load(place: Path | None = None) -> WindowState:
    """What was kept; fields that cannot be read have their defaults, for no such file may keep the window shut."""
    place = place or path()
    try:
        stored = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return WindowState()
    if not isinstance(stored, dict):
        return WindowState()
    try:
        return WindowState.model_validate(stored)
    except ValidationError as error:
        for name in {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}:
            stored.pop(name, None)
        _log.warning("some of what the window remembers is broken and was left out: %s", place)
        return WindowState.model_validate(stored)


def save(state: WindowState, place: Path | None = None) -> None:
    """Keep it, whole or not at all; a folder that may not be written is logged, not told: nothing of value is lost."""
    place = place or path()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".window-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(state.model_dump_json(indent=1))
        os.replace(name, place)
    except OSError:
        _log.warning("the window's state could not be kept", exc_info=True)


def with_recent(state: WindowState, medium: Path) -> WindowState:
    """The state with a medium at the head of the recent ones."""
    name = str(medium)
    return state.model_copy(update={"recent": (name, *(r for r in state.recent if r != name))[:RECENT]})
