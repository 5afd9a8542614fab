"""Plugins with an environment of their own: which there are, from what was written down when they were installed.

Each has a folder `plugins/NAME` in Mien's data folder, with a virtual environment and `plugin.json`, which is written last:
a folder without it is no plugin. Light: no code of a plugin is imported, and no process started, to list them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien import config
from mien.errors import PluginError

FORMAT = 1
_LARGEST = 16 << 20


@dataclass(frozen=True)
class Installed:
    """One plugin project in its own environment.

    Args:
        name: of the distribution. version: its version.
        folder: of the plugin. environment: of its virtual environment, in that folder.
        modules: name, module and descriptors of each entry point, as `describe` told them.
        error: why it cannot be used, or empty.
    """

    name: str
    version: str
    folder: Path
    environment: Path
    modules: tuple[dict[str, Any], ...] = ()
    error: str = ""


def root() -> Path:
    """The folder of all plugins that have an environment of their own."""
    return config.data_dir() / "plugins"


def installed() -> list[Installed]:
    """All of them, those that cannot be read with the reason. Inside such an environment there are none."""
    try:
        folders = sorted(entry.path for entry in os.scandir(root()) if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
    if Path(sys.prefix).is_relative_to(root()):
        return []
    files = [Path(folder) / "plugin.json" for folder in folders]
    return [_read(file) for file in files if file.is_file()]


def _read(file: Path) -> Installed:
    folder = file.parent
    try:
        if file.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        told = json.loads(file.read_text("utf-8"))
        if told["format"] != FORMAT:
            raise ValueError("another version of Mien wrote it")
        name, version, environment = str(told["name"]), str(told["version"]), str(told["environment"])
        if Path(environment).name != environment or environment in ("", ".", ".."):
            raise ValueError("its environment lies elsewhere")
        modules = tuple(dict(entry) for entry in told["modules"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        return Installed(
            folder.name, "", folder, folder, error=f"its plugin.json cannot be read ({error}); install it again"
        )
    place = folder / environment
    gone = "" if os.path.exists(python(place)) else "its environment is gone; install it again"
    return Installed(name, version, folder, place, modules, gone)


def python(environment: Path | str) -> str:
    """The interpreter of an environment."""
    return os.path.join(environment, "Scripts" if os.name == "nt" else "bin", "python")


def asker(module: str, environment: Path) -> Callable[[str, dict[str, Any]], dict[str, Any]]:
    """Asks a plugin's process what it needs and writes under given parameters; it is kept, and then does the work too."""

    def ask(plugin: str, params: dict[str, Any]) -> dict[str, Any]:
        from mien.engine.isolation import pool
        from mien.engine.isolation.limits import Launch
        from mien.engine.isolation.proxy import Isolated, once

        launch = Launch(plugin, module, python(environment))
        found, _ = once(Isolated(launch, pool.limits()), {"do": "needs", "params": params}, "starting", None, ())
        if not isinstance(found.get("inputs"), list) or not isinstance(found.get("writes"), list):
            raise PluginError(f"{plugin} did not say what it needs.")
        return found

    return ask
