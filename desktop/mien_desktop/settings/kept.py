"""What the window's owner chose that the engine has no setting for: shortcuts, and plugins that are switched off."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from mien.config import config_dir
from mien_desktop.work.stored import read_model, write_model


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
    return read_model(Kept, place or path())


def save(kept: Kept, place: Path | None = None) -> None:
    """Keep it, whole or not at all; a folder that may not be written is logged."""
    write_model(kept, place or path())
