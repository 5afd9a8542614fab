"""What the window remembers between two starts: recent media, theme, sizes. A small JSON file in the settings folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mien.config import config_dir
from mien_desktop.work.stored import read_model, write_model

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
    return read_model(WindowState, place or path())


def save(state: WindowState, place: Path | None = None) -> None:
    """Keep it, whole or not at all; a folder that may not be written is logged, not told: nothing of value is lost."""
    write_model(state, place or path())


def with_recent(state: WindowState, medium: Path) -> WindowState:
    """The state with a medium at the head of the recent ones."""
    name = str(medium)
    return state.model_copy(update={"recent": (name, *(r for r in state.recent if r != name))[:RECENT]})
