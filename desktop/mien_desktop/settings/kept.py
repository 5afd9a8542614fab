"""What the window's owner chose that the engine has no setting for: shortcuts, and plugins that are switched off."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mien.config import config_dir

_log = logging.getLogger(__name__)


class Kept(BaseModel):
    """Kept beside the window's state.

    Args:
        shortcuts: `area/action` → key sequence in Qt's portable text, empty for none; only what differs from the defaults.
        disabled: names of plugins (of their entry points) that are not offered.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    shortcuts: dict[str, str] = Field(default_factory=dict)
    disabled: tuple[str, ...] = ()


def path() -> Path:
    """Where it is kept."""
    return config_dir() / "choices.json"


def load(place: Path | None = None) -> Kept:
    """What was kept; what cannot be read has its default, for no such file may keep the window shut."""
    place = place or path()
    try:
        stored = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Kept()
    if not isinstance(stored, dict):
        return Kept()
    try:
        return Kept.model_validate(stored)
    except ValidationError as error:
        for name in {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}:
            stored.pop(name, None)
        _log.warning("some of the kept choices are broken and were left out: %s", place)
        return Kept.model_validate(stored)


def save(kept: Kept, place: Path | None = None) -> None:
    """Keep it, whole or not at all; a folder that may not be written is logged."""
    place = place or path()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=place.parent, prefix=".choices-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(kept.model_dump_json(indent=1))
        os.replace(name, place)
    except OSError:
        _log.warning("the choices could not be kept", exc_info=True)
