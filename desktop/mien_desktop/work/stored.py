"""Small JSON files that the window keeps: read whatever is in them, written whole or not at all. No Qt in here."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

_log = logging.getLogger(__name__)
_Model = TypeVar("_Model", bound=BaseModel)


def read(place: Path) -> Any:
    """What a file holds; None where there is none, or none that can be read."""
    try:
        return json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def write(text: str, place: Path) -> None:
    """Write a file, and its folder; raises OSError, and then leaves what was there."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.stem}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, place)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def read_model(model: type[_Model], place: Path) -> _Model:
    """What was kept; fields that cannot be read have their defaults, for no such file may keep the window shut."""
    stored = read(place)
    if not isinstance(stored, dict):
        return model()
    try:
        return model.model_validate(stored)
    except ValidationError as error:
        for name in {str(fault["loc"][0]) for fault in error.errors() if fault["loc"]}:
            stored.pop(name, None)
        _log.warning("some of what the window remembers is broken and was left out: %s", place)
        return model.model_validate(stored)


def write_model(kept: BaseModel, place: Path) -> None:
    """Keep it; a folder that may not be written is logged, not told: nothing of value is lost."""
    # ASCII only: names of files may be no UTF-8.
    text = json.dumps(kept.model_dump(), indent=1)
    try:
        write(text, place)
    except OSError:
        _log.warning("what the window remembers could not be kept: %s", place, exc_info=True)
