"""Settings and folders, shared by the command line and the desktop.

A setting is taken from the environment (`MIEN_DEVICE`, `MIEN_OFFLINE`, …) if it is there, else from
`settings.toml` in the folder for settings, else it has its default. `MIEN_HOME` puts everything under one
folder. Light to import.
"""

from __future__ import annotations

import json
import os
import reprlib
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mien.errors import StorageError, UsageError

_APP = "mien"


def _home(environ: Mapping[str, str] | None = None) -> Path | None:
    place = (os.environ if environ is None else environ).get("MIEN_HOME")
    return Path(place).expanduser().absolute() if place else None


def data_dir() -> Path:
    """Where the library and the models of the user lie; nothing is made."""
    return _home() or platformdirs.user_data_path(_APP, appauthor=False)


def config_dir() -> Path:
    """Where the settings lie."""
    return _home() or platformdirs.user_config_path(_APP, appauthor=False)


def cache_dir() -> Path:
    """Where things lie that can be made again."""
    home = _home()
    return home / "cache" if home else platformdirs.user_cache_path(_APP, appauthor=False)


def log_dir() -> Path:
    """Where the logs lie."""
    home = _home()
    return home / "log" if home else platformdirs.user_log_path(_APP, appauthor=False)


def settings_path() -> Path:
    """The settings file, whether it is there or not."""
    return config_dir() / "settings.toml"


class Settings(BaseModel):
    """What a user chose once for all analyses."""

    # As of plugins: built when first needed.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = Field(
        "auto", description="What computes: auto, cpu, cuda, cuda:N or mps."
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="Numbers the models compute with; auto is what the device does well."
    )
    threads: int = Field(0, ge=0, le=1024, description="Processor threads to use; 0 takes all there are.")
    library: str = Field("", description="The library's file or database URL; empty for library.db in the data folder.")
    offline: bool = Field(False, description="Never use the network.")
    fusion: str = Field("late", min_length=1, description="The fusion used when none is named.")
    isolate: bool = Field(True, description="Run plugins of others in processes of their own.")
    plugin_seconds: int = Field(
        120, ge=1, le=86_400, description="Seconds that a plugin of others may take without a sign of life."
    )
    plugin_memory: int = Field(
        0,
        ge=0,
        le=1 << 24,
        description="Megabytes that a plugin of others may hold; 0 is half of the machine's memory.",
    )
    plugin_processes: int = Field(
        64, ge=0, le=100_000, description="Processes that a plugin of others may have started at a time."
    )

    def place(self) -> str:
        """The library's path or URL."""
        return self.library or str(data_dir() / "library.db")


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in force.

    Args:
        path: the file to read in place of the user's; it may be absent.
        environ: the environment, by default the process's.

    Raises:
        UsageError: the file or a variable says something that cannot be; the message names it.
    """
    path = path or settings_path()
    values = _read(path)
    _check(values, str(path))
    environ = os.environ if environ is None else environ
    texts = {name: environ.get(_variable(name), "").strip() for name in Settings.model_fields}
    given = {name: text for name, text in texts.items() if text}
    _check(given, "the environment", variables=True)
    return Settings.model_validate(values | given)


def save(changes: Mapping[str, Any], path: Path | None = None) -> Settings:
    """Write changed settings into the file, whole or not at all; None takes a setting back to its default.

    Returns:
        The settings that the file now holds (without what the environment says).

    Raises:
        UsageError: a value cannot be.
        StorageError: the file cannot be written.
    """
    path = path or settings_path()
    values = {name: value for name, value in (_read(path) | dict(changes)).items() if value is not None}
    settings = _check(values, str(path))
    lines = [f"{name} = {_toml(getattr(settings, name))}\n" for name in Settings.model_fields if name in values]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            try:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise
    except UnicodeEncodeError as error:
        raise UsageError(
            f"A setting cannot hold a name that is no UTF-8; give the file another name: {path}"
        ) from error
    except OSError as error:
        raise StorageError(
            f"The settings could not be written ({error.strerror}); allow it or set MIEN_HOME: {path}"
        ) from error
    return settings


def library_place() -> str:
    """The path or URL of the library that the settings name."""
    return load().place()


def offline() -> bool:
    """Whether the network may not be used."""
    return load().offline


def _variable(name: str) -> str:
    return f"MIEN_{name.upper()}"


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(
            f"The settings cannot be read ({error.strerror}); allow it or remove the file: {path}"
        ) from error
    except (ValueError, RecursionError) as error:  # broken TOML, no UTF-8, numbers of thousands of digits
        raise UsageError(
            f"The settings are no valid TOML ({str(error)[:200]}); mend or remove the file: {path}"
        ) from error


def _check(values: Mapping[str, Any], source: str, *, variables: bool = False) -> Settings:
    try:
        # A file has types; a variable is only text.
        return Settings.model_validate(values, strict=not variables)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        shown = _variable(name) if variables else name
        if first["type"] == "extra_forbidden":
            known = ", ".join(Settings.model_fields)
            raise UsageError(f"There is no setting {shown!r}; known are {known}: {source}") from error
        what = Settings.model_fields[name].description or ""
        raise UsageError(f"{shown} cannot be {reprlib.repr(first['input'])} ({what.rstrip('.')}): {source}") from error


def _toml(value: str | int | bool) -> str:
    # A JSON string is a TOML basic string once DEL, which JSON leaves alone, is escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
